"""``jitvm lsp``: serve editors by the Language Server Protocol."""

from __future__ import annotations

import gc
import os
from argparse import Namespace
from typing import TYPE_CHECKING, BinaryIO, cast

from jitvm.cli import options
from jitvm.cli.exits import Exit, Failure

if TYPE_CHECKING:
    from jitvm.cli.parser import Parser

DESCRIPTION = """\
Serve editors by the Language Server Protocol, on standard input and output: errors and warnings as
one types, help, definitions, references, renames, symbols, completion, colours, formatting.

It is started by editors; docs/editors.md says how. Needs `pip install 'jitvm[lsp]'`.
"""

_OBJECTS = 100_000
"""Objects between looks for circles of them."""


def configure(parser: Parser) -> None:
    """Declare the arguments of ``jitvm lsp``."""
    parser.description = DESCRIPTION
    parser.add_argument(
        "--stdio", action="store_true", help="what is done anyway; many editors pass it"
    )
    options.guest_alone(parser)


def execute(arguments: Namespace) -> int:
    """Serve until the editor says so; return the exit code."""
    from jitvm.platform import registry

    if arguments.guest is not None:
        platforms = [options.named(arguments.guest)]
    else:
        platforms = [row.load() for row in registry.BUILT_IN]
    languages = [each for platform in platforms if (each := platform.language) is not None]
    if not languages:
        raise Failure(f"{arguments.guest}: has no language of sources")
    # Nothing here makes circles of objects, and a keystroke makes ten thousand of them.
    gc.set_threshold(_OBJECTS, 50, 100)
    try:
        from jitvm.lsp import deferred

        deferred.load()
        from jitvm.lsp.server import serve
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] not in ("attrs", "pygls", "lsprotocol"):
            raise
        raise Failure("the language server needs pygls: `pip install 'jitvm[lsp]'`") from error
    gc.freeze()
    with _copy(0, "rb") as stdin, _copy(1, "wb") as stdout:
        return Exit.OK if serve(languages, stdin, stdout) else Exit.FAILURE


def _copy(descriptor: int, mode: str) -> BinaryIO:
    """A stream of its own to a standard one, which pygls may close."""
    return cast("BinaryIO", os.fdopen(os.dup(descriptor), mode))

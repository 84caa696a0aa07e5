"""Sources as `fmt` and `lint` take them: files, folders, or standard input.

A folder stands for all sources in it. What cannot be read is told of and left out, so that one
file does not keep the others from being looked at.
"""

from __future__ import annotations

import os
import sys

from jitvm.cli import options
from jitvm.cli.exits import Exit, Failure
from jitvm.engine.tables.names import shown

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator

    from jitvm.platform import Platform
    from jitvm.platform.language import Language

STDIN = "-"


class Refusals:
    """What goes wrong with single files.

    Attributes:
        code: what the command ends with because of it.
    """

    def __init__(self) -> None:
        self.code = Exit.OK

    def tell(self, message: str) -> None:
        """Print an error; multi-line ones are diagnostics, which name their files themselves."""
        text = message if "\n" in message else f"jitvm: error: {shown(message)}"
        print(text, file=sys.stderr)
        self.code = Exit.USAGE


def language_of(arguments: Namespace, path: str) -> tuple[Platform, Language]:
    """The language of a source: of --guest, or by its suffix.

    Raises:
        Failure: that guest has no language.
    """
    from jitvm.platform import registry

    if arguments.guest is not None:
        platform = options.named(arguments.guest)
    else:
        platform = registry.of_tool(path)
    language = platform.language
    if language is None:
        raise Failure(f"{path}: {platform.name} has no language of sources")
    return platform, language


def files(arguments: Namespace, paths: list[str]) -> Iterator[str]:
    """The files that paths stand for, each once.

    Raises:
        Failure: a folder has no sources.
    """
    known: set[str] = set()
    for path in paths:
        found = [path]
        if path != STDIN and os.path.isdir(path):
            _, language = language_of(arguments, path)
            found = [_near(each) for each in language.workspace([path]).sources({})]
            if not found:
                raise Failure(f"{path}: there are no sources in this folder")
        for each in found:
            if each not in known:
                known.add(each)
                yield each


def _near(path: str) -> str:
    """A path as people call it: from the current folder on, where it is in it."""
    here = os.path.realpath(os.curdir)
    return os.path.relpath(path, here) if path.startswith(f"{here}/") else path


def read_text(path: str) -> str:
    """A source's text; undecodable bytes are escaped, as `written` gives them back.

    Raises:
        Failure: it cannot be read, or is not UTF-8 but some other encoding of text.
    """
    from jitvm.platform.widetext import wide_encoding

    try:
        if path == STDIN:
            if sys.stdin is None:
                raise Failure("standard input is closed; name a source")
            data = sys.stdin.buffer.read()
        else:
            with open(path, "rb") as file:
                data = file.read()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise Failure(f"{path}: cannot be read: {reason}; check the path") from error
    encoding = wide_encoding(data)
    if encoding is not None:
        raise Failure(f"{path}: it is {encoding} text; save it as UTF-8")
    return data.decode("utf-8", "surrogateescape")


def written(text: str) -> bytes:
    """The bytes of a text that was read by `read_text`."""
    return text.encode("utf-8", "surrogateescape")

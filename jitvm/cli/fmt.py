"""``jitvm fmt``: format sources."""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import TYPE_CHECKING

from jitvm.cli import options
from jitvm.cli.exits import Exit, Failure
from jitvm.cli.outfile import print_bytes, write_files
from jitvm.cli.sourcepaths import STDIN, Refusals, files, language_of, read_text, written
from jitvm.engine.tables.names import shown, shown_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jitvm.cli.parser import Parser

DESCRIPTION = """\
Format sources: blanks, indentation, columns of comments. Words, comments and lines stay as they
are, so what a source assembles to stays the same; one for which it would not is left alone.

A folder stands for all sources in it. Formatting twice is formatting once.
"""

EXAMPLES = """\
examples:
  jitvm fmt game.tal lib/            format a file, and all in a folder
  jitvm fmt --check .                list what is not formatted; exit code 1 if there is any
  jitvm fmt --diff game.tal          show what would change
  jitvm fmt - < a.tal > b.tal        from standard input to standard output
"""


def configure(parser: Parser) -> None:
    """Declare the arguments of ``jitvm fmt``."""
    parser.description = DESCRIPTION
    parser.epilog = EXAMPLES
    parser.add_argument("sources", metavar="SOURCE", nargs="+", help="files, folders, - for stdin")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit code 1 if something would change"
    )
    parser.add_argument("--diff", action="store_true", help="write nothing, show what would change")
    options.guest_alone(parser)


def execute(arguments: Namespace) -> int:
    """Format; return the exit code."""
    is_dry = arguments.check or arguments.diff
    refusals = Refusals()
    changed = same = 0
    for path, before, after in _formatted(arguments, refusals):
        if arguments.diff:
            sys.stdout.write("".join(_difference(path, before, after)))
        elif path == STDIN and not is_dry:
            print_bytes(written(after))
        elif after != before and is_dry:
            print(shown(path))
        elif after != before:
            write_files({path: written(after)})
        changed += after != before
        same += after == before
    if not is_dry and arguments.sources != [STDIN]:
        print(f"{changed} formatted, {same} as they were", file=sys.stderr)
    if refusals.code:
        return refusals.code
    return Exit.FOUND if arguments.check and changed else Exit.OK


def _formatted(arguments: Namespace, refusals: Refusals) -> Iterator[tuple[str, str, str]]:
    """Sources: their paths, and texts before and after."""
    from jitvm.platform import SourceError
    from jitvm.platform.language import LanguageError

    for path in files(arguments, arguments.sources):
        try:
            _, language = language_of(arguments, path)
            text = read_text(path)
            yield path, text, language.formatted(text, "<stdin>" if path == STDIN else path)
        except (Failure, LanguageError) as error:
            refusals.tell(str(error))
        except SourceError as error:
            refusals.tell(f"{error}\n{shown(path)}: not formatted")


def _difference(path: str, before: str, after: str) -> Iterator[str]:
    """A unified diff."""
    from difflib import unified_diff

    name = shown("<stdin>" if path == STDIN else path)
    for line in unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), name, name
    ):
        yield shown_lines(line.rstrip("\r\n").replace("\t", "    ")) + "\n"

"""``jitvm coverage``: which lines, branches and opcodes of guest programs are executed."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from typing import TYPE_CHECKING

from jitvm.cli import options
from jitvm.cli.exits import Exit, Failure, interrupted
from jitvm.cli.headless import FRAMES
from jitvm.cli.values import positive
from jitvm.engine.tables.names import shown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

    from jitvm.cli.parser import Parser
    from jitvm.coverage.results import Coverage
    from jitvm.platform.computer import Computer
    from jitvm.platform.output import Closed, Stream

DATA_FILE = ".jitvm-coverage"
BELOW = Exit.USAGE
"""What `report --fail-under` ends with, as coverage.py does."""

DESCRIPTION = """\
Tell which lines, branches and opcodes of guest programs are executed: exactly, with the JIT on,
at hardly any cost.

`run` runs a program as `jitvm run` does (one with a screen without showing it) and writes
.jitvm-coverage; the other actions read it, or the files that are named, taken together.
"""

EXAMPLES = """\
examples:
  jitvm coverage run calc.tal "1 + 2"
  jitvm coverage run -a calc.tal "6 / 0"       another run, added to the first
  jitvm coverage report -m                     a table, with lines that were not executed
  jitvm coverage html                          coverage.html
  jitvm coverage lcov                          coverage.lcov, for genhtml and services
  jitvm coverage xml a.cov b.cov -o -          Cobertura's form, of two files
  jitvm coverage report --fail-under 90
"""


def _percent(text: str) -> float:
    """A type for argparse: a number from 0 to 100."""
    from argparse import ArgumentTypeError

    try:
        number = float(text)
    except ValueError:
        number = -1
    if not 0 <= number <= 100:
        raise ArgumentTypeError(f"{shown(text)} is no percentage from 0 to 100")
    return number


def configure(parser: Parser) -> None:
    """Declare the arguments of ``jitvm coverage``."""
    parser.description = DESCRIPTION
    parser.epilog = EXAMPLES
    actions = parser.add_subparsers(title="actions", metavar="ACTION", dest="action", required=True)
    run = actions.add_parser("run", help="run a program and write what was executed")
    _configure_run(run)
    report = actions.add_parser("report", help="print a table")
    _files(report)
    report.add_argument(
        "-m", "--show-missing", action="store_true", help="list lines that were not executed"
    )
    report.add_argument(
        "--fail-under",
        metavar="PERCENT",
        type=_percent,
        help=f"end with {int(BELOW)} if the total is less",
    )
    for name, about in (
        ("html", "write a page of HTML"),
        ("lcov", "write a tracefile of LCOV"),
        ("xml", "write XML as Cobertura does"),
        ("combine", "write one file of results"),
    ):
        _configure_written(actions.add_parser(name, help=about), name)


def _configure_run(run: Parser) -> None:
    run.add_argument("program", metavar="PROGRAM", help="its file, - for stdin")
    options.rest(run)
    options.guest(run)
    run.add_argument("--data-file", metavar="FILE", default=DATA_FILE, help="default: %(default)s")
    run.add_argument(
        "-a", "--append", action="store_true", help="add to the file what this run executes"
    )
    options.tier(run)
    options.settings(run)
    options.time_limit(run)
    run.add_argument(
        "--frames",
        metavar="N",
        type=positive(int, "a number of frames"),
        help=f"run so many frames of a program with a screen (default: {FRAMES})",
    )
    run.add_argument("--input", metavar="FILE", help="a script of its user's input")
    options.files(run)
    options.clock(run)
    options.source(run)


def _files(parser: Parser) -> None:
    parser.add_argument(
        "files", metavar="FILE", nargs="*", help=f"files of results (default: {DATA_FILE})"
    )


def _configure_written(parser: Parser, name: str) -> None:
    _files(parser)
    default = DATA_FILE if name == "combine" else f"coverage.{name}"
    parser.add_argument(
        "-o", "--out", metavar="OUT", default=default, help="default: %(default)s; - stdout"
    )


def execute(arguments: Namespace) -> int:
    """Run or report; return the exit code."""
    from jitvm.coverage.results import CoverageError

    try:
        if arguments.action == "run":
            return _run(arguments)
        return _tell(arguments)
    except CoverageError as error:
        raise Failure(str(error)) from error


# -- run -----------------------------------------------------------------------------------------


def _run(arguments: Namespace) -> int:
    from jitvm.cli.outfile import write_files
    from jitvm.coverage.collecting import Collector
    from jitvm.coverage.results import load, to_bytes
    from jitvm.engine.machine.machine import Tier

    before = None
    if arguments.append and os.path.exists(arguments.data_file):
        before = load(arguments.data_file)
    loaded = options.load(arguments)
    computer = options.computer(
        arguments,
        loaded,
        args=arguments.arguments,
        tier=Tier(arguments.tier),
        params=options.parameters(arguments.parameters),
        stdout=_stream(sys.stdout),
        stderr=_stream(sys.stderr),
    )
    collector = Collector(computer)
    try:
        code = _run_to_its_end(arguments, computer)
    except KeyboardInterrupt as stop:  # what was executed until then is worth telling
        code = interrupted(stop)
    found = collector.coverage()
    if before is not None:
        before.add(found)
        found = before
    write_files({arguments.data_file: to_bytes(found)})
    return code


def _stream(stream: TextIO | None) -> Stream | Closed:
    """Where the program's output goes."""
    from jitvm.platform.output import CLOSED

    return CLOSED if stream is None else stream.buffer


def _run_to_its_end(arguments: Namespace, computer: Computer) -> int:
    """Run a program as what it is; its exit code, or that of a limit."""
    from jitvm.cli.headless import run
    from jitvm.platform.evaluator import Ending, LimitReached

    script, stdin = options.script(arguments.input), options.stdin(arguments)
    with computer.limited(time_limit=arguments.time_limit):
        try:
            computer.boot()
            if computer.is_graphical or arguments.frames:
                ending = run(computer, arguments.frames or FRAMES, script, stdin)
            else:
                ending = computer.run_console(stdin)
        except LimitReached as reached:
            ending = reached.ending
        finally:
            computer.output.flush()
            computer.close()
    return int(Exit.TIME_LIMIT) if ending is Ending.TIME else computer.exit_code


# -- told ----------------------------------------------------------------------------------------


def _tell(arguments: Namespace) -> int:
    from jitvm.coverage.results import merged

    coverage = merged(arguments.files or [DATA_FILE])
    if arguments.action == "report":
        from jitvm.coverage.text import table

        print(table(coverage, missing=arguments.show_missing), end="")
        least, total = arguments.fail_under, 100 * coverage.totals.share
        if least is not None and total < least:
            raise Failure(f"{total:.4g}% in total, less than --fail-under {least:g}", BELOW)
        return Exit.OK
    from jitvm.cli.outfile import print_bytes, write_files

    data = _written(arguments.action, coverage)
    if arguments.out == "-":
        print_bytes(data)
    else:
        write_files({arguments.out: data})
    return Exit.OK


def _written(form: str, coverage: Coverage) -> bytes:
    """Coverage in a form of files."""
    if form == "lcov":
        from jitvm.coverage.formats import lcov

        return lcov(coverage).encode("utf-8", "surrogateescape")
    if form == "xml":
        from time import time

        from jitvm.coverage.formats import cobertura

        return cobertura(coverage, int(time())).encode("utf-8", "backslashreplace")
    if form == "html":
        from jitvm.coverage.page import page

        return page(coverage, _sources(coverage)).encode("utf-8", "backslashreplace")
    from jitvm.coverage.results import to_bytes

    return to_bytes(coverage)


def _sources(coverage: Coverage) -> dict[str, Sequence[str]]:
    """Lines of sources that are as they were."""
    from hashlib import sha256

    found: dict[str, Sequence[str]] = {}
    for name, file in coverage.by_name():
        try:
            with open(name, "rb") as source:
                data = source.read()
        except (OSError, ValueError):
            continue
        if sha256(data).hexdigest() == file.digest:
            found[name] = data.decode("utf-8", "replace").split("\n")
    return found

"""Running a program for what becomes native of it: `jitvm explain` and `jitvm compile`."""

from __future__ import annotations

from argparse import Namespace

from jitvm.cli import options
from jitvm.cli.exits import Exit, Failure
from jitvm.cli.headless import FRAMES
from jitvm.cli.values import positive

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from typing import BinaryIO

    from jitvm.cli.parser import Parser
    from jitvm.platform.computer import Computer
    from jitvm.platform.script import Script


def configure(parser: Parser, seconds: float) -> None:
    """Declare the arguments that say how it runs; so long at most by default."""
    parser.add_argument("--input", metavar="FILE", help="its standard input (default: empty)")
    parser.add_argument(
        "--arg",
        metavar="WORD",
        dest="arguments",
        action="append",
        default=[],
        help="an argument for the program; may be repeated",
    )
    parser.add_argument("--script", metavar="FILE", help="a script of its user's input")
    parser.add_argument(
        "--frames",
        metavar="N",
        type=positive(int, "a number of frames"),
        help=f"run so many frames of a program with a screen (default: {FRAMES})",
    )
    options.time_limit(parser, "seconds to run it at most (default: %(default)s)", default=seconds)
    options.settings(parser)
    options.files(parser)
    options.clock(parser)
    options.source(parser)
    options.guest(parser)


def run_to_the_end(arguments: Namespace, computer: Computer, script: Script | None) -> None:
    """Run a program until it ends or its time is up, with its frames if it has a screen.

    Raises:
        Failure: its standard input cannot be read.
    """
    from jitvm.cli.headless import run
    from jitvm.platform.evaluator import LimitReached

    with (
        _input_of(arguments.input) as stdin,
        computer.limited(time_limit=arguments.time_limit),
    ):
        try:
            computer.boot()
            if computer.is_graphical or arguments.frames:
                run(computer, arguments.frames or FRAMES, script, stdin)
            else:
                computer.run_console(stdin)
        except LimitReached:
            return  # what became hot until then is what there is
        finally:
            computer.close()


def _input_of(path: str | None) -> BinaryIO:
    """A program's standard input: a file, or nothing."""
    from os import devnull

    try:
        return open(path or devnull, "rb", buffering=0)
    except OSError as error:
        raise Failure(f"--input {path}: cannot be read: {error.strerror}") from error


def nothing_hot(arguments: Namespace) -> Failure:
    """That there is nothing to show or keep, and what to do."""
    return Failure(
        f"{arguments.program}: nothing in it became hot within {arguments.time_limit:g} s; "
        "run it longer (--time-limit), give it input (--input, --arg, --script), or lower "
        "-O hot=N",
        Exit.FAILURE,
    )

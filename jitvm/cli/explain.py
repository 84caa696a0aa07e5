"""``jitvm explain``: what the JIT made of a program's hot code, or why it compiled nothing."""

from __future__ import annotations

from argparse import Namespace

from jitvm.cli import options
from jitvm.cli.exits import Exit, Failure
from jitvm.cli.headless import FRAMES
from jitvm.cli.values import positive, settings

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, BinaryIO

    from jitvm.cli.options import Loaded
    from jitvm.cli.parser import Parser
    from jitvm.platform.computer import Computer
    from jitvm.platform.script import Script

STAGES = ("guest", "exits", "ir", "llvm", "asm")
"""As `jitvm.profiling.explanation` has them; that is not imported for a help text."""

DESCRIPTION = """\
Run a program with the JIT, then show what became of its hottest loop, or of the code
at ADDRESS (hexadecimal, or a label): guest code, exits with their counts, region IR,
LLVM IR and assembly. If the code is not native: why, and what to do.

The program's output is dropped; it runs until it ends or the time is up. A program with
a screen runs its frames as fast as possible, without a window.
"""

EXAMPLES = """\
examples:
  jitvm explain life.tal                         the hottest loop, all stages
  jitvm explain life.tal draw --stage ir         the region IR of what contains @draw
  jitvm explain wc.rom 0x0143 --input notes.txt  the code at an address
  jitvm explain calc.tal --arg '6 * 7'           with an argument for the program
  jitvm explain game.rom --script play.txt       with its user's input
  jitvm explain life.tal --list                  all regions, one line each
"""


def configure(parser: Parser) -> None:
    """Declare the arguments of ``jitvm explain``."""
    parser.description = DESCRIPTION
    parser.epilog = EXAMPLES
    parser.add_argument("program", metavar="PROGRAM", help="its file, - for stdin")
    parser.add_argument("address", metavar="ADDRESS", nargs="?", help="hexadecimal, or a label")
    parser.add_argument(
        "--stage", choices=STAGES, action="append", help="show only this; may be repeated"
    )
    parser.add_argument("--list", action="store_true", help="list all regions instead")
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
    options.time_limit(parser, "seconds to run it at most (default: %(default)s)", default=2.0)
    options.settings(parser)
    options.files(parser)
    options.clock(parser)
    options.source(parser)
    options.guest(parser)
    parser.add_argument("--json", action="store_true", help="as one JSON object")


def execute(arguments: Namespace) -> int:
    """Run the program and print; return the exit code."""
    from jitvm.profiling.explanation import Explanation, find

    loaded = options.load(arguments)
    program, platform = loaded.program, loaded.platform
    options.naming(program)
    address = None
    if arguments.address is not None:
        try:
            address = find(program, platform, arguments.address)
        except ValueError as error:
            raise Failure(str(error)) from error
    machine = _run(arguments, loaded).machine
    explanation = Explanation(machine, program, platform, address, arguments.stage or STAGES)
    if arguments.list:
        _print(arguments, explanation.list_text, explanation.list_dict)
    elif address is None and not explanation.regions:
        raise Failure(
            f"{arguments.program}: nothing in it became hot within {arguments.time_limit:g} s; "
            "run it longer (--time-limit), give it input (--input, --arg, --script), or lower "
            "-O hot=N",
            Exit.FAILURE,
        )
    else:
        _print(arguments, explanation.__str__, explanation.as_dict)
    return Exit.OK


def _print(
    arguments: Namespace, text: Callable[[], str], facts: Callable[[], dict[str, Any]]
) -> None:
    if arguments.json:
        from json import dumps

        print(dumps(facts(), indent=2))
    else:
        print(text())


# -- running -------------------------------------------------------------------------------------


def _run(arguments: Namespace, loaded: Loaded) -> Computer:
    from jitvm.engine.machine.explain import keep_text
    from jitvm.engine.machine.machine import Tier
    from jitvm.engine.tables.params import ParameterError

    script = options.script(arguments.script)
    computer = options.computer(arguments, loaded, args=arguments.arguments, tier=Tier.JIT)
    if computer.machine.native is None:
        raise Failure("nothing to explain: nothing can become native here", Exit.FAILURE)
    try:
        keep_text(computer.machine, settings(arguments.parameters))
    except ParameterError as error:
        raise Failure(str(error)) from error
    with input_of(arguments.input) as stdin:
        run_to_the_end(arguments, computer, script, stdin)
    return computer


def run_to_the_end(
    arguments: Namespace, computer: Computer, script: Script | None, stdin: BinaryIO
) -> None:
    """Run a program until it ends or its time is up, with its frames if it has a screen."""
    from jitvm.cli.headless import run
    from jitvm.platform.evaluator import LimitReached

    with computer.limited(time_limit=arguments.time_limit):
        try:
            computer.boot()
            if computer.is_graphical or arguments.frames:
                run(computer, arguments.frames or FRAMES, script, stdin)
            else:
                computer.run_console(stdin)
        except LimitReached:
            return  # what became hot until then is what there is to explain
        finally:
            computer.close()


def input_of(path: str | None) -> BinaryIO:
    """A program's standard input: a file, or nothing.

    Raises:
        Failure: it cannot be read.
    """
    from os import devnull

    try:
        return open(path or devnull, "rb", buffering=0)
    except OSError as error:
        raise Failure(f"--input {path}: cannot be read: {error.strerror}") from error

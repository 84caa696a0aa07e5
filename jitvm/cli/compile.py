"""``jitvm compile``: compile a program ahead of its runs."""

from __future__ import annotations

from argparse import Namespace

from jitvm.cli import options
from jitvm.cli.exits import Exit, Failure
from jitvm.cli.headless import FRAMES
from jitvm.cli.values import positive

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from jitvm.cli.parser import Parser
    from jitvm.engine.jit.jit import Jit

DESCRIPTION = """\
Compile a program ahead of time: run it once, with input that is like that of later
runs, compile thoroughly what was hot, and keep it in the code cache. Later runs of
`jitvm run` begin with it. A second `jitvm compile`, with other input, adds to it.

The program's output is dropped; it runs until it ends or the time is up. A program with
a screen runs its frames as fast as possible, without a window.
"""

EXAMPLES = """\
examples:
  jitvm compile wc.rom --input notes.txt      with standard input
  jitvm compile calc.tal --arg '6 * 7'        with an argument for the program
  jitvm compile game.rom --script play.txt    with its user's input
  jitvm compile --time-limit 30 life.tal      for longer
"""


def configure(parser: Parser) -> None:
    """Declare the arguments of ``jitvm compile``."""
    parser.description = DESCRIPTION
    parser.epilog = EXAMPLES
    parser.add_argument("program", metavar="PROGRAM", help="its file, - for stdin")
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
    options.time_limit(parser, "seconds to run it at most (default: %(default)s)", default=10.0)
    options.settings(parser)
    options.files(parser)
    options.clock(parser)
    options.source(parser)
    options.guest(parser)


def execute(arguments: Namespace) -> int:
    """Run the program, compile, and keep what came of it; return the exit code."""
    from jitvm.cli.explain import input_of, run_to_the_end
    from jitvm.engine.machine.machine import Tier

    loaded = options.load(arguments)
    script = options.script(arguments.script)
    params = options.parameters(arguments.parameters)
    computer = options.computer(
        arguments, loaded, args=arguments.arguments, tier=Tier.JIT, params=params
    )
    machine = computer.machine
    if machine.native is None:
        raise Failure("nothing to compile: nothing can become native here", Exit.FAILURE)
    machine.hurry_jit()
    with input_of(arguments.input) as stdin:
        run_to_the_end(arguments, computer, script, stdin)
    machine.compile_rest()
    if machine.jit is None or not machine.jit.regions:
        raise Failure(
            f"{arguments.program}: nothing in it became hot within {arguments.time_limit:g} s; "
            "run it longer (--time-limit), give it input (--input, --arg, --script), or lower "
            "-O hot=N",
            Exit.FAILURE,
        )
    print(f"{arguments.program}: {_told(machine.jit)}")
    return Exit.OK


def _told(jit: Jit) -> str:
    regions = list(jit.regions.values())
    size = sum(len(each.compiled.machine_code) for each in regions)
    new = jit.statistics.compiled - jit.statistics.kept
    return f"{len(regions)} regions, {size} bytes of machine code; {new} compilations"

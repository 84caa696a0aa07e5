"""``jitvm compile``: compile a program ahead of its runs."""

from __future__ import annotations

from argparse import Namespace

from jitvm.cli import options, trial
from jitvm.cli.exits import Exit, Failure

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
    trial.configure(parser, seconds=10.0)


def execute(arguments: Namespace) -> int:
    """Run the program, compile, and keep what came of it; return the exit code."""
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
    trial.run_to_the_end(arguments, computer, script)
    machine.compile_rest()
    if machine.jit is None or not machine.jit.regions:
        raise trial.nothing_hot(arguments)
    print(f"{arguments.program}: {_told(machine.jit)}")
    return Exit.OK


def _told(jit: Jit) -> str:
    regions = list(jit.regions.values())
    size = sum(len(each.compiled.machine_code) for each in regions)
    new = jit.statistics.compiled - jit.statistics.kept
    return f"{len(regions)} regions, {size} bytes of machine code; {new} compilations"

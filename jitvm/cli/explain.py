"""``jitvm explain``: what the JIT made of a program's hot code, or why it compiled nothing."""

from __future__ import annotations

from argparse import Namespace

from jitvm.cli import options, trial
from jitvm.cli.exits import Exit, Failure
from jitvm.cli.values import settings

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from jitvm.cli.options import Loaded
    from jitvm.cli.parser import Parser
    from jitvm.platform.computer import Computer

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
    trial.configure(parser, seconds=2.0)
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
        raise trial.nothing_hot(arguments)
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
    trial.run_to_the_end(arguments, computer, script)
    return computer

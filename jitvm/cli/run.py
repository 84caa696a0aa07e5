"""``jitvm run``: run a program as the reference console emulator does."""

from __future__ import annotations

import errno
import sys
from argparse import REMAINDER, ArgumentTypeError, Namespace
from time import perf_counter

from jitvm.cli.exits import Exit, Failure, exit_table
from jitvm.cli.values import positive, settings
from jitvm.engine.machine import Tier

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from datetime import datetime
    from typing import BinaryIO

    from jitvm.cli.parser import Parser
    from jitvm.engine.params import Parameters
    from jitvm.guests.uxn.varvara.computer import Computer
    from jitvm.guests.uxn.varvara.evaluator import Ending
    from jitvm.guests.uxn.varvara.program import Program

DESCRIPTION = """\
Run a Uxn program: a ROM, a Uxntal source, or either from standard input (-).

Everything behind PROGRAM goes to the program, options too. The program reads and
writes this terminal, and files in the current folder only (see --sandbox).
"""

EXAMPLES = """\
examples:
  jitvm run hello.tal                         assemble and run
  jitvm run wc.rom < notes.txt                give it input
  jitvm run --sandbox out edit.rom -n a.txt   give it a folder, and arguments
  jitvm run --max-instructions 1000000 --stats fib.rom
  curl -s https://example.org/x.rom | jitvm run --no-files -

"""

TIERS = {
    Tier.REFERENCE: "Python integers, slow and plain",
    Tier.INTERPRETER: "native code, one function an opcode",
    Tier.JIT: "native code made of what the program does most",
    Tier.IR: "as jit, with regions interpreted instead of compiled, for debugging",
}


def configure(parser: Parser) -> None:
    """Declare the arguments of ``jitvm run``."""
    parser.description = DESCRIPTION
    parser.epilog = EXAMPLES + exit_table()
    parser.rest = ("program", "arguments")
    parser.add_argument("program", metavar="PROGRAM", help=".rom or .tal file, - for stdin")
    parser.add_argument(
        "arguments", metavar="ARGS", nargs=REMAINDER, help="arguments for the program"
    )
    tiers = "; ".join(f"{tier}: {about}" for tier, about in TIERS.items())
    speed = parser.add_argument_group("what executes the program")
    which = speed.add_mutually_exclusive_group()
    which.add_argument(
        "--tier",
        choices=[tier.value for tier in TIERS],
        default=Tier.JIT.value,
        help=f"default: %(default)s. {tiers}",
    )
    which.add_argument(
        "--jit", dest="tier", action="store_const", const=Tier.JIT.value, help="same as --tier jit"
    )
    which.add_argument(
        "--no-jit",
        dest="tier",
        action="store_const",
        const=Tier.INTERPRETER.value,
        help="same as --tier interpreter",
    )
    speed.add_argument(
        "-O",
        dest="parameters",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="set a parameter of the JIT, any number of times; `jitvm params` lists them",
    )
    limits = parser.add_argument_group("limits")
    limits.add_argument(
        "--max-instructions",
        metavar="N",
        type=positive(int, "a whole number of instructions"),
        help="stop exactly after N instructions, all vectors together",
    )
    limits.add_argument(
        "--time-limit",
        metavar="SECONDS",
        type=positive(float, "a number of seconds"),
        help="stop after so many seconds",
    )
    world = parser.add_argument_group("the program's world")
    files = world.add_mutually_exclusive_group()
    files.add_argument("--sandbox", metavar="DIR", help="the folder its files are in (default: .)")
    files.add_argument("--no-files", action="store_true", help="give it no files at all")
    world.add_argument(
        "--clock",
        metavar="ISO8601",
        type=_moment,
        help="a fixed time, such as 2024-02-29T12:00, for runs that repeat",
    )
    world.add_argument(
        "--legacy", action="store_true", help="accept the Uxntal of 2021 to 2023 in sources"
    )
    report = parser.add_argument_group("report")
    report.add_argument(
        "--stats",
        action="store_true",
        help="count instructions (slower) and show a table on stderr",
    )
    report.add_argument("--json", action="store_true", help="the same as one JSON object on stderr")


def execute(arguments: Namespace) -> int:
    """Run the program; return its exit code or the limit's."""
    from jitvm.engine.block import BlockError
    from jitvm.guests.uxn.varvara.evaluator import Ending
    from jitvm.guests.uxn.varvara.output import OutputError

    try:
        computer = _computer(arguments, _program(arguments))
    except BlockError as error:
        raise Failure(str(error), Exit.FAILURE) from error
    counts = arguments.stats or arguments.json
    computer.machine.counting = counts
    begin = perf_counter()
    stdin = None if arguments.program == "-" else _stdin()
    try:
        ending = computer.run_console(
            stdin,
            max_instructions=arguments.max_instructions,
            time_limit=arguments.time_limit,
        )
        seconds = perf_counter() - begin
        if counts:
            _report(arguments, computer, ending, seconds)
    except OutputError as error:
        if error.errno == errno.EPIPE:
            return Exit.BROKEN_PIPE
        hint = "free some space" if error.errno == errno.ENOSPC else "redirect it elsewhere"
        raise Failure(f"{error}; {hint}", Exit.FAILURE) from error
    return {
        Ending.EXIT: computer.exit_code,
        Ending.TIME: int(Exit.TIME_LIMIT),
        Ending.INSTRUCTIONS: int(Exit.INSTRUCTION_LIMIT),
    }[ending]


# -- setting up ----------------------------------------------------------------------------------


def _program(arguments: Namespace) -> Program:
    from jitvm.cli.sources import Reported
    from jitvm.guests.uxn.varvara.program import load_program, read_program

    with Reported():
        if arguments.program == "-":
            stream = _stdin()
            if stream is None:
                raise Failure("standard input is closed; name a program or pipe one in")
            return read_program(stream, name="<stdin>", legacy=arguments.legacy)
        return load_program(arguments.program, legacy=arguments.legacy)


def _computer(arguments: Namespace, program: Program) -> Computer:
    from jitvm.guests.uxn.varvara.computer import Computer
    from jitvm.guests.uxn.varvara.output import CLOSED

    moment: datetime | None = arguments.clock
    return Computer(
        program.rom,
        args=arguments.arguments,
        tier=Tier(arguments.tier),
        params=_parameters(arguments.parameters),
        sandbox=None if arguments.no_files else _folder(arguments.sandbox or "."),
        clock=None if moment is None else lambda: moment,
        stdout=CLOSED if sys.stdout is None else sys.stdout.buffer,
        stderr=CLOSED if sys.stderr is None else sys.stderr.buffer,
    )


def _parameters(words: list[str]) -> Parameters | None:
    """What -O and the environment say; None where they say nothing, which is not worth an import.

    Here, because what is wrong with them has to be told before the program runs.
    """
    import os

    if not words and not any(
        name.startswith("JITVM_") and name != "JITVM_CACHE" for name in os.environ
    ):
        return None
    from jitvm.engine.params import ParameterError, Parameters

    try:
        return Parameters.from_environment().changed(settings(words))
    except ParameterError as error:
        raise Failure(str(error)) from error


def _stdin() -> BinaryIO | None:
    return None if sys.stdin is None else sys.stdin.buffer


def _folder(name: str) -> str:
    from os.path import abspath, isdir

    if not isdir(name):
        raise Failure(f"--sandbox {name}: is not a folder; make it first or name another")
    try:
        return abspath(name)
    except OSError:
        raise Failure("the current folder is gone; change to another first") from None


def _moment(text: str) -> datetime:
    from datetime import datetime

    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text} is not a time like 2024-02-29T12:00:00") from None


# -- reporting -----------------------------------------------------------------------------------


def _report(arguments: Namespace, computer: Computer, ending: Ending, seconds: float) -> None:
    count = computer.machine.executed
    facts: dict[str, str | int | float] = {
        "program": arguments.program,
        "tier": arguments.tier,
        "ending": ending.value,
        "exit_code": computer.exit_code,
        "instructions": count,
        "seconds": round(seconds, 6),
        "ns_per_instruction": round(1e9 * seconds / count, 3) if count else 0.0,
    }
    if arguments.json:
        from json import dumps

        text = dumps(facts)
    else:
        text = "\n".join(f"{name.replace('_', ' '):<20} {_shown(f)}" for name, f in facts.items())
    computer.output.message(text + "\n")


def _shown(fact: str | int | float) -> str:
    return f"{fact:,}" if isinstance(fact, int) else str(fact)

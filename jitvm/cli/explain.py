"""``jitvm explain``: what the JIT made of a program's hot code, or why it made nothing of it."""

from __future__ import annotations

from argparse import Namespace

from jitvm.cli import options
from jitvm.cli.exits import Exit, Failure
from jitvm.cli.headless import FRAMES
from jitvm.cli.values import positive, settings

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from typing import Any, BinaryIO

    from jitvm.cli.parser import Parser
    from jitvm.engine.machine.explain import Absence, RegionReport
    from jitvm.guests.uxn.symbols import SymbolTable
    from jitvm.guests.uxn.varvara.computer import Computer
    from jitvm.guests.uxn.varvara.program import Program
    from jitvm.guests.uxn.varvara.script import Script

STAGES = ("guest", "exits", "ir", "llvm", "asm")

DESCRIPTION = """\
Run a program with the JIT, then show what became of its hottest loop, or of the code
at ADDRESS (hexadecimal, or a label): guest code, exits with their counts, region IR,
LLVM IR and assembly. Where the code is not native: why, and what to do.

The program's output is dropped; it runs until it ends or the time is up. A program with
a screen gets frames as fast as they go, and no window.
"""

EXAMPLES = """\
examples:
  jitvm explain life.tal                         the hottest loop, all stages
  jitvm explain life.tal draw --stage ir         the region IR of what contains @draw
  jitvm explain wc.rom 0x0143 --input notes.txt  the code at an address
  jitvm explain calc.tal --arg '6 * 7'           with an argument for the program
  jitvm explain game.rom --script play.txt       with what its user does
  jitvm explain life.tal --list                  all regions, one line each
"""


def configure(parser: Parser) -> None:
    """Declare the arguments of ``jitvm explain``."""
    parser.description = DESCRIPTION
    parser.epilog = EXAMPLES
    parser.add_argument("program", metavar="PROGRAM", help=".rom or .tal file, - for stdin")
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
    parser.add_argument("--script", metavar="FILE", help="what the user of its screen does")
    parser.add_argument(
        "--frames",
        metavar="N",
        type=positive(int, "a number of frames"),
        help=f"run so many frames of a program with a screen (default: {FRAMES})",
    )
    options.time_limit(parser, "run it for so long at most (default: %(default)s)", default=2.0)
    options.settings(parser)
    options.files(parser)
    options.clock(parser)
    options.source(parser)
    parser.add_argument("--json", action="store_true", help="as one JSON object")


def execute(arguments: Namespace) -> int:
    """Run the program and print; return the exit code."""
    from jitvm.engine.machine.explain import regions, why_none, why_not

    program = options.load(arguments)
    symbols = _symbols(arguments, program)
    address = _address(arguments.address, symbols)
    computer = _run(arguments, program)
    reports = regions(computer.machine)
    chosen = _choose(reports, address)
    if arguments.list and reports:
        _print_list(reports, symbols, arguments.json)
    elif arguments.list:
        _print_none(arguments, why_none(computer.machine))
    elif chosen is not None:
        _print_region(arguments, chosen, computer, symbols)
    elif address is not None:
        _print_absence(arguments, address, why_not(computer.machine, address), symbols)
    else:
        raise Failure(
            f"{arguments.program}: nothing in it became hot within {arguments.time_limit:g} s; "
            "run it longer (--time-limit), give it input (--input, --arg, --script), or lower "
            "-O hot=N",
            Exit.FAILURE,
        )
    return Exit.OK


# -- running -------------------------------------------------------------------------------------


def _run(arguments: Namespace, program: Program) -> Computer:
    from jitvm.engine.machine.explain import keep_text
    from jitvm.engine.machine.machine import Tier
    from jitvm.engine.tables.params import ParameterError
    from jitvm.guests.uxn.varvara.computer import Computer

    script = options.script(arguments.script)
    computer = Computer(
        program.rom,
        args=arguments.arguments,
        tier=Tier.JIT,
        sandbox=options.folder(arguments),
        clock=options.clock_of(arguments),
    )
    if computer.machine.native is None:
        raise Failure("nothing to explain: nothing can become native here", Exit.FAILURE)
    try:
        keep_text(computer.machine, settings(arguments.parameters))
    except ParameterError as error:
        raise Failure(str(error)) from error
    with _input(arguments.input) as stdin:
        _run_to_the_end(arguments, computer, script, stdin)
    return computer


def _run_to_the_end(
    arguments: Namespace, computer: Computer, script: Script | None, stdin: BinaryIO
) -> None:
    from jitvm.cli.headless import run
    from jitvm.guests.uxn.varvara.evaluator import LimitReached

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


def _input(path: str | None) -> BinaryIO:
    from os import devnull

    try:
        return open(path or devnull, "rb", buffering=0)
    except OSError as error:
        raise Failure(f"--input {path}: cannot be read: {error.strerror}") from error


def _symbols(arguments: Namespace, program: Program) -> SymbolTable:
    from pathlib import Path

    from jitvm.guests.uxn.symbols import SymbolFileError, SymbolTable, load_symbols

    beside = Path(f"{arguments.program}.sym")
    if program.symbols is not None or not beside.exists():
        return program.symbols or SymbolTable()
    try:
        return load_symbols(beside)
    except SymbolFileError as error:
        raise Failure(str(error)) from error


def _address(text: str | None, symbols: SymbolTable) -> int | None:
    if text is None:
        return None
    label = symbols.address_of(text.removeprefix("@"))
    if label is not None:
        return label
    try:
        address = int(text, 16)
    except ValueError:
        address = -1
    if not 0 <= address <= 0xFFFF:
        raise Failure(f"{text} is neither a label of the program nor an address like 0x0143")
    return address


# -- showing -------------------------------------------------------------------------------------


def _choose(reports: list[RegionReport], address: int | None) -> RegionReport | None:
    """The region entered at an address, else the most travelled one that contains it."""
    if address is None:
        return reports[0] if reports else None
    inside = [report for report in reports if address in report.instructions]
    return next((r for r in inside if r.start == address), inside[0] if inside else None)


def _print_region(
    arguments: Namespace, report: RegionReport, computer: Computer, symbols: SymbolTable
) -> None:
    stages = {
        stage: _stage(stage, report, computer, symbols) for stage in arguments.stage or STAGES
    }
    if arguments.json:
        _print_json({**_facts(report, symbols), **stages})
        return
    print(_headline(report, symbols))
    for stage, text in stages.items():
        print(f"\n-- {stage} {'-' * (76 - len(stage))}\n{text}", end="")


def _stage(stage: str, report: RegionReport, computer: Computer, symbols: SymbolTable) -> str:
    if stage == "guest":
        return _guest_code(report, computer.machine.memory, symbols)
    if stage == "exits":
        return _exits(report, symbols)
    if stage == "ir":
        return report.ir
    if stage == "llvm":
        return report.llvm
    from jitvm.engine.machine.explain import assembly

    return assembly(computer.machine, report)


def _guest_code(report: RegionReport, memory: memoryview, symbols: SymbolTable) -> str:
    """The instructions of a region in the order of memory, with labels; gaps are marked."""
    from jitvm.engine.tables.names import shown
    from jitvm.guests.uxn.disassembler import spell

    lines, following = [], -1
    for address, copies in report.instructions.items():
        if address != following and following >= 0:
            lines.append("      ...")
        lines += [f"@{shown(name)}" for name in symbols.names_at(address)]
        text, size = spell(memory, address, symbols)
        mark = ">" if address in (report.start, *report.entries) else " "
        times = f"  ({copies} copies)" if copies > 1 else ""
        lines.append(f"{mark} {address:04x}  {text}{times}")
        following = address + size
    return "\n".join(lines) + "\n"


def _exits(report: RegionReport, symbols: SymbolTable) -> str:
    lines = []
    for exit_ in report.exits:
        target = "computed" if exit_.target is None else symbols.describe(exit_.target)
        lines.append(f"{exit_.times:>9}  {exit_.reason:<10} to {target:<20} {exit_.what}")
    lines += [
        f"    limit  {limit.reason:<10} {limit.what}; {limit.advice}" for limit in report.limits
    ]
    return "\n".join(lines) + "\n"


def _headline(report: RegionReport, symbols: SymbolTable) -> str:
    form, text, llvm = (1000 * seconds for seconds in report.seconds)
    others = ", ".join(symbols.describe(at) for at in report.entries)
    also = f"entered at {others}, too\n" if others else ""
    return (
        f"region at {report.start:04x} ({symbols.describe(report.start)}): "
        f"{sum(report.instructions.values())} instructions, {report.code_bytes} bytes of code\n"
        f"{also}made in {form + text + llvm:.1f} ms: {form:.1f} forming, "
        f"{text:.1f} writing LLVM IR, {llvm:.1f} in LLVM"
    )


def _print_list(reports: list[RegionReport], symbols: SymbolTable, as_json: bool) -> None:
    if as_json:
        _print_json({"regions": [_facts(report, symbols) for report in reports]})
        return
    for report in reports:
        left = sum(exit_.times for exit_ in report.exits)
        print(
            f"{report.start:04x}  {symbols.describe(report.start):<24}"
            f"{sum(report.instructions.values()):>6} instructions  left {left} times"
        )


def _print_none(arguments: Namespace, absence: Absence) -> None:
    if arguments.json:
        _print_json({"regions": [], "why": absence.what, "advice": absence.advice})
        return
    print(f"no region: {absence.what}\nwhat to do: {absence.advice}")


def _facts(report: RegionReport, symbols: SymbolTable) -> dict[str, Any]:
    from dataclasses import asdict

    facts = asdict(report)
    facts["label"] = symbols.describe(report.start)
    for stage in ("ir", "llvm"):
        del facts[stage]
    return facts


def _print_absence(
    arguments: Namespace, address: int, absence: Absence, symbols: SymbolTable
) -> None:
    if arguments.json:
        from dataclasses import asdict

        _print_json({"address": address, "native": False, **asdict(absence)})
        return
    print(f"{address:04x} ({symbols.describe(address)}) is not native: {absence.what}")
    print(f"what to do: {absence.advice}")


def _print_json(content: dict[str, Any]) -> None:
    from json import dumps

    print(dumps(content, indent=2))

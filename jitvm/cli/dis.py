"""``jitvm dis``: disassemble a ROM."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from jitvm.cli.exits import Exit, Failure
from jitvm.cli.outfile import print_bytes, write_files
from jitvm.cli.sources import Reported
from jitvm.engine.tables.names import shown_lines

if TYPE_CHECKING:
    from jitvm.cli.parser import Parser
    from jitvm.guests.uxn.symbols import SymbolTable
    from jitvm.guests.uxn.varvara.rom import Rom

DESCRIPTION = """\
Disassemble a ROM into Uxntal that assembles back to the same bytes.

Code is told from data by following the flow from 0100. Labels come from ROM.sym
when it lies beside the ROM, or from --symbols.
"""

EXAMPLES = """\
examples:
  jitvm dis hello.rom                      to standard output
  jitvm dis hello.rom --addresses          with addresses and bytes as comments
  jitvm dis hello.rom --symbols other.sym  labels from another file
  jitvm dis hello.rom -o again.tal         to a file
"""


def configure(parser: Parser) -> None:
    """Declare the arguments of ``jitvm dis``."""
    parser.description = DESCRIPTION
    parser.epilog = EXAMPLES
    parser.add_argument("rom", metavar="ROM", help="the ROM")
    parser.add_argument("-o", "--output", metavar="FILE", help="write here, not to stdout")
    parser.add_argument("--symbols", metavar="FILE", type=Path, help="labels (default: ROM.sym)")
    parser.add_argument(
        "--addresses", action="store_true", help="show addresses and bytes as comments"
    )


def execute(arguments: Namespace) -> int:
    """Disassemble and print; return the exit code."""
    from jitvm.guests.uxn.disassembler import DisassemblyError, disassemble

    rom = _rom(arguments.rom)
    try:
        listing = disassemble(rom.data, _symbols(arguments))
    except DisassemblyError as error:
        raise Failure(f"{rom.name}: {error}") from error
    text = listing.render(addresses=arguments.addresses)
    if arguments.output is None and sys.stdout is not None and sys.stdout.isatty():
        print(shown_lines(text), end="")
        return Exit.OK
    data = text.encode("utf-8", "surrogateescape")
    if arguments.output is None:
        print_bytes(data)
    else:
        write_files({arguments.output: data})
    return Exit.OK


def _rom(path: str) -> Rom:
    from jitvm.guests.uxn.varvara.program import SOURCE_SUFFIX, read_rom

    if path.endswith(SOURCE_SUFFIX):
        raise Failure(f"{path}: is a source, not a ROM; assemble it with `jitvm asm {path}`")
    with Reported():
        return read_rom(path)


def _symbols(arguments: Namespace) -> SymbolTable | None:
    from jitvm.guests.uxn.symbols import SymbolFileError, load_symbols

    path: Path = arguments.symbols or Path(f"{arguments.rom}.sym")
    if arguments.symbols is None and not path.exists():
        return None
    try:
        return load_symbols(path)
    except SymbolFileError as error:
        raise Failure(str(error)) from error

"""``jitvm dis``: disassemble a ROM."""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import TYPE_CHECKING

from jitvm.cli import options
from jitvm.cli.exits import Exit, Failure
from jitvm.cli.outfile import print_bytes, write_files
from jitvm.engine.tables.names import shown_lines

if TYPE_CHECKING:
    from jitvm.cli.parser import Parser

DESCRIPTION = """\
Disassemble a ROM into Uxntal that assembles to the same bytes, or a program of another
guest (--guest).

Code is separated from data by following control flow from 0100. Labels come from
ROM.sym next to the ROM, or from --symbols.
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
    parser.add_argument("--symbols", metavar="FILE", help="labels (default: ROM.sym)")
    options.guest_alone(parser)
    parser.add_argument(
        "--addresses", action="store_true", help="show addresses and bytes as comments"
    )


def execute(arguments: Namespace) -> int:
    """Disassemble and print; return the exit code."""
    text = _text(arguments)
    if arguments.output is None and sys.stdout is not None and sys.stdout.isatty():
        print(shown_lines(text), end="")
        return Exit.OK
    data = text.encode("utf-8", "surrogateescape")
    if arguments.output is None:
        print_bytes(data)
    else:
        write_files({arguments.output: data})
    return Exit.OK


def _text(arguments: Namespace) -> str:
    from jitvm.platform import ProgramError, registry

    if arguments.guest is not None:
        platform = options.named(arguments.guest)
    else:
        platform = registry.of_tool(arguments.rom)
    if platform.disassembler is None:
        raise Failure(f"{arguments.rom}: there is no disassembler of {platform.name}")
    try:
        return platform.disassembler.disassemble(
            arguments.rom, arguments.symbols, addresses=arguments.addresses
        )
    except ProgramError as error:
        raise Failure(str(error)) from error

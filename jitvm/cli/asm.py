"""``jitvm asm``: assemble a Uxntal source."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from typing import TYPE_CHECKING

from jitvm.cli import options
from jitvm.cli.exits import Exit, Failure
from jitvm.cli.outfile import print_bytes, write_files
from jitvm.cli.sources import Reported
from jitvm.engine.tables.names import shown

if TYPE_CHECKING:
    from jitvm.cli.parser import Parser
    from jitvm.guests.uxn.assembler import Assembly, Diagnostic

DESCRIPTION = """\
Assemble a Uxntal source into a ROM.

All errors are told at once, each with its file, line, column and the line itself.
Nothing is written unless everything is right.
"""

EXAMPLES = """\
examples:
  jitvm asm hello.tal                     write hello.rom
  jitvm asm hello.tal -o out/a.rom        write somewhere else
  jitvm asm hello.tal --symbols           write hello.rom and hello.rom.sym
  jitvm asm - -o - < hello.tal | od -c    from standard input, to standard output
  jitvm asm --legacy old.tal              accept the dialect of 2021 to 2023
"""


def configure(parser: Parser) -> None:
    """Declare the arguments of ``jitvm asm``."""
    parser.description = DESCRIPTION
    parser.epilog = EXAMPLES
    parser.add_argument("source", metavar="SOURCE", help="the source, - for stdin")
    parser.add_argument(
        "-o", "--output", metavar="ROM", help="the ROM (default: SOURCE as .rom), - for stdout"
    )
    parser.add_argument("--symbols", action="store_true", help="also write ROM.sym")
    options.source(parser)
    parser.add_argument(
        "--warnings", action="store_true", help="list labels that nothing refers to, too"
    )
    parser.add_argument(
        "--json", action="store_true", help="print the outcome as one JSON object on stdout"
    )


def execute(arguments: Namespace) -> int:
    """Assemble and write; return the exit code."""
    from jitvm.guests.uxn.assembler import AssemblyError

    output = _output(arguments)
    try:
        assembly = _assemble(arguments)
    except AssemblyError as error:
        if arguments.json:
            _print_json(errors=error.diagnostics, hint=error.hint)
            return Exit.USAGE
        with Reported():
            raise
    _write(arguments, output, assembly)
    if arguments.json:
        _print_json(assembly, output)
        return Exit.OK
    _print_warnings(assembly, in_full=arguments.warnings)
    if output != "-":
        count = len(assembly.symbols)
        print(f"{shown(output)}: {len(assembly.rom)} bytes, {count} labels", file=sys.stderr)
    return Exit.OK


def _print_warnings(assembly: Assembly, *, in_full: bool) -> None:
    """Tell what may be wrong; labels nothing refers to in one line, as right programs have them."""
    from jitvm.guests.uxn.assembler import Problem

    unused = 0
    for warning in assembly.warnings:
        if warning.problem is Problem.UNUSED and not in_full:
            unused += 1
        else:
            print(warning.render(), file=sys.stderr)
    if unused:
        what = f"{unused} labels are" if unused > 1 else "1 label is"
        print(f"{what} unused; --warnings lists them", file=sys.stderr)


def _output(arguments: Namespace) -> str:
    """Where the ROM goes."""
    output: str | None = arguments.output
    if output is None:
        if arguments.source == "-":
            raise Failure("a source from standard input needs -o ROM, or -o - for stdout")
        output = os.path.splitext(arguments.source)[0] + ".rom"
    if output == "-" and (arguments.symbols or arguments.json):
        raise Failure("-o - leaves no place for --symbols or --json; name a file with -o")
    if output == arguments.source != "-":
        raise Failure(f"{output}: the ROM would replace its source; name another with -o")
    return output


def _assemble(arguments: Namespace) -> Assembly:
    from jitvm.guests.uxn.assembler import assemble, assemble_file

    legacy, root = arguments.legacy, options.include_root(arguments)
    if arguments.source != "-":
        return assemble_file(arguments.source, include_root=root, legacy=legacy)
    if sys.stdin is None:
        raise Failure("standard input is closed; name a source")
    data = sys.stdin.buffer.read()
    return assemble(data, name="<stdin>", include_root=root, legacy=legacy)


def _write(arguments: Namespace, output: str, assembly: Assembly) -> None:
    if output == "-":
        print_bytes(assembly.rom)
        return
    contents = {output: assembly.rom}
    if arguments.symbols:
        contents[f"{output}.sym"] = assembly.symbols.to_bytes()
    write_files(contents)


def _print_json(
    assembly: Assembly | None = None,
    output: str | None = None,
    errors: tuple[Diagnostic, ...] = (),
    hint: str = "",
) -> None:
    from json import dumps

    facts: dict[str, object] = {"errors": [_facts(error) for error in errors]}
    if hint:
        facts["hint"] = hint
    if assembly is not None:
        facts |= {
            "rom": None if output is None else shown(output),
            "bytes": len(assembly.rom),
            "symbols": {shown(symbol.name): symbol.address for symbol in assembly.symbols},
            "warnings": [_facts(warning) for warning in assembly.warnings],
        }
    print(dumps(facts))


def _facts(diagnostic: Diagnostic) -> dict[str, object]:
    names = ("file", "line", "column", "token", "message", "hint", "problem")
    facts = {name: getattr(diagnostic, name) for name in names}
    return {name: shown(fact) if isinstance(fact, str) else fact for name, fact in facts.items()}

"""``jitvm asm``: assemble a Uxntal source."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from typing import TYPE_CHECKING

from jitvm.cli import options
from jitvm.cli.exits import Exit, Failure
from jitvm.cli.outfile import print_bytes, write_files
from jitvm.engine.tables.names import shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jitvm.cli.parser import Parser
    from jitvm.platform import Platform, ProgramError
    from jitvm.platform.tools import Assembled, Assembler, Diagnostic

DESCRIPTION = """\
Assemble a source: Uxntal into a ROM, or a source for another guest's assembler (--guest).

All errors are reported at once, each with its file, line, column and the line itself.
Nothing is written unless there are no errors.
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
    options.guest(parser)
    parser.add_argument(
        "--warnings", action="store_true", help="also list labels that nothing refers to"
    )
    parser.add_argument(
        "--json", action="store_true", help="print the outcome as one JSON object on stdout"
    )


def execute(arguments: Namespace) -> int:
    """Assemble and write; return the exit code."""
    from jitvm.platform import ProgramError

    platform = _platform(arguments)
    assembler = platform.assembler
    if assembler is None:
        raise Failure(f"{arguments.source}: there is no assembler of {platform.name}")
    output = _output(arguments, assembler)
    try:
        assembly = _assemble(arguments, platform, assembler)
    except ProgramError as error:
        return _refuse(arguments, error)
    _write(arguments, output, assembly)
    if arguments.json:
        _print_json(assembly, output)
        return Exit.OK
    _print_warnings(assembly, in_full=arguments.warnings)
    if output != "-":
        count = len(assembly.labels)
        print(f"{shown(output)}: {len(assembly.data)} bytes, {count} labels", file=sys.stderr)
    return Exit.OK


def _platform(arguments: Namespace) -> Platform:
    from jitvm.platform import registry

    if arguments.guest is not None:
        return options.named(arguments.guest)
    return registry.of_tool(arguments.source)


def _refuse(arguments: Namespace, error: ProgramError) -> int:
    """Tell what is wrong with a source."""
    from jitvm.cli.sources import failure
    from jitvm.platform import SourceError

    if not arguments.json or not isinstance(error, SourceError):
        raise failure(error) from error
    _print_json(errors=error.diagnostics, hint=error.hint)
    return Exit.USAGE


def _print_warnings(assembly: Assembled, *, in_full: bool) -> None:
    """Tell what may be wrong; labels nothing refers to in one line, as right programs have them."""
    unused = () if in_full else assembly.unused
    for warning in assembly.warnings:
        if warning not in unused:
            print(warning.render(), file=sys.stderr)
    if unused:
        what = f"{len(unused)} labels are" if len(unused) > 1 else "1 label is"
        print(f"{what} unused; --warnings lists them", file=sys.stderr)


def _output(arguments: Namespace, assembler: Assembler) -> str:
    """Where the program goes."""
    output: str | None = arguments.output
    if output is None:
        if arguments.source == "-":
            raise Failure("a source from standard input needs -o ROM, or -o - for stdout")
        output = os.path.splitext(arguments.source)[0] + assembler.suffix
    if output == "-" and (arguments.symbols or arguments.json):
        raise Failure("-o - leaves no place for --symbols or --json; name a file with -o")
    if output == arguments.source != "-":
        raise Failure(f"{output}: the ROM would replace its source; name another with -o")
    return output


def _assemble(arguments: Namespace, platform: Platform, assembler: Assembler) -> Assembled:
    given = options.loading(arguments, platform)
    if arguments.source != "-":
        return assembler.assemble_file(arguments.source, **given)
    if sys.stdin is None:
        raise Failure("standard input is closed; name a source")
    return assembler.assemble(sys.stdin.buffer.read(), "<stdin>", **given)


def _write(arguments: Namespace, output: str, assembly: Assembled) -> None:
    if output == "-":
        print_bytes(assembly.data)
        return
    contents = {output: assembly.data}
    if arguments.symbols:
        if assembly.symbols_file is None:
            raise Failure("--symbols: this assembler keeps no labels; leave it out")
        contents[f"{output}.sym"] = assembly.symbols_file
    write_files(contents)


def _print_json(
    assembly: Assembled | None = None,
    output: str | None = None,
    errors: Iterable[Diagnostic] = (),
    hint: str = "",
) -> None:
    from json import dumps

    facts: dict[str, object] = {"errors": [_facts(error) for error in errors]}
    if hint:
        facts["hint"] = hint
    if assembly is not None:
        facts |= {
            "rom": None if output is None else shown(output),
            "bytes": len(assembly.data),
            "symbols": {shown(name): address for name, address in assembly.labels},
            "warnings": [_facts(warning) for warning in assembly.warnings],
        }
    print(dumps(facts))


def _facts(diagnostic: Diagnostic) -> dict[str, object]:
    names = ("file", "line", "column", "token", "message", "hint", "problem")
    facts = {name: getattr(diagnostic, name) for name in names}
    return {name: shown(fact) if isinstance(fact, str) else fact for name, fact in facts.items()}

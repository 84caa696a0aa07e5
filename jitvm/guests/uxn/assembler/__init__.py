"""The Uxntal assembler.

    source -> words -> first pass -> image + references -> resolve -> Assembly

| module   | contents                                               |
|----------|--------------------------------------------------------|
| source   | words, comments, positions                             |
| macros   | macro bodies                                           |
| includes | which files may be included, and from where            |
| labels   | names, scopes                                          |
| image    | memory being filled, the source map                    |
| emit     | what every rune does (the first pass)                  |
| resolve  | how references become bytes (the second pass)          |
| errors   | the list of everything that can go wrong               |
| limits   | bounds on runaway sources                              |

The language, and how this assembler differs from others: docs/uxntal.md.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from jitvm.engine.tables.struct import Struct
from jitvm.guests.uxn.assembler.emit import Emitter
from jitvm.guests.uxn.assembler.errors import AssemblyError, Diagnostic, Problem
from jitvm.guests.uxn.assembler.image import SourceMap, SourceSpan
from jitvm.guests.uxn.assembler.includes import IncludeError, Includes, plain, read_source
from jitvm.guests.uxn.assembler.log import Log
from jitvm.guests.uxn.assembler.resolve import Resolver
from jitvm.guests.uxn.assembler.source import SourceFile, Token
from jitvm.guests.uxn.symbols import Symbol, SymbolTable
from jitvm.platform.widetext import wide_encoding

__all__ = [
    "Assembly",
    "AssemblyError",
    "Diagnostic",
    "Problem",
    "SourceMap",
    "SourceSpan",
    "assemble",
    "assemble_file",
    "most_left",
    "read_main",
]


LEGACY_LEAVES = 4
"""The older dialect is hinted at where it leaves one error of so many, or none."""
_LEFT = frozenset((
    Problem.COMMENT_INVALID, Problem.COMMENT_OPEN, Problem.INCLUDE_MISSING, Problem.LABEL_DUPLICATE,
    Problem.LABEL_UNKNOWN, Problem.LAMBDA_CLOSED, Problem.LAMBDA_OPEN,
))  # fmt: skip
"""Errors that are errors in the older dialect, too, if all macros have names that both allow."""


class Assembly(Struct, frozen=True):
    """A program: its bytes from address 0x0100 on, and what is known about them.

    `rom` ends with the last byte written; zeros that were only padding are not part of it when
    nothing follows them. `symbols` are in definition order.
    """

    rom: bytes
    symbols: SymbolTable
    source_map: SourceMap
    warnings: tuple[Diagnostic, ...]

    @property
    def data(self) -> bytes:
        """The ROM, as `jitvm.platform.Assembled` has it; so are those below."""
        return self.rom

    @property
    def labels(self) -> list[tuple[str, int]]:
        """Names and addresses."""
        return [(symbol.name, symbol.address) for symbol in self.symbols]

    @property
    def symbols_file(self) -> bytes:
        """The contents of a ``.sym`` file."""
        return self.symbols.to_bytes()

    @property
    def unused(self) -> list[Diagnostic]:
        """Warnings of labels that nothing refers to."""
        return [each for each in self.warnings if each.problem is Problem.UNUSED]


def assemble(
    source: str | bytes,
    *,
    name: str = "<input>",
    include_root: str | os.PathLike[str] | None = None,
    legacy: bool = False,
) -> Assembly:
    """Assemble a source text; `name` stands for it in messages.

    Includes are looked for in `include_root` when given, else in the current folder, and may not
    leave it. `legacy` accepts sources of 2021 to 2023 (docs/uxntal.md lists what that means).
    Raise AssemblyError with every error found.
    """
    encoding = None if isinstance(source, str) else wide_encoding(source)
    if encoding is not None:
        message = f"{Problem.ENCODING}: it is {encoding} text; save it as UTF-8"
        raise AssemblyError([_about_file(name, message, Problem.ENCODING)])
    root = None if include_root is None else _path(include_root)
    return _assemble(SourceFile.of(name, source, root or os.curdir), root, legacy)


def assemble_file(
    path: str | os.PathLike[str],
    *,
    include_root: str | os.PathLike[str] | None = None,
    legacy: bool = False,
) -> Assembly:
    """Assemble a file. Its includes may come from its own folder or from the current one.

    `include_root`, when given, takes the place of both. Raise AssemblyError with every error
    found, also when the file itself cannot be read.
    """
    path = _path(path)
    content = read_main(path)
    folder = os.path.dirname(path) or os.curdir
    source = SourceFile.of(path, content, folder, os.path.realpath(path))
    return _assemble(source, None if include_root is None else _path(include_root), legacy)


def read_main(path: str) -> bytes:
    """Read the source that a program begins with; raise AssemblyError if that cannot be done."""
    try:
        return read_source(path)
    except IncludeError as error:
        missing = error.problem is Problem.INCLUDE_MISSING
        problem = Problem.FILE_MISSING if missing else error.problem
        message = f"{problem}: {error.details}"
        raise AssemblyError([_about_file(path, message, problem)]) from error


def _path(path: str | os.PathLike[str]) -> str:
    return plain(os.fspath(path))


def _assemble(source: SourceFile, include_root: str | None, legacy: bool) -> Assembly:
    """Assemble a source; where it is wrong, find out whether it is right in the older dialect."""
    try:
        return _assemble_as(source, include_root, legacy)
    except AssemblyError as error:
        if legacy or any(each.problem is Problem.LIMIT for each in error.diagnostics):
            raise
        most = most_left(error.diagnostics)
        if most < 0 or _error_count(source, include_root) > most:
            raise
        hint = "it seems to be in the dialect of 2021 to 2023: try `--legacy`, or legacy=True"
        raise AssemblyError(error.diagnostics, hint) from None


def most_left(errors: Sequence[Diagnostic]) -> int:
    """How many errors of a source the older dialect may leave, to be hinted at; -1 if there is no
    need to look, as it leaves more."""
    most = len(errors) // LEGACY_LEAVES
    if any(each.problem is Problem.MACRO_INVALID for each in errors):
        return most
    # The older dialect reads `'c` as a character.
    left = sum(each.problem in _LEFT and "`'" not in each.message for each in errors)
    return most if left <= most else -1


def _error_count(source: SourceFile, include_root: str | None) -> int:
    """Errors that are left when a source is read as the older dialect."""
    try:
        _assemble_as(source, include_root, legacy=True)
    except AssemblyError as error:
        return len(error.diagnostics)
    return 0


def _assemble_as(source: SourceFile, include_root: str | None, legacy: bool) -> Assembly:
    log = Log()
    emitter = Emitter(Includes(source.folder, include_root), log, legacy)
    emitter.run(source)
    image, labels = emitter.image, emitter.labels
    Resolver(image.memory, labels, emitter.macros, legacy, log).resolve(emitter.references)
    rom = image.rom()
    if not rom and not log.errors:
        message = f"{Problem.OUTPUT_EMPTY}: the source emits no bytes"
        log.errors.append(_about_file(source.name, message, Problem.OUTPUT_EMPTY))
    if log.errors:
        raise log.failure()
    for label in labels.unused(source):
        _warn_unused(log, label.name, label.token)
    symbols = SymbolTable(
        tuple(Symbol(label.address, label.name) for label in labels.labels.values())
    )
    return Assembly(rom, symbols, image.source_map(), tuple(log.warnings))


def _warn_unused(log: Log, name: str, token: Token) -> None:
    details = "" if name == token.text[1:] else f"`{name}`"
    log.warn(Problem.UNUSED, token, details, "")


def _about_file(name: str, message: str, problem: Problem) -> Diagnostic:
    return Diagnostic(name, 0, 0, "", message, "", "", problem)

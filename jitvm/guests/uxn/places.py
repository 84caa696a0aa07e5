"""Names for addresses of Uxn programs, from symbols and the assembler's source map."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jitvm.engine.tables.place import Naming, Place
from jitvm.guests.uxn.symbols import SymbolTable, load_symbols

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from jitvm.guests.uxn.assembler import SourceMap
    from jitvm.guests.uxn.varvara.program import Program


def naming(symbols: SymbolTable, source_map: SourceMap | None = None) -> Naming:
    """A function that names addresses; answers are kept."""

    @cache
    def place(address: int) -> Place:
        label, offset = symbols.nearest(address) or ("", address)
        span = None if source_map is None else source_map.lookup(address)
        if span is None:
            return Place(address, label, offset)
        return Place(address, label, offset, span.file, span.line)

    return place


def symbols_of(program: Program) -> SymbolTable:
    """Labels of a program: what its assembly knows, or a ``.sym`` file beside its ROM, or none.

    Raises:
        SymbolFileError: that file is damaged.
    """
    if program.symbols is not None:
        return program.symbols
    beside = Path(f"{program.rom.name}.sym")
    return load_symbols(beside) if beside.is_file() else SymbolTable()

"""Names for addresses of Uxn programs, from symbols and the assembler's source map."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jitvm.engine.tables.place import Naming, Place
from jitvm.guests.uxn.symbols import Symbol, SymbolTable, is_lambda, load_symbols

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from jitvm.guests.uxn.assembler import SourceMap


def naming(symbols: SymbolTable, source_map: SourceMap | None = None) -> Naming:
    """A function that names addresses; answers are kept."""
    outer = SymbolTable(
        tuple(
            Symbol(each.address, each.name.partition("/")[0] or each.name)
            for each in symbols
            if not is_lambda(each.name)
        )
    )

    @cache
    def place(address: int) -> Place:
        label, offset = symbols.nearest(address) or ("", address)
        span = None if source_map is None else source_map.lookup(address)
        scope, _ = outer.nearest(address) or ("", 0)
        file, line = ("", 0) if span is None else (span.file, span.line)
        return Place(address, label, offset, file, line, scope)

    return place


def symbols_beside(rom: str) -> SymbolTable:
    """Labels in the ``.sym`` file beside a ROM; none if there is no such file.

    Raises:
        SymbolFileError: that file is damaged.
    """
    beside = Path(f"{rom}.sym")
    return load_symbols(beside) if beside.is_file() else SymbolTable()

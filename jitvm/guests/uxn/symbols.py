"""Symbols of a Uxn program, and the ``.sym`` file that holds them.

A ``.sym`` file is a plain sequence of records, without a header or count:

    address high | address low | name bytes ... | 00

Records are in order of definition; several may share an address, and a name may contain any byte
but 00. Names are kept as `jitvm.engine.tables.names` decodes them, so reading and writing a file
gives the same bytes.

Addresses below 0x0100 name zero-page variables and device ports alike, because both are written
``|00 @name``. They are never used for an address in the program (0x0100 and up).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator

from jitvm.engine.tables.names import decoded, shown
from jitvm.engine.tables.struct import Struct
from jitvm.platform import ProgramError

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    import os

PROGRAM_START = 0x0100
_MAX_FILE_BYTES = 16 << 20


class SymbolFileError(ProgramError):
    """A ``.sym`` file is damaged or cannot be read; the message says where and how."""


class Symbol(Struct, frozen=True):
    """One label: a 16-bit address and its full name (``scope/name`` for a sublabel)."""

    address: int
    name: str


def is_lambda(name: str) -> bool:
    """Whether an assembler made a name, for a pair of braces: ``λ00``, ``λ01``..."""
    return name[:1] == "λ" and len(name) > 1 and set(name[1:]) <= set("0123456789abcdef")


class SymbolTable:
    """An immutable list of symbols in definition order, with look-up both ways."""

    __slots__ = ("_addresses", "_by_address", "_by_name", "symbols")

    def __init__(self, symbols: tuple[Symbol, ...] = ()) -> None:
        self.symbols = symbols
        self._by_name: dict[str, int] = {}
        self._by_address: dict[int, list[str]] = {}
        for symbol in symbols:
            self._by_name.setdefault(symbol.name, symbol.address)
            self._by_address.setdefault(symbol.address, []).append(symbol.name)
        self._addresses = tuple(sorted(self._by_address))

    def __eq__(self, other: object) -> bool:
        return self.symbols == other.symbols if isinstance(other, SymbolTable) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.symbols)

    def __repr__(self) -> str:
        return f"SymbolTable({self.symbols!r})"

    def __len__(self) -> int:
        return len(self.symbols)

    def __iter__(self) -> Iterator[Symbol]:
        return iter(self.symbols)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    # -- look-up ----------------------------------------------------------------------------

    def address_of(self, name: str) -> int | None:
        """Return the address of a label (its first definition), or None."""
        return self._by_name.get(name)

    def names_at(self, address: int) -> tuple[str, ...]:
        """Return the names defined exactly at an address, first defined first."""
        return tuple(self._by_address.get(address, ()))

    def nearest(self, address: int) -> tuple[str, int] | None:
        """Return ``(name, offset)`` of the closest label at or before an address, or None."""
        index = bisect_right(self._addresses, address) - 1
        if index < 0:
            return None
        start = self._addresses[index]
        if start < PROGRAM_START <= address:
            return None
        return self._by_address[start][0], address - start

    def describe(self, address: int) -> str:
        """Spell an address for people: ``name``, ``name+3``, or ``0x1234`` without a label.

        The name is as `jitvm.engine.tables.names.shown` makes it.
        """
        found = self.nearest(address)
        if found is None:
            return f"0x{address:04x}"
        name, offset = shown(found[0]), found[1]
        return f"{name}+{offset}" if offset else name

    # -- the file ---------------------------------------------------------------------------

    @classmethod
    def of(cls, pairs: Iterable[tuple[int, str]]) -> SymbolTable:
        """Make a table from ``(address, name)`` pairs in definition order."""
        return cls(tuple(Symbol(address, name) for address, name in pairs))

    @classmethod
    def from_bytes(cls, data: bytes, *, name: str = "<symbols>") -> SymbolTable:
        """Read the contents of a ``.sym`` file; raise SymbolFileError when it is damaged."""
        symbols: list[Symbol] = []
        at = 0
        while at < len(data):
            end = data.find(0, at + 2)
            if end < 0:
                raise SymbolFileError(
                    f"{name}: symbol {len(symbols) + 1} at byte {at} has no end; the file is "
                    "cut short or is not a .sym file. Assemble the program again to get a new one."
                )
            if end == at + 2:
                raise SymbolFileError(
                    f"{name}: symbol {len(symbols) + 1} at byte {at} has no name; the file is "
                    "damaged or is not a .sym file. Assemble the program again to get a new one."
                )
            symbols.append(Symbol(data[at] << 8 | data[at + 1], decoded(data[at + 2 : end])))
            at = end + 1
        return cls(tuple(symbols))

    def to_bytes(self) -> bytes:
        """Return the contents of a ``.sym`` file; raise ValueError for a name it cannot hold."""
        out = bytearray()
        for symbol in self.symbols:
            if not symbol.name or "\0" in symbol.name or not 0 <= symbol.address <= 0xFFFF:
                raise ValueError(f"a .sym file cannot hold {symbol!r}")
            out += symbol.address.to_bytes(2, "big")
            out += symbol.name.encode("utf-8", "surrogateescape") + b"\0"
        return bytes(out)


def load_symbols(path: str | os.PathLike[str]) -> SymbolTable:
    """Read a ``.sym`` file; raise SymbolFileError when it is missing, too large or damaged."""
    try:
        with open(path, "rb") as file:
            data = file.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        raise SymbolFileError(f"{path}: cannot read symbols: {error.strerror}") from error
    if len(data) > _MAX_FILE_BYTES:
        raise SymbolFileError(f"{path}: over {_MAX_FILE_BYTES >> 20} MiB is not a .sym file")
    return SymbolTable.from_bytes(data, name=str(path))

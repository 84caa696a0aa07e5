"""A part of an interpreter as the code cache keeps it: handlers of some opcodes, perhaps the stubs.

    machine code | for each of `HANDLER_TABLES` 256 offsets in it for each state

Names are for the few functions that are called by name; all else is a number that is dealt with
together with a thousand others (`Entries`), as each start does that.
"""

from __future__ import annotations

import sys

from jitvm.engine.memory.cache import CachedCode
from jitvm.engine.memory.layout import HANDLER_TABLES, POINTER, Layout

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from collections.abc import Iterable

_EXPORTS = (
    "enter", "step", "deliver", "collect", "counted", "count", "charge",
    "profile", "record", "stop", "halt", "event", "missing",
)  # fmt: skip
"""Functions that are called by name, of every guest: stubs, and ways in from C."""
NONE = 1 << 63
"""The entry of what is not there: no offset, and no address of a process."""
ALIGNMENT = 64
"""Units that are joined begin at multiples of so many bytes."""


def spills(layout: Layout) -> list[str]:
    """Stubs that go on in state 0, for each other state."""
    return [f"spill_{size}" for size in layout.states[1:]]


def exports(layout: Layout) -> tuple[str, ...]:
    """Functions that are called by name."""
    return *_EXPORTS, *spills(layout)


class Entries:
    """Entries of tables, one after the other: offsets of handlers, or addresses; or `NONE`.

    They are the digits of one large number, to the base of 2**64. So all of them are moved by one
    addition, which takes a hundredth of the time of a loop; no digit gets so large that it would
    change the next one.

    Args:
        content: 8 bytes an entry, as tables have them.
    """

    __slots__ = ("_number", "_ones", "size")

    def __init__(self, content: bytes) -> None:
        self.size = len(content)
        one = (1).to_bytes(POINTER, sys.byteorder)
        self._number = int.from_bytes(content, sys.byteorder)
        self._ones = int.from_bytes(one * (self.size // POINTER), sys.byteorder)

    @classmethod
    def of(cls, entries: Iterable[int]) -> Entries:
        """Those of a sequence."""
        return cls(b"".join([entry.to_bytes(POINTER, sys.byteorder) for entry in entries]))

    def content(self) -> bytes:
        """They, as tables have them."""
        return self._number.to_bytes(self.size, sys.byteorder)

    def moved(self, by: int) -> Entries:
        """They with a number added to each, where there is one."""
        return self._with(self._number + (self._ones - self._absent) * by)

    def or_else(self, others: Entries) -> Entries:
        """They, and others where there is none."""
        gaps = self._absent * (2**64 - 1)
        return self._with(self._number & ~gaps | others._number & gaps)

    def are_below(self, limit: int) -> bool:
        """Whether each that is there is less than a number."""
        absent = self._absent
        there = self._number - absent * NONE
        if there & absent * (NONE - 1):
            return False
        left = self._ones * (limit - 1) - there  # a digit that is less than 0 has its highest bit
        return left >= 0 and not left & self._ones * NONE

    @property
    def _absent(self) -> int:
        """1 in the place of each that is not there."""
        return self._number >> 63 & self._ones

    def _with(self, number: int) -> Entries:
        made = Entries.__new__(Entries)
        made._number, made._ones, made.size = number, self._ones, self.size
        return made


class Unit:
    """Machine code, the offsets of functions in it, and of the entries of its tables.

    Attributes:
        machine_code: of all of it.
        symbols: offsets of functions by name: what is no handler.
        entries: offsets of handlers, table after table.
    """

    __slots__ = ("entries", "machine_code", "symbols")

    def __init__(self, machine_code: bytes, symbols: dict[str, int], entries: Entries) -> None:
        self.machine_code = machine_code
        self.symbols = symbols
        self.entries = entries

    def joined(self, other: Unit) -> Unit:
        """Both, with handlers of this one if both have them."""
        place = -(-len(self.machine_code) // ALIGNMENT) * ALIGNMENT
        moved = {name: offset + place for name, offset in other.symbols.items()}
        code = self.machine_code.ljust(place, b"\0") + other.machine_code
        entries = self.entries.or_else(other.entries.moved(place))
        return Unit(code, {**moved, **self.symbols}, entries)

    def kept(self) -> CachedCode:
        """As the cache has it."""
        symbols = {**self.symbols, "entries": len(self.machine_code)}
        return CachedCode(self.machine_code + self.entries.content(), symbols)

    @classmethod
    def of_kept(cls, code: CachedCode, layout: Layout) -> Unit | None:
        """What the cache has; None if it is not what `kept` gives.

        A right checksum says nothing about offsets: nothing is called outside the code.
        """
        symbols = dict(code.symbols)
        size = symbols.pop("entries", 0)
        if len(code.machine_code) - size != len(HANDLER_TABLES) * layout.table_size:
            return None
        entries = Entries(code.machine_code[size:])
        are_inside = entries.are_below(size) and max(symbols.values(), default=0) < size
        if not symbols.keys() >= set(exports(layout)) or not are_inside:
            return None
        return cls(code.machine_code[:size], symbols, entries)

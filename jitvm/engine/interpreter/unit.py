"""A part of an interpreter as the code cache keeps it: handlers of some opcodes, perhaps the stubs.

    machine code | for each of `HANDLER_TABLES` 256 offsets in it for each state, 4 bytes each:
                 | NONE without one

Names are for the few functions that are called by name; all else is a number that is read with a
thousand others at once, as each start does that.
"""

from __future__ import annotations

from jitvm.engine.memory.cache import CachedCode
from jitvm.engine.memory.layout import HANDLER_TABLES, Layout

_EXPORTS = (
    "enter", "step", "deliver", "collect", "counted", "count", "charge",
    "profile", "record", "stop", "halt", "event", "missing",
)  # fmt: skip
"""Functions that are called by name, of every guest: stubs, and ways in from C."""
NONE = 0xFFFF_FFFF
"""The offset of what is not there."""
ALIGNMENT = 64
"""Units that are joined begin at multiples of so many bytes."""
_WIDTH = 4
"""Bytes of an offset."""


def spills(layout: Layout) -> list[str]:
    """Stubs that go on in state 0, for each other state."""
    return [f"spill_{size}" for size in layout.states[1:]]


def exports(layout: Layout) -> tuple[str, ...]:
    """Functions that are called by name."""
    return *_EXPORTS, *spills(layout)


class Unit:
    """Machine code, the offsets of functions in it, and of the entries of its tables.

    Attributes:
        machine_code: of all of it.
        symbols: offsets of functions by name: what is no handler.
        entries: offsets of handlers, table after table.
    """

    __slots__ = ("entries", "machine_code", "symbols")

    def __init__(self, machine_code: bytes, symbols: dict[str, int], entries: list[int]) -> None:
        self.machine_code = machine_code
        self.symbols = symbols
        self.entries = entries

    def joined(self, other: Unit) -> Unit:
        """Both, with handlers of this one if both have them."""
        place = -(-len(self.machine_code) // ALIGNMENT) * ALIGNMENT
        entries = [
            mine if mine != NONE else NONE if its == NONE else its + place
            for mine, its in zip(self.entries, other.entries, strict=True)
        ]
        moved = {name: offset + place for name, offset in other.symbols.items()}
        code = self.machine_code.ljust(place, b"\0") + other.machine_code
        return Unit(code, {**moved, **self.symbols}, entries)

    def kept(self) -> CachedCode:
        """As the cache has it."""
        from struct import pack

        size = len(self.machine_code)
        return CachedCode(
            self.machine_code + pack(f"{len(self.entries)}I", *self.entries),
            {**self.symbols, "entries": size},
        )

    @classmethod
    def of_kept(cls, code: CachedCode, layout: Layout) -> Unit | None:
        """What the cache has; None if it is not what `kept` gives.

        A right checksum says nothing about offsets: nothing is called outside the code.
        """
        symbols = dict(code.symbols)
        size = symbols.pop("entries", 0)
        count = len(HANDLER_TABLES) * 256 * len(layout.states)
        if len(code.machine_code) - size != _WIDTH * count:
            return None
        entries = memoryview(code.machine_code[size:]).cast("I").tolist()
        there = [offset for offset in entries if offset != NONE]
        if not symbols.keys() >= set(exports(layout)) or max(*symbols.values(), *there) >= size:
            return None
        return cls(code.machine_code[:size], symbols, entries)

    @classmethod
    def of_names(cls, code: CachedCode, layout: Layout) -> Unit:
        """What `build` gives, whose handlers have names."""
        symbols = dict(code.symbols)
        rows = range(256 * len(layout.states))
        entries = [symbols.pop(f"{table}/{row}", NONE) for table in HANDLER_TABLES for row in rows]
        return cls(code.machine_code, symbols, entries)

"""Instructions of the wire VM that read fields in any order by a table, without a branch that
depends on which field comes.

Where fields come in an order of their own in each message, a jump to what reads the next one is
wrongly predicted nearly every time, which takes longer than to read it. So plain fields (numbers
that are no closed enums, strings of a few bytes, no members of oneofs) are read by the same two
instructions, again and again. All they have to know of a field is an entry of a table:

    bytes   0  a   what the value is written to, in UNITs: numbers, or bytes
            4  b   its presence
            8  c   its offsets
           12      how it is meant, see ZIGZAG and the others

They do everything for each field, and what a field has not goes where nobody looks. Numbers are
written with more bytes than they have: these are of rows that are not decoded yet.

    simple    is it a plain field, with a value that is as usual? Else to a place
    read      reads it, and goes back there while there are more

Where nobody looks (`Tree.scratch`) there are two words of 4 bytes of 0, the offsets of fields that
have none, and behind them a UNIT for everything else.
"""

from __future__ import annotations

from jitvm.guests.wire.vm.operands import (
    CODE,
    FRAMES,
    HIGH,
    INPUT,
    LOW,
    M32,
    M64,
    OUTPUT,
    UNIT,
    cursor,
    end,
    row,
)
from jitvm.guests.wire.vm.values import seven

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from jitvm.guest import Core, Word

ENTRY = 16
"""Bytes of an entry."""
MOST = 16
"""Bytes of the longest string that is read so."""
WIDTH = 0xF
"""Bytes of a number; 0: there is but one place for all rows."""
ZIGZAG, SHORT, NULLABLE, TEXT = (1 << bit for bit in range(4, 8))
"""How numbers are meant (SHORT: of 32 bits), whether there is a presence, and offsets."""
FIRST = 1 << 16
"""What the first byte of the value has to be below; 0 where there is no such field."""
_SIZES = 8 << 8 * 1 | 1 << 8 * 2 | 4 << 8 * 5
"""A byte for each wire type: how many a field has at least behind its tag, but for varints."""


class _Field:
    """The field at the cursor, as far as it has to be known whether it is simple.

    Args:
        is_long: whether there are known tags of two bytes.
    """

    def __init__(self, is_long: bool, core: Core) -> None:
        at, self.row = cursor(core), row(core)
        head = core.load(INPUT, at, 2)
        if is_long:
            more = (head >> 7) & 1
            tag = (head & 0x7F) | ((head >> 1) & ((more << 14) - (more << 7)))
            begin = at + 1 + more
            fits = (head & 0x8080) != 0x8080
        else:
            tag, begin, fits = head & 0xFF, at + 1, 1
        last = core.operand(8, 2)
        self.entry = core.operand(4, 4) + ((tag & last) << 4)
        self.about = core.load(CODE, self.entry + 12, 4)
        self.begin, self.word = begin, core.load(INPUT, begin, 8)
        self.ends = (self.word & HIGH) ^ HIGH
        wire = head & 7
        self.is_varint = wire == 0
        self.length = core.select(wire == 2, self.word & 0x7F, 0)
        size = ((_SIZES >> (wire << 3)) & 15) + self.length
        long = 1 + (core.trailing_zeros(self.ends, 8) >> 3)
        self.after = begin + core.select(self.is_varint, long, size)
        self.offset = self.column(core, 8) + core.select(self.about & TEXT, self.row << 2, 0)
        self.to = core.load(OUTPUT, self.offset, 4)
        is_first = self.to == core.load(OUTPUT, self.offset + 4, 4)
        fits = fits & (tag <= last) & is_first & (self.after <= end(core))
        fits = fits & ((self.word & 0xFF) < self.about >> 16)
        self.fits = fits & ((self.is_varint == 0) | (self.ends != 0))

    def column(self, core: Core, place: int) -> Word:
        """The address of a column of the entry."""
        return core.load(CODE, self.entry + place, 4) * UNIT


def simple(is_long: bool, core: Core) -> None:
    """On before a field that `read` can read, else to a place."""
    core.jump_if(_Field(is_long, core).fits == 0, core.operand(0, 4))


def read(is_long: bool, core: Core) -> None:
    """Read a field that is `simple`; to a place where there are more, else on."""
    it = _Field(is_long, core)
    core.expect(it.fits)
    about, word = it.about, it.word
    number = seven((word & LOW) & (it.ends ^ (it.ends - 1))) & M64
    shift, turn = about & SHORT, (about >> 4) & 1
    number = ((number << shift) & M64) >> shift
    number = (number >> turn) ^ (0 - (number & turn))
    is_text = about & TEXT
    words = [core.load(INPUT, it.begin + 1 + i, 8) for i in range(0, MOST, 8)]
    value = core.select(it.is_varint, number, core.select(is_text, words[0], word))
    target = it.column(core, 0) + core.select(is_text, it.to, it.row * (about & WIDTH))
    there = it.column(core, 4) + core.select(about & NULLABLE, it.row, 0)
    core.store(OUTPUT, there, 1, 1)
    core.store(OUTPUT, target, value, 8)
    for i, each in enumerate(words[1:], 1):
        core.store(OUTPUT, target + 8 * i, each, 8)
    core.store(OUTPUT, it.offset + 4, it.to + it.length, 4)
    core.put(FRAMES, it.after & M32, 4)
    core.jump_if(it.after < end(core), core.operand(0, 4))

"""Instructions of the wire VM that read packed fields."""

from __future__ import annotations

from jitvm.guests.wire.vm.operands import (
    FRAMES,
    HIGH,
    INPUT,
    M32,
    M64,
    OUTPUT,
    column,
    cursor,
    end,
    follows,
    go_on,
    operand,
    row,
    size,
)
from jitvm.guests.wire.vm.values import KINDS, LENGTHS, a_length, knows

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from jitvm.guest import Core, Word


def packed(is_first: bool, core: Core) -> None:
    """Begin to read a packed field into the list whose offsets are b."""
    fits, count, begin = a_length(core, cursor(core) + size(core))
    until = begin + (count & M32)
    fits = fits & (until <= end(core))
    before = core.load(OUTPUT, column(core, "b", row(core) + (0 if is_first else 1), 4), 4)
    core.expect(fits)
    core.put(FRAMES, before, 4)
    core.push(FRAMES, core.select(fits, until & M32, 0), 4)
    core.push(FRAMES, core.select(fits, begin, 1), 4)
    core.jump_if((begin < until & M32) == 0, operand(core, "miss"))


def packed_fixed(width: int, is_first: bool, core: Core) -> None:
    """Read a whole packed field of fixed numbers, which lie in it as they do in the column a, into
    the list whose offsets are b."""
    fits, length, begin = a_length(core, cursor(core) + size(core))
    short = length & M32
    after = begin + short
    fits = fits & (after <= end(core)) & ((short & (width - 1)) == 0)
    after, here = after & M32, row(core)
    before = core.load(OUTPUT, column(core, "b", here + (0 if is_first else 1), 4), 4)
    following = core.load(INPUT, after, 4)
    core.expect(fits)
    taken = core.select(fits, short, 0)
    behind = before + (taken >> width.bit_length() - 1)
    core.store(OUTPUT, column(core, "b", here + 1, 4), behind, 4)
    core.copy(OUTPUT, column(core, "a", before, width), INPUT, begin, taken)
    go_on(core, after, fits, following)


def item(length: str, kind: str, core: Core) -> None:
    """Read elements of a packed field into a, again and again until `end`."""
    fits, value, at, _ = LENGTHS[length](core, cursor(core))
    width, meaning = KINDS[kind]
    _item(core, fits, meaning(value), at & M32, width)


def items(length: int, kind: str, core: Core) -> None:
    """Read as many elements of one or two bytes as stand at the cursor, up to eight bytes of them.

    All are written, also those that are not there: the next ones are written over them.
    """
    count, until, at = row(core), end(core), cursor(core)
    width, meaning = KINDS[kind]
    word = core.load(INPUT, at, 8)
    if length == 1:
        there = core.trailing_zeros(word & HIGH, 8) >> 3
        left = (until - at) & M32
    else:
        there = core.trailing_zeros((word & HIGH) ^ 0x0080_0080_0080_0080, 8) >> 4
        left = ((until - at) & M32) >> 1
        word = (word & 0x007F_007F_007F_007F) | ((word & 0x7F00_7F00_7F00_7F00) >> 1)
    taken = core.select(there < left, there, left) & 15
    lanes = 8 // length
    values = [
        meaning((word >> 8 * length * i) & (0x7F if length == 1 else 0x3FFF)) for i in range(lanes)
    ]
    step = 8 // width if width < 8 and kind != "sint32" else 1
    place = column(core, "a", count, width)
    for first in range(0, lanes, step):
        together = values[first]
        for i in range(1, min(step, lanes - first)):
            together = together | values[first + i] << 8 * width * i
        size = min(step, lanes - first) * width
        core.store(OUTPUT, place + first * width, together, size)
    after = (at + taken * length) & M32
    for _ in range(3):
        core.pop(FRAMES, 4)
    for each in (count + taken, until, after):
        core.push(FRAMES, each, 4)
    fits = taken != 0
    core.expect(fits)
    ok = core.select(fits, after < until, 1)
    core.jump_if(ok, core.select(fits, core.pc, operand(core, "slow")))


def mixed_items(kind: str, core: Core) -> None:
    """Read elements of one or two bytes, in any order: those that begin in the next seven bytes.

    Each byte is taken for the first of an element, whose value is written; but the place moves on
    only where one begins. So nothing waits to be told how long an element is.
    """
    count, until, at = row(core), end(core), cursor(core)
    width, _ = KINDS[kind]
    word = core.load(INPUT, at, 8)
    more = word & HIGH
    left = (until - at) & M32
    short = core.trailing_zeros((more & (more >> 8)) | 1 << 63, 8) >> 3
    limit = core.select(short < left, short, left)
    after = (at + limit + ((more >> ((limit << 3) - 1 & 63)) & 1)) & M32
    begins = (((more << 8) & M64) >> 7 ^ EACH) & EACH
    before = (begins * (EACH << 8 & M64)) & M64  # how many begin before each byte, a byte each
    lanes = [_pairs(kind, word), _pairs(kind, word >> 8)]
    for i in range(7):
        value = lanes[i & 1] >> 16 * (i >> 1) & 0xFFFF
        value = core.signed(value, 2) if kind.startswith("s") else value
        place = column(core, "a", count + ((before >> 8 * i) & 0xFF), width)
        core.store(OUTPUT, place, value, width)
    fits = (limit != 0) & (after <= until)
    core.expect(fits)
    taken = (before >> ((limit << 3) & 63)) & 0xFF
    for _ in range(3):
        core.pop(FRAMES, 4)
    for each in (core.select(fits, count + taken, count), until, core.select(fits, after, at)):
        core.push(FRAMES, each, 4)
    ok = core.select(fits, after < until, 1)
    core.jump_if(ok, core.select(fits, core.pc, operand(core, "slow")))


EACH = 0x0101_0101_0101_0101
"""A bit of each byte."""


def _pairs(kind: str, word: Word) -> Word:
    """What elements of one or two bytes that begin in every other byte of a word would be, 16 bits
    each."""
    every = 0x0001_0001_0001_0001
    more = (word >> 7) & every
    lanes = (word & 0x7F * every) | ((word >> 1) & ((more << 14) - (more << 7)))
    if kind == "bool":
        return ((lanes + 0x7FFF * every) >> 15) & every
    if kind.startswith("s"):
        lanes = ((lanes >> 1) & 0x1FFF * every) ^ ((lanes & every) * 0xFFFF & M64)
    return lanes


def item_closed(length: str, core: Core) -> None:
    """Numbers of an enum that is closed."""
    fits, value, at, _ = LENGTHS[length](core, cursor(core))
    _item(core, fits & knows(core, value), value, at & M32, 4)


def _item(core: Core, fits: Word, value: Word, at: Word, width: int) -> None:
    count, until, was = row(core), end(core), cursor(core)
    core.expect(fits)
    for _ in range(3):
        core.pop(FRAMES, 4)
    core.push(FRAMES, count + core.select(fits, 1, 0), 4)
    core.push(FRAMES, until, 4)
    core.push(FRAMES, core.select(fits, at, was), 4)
    core.store(OUTPUT, column(core, "a", count, width), value, width)
    ok = core.select(fits, at < until, 1)
    core.jump_if(ok, core.select(fits, core.pc, operand(core, "slow")))


def end_packed(core: Core) -> None:
    """All elements of a packed field are read: go on as behind any field; nothing may be left."""
    at, until, count = (core.pop(FRAMES, 4) for _ in range(3))
    fits = at == until
    core.expect(fits)
    core.push(FRAMES, at, 4)
    core.store(OUTPUT, column(core, "b", row(core) + 1, 4), count, 4)
    ok = core.select(fits, follows(core, at, core.load(INPUT, at, 4)), 0)
    core.jump_if(ok == 0, core.select(fits, operand(core, "miss"), operand(core, "slow")))

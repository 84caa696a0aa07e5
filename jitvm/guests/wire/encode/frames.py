"""Instructions that go through rows, through messages in messages, and through lists."""

from __future__ import annotations

from jitvm.guests.wire.encode.operands import (
    COLUMNS,
    FRAMES,
    M32,
    OUTPUT,
    STARTS,
    STATE,
    UNIT,
    before,
    column,
    cursor,
    headed,
    moved,
    operand,
    row,
    size,
    varint,
)
from jitvm.guests.wire.encode.values import KINDS, LENGTHS, extent, text
from jitvm.guests.wire.vm.operands import M64

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from jitvm.guest import Core, Word

# -- rows -----------------------------------------------------------------------------------------


def next_row(core: Core) -> None:
    """The message of a row is complete: note where it begins, and go to `slow` for that of the row
    before, or on behind the first."""
    at, here = cursor(core), row(core)
    starts = core.load(STATE, STARTS, 8)
    more = here != 0
    core.expect(more)
    for _ in range(3):
        core.pop(FRAMES, 4)
    for each in ((here - 1) & M32, at, at):
        core.push(FRAMES, each, 4)
    core.store(OUTPUT, (starts + (here << 2)) & M32, at, 4)
    core.jump(core.select(more, operand(core, "slow"), core.next_pc))


DONE = 1
"""Reason of the stop behind the last row."""


def done(core: Core) -> None:
    core.jump(core.pc)
    core.stop(DONE, cursor(core))


def go_to(core: Core) -> None:
    core.jump(core.operand(0, 4))


# -- messages in messages -------------------------------------------------------------------------


def unless(core: Core) -> None:
    """Go to a place where the byte a[row] is 0."""
    there = core.load(COLUMNS, core.operand(0, 4) * UNIT + row(core), 1)
    core.jump_if(there == 0, core.operand(4, 4))


def look(is_seldom: bool, core: Core) -> None:
    """Where the byte a[row] is 0 the value that comes next is not there. If it seldom is, go to a
    place behind it; if it often is, it costs less to have it written in vain, as nobody could
    predict the jump."""
    if is_seldom:
        unless(core)


def open_message(core: Core) -> None:
    """Begin, at its end, a message that has the row of the one around it."""
    here, at = row(core), cursor(core)
    for each in (here, at, at):
        core.push(FRAMES, each, 4)


def _headed(core: Core, length: str, at: Word, count: Word) -> Word:
    """Write a length and the tag; where they begin. A length of one byte is expected by "1"."""
    is_short = count < 0x80
    if length == "1":
        core.expect(is_short)
    word, size_of = varint(core, count)
    before(core, at, core.select(is_short, count << 56, word) if length == "1" else word)
    size_of = core.select(is_short, 1, size_of) if length == "1" else size_of
    behind = (at - size_of) & M32
    before(core, behind, operand(core, "tag"))
    return (behind - size(core)) & M32


def close_message(length: str, core: Core) -> None:
    """The message is complete: its length and its tag come before it."""
    at, until, _ = (core.pop(FRAMES, 4) for _ in range(3))
    core.put(FRAMES, _headed(core, length, at, (until - at) & M32), 4)


def close_group(core: Core) -> None:
    """The group is complete: its tag comes before it."""
    at, _, _ = (core.pop(FRAMES, 4) for _ in range(3))
    before(core, at, operand(core, "tag"))
    core.put(FRAMES, (at - size(core)) & M32, 4)


def mark(core: Core) -> None:
    """Write a tag."""
    at = cursor(core)
    before(core, at, operand(core, "tag"))
    core.put(FRAMES, (at - size(core)) & M32, 4)


# -- lists ----------------------------------------------------------------------------------------


def unless_any(core: Core) -> None:
    """Go to a place where the list of a row, whose offsets are a, is empty."""
    begin, behind = _range(core, core.operand(0, 4) * UNIT + row(core) * 4)
    core.jump_if(begin == behind, core.operand(4, 4))


def _range(core: Core, offsets: Word) -> tuple[Word, Word]:
    return core.load(COLUMNS, offsets, 4), core.load(COLUMNS, offsets + 4, 4)


def begin_list(core: Core) -> None:
    """Begin, at its end, the list of a row, whose offsets are a. Its frame:

    first  at  end  cursor                  elements before `at` are left, down to `first`
    """
    begin, behind = _range(core, core.operand(0, 4) * UNIT + row(core) * 4)
    here = cursor(core)
    for each in (begin, behind, here, here):
        core.push(FRAMES, each, 4)


def end_list(core: Core) -> None:
    """All elements are written."""
    at, _, _, _ = (core.pop(FRAMES, 4) for _ in range(4))
    core.put(FRAMES, at, 4)


def end_packed(length: str, core: Core) -> None:
    """All elements are written of a packed list: its length and its tag come before it."""
    at, until, _, _ = (core.pop(FRAMES, 4) for _ in range(4))
    core.put(FRAMES, _headed(core, length, at, (until - at) & M32), 4)


def item(core: Core) -> None:
    """Begin, at its end, the last message of a list that is left."""
    at, until, place = (core.pop(FRAMES, 4) for _ in range(3))
    place = (place - 1) & M32
    for each in (place, until, at, place, at, at):
        core.push(FRAMES, each, 4)


def again(core: Core) -> None:
    """Go to a place while elements of a list are left."""
    core.jump_if(core.peek(FRAMES, 12, 4) != core.peek(FRAMES, 16, 4), core.operand(0, 4))


def _taken(core: Core, count: Word, after: Word, fits: Word) -> None:
    """Some elements are written, if they were as expected: this instruction comes again while there
    are others, and `slow` where they were not."""
    at, until, place = (core.pop(FRAMES, 4) for _ in range(3))
    left = (place - count) & M32
    more = core.select(fits, left != core.peek(FRAMES, 4, 4), 1)
    for each in (core.select(fits, left, place), until, core.select(fits, after, at)):
        core.push(FRAMES, each, 4)
    core.jump_if(more, core.select(fits, core.pc, operand(core, "slow")))


def element(length: str, kind: str, is_packed: bool, core: Core) -> None:
    """Write the last element of a that is left as a varint: with its tag, or packed."""
    width, meaning = KINDS[kind]
    place = column(core, "a", (core.peek(FRAMES, 12, 4) - 1) & M32, width)
    value = meaning(core, core.load(COLUMNS, place, width))
    tag, tags = (0, 0) if is_packed else (operand(core, "tag"), size(core))
    fits, count = LENGTHS[length](core, cursor(core), value, tag, tags)
    if length != "10":
        core.expect(fits)
    _taken(core, 1, (cursor(core) - count) & M32, fits)


LANES = 8
"""Elements that are written at once."""


def elements(kind: str, core: Core) -> None:
    """Write as many packed elements of a as there are, up to eight, each of one byte. Those before
    the first one are written, too, and then written over."""
    width, meaning = KINDS[kind]
    at, place = cursor(core), core.peek(FRAMES, 12, 4)
    left = (place - core.peek(FRAMES, 16, 4)) & M32
    first = column(core, "a", place, width) - LANES * width
    word = over = 0
    for i in range(LANES):
        value = meaning(core, core.load(COLUMNS, (first + i * width) & M64, width))
        over, word = over | value, word | (value & 0x7F) << 8 * i
    before(core, at, word)
    count = core.select(left < LANES, left, LANES)
    fits = over < 0x80
    core.expect(fits)
    _taken(core, count, (at - count) & M32, fits)


def mixed_elements(kind: str, core: Core) -> None:
    """The same for elements of one or two bytes."""
    width, meaning = KINDS[kind]
    at, place = cursor(core), core.peek(FRAMES, 12, 4)
    left = (place - core.peek(FRAMES, 16, 4)) & M32
    over: Word = 0
    for i in range(1, LANES + 1):
        address = (column(core, "a", place, width) - i * width) & M64
        value = meaning(core, core.load(COLUMNS, address, width))
        more = value >= 0x80
        two = (value & 0x7F) | 0x80 | ((value << 1) & 0x7F00)
        before(core, at, core.select(more, two, (value & 0x7F) << 8), 2)
        over, at = over | value, moved(core, at, 1 + more, left >= i)
    fits = over < 1 << 14
    core.expect(fits)
    _taken(core, core.select(left < LANES, left, LANES), at, fits)


PAIR = 0x1_0000_0001
"""1 in each half of a word."""


def mixed_pairs(kind: str, core: Core) -> None:
    """The same for elements of 32 bits: a word of two at once, and four are stored by one."""
    width, _ = KINDS[kind]
    at, place = cursor(core), core.peek(FRAMES, 12, 4)
    left = (place - core.peek(FRAMES, 16, 4)) & M32
    end = column(core, "a", place, width)
    over: Word = 0
    pairs: list[tuple[Word, Word]] = []
    for i in range(2, LANES + 1, 2):
        word = core.load(COLUMNS, (end - i * width) & M64, 2 * width)
        if kind == "sint32":
            sign = (word >> 31) & PAIR
            word = ((word << 1) & (M64 - PAIR)) ^ (((sign << 32) - sign) & M64)
        over = over | word
        there = core.select(left >= i, M64, core.select(left == i - 1, M64 - M32, 0))
        high = word & 0x3F80 * PAIR
        more = ((high + 0x3F80 * PAIR) >> 14) & PAIR
        both = ((word & 0x7F * PAIR) | (high << 1) | (more << 7)) & there
        sizes = (PAIR + more) & there
        first = sizes & 3
        joined = (both & 0xFFFF) | ((both >> 32 & 0xFFFF) << (first << 3))
        pairs.append((joined, first + (sizes >> 32 & 3)))
    for (later, behind), (word, count) in ((pairs[0], pairs[1]), (pairs[2], pairs[3])):
        four, size_of = word | (later << (count << 3)), behind + count
        before(core, at, (four << ((64 - (size_of << 3)) & 63)) & M64)
        at = (at - size_of) & M32
    fits = (over & (M32 - 0x3FFF) * PAIR) == 0
    core.expect(fits)
    _taken(core, core.select(left < LANES, left, LANES), at, fits)


def flags(core: Core) -> None:
    """Write as many packed booleans as there are, up to eight; in their column they are 0 or 1."""
    at, place = cursor(core), core.peek(FRAMES, 12, 4)
    left = (place - core.peek(FRAMES, 16, 4)) & M32
    before(core, at, core.load(COLUMNS, (column(core, "a", place, 1) - LANES) & M64, 8))
    count = core.select(left < LANES, left, LANES)
    _taken(core, count, (at - count) & M32, 1)


def each_flag(core: Core) -> None:
    """Write the last boolean that is left, with its tag."""
    place = column(core, "a", (core.peek(FRAMES, 12, 4) - 1) & M32, 1)
    value = core.load(COLUMNS, place, 1) & 1
    _, count = LENGTHS["1"](core, cursor(core), value, operand(core, "tag"), size(core))
    _taken(core, 1, (cursor(core) - count) & M32, 1)


def each_fixed(width: int, core: Core) -> None:
    """Write the last number that is left as it is, with its tag."""
    at = cursor(core)
    place = column(core, "a", (core.peek(FRAMES, 12, 4) - 1) & M32, width)
    before(core, at, core.load(COLUMNS, place, width), width)
    before(core, (at - width) & M32, operand(core, "tag"))
    _taken(core, 1, (at - width - size(core)) & M32, 1)


def packed_fixed(width: int, core: Core) -> None:
    """Write the list of a row, of numbers a, whose offsets are b, packed: as it is."""
    at = cursor(core)
    begin, behind = _range(core, column(core, "b", row(core), 4))
    count = ((behind - begin) & M32) * width & M32
    core.copy(OUTPUT, (at - count) & M32, COLUMNS, column(core, "a", begin, width), count)
    after = headed(core, (at - count) & M32, count, 1)
    core.put(FRAMES, core.select(count, after, at), 4)


def each_string(most: str, core: Core) -> None:
    """Write the last bytes of a list that are left, of a, whose offsets are c, with their tag."""
    begin, length = extent(core, (core.peek(FRAMES, 12, 4) - 1) & M32)
    fits, after = text(core, most, cursor(core), begin, length, 1)
    if most != "any":
        core.expect(fits)
    _taken(core, 1, after, fits)

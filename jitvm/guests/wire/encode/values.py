"""Instructions that write scalars and strings: of a field, or of an element of a list.

Whether a value is there is not decided by a jump, unless it seldom is (`frames.look`). It is
written in any case, and the cursor moves in front of it only if it is there; else the next value is
written over it.
"""

from __future__ import annotations

from jitvm.guests.wire.encode.operands import (
    COLUMNS,
    FRAMES,
    HEAD,
    HEAD_ROOM,
    HEAD_SIZE,
    M32,
    M64,
    OUTPUT,
    STATE,
    before,
    column,
    cursor,
    end,
    headed,
    length_of,
    moved,
    operand,
    row,
    size,
    spread,
    varint,
)
from jitvm.guests.wire.vm.operands import HIGH

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from collections.abc import Callable

    from jitvm.guest import Core, Word

    Written = tuple[Word, Word]
    """Whether a value is as its instruction takes it, and how many bytes it has, with its tag."""


def zigzag(word: Word, bits: int) -> Word:
    return ((word << 1) ^ (0 - (word >> bits - 1))) & ((1 << bits) - 1)


KINDS: dict[str, tuple[int, Callable[[Core, Word], Word]]] = {
    "uint32": (4, lambda _, word: word),
    "int32": (4, lambda core, word: core.signed(word, 4) & M64),
    "int64": (8, lambda _, word: word),
    "sint32": (4, lambda _, word: zigzag(word, 32)),
    "sint64": (8, lambda _, word: zigzag(word, 64)),
}
"""Bytes of a value of each kind in its column, and the number that is written for it."""

# -- varints --------------------------------------------------------------------------------------


def one(core: Core, at: Word, value: Word, tag: Word, tags: Word) -> Written:
    """A varint of one byte, behind its tag."""
    before(core, at, (tag >> 8) | ((value & 0x7F) << 56))
    return value < 0x80, 1 + tags


def one_or_two(core: Core, at: Word, value: Word, tag: Word, tags: Word) -> Written:
    more = value >= 0x80
    short = (tag >> 8) | ((value & 0x7F) << 56)
    two = (value & 0x7F) | 0x80 | ((value & 0x3F80) << 1)
    before(core, at, core.select(more, (tag >> 16) | (two << 48), short))
    return value < 1 << 14, 1 + more + tags


def some(core: Core, at: Word, value: Word, tag: Word, tags: Word) -> Written:
    """One of up to eight bytes."""
    word, count = varint(core, value)
    before(core, at, word)
    before(core, (at - count) & M32, tag)
    return value < 1 << 56, count + tags


def ten(core: Core, at: Word, value: Word, tag: Word, tags: Word) -> Written:
    """One of up to ten bytes: all there are. Of those of more than eight the last two are written
    first, and the others before them."""
    low, high, count = value & ((1 << 56) - 1), value >> 56, length_of(core, value)
    short, _ = varint(core, low)
    last = core.select(value >> 63, (high & 0x7F) | 0x180, high << 8) << 48
    is_long = high != 0
    before(core, at, core.select(is_long, last, short))
    behind = (at - count) & M32
    place = core.select(is_long, (behind + 8) & M32, (at - 16) & M32)
    before(core, place, spread(low) | HIGH)
    before(core, behind, tag)
    return 1, count + tags


LENGTHS = {"1": one, "1-2": one_or_two, "8": some, "10": ten}
"""How varints are written, by the bytes they have; the last is right for all."""


# -- presence -------------------------------------------------------------------------------------

PRESENCES = {"": "plain", ".set": "set", ".all": "all"}
"""When a field is written, by the end of an instruction's name: unless it is 0 or empty; where its
column b says so; always."""


def presence(core: Core, mode: str, is_other: Word) -> Word:
    if mode == "set":
        return core.load(COLUMNS, column(core, "b", row(core), 1), 1)
    return is_other if mode == "plain" else 1


def number(length: str, kind: str, mode: str, core: Core) -> None:
    """Write a[row] as a varint."""
    width, meaning = KINDS[kind]
    at = cursor(core)
    value = meaning(core, core.load(COLUMNS, column(core, "a", row(core), width), width))
    there = presence(core, mode, value != 0)
    if mode == "set":  # what is absent may be anything
        value = core.select(there, value, 0)
    fits, count = LENGTHS[length](core, at, value, operand(core, "tag"), size(core))
    _end(core, length == "10", fits, moved(core, at, count, there))


def _end(core: Core, is_sure: bool, fits: Word, after: Word) -> None:
    """The cursor moves where the value was as expected; else `slow` is next."""
    if is_sure:
        core.put(FRAMES, after, 4)
        return
    core.expect(fits)
    core.put(FRAMES, core.select(fits, after, cursor(core)), 4)
    core.jump(core.select(fits, core.next_pc, operand(core, "slow")))


def flag(mode: str, core: Core) -> None:
    """Write a[row] as a boolean."""
    at = cursor(core)
    value = core.load(COLUMNS, column(core, "a", row(core), 1), 1) & 1
    there = presence(core, mode, value)
    _, count = one(core, at, value, operand(core, "tag"), size(core))
    core.put(FRAMES, moved(core, at, count, there), 4)


def fixed(width: int, mode: str, core: Core) -> None:
    """Write a[row] as it is."""
    at = cursor(core)
    value = core.load(COLUMNS, column(core, "a", row(core), width), width)
    there = presence(core, mode, value != 0)
    before(core, at, value, width)
    before(core, (at - width) & M32, operand(core, "tag"))
    core.put(FRAMES, moved(core, at, width + size(core), there), 4)


# -- bytes and strings ----------------------------------------------------------------------------

LIMITS = ("16", "32", "64", "any")
"""Up to how many bytes are copied by words."""


def string(most: str, mode: str, core: Core) -> None:
    """Write the bytes a of a row, whose offsets are c."""
    at, here = cursor(core), row(core)
    begin, length = extent(core, here)
    there = presence(core, mode, length != 0)
    fits, after = text(core, most, at, begin, length, there)
    _end(core, most == "any", fits, after)


def extent(core: Core, here: Word) -> tuple[Word, Word]:
    """Where the bytes of a row begin, and how many these are."""
    begin = core.load(COLUMNS, column(core, "c", here, 4), 4)
    behind = core.load(COLUMNS, column(core, "c", here + 1, 4), 4)
    return begin, (behind - begin) & M32


def text(
    core: Core, most: str, at: Word, begin: Word, length: Word, there: Word
) -> tuple[Word, Word]:
    """Write bytes with what is in front of them; whether they are as expected, and where that
    begins."""
    if most == "any":
        _copied(core, at, begin, core.select(there, length, 0))
        return 1, core.select(there, headed(core, (at - length) & M32, length, 1), at)
    limit = int(most)
    fits = length <= limit
    source = column(core, "a", begin + length, 1)
    words = [core.load(COLUMNS, (source - back) & M64, 8) for back in range(8, limit + 1, 8)]
    for i, word in enumerate(words):
        before(core, (at - 8 * i) & M32, word)
    before(core, (at - length) & M32, (operand(core, "tag") >> 8) | ((length & 0x7F) << 56))
    return fits, moved(core, at, length + 1 + size(core), there)


def _copied(core: Core, at: Word, begin: Word, length: Word) -> None:
    core.copy(OUTPUT, (at - length) & M32, COLUMNS, column(core, "a", begin, 1), length)


def raw(core: Core) -> None:
    """Write the bytes a of a row, whose offsets are c, with nothing in front of them."""
    at = cursor(core)
    begin, length = extent(core, row(core))
    _copied(core, at, begin, length)
    core.put(FRAMES, (at - length) & M32, 4)


# -- what stands in front of messages -------------------------------------------------------------


def head(core: Core) -> None:
    """Write the header that all messages have."""
    at = cursor(core)
    count = core.load(STATE, HEAD_SIZE, 8)
    words = [core.load(STATE, HEAD + place, 8) for place in range(0, HEAD_ROOM, 8)]
    for i, word in enumerate(reversed(words)):
        before(core, (at - 8 * i) & M32, word)
    core.put(FRAMES, (at - count) & M32, 4)


def delimit(core: Core) -> None:
    """Write how many bytes the message has."""
    at = cursor(core)
    word, count = varint(core, (end(core) - at) & M32)
    before(core, at, word)
    core.put(FRAMES, (at - count) & M32, 4)

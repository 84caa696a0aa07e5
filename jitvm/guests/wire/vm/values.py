"""Instructions of the wire VM that read scalars and strings, or pass over them."""

from __future__ import annotations

from jitvm.guests.wire.vm.operands import (
    CODE,
    HIGH,
    INPUT,
    LOW,
    M32,
    M64,
    OUTPUT,
    again,
    column,
    cursor,
    end,
    go_on,
    operand,
    row,
    size,
)

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from collections.abc import Callable

    from jitvm.guest import Core, Word

# -- varints --------------------------------------------------------------------------------------


def seven(word: Word) -> Word:
    """The groups of seven bits of up to eight bytes, put together."""
    for shift in (1, 2, 4):
        low = sum(((1 << 7 * shift) - 1) << 16 * shift * i for i in range(4 // shift))
        high = low << 8 * shift & M64
        word = (word & low) | ((word & high) >> shift)
    return word


def one(core: Core, at: Word) -> tuple[Word, Word, Word, Word]:
    """A varint of one byte: whether it is, its value, where it ends, and what follows."""
    word = core.load(INPUT, at, 8)
    return (word & 0x80) == 0, word & 0x7F, at + 1, (word >> 8) & M32


def two(core: Core, at: Word) -> tuple[Word, Word, Word, Word]:
    word = core.load(INPUT, at, 8)
    value = (word & 0x7F) | ((word & 0x7F00) >> 1)
    return (word & 0x8080) == 0x80, value, at + 2, (word >> 16) & M32


def one_or_two(core: Core, at: Word) -> tuple[Word, Word, Word, Word]:
    word = core.load(INPUT, at, 8)
    more = (word >> 7) & 1
    value = (word & 0x7F) | ((word >> 1) & (more << 14) - (more << 7))
    return (word & 0x8080) != 0x8080, value, at + 1 + more, (word >> 8 + (more << 3)) & M32


def some(core: Core, at: Word) -> tuple[Word, Word, Word, Word]:
    """One of up to eight bytes."""
    word = core.load(INPUT, at, 8)
    ends = (word & HIGH) ^ HIGH
    length = (core.trailing_zeros(ends, 8) + 1) >> 3 & 15
    value = seven((word & LOW) & (ends ^ (ends - 1)))
    after = (at + length) & M32
    return ends != 0, value, after, core.load(INPUT, after, 4)


def ten(core: Core, at: Word) -> tuple[Word, Word, Word, Word]:
    """One of up to ten bytes: all there are."""
    word, more = core.load(INPUT, at, 8), core.load(INPUT, at + 8, 2)
    ends = (word & HIGH) ^ HIGH
    low = seven((word & LOW) & (ends ^ (ends - 1)))
    is_nine = (more & 0x80) == 0
    high = core.select(is_nine, more & 0x7F, (more & 0x7F) | ((more >> 1) & 0x80))
    value = core.select(ends != 0, low, low | (high << 56))
    longer = core.select(is_nine, 9, 10)
    length = core.select(ends != 0, (core.trailing_zeros(ends, 8) + 1) >> 3, longer) & 15
    after = (at + length) & M32
    fits = (ends != 0) | ((more & 0x8080) != 0x8080)
    return fits, value, after, core.load(INPUT, after, 4)


def a_length(core: Core, at: Word) -> tuple[Word, Word, Word]:
    """A varint that is a length: whether it is one, of up to five bytes and 32 bits, its value, and
    where it ends. It is expected to have one or two bytes."""
    is_short, short, behind, _ = one_or_two(core, at)
    core.expect(is_short)
    fits, count, begin, _ = some(core, at)
    begin = begin & M32
    fits = fits & (count <= M32) & (begin <= at + 5)
    return (
        core.select(is_short, 1, fits),
        core.select(is_short, short, count),
        core.select(is_short, behind, begin),
    )


LENGTHS = {"1": one, "2": two, "1-2": one_or_two, "8": some, "10": ten}
"""How varints are read, by the bytes they have; the last is right for all."""


def zigzag(word: Word) -> Word:
    return (word >> 1) ^ (0 - (word & 1))


def zigzag32(word: Word) -> Word:
    return zigzag(word & M32)


KINDS: dict[str, tuple[int, Callable[[Word], Word]]] = {
    "bool": (1, lambda word: word != 0),
    "int32": (4, lambda word: word),
    "int64": (8, lambda word: word),
    "sint32": (4, zigzag32),
    "sint64": (8, zigzag),
}
"""Bytes of a value of each kind, and what it is."""


def scalar(read: Callable[[Core], tuple[Word, ...]], width: int, has_b: bool, core: Core) -> None:
    """a[row] = the value; b[row] = 1 where there is a column for it."""
    fits, value, at, following = read(core)
    core.expect(fits)
    core.store(OUTPUT, column(core, "a", row(core), width), value, width)
    if has_b:
        core.store(OUTPUT, column(core, "b", row(core), 1), core.select(fits, 1, 0), 1)
    go_on(core, at & M32, fits, following)


def element(read: Callable[[Core], tuple[Word, ...]], width: int, core: Core) -> None:
    """Append to the list whose offsets are b."""
    fits, value, at, following = read(core)
    core.expect(fits)
    counter = column(core, "b", row(core) + 1, 4)
    count = core.load(OUTPUT, counter, 4)
    core.store(OUTPUT, column(core, "a", count, width), value, width)
    core.store(OUTPUT, counter, count + core.select(fits, 1, 0), 4)
    again(core, at & M32, fits, following)


def passed(read: Callable[[Core], tuple[Word, ...]], core: Core) -> None:
    """A field that nobody wants to have."""
    fits, _, at, following = read(core)
    core.expect(fits)
    go_on(core, at & M32, fits, following)


def varint(length: str, kind: str) -> Callable[[Core], tuple[Word, ...]]:
    def read(core: Core) -> tuple[Word, ...]:
        fits, value, at, following = LENGTHS[length](core, cursor(core) + size(core))
        return fits, KINDS[kind][1](value), at, following

    return read


def closed(length: str) -> Callable[[Core], tuple[Word, ...]]:
    """A number that its enum has to know: c is the address in CODE of what `knows` needs."""

    def read(core: Core) -> tuple[Word, ...]:
        fits, value, at, following = LENGTHS[length](core, cursor(core) + size(core))
        return fits & knows(core, value), value, at, following

    return read


def knows(core: Core, value: Word) -> Word:
    """Whether the enum at c has a number: 4 bytes each of its lowest, of a factor, and of a shift,
    which tell at which place behind them, of 4 bytes each, its distance from the lowest would be.
    """
    about = operand(core, "c")
    distance = (value - core.load(CODE, about, 4)) & M32
    hashed = (distance * core.load(CODE, about + 4, 4)) & M32
    place = hashed >> (core.load(CODE, about + 8, 1) & 31)
    return core.load(CODE, about + 12 + (place << 2), 4) == distance


def fixed(width: int) -> Callable[[Core], tuple[Word, ...]]:
    def read(core: Core) -> tuple[Word, ...]:
        at = cursor(core) + size(core)
        after = (at + width) & M32
        return 1, core.load(INPUT, at, width), after, core.load(INPUT, after, 4)

    return read


# -- bytes and strings ----------------------------------------------------------------------------


def string(most: int, place: str, core: Core) -> None:
    """Bytes behind those of the row before: a the bytes, c their offsets.

    Args:
        most: up to so many bytes, copied by words; 0 for any.
        place: "row" of a field, whose presence b is told; "plain", the same without; "list" for an
            element of the list whose offsets are b; "more" for bytes that are added to the row's;
            "once" and "plain once" for those that have to be the row's first.
    """
    at = cursor(core) + size(core)
    if most:
        length = core.load(INPUT, at, 1)
        fits, begin = length <= most, (at + 1) & M32
        short = length & (2 * most - 1)
    else:
        fits, length, begin = a_length(core, at)
        short = length & M32
    after = begin + short
    if not most:
        fits = fits & (after <= end(core))
    after = after & M32
    here = row(core)
    if place == "list":
        counter = column(core, "b", here + 1, 4)
        here = core.load(OUTPUT, counter, 4)
    to = core.load(OUTPUT, column(core, "c", here + (1 if place == "more" else 0), 4), 4)
    was = to
    if place.endswith("once"):
        was = core.load(OUTPUT, column(core, "c", here + 1, 4), 4)
        fits = fits & (was == to)
    words = [core.load(INPUT, begin + i, 8) for i in range(0, most, 8)]
    following = core.load(INPUT, after, 4)
    core.expect(fits)
    target = column(core, "a", to, 1)
    if place == "list":
        core.store(OUTPUT, counter, here + core.select(fits, 1, 0), 4)
    elif not place.startswith("plain"):
        core.store(OUTPUT, column(core, "b", here, 1), core.select(fits, 1, 0), 1)
    core.store(OUTPUT, column(core, "c", here + 1, 4), core.select(fits, to + short, was), 4)
    if most:
        for i, word in enumerate(words):
            core.store(OUTPUT, target + 8 * i, word, 8)
    else:
        core.copy(OUTPUT, target, INPUT, begin, core.select(fits, short, 0))
    (again if place == "list" else go_on)(core, after, fits, following)


def passed_bytes(core: Core) -> tuple[Word, ...]:
    """What `passed` needs to know of bytes."""
    fits, length, begin = a_length(core, cursor(core) + size(core))
    after = begin + (length & M32)
    fits = fits & (after <= end(core))
    return fits, length, after, core.load(INPUT, after, 4)

"""Instructions that read values of records, or pass over them.

Each value has two forms (`Place`): one that is there, and one behind a byte that says whether it
is: the index of a branch of a union of two, as a zigzag varint, 0 or 2. Where it is not it has no
bytes, and what is written is 0, without a branch. `k` has in its lowest bit which of the two is
null. Formats that say it in another way have a `Place` of their own.
"""

from __future__ import annotations

from jitvm.guests.wire.records.operands import column, go_on, operand
from jitvm.guests.wire.vm.operands import CODE, INPUT, M32, M64, OUTPUT, cursor, end, row
from jitvm.guests.wire.vm.values import LENGTHS, zigzag

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from collections.abc import Callable

    from jitvm.guest import Core, Word

    Read = Callable[[Core, Word], tuple[Word, Word, Word]]
    """Of what stands at an address: whether it is right, the value, and where it ends."""

# -- presence -------------------------------------------------------------------------------------


class Place:
    """Where a value begins that is always there.

    Attributes:
        at: where it begins.
        there: whether it is there, 1 or 0.
        fits: whether what says so is right.
        behind: where it ends if it is not there.
    """

    def __init__(self, core: Core) -> None:
        self.at = self.behind = cursor(core)
        self.there: Word = 1
        self.fits: Word = 1

    def only(self, core: Core, word: Word) -> Word:
        """A word where the value is there, else 0."""
        del core
        return word

    def end(self, core: Core, fits: Word, after: Word, *, is_sure: bool = False) -> None:
        """Go on behind the value, which is right where `fits`."""
        if not is_sure:
            core.expect(fits)
        go_on(core, after, fits, is_sure=is_sure)


class Maybe(Place):
    """Of one that may be absent."""

    def only(self, core: Core, word: Word) -> Word:
        return core.select(self.there, word, 0)

    def end(self, core: Core, fits: Word, after: Word, *, is_sure: bool = False) -> None:
        """Note whether it was there, too."""
        del is_sure
        fits = self.fits & (fits | (self.there == 0))
        core.expect(fits)
        core.store(OUTPUT, column(core, "b", row(core), 1), self.there, 1)
        go_on(core, core.select(self.there, after, self.behind), fits)


class Branched(Maybe):
    """Of one behind the index of a branch of two."""

    def __init__(self, core: Core) -> None:
        super().__init__(core)
        branch = core.load(INPUT, self.at, 1)
        self.fits = (branch & 0xFD) == 0
        self.there = ((branch >> 1) ^ operand(core, "k")) & 1
        self.at = self.behind = self.at + 1


def value(read: Read, width: int, place: type[Place], is_sure: bool, core: Core) -> None:
    """a[row] = the value, of so many bytes; b[row] = whether it is there. `is_sure`: any bytes are
    right."""
    it = place(core)
    fits, word, after = read(core, it.at)
    core.store(OUTPUT, column(core, "a", row(core), width), it.only(core, word), width)
    it.end(core, fits, after, is_sure=is_sure)


def passed(read: Read, core: Core) -> None:
    """A value that nobody wants to have."""
    fits, _, after = read(core, cursor(core))
    core.expect(fits)
    go_on(core, after, fits)


# -- numbers --------------------------------------------------------------------------------------

KINDS: dict[str, tuple[int, bool]] = {
    "sint32": (4, True), "sint64": (8, True), "uint32": (4, False), "uint64": (8, False),
}  # fmt: skip
"""Varints: bytes of a value, and whether it is zigzag."""


def varint(length: str, kind: str) -> Read:
    """A varint; of those of 32 bits none that is larger."""
    width, is_zigzag = KINDS[kind]

    def read(core: Core, at: Word) -> tuple[Word, Word, Word]:
        fits, word, after, _ = LENGTHS[length](core, at)
        if width == 4 and length in ("8", "10"):
            fits = fits & (word <= M32)
        elif length == "10":  # of the tenth byte one bit is left
            fits = fits & ((((after - at) & 15) < 10) | (core.load(INPUT, at + 9, 1) <= 1))
        return fits, zigzag(word) if is_zigzag else word, after

    return read


def symbol(length: str) -> Read:
    """A zigzag varint that is a place among k >> 1 symbols."""

    def read(core: Core, at: Word) -> tuple[Word, Word, Word]:
        fits, word, after, _ = LENGTHS[length](core, at)
        fits = fits & ((word & 1) == 0) & (word < (operand(core, "k") & (M32 - 1)))
        return fits, word >> 1, after

    return read


def mapped(core: Core, at: Word) -> tuple[Word, Word, Word]:
    """The same, of what a table at c has for it, words of 4 bytes; all bits set for nothing."""
    fits, word, after = symbol("10")(core, at)
    found = core.load(CODE, operand(core, "c") + ((word & M32) << 2), 4)
    return fits & (found != M32), found, after


def fixed(width: int, is_big: bool = False) -> Read:
    """A number as it is, of 1, 2, 4 or 8 bytes; `is_big`: the highest byte first."""

    def read(core: Core, at: Word) -> tuple[Word, Word, Word]:
        word = core.load(INPUT, at, width)
        return 1, core.swap_bytes(word, width) if is_big else word, at + width

    return read


def bits(width: int, is_big: bool, core: Core) -> None:
    """a[row] = some bits of a number of so many bytes: k has in its lowest byte how far up they
    are, in the next how many. The cursor stays where it is."""
    _, word, _ = fixed(width, is_big)(core, cursor(core))
    about = operand(core, "k")
    word = word >> (about & (8 * width - 1))
    mask = M64 >> (64 - ((about >> 8) & 0xFF) & 63)
    core.store(OUTPUT, column(core, "a", row(core), width), word & mask, width)


def flag(core: Core, at: Word) -> tuple[Word, Word, Word]:
    """A byte that is 0 or 1."""
    word = core.load(INPUT, at, 1)
    return word <= 1, word, at + 1


# -- promoted numbers -----------------------------------------------------------------------------

_FRACTIONS = {4: (23, 127), 8: (52, 1023)}
"""Of floats, by their bytes: bits of the fraction, and what is added to exponents."""


def nearest(core: Core, size: Word, is_negative: Word, width: int) -> Word:
    """A whole number, without its sign, as a float of so many bytes: the nearest there is, of two
    the even one."""
    bits, bias = _FRACTIONS[width]
    zeros = core.leading_zeros(size, 8)
    top = (size << (zeros & 63)) & M64
    away = 63 - bits
    kept, rest, half = top >> away, top & ((1 << away) - 1), 1 << (away - 1)
    kept = kept + ((rest > half) | ((rest == half) & kept & 1))
    number = ((bias + 62 - zeros) << bits) + kept  # the topmost bit kept is one of the exponent
    return core.select(size, number, 0) | (is_negative << (8 * width - 1))


def real_of_whole(width: int) -> Read:
    """A zigzag varint as a float."""

    def read(core: Core, at: Word) -> tuple[Word, Word, Word]:
        fits, word, after, _ = LENGTHS["10"](core, at)
        is_negative = word & 1
        size = ((word >> 1) + is_negative) & M64  # without its sign
        return fits, nearest(core, size, is_negative, width), after

    return read


def widened(core: Core, word: Word) -> Word:
    """A float of 4 bytes as one of 8."""
    exponent, fraction = (word >> 23) & 0xFF, word & 0x7F_FFFF
    zeros = core.leading_zeros(fraction, 4)
    tiny = ((905 - zeros) << 52) | (((fraction << (zeros & 31)) & 0x7FFF_FFFF) << 21)
    high = core.select(exponent == 0xFF, 0x7FF, exponent + 896)
    number = core.select(exponent, (high << 52) | (fraction << 29), core.select(fraction, tiny, 0))
    return number | ((word >> 31) << 63)


def narrowed(core: Core, word: Word) -> Word:
    """A float of 8 bytes as one of 4: the nearest there is, of two the even one."""
    exponent, fraction = (word >> 52) & 0x7FF, word & ((1 << 52) - 1)
    is_large, is_normal = exponent >= 1151, exponent > 896
    whole = fraction | core.select(exponent, 1 << 52, 0)
    short = core.select(exponent > 863, 926 - exponent, 63) & 63
    away = core.select(is_normal, 29, short)  # bits that are lost
    rest, half = whole & ((1 << away) - 1), (1 << ((away - 1) & 63)) & M64
    kept = whole >> away
    kept = kept + ((rest > half) | ((rest == half) & kept & 1))
    number = core.select(is_normal, (exponent - 897) << 23, 0) + kept
    is_nan = (exponent == 0x7FF) & (fraction != 0)
    infinite = 0x7F80_0000 | core.select(is_nan, (fraction >> 29) | 0x40_0000, 0)
    return core.select(is_large, infinite, number) | ((word >> 63) << 31)


def double_of_float(core: Core, at: Word) -> tuple[Word, Word, Word]:
    """The same of one that stands somewhere."""
    return 1, widened(core, core.load(INPUT, at, 4)), at + 4


# -- bytes ----------------------------------------------------------------------------------------


def counted(core: Core, at: Word) -> tuple[Word, Word, Word]:
    """A zigzag varint that is a number of bytes: whether it is one, below 2**31, the number, and
    where these begin. It is expected to have one byte or two."""
    is_short, short, behind, _ = LENGTHS["1-2"](core, at)
    core.expect(is_short)
    fits, long, begin, _ = LENGTHS["10"](core, at)
    word = core.select(is_short, short, long)
    fits = core.select(is_short, 1, fits) & ((word & 1) == 0) & (word <= M32)
    return fits, (word & M32) >> 1, core.select(is_short, behind, begin) & M32


def counted_by(width: int, is_big: bool) -> Read:
    """A number of bytes that has so many bytes itself; one of 8 has to be below 2**31, too."""

    def read(core: Core, at: Word) -> tuple[Word, Word, Word]:
        _, word, begin = fixed(width, is_big)(core, at)
        fits = word < 1 << 31 if width > 2 else 1
        return fits, word & (M32 >> 1), begin & M32

    return read


def counted_of(width: int, name: str) -> Read:
    """A number of bytes that another column has, which an operand names."""

    def read(core: Core, at: Word) -> tuple[Word, Word, Word]:
        word = core.load(OUTPUT, column(core, name, row(core), width), width)
        return (word < 1 << 31 if width > 2 else 1), word & (M32 >> 1), at

    return read


def constant(core: Core, at: Word) -> tuple[Word, Word, Word]:
    """k >> 1 bytes."""
    return 1, (operand(core, "k") >> 1) & (M32 >> 1), at


COUNTS: dict[str, Read] = {
    "": counted,
    ".1": counted_by(1, False),
    **{
        f".{width}{'.big' * is_big}": counted_by(width, is_big)
        for width in (2, 4, 8)
        for is_big in (False, True)
    },
    ".k": constant,
}
"""How many bytes there are, by the end of an instruction's name."""


def text(most: int, place: type[Place], core: Core) -> None:
    """Up to so many bytes, of 16, 32 or 64, behind a zigzag varint of one byte: behind those of the
    row before, a the bytes, c their offsets; copied by words."""
    it = place(core)
    head = core.load(INPUT, it.at, 1)
    fits = (head <= min(2 * most, 126)) & ((head & 1) == 0)  # a varint of one byte
    count = it.only(core, (head >> 1) & (2 * most - 1))
    by_words(it, fits, count, (it.at + 1) & M32, most, core)


def by_words(it: Place, fits: Word, count: Word, begin: Word, most: int, core: Core) -> None:
    """End a value of up to so many bytes, which begin somewhere: a the bytes, c their offsets."""
    to = core.load(OUTPUT, column(core, "c", row(core), 4), 4)
    words = [core.load(INPUT, begin + i, 8) for i in range(0, most, 8)]
    target = column(core, "a", to, 1)
    core.store(OUTPUT, column(core, "c", row(core) + 1, 4), to + count, 4)
    for i, word in enumerate(words):
        core.store(OUTPUT, target + 8 * i, word, 8)
    it.end(core, fits, begin + count)


def bytes_of(count: Read, place: type[Place], core: Core) -> None:
    """Bytes behind those of the row before: a the bytes, c their offsets."""
    it = place(core)
    fits, size, begin = count(core, it.at)
    after = begin + size
    fits = fits & (after <= end(core))
    to = core.load(OUTPUT, column(core, "c", row(core), 4), 4)
    taken = core.select(fits, it.only(core, size), 0)
    core.store(OUTPUT, column(core, "c", row(core) + 1, 4), to + taken, 4)
    core.copy(OUTPUT, column(core, "a", to, 1), INPUT, begin, taken)
    it.end(core, fits, after)


def passed_bytes(count: Read) -> Read:
    """What `passed` needs to know of bytes."""

    def read(core: Core, at: Word) -> tuple[Word, Word, Word]:
        fits, size, begin = count(core, at)
        after = begin + size
        return fits & (after <= end(core)), 0, after

    return read


def block(place: type[Place], core: Core) -> None:
    """k >> 1 bytes, as many as each row has: a."""
    it = place(core)
    _, size, begin = constant(core, it.at)
    after = begin + size
    fits = after <= end(core)
    taken = core.select(fits, it.only(core, size), 0)
    core.copy(OUTPUT, operand(core, "a") * 64 + row(core) * size, INPUT, begin, taken)
    it.end(core, fits, after)


def decimal(is_counted: bool, place: type[Place], core: Core) -> None:
    """A whole number of up to 16 bytes, the highest first, as one of 16, the lowest first: a.

    It has k >> 1 bytes, or (`is_counted`) as many as a zigzag varint of one byte says."""
    it = place(core)
    if is_counted:
        head = core.load(INPUT, it.at, 1)
        fits, size, begin = (head <= 32) & ((head & 1) == 0), (head >> 1) & 31, it.at + 1
    else:
        fits, size, begin = 1, (operand(core, "k") >> 1) & 31, it.at
    after = begin + size
    fits = fits & (after <= end(core))
    first, last = (core.swap_bytes(core.load(INPUT, begin + i, 8), 8) for i in (0, 8))
    # The two words hold the number in their highest bytes: both are shifted right by the bytes that
    # are not its own, the sign with them.
    away = (16 - size) & 31
    sign = it.only(core, core.select(size, 0 - (first >> 63), 0))
    is_short = size <= 8
    bits = (away << 3) & 63
    low_short = (first >> bits) | core.select(bits, sign << ((64 - bits) & 63), 0)
    low_long = (last >> bits) | core.select(bits, first << ((64 - bits) & 63), 0)
    high_long = (first >> bits) | core.select(bits, sign << ((64 - bits) & 63), 0)
    low = core.select(is_short, low_short, low_long)
    high = core.select(is_short, sign, high_long)
    is_there = it.only(core, size != 0)
    where = column(core, "a", row(core), 16)
    core.store(OUTPUT, where, core.select(is_there, low, 0), 8)
    core.store(OUTPUT, where + 8, core.select(is_there, high, 0), 8)
    it.end(core, fits, after)


def same(width: int, core: Core) -> None:
    """Bytes that are always the same: k."""
    at = cursor(core)
    fits = core.load(INPUT, at, width) == core.operand(20, width)
    core.expect(fits)
    go_on(core, at + width, fits)

"""Instructions that read values with a tag and a definite length in front: those of ASN.1's DER.

    30 0d                     tlv.enter       a constructed value: what is in it ends where it does
       02 01 05               tlv.int
       0c 03 61 62 63         tlv.bytes
       a0 03 ...              tlv.is          is it this tag that comes? Else to `miss`
                              tlv.leave

A tag has one to four bytes: k has them in its low half, the first byte lowest, and which bits of
them count in its high half; b says how many they are. In what ends with `.in` a tag is one byte of
the universal class below 32, of which bit n of k says that n is right.

A length has to be written in as few bytes as can be. It has five at most, and a value ends where
what is around it does, or before: that is seen before anything is written.

Source: ITU-T X.690 (02/2021), 8.1 and 10.1.
"""

from __future__ import annotations

from functools import partial

from jitvm.guests.wire.der.heads import tagged_fault
from jitvm.guests.wire.records.dialect import Dialect
from jitvm.guests.wire.records.frames import GOING
from jitvm.guests.wire.records.instructions import SOURCES, common
from jitvm.guests.wire.records.operands import FIELD, column, go_on, operand
from jitvm.guests.wire.vm.operands import FRAMES, INPUT, M32, M64, OUTPUT, cursor, end, row

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from collections.abc import Callable

    from jitvm.guest import Core, Word
    from jitvm.guests.wire.records.dialect import Table

    Head = Callable[[Core, Word], tuple[Word, Word, Word]]
    """Of a value that begins at an address: whether it is one with the right tag, how many bytes it
    has, and where these begin."""
    Read = Callable[[Core, Word, Word], tuple[Word, Word]]
    """Of bytes that begin somewhere, and how many they are: whether they are right, and what they
    mean."""

# -- heads ----------------------------------------------------------------------------------------


def _length(core: Core, at: Word) -> tuple[Word, Word, Word]:
    """A length: whether it is one, the number, and what is behind it."""
    word = core.load(INPUT, at, 8)
    first = word & 0xFF
    is_long = first >> 7
    count = first & 7
    shift = (32 - (count << 3)) & 31
    number = core.swap_bytes((word >> 8) & M32, 4) >> shift
    second = (word >> 8) & 0xFF
    is_least = (second != 0) & ((count != 1) | (second >= 0x80))
    fits = (first < 0x80) | ((first > 0x80) & (first < 0x85) & is_least)
    return fits, core.select(is_long, number, first), at + 1 + core.select(is_long, count, 0)


def _inside(core: Core, fits: Word, size: Word, begin: Word) -> Word:
    """Whether a value does not end behind what is around it."""
    return fits & (begin + size <= end(core))


def _has_tag(core: Core, at: Word) -> Word:
    """Whether the tag of k stands at an address."""
    k = operand(core, "k")
    return (core.load(INPUT, at, 4) & (k >> 32)) == (k & M32)


def _is_in(core: Core, at: Word) -> Word:
    """Whether the tag at an address is among those of k."""
    tag = core.load(INPUT, at, 1)
    return (tag < 32) & (operand(core, "k") >> (tag & 31) & 1)


def exact(core: Core, at: Word) -> tuple[Word, Word, Word]:
    """A value with the tag of k."""
    fits, size, begin = _length(core, at + (operand(core, "b") & 7))
    return _inside(core, fits & _has_tag(core, at), size, begin), size, begin & M32


def one_of(core: Core, at: Word) -> tuple[Word, Word, Word]:
    """A value with one of the tags of k."""
    fits, size, begin = _length(core, at + 1)
    return _inside(core, fits & _is_in(core, at), size, begin), size, begin & M32


def any_tag(core: Core, at: Word) -> tuple[Word, Word, Word]:
    """A value with any tag."""
    word = core.load(INPUT, at, 4)
    is_long = (word & 0x1F) == 0x1F
    ends = ((word >> 8) & 0x80_8080) ^ 0x80_8080  # of the bytes behind the first
    more = (core.trailing_zeros(ends, 4) + 1) >> 3 & 7
    is_tag = (is_long == 0) | ((ends != 0) & ((word >> 8) & 0x7F != 0))
    fits, size, begin = _length(core, at + 1 + core.select(is_long, more, 0))
    return _inside(core, fits & is_tag & (at < end(core)), size, begin), size, begin & M32


# -- along the program ----------------------------------------------------------------------------


def enter(core: Core) -> None:
    """A constructed value: what comes is in it."""
    at = cursor(core)
    fits, size, begin = exact(core, at)
    core.expect(fits)
    here, until = row(core), end(core)
    behind = core.select(fits, begin + size, until) & M32
    for each in (0, here, behind, core.select(fits, begin, at)):
        core.push(FRAMES, each, 4)
    core.jump_if(fits == 0, operand(core, "slow"))


def leave(core: Core) -> None:
    """A constructed value ends here; to `slow` where bytes of it are left."""
    at, until = cursor(core), end(core)
    fits = at == until
    core.expect(fits)
    _leave(core, until)
    core.jump_if(fits == 0, operand(core, "slow"))


def leave_rest(core: Core) -> None:
    """A constructed value ends, whatever else is in it."""
    _leave(core, end(core))


def _leave(core: Core, behind: Word) -> None:
    for _ in range(4):
        core.pop(FRAMES, 4)
    core.put(FRAMES, behind, 4)


def is_next(here: Callable[[Core, Word], Word], core: Core) -> None:
    """Go on where a value with such a tag comes; to `miss` where another does, or none."""
    at = cursor(core)
    comes = (at < end(core)) & here(core, at)
    core.jump_if(comes == 0, operand(core, "miss"))


def is_more(core: Core) -> None:
    """Go on where there is another element, else to `miss`."""
    core.jump_if(cursor(core) >= end(core), operand(core, "miss"))


def next_item(core: Core) -> None:
    """An element is complete: the next row of the list, at `miss`."""
    at, until, here = (core.pop(FRAMES, 4) for _ in range(3))
    for each in (here + 1, until, at):
        core.push(FRAMES, each, 4)
    core.jump(operand(core, "miss"))


# -- values ---------------------------------------------------------------------------------------


def value(head: Head, read: Read, width: int, core: Core) -> None:
    """a[row] = the value, of so many bytes."""
    fits, size, begin = head(core, cursor(core))
    is_right, word = read(core, begin, size)
    fits = fits & is_right
    core.expect(fits)
    core.store(OUTPUT, column(core, "a", row(core), width), core.select(fits, word, 0), width)
    go_on(core, begin + size, fits)


def whole(most: int, is_signed: bool) -> Read:
    """A whole number of up to so many bytes, in as few as can be."""

    def read(core: Core, begin: Word, size: Word) -> tuple[Word, Word]:
        word = core.swap_bytes(core.load(INPUT, begin, 8), 8)
        first = word >> 63
        shift = (64 - (size << 3)) & 63
        number = word >> shift
        if is_signed:
            number = number | core.select(first & (shift != 0), M64 << (64 - shift & 63), 0)
            fits = (size >= 1) & (size <= most)
        else:
            last = core.load(INPUT, begin + 8, 1)
            number = core.select(size == 9, (word << 8) & M64 | last, number)
            is_short = (size >= 1) & (size <= most)
            fits = (first == 0) & (is_short | ((size == 9) & (word >> 56 == 0)))
        return fits & _is_least(word, size), number

    return read


def _is_least(word: Word, size: Word) -> Word:
    """Whether a number of some bytes, which begin in the highest byte of a word, has no byte that
    says nothing."""
    top = word >> 55
    return (size == 1) | ((top != 0) & (top != 0x1FF))


def flag(core: Core, begin: Word, size: Word) -> tuple[Word, Word]:
    """A boolean: 0, or all bits set."""
    byte = core.load(INPUT, begin, 1)
    return (size == 1) & ((byte == 0) | (byte == 0xFF)), byte & 1


def null(_: Core, __: Word, size: Word) -> tuple[Word, Word]:
    """No bytes."""
    return size == 0, 0


def moment(core: Core, begin: Word, size: Word) -> tuple[Word, Word]:
    """Seconds since 1970 of a time in UTC, to the second: YYMMDDHHMMSSZ, of the years 1950 to 2049,
    or with four digits of the year."""
    is_short = size == 13
    at = begin + core.select(is_short, 0, 2)
    ok_year, century = _two_digits(core.load(INPUT, begin, 2))
    ok_short, years = _two_digits(core.load(INPUT, at, 2))
    century = core.select(is_short, core.select(years < 50, 20, 19), century)
    date, time = core.load(INPUT, at + 2, 4), core.load(INPUT, at + 6, 8)
    parts = [_two_digits(word & 0xFFFF) for word in (date, date >> 16)]
    parts += [_two_digits(time >> 16 * i & 0xFFFF) for i in range(3)]
    (_, month), (_, day), (_, hours), (_, minutes), (_, seconds) = parts
    year = century * 100 + years
    fits = (is_short | (size == 15)) & ok_year & ok_short & (core.load(INPUT, at + 12, 1) == 0x5A)
    for is_number, _ in parts:
        fits = fits & is_number
    is_leap = ((year & 3) == 0) & ((years != 0) | ((century & 3) == 0))
    longest = core.select(month == 2, 28 + is_leap, 30 + ((month + (month >> 3)) & 1))
    fits = fits & (month >= 1) & (month <= 12) & (day >= 1) & (day <= longest)
    fits = fits & (hours < 24) & (minutes < 60) & (seconds < 60)
    # Years begin in March, so that the day of a leap year is the last: with 719468 days before
    # 1970, and 365 and a quarter, but for centuries that are no multiple of 400.
    before = month < 3
    year = (year + 400 - before) & 0xFFFF
    months = month + core.select(before, 9, M64 - 2)
    of_year = core.divide((months & 15) * 153 + 2, 5, 0) + day - 1
    hundreds = core.divide(year, 100, 0)
    days = year * 365 + (year >> 2) - hundreds + (hundreds >> 2) + of_year
    number = ((days - (719468 + 146097)) * 24 + hours) * 3600 + minutes * 60 + seconds
    return fits, number & M64


def _two_digits(word: Word) -> tuple[Word, Word]:
    """A number of two digits: whether it is one, and the number."""
    tens, ones = word & 0xFF, (word >> 8) & 0xFF
    fits = (tens >= 0x30) & (tens <= 0x39) & (ones >= 0x30) & (ones <= 0x39)
    return fits, ((tens & 15) * 10) + (ones & 15)


def some_bytes(head: Head, check: Callable[[Core, Word, Word], Word], core: Core) -> None:
    """The bytes of a value behind those of the row before: a the bytes, c their offsets."""
    fits, size, begin = head(core, cursor(core))
    _take(core, fits & check(core, begin, size), begin, size, begin + size)


def _take(core: Core, fits: Word, begin: Word, size: Word, after: Word) -> None:
    core.expect(fits)
    here = row(core)
    taken = core.select(fits, size, 0)
    to = core.load(OUTPUT, column(core, "c", here, 4), 4)
    core.store(OUTPUT, column(core, "c", here + 1, 4), to + taken, 4)
    core.copy(OUTPUT, column(core, "a", to, 1), INPUT, begin, taken)
    go_on(core, after, fits)


def with_head(core: Core) -> None:
    """A value of any tag, with that and its length."""
    at = cursor(core)
    fits, size, begin = any_tag(core, at)
    after = begin + size
    _take(core, fits, at, (after - at) & M32, after)


def bits(core: Core) -> None:
    """The bits of a string of such, from the highest of the first byte down; those of the last byte
    that are none have to be 0."""
    fits, size, begin = exact(core, cursor(core))
    unused = core.load(INPUT, begin, 1)
    last = core.load(INPUT, begin + size - 1 & M32, 1)
    is_right = (size > 1) & (unused < 8) & ((last & ((1 << (unused & 7)) - 1)) == 0)
    fits = fits & (is_right | ((size == 1) & (unused == 0)))
    _take(core, fits, begin + 1, size - 1 & M32, begin + size)


def passed(core: Core) -> None:
    """Past a value of any tag."""
    fits, size, begin = any_tag(core, cursor(core))
    core.expect(fits)
    go_on(core, begin + size, fits)


def all_right(_: Core, __: Word, ___: Word) -> Word:
    """Any bytes."""
    return 1


def is_identifier(core: Core, begin: Word, size: Word) -> Word:
    """Whether some bytes are an object identifier: numbers, of which the last one ends."""
    last = core.load(INPUT, begin + size - 1 & M32, 1)
    return (size > 0) & (last < 0x80)


def is_number(core: Core, begin: Word, size: Word) -> Word:
    """Whether some bytes are a whole number, in as few as can be."""
    word = core.swap_bytes(core.load(INPUT, begin, 8), 8)
    return (size > 0) & _is_least(word, size)


def tagged() -> Table:
    """Functions and bytes of operands, by name."""
    return {
        "tlv.enter": (enter, FIELD),
        "tlv.leave": (leave, FIELD),
        "tlv.leave.rest": (leave_rest, FIELD),
        "tlv.is": (partial(is_next, _has_tag), FIELD),
        "tlv.is.in": (partial(is_next, _is_in), FIELD),
        "tlv.more": (is_more, FIELD),
        "tlv.item": (next_item, FIELD),
        "tlv.int": (partial(value, exact, whole(8, True), 8), FIELD),
        "tlv.int.4": (partial(value, exact, whole(4, True), 4), FIELD),
        "tlv.uint": (partial(value, exact, whole(8, False), 8), FIELD),
        "tlv.flag": (partial(value, exact, flag, 1), FIELD),
        "tlv.null": (partial(value, exact, null, 1), FIELD),
        "tlv.time": (partial(value, exact, moment, 8), FIELD),
        "tlv.time.in": (partial(value, one_of, moment, 8), FIELD),
        "tlv.bytes": (partial(some_bytes, exact, all_right), FIELD),
        "tlv.bytes.in": (partial(some_bytes, one_of, all_right), FIELD),
        "tlv.number": (partial(some_bytes, exact, is_number), FIELD),
        "tlv.identifier": (partial(some_bytes, exact, is_identifier), FIELD),
        "tlv.bits": (bits, FIELD),
        "tlv.whole": (with_head, FIELD),
        "tlv.pass": (passed, FIELD),
    }


DER = Dialect(
    "wire-records-der", common, tagged, (__file__, *SOURCES), tagged_fault, texts=("tlv.bytes",),
    going=(*GOING, "tlv.is", "tlv.is.in", "tlv.more", "tlv.item"),
)  # fmt: skip
"""What reads values of ASN.1."""

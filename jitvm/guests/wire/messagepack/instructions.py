"""Instructions that read MessagePack's values, whose first byte says what they are.

    83 a2 69 64 07 ...     mp.map           a map of three
       a2 69 64            mp.key   id      is this the key that comes? Else to `miss`
                07         mp.int.8 id      a whole number of any width
                           mp.leave         was it the last one? Else to `miss`
                   mp.close

A map has a frame with one word more than others, below them all:

    ret  left  row  end  cursor      entries that are left; where to go on behind one that came late

Keys are looked for in an order. Where another comes, or none, `mp.find` looks it up:

    it is of a field behind this one     so this one is absent, for now: its program comes next
    it is of a field before this one,    a program of its own reads the value, and `mp.back` returns
    or of no field at all                to where this field is looked for

So what is in order is compared once a field, whatever is absent, and what is in no order is found
by a table. The last value of a key counts.

A table of keys, at c: entries of 8 bytes and `words` words of 8. Which one a key has is told by its
words, each multiplied and put together with a factor k, and the highest bits of that.

    target  place << 8 | size  key, with zeros behind it

Source: the specification of MessagePack at github.com/msgpack/msgpack, spec.md.
"""

from __future__ import annotations

from functools import partial

from jitvm.guests.wire.messagepack.refused import message_fault
from jitvm.guests.wire.records.dialect import Dialect
from jitvm.guests.wire.records.frames import GOING, begin_counted
from jitvm.guests.wire.records.instructions import OPTIONAL, SOURCES, common
from jitvm.guests.wire.records.operands import FIELD, column, operand
from jitvm.guests.wire.records.values import (
    Maybe,
    Place,
    by_words,
    bytes_of,
    narrowed,
    nearest,
    value,
    widened,
)
from jitvm.guests.wire.vm.operands import CODE, FRAMES, INPUT, M32, M64, OUTPUT, cursor, end, row

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from jitvm.guest import Core, Word
    from jitvm.guests.wire.records.dialect import Table
    from jitvm.guests.wire.records.values import Read

NIL = 0xC0
TEXTS = (16, 32)
"""Up to how many bytes of a string are copied by words."""
WORDS = (4, 8)
"""Of how many words keys are that are looked up."""
LARGEST = 1 << 31
"""No value has so many bytes."""
NANOSECONDS = 1_000_000_000
"""Of a second."""


class OrNil(Maybe):
    """Where a value begins that may be nil."""

    def __init__(self, core: Core) -> None:
        super().__init__(core)
        self.there = core.load(INPUT, self.at, 1) != NIL
        self.behind = self.at + 1


# -- numbers --------------------------------------------------------------------------------------


def _whole(core: Core, at: Word) -> tuple[Word, Word, Word, Word]:
    """A whole number: whether it is one, itself in 64 bits, whether it is negative, and where it
    ends."""
    head = core.load(INPUT, at, 1)
    raw = core.swap_bytes(core.load(INPUT, at + 1, 8), 8)
    is_small = (head < 0x80) | (head >= 0xE0)
    size = 1 << (head & 3)
    number = raw >> ((64 - (size << 3)) & 63)
    is_negative = (head >= 0xD0) & (raw >> 63)
    rest = (M64 << ((size << 3) & 63)) & M64
    number = number | core.select(is_negative & (size < 8), rest, 0)
    fits = is_small | ((head >= 0xCC) & (head < 0xD4))
    small = head | core.select(head >= 0xE0, M64 ^ 0xFF, 0)
    return (
        fits,
        core.select(is_small, small, number),
        core.select(is_small, head >= 0xE0, is_negative),
        at + 1 + core.select(is_small, 0, size),
    )


def whole(width: int, is_signed: bool) -> Read:
    """A whole number that has to fit so many bytes."""

    def read(core: Core, at: Word) -> tuple[Word, Word, Word]:
        fits, number, is_negative, after = _whole(core, at)
        if is_signed:
            fits = fits & (number >> 63 == is_negative)
            if width < 8:
                fits = fits & (((number + (1 << 8 * width - 1)) & M64) < 1 << 8 * width)
        else:
            fits = fits & (is_negative == 0)
            if width < 8:
                fits = fits & (number < 1 << 8 * width)
        return fits, number, after

    return read


def real(width: int) -> Read:
    """A float of so many bytes, as it usually is."""

    def read(core: Core, at: Word) -> tuple[Word, Word, Word]:
        fits = core.load(INPUT, at, 1) == (0xCB if width == 8 else 0xCA)
        word = core.swap_bytes(core.load(INPUT, at + 1, width), width)
        return fits, word, at + 1 + width

    return read


def any_real(width: int) -> Read:
    """The same, or the nearest to what else it can be made of: a whole number, a float of another
    width."""
    other, made = (4, widened) if width == 8 else (8, narrowed)

    def read(core: Core, at: Word) -> tuple[Word, Word, Word]:
        is_own, own, after = real(width)(core, at)
        is_other, word, other_end = real(other)(core, at)
        fits, number, is_negative, behind = _whole(core, at)
        size = core.select(is_negative, (0 - number) & M64, number)
        found = core.select(is_other, made(core, word), nearest(core, size, is_negative, width))
        behind = core.select(is_other, other_end, behind)
        fits = is_own | is_other | fits
        return fits, core.select(is_own, own, found), core.select(is_own, after, behind)

    return read


def flag(core: Core, at: Word) -> tuple[Word, Word, Word]:
    """A boolean."""
    head = core.load(INPUT, at, 1)
    return (head & 0xFE) == 0xC2, head & 1, at + 1


def moment(core: Core, at: Word) -> tuple[Word, Word, Word]:
    """A timestamp, in units of which a second has k, 1 or a power of ten up to 10**9; of what is
    between two the earlier. It has 32, 64 or 96 bits."""
    head = core.load(INPUT, at, 2)
    is_short, is_middle = head == 0xFFD6, head == 0xFFD7
    is_long = (head == 0x0CC7) & (core.load(INPUT, at + 2, 1) == 0xFF)
    seconds = core.swap_bytes(core.load(INPUT, at + 2, 4), 4)
    word = core.swap_bytes(core.load(INPUT, at + 2, 8), 8)
    nanos = core.select(is_middle, word >> 34, 0)
    seconds = core.select(is_middle, word & ((1 << 34) - 1), seconds)
    long_nanos = core.swap_bytes(core.load(INPUT, at + 3, 4), 4)
    long_seconds = core.swap_bytes(core.load(INPUT, at + 7, 8), 8)
    nanos = core.select(is_long, long_nanos, nanos)
    seconds = core.select(is_long, long_seconds, seconds)
    units = operand(core, "k") & M32
    most = core.divide((1 << 63) - 1, units, 0)  # seconds that 64 bits can hold
    is_near = ((seconds + most) & M64) < (most << 1)
    part = core.divide(nanos, core.divide(NANOSECONDS, units, 1), 0)
    fits = (is_short | is_middle | is_long) & (nanos < NANOSECONDS) & is_near
    size = core.select(is_short, 6, core.select(is_middle, 10, 15))
    return fits, (seconds * units + part) & M64, at + size


# -- bytes ----------------------------------------------------------------------------------------


def _counted(core: Core, at: Word, fixed: int, mask: int, wide: int) -> tuple[Word, Word, Word]:
    """How many bytes, or elements, what stands somewhere has: whether it is of a type, how many,
    and where they begin.

    Args:
        fixed, mask: heads that are `fixed` but for the bits of a mask, which tell the number.
        wide: the first of three heads behind which it has 1, 2 or 4 bytes; of two, 2 or 4, where
            the mask has four bits.
    """
    head = core.load(INPUT, at, 1)
    is_fixed = (head & (0xFF ^ mask)) == fixed if mask else 0
    place = (head - wide) & 0xFF
    smallest = 1 if mask == 0x0F else 0
    size = 1 << ((place + smallest) & 3)
    number = core.swap_bytes(core.load(INPUT, at + 1, 4), 4) >> ((32 - (size << 3)) & 31)
    fits = is_fixed | (place < 3 - smallest)
    if not mask:
        return fits, number, at + 1 + size
    begin = at + 1 + core.select(is_fixed, 0, size)
    return fits, core.select(is_fixed, head & mask, number), begin


def letters(core: Core, at: Word) -> tuple[Word, Word, Word]:
    """How many bytes a string has."""
    fits, size, begin = _counted(core, at, 0xA0, 0x1F, 0xD9)
    return fits & (size < LARGEST), size, begin & M32


def octets(core: Core, at: Word) -> tuple[Word, Word, Word]:
    """The same of bytes, or of a string, which is what they were once."""
    is_text, text_size, text_begin = letters(core, at)
    fits, size, begin = _counted(core, at, 0, 0, 0xC4)
    fits = is_text | (fits & (size < LARGEST))
    size = core.select(is_text, text_size, size)
    return fits, size, core.select(is_text, text_begin, begin) & M32


def elements(core: Core, at: Word) -> tuple[Word, Word, Word]:
    """How many elements an array has."""
    fits, count, begin = _counted(core, at, 0x90, 0x0F, 0xDC)
    return fits, count, begin & M32


def entries(core: Core, at: Word) -> tuple[Word, Word, Word]:
    """How many entries a map has."""
    fits, count, begin = _counted(core, at, 0x80, 0x0F, 0xDE)
    return fits, count, begin & M32


def text(most: int, place: type[Place], core: Core) -> None:
    """A string of up to so many bytes, behind those of the row before, a the bytes, c their
    offsets; copied by words."""
    it = place(core)
    head = core.load(INPUT, it.at, 1)
    size = head & 0x1F
    fits = ((head & 0xE0) == 0xA0) & (size <= most)
    by_words(it, fits, it.only(core, size), (it.at + 1) & M32, most, core)


# -- maps -----------------------------------------------------------------------------------------


def enter(read: Read, share: int, is_optional: bool, core: Core) -> None:
    """A map, or an array whose places have a meaning: what is in it comes next; to `miss` where it
    is nil, if it may be. Each thing in it has `share` bytes at least."""
    at, until, here = cursor(core), end(core), row(core)
    fits, count, begin = read(core, at)
    fits = fits & (begin <= until) & (count * share <= (until - begin) & M32)
    there: Word = 1
    if is_optional:
        there = core.load(INPUT, at, 1) != NIL
        core.store(OUTPUT, column(core, "b", here, 1), there, 1)
    # Of nil it is a frame of nothing, which `mp.close` takes away.
    behind = core.select(fits, begin, at + (there == 0) if is_optional else at)
    for each in (0, count, here, until, behind):
        core.push(FRAMES, each, 4)
    slow = operand(core, "slow")
    other = core.select(there, slow, operand(core, "miss")) if is_optional else slow
    core.jump_if(fits == 0, other)


def _is_key(core: Core, words: int) -> Word:
    """Whether the key of this instruction comes: b bytes with its head; up to 8 are in k, else they
    are at c, each word with its mask."""
    at = cursor(core)
    left = core.peek(FRAMES, 16, 4)
    if words == 1:
        mask = M64 >> ((64 - (operand(core, "b") << 3)) & 63)
        same = (core.load(INPUT, at, 8) & mask) == operand(core, "k")
    else:
        table = operand(core, "c")
        same = 1
        for i in range(words):
            wanted, mask = (core.load(CODE, table + 16 * i + j, 8) for j in (0, 8))
            same = same & ((core.load(INPUT, at + 8 * i, 8) & mask) == wanted)
    return same & (left != 0)


def _count_down(core: Core, fits: Word, size: Word) -> None:
    """One thing less is left of the frame; the cursor moves so far."""
    at, until, here, left = (core.pop(FRAMES, 4) for _ in range(4))
    step = core.select(fits, 1, 0)
    for each in (left - step, here, until, at + core.select(fits, size, 0)):
        core.push(FRAMES, each, 4)


def key(words: int, core: Core) -> None:
    """Past a key, if it comes; else to `miss`."""
    same = _is_key(core, words)
    _count_down(core, same, operand(core, "b"))
    core.jump_if(same == 0, operand(core, "miss"))


def then(words: int, core: Core) -> None:
    """Past a key to `miss`, if it comes."""
    same = _is_key(core, words)
    _count_down(core, same, operand(core, "b"))
    core.jump_if(same, operand(core, "miss"))


def find(words: int, core: Core) -> None:
    """Look up the key that comes, if there is one. Of the field whose place is b, or of one behind
    it: on. Of one before: to the program of its value, and of what is unknown to that at a; which
    come back to `miss`. The table has 1 << (64 - (k & 63)) entries."""
    at, until, here, left, _ = (core.pop(FRAMES, 4) for _ in range(5))
    is_text, size, begin = letters(core, at)
    is_text = is_text & (begin + size <= until) & (size <= 8 * words)
    size = size & 0x7F
    found: list[Word] = []
    for i in range(words):
        rest = size - 8 * i
        some = core.select(size > 8 * i, (1 << ((rest << 3) & 63)) - 1, 0)
        mask = core.select(size >= 8 * (i + 1), M64, some)
        found.append(core.load(INPUT, begin + 8 * i, 8) & mask)
    factor = operand(core, "k")
    mixed: Word = size
    for word in found:
        mixed = ((mixed ^ word) * factor) & M64
        mixed = mixed ^ (mixed >> 29)
    place = ((mixed * factor) & M64) >> (factor & 63)
    entry = operand(core, "c") + place * (8 + 8 * words)
    target, about = (core.load(CODE, entry + i, 4) for i in (0, 4))
    known = is_text & ((about & 0xFF) == size)
    for i, word in enumerate(found):
        known = known & (core.load(CODE, entry + 8 + 8 * i, 8) == word)
    is_late = known & ((about >> 8) < operand(core, "b"))
    goes = (left != 0) & (is_late | (known == 0))
    step = core.select(goes, 1, 0)
    behind = core.select(goes & is_late, begin + size, at)
    ret = core.select(goes, operand(core, "miss"), 0)
    for each in (ret, left - step, here, until, behind):
        core.push(FRAMES, each, 4)
    core.jump_if(goes, core.select(is_late, target, operand(core, "a")))


def on(core: Core) -> None:
    """Behind a value whose program is the same where it comes late: back to where a field is looked
    for, if it did; else on."""
    to = _returned(core)
    core.jump(core.select(to, to, core.next_pc))


def back(core: Core) -> None:
    """To where a field is looked for, behind the value of another."""
    core.jump(_returned(core))


def _returned(core: Core) -> Word:
    """Where to go back to, once."""
    *words, to = (core.pop(FRAMES, 4) for _ in range(5))
    for each in (0, *reversed(words)):
        core.push(FRAMES, each, 4)
    return to


def item(core: Core) -> None:
    """The next place of an array; to `miss` where there is none."""
    comes = core.peek(FRAMES, 16, 4) != 0
    _count_down(core, comes, 0)
    core.jump_if(comes == 0, operand(core, "miss"))


def leave(core: Core) -> None:
    """All of a map, or an array, is read; to `miss` where something is left."""
    core.jump_if(core.peek(FRAMES, 16, 4), operand(core, "miss"))


def close(core: Core) -> None:
    """Behind a map: the frame around it goes on where that ended."""
    at = core.pop(FRAMES, 4)
    for _ in range(4):
        core.pop(FRAMES, 4)
    core.put(FRAMES, at, 4)


def nil_or(core: Core) -> None:
    """b[row] = whether something else than nil comes; past nil, to `miss`."""
    at = cursor(core)
    there = core.load(INPUT, at, 1) != NIL
    core.store(OUTPUT, column(core, "b", row(core), 1), there, 1)
    core.put(FRAMES, at + (there == 0), 4)
    core.jump_if(there == 0, operand(core, "miss"))


# -- what nobody wants ----------------------------------------------------------------------------

HEADS = 256
"""Entries of the table of heads, of 4 bytes each."""
BYTES, VALUES, PAIRS = range(3)
"""What a number behind a head counts."""


def _past(core: Core, at: Word, until: Word) -> tuple[Word, Word, Word]:
    """Past the head of a value and all that is no value itself: whether it is one, where it ends,
    and how many values are in it. The table of heads is at c."""
    head = core.load(INPUT, at, 1)
    entry = core.load(CODE, operand(core, "c") + (head << 2), 4)
    fixed, wide, counts = entry & 0xFF, (entry >> 8) & 7, (entry >> 16) & 3
    raw = core.swap_bytes(core.load(INPUT, at + 1, 4), 4)
    number = core.select(wide, raw >> ((32 - (wide << 3)) & 31), 0)
    after = at + fixed + core.select(counts == BYTES, number, 0)
    inside = core.select(counts, number << (counts == PAIRS), 0) + (entry >> 24)
    fits = (fixed != 0) & (after <= until) & (inside <= (until - after) & M32)
    return fits, after & M32, inside & M32


def past(core: Core) -> None:
    """Past a value, to `miss`; but into one that holds others, behind this instruction."""
    at, until = core.pop(FRAMES, 4), core.peek(FRAMES, 4, 4)
    fits, after, inside = _past(core, at, until)
    core.expect(fits)
    behind = core.select(fits, after, at)
    is_plain = inside == 0
    core.push(FRAMES, behind, 4)
    for each in (inside, 0, until, behind):
        core.push(FRAMES, each, 4)
    core.jump(core.select(fits, core.select(is_plain, operand(core, "miss"), core.next_pc),
                          operand(core, "slow")))  # fmt: skip


def past_more(core: Core) -> None:
    """Past one of several values, with all that are in it: here again until none is left."""
    at, until, here, left = (core.pop(FRAMES, 4) for _ in range(4))
    fits, after, inside = _past(core, at, until)
    core.expect(fits)
    rest = left - 1 + inside
    for each in (
        core.select(fits, rest, left), here, until, core.select(fits, after, at),
    ):  # fmt: skip
        core.push(FRAMES, each, 4)
    onward = core.select(rest & M32, core.pc, core.next_pc)
    core.jump(core.select(fits, onward, operand(core, "slow")))


def heads() -> bytes:
    """The table of heads: bytes of a value without what a number tells, bytes of that number, what
    it counts, and how many values a value of its kind always has. 0 of what begins no value."""
    rows = {0xC0: (1, 0, BYTES), 0xC2: (1, 0, BYTES), 0xC3: (1, 0, BYTES)}
    for i, size in enumerate((1, 2, 4)):
        rows[0xC4 + i] = rows[0xD9 + i] = (1 + size, size, BYTES)
        rows[0xC7 + i] = (2 + size, size, BYTES)
    for i, size in enumerate((2, 4)):
        rows[0xDC + i], rows[0xDE + i] = (1 + size, size, VALUES), (1 + size, size, PAIRS)
    rows[0xCA], rows[0xCB] = (5, 0, BYTES), (9, 0, BYTES)
    for i, size in enumerate((1, 2, 4, 8)):
        rows[0xCC + i] = rows[0xD0 + i] = (1 + size, 0, BYTES)
    for i, size in enumerate((1, 2, 4, 8, 16)):
        rows[0xD4 + i] = (2 + size, 0, BYTES)
    table = bytearray()
    for head in range(HEADS):
        fixed, wide, counts = rows.get(head, (0, 0, BYTES))
        inside = 0
        if head < 0x80 or head >= 0xE0:
            fixed = 1
        elif head < 0xA0:
            fixed, inside = 1, (head & 0x0F) << (head < 0x90)
        elif head < 0xC0:
            fixed = 1 + (head & 0x1F)
        table += bytes((fixed, wide, counts, inside))
    return bytes(table)


def own() -> Table:
    """Functions and bytes of operands, by name."""
    found: Table = {
        "mp.list": (partial(begin_counted, elements), FIELD),
        "mp.entries": (partial(begin_counted, entries), FIELD),
        "mp.nil": (nil_or, FIELD),
        "mp.on": (on, 0),
        "mp.back": (back, 0),
        "mp.item": (item, FIELD),
        "mp.leave": (leave, FIELD),
        "mp.close": (close, 0),
        "mp.past": (past, FIELD),
        "mp.past.more": (past_more, FIELD),
    }
    for words in (1, *WORDS):
        found[f"mp.key.{words}"] = partial(key, words), FIELD
        found[f"mp.then.{words}"] = partial(then, words), FIELD
    for words in WORDS:
        found[f"mp.find.{words}"] = partial(find, words), FIELD
    for is_optional in (False, True):
        suffix = OPTIONAL * is_optional
        found[f"mp.map{suffix}"] = partial(enter, entries, 2, is_optional), FIELD
        found[f"mp.array{suffix}"] = partial(enter, elements, 1, is_optional), FIELD
    for suffix, place in (("", Place), (OPTIONAL, OrNil)):
        scalars: dict[str, tuple[Read, int]] = {"flag": (flag, 1), "moment": (moment, 8)}
        for width in (1, 2, 4, 8):
            scalars[f"int.{width}"] = whole(width, True), width
            scalars[f"uint.{width}"] = whole(width, False), width
        for width in (4, 8):
            scalars[f"real.{width}"] = real(width), width
            scalars[f"real.{width}.any"] = any_real(width), width
        for name, (read, width) in scalars.items():
            found[f"mp.{name}{suffix}"] = partial(value, read, width, place, False), FIELD
        for most in TEXTS:
            found[f"mp.text.{most}{suffix}"] = partial(text, most, place), FIELD
        found[f"mp.text.any{suffix}"] = partial(bytes_of, letters, place), FIELD
        found[f"mp.bytes{suffix}"] = partial(bytes_of, octets, place), FIELD
    return found


_KEYED = tuple(f"mp.{what}.{n}" for what in ("key", "then", "find") for n in (1, *WORDS))
MESSAGEPACK = Dialect(
    "wire-records-messagepack", common, own, (__file__, *SOURCES), message_fault,
    texts=("mp.text",),
    going=(*GOING, *_KEYED, "mp.list", "mp.entries", "mp.nil", "mp.item", "mp.leave", "mp.past",
           "mp.map.or", "mp.array.or"),
)  # fmt: skip
"""What reads values of MessagePack."""

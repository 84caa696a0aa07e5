"""What the instructions of the wire VM do: they decode Protobuf's wire format into columns.

A program is made of a tree of columns (`jitvm.guests.wire.program`); one run of it decodes a batch.
An instruction consumes a field whose tag has already been matched, and then looks at the next tag:

    fixed64 "ts"       ts = 8 bytes; is the next tag that of "id"?     yes: go on, behind me
                                                                       no: go to `miss`

so an instruction a field is all there is where fields come in the order of their numbers.

Spaces
    CODE       the program
    INPUT      a window: the messages                    OFFSETS  a window: 8 bytes a message and
    OUTPUT     a large space: the buffers of columns              one more, where each begins
    STATE      what the host gives before a run: BIAS, which is taken off all offsets; ALL, 1 where
               rows count whatever the conditions say

The stack holds a frame for each message that is open, words of 4 bytes:

    last  message  row  end  cursor        the message of a row: its number, and that of the last
    ret  row  end  cursor                  one inside of it, entered by an instruction before `ret`
                   count  end  cursor      while a packed field is read

`row` is a place in columns, `end` where the message ends in INPUT, `cursor` the tag at hand. An
instruction that cannot read its field leaves the cursor there and goes to `slow`, where the field
is read with more care. What nobody can read ends at `fail`, which stops the run.

Columns are addresses in OUTPUT, in units of UNIT bytes. A cursor may run past `end`: that is found
where it is compared with it, before the row counts.
"""

from __future__ import annotations

from functools import cache, partial

from jitvm.guest import Guest, Opcode, Space, Stack

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from collections.abc import Callable

    from jitvm.guest import Core, Word

    Meaning = Callable[[Core], None]

CODE, INPUT, OFFSETS, OUTPUT, STATE = range(5)
FRAMES = 0
FRAME_STACK = Stack("frames", 4096, return_addresses=True)
BIAS, ALL = 0, 8
"""Addresses in STATE."""
UNIT = 64
M32 = (1 << 32) - 1
M64 = (1 << 64) - 1
HIGH, LOW = 0x8080_8080_8080_8080, 0x7F7F_7F7F_7F7F_7F7F

# -- the operands of instructions that read a field -----------------------------------------------

OPERANDS = {
    "size": (0, 1), "miss": (1, 4), "slow": (5, 4), "mask": (9, 4), "next": (13, 4),
    "a": (17, 4), "b": (21, 4), "c": (25, 4),
}  # fmt: skip
"""Where they are, and of how many bytes. `size` is that of the tag; `next` what the next tag is
under `mask`: 1 under 0 is no tag's; a, b, c are columns."""
FIELD = 29


def operand(core: Core, name: str) -> Word:
    return core.operand(*OPERANDS[name])


def column(core: Core, name: str, row: Word, width: int) -> Word:
    """Address of a row in a column of values of `width` bytes."""
    return operand(core, name) * UNIT + row * width


def cursor(core: Core) -> Word:
    return core.peek(FRAMES, 4, 4)


def end(core: Core) -> Word:
    return core.peek(FRAMES, 8, 4)


def row(core: Core) -> Word:
    return core.peek(FRAMES, 12, 4)


def size(core: Core) -> Word:
    """Bytes of the tag at the cursor."""
    return operand(core, "size") & 7


def follows(core: Core, at: Word, word: Word) -> Word:
    """Whether what follows at an address of INPUT, and is in the low bytes of a word, is `next`."""
    return is_next(core, word) & (at < end(core))


def is_next(core: Core, word: Word) -> Word:
    """Whether the tag in the low bytes of a word is `next`."""
    return (word & operand(core, "mask")) == operand(core, "next")


def go_on(core: Core, at: Word, fits: Word, word: Word) -> None:
    """End a field: the cursor moves to `at` where it was read, and the tag there is in `word`."""
    core.put(FRAMES, core.select(fits, at, cursor(core)), 4)
    ok = core.select(fits, follows(core, at, word), 0)
    target = core.select(fits, operand(core, "miss"), operand(core, "slow"))
    core.jump_if(ok == 0, target)


def again(core: Core, at: Word, fits: Word, word: Word) -> None:
    """End an element of a list: this instruction comes again where `next` is there, else the one
    behind."""
    core.put(FRAMES, core.select(fits, at, cursor(core)), 4)
    ok = core.select(fits, follows(core, at, word), 1)
    core.jump_if(ok, core.select(fits, core.pc, operand(core, "slow")))


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


# -- messages in messages -------------------------------------------------------------------------


def message(length: str, place: str, core: Core) -> None:
    """Enter a message, whose program is at `slow`'s place a; the instruction behind comes next.

    Args:
        length: "1" for lengths of one byte, "10" for any.
        place: "row", which has the row of this one, and whose presence b is told; "plain", the same
            without; "list", the next row of the list whose offsets are b.
    """
    at = cursor(core) + size(core)
    if length == "1":
        fits, count, begin, following = one(core, at)
    else:
        fits, count, begin = a_length(core, at)
        following = core.load(INPUT, begin, 4)
    until, begin = begin + (count & M32), begin & M32
    fits = fits & (until <= end(core))
    here = row(core)
    if place == "list":
        counter = column(core, "b", here + 1, 4)
        inner = core.load(OUTPUT, counter, 4)
    else:
        inner = here
    core.expect(fits)
    if place == "list":
        core.store(OUTPUT, counter, inner + core.select(fits, 1, 0), 4)
    elif place == "row":
        core.store(OUTPUT, column(core, "b", here, 1), core.select(fits, 1, 0), 1)
    inside = core.select(fits, until & M32, end(core))
    ok = is_next(core, following) & (begin < inside)
    target = core.select(ok, operand(core, "a"), operand(core, "miss"))
    was = cursor(core)
    core.put(FRAMES, core.link(), 4)
    core.push(FRAMES, inner, 4)
    core.push(FRAMES, inside, 4)
    core.push(FRAMES, core.select(fits, begin, was), 4)
    core.jump(core.select(fits, target, operand(core, "slow")))


def absent_message(has_b: bool, is_group: bool, core: Core) -> None:
    """b[row] = 0, and enter a message of no bytes at `miss`, which writes defaults."""
    here, at = row(core), cursor(core)
    if has_b:
        core.store(OUTPUT, column(core, "b", here, 1), 0, 1)
    core.put(FRAMES, core.link(), 4)
    core.push(FRAMES, here, 4)
    core.push(FRAMES, 0 if is_group else at, 4)
    core.push(FRAMES, at, 4)
    core.jump(operand(core, "miss"))


def group(place: str, core: Core) -> None:
    """Enter a group: as `message`, but it has no length."""
    begin = (cursor(core) + size(core)) & M32
    following = core.load(INPUT, begin, 4)
    here = inner = row(core)
    if place == "list":
        counter = column(core, "b", here + 1, 4)
        inner = core.load(OUTPUT, counter, 4)
        core.store(OUTPUT, counter, inner + 1, 4)
    elif place == "row":
        core.store(OUTPUT, column(core, "b", here, 1), 1, 1)
    until = end(core)
    ok = is_next(core, following) & (begin < until)
    core.put(FRAMES, core.link(), 4)
    core.push(FRAMES, inner, 4)
    core.push(FRAMES, until, 4)
    core.push(FRAMES, begin, 4)
    core.jump(core.select(ok, operand(core, "a"), operand(core, "miss")))


def undo(core: Core) -> None:
    """Leave a message that could not be entered."""
    at = core.pop(FRAMES, 4)
    for _ in range(2):
        core.pop(FRAMES, 4)
    core.put(FRAMES, at, 4)
    core.jump(core.operand(0, 4))


def leave(core: Core) -> None:
    """The message has ended: go on in the one around it."""
    at = core.pop(FRAMES, 4)
    for _ in range(2):
        core.pop(FRAMES, 4)
    to = core.peek(FRAMES, 4, 4)
    core.put(FRAMES, at, 4)
    core.jump(to)


def look(core: Core) -> None:
    """Go to `slow` where the next tag is `next`; where it is not, on."""
    at = cursor(core)
    core.jump_if(follows(core, at, core.load(INPUT, at, 4)), operand(core, "slow"))


def follow(core: Core) -> None:
    """Go on where the next tag is `next`, else to `miss`."""
    at = cursor(core)
    core.jump_if(follows(core, at, core.load(INPUT, at, 4)) == 0, operand(core, "miss"))


def go_to(core: Core) -> None:
    core.jump(core.operand(0, 4))


def stay(core: Core) -> None:
    """Nothing, as long as `goto`: the way that is not taken."""


def ended(core: Core) -> None:
    """Go on where the message has ended; else there is more in it than was looked for."""
    core.jump_if(cursor(core) != end(core), core.operand(0, 4))


def ended_group(core: Core) -> None:
    """The same for a group: its end is a tag. One of no bytes at all ends at 0."""
    at = cursor(core)
    tag = (core.load(INPUT, at, 8) & core.operand(12, 8)) ^ core.operand(4, 8)
    is_empty = end(core) == 0
    ends = (tag == 0) & (at < end(core))
    core.put(FRAMES, core.select(ends, at + core.operand(20, 1), at), 4)
    core.jump_if((is_empty | ends) == 0, core.operand(0, 4))


# -- messages that stay bytes ---------------------------------------------------------------------


def begin_raw(core: Core) -> None:
    """A group that is kept as bytes begins: remember where. What skips groups comes next."""
    at, until = core.pop(FRAMES, 4), core.peek(FRAMES, 4, 4)
    for each in (at + size(core), until, at):
        core.push(FRAMES, each, 4)


def end_raw(place: str, core: Core) -> None:
    """The group has ended: its bytes without its tags, as `string` has them."""
    at, _, begin = (core.pop(FRAMES, 4) for _ in range(3))
    core.push(FRAMES, at, 4)
    taken = (at - begin - size(core)) & M32
    here = row(core)
    if place == "list":
        counter = column(core, "b", here + 1, 4)
        here = core.load(OUTPUT, counter, 4)
    to = core.load(OUTPUT, column(core, "c", here + (1 if place == "more" else 0), 4), 4)
    if place == "list":
        core.store(OUTPUT, counter, here + 1, 4)
    elif place != "plain":
        core.store(OUTPUT, column(core, "b", here, 1), 1, 1)
    core.store(OUTPUT, column(core, "c", here + 1, 4), to + taken, 4)
    core.copy(OUTPUT, column(core, "a", to, 1), INPUT, begin, taken)
    core.jump(operand(core, "miss"))


# -- conditions on rows ---------------------------------------------------------------------------


def signed(word: Word, width: int) -> Word:
    """A number that is in the order of signed ones."""
    return word ^ (1 << 8 * width - 1)


def real(core: Core, word: Word, width: int) -> tuple[Word, Word]:
    """The same of a float, and whether it is a number."""
    sign = 1 << 8 * width - 1
    infinite = 0x7F80_0000 if width == 4 else 0x7FF0_0000_0000_0000
    magnitude = word & (sign - 1)
    negative = core.select(magnitude == 0, 0, word & sign)
    order = core.select(negative == 0, magnitude | sign, magnitude ^ (sign - 1))
    return order, magnitude <= infinite


COMPARED = {
    "eq": lambda a, b: a == b, "lt": lambda a, b: a < b, "le": lambda a, b: a <= b,
    "gt": lambda a, b: b < a, "ge": lambda a, b: b <= a,
}  # fmt: skip


def compare(op: str, kind: str, width: int, core: Core) -> None:
    """Go to a place unless a[row] compares with a number, or (turned round) where it does."""
    word = core.load(OUTPUT, core.operand(0, 4) * UNIT + row(core) * width, width)
    constant = core.operand(4, width)
    if kind == "real":
        (a, is_number), (b, is_too) = real(core, word, width), real(core, constant, width)
        holds = COMPARED[op](a, b) & is_number & is_too
    else:
        if kind == "signed":
            word, constant = signed(word, width), signed(constant, width)
        holds = COMPARED[op](word, constant)
    core.jump_if(holds == (core.operand(12, 1) & 1), core.operand(13, 4))


def present(core: Core) -> None:
    """Go to a place where a[row] is 0, a byte."""
    is_there = core.load(OUTPUT, core.operand(0, 4) * UNIT + row(core), 1)
    core.jump_if(is_there == 0, core.operand(4, 4))


def unasked(core: Core) -> None:
    """Go to a place where the host wants all rows."""
    core.jump_if(core.load(STATE, ALL, 1), core.operand(0, 4))


# -- what is absent -------------------------------------------------------------------------------


def then(core: Core) -> None:
    """Go to `slow` where the next tag is `next`; else on, to what comes behind in the chain."""
    look(core)


def absent(width: int, has_b: bool, core: Core) -> None:
    """a[row] = 0, b[row] = 0"""
    if width:
        core.store(OUTPUT, column(core, "a", row(core), width), 0, width)
    if has_b:
        core.store(OUTPUT, column(core, "b", row(core), 1), 0, 1)
    then(core)


def absent_list(core: Core) -> None:
    """A list, or bytes, of nothing: offsets b."""
    here = row(core)
    before = core.load(OUTPUT, column(core, "b", here, 4), 4)
    core.store(OUTPUT, column(core, "b", here + 1, 4), before, 4)
    then(core)


def absent_bytes(core: Core) -> None:
    """Bytes of nothing that are not there: offsets c, presence b."""
    here = row(core)
    before = core.load(OUTPUT, column(core, "c", here, 4), 4)
    core.store(OUTPUT, column(core, "c", here + 1, 4), before, 4)
    core.store(OUTPUT, column(core, "b", here, 1), 0, 1)
    then(core)


def begin_list(core: Core) -> None:
    """A list begins: its offsets b."""
    here = row(core)
    before = core.load(OUTPUT, column(core, "b", here, 4), 4)
    core.store(OUTPUT, column(core, "b", here + 1, 4), before, 4)


def which(core: Core) -> None:
    """A member of a oneof is set: a[row] = its number. Goes to `miss` where another one was."""
    at = core.operand(0, 4) * UNIT + row(core)
    number = core.operand(4, 1)
    old = core.load(OUTPUT, at, 1)
    core.store(OUTPUT, at, number, 1)
    core.jump_if((old != 0) & (old != number), core.operand(5, 4))


def is_set(core: Core) -> None:
    """Go on where the oneof a has this number, else to `miss`."""
    old = core.load(OUTPUT, core.operand(0, 4) * UNIT + row(core), 1)
    core.jump_if(old != core.operand(4, 1), core.operand(5, 4))


def clear(core: Core) -> None:
    """a[row] = 0: a byte."""
    core.store(OUTPUT, core.operand(0, 4) * UNIT + row(core), 0, 1)


def default(core: Core) -> None:
    """a[row] = a number of 4 bytes."""
    core.store(OUTPUT, core.operand(0, 4) * UNIT + row(core) * 4, core.operand(4, 4), 4)


# -- packed fields --------------------------------------------------------------------------------


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


# -- rows -----------------------------------------------------------------------------------------


def next_row(is_ordered: bool, core: Core) -> None:
    """The row is complete: begin the next message with the next row, at a where its first tag is
    `next`, else at `miss`; at c where fields are in no order. Goes to `slow` behind the last."""
    for _ in range(2):
        core.pop(FRAMES, 4)
    here, number = core.pop(FRAMES, 4), core.pop(FRAMES, 4)
    last = core.peek(FRAMES, 4, 4)
    number, here = (number + 1) & M32, (here + 1) & M32
    bias = core.load(STATE, BIAS, 8)
    begin = (core.load(OFFSETS, number << 3, 8) - bias) & M32
    until = (core.load(OFFSETS, (number << 3) + 8, 8) - bias) & M32
    word = core.load(INPUT, begin, 4)
    core.near(INPUT, until)
    more = number != last
    core.expect(more)
    for each in (number, here, until, begin):
        core.push(FRAMES, each, 4)
    if is_ordered:
        ok = is_next(core, word) & (begin < until)
        onward = core.select(ok, operand(core, "a"), operand(core, "miss"))
    else:
        onward = operand(core, "c")
    core.jump(core.select(more, onward, operand(core, "slow")))


def drop(core: Core) -> None:
    """The row does not count: the next message writes over it."""
    at, until, here = (core.pop(FRAMES, 4) for _ in range(3))
    for each in ((here - 1) & M32, until, at):
        core.push(FRAMES, each, 4)
    core.jump(core.operand(0, 4))


def rest(is_long: bool, core: Core) -> None:
    """Go to what reads the tag, wherever it is: by a table of first bytes, of 128 where all known
    tags have one byte, else (`is_long`) of 256. On where the message has no more."""
    at = cursor(core)
    tag = core.load(INPUT, at, 1)
    index = tag if is_long else core.select(tag < 0x80, tag, 0) & 0x7F
    target = core.load(CODE, core.operand(0, 4) + (index << 2), 4)
    core.jump_if(at < end(core), target)


def tried(core: Core) -> None:
    """Whether the tag is this one, of several bytes: goes there where it is."""
    word = (core.load(INPUT, cursor(core), 8) & core.operand(8, 8)) ^ core.operand(0, 8)
    core.jump_if(word == 0, core.operand(16, 4))


def _past(core: Core, at: Word, until: Word) -> tuple[Word, Word, Word]:
    """A field that nobody knows: whether it is one, its wire type, where it ends. Groups end where
    they begin."""
    fine, tag, begin, _ = ten(core, at)
    begin = begin & M32
    wire, number = tag & 7, tag >> 3
    fits, count, behind, _ = ten(core, begin)
    behind, is_length, is_group = behind & M32, wire == 2, (wire == 3) | (wire == 4)
    taken = core.select(is_length, behind + (count & M32), behind)
    taken = core.select(wire == 1, begin + 8, core.select(wire == 5, begin + 4, taken))
    taken = core.select(is_group, begin, taken)
    right = (wire == 1) | (wire == 5) | is_group
    is_length = is_length & (count <= M32) & (behind <= begin + 5)
    right = right | (fits & ((wire == 0) | is_length))
    longest = core.select(tag < 1 << 7, 1, core.select(tag < 1 << 14, 2, 3))
    longest = core.select(tag < 1 << 21, longest, core.select(tag < 1 << 28, 4, 5))
    right = right & fine & (number != 0) & (number < 1 << 29) & (begin == at + longest)
    return right & (taken <= until) & (at < until), wire, taken


def skip(core: Core) -> None:
    """Go past a field that nobody knows, or to `fail`, or to `group` where one begins."""
    at = cursor(core)
    right, wire, taken = _past(core, at, end(core))
    is_group = wire == 3
    core.put(FRAMES, core.select(right & (is_group == 0), taken, at), 4)
    onward = core.select(is_group, core.operand(8, 4), core.operand(0, 4))
    core.jump(core.select(right & (wire != 4), onward, core.operand(4, 4)))


def mark_groups(core: Core) -> None:
    """A group that nobody knows begins: note that there is no other around it.

    end  number  depth  ...  end  number  depth  cursor        a line for each, the first of 0
    """
    at, until = core.pop(FRAMES, 4), core.peek(FRAMES, 4, 4)
    for each in (until, 0, 0, at):
        core.push(FRAMES, each, 4)


def open_group(core: Core) -> None:
    """One more; to `fail` where they are too many."""
    at, depth, until = core.pop(FRAMES, 4), core.peek(FRAMES, 4, 4), core.peek(FRAMES, 12, 4)
    _, tag, begin, _ = ten(core, at)
    for each in (until, tag >> 3, depth + 1, begin):
        core.push(FRAMES, each, 4)
    core.jump_if(depth >= core.operand(4, 1), core.operand(0, 4))


def in_group(core: Core) -> None:
    """A field in such a group: past it, again; at the begin of another one to `open`, at an end
    behind, or to `fail`."""
    at, until = cursor(core), core.peek(FRAMES, 16, 4)
    right, wire, taken = _past(core, at, until)
    is_group = (wire == 3) | (wire == 4)
    core.put(FRAMES, core.select(right & (is_group == 0), taken, at), 4)
    onward = core.select(wire == 3, core.operand(4, 4), core.pc)
    onward = core.select(wire == 4, core.next_pc, onward)
    core.jump(core.select(right, onward, core.operand(0, 4)))


def close_group(core: Core) -> None:
    """The end of such a group: of the number that it began with, else to `fail`; to `open`'s place
    where it is in another."""
    _, tag, begin, _ = ten(core, core.pop(FRAMES, 4))
    _, number, _ = (core.pop(FRAMES, 4) for _ in range(3))
    depth = core.peek(FRAMES, 4, 4)
    core.push(FRAMES, begin, 4)
    onward = core.select(depth == 0, core.next_pc, core.operand(4, 4))
    core.jump(core.select(tag >> 3 == number, onward, core.operand(0, 4)))


def unmark_groups(core: Core) -> None:
    """Behind all of them."""
    at = core.pop(FRAMES, 4)
    for _ in range(2):
        core.pop(FRAMES, 4)
    core.put(FRAMES, at, 4)
    core.jump(core.operand(0, 4))


FAILED, DONE = 1, 2
"""Reasons of stops."""


def fail(core: Core) -> None:
    core.jump(core.pc)
    core.stop(FAILED, cursor(core))


def done(core: Core) -> None:
    core.jump(core.pc)
    core.stop(DONE, 0)


# -- the table ------------------------------------------------------------------------------------


def meanings() -> dict[str, tuple[Meaning, int]]:
    """What instructions there are: functions, and bytes of operands."""
    found: dict[str, tuple[Meaning, int]] = {
        "done": (done, 0),
        "fail": (fail, 0),
        "next.any": (partial(next_row, False), FIELD),
        "next.order": (partial(next_row, True), FIELD),
        "drop": (drop, 4),
        "ended": (ended, 4),
        "ended.group": (ended_group, 21),
        "rest": (partial(rest, False), 4),
        "rest.long": (partial(rest, True), 4),
        "try": (tried, 20),
        "skip": (skip, 12),
        "leave": (leave, 0),
        "undo": (undo, 4),
        "look": (look, FIELD),
        "follow": (follow, FIELD),
        "goto": (go_to, 4),
        "way.any": (go_to, 4),
        "way.order": (stay, 4),
        "group.mark": (mark_groups, 0),
        "group.open": (open_group, 5),
        "group.field": (in_group, 8),
        "group.close": (close_group, 8),
        "group.unmark": (unmark_groups, 4),
        "pass.varint": (partial(passed, varint("10", "int64")), FIELD),
        "pass.fixed32": (partial(passed, fixed(4)), FIELD),
        "pass.fixed64": (partial(passed, fixed(8)), FIELD),
        "pass.bytes": (partial(passed, passed_bytes), FIELD),
        "raw.begin": (begin_raw, FIELD),
        "present": (present, 8),
        "unasked": (unasked, 4),
        "list": (begin_list, FIELD),
        "which": (which, 9),
        "is set": (is_set, 9),
        "clear": (clear, 4),
        "default": (default, 8),
        "packed": (partial(packed, False), FIELD),
        "packed.first": (partial(packed, True), FIELD),
        "packed.end": (end_packed, FIELD),
        "absent.list": (absent_list, FIELD),
        "absent.bytes.set": (absent_bytes, FIELD),
        "absent.message": (partial(absent_message, False, False), FIELD),
        "absent.message.set": (partial(absent_message, True, False), FIELD),
        "absent.group": (partial(absent_message, False, True), FIELD),
        "absent.group.set": (partial(absent_message, True, True), FIELD),
    }
    for width in (0, 1, 4, 8):
        for has_b in (False, True):
            name = f"absent.{width}{'.set' * has_b}"
            found[name] = partial(absent, width, has_b), FIELD
    for length in LENGTHS:
        for kind, (width, _) in KINDS.items():
            read, name = varint(length, kind), f"{kind}.{length}"
            found[name] = partial(scalar, read, width, False), FIELD
            found[f"{name}.set"] = partial(scalar, read, width, True), FIELD
            found[f"{name}.list"] = partial(element, read, width), FIELD
            if length == "1-2":
                run = partial(mixed_items, kind)
            elif length in "12":
                run = partial(items, int(length), kind)
            else:
                run = partial(item, length, kind)
            found[f"{name}.item"] = run, FIELD
        read, name = closed(length), f"closed.{length}"
        found[name] = partial(scalar, read, 4, False), FIELD
        found[f"{name}.set"] = partial(scalar, read, 4, True), FIELD
        found[f"{name}.list"] = partial(element, read, 4), FIELD
        found[f"{name}.item"] = partial(item_closed, length), FIELD
    for width in (4, 8):
        read, name = fixed(width), f"fixed{8 * width}"
        found[name] = partial(scalar, read, width, False), FIELD
        found[f"{name}.set"] = partial(scalar, read, width, True), FIELD
        found[f"{name}.list"] = partial(element, read, width), FIELD
        found[f"{name}.packed"] = partial(packed_fixed, width, False), FIELD
        found[f"{name}.packed.first"] = partial(packed_fixed, width, True), FIELD
    for place in ("plain", "row", "list", "more"):
        suffix = {"plain": "", "row": ".set", "list": ".list", "more": ".more"}[place]
        found[f"raw.end{suffix}"] = partial(end_raw, place), FIELD
    for op in COMPARED:
        for kind, widths in (("unsigned", (1, 4, 8)), ("signed", (4, 8)), ("real", (4, 8))):
            for width in widths:
                found[f"{op}.{kind}{8 * width}"] = partial(compare, op, kind, width), 17
    for most in (0, 16, 32, 64):
        for place in ("plain", "row", "list", "more"):
            suffix = {"plain": "", "row": ".set", "list": ".list", "more": ".more"}[place]
            found[f"bytes.{most or 'any'}{suffix}"] = partial(string, most, place), FIELD
        name = f"bytes.{most or 'any'}.once"
        found[name] = partial(string, most, "plain once"), FIELD
        found[f"{name}.set"] = partial(string, most, "once"), FIELD
    for place in ("plain", "row", "list"):
        suffix = {"plain": "", "row": ".set", "list": ".list"}[place]
        found[f"group{suffix}"] = partial(group, place), FIELD
    for length in ("1", "10"):
        for place in ("plain", "row", "list"):
            suffix = {"plain": "", "row": ".set", "list": ".list"}[place]
            found[f"message.{length}{suffix}"] = partial(message, length, place), FIELD
    return found


NUMBERS = {name: number for number, name in enumerate(meanings())}
LENGTHS_OF = {name: 1 + count for name, (_, count) in meanings().items()}


@cache
def guest(pc_bits: int = 16, output: int = 32) -> Guest:
    """The VM, for programs and outputs of so many bytes (powers of two)."""
    table = meanings()
    rows = [Opcode(NUMBERS[name], name, *meaning) for name, meaning in table.items()]
    rows += [Opcode(n, f"none-{n:02x}", fail) for n in range(len(rows), 256)]
    spaces = (
        Space("code", 1 << pc_bits, code=True),
        Space("input", 1 << 32, window=True),
        Space("offsets", 1 << 32, window=True),
        Space("output", 1 << output, large=True),
        Space("state", 64),
    )
    made = Guest(
        "wire", tuple(rows), spaces, (FRAME_STACK,), pc_bits=pc_bits,
        word_bits=64, byte_order="little", version=f"{pc_bits} {output}",
    )  # fmt: skip
    made.sources = (__file__,)
    return made

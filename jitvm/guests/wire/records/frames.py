"""Instructions that go from record to record, into lists and out of them, and along a program."""

from __future__ import annotations

from jitvm.guests.wire.records.operands import column, go_on, operand
from jitvm.guests.wire.vm.operands import (
    BIAS,
    CODE,
    FRAMES,
    INPUT,
    M32,
    OFFSETS,
    OUTPUT,
    STATE,
    cursor,
    end,
    row,
)
from jitvm.guests.wire.vm.values import LENGTHS

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from jitvm.guest import Core, Word
    from jitvm.guests.wire.records.values import Read

DEPTH = 16
"""Address in STATE of how many routines are in each other."""
GOING = ("next", "next.all", "block", "element", "call")
"""Those that may go to `miss`, whatever the format."""

# -- records --------------------------------------------------------------------------------------


def next_record(is_open: bool, core: Core) -> None:
    """The record is complete: begin the next one of the block, at `miss`; the instruction behind
    comes where it was the last. To `slow`, with all as it is, where the record goes past the end of
    its block. `is_open`: of the block only its end is known, so the last is also the record behind
    which there are no bytes."""
    at, until, here = (core.pop(FRAMES, 4) for _ in range(3))
    rest, begin = core.pop(FRAMES, 4), core.pop(FRAMES, 4)
    fits = at <= until
    core.expect(fits)
    step = core.select(fits, 1, 0)
    for each in (core.select(fits, at, begin), rest - step, here + step, until, at):
        core.push(FRAMES, each, 4)
    goes = (rest != 1) & (at < until) if is_open else rest != 1
    onward = core.select(goes, operand(core, "miss"), core.next_pc)
    core.jump(core.select(fits, onward, operand(core, "slow")))


def next_block(core: Core) -> None:
    """All records of a block are read: begin the next one, at `miss`, or here again where it has no
    records; at a where there is no other. To `slow` where bytes are left."""
    at, until, here = (core.pop(FRAMES, 4) for _ in range(3))
    rest, begin = core.pop(FRAMES, 4), core.pop(FRAMES, 4)
    number, last = core.pop(FRAMES, 4), core.peek(FRAMES, 4, 4)
    number = (number + 1) & M32
    bias = core.load(STATE, BIAS, 8)
    entry = number * 24
    first = (core.load(OFFSETS, entry, 8) - bias) & M32
    behind = (core.load(OFFSETS, entry + 8, 8) - bias) & M32
    count = core.load(OFFSETS, entry + 16, 4)
    is_last = number == last
    goes = core.select(is_last, 0, at == until)
    core.expect(goes)
    core.near(INPUT, behind)
    for yes, no in ((number, number - 1), (first, begin), (count, rest), (here, here)):
        core.push(FRAMES, core.select(goes, yes, no), 4)
    core.push(FRAMES, core.select(goes, behind, until), 4)
    core.push(FRAMES, core.select(goes, first, at), 4)
    onward = core.select(count, operand(core, "miss"), core.pc)
    stops = core.select(is_last, operand(core, "a"), operand(core, "slow"))
    core.jump(core.select(goes, onward, stops))


def mark(core: Core) -> None:
    """Note which record the row is made of: where it begins, and how many were left."""
    begin, rest = core.peek(FRAMES, 20, 4), core.peek(FRAMES, 16, 4)
    core.store(OUTPUT, column(core, "a", row(core), 8), begin | (rest << 32), 8)


# -- lists ---------------------------------------------------------------------------------------


def _head(core: Core, at: Word, until: Word) -> tuple[Word, Word, Word, Word]:
    """The head of a block of a list, as Avro has it: whether it is one, how many elements it has,
    where they begin, and where they end, if that is said, else 0."""
    is_short, short, behind, _ = LENGTHS["1"](core, at)
    fine, long, after, _ = LENGTHS["10"](core, at)
    word = core.select(is_short, short, long)
    after = core.select(is_short, behind, after) & M32
    is_sized = word & 1
    is_plain = core.select(is_short, is_sized == 0, 0)
    core.expect(is_plain)
    is_size, size, begin, _ = LENGTHS["10"](core, after)
    size_fits = is_size & ((size & 1) == 0) & (size <= M32)
    begin = core.select(is_sized, begin & M32, after)
    behind = begin + (size >> 1)
    size_fits = size_fits & (behind <= until)
    fits = core.select(is_short, 1, fine & (word <= M32)) & (begin <= until)
    fits = core.select(is_sized, fits & size_fits, fits)
    return fits, ((word & M32) + 1) >> 1, begin, core.select(is_sized, behind & M32, 0)


def begin_list(core: Core) -> None:
    """Blocks of elements begin: enter the first row of the list whose offsets are b; to `miss`
    where there is no element."""
    at, until, here = cursor(core), end(core), row(core)
    fits, count, begin, _ = _head(core, at, until)
    fits = fits & (count <= (until - begin) & M32)
    first = core.load(OUTPUT, column(core, "b", here, 4), 4)
    _enter(core, fits, count, first, until, at, begin, "next")


def begin_counted(read: Read, core: Core) -> None:
    """The same behind a number of elements, which is all that says how many there are."""
    at, until, here = cursor(core), end(core), row(core)
    fits, count, begin = read(core, at)
    fits = fits & (begin <= until) & (count <= (until - begin) & M32)
    first = core.load(OUTPUT, column(core, "b", here, 4), 4)
    _enter(core, fits, count, first, until, at, begin, "next")


def more_elements(core: Core) -> None:
    """A block of elements is read: the next one begins, with its first element at `miss`."""
    at, until, here, _ = (core.pop(FRAMES, 4) for _ in range(4))
    fits, count, begin, _ = _head(core, at, until)
    fits = fits & (count <= (until - begin) & M32)
    _enter(core, fits, count, here, until, at, begin, "miss")


def _enter(
    core: Core, fits: Word, count: Word, here: Word, until: Word, at: Word, begin: Word, into: str
) -> None:
    """A frame for elements, which begin at `miss` or behind this instruction (`next`): the other of
    the two comes where there are none."""
    core.expect(fits)
    for each in (count, here, until, core.select(fits, begin, at)):
        core.push(FRAMES, each, 4)
    miss, behind = operand(core, "miss"), core.next_pc
    inside, past = (miss, behind) if into == "miss" else (behind, miss)
    onward = core.select(count, inside, past)
    core.jump(core.select(fits, onward, operand(core, "slow")))


def next_element(core: Core) -> None:
    """An element is complete: the next one begins at `miss`; behind, where it was the last of its
    block."""
    at, until, here, rest = (core.pop(FRAMES, 4) for _ in range(4))
    fits = at <= until
    core.expect(fits)
    for each in (rest - 1, here + 1, until, at):
        core.push(FRAMES, each, 4)
    onward = core.select(rest != 1, operand(core, "miss"), core.next_pc)
    core.jump(core.select(fits, onward, operand(core, "slow")))


def end_list(core: Core) -> None:
    """All elements are read: note where they end in b."""
    at, _, behind, _ = (core.pop(FRAMES, 4) for _ in range(4))
    core.put(FRAMES, at, 4)
    core.store(OUTPUT, column(core, "b", row(core) + 1, 4), behind, 4)


def passed_list(is_first: bool, core: Core) -> None:
    """Blocks of elements that nobody wants to have: past those that say how long they are, here
    again; into others, at `miss`. Behind comes what follows the last. Elements of no bytes (k is 0)
    are passed by their number alone."""
    at, until = core.pop(FRAMES, 4), core.peek(FRAMES, 4, 4)
    fits, count, begin, behind = _head(core, at, until)
    is_whole = (behind != 0) | (operand(core, "k") == 0)
    fits = fits & ((count <= (until - begin) & M32) | is_whole)
    after = core.select(behind, behind, begin)
    if not is_first:
        for _ in range(3):
            core.pop(FRAMES, 4)
    else:
        core.push(FRAMES, at, 4)
    for each in (count, 0, until, core.select(fits, after, at)):
        core.push(FRAMES, each, 4)
    inside = core.select(is_whole, operand(core, "c"), operand(core, "miss"))
    onward = core.select(count, inside, operand(core, "a"))
    core.jump(core.select(fits, onward, operand(core, "slow")))


def end_passed(core: Core) -> None:
    """Behind them."""
    at = core.pop(FRAMES, 4)
    for _ in range(3):
        core.pop(FRAMES, 4)
    core.put(FRAMES, at, 4)


# -- along the program ----------------------------------------------------------------------------


def optional(core: Core) -> None:
    """What has two branches, of which one is null: b[row] = whether it is the other; to `miss`
    where it is null."""
    at = cursor(core)
    branch = core.load(INPUT, at, 1)
    fits = (branch & 0xFD) == 0
    there = ((branch >> 1) ^ operand(core, "k")) & 1
    core.expect(fits)
    core.store(OUTPUT, column(core, "b", row(core), 1), there, 1)
    core.put(FRAMES, core.select(fits, at + 1, at), 4)
    onward = core.select(there, core.next_pc, operand(core, "miss"))
    core.jump(core.select(fits, onward, operand(core, "slow")))


def presence(core: Core) -> None:
    """A byte that says whether a value follows, 1 or 0: b[row] = it; to `miss` where none does."""
    at = cursor(core)
    there = core.load(INPUT, at, 1)
    fits = there <= 1
    core.expect(fits)
    core.store(OUTPUT, column(core, "b", row(core), 1), there, 1)
    core.put(FRAMES, core.select(fits, at + 1, at), 4)
    onward = core.select(there, core.next_pc, operand(core, "miss"))
    core.jump(core.select(fits, onward, operand(core, "slow")))


def union(core: Core) -> None:
    """What has k branches: to that which is there, by a table of addresses at a."""
    at = cursor(core)
    branch = core.load(INPUT, at, 1)
    fits = ((branch & 1) == 0) & (branch < operand(core, "k"))
    target = core.load(CODE, operand(core, "a") + (branch << 1), 4)
    core.expect(fits)
    core.put(FRAMES, core.select(fits, at + 1, at), 4)
    core.jump(core.select(fits, target, operand(core, "slow")))


def call(core: Core) -> None:
    """Enter what is at `miss`, which comes back behind this instruction; to `slow` where k are in
    each other already."""
    at, until = cursor(core), end(core)
    depth = core.load(STATE, DEPTH, 4)
    fits = depth < operand(core, "k")
    core.expect(fits)
    core.store(STATE, DEPTH, depth + 1, 4)
    for each in (0, core.link(), until, at):
        core.push(FRAMES, each, 4)
    core.jump(core.select(fits, operand(core, "miss"), operand(core, "slow")))


def leave(core: Core) -> None:
    """Go back to behind a `call`."""
    at, _ = core.pop(FRAMES, 4), core.pop(FRAMES, 4)
    to, _ = core.pop(FRAMES, 4), core.pop(FRAMES, 4)
    core.put(FRAMES, at, 4)
    core.store(STATE, DEPTH, core.load(STATE, DEPTH, 4) - 1, 4)
    core.jump(to)


# -- values that stay as they are -----------------------------------------------------------------


def begin_raw(core: Core) -> None:
    """What follows is kept as bytes: remember where it begins. What passes over it comes next."""
    at, until = cursor(core), end(core)
    for each in (0, at, until, at):
        core.push(FRAMES, each, 4)


def end_raw(core: Core) -> None:
    """It has ended: its bytes behind those of the row before, a the bytes, c their offsets."""
    at, until, begin, _ = (core.pop(FRAMES, 4) for _ in range(4))
    fits = at <= until
    core.expect(fits)
    here = row(core)
    taken = core.select(fits, (at - begin) & M32, 0)
    to = core.load(OUTPUT, column(core, "c", here, 4), 4)
    core.store(OUTPUT, column(core, "c", here + 1, 4), to + taken, 4)
    core.copy(OUTPUT, column(core, "a", to, 1), INPUT, begin, taken)
    go_on(core, at, fits)


# -- what is not in the input ---------------------------------------------------------------------


def absent_bytes(core: Core) -> None:
    """No bytes, or elements, in the row: offsets c."""
    here = row(core)
    before = core.load(OUTPUT, column(core, "c", here, 4), 4)
    core.store(OUTPUT, column(core, "c", here + 1, 4), before, 4)


def constant(width: int, core: Core) -> None:
    """a[row] = k"""
    core.store(OUTPUT, column(core, "a", row(core), width), core.operand(20, width), width)


def wide(core: Core) -> None:
    """a[row] = 16 bytes: k, and its sign."""
    word = operand(core, "k")
    where = column(core, "a", row(core), 16)
    core.store(OUTPUT, where, word, 8)
    core.store(OUTPUT, where + 8, 0 - (word >> 63), 8)


def letters(core: Core) -> None:
    """Add up to 7 bytes to the row's: k, in its highest byte how many. a the bytes, c the offsets;
    `absent.bytes` has begun them."""
    word, here = operand(core, "k"), row(core)
    to = core.load(OUTPUT, column(core, "c", here + 1, 4), 4)
    core.store(OUTPUT, column(core, "c", here + 1, 4), to + (word >> 56), 4)
    core.store(OUTPUT, column(core, "a", to, 1), word, 8)


def open_list(core: Core) -> None:
    """Enter the first row of the list whose offsets are b: its elements are not in the input."""
    here, until, at = row(core), end(core), cursor(core)
    first = core.load(OUTPUT, column(core, "b", here, 4), 4)
    for each in (0, first, until, at):
        core.push(FRAMES, each, 4)

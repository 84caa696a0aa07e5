"""Instructions that enter messages and leave them, and go from one row to the next."""

from __future__ import annotations

from jitvm.guests.wire.faults import MAX_DEPTH
from jitvm.guests.wire.project.operands import (
    FRAMES,
    INPUT,
    M32,
    OFFSETS,
    OUTPUT,
    STATE,
    Frame,
    operand,
    varint_size,
    word,
)
from jitvm.guests.wire.vm.operands import BIAS, M64, cursor, end, is_next, size
from jitvm.guests.wire.vm.values import a_length, one

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from jitvm.guest import Core, Word

# -- messages in messages -------------------------------------------------------------------------


def _entered(core: Core, begin: Word, until: Word, start: Word, head: Word, fits: Word) -> None:
    """Push the frame of a message, if it is as it was expected, and go to its first field; else to
    `slow`, with the frame all the same, which `undo` takes off."""
    was, depth = cursor(core), word(core, "depth")
    fits = fits & (depth < MAX_DEPTH)
    ok = is_next(core, core.load(INPUT, begin, 4)) & (begin < until)
    target = core.select(ok, operand(core, "a"), operand(core, "miss"))
    core.expect(fits)
    core.put(FRAMES, core.link(), 4)
    where = core.select(fits, begin, was)
    for each in (depth + 1, head, start, start, begin, until, where):
        core.push(FRAMES, each, 4)
    core.jump(core.select(fits, target, operand(core, "slow")))


def enter(length: str, core: Core) -> None:
    """Enter a message whose tag was copied: there is room for its length in front of it, for as
    many bytes as it has now. "1" is for lengths of one byte, "any" for all."""
    at = cursor(core) + size(core)
    if length == "1":
        fits, count, begin, _ = one(core, at)
        begin, reserved = begin & M32, 1
    else:
        fits, count, begin = a_length(core, at)
        count, begin = count & M32, begin & M32
        reserved = varint_size(core, count)
    until = begin + count
    fits = fits & (until <= end(core))
    head = word(core, "out")
    _entered(core, begin, until & M32, (head + reserved) & M32, head, fits)


def enter_group(core: Core) -> None:
    """Enter a group: the run goes on in it."""
    begin, was = (cursor(core) + size(core)) & M32, cursor(core)
    depth, until = word(core, "depth"), end(core)
    out, run = word(core, "out"), word(core, "from")
    fits = depth < MAX_DEPTH
    ok = is_next(core, core.load(INPUT, begin, 4)) & (begin < until)
    target = core.select(ok, operand(core, "a"), operand(core, "miss"))
    core.expect(fits)
    core.put(FRAMES, core.link(), 4)
    for each in (depth + 1, out, out, out, run, until, core.select(fits, begin, was)):
        core.push(FRAMES, each, 4)
    core.jump(core.select(fits, target, operand(core, "slow")))


def undo(core: Core) -> None:
    """Take off the frame of a message that could not be entered."""
    it = Frame(core)
    core.put(FRAMES, it.cursor, 4)
    core.jump(core.operand(0, 4))


def leave(core: Core) -> None:
    """Leave a message, or a group, of which all is written."""
    it = Frame(core)
    back, until, _, _ = (core.pop(FRAMES, 4) for _ in range(4))
    for each in (it.out, it.run, until, it.cursor):
        core.push(FRAMES, each, 4)
    core.jump(back)


def forget(core: Core) -> None:
    """Leave a message of which nothing is to be written."""
    it = Frame(core)
    back, until, _, out = (core.pop(FRAMES, 4) for _ in range(4))
    for each in (out, it.cursor, until, it.cursor):
        core.push(FRAMES, each, 4)
    core.jump(back)


# -- lengths --------------------------------------------------------------------------------------


def length(most: str, core: Core) -> None:
    """Write the length of a message in the room in front of it; goes to `slow` where that is of
    another size than it needs. "1", "2" are for room of so many bytes, "any" for all."""
    out, start, head = word(core, "out"), word(core, "start"), word(core, "head")
    count = (out - start) & M32
    room = (start - head) & M32
    if most == "1":
        fits = (room == 1) & (count < 0x80)
        core.expect(fits)
        core.store(OUTPUT, head, core.select(fits, count, core.load(OUTPUT, head, 1)), 1)
    elif most == "2":
        fits = (room == 2) & (count >= 0x80) & (count < 1 << 14)
        pair = (count & 0x7F) | 0x80 | ((count << 1) & 0x7F00)
        core.expect(fits)
        core.store(OUTPUT, head, core.select(fits, pair, core.load(OUTPUT, head, 2)), 2)
    else:
        fits = room == varint_size(core, count)
        there = core.load(OUTPUT, head, 8)
        core.store(OUTPUT, head, core.select(fits, _patched(count, room, there), there), 8)
    core.jump_if(fits == 0, operand(core, "slow"))


def _patched(count: Word, room: Word, there: Word) -> Word:
    """A word whose low `room` bytes, up to five, are the varint of a number."""
    spread = sum(((count << i) & (0x7F << 8 * i)) for i in range(5))
    mask = ((1 << ((room << 3) & 63)) - 1) & 0xFF_FFFF_FFFF
    more = 0x80_8080_8080 & (mask >> 8)  # all but the last byte have their top bit set
    return (there & (mask ^ M64)) | (spread & mask) | more


PIECE = 64
"""Bytes that are moved at once."""


def begin_move(core: Core) -> None:
    """What is written of a message has to be moved, as its length needs less room than there is:

    to  from  left                        on top of its frame
    """
    out, start, head = word(core, "out"), word(core, "start"), word(core, "head")
    count = (out - start) & M32
    for each in ((head + varint_size(core, count)) & M32, start, count):
        core.push(FRAMES, each, 4)


def move(core: Core) -> None:
    """Move a piece; this instruction comes again while there is more."""
    left, source, to = (core.pop(FRAMES, 4) for _ in range(3))
    words = [core.load(OUTPUT, (source + i) & M32, 8) for i in range(0, PIECE, 8)]
    for i, each in enumerate(words):
        core.store(OUTPUT, (to + 8 * i) & M32, each, 8)
    more = left > PIECE
    rest = core.select(more, left - PIECE, 0)
    for each in ((to + PIECE) & M32, (source + PIECE) & M32, rest):
        core.push(FRAMES, each, 4)
    core.jump_if(more, core.pc)


def end_move(core: Core) -> None:
    """It is moved: go to a place."""
    for _ in range(3):
        core.pop(FRAMES, 4)
    it = Frame(core)
    count = (it.out - it.start) & M32
    start = (it.head + varint_size(core, count)) & M32
    it.put(start=start, out=(start + count) & M32)
    core.jump(core.operand(0, 4))


# -- rows -----------------------------------------------------------------------------------------


def next_row(is_delimited: bool, core: Core) -> None:
    """The row is complete: note where it ends, and begin the next message with the next row, at a
    where its first tag is `next`, else at `miss`. Goes to `slow` behind the last."""
    it = Frame(core)
    here, number = core.pop(FRAMES, 4), core.pop(FRAMES, 4)
    last = core.peek(FRAMES, 4, 4)
    here, number = (here + 1) & M32, (number + 1) & M32
    bias = core.load(STATE, BIAS, 8)
    begin = (core.load(OFFSETS, number << 3, 8) - bias) & M32
    until = (core.load(OFFSETS, (number << 3) + 8, 8) - bias) & M32
    first = core.load(INPUT, begin, 4)
    core.near(INPUT, until)
    more = number != last
    core.expect(more)
    room = varint_size(core, (until - begin) & M32) if is_delimited else 0
    start = (it.out + room) & M32
    core.store(OUTPUT, here << 2, it.out, 4)
    for each in (number, here, 0, it.out, start, start, begin, until, begin):
        core.push(FRAMES, each, 4)
    ok = is_next(core, first) & (begin < until)
    onward = core.select(ok, operand(core, "a"), operand(core, "miss"))
    core.jump(core.select(more, onward, operand(core, "slow")))


def drop_row(core: Core) -> None:
    """The row does not count: the next message is written over it. Goes to a place."""
    it = Frame(core)
    here = core.pop(FRAMES, 4)
    core.push(FRAMES, (here - 1) & M32, 4)
    it.put(out=it.head)
    core.jump(core.operand(0, 4))

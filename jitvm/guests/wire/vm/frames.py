"""Instructions of the wire VM that enter messages and leave them: those in others, groups, messages
that stay bytes, the rows of a batch, and the ends of a run."""

from __future__ import annotations

from jitvm.guests.wire.vm.operands import (
    BIAS,
    FRAMES,
    INPUT,
    M32,
    OFFSETS,
    OUTPUT,
    STATE,
    column,
    cursor,
    end,
    follows,
    is_next,
    operand,
    row,
    size,
)
from jitvm.guests.wire.vm.values import a_length, one

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from jitvm.guest import Core

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
    """The group has ended: its bytes without its tags, as `string` has them; "plain more" for bytes
    that are added to the row's, whose presence is not told."""
    at, _, begin = (core.pop(FRAMES, 4) for _ in range(3))
    core.push(FRAMES, at, 4)
    taken = (at - begin - size(core)) & M32
    here = row(core)
    if place == "list":
        counter = column(core, "b", here + 1, 4)
        here = core.load(OUTPUT, counter, 4)
    to = core.load(OUTPUT, column(core, "c", here + (1 if place.endswith("more") else 0), 4), 4)
    if place == "list":
        core.store(OUTPUT, counter, here + 1, 4)
    elif not place.startswith("plain"):
        core.store(OUTPUT, column(core, "b", here, 1), 1, 1)
    core.store(OUTPUT, column(core, "c", here + 1, 4), to + taken, 4)
    core.copy(OUTPUT, column(core, "a", to, 1), INPUT, begin, taken)
    core.jump(operand(core, "miss"))


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


FAILED, DONE = 1, 2
"""Reasons of stops."""


def fail(core: Core) -> None:
    core.jump(core.pc)
    core.stop(FAILED, cursor(core))


def done(core: Core) -> None:
    core.jump(core.pc)
    core.stop(DONE, 0)

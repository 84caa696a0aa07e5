"""Instructions of the wire VM for fields that come in no order, and for those that nobody knows."""

from __future__ import annotations

from jitvm.guests.wire.vm.operands import CODE, FRAMES, INPUT, M32, cursor, end
from jitvm.guests.wire.vm.values import ten

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from jitvm.guest import Core, Word


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

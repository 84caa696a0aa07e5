"""What the instructions of the wire VM's third part do: they make messages of messages.

A program is made of what is kept and dropped (`jitvm.guests.wire.project.program`); one run of it
projects a batch. As in reading, an instruction consumes a field whose tag has been matched and then
looks at the next tag. But nothing is decoded: of a field only its end has to be known. Fields that
are kept lie side by side in a *run*, which is copied at once when something comes that is dropped:

    INPUT   | kept | kept | dropped | kept | kept |
              ^ from         ^ cursor: `copy` copies what lies in between, `drop` goes past it

Spaces
    CODE     the program
    INPUT    a window: the messages                    OFFSETS  a window: 8 bytes a message and one
    OUTPUT   a large space: 4 bytes a row, where                more, where each begins
             each begins; far behind them, messages
    STATE    BIAS, which is taken off all offsets; cells of conditions and of oneofs

The stack holds a frame for each message that is open, words of 4 bytes:

    last  message  row  depth  head  start  out  from  end  cursor      the message of a row
                   ret  depth  head  start  out  from  end  cursor      one inside of it

`out` is where the next byte is written, `depth` how many messages are around this one. A message
that is entered becomes shorter, and so may the bytes of its length: room for as many as it had is
left at `head`, what is in it is written from `start` on, and when all is there its length is
written (`length`). Where that needs less room than there is, what was written is moved, which is
seldom and linear. A group has no length, so the run just goes on in it.

Words are written whole, so up to 64 bytes behind `out` may be anything. OUTPUT has no bounds to
check: messages never become longer, so who gives as many addresses as messages have bytes has
enough. What the program cannot read ends at `fail`, which stops the run.
"""

from __future__ import annotations

import os
from functools import cache, partial

from jitvm.guest import Guest, Opcode, Space
from jitvm.guests.wire.project.asked import (
    ORDERS,
    TAKEN,
    clear,
    compare,
    present,
    take,
    there,
    watch,
)
from jitvm.guests.wire.project.frames import (
    begin_move,
    drop_row,
    end_move,
    enter,
    enter_group,
    forget,
    leave,
    length,
    move,
    next_row,
    undo,
)
from jitvm.guests.wire.project.operands import FRAME_STACK
from jitvm.guests.wire.project.runs import LIMITS, VALUES, begin_run, copy, drop, keep
from jitvm.guests.wire.vm.frames import done, ended, ended_group, fail, follow, go_to, look
from jitvm.guests.wire.vm.operands import FIELD
from jitvm.guests.wire.vm.rows import COMPARED
from jitvm.guests.wire.vm.strays import (
    close_group,
    in_group,
    mark_groups,
    open_group,
    rest,
    skip,
    tried,
    unmark_groups,
)

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from jitvm.guests.wire.instructions import Meaning

STATE_SIZE = 1 << 14
"""Bytes of STATE: BIAS in the first UNIT, a cell in each of the others."""


@cache
def meanings() -> dict[str, tuple[Meaning, int]]:
    """What instructions there are: functions, and bytes of operands."""
    found: dict[str, tuple[Meaning, int]] = {
        "done": (done, 0),
        "fail": (fail, 0),
        "next": (partial(next_row, False), FIELD),
        "next.delimited": (partial(next_row, True), FIELD),
        "drop.row": (drop_row, 4),
        "ended": (ended, 4),
        "ended.group": (ended_group, 21),
        "rest": (partial(rest, False), 4),
        "rest.long": (partial(rest, True), 4),
        "try": (tried, 20),
        "skip": (skip, 12),
        "look": (look, FIELD),
        "follow": (follow, FIELD),
        "goto": (go_to, 4),
        "group.mark": (mark_groups, 0),
        "group.open": (open_group, 5),
        "group.field": (in_group, 8),
        "group.close": (close_group, 8),
        "group.unmark": (unmark_groups, 4),
        "group": (enter_group, FIELD),
        "leave": (leave, 0),
        "forget": (forget, 0),
        "undo": (undo, 4),
        "run": (begin_run, 0),
        "move.begin": (begin_move, 0),
        "move": (move, 0),
        "move.end": (end_move, 4),
        "clear": (clear, 4),
        "there": (there, 4),
        "present": (present, 8),
        "watch": (watch, 10),
    }
    for most in LIMITS:
        found[f"copy.{most}"] = partial(copy, most), FIELD
    for size in ("1", "any"):
        found[f"message.{size}"] = partial(enter, size), FIELD
    for size in ("1", "2", "any"):
        found[f"length.{size}"] = partial(length, size), FIELD
    for value in VALUES:
        for in_list in (False, True):
            suffix = ".list" * in_list
            found[f"keep.{value}{suffix}"] = partial(keep, value, in_list), FIELD
            found[f"drop.{value}{suffix}"] = partial(drop, value, in_list), FIELD
    for kind in TAKEN:
        found[f"take.{kind}"] = partial(take, kind), FIELD
    for op in COMPARED:
        for order in ORDERS:
            found[f"{op}.{order}"] = partial(compare, op, order), 17
    return found


NUMBERS = {name: number for number, name in enumerate(meanings())}
LENGTHS_OF = {name: 1 + count for name, (_, count) in meanings().items()}
_HERE = os.path.dirname(__file__)
_SOURCES = tuple(
    os.path.join(_HERE, f"{name}.py")
    for name in (
        "operands", "runs", "frames", "asked",
        *(os.path.join(os.pardir, "vm", each) for each in (
            "operands", "values", "frames", "rows", "strays",
        )),
    )
)  # fmt: skip


@cache
def guest(pc_bits: int = 16) -> Guest:
    """The VM, for programs of so many bytes (a power of two)."""
    table = meanings()
    rows = [Opcode(NUMBERS[name], name, *meaning) for name, meaning in table.items()]
    rows += [Opcode(n, f"none-{n:02x}", fail) for n in range(len(rows), 256)]
    spaces = (
        Space("code", 1 << pc_bits, code=True),
        Space("input", 1 << 32, window=True),
        Space("offsets", 1 << 32, window=True),
        Space("output", 1 << 32, large=True),
        Space("state", STATE_SIZE),
    )
    made = Guest(
        "wire-project", tuple(rows), spaces, (FRAME_STACK,), pc_bits=pc_bits,
        word_bits=64, byte_order="little", version=str(pc_bits),
    )  # fmt: skip
    made.sources = (__file__, *_SOURCES)
    return made

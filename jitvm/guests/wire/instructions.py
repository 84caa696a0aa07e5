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

What they do is written in `vm`, by what they are for: `operands` has what they share, `values`
scalars and strings, `packed` packed fields, `frames` messages and rows, `rows` conditions and
defaults, `fields` and `strays` what comes in no order. Here is the table of all.

Columns are addresses in OUTPUT, in units of UNIT bytes. A cursor may run past `end`: that is found
where it is compared with it, before the row counts.
"""

from __future__ import annotations

import os
from functools import cache, partial

from jitvm.guests.wire.vm.described import decoding_guest
from jitvm.guests.wire.vm.fields import read, simple
from jitvm.guests.wire.vm.frames import (
    absent_message,
    begin_raw,
    done,
    drop,
    end_raw,
    ended,
    ended_group,
    fail,
    follow,
    go_to,
    group,
    leave,
    look,
    message,
    next_row,
    stay,
    undo,
)
from jitvm.guests.wire.vm.operands import FIELD
from jitvm.guests.wire.vm.packed import (
    end_packed,
    item,
    item_closed,
    items,
    mixed_items,
    packed,
    packed_fixed,
)
from jitvm.guests.wire.vm.rows import (
    COMPARED,
    absent,
    absent_bytes,
    absent_list,
    begin_list,
    clear,
    compare,
    default,
    is_set,
    present,
    unasked,
    which,
)
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
from jitvm.guests.wire.vm.values import (
    KINDS,
    LENGTHS,
    closed,
    element,
    fixed,
    passed,
    passed_bytes,
    scalar,
    string,
    varint,
)

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from collections.abc import Callable

    from jitvm.guest import Core, Guest

    Meaning = Callable[[Core], None]


@cache
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
            take, name = varint(length, kind), f"{kind}.{length}"
            found[name] = partial(scalar, take, width, False), FIELD
            found[f"{name}.set"] = partial(scalar, take, width, True), FIELD
            found[f"{name}.list"] = partial(element, take, width), FIELD
            if length == "1-2":
                run = partial(mixed_items, kind)
            elif length in "12":
                run = partial(items, int(length), kind)
            else:
                run = partial(item, length, kind)
            found[f"{name}.item"] = run, FIELD
        take, name = closed(length), f"closed.{length}"
        found[name] = partial(scalar, take, 4, False), FIELD
        found[f"{name}.set"] = partial(scalar, take, 4, True), FIELD
        found[f"{name}.list"] = partial(element, take, 4), FIELD
        found[f"{name}.item"] = partial(item_closed, length), FIELD
    for width in (4, 8):
        take, name = fixed(width), f"fixed{8 * width}"
        found[name] = partial(scalar, take, width, False), FIELD
        found[f"{name}.set"] = partial(scalar, take, width, True), FIELD
        found[f"{name}.list"] = partial(element, take, width), FIELD
        found[f"{name}.packed"] = partial(packed_fixed, width, False), FIELD
        found[f"{name}.packed.first"] = partial(packed_fixed, width, True), FIELD
    for place in ("plain", "row", "list", "more"):
        suffix = {"plain": "", "row": ".set", "list": ".list", "more": ".more"}[place]
        found[f"raw.end{suffix}"] = partial(end_raw, place), FIELD
    found["raw.end.unknown"] = partial(end_raw, "plain more"), FIELD
    for op in COMPARED:
        for kind, widths in (("unsigned", (1, 4, 8)), ("signed", (4, 8)), ("real", (4, 8))):
            for width in widths:
                found[f"{op}.{kind}{8 * width}"] = partial(compare, op, kind, width), 17
    found["bytes.any.more"] = partial(string, 0, "more"), FIELD
    for most in (0, 16, 32, 64):
        for place in ("plain", "row", "list"):
            suffix = {"plain": "", "row": ".set", "list": ".list"}[place]
            found[f"bytes.{most or 'any'}{suffix}"] = partial(string, most, place), FIELD
        name = f"bytes.{most or 'any'}.once"
        found[name] = partial(string, most, "plain once"), FIELD
        found[f"{name}.set"] = partial(string, most, "once"), FIELD
    for is_long in (False, True):
        found[f"simple{'.long' * is_long}"] = partial(simple, is_long), 10
        found[f"read{'.long' * is_long}"] = partial(read, is_long), 10
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


_SOURCES = tuple(
    os.path.join(os.path.dirname(__file__), "vm", f"{name}.py")
    for name in ("operands", "values", "packed", "frames", "rows", "fields", "strays")
)


@cache
def guest(pc_bits: int = 16, output: int = 32) -> Guest:
    """The VM, for programs and outputs of so many bytes (powers of two)."""
    return decoding_guest("wire", meanings(), fail, (pc_bits, output), (__file__, *_SOURCES))

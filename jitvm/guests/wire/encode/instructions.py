"""What the instructions of the wire VM's other half do: they write messages of columns.

A program is made of a tree of columns (`jitvm.guests.wire.encode.program`); one run of it writes a
batch, *backwards*: from the last row to the first, in a row from the field of the highest number to
that of the lowest, and of each field first its value and then its tag in front of it.

              <-- cursor moves this way
    ... | tag | length | tag value  tag value  tag value |    written already
                        ^ cursor                         ^ end of the message in work

So when the length of a message is written the message is there, and its length is known: there is
no second pass, and nothing is moved. All messages of a batch lie side by side, in their order.

Spaces
    CODE       the program
    COLUMNS    a large space: the buffers of columns, laid out as for those that are read
    OUTPUT     a large space: messages up to its end, and near its begin where each message begins
    STATE      what the host gives before a run: STARTS, where the latter is; HEAD_SIZE and HEAD,
               the header of all messages, at the end of HEAD_ROOM bytes

The stack holds a frame for each message and each list that is open, words of 4 bytes:

    row  end  cursor                  a message: its place in columns, where it ends
    first  at  end  cursor            a list: elements before `at` are left, down to `first`

Large spaces have no bounds to check: addresses wrap, and nothing outside is reached. That there is
room for what is written is sure before a run (`jitvm.guests.wire.encode.bound`).
Words are written whole, so up to 24 bytes in front of the cursor may be anything.

What instructions do is written in `values` (scalars and strings) and `frames` (rows, messages,
lists); `operands` has what they share. Here is the table of all. An instruction whose values have
other lengths than it is made for goes to `slow`, where the one is that writes any.
"""

from __future__ import annotations

import os
from functools import cache, partial

from jitvm.guest import Guest, Opcode, Space
from jitvm.guests.wire.encode.frames import (
    again,
    begin_list,
    close_group,
    close_message,
    done,
    each_fixed,
    each_flag,
    each_string,
    element,
    elements,
    end_list,
    end_packed,
    flags,
    go_to,
    item,
    look,
    mark,
    mixed_elements,
    mixed_pairs,
    next_row,
    open_message,
    packed_fixed,
    unless,
    unless_any,
)
from jitvm.guests.wire.encode.operands import FIELD, FRAME_STACK
from jitvm.guests.wire.encode.values import (
    KINDS,
    LENGTHS,
    LIMITS,
    PRESENCES,
    delimit,
    fixed,
    flag,
    head,
    number,
    raw,
    string,
)

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from jitvm.guests.wire.instructions import Meaning


@cache
def meanings() -> dict[str, tuple[Meaning, int]]:
    """What instructions there are: functions, and bytes of operands."""
    found: dict[str, tuple[Meaning, int]] = {
        "done": (done, 0),
        "next": (next_row, FIELD),
        "head": (head, 0),
        "delimit": (delimit, 0),
        "unless": (unless, 8),
        "unless.any": (unless_any, 8),
        "look.seldom": (partial(look, True), 8),
        "look.often": (partial(look, False), 8),
        "open": (open_message, 0),
        "close.group": (close_group, FIELD),
        "mark": (mark, FIELD),
        "raw": (raw, FIELD),
        "list": (begin_list, 4),
        "list.end": (end_list, 0),
        "item": (item, 0),
        "again": (again, 4),
        "goto": (go_to, 4),
        "flags": (flags, FIELD),
        "flag.each": (each_flag, FIELD),
    }
    for length in ("1", "10"):
        found[f"message.{length}"] = partial(close_message, length), FIELD
        found[f"packed.{length}"] = partial(end_packed, length), FIELD
    for suffix, mode in PRESENCES.items():
        found[f"flag{suffix}"] = partial(flag, mode), FIELD
        for width in (4, 8):
            found[f"fixed{8 * width}{suffix}"] = partial(fixed, width, mode), FIELD
        for most in LIMITS:
            found[f"bytes.{most}{suffix}"] = partial(string, most, mode), FIELD
        for length in LENGTHS:
            for kind in KINDS:
                found[f"{kind}.{length}{suffix}"] = partial(number, length, kind, mode), FIELD
    for width in (4, 8):
        found[f"fixed{8 * width}.each"] = partial(each_fixed, width), FIELD
        found[f"fixed{8 * width}.packed"] = partial(packed_fixed, width), FIELD
    for most in LIMITS:
        found[f"bytes.{most}.each"] = partial(each_string, most), FIELD
    for length in LENGTHS:
        for kind in KINDS:
            one = partial(element, length, kind, True)
            mixed = mixed_pairs if KINDS[kind][0] == 4 else mixed_elements
            some = {"1": partial(elements, kind), "1-2": partial(mixed, kind)}
            found[f"{kind}.{length}.each"] = partial(element, length, kind, False), FIELD
            found[f"{kind}.{length}.item"] = some.get(length, one), FIELD
    return found


NUMBERS = {name: number for number, name in enumerate(meanings())}
LENGTHS_OF = {name: 1 + count for name, (_, count) in meanings().items()}
_SOURCES = tuple(
    os.path.join(os.path.dirname(__file__), f"{name}.py")
    for name in ("operands", "values", "frames", os.path.join(os.pardir, "vm", "operands"))
)


@cache
def guest(pc_bits: int = 16, columns: int = 32) -> Guest:
    """The VM, for programs and columns of so many bytes (powers of two)."""
    table = meanings()
    rows = [Opcode(NUMBERS[name], name, *meaning) for name, meaning in table.items()]
    rows += [Opcode(n, f"none-{n:02x}", done) for n in range(len(rows), 256)]
    spaces = (
        Space("code", 1 << pc_bits, code=True),
        Space("columns", 1 << columns, large=True),
        Space("output", 1 << 32, large=True),
        Space("state", 64),
    )
    made = Guest(
        "wire-encode", tuple(rows), spaces, (FRAME_STACK,), pc_bits=pc_bits,
        word_bits=64, byte_order="little", version=f"{pc_bits} {columns}",
    )  # fmt: skip
    made.sources = (__file__, *_SOURCES)
    return made

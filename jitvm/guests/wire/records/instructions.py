"""What the instructions of the wire VM's second decoding half do: they read formats without tags,
whose values lie one behind the other as a schema says.

A program is made of a schema and of a tree of columns; one run of it decodes blocks of records:

    block              the next block: where it begins and ends, how many records it has
    sint64.1-2  ts     ts[row] = a varint of one byte or two
    text.16.or  name   is it there? Its bytes, up to 16 of them
    list        tags   into a list: how many elements, behind the last row that it had
    text.32     tags
    element     tags   is there one more? Then again
    more        tags   is there one more block of them?
    end         tags
    next               the record is complete: the next one, or the next block

Most fields are one instruction, which knows where its value begins because all before it have been
read. A value that may be absent is read by one as well, without a branch.

Spaces
    CODE       the program
    INPUT      a window: records                          OFFSETS  a window: 24 bytes a block, where
    OUTPUT     a large space: the buffers of columns               it begins, ends, its records
    STATE      what the host gives before a run: BIAS, which is taken off where blocks begin and
               end; DEPTH, how many routines are in each other, which is 0 then

The stack holds a frame for the block and for each list that is open, words of 4 bytes:

    last  number  begin  left  row  end  cursor      a block: the last there is, itself, where the
                                                     record in work begins, records that are left
                         left  row  end  cursor      elements of a list, in one inside of a record
                           0   ret  end  cursor      a routine that passes over what is nested in
                                                     itself, entered by an instruction before `ret`

An instruction that cannot read its value leaves the cursor there and goes to `slow`: its careful
twin, or `fail`, which stops the run. What is wrong is found by the host, which goes through that
record step by step (`jitvm.guests.wire.records.faulty`).

**Nothing outside.** A window is zero behind its end, so the cursor may run past `end`; that is
found at the end of each record and element, before it counts. What has a length says so at once: no
more is copied than there is. So of each record in work, or element, at most one value is written
that is not there, which the space between columns takes.

Rows count when they are complete, as in the other half: `jitvm.guests.wire.instructions`.
"""

from __future__ import annotations

import os
from functools import partial

from jitvm.guests.wire.records.dialect import Dialect
from jitvm.guests.wire.records.frames import (
    GOING,
    absent_bytes,
    begin_counted,
    begin_list,
    begin_raw,
    call,
    constant,
    end_list,
    end_passed,
    end_raw,
    leave,
    letters,
    mark,
    more_elements,
    next_block,
    next_element,
    next_record,
    open_list,
    optional,
    passed_list,
    presence,
    union,
    wide,
)
from jitvm.guests.wire.records.operands import FIELD
from jitvm.guests.wire.records.refused import value_fault
from jitvm.guests.wire.records.values import (
    COUNTS,
    KINDS,
    Branched,
    Place,
    bits,
    block,
    bytes_of,
    counted_of,
    decimal,
    double_of_float,
    fixed,
    flag,
    mapped,
    passed,
    passed_bytes,
    real_of_whole,
    same,
    symbol,
    text,
    value,
    varint,
)
from jitvm.guests.wire.vm.frames import done, drop, fail, go_to
from jitvm.guests.wire.vm.rows import COMPARED, compare, present

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from jitvm.guests.wire.records.dialect import Table

TEXTS = (16, 32, 64)
"""Up to how many bytes are copied by words."""
VARINTS = ("1", "1-2", "8", "10")
"""How varints are read, by the bytes they have; the last is right for all."""
OPTIONAL = ".or"
"""The end of names of instructions whose value may be absent."""

_WIDTHS = {"unsigned": (1, 2, 4, 8), "signed": (1, 2, 4, 8), "real": (4, 8)}
"""Bytes of what conditions compare."""


def common() -> Table:
    """What records of all formats have: functions, and bytes of operands."""
    found: Table = {
        "done": (done, 0),
        "fail": (fail, 0),
        "next": (partial(next_record, False), FIELD),
        "next.all": (partial(next_record, True), FIELD),
        "block": (next_block, FIELD),
        "mark": (mark, FIELD),
        "drop": (drop, 4),
        "goto": (go_to, 4),
        "element": (next_element, FIELD),
        "end": (end_list, FIELD),
        "pass.end": (end_passed, FIELD),
        "call": (call, FIELD),
        "leave": (leave, 0),
        "raw.begin": (begin_raw, FIELD),
        "raw.end": (end_raw, FIELD),
        "absent.bytes": (absent_bytes, FIELD),
        "constant.16": (wide, FIELD),
        "letters": (letters, FIELD),
        "list.open": (open_list, FIELD),
        "present": (present, 8),
    }
    for width in (1, 2, 4, 8):
        found[f"constant.{width}"] = partial(constant, width), FIELD
        found[f"same.{width}"] = partial(same, width), FIELD
    for op in COMPARED:
        for kind, widths in _WIDTHS.items():
            for width in widths:
                found[f"{op}.{kind}{8 * width}"] = partial(compare, op, kind, width), 17
    return found


def values() -> Table:
    """What values have that lie as Avro, or a layout, has them."""
    found: Table = {
        "list": (begin_list, FIELD),
        "more": (more_elements, FIELD),
        "pass.list": (partial(passed_list, True), FIELD),
        "pass.more": (partial(passed_list, False), FIELD),
        "optional": (optional, FIELD),
        "presence": (presence, FIELD),
        "union": (union, FIELD),
    }
    for end, where in (("", Place), (OPTIONAL, Branched)):
        for length in VARINTS:
            for kind, (width, _) in KINDS.items():
                read = varint(length, kind)
                found[f"{kind}.{length}{end}"] = (
                    partial(value, read, width, where, False),
                    FIELD,
                )
        for length in ("1", "10"):
            read = symbol(length)
            found[f"place.{length}{end}"] = partial(value, read, 4, where, False), FIELD
        found[f"mapped{end}"] = partial(value, mapped, 4, where, False), FIELD
        for width in (1, 2, 4, 8):
            for is_big in (False, True)[: 1 + (width > 1)]:
                name = f"fixed.{width}{'.big' * is_big}{end}"
                read = fixed(width, is_big)
                found[name] = partial(value, read, width, where, True), FIELD
        for width in (4, 8):
            read = real_of_whole(width)
            found[f"real.{width}.whole{end}"] = (
                partial(value, read, width, where, False),
                FIELD,
            )
        found[f"real.8.float{end}"] = partial(value, double_of_float, 8, where, True), FIELD
        found[f"flag{end}"] = partial(value, flag, 1, where, False), FIELD
        found[f"bytes{end}"] = partial(block, where), FIELD
        for is_counted in (False, True):
            name = f"decimal{'.counted' * is_counted}{end}"
            found[name] = partial(decimal, is_counted, where), FIELD
        for most in TEXTS:
            found[f"text.{most}{end}"] = partial(text, most, where), FIELD
        for name, count in COUNTS.items():
            found[f"text.any{name}{end}"] = partial(bytes_of, count, where), FIELD
    for width in (1, 2, 4, 8):
        for is_big in (False, True)[: 1 + (width > 1)]:
            found[f"bits.{width}{'.big' * is_big}"] = partial(bits, width, is_big), FIELD
    for name, count in COUNTS.items():
        if name:
            found[f"list{name}"] = partial(begin_counted, count), FIELD
    for width in (1, 2, 4):
        read = counted_of(width, "b")
        found[f"text.any.of.{width}"] = partial(bytes_of, read, Place), FIELD
        found[f"pass.bytes.of.{width}"] = partial(passed, passed_bytes(read)), FIELD
        found[f"list.of.{width}"] = partial(begin_counted, counted_of(width, "c")), FIELD
    found["pass.varint"] = partial(passed, varint("10", "uint64")), FIELD
    for name, count in COUNTS.items():
        found[f"pass.bytes{name}"] = partial(passed, passed_bytes(count)), FIELD
    return found


SOURCES = tuple(
    os.path.join(os.path.dirname(__file__), *names)
    for names in (
        ("instructions.py",), ("dialect.py",), ("operands.py",), ("values.py",), ("frames.py",),
        *((os.pardir, "vm", f"{name}.py") for name in ("operands", "values", "frames", "rows")),
    )
)  # fmt: skip
"""Files that say what instructions do that all have."""
PLAIN = Dialect(
    "wire-records", common, values, SOURCES, value_fault, texts=("text",),
    going=(*GOING, "presence", "more", "list", "optional", "pass.list", "pass.more"),
)  # fmt: skip
"""What reads Avro and layouts."""

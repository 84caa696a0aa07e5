"""Decoding in plain Python: what a message means, and what there is without native code.

    bytes ──parse──> state of the row            ──append──> columns as Python lists ──> their place
                     {column index: value}

A row is parsed into a state first, where the rules of Protobuf are easy to see: values that come
twice, messages that merge, members of oneofs that unset each other. Only a complete row is
appended, so there is nothing to take back.

It has the interface of the native decoder, and is what that is compared with; hence no attempt is
made to be fast.
"""

from __future__ import annotations

from array import array
from struct import Struct

from jitvm.guests.wire.batch import Batch, Wrong
from jitvm.guests.wire.columns import Column, Shape, Tree
from jitvm.guests.wire.faults import MAX_DEPTH, Fault
from jitvm.guests.wire.schema import Field, Kind, WireType
from jitvm.guests.wire.where import All, Any, Compare

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from typing import Any as Anything

    from jitvm.guests.wire.batch import Mistake
    from jitvm.guests.wire.buffers import Layout
    from jitvm.guests.wire.pool import OutputSpace
    from jitvm.guests.wire.where import Condition

    State = dict[int | str, Anything]

_FIXED = {
    Kind.DOUBLE: Struct("<d"), Kind.FLOAT: Struct("<f"), Kind.FIXED64: Struct("<Q"),
    Kind.FIXED32: Struct("<I"), Kind.SFIXED64: Struct("<q"), Kind.SFIXED32: Struct("<i"),
}  # fmt: skip
_CODES = {"g": "d", "f": "f", "l": "q", "L": "Q", "i": "i", "I": "I", "b": "B", "c": "B"}
"""Type codes of `array` for Arrow's formats."""
_LOW64 = 0xFFFF_FFFF_FFFF_FFFF


class _Plan:
    """A STRUCT, and what becomes of each field of its message."""

    __slots__ = ("by_number", "column", "message", "oneofs", "unknown")

    def __init__(self, column: Column) -> None:
        message = column.message
        assert message is not None
        self.column = column
        self.message = message
        self.by_number: dict[int, tuple[Field, Column | None]] = {
            field.number: (field, column.child_of(field)) for field in message.fields
        }
        self.unknown = next((each for each in column.children if each.is_unknown), None)
        self.oneofs = [each for each in column.children if each.shape is Shape.ONEOF]


class PlainDecoder:
    """Decodes messages into the columns of a tree.

    Args:
        tree: the columns, laid out.
        layout: where they lie, and how much a batch may have.
        errors: ``"raise"``, which stops at the first mistake, ``"skip"``, ``"null"``.
        where: rows for which it is not true are left out.
    """

    def __init__(
        self,
        tree: Tree,
        layout: Layout,
        *,
        errors: str = "raise",
        where: Condition | None = None,
    ) -> None:
        self.tree = tree
        self.layout = layout
        self._errors = errors
        self._where = where
        self._plans = {
            column.index: _Plan(column) for column in tree.columns if column.message is not None
        }

    def decode(
        self, data: memoryview, offsets: memoryview, first: int, last: int, out: OutputSpace
    ) -> Batch:
        """Decode messages, as many as a batch may have.

        Args:
            data: all bytes.
            offsets: where message i begins and ends, at [i] and [i + 1], 64 bits each.
            first: the first message.
            last: the message behind the last.
            out: where the columns are written.
        """
        columns = [_Filled(column, self.tree.offset_width) for column in self.tree.columns]
        mistakes: list[Mistake] = []
        rows = seen = size = 0
        place = first
        while place < last and rows < self.layout.rows:
            begin, end = offsets[place], offsets[place + 1]
            fault = Fault.FRAME if end < begin else None
            if fault is None and seen and size + end - begin > self.layout.bytes:
                break
            size += end - begin
            if fault is None and size > self.layout.bytes:
                fault = Fault.SIZE
            state: State | None = None
            try:
                if fault is not None:
                    raise Wrong(fault, begin, self.tree.root)
                state = self.row(data, begin, end)
                if state is None:
                    seen, place = seen + 1, place + 1
                    continue
            except Wrong as wrong:
                mistakes.append((seen, wrong.offset - begin, wrong.fault, wrong.column.index))
                if wrong.fault is Fault.FRAME:
                    break
                if self._errors == "raise":
                    seen, place = seen + 1, place + 1
                    break
            seen += 1
            place += 1
            if state is None and self._errors == "skip":
                continue
            self._append(columns, self.tree.root, state)
            rows += 1
        for filled in columns:
            filled.write(out)
        return Batch(rows, mistakes, place, seen)

    # -- what a message means --------------------------------------------------------------------

    def row(self, data: memoryview, begin: int, end: int) -> State | None:
        """What a message has; None where the conditions leave it out, whose strings may be
        anything.

        Raises:
            Wrong: it is not to be read.
        """
        try:
            state = self.parsed(data, begin, end)
        except Wrong as wrong:
            if wrong.fault is not Fault.UTF8 or self._where is None:
                raise
            self._checks = False
            try:
                if self._holds(self.parsed(data, begin, end)):
                    raise
            finally:
                self._checks = True
            return None
        return state if self._holds(state) else None

    _checks = True

    def parsed(self, data: memoryview, begin: int, end: int) -> State:
        """What a message has, by `Column.index`.

        Raises:
            Wrong: it is not to be read.
        """
        state: State = {}
        self._message(self._plans[0], state, data, begin, end, MAX_DEPTH, 0)
        return state

    def _message(
        self,
        plan: _Plan,
        state: State,
        data: memoryview,
        place: int,
        end: int,
        depth: int,
        group: int,
    ) -> int:
        """Parse fields up to an end, or up to the end of a group; return the place behind."""
        while place < end:
            start = place
            tag, place = _varint(data, place, end, 5, plan.column)
            number, wire_type = tag >> 3, tag & 7
            if number == 0 or tag > 0xFFFF_FFFF:
                raise Wrong(Fault.NUMBER, start, plan.column)
            if wire_type == WireType.END_GROUP:
                if number != group:
                    raise Wrong(Fault.GROUP, start, plan.column)
                return place
            field, column = plan.by_number.get(number, (None, None))
            if field is None or tag not in (field.tag, field.packed_tag):
                place = _skipped(data, start, place, end, tag, depth, plan.column)
                _keep_unknown(plan, state, _with_short_tags(data[start:place], plan.column))
            elif column is None:
                place = self._without_column(
                    plan, state, field, data, start, place, end, tag, depth
                )
            else:
                place = self._value(plan, state, field, column, data, start, place, end, tag, depth)
        if group:
            raise Wrong(Fault.GROUP, place, plan.column)
        return place

    def _without_column(
        self,
        plan: _Plan,
        state: State,
        field: Field,
        data: memoryview,
        start: int,
        place: int,
        end: int,
        tag: int,
        depth: int,
    ) -> int:
        """Pass over a field that nobody wants; it may unset others of its oneof."""
        value = place
        place = _skipped(data, start, place, end, tag, depth, plan.column)
        if field.enum is not None and field.enum.is_closed and tag == field.tag:
            number = _signed(_varint(data, value, end, 10, plan.column)[0], 32)
            if number not in field.enum.values.values():
                _keep_unknown(plan, state, data[start:place])
                return place
        self._set(plan, state, field)
        return place

    def _value(
        self,
        plan: _Plan,
        state: State,
        field: Field,
        column: Column,
        data: memoryview,
        start: int,
        place: int,
        end: int,
        tag: int,
        depth: int,
    ) -> int:
        """Parse the value of a field; return the place behind."""
        if field.is_repeated:
            values = state.setdefault(column.index, [])
            if tag == field.packed_tag:
                return self._packed(plan, state, field, column, values, data, place, end)
            item = column.children[0]
            value, place = self._one(field, item, None, data, place, end, depth, item)
            if value is _UNKNOWN:
                _keep_unknown(plan, state, data[start:place])
            else:
                values.append(value)
            return place
        if field.message is not None and self._is_other_set(plan, state, field):
            state.pop(column.index, None)
        old = state.get(column.index)
        value, place = self._one(field, column, old, data, place, end, depth, column)
        if value is _UNKNOWN:
            _keep_unknown(plan, state, data[start:place])
            return place
        self._set(plan, state, field)
        state[column.index] = value
        return place

    def _is_other_set(self, plan: _Plan, state: State, field: Field) -> bool:
        return field.oneof is not None and state.get(_case(plan, field.oneof.name)) is not field

    def _set(self, plan: _Plan, state: State, field: Field) -> None:
        """Note that a member of a oneof is set, and unset the others."""
        if field.oneof is None:
            return
        state[_case(plan, field.oneof.name)] = field
        for other in field.oneof.fields:
            column = plan.by_number[other.number][1]
            if other is not field and column is not None:
                state.pop(column.index, None)

    def _packed(
        self,
        plan: _Plan,
        state: State,
        field: Field,
        column: Column,
        values: list[Anything],
        data: memoryview,
        place: int,
        end: int,
    ) -> int:
        value = place
        length, place = _length(data, place, end, column)
        stop = place + length
        while place < stop:
            item = column.children[0]
            try:
                one, place = self._one(field, item, None, data, place, stop, 0, item)
            except Wrong as wrong:
                raise Wrong(wrong.fault, value, item) from None
            if one is not _UNKNOWN:
                values.append(one)
            elif plan.unknown is not None:
                number = _encoded(field.tag) + _encoded(self._last_varint)
                _keep_unknown(plan, state, memoryview(number))
        return place

    def _one(
        self,
        field: Field,
        column: Column,
        old: Anything,
        data: memoryview,
        place: int,
        end: int,
        depth: int,
        at: Column,
    ) -> tuple[Anything, int]:
        """A single value, or `_UNKNOWN`, and the place behind; `old` is what it merges with."""
        kind = field.kind
        value = place
        if kind in _FIXED:
            form = _FIXED[kind]
            if place + form.size > end:
                raise Wrong(Fault.TRUNCATED, value, at)
            return form.unpack_from(data, place)[0], place + form.size
        if kind in (Kind.STRING, Kind.BYTES):
            length, place = _length(data, place, end, at)
            text = bytes(data[place : place + length])
            if column.is_utf8 and self._checks and not _is_utf8(text):
                raise Wrong(Fault.UTF8, value, at)
            return text, place + length
        if kind in (Kind.MESSAGE, Kind.GROUP):
            return self._submessage(field, column, old, data, place, end, depth)
        number, place = _varint(data, place, end, 10, at)
        self._last_varint = number
        if kind is Kind.ENUM:
            number = _signed(number, 32)
            assert field.enum is not None
            if field.enum.is_closed and number not in field.enum.values.values():
                return _UNKNOWN, place
            return number, place
        return _number(kind, number), place

    _last_varint = 0

    def _submessage(
        self,
        field: Field,
        column: Column,
        old: Anything,
        data: memoryview,
        place: int,
        end: int,
        depth: int,
    ) -> tuple[Anything, int]:
        value = place
        if field.kind is Kind.MESSAGE:
            length, place = _length(data, place, end, column)
            stop, group = place + length, 0
        else:
            stop, group = end, field.number
        if depth == 0:
            raise Wrong(Fault.DEPTH, value, column)
        if column.is_raw:
            start = place
            if group:
                place = _skipped(data, place, place, end, field.tag, depth, column)
                behind = place - len(_encoded(group << 3 | WireType.END_GROUP))
                return (old or b"") + bytes(data[start:behind]), place
            return (old or b"") + bytes(data[start:stop]), stop
        if column.wrapper is not None:
            return self._wrapped(column, old, data, place, stop, depth - 1, group)
        plan = self._plans[column.index]
        state: State = {} if old is None else old
        place = self._message(plan, state, data, place, stop, depth - 1, group)
        if plan.message.is_map_entry and state.pop(_HAS_UNKNOWN, False):
            return _UNKNOWN, place
        return state, place

    def _wrapped(
        self,
        column: Column,
        old: Anything,
        data: memoryview,
        place: int,
        end: int,
        depth: int,
        group: int,
    ) -> tuple[Anything, int]:
        """The value in a wrapper."""
        inner = column.wrapper
        assert inner is not None
        value = old
        if value is None:
            value = b"" if column.shape is Shape.BYTES else 0
        while place < end:
            start = place
            tag, place = _varint(data, place, end, 5, column)
            if tag >> 3 == 0 or tag > 0xFFFF_FFFF:
                raise Wrong(Fault.NUMBER, start, column)
            if tag & 7 == WireType.END_GROUP:
                if tag >> 3 != group or not group:
                    raise Wrong(Fault.GROUP, start, column)
                return value, place
            if tag == inner.tag:
                value, place = self._one(inner, column, None, data, place, end, depth, column)
            else:
                place = _skipped(data, start, place, end, tag, depth, column)
        if group:
            raise Wrong(Fault.GROUP, place, column)
        return value, place

    # -- conditions ------------------------------------------------------------------------------

    def _holds(self, state: State) -> bool:
        return self._where is None or self._is_true(self._where, state)

    def _is_true(self, condition: Condition, state: State) -> bool:
        if isinstance(condition, All):
            return all(self._is_true(part, state) for part in condition.parts)
        if isinstance(condition, Any):
            return any(self._is_true(part, state) for part in condition.parts)
        return self._compared(condition, state)

    def _compared(self, compare: Compare, state: State) -> bool:
        column = self.tree.column(compare.path)
        assert column is not None
        around: list[Column] = [column]
        while around[-1].parent is not None and around[-1].parent.parent is not None:
            around.append(around[-1].parent)
        value: Anything = state
        for each in reversed(around):
            value = value.get(each.index)
            if value is None and each.is_nullable:
                return compare.op == "null"
            if value is None:
                value = each.default
        if compare.op in ("null", "present"):
            return compare.op == "present"
        constant = compare.value
        outcome = {
            "==": value == constant, "!=": value != constant, "<": value < constant,
            "<=": value <= constant, ">": value > constant, ">=": value >= constant,
        }[compare.op]  # fmt: skip
        return bool(outcome) is not compare.is_negated

    # -- columns ---------------------------------------------------------------------------------

    def _append(self, columns: list[_Filled], column: Column, value: Anything) -> None:
        """Append a value, or what stands for none, to a column and those below."""
        filled = columns[column.index]
        if column.is_nullable:
            filled.validity.append(value is not None)
        shape = column.shape
        if shape is Shape.FIXED:
            filled.values.append(column.default if value is None else value)
        elif shape is Shape.BYTES:
            filled.data += b"" if value is None else value
            filled.offsets.append(len(filled.data))
        elif shape is Shape.STRUCT:
            state = {} if value is None else value
            for child in column.children:
                if child.shape is Shape.ONEOF:
                    assert child.oneof is not None
                    case = state.get(_case(self._plans[column.index], child.oneof.name))
                    place = 0 if case is None else 1 + child.oneof.fields.index(case)
                    columns[child.index].values.append(place)
                elif child.is_unknown:
                    self._append(columns, child, state.get(child.index, b""))
                else:
                    self._append(columns, child, state.get(child.index))
        else:
            for each in value or ():
                self._append(columns, column.children[0], each)
            filled.offsets.append(filled.offsets[-1] + len(value or ()))


class _Unknown:
    """Stands for a value that is an unknown field after all."""


_UNKNOWN = _Unknown()
_HAS_UNKNOWN = -1
"""Key of a state: whether its message had unknown fields."""


class _Filled:
    """The buffers of a column while they are filled."""

    __slots__ = ("column", "data", "offsets", "validity", "values")

    def __init__(self, column: Column, offset_width: int) -> None:
        self.column = column
        self.validity = array("B")
        self.offsets = array("i" if offset_width == 4 else "q", (0,))
        self.values: array[Anything] = array(_CODES.get(column.format, "B"))
        self.data = bytearray()

    def write(self, out: OutputSpace) -> None:
        """Put them where they belong."""
        column = self.column
        if column.validity is not None:
            out.write(column.validity, self.validity)
        if column.offsets is not None:
            out.write(column.offsets, self.offsets)
        if column.values is not None:
            out.write(column.values, self.data if column.shape is Shape.BYTES else self.values)


def _case(plan: _Plan, name: str) -> str:
    """Key of a state: the member of a oneof that is set."""
    return f"{plan.column.index} {name}"


def _with_short_tags(data: memoryview, column: Column) -> bytes:
    """An unknown field, of which tags may have more bytes than they need, without these."""
    found, place, end = bytearray(), 0, len(data)
    while place < end:  # in a group there are several
        tag, begin = _varint(data, place, end, 5, column)
        place = begin
        match tag & 7:
            case WireType.VARINT:
                _, place = _varint(data, begin, end, 10, column)
            case WireType.FIXED64:
                place += 8
            case WireType.FIXED32:
                place += 4
            case WireType.LENGTH:
                length, place = _length(data, begin, end, column)
                place += length
        found += _encoded(tag) + data[begin:place]
    return bytes(found)


def _keep_unknown(plan: _Plan, state: State, data: bytes | memoryview) -> None:
    state[_HAS_UNKNOWN] = True
    if plan.unknown is not None:
        index = plan.unknown.index
        state[index] = state.get(index, b"") + bytes(data)


def _varint(
    data: memoryview, place: int, end: int, longest: int, column: Column
) -> tuple[int, int]:
    """A varint of a limited length, its low 64 bits, and the place behind."""
    start, value = place, 0
    for shift in range(0, 7 * longest, 7):
        if place >= end:
            raise Wrong(Fault.TRUNCATED, start, column)
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & _LOW64, place
    raise Wrong(Fault.VARINT, start, column)


def _length(data: memoryview, place: int, end: int, column: Column) -> tuple[int, int]:
    start = place
    length, place = _varint(data, place, end, 5, column)
    if length > end - place:
        raise Wrong(Fault.LENGTH, start, column)
    return length, place


def _skipped(
    data: memoryview, start: int, place: int, end: int, tag: int, depth: int, column: Column
) -> int:
    """The place behind the value of a tag, which begins at a place."""
    wire_type = tag & 7
    if wire_type == WireType.VARINT:
        return _varint(data, place, end, 10, column)[1]
    if wire_type == WireType.LENGTH:
        length, place = _length(data, place, end, column)
        return place + length
    if wire_type in (WireType.FIXED64, WireType.FIXED32):
        place += 8 if wire_type == WireType.FIXED64 else 4
        if place > end:
            raise Wrong(Fault.TRUNCATED, start, column)
        return place
    if wire_type != WireType.START_GROUP:
        raise Wrong(Fault.WIRE_TYPE, start, column)
    if depth == 0:
        raise Wrong(Fault.DEPTH, start, column)
    while place < end:
        begin = place
        inner, place = _varint(data, place, end, 5, column)
        if inner >> 3 == 0 or inner > 0xFFFF_FFFF:
            raise Wrong(Fault.NUMBER, begin, column)
        if inner & 7 == WireType.END_GROUP:
            if inner >> 3 != tag >> 3:
                raise Wrong(Fault.GROUP, begin, column)
            return place
        place = _skipped(data, begin, place, end, inner, depth - 1, column)
    raise Wrong(Fault.GROUP, start, column)


def _number(kind: Kind, value: int) -> int:
    """The value of a varint as its kind has it."""
    if kind is Kind.BOOL:
        return int(value != 0)
    if kind in (Kind.SINT32, Kind.UINT32, Kind.INT32):
        value &= 0xFFFF_FFFF
    if kind in (Kind.SINT32, Kind.SINT64):
        return (value >> 1) ^ -(value & 1)
    if kind in (Kind.UINT32, Kind.UINT64):
        return value
    return _signed(value, 32 if kind is Kind.INT32 else 64)


def _signed(value: int, bits: int) -> int:
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def _encoded(value: int) -> bytes:
    """A number as a varint."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True

"""What a message means, and its canonical form: the same bytes for all messages that mean the same.

    bytes ──parsed──> {number: value} ──written──> bytes

Parsed as Protobuf has it: the last value of a singular field counts, messages that come twice
merge, a member of a oneof unsets the others, of a key in a map the last value counts, a value of
another wire type than its field, or a number that a closed enum does not know, is an unknown field.

The canonical form
 1. Fields in the order of their numbers, extensions behind all others; each once, in as few bytes
    as can be, packed where the schema says so.
 2. Nothing that has no presence and is 0, false or empty. A double of -0.0 is not 0; a NaN keeps
    its bits.
 3. Entries of a map in the order of their keys (bytes of strings, numbers by their value, false
    before true), each with key and value.
 4. Unknown fields behind all others by their numbers, those of one number in their order.

That is what Protobuf's own package writes with `deterministic=True`, but for the order of unknown
fields and of entries of maps, which is not the same in all of its implementations.
"""

from __future__ import annotations

from jitvm.guests.wire.anew import varint
from jitvm.guests.wire.faults import MAX_DEPTH, Fault
from jitvm.guests.wire.project.passing import (
    SIZES,
    Bad,
    length_at,
    past,
    rewritten,
    tag_at,
    varint_at,
)
from jitvm.guests.wire.project.selection import Fate
from jitvm.guests.wire.schema import Kind, WireType

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from typing import Any

    from jitvm.guests.wire.project.selection import Part
    from jitvm.guests.wire.schema import Field, Message

_SHORT = (1 << 32) - 1
_ZIGZAGS = (Kind.SINT32, Kind.SINT64)
_SIGNED = (Kind.INT32, Kind.INT64, Kind.SFIXED32, Kind.SFIXED64)


class Meant:
    """What a message means.

    Attributes:
        values: by the number of the field: of numbers their bits as they lie in a message, bytes of
            strings, `Meant` of messages, lists of these, dicts of maps.
        unknown: numbers and bytes of unknown fields.
    """

    __slots__ = ("unknown", "values")

    def __init__(self) -> None:
        self.values: dict[int, Any] = {}
        self.unknown: list[tuple[int, bytes]] = []


class Meaning:
    """Parses messages and writes them in their canonical form.

    Args:
        checks_text: whether strings have to be UTF-8.
        keeps_unknown: whether unknown fields are written.
    """

    def __init__(self, *, checks_text: bool = True, keeps_unknown: bool = True) -> None:
        self._checks_text = checks_text
        self._keeps_unknown = keeps_unknown

    # -- parsing ---------------------------------------------------------------------------------

    def parsed(self, data: memoryview, message: Message, part: Part | None = None) -> Meant:
        """What a message means, or what is kept of it; what is dropped is not looked into.

        Raises:
            Bad: it is not to be read.
        """
        meant = Meant()
        self._fields(meant, message, part, data, 0, len(data), "", MAX_DEPTH, 0)
        return meant

    def _fields(
        self, into: Meant, message: Message, part: Part | None, data: memoryview, place: int,
        end: int, path: str, depth: int, group: int,
    ) -> int:  # fmt: skip
        by_number = message.by_number
        while place < end:
            start, name = place, ""
            try:
                tag, place = tag_at(data, place, end)
                if tag & 7 == WireType.END_GROUP:
                    if tag >> 3 != group:
                        raise Bad(Fault.GROUP, start)
                    return place
                field = by_number.get(tag >> 3)
                if field is None or tag not in (field.tag, field.packed_tag):
                    behind = past(data, place, end, tag, depth)
                    into.unknown.append((tag >> 3, rewritten(data[:behind], place, tag)))
                    place = behind
                    continue
                name = field.name
                inner = f"{path}.{name}" if path else name
                if part is not None and part.is_passed(field):
                    place = self._passed(into, field, tag, data, place, end, depth)
                    continue
                inside = None if part is None else part.within(field)
                place = self._field(into, field, inside, tag, data, place, end, inner, depth)
            except Bad as bad:
                raise bad.at(".".join(filter(None, (path, name)))) from None
        if group:
            raise Bad(Fault.GROUP, place).at(path)
        return place

    def _passed(
        self, into: Meant, field: Field, tag: int, data: memoryview, place: int, end: int,
        depth: int,
    ) -> int:  # fmt: skip
        """Go past a field that is dropped; it may unset others of its oneof."""
        behind = past(data, place, end, tag, depth)
        if field.is_closed and not is_known(
            field, normal(field.kind, varint_at(data, place, end)[0])
        ):
            return behind
        for other in () if field.oneof is None else field.oneof.fields:
            into.values.pop(other.number, None)
        return behind

    def _field(
        self, into: Meant, field: Field, part: Part | None, tag: int, data: memoryview, place: int,
        end: int, path: str, depth: int,
    ) -> int:  # fmt: skip
        values, number = into.values, field.number
        if field.is_repeated and tag == field.packed_tag:
            at, behind = length_at(data, place, end)
            found = values.setdefault(number, [])
            while at < behind:
                value, at = self._scalar(field, data, at, behind)
                if is_known(field, value):
                    found.append(value)
                else:
                    into.unknown.append((number, varint(field.tag) + varint(value)))
            return behind
        if field.message is None:
            value, behind = self._scalar(field, data, place, end)
            if not is_known(field, value):
                into.unknown.append((number, varint(field.tag) + varint(value)))
                return behind
        else:
            old = None if field.is_repeated else values.get(number)
            value = Meant() if old is None else old
            behind = self._submessage(value, field, part, tag, data, place, end, path, depth)
            if field.is_map:
                return self._put(into, field, value, data, place, behind)
        if field.is_repeated:
            values.setdefault(number, []).append(value)
            return behind
        if field.oneof is not None:
            for other in field.oneof.fields:
                values.pop(other.number, None)
        values[number] = value
        return behind

    def _submessage(
        self, into: Meant, field: Field, part: Part | None, tag: int, data: memoryview, place: int,
        end: int, path: str, depth: int,
    ) -> int:  # fmt: skip
        assert field.message is not None
        group = 0
        if tag & 7 == WireType.START_GROUP:
            group, begin, behind = field.number, place, end
        else:
            begin, behind = length_at(data, place, end)
        if depth == 0:
            raise Bad(Fault.DEPTH, place)
        return self._fields(into, field.message, part, data, begin, behind, path, depth - 1, group)

    def _put(
        self, into: Meant, field: Field, entry: Meant, data: memoryview, place: int, behind: int
    ) -> int:
        """Put an entry in a map; one with unknown fields is one itself."""
        assert field.message is not None
        key, value = field.message.by_number[1], field.message.by_number[2]
        if entry.unknown:
            into.unknown.append((field.number, rewritten(data[:behind], place, field.tag)))
            return behind
        default: Any = Meant() if value.message is not None else _default(value)
        found = into.values.setdefault(field.number, {})
        found[entry.values.get(1, _default(key))] = entry.values.get(2, default)
        return behind

    def _scalar(self, field: Field, data: memoryview, place: int, end: int) -> tuple[Any, int]:
        """The value of a number or string, and the place behind."""
        wire = field.wire_type
        if wire == WireType.VARINT:
            value, behind = varint_at(data, place, end)
            return normal(field.kind, value), behind
        if wire == WireType.LENGTH:
            begin, behind = length_at(data, place, end)
            text = bytes(data[begin:behind])
            if self._checks_text and field.kind is Kind.STRING and not _is_text(text):
                raise Bad(Fault.UTF8, place)
            return text, behind
        behind = place + SIZES[wire]
        if behind > end:
            raise Bad(Fault.TRUNCATED, place)
        return int.from_bytes(data[place:behind], "little"), behind

    # -- writing ---------------------------------------------------------------------------------

    def written(self, meant: Meant, message: Message, part: Part | None = None) -> bytes:
        """The canonical form of a message, or of what is kept of it."""
        found = bytearray()
        for field in sorted(message.fields, key=_order):
            value = meant.values.get(field.number)
            fate = Fate.KEEP if part is None else part.fates[field.number]
            if value is None or fate is Fate.DROP:
                continue
            inner = part.inner(field) if part is not None and fate is Fate.ENTER else None
            if inner is None or inner.is_written:
                found += self._written(field, value, inner)
        if self._keeps_unknown and (part is None or part.keeps_unknown):
            for number, raw in sorted(meant.unknown, key=lambda each: each[0]):
                known = None if part is None else part.by_number.get(number)
                if part is None or known is None or part.keeps(known):
                    found += raw
        return bytes(found)

    def _written(self, field: Field, value: Any, part: Part | None) -> bytes:
        if field.is_map:
            assert field.message is not None
            key = field.message.by_number[1]
            parts = []
            for each in sorted(value, key=lambda each: _sorted(key, each)):
                entry = self._entry(field.message, each, value[each], part)
                parts.append(varint(field.tag) + varint(len(entry)) + entry)
            return b"".join(parts)
        if not field.is_repeated:
            is_default = field.message is None and not field.has_presence and not value
            return b"" if is_default else self._one(field, value, part)
        if field.is_packed and field.packed_tag is not None:
            packed = b"".join(_scalar(field, each) for each in value)
            return varint(field.packed_tag) + varint(len(packed)) + packed if packed else b""
        return b"".join(self._one(field, each, part) for each in value)

    def _entry(self, message: Message, key: Any, value: Any, part: Part | None) -> bytes:
        first, second = message.by_number[1], message.by_number[2]
        found = self._one(first, key, None)
        if part is None or part.keeps(second):
            is_parted = part is not None and part.fates[2] is Fate.ENTER
            inner = part.inner(second) if part is not None and is_parted else None
            found += self._one(second, value, inner)
        return found

    def _one(self, field: Field, value: Any, part: Part | None) -> bytes:
        """A value with its tag."""
        if field.message is None:
            return varint(field.tag) + _scalar(field, value)
        inner = self.written(value, field.message, part)
        if field.wire_type is WireType.START_GROUP:
            return varint(field.tag) + inner + varint(field.tag + 1)
        return varint(field.tag) + varint(len(inner)) + inner


def _scalar(field: Field, value: Any) -> bytes:
    if field.wire_type is WireType.LENGTH:
        return varint(len(value)) + bytes(value)
    if field.wire_type is WireType.VARINT:
        return varint(value)
    return int(value).to_bytes(SIZES[field.wire_type], "little")


def normal(kind: Kind, value: int) -> int:
    """The number that everybody writes for what this one means."""
    if kind is Kind.BOOL:
        return int(value != 0)
    if kind in (Kind.UINT32, Kind.SINT32):
        return value & _SHORT
    if kind in (Kind.INT32, Kind.ENUM):
        low = value & _SHORT
        return low | (_SHORT << 32 if low >> 31 else 0)
    return value


def is_known(field: Field, value: int) -> bool:
    """Whether a number is one that a closed enum knows."""
    if field.enum is None or not field.enum.is_closed:
        return True
    return signed(value, 64) in field.enum.values.values()


def signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> (bits - 1) else value


def _default(field: Field) -> Any:
    if field.kind in (Kind.STRING, Kind.BYTES):
        return b""
    if field.enum is not None:
        return next(iter(field.enum.values.values()), 0) & (1 << 64) - 1
    return 0


def _sorted(key: Field, value: Any) -> Any:
    """By what a key of a map is put in order."""
    if key.kind in _ZIGZAGS:
        return (value >> 1) ^ -(value & 1)
    if key.kind in _SIGNED:
        return signed(value, 32 if key.kind is Kind.SFIXED32 else 64)
    return value


def _order(field: Field) -> tuple[bool, int]:
    return field.name.startswith("["), field.number


def _is_text(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True

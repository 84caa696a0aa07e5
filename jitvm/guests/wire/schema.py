"""What messages are made of, whatever described them: the model of a schema.

    Message "telemetry.Span"          in order of declaration
      Field 1 "ts" FIXED64
      Field 2 "attrs" MESSAGE, repeated ──> Message "telemetry.Attr"
      Field 3 "status" ENUM            ──> Enum "telemetry.Status"
      Field 4 "text" STRING ┐
      Field 5 "code" INT32  ┴ Oneof "result"

Types may contain themselves, so objects are joined after they are made and are not to be changed by
anybody but who makes a schema (`jitvm.guests.wire.protobuf`). All features are resolved: whoever
reads a `Field` needs to know neither proto2 from proto3 nor editions.

Invariants
 1. Numbers of fields are 1 to 2**29 - 1 and unique in a message.
 2. `Field.message` is set for MESSAGE and GROUP, `Field.enum` for ENUM, else they are None.
 3. A map is a repeated MESSAGE whose type `is_map_entry` and has the fields 1 `key` and 2 `value`.
 4. `Field.oneof` is a real one: what proto3 makes of `optional` is not there.
"""

from __future__ import annotations

from enum import IntEnum


class Kind(IntEnum):
    """Type of a field, with the numbers of ``FieldDescriptorProto.Type``."""

    DOUBLE = 1
    FLOAT = 2
    INT64 = 3
    UINT64 = 4
    INT32 = 5
    FIXED64 = 6
    FIXED32 = 7
    BOOL = 8
    STRING = 9
    GROUP = 10
    MESSAGE = 11
    BYTES = 12
    UINT32 = 13
    ENUM = 14
    SFIXED32 = 15
    SFIXED64 = 16
    SINT32 = 17
    SINT64 = 18


class WireType(IntEnum):
    """How a value lies in a message: the low three bits of its tag."""

    VARINT = 0
    FIXED64 = 1
    LENGTH = 2
    START_GROUP = 3
    END_GROUP = 4
    FIXED32 = 5


WIRE_TYPES = {
    Kind.DOUBLE: WireType.FIXED64,
    Kind.FLOAT: WireType.FIXED32,
    Kind.FIXED64: WireType.FIXED64,
    Kind.FIXED32: WireType.FIXED32,
    Kind.SFIXED64: WireType.FIXED64,
    Kind.SFIXED32: WireType.FIXED32,
    Kind.STRING: WireType.LENGTH,
    Kind.BYTES: WireType.LENGTH,
    Kind.MESSAGE: WireType.LENGTH,
    Kind.GROUP: WireType.START_GROUP,
}
"""Of the kinds that are no varints."""
MAX_NUMBER = (1 << 29) - 1
"""The largest number of a field."""
WRAPPERS = frozenset(
    f"google.protobuf.{name}Value"
    for name in (
        "Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes",
    )
)  # fmt: skip
"""Messages that stand for a scalar that may be absent."""
TIMES = {"google.protobuf.Timestamp": "timestamp", "google.protobuf.Duration": "duration"}
"""Messages that are times: seconds and nanoseconds."""


class Enum:
    """An enumeration.

    Attributes:
        full_name: with its package, without a leading dot.
        values: numbers (32 bits, signed) by name, in order of declaration; aliases share numbers.
        is_closed: whether other numbers count as unknown fields.
    """

    __slots__ = ("full_name", "is_closed", "values")

    def __init__(self, full_name: str, values: dict[str, int], is_closed: bool = False) -> None:
        self.full_name = full_name
        self.values = values
        self.is_closed = is_closed

    def __repr__(self) -> str:
        return f"Enum({self.full_name!r})"


class Oneof:
    """Fields of which at most one is set.

    Attributes:
        name: as declared.
        fields: its members, in order of declaration.
    """

    __slots__ = ("fields", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.fields: list[Field] = []

    def __repr__(self) -> str:
        return f"Oneof({self.name!r})"


class Field:
    """One field of a message.

    Attributes:
        number: 1 to `MAX_NUMBER`.
        name: as declared; of an extension ``[its.full.name]``.
        kind: its type.
        is_repeated: whether it is a list (or a map).
        is_packed: whether writers pack it; readers take both forms of every repeated scalar.
        has_presence: whether an absent value differs from a default one. Never of repeated fields.
        is_required: proto2's `required`.
        oneof: of which it is a member, or None.
        message: type of a MESSAGE or GROUP.
        enum: type of an ENUM.
        width: bytes of its numbers, where they have fewer than its kind says; else 0.
    """

    __slots__ = (
        "enum", "has_presence", "is_packed", "is_repeated", "is_required", "kind", "message",
        "name", "number", "oneof", "width",
    )  # fmt: skip

    def __init__(
        self,
        number: int,
        name: str,
        kind: Kind,
        *,
        is_repeated: bool = False,
        is_packed: bool = False,
        has_presence: bool = False,
        is_required: bool = False,
        oneof: Oneof | None = None,
        message: Message | None = None,
        enum: Enum | None = None,
    ) -> None:
        self.number = number
        self.name = name
        self.kind = kind
        self.is_repeated = is_repeated
        self.is_packed = is_packed
        self.has_presence = has_presence
        self.is_required = is_required
        self.oneof = oneof
        self.message = message
        self.enum = enum
        self.width = 0
        if oneof is not None:
            oneof.fields.append(self)

    @property
    def is_map(self) -> bool:
        """Whether it is a map: a list of entries of which the last of a key counts."""
        return self.is_repeated and self.message is not None and self.message.is_map_entry

    @property
    def is_closed(self) -> bool:
        """Whether it has numbers of a closed enum: others are unknown fields."""
        return self.enum is not None and self.enum.is_closed

    @property
    def wire_type(self) -> WireType:
        """Wire type of one value of it, unpacked."""
        return WIRE_TYPES.get(self.kind, WireType.VARINT)

    @property
    def tag(self) -> int:
        """Tag of one value of it, unpacked, as a number (not encoded)."""
        return self.number << 3 | self.wire_type

    @property
    def packed_tag(self) -> int | None:
        """Tag of its packed form, or None where there is none."""
        if not self.is_repeated or self.wire_type in (WireType.LENGTH, WireType.START_GROUP):
            return None
        return self.number << 3 | WireType.LENGTH

    def __repr__(self) -> str:
        repeated = "repeated " if self.is_repeated else ""
        return f"<{repeated}{self.kind.name.lower()} {self.name} = {self.number}>"


class Message:
    """A message type.

    Attributes:
        full_name: with its package, without a leading dot.
        fields: in order of declaration.
        is_map_entry: whether it is what a map makes of its key and value.
        indexes: its place in its file: that of the outermost message it is in, of the next one ...
    """

    __slots__ = ("fields", "full_name", "indexes", "is_map_entry")

    def __init__(
        self, full_name: str, fields: list[Field] | None = None, is_map_entry: bool = False
    ) -> None:
        self.full_name = full_name
        self.fields = fields if fields is not None else []
        self.is_map_entry = is_map_entry
        self.indexes: tuple[int, ...] = (0,)

    @property
    def oneofs(self) -> list[Oneof]:
        """Its oneofs, in order of their first members."""
        return list({id(f.oneof): f.oneof for f in self.fields if f.oneof is not None}.values())

    @property
    def by_number(self) -> dict[int, Field]:
        """Fields by their numbers, lowest first."""
        return {field.number: field for field in sorted(self.fields, key=_number)}

    def field(self, name: str) -> Field | None:
        """The field of a name."""
        return next((field for field in self.fields if field.name == name), None)

    def __repr__(self) -> str:
        return f"Message({self.full_name!r})"


def _number(field: Field) -> int:
    return field.number

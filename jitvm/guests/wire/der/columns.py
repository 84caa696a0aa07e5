"""The columns of an ASN.1 type.

    SEQUENCE, SET               STRUCT of its fields
    SEQUENCE OF, SET OF         LIST
    CHOICE                      STRUCT: `type` says which, and a column for each; one is set
    OPTIONAL                    may be null; with a DEFAULT it has that instead
    OBJECT IDENTIFIER           text, made of its bytes when somebody looks (`shown_as`)

Fields are described by those of `jitvm.guests.wire.schema` as well, so that paths, conditions and
names are what they are for Protobuf.
"""

from __future__ import annotations

from jitvm.guests.wire.columns import Column, RowSpace, Shape, Tree
from jitvm.guests.wire.der.identifiers import dotted
from jitvm.guests.wire.records.columns import Builder
from jitvm.guests.wire.schema import Enum, Field, Kind, Message, Oneof

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from typing import Unpack

    from jitvm.guests.wire.der.types import Type
    from jitvm.guests.wire.paths import Selection
    from jitvm.guests.wire.records.columns import Asked

WHICH = "type"
"""The name of the column that says which of a choice there is."""
VALUE = "value"
"""The name of the column of what is no struct."""
LEAST = 2
"""Bytes of a value at least: tag and length."""
_OF = ("sequence_of", "set_of")
_KINDS = {
    "boolean": (Kind.BOOL, "b", 1), "integer": (Kind.SINT64, "l", 8), "null": (Kind.BOOL, "b", 1),
    "enumerated": (Kind.ENUM, "i", 4), "time": (Kind.SINT64, "tss:UTC", 8),
    "number": (Kind.BYTES, "z", 0), "bits": (Kind.BYTES, "z", 0), "octets": (Kind.BYTES, "z", 0),
    "any": (Kind.BYTES, "z", 0), "oid": (Kind.STRING, "u", 0), "text": (Kind.STRING, "u", 0),
}  # fmt: skip
"""How values are described, Arrow's format, and bytes of each; 0 for any number."""


def is_struct(type: Type) -> bool:
    """Whether its column is a STRUCT."""
    return bool(type.fields)


def described(type: Type, name: str = "") -> Message:
    """The description of a struct; of what is none, one with a field `value`."""
    made = Message(name or type.kind, [])
    if not is_struct(type):
        made.fields.append(_field(1, VALUE, type))
    oneof = Oneof(WHICH)
    for number, (each, inner) in enumerate(type.fields.items(), 1):
        field = _field(number, each, inner)
        if type.kind == "choice":
            field.has_presence, field.oneof = True, oneof
            oneof.fields.append(field)
        made.fields.append(field)
    return made


def _field(number: int, name: str, type: Type) -> Field:
    if type.kind in _OF:
        assert type.item is not None
        made = _field(number, name, type.item)
        made.is_repeated, made.has_presence = True, False
        return made
    if is_struct(type):
        made = Field(number, name, Kind.MESSAGE, message=described(type, name))
    else:
        kind, _, _ = _KINDS[type.kind]
        made = Field(number, name, Kind.UINT64 if type.is_unsigned else kind)
        if type.names:
            made.enum = Enum(name, type.names)
    made.has_presence = type.is_optional and not type.has_default
    return made


def tree(type: Type, **asked: Unpack[Asked]) -> Tree:
    """The columns of a type; what is no struct has one, `value`.

    Raises:
        ColumnError: a path names nothing, or there are too many columns.
    """
    message = described(type)
    builder = _Builder(message, **asked)
    root, selection = builder.root, builder.selection
    if is_struct(type):
        builder.fields(root, type, selection)
    else:
        inner = None if selection is None else selection[VALUE]
        field = message.fields[0]
        root.children.append(builder.value(VALUE, field, type, root.space, root, inner))
    return builder.tree()


class _Builder(Builder):
    """Makes columns of types."""

    def fields(self, struct: Column, type: Type, selection: Selection | None) -> None:
        """Give a STRUCT its children."""
        is_choice = type.kind == "choice"
        if is_choice:
            self.which(WHICH, struct)
        self.fill(struct, type.fields.items(), selection)
        for column in struct.children:
            inner = type.fields.get(column.name)
            if inner is not None:
                is_null = inner.is_optional and not inner.has_default
                column.is_nullable |= is_choice or is_null

    def value(
        self, name: str, field: Field, type: Type, space: RowSpace, parent: Column,
        selection: Selection | None,
    ) -> Column:  # fmt: skip
        """The column of values of a type."""
        if type.kind in _OF:
            assert type.item is not None
            made = self.list(name, field, LEAST, space, parent)
            below = RowSpace(0, made)
            made.children = [self.value("item", field, type.item, below, made, selection)]
            return made
        if is_struct(type):
            made = self.struct(name, field, space, parent)
            self.fields(made, type, selection)
            return made
        _, format, width = _KINDS[type.kind]
        made = self.column(name, Shape.FIXED if width else Shape.BYTES, space, parent)
        made.field, made.format, made.width = field, "L" if type.is_unsigned else format, width
        made.is_signed = made.format[0] in "ilt"
        made.is_utf8 = type.kind == "text"
        made.is_nullable = type.kind == "null"
        made.shown_as = {"enumerated": "names", "oid": "text"}.get(type.kind, "")
        made.spelled = dotted if type.kind == "oid" else None
        return made

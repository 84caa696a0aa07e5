"""The columns of a type of MessagePack: all may be null, as any value may be nil, or not there.

{"id": "int64"}             STRUCT of FIXED "id"
[["x", "float64"]]          the same of FIXED "x"
["string"]                  LIST of BYTES
{"*": "uint32"}             MAP of string to FIXED
what is no record           one column, `value`
"""

from __future__ import annotations

from jitvm.guests.wire.columns import Column, RowSpace, Shape, Tree
from jitvm.guests.wire.messagepack.types import MOMENTS, WHOLE
from jitvm.guests.wire.records.columns import Builder
from jitvm.guests.wire.schema import Field, Kind, Message

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from typing import Unpack

    from jitvm.guests.wire.messagepack.types import Type
    from jitvm.guests.wire.paths import Selection
    from jitvm.guests.wire.records.columns import Asked

VALUE = "value"
"""The name of the column of what is no record."""
_KINDS = {
    "int8": (Kind.INT32, "c", 1), "int16": (Kind.INT32, "s", 2), "int32": (Kind.INT32, "i", 4),
    "int64": (Kind.INT64, "l", 8), "uint8": (Kind.UINT32, "C", 1), "uint16": (Kind.UINT32, "S", 2),
    "uint32": (Kind.UINT32, "I", 4), "uint64": (Kind.UINT64, "L", 8), "bool": (Kind.BOOL, "b", 1),
    "float32": (Kind.FLOAT, "f", 4), "float64": (Kind.DOUBLE, "g", 8),
    "string": (Kind.STRING, "u", 0), "binary": (Kind.BYTES, "z", 0), "any": (Kind.BYTES, "z", 0),
    **{name: (Kind.INT64, f"ts{unit[0]}:UTC", 8) for name, unit in MOMENTS.items()},
}  # fmt: skip
"""How values are described, Arrow's format, and bytes of each; 0 for any number."""


def described(type: Type, name: str = "record") -> Message:
    """The description of a record; of what is none, one with a field `value`."""
    made = Message(name, [])
    fields = type.fields or {VALUE: type}
    made.fields += [_field(n, each, inner) for n, (each, inner) in enumerate(fields.items(), 1)]
    return made


def _field(number: int, name: str, type: Type) -> Field:
    if type.kind == "list":
        assert type.item is not None
        made = _field(number, name, type.item)
        made.is_repeated, made.has_presence = True, False
        return made
    if type.kind == "map":
        assert type.item is not None
        key, value = Field(1, "key", Kind.STRING), _field(2, "value", type.item)
        entry = Message(f"{name}.entry", [key, value], is_map_entry=True)
        return Field(number, name, Kind.MESSAGE, is_repeated=True, message=entry)
    if type.kind == "record":
        made = Field(number, name, Kind.MESSAGE, message=described(type, name))
    else:
        kind, _, width = _KINDS[type.kind]
        made = Field(number, name, kind)
        made.width = width if type.kind in WHOLE else 0
    made.has_presence = True
    return made


def tree(type: Type, **asked: Unpack[Asked]) -> Tree:
    """The columns of a type.

    Raises:
        ColumnError: a path names nothing, or there are too many columns.
    """
    builder = _Builder(described(type), **asked)
    builder.fill(builder.root, (type.fields or {VALUE: type}).items(), builder.selection)
    return builder.tree()


class _Builder(Builder):
    """Makes columns of types."""

    def value(
        self, name: str, field: Field, type: Type, space: RowSpace, parent: Column,
        selection: Selection | None,
    ) -> Column:  # fmt: skip
        """The column of values of a type."""
        made = self._value(name, field, type, space, parent, selection)
        made.is_nullable = True
        return made

    def _value(
        self, name: str, field: Field, type: Type, space: RowSpace, parent: Column,
        selection: Selection | None,
    ) -> Column:  # fmt: skip
        if type.item is not None:
            is_map = type.kind == "map"
            return self.elements(name, field, type.item, is_map, 1, space, parent, selection)
        if type.kind == "record":
            made = self.struct(name, field, space, parent)
            self.fill(made, type.fields.items(), selection)
            return made
        _, format, width = _KINDS[type.kind]
        made = self.column(name, Shape.FIXED if width else Shape.BYTES, space, parent)
        made.field, made.format, made.width = field, format, width
        made.is_signed = format[0] in "csilt"
        made.is_utf8 = type.kind == "string"
        return made

"""The columns of an Avro type.

    record Span                     STRUCT ""
      long ts                        ├ FIXED "ts"       int64
      [null, string] name            ├ BYTES "name"     nullable
      array of Attr                  ├ LIST  "attrs"
      [null, double, Error]          └ STRUCT "result"  nullable
                                         ├ ONEOF "type"    which: "double" or "Error"
                                         ├ FIXED "double"  nullable
                                         └ STRUCT "Error"  nullable

Fields of an Avro schema are described by those of `jitvm.guests.wire.schema` as well (`described`),
so that paths, conditions and names of enums are what they are for Protobuf.
"""

from __future__ import annotations

from jitvm.guests.wire.avro.schema import Type
from jitvm.guests.wire.columns import Column, ColumnError, RowSpace, Shape, Tree
from jitvm.guests.wire.faults import SchemaError
from jitvm.guests.wire.records.columns import Builder
from jitvm.guests.wire.schema import Enum, Field, Kind, Message, Oneof

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Unpack

    from jitvm.guests.wire.paths import Selection
    from jitvm.guests.wire.records.columns import Asked

WHICH = "type"
"""The name of the column that says which branch of a union there is."""
_KINDS = {
    "null": Kind.BOOL, "boolean": Kind.BOOL, "int": Kind.SINT32, "long": Kind.SINT64,
    "float": Kind.FLOAT, "double": Kind.DOUBLE, "bytes": Kind.BYTES, "string": Kind.STRING,
    "fixed": Kind.BYTES, "enum": Kind.ENUM,
}  # fmt: skip
_FORMATS = {
    "null": "b",
    "boolean": "b",
    "int": "i",
    "long": "l",
    "float": "f",
    "double": "g",
    "enum": "i",
}
_LOGICAL = {
    "date": "tdD", "time-millis": "ttm", "time-micros": "ttu",
    "timestamp-millis": "tsm:UTC", "timestamp-micros": "tsu:UTC", "timestamp-nanos": "tsn:UTC",
    "local-timestamp-millis": "tsm:", "local-timestamp-micros": "tsu:",
    "local-timestamp-nanos": "tsn:",
}  # fmt: skip
_WIDTHS = {"boolean": 1, "null": 1, "int": 4, "float": 4, "enum": 4, "long": 8, "double": 8}
_LEAST = {"null": 0, "float": 4, "double": 8}
"""Bytes of values at least, if it is not one."""
DURATION = ("months", "days", "milliseconds")
"""What a duration has."""


# -- description ---------------------------------------------------------------------------------


class Described:
    """The description of a type and of all it holds.

    Attributes:
        message: of the type itself.
    """

    def __init__(self, type: Type) -> None:
        self._messages: dict[int, Message] = {}
        self._types: list[Type] = []  # so that no other has the same id
        self.message = self.of(type)

    def of(self, type: Type) -> Message:
        """The message of a record, a union or a duration; of what else comes as a whole, one with
        a field `value`."""
        known = self._messages.get(id(type))
        if known is not None:
            return known
        made = self._messages[id(type)] = Message(type.name or type.kind, [])
        self._types.append(type)
        if type.kind == "record":
            made.fields += [self.field(n, f.name, f.type) for n, f in enumerate(type.fields, 1)]
        elif type.kind == "union":
            oneof = Oneof(WHICH)
            for number, (name, branch) in enumerate(named_branches(type), 1):
                field = self.field(number, name, branch)
                field.has_presence, field.oneof = True, oneof
                oneof.fields.append(field)
                made.fields.append(field)
        elif type.logical == "duration":
            made.fields += [Field(n, name, Kind.UINT32) for n, name in enumerate(DURATION, 1)]
        else:
            made.fields.append(self.field(1, "value", type))
        return made

    def field(self, number: int, name: str, type: Type) -> Field:
        """The field of a name and a type."""
        inner = type.nullable
        if inner is not None:
            made = self.field(number, name, inner)
            made.has_presence = True
            return made
        if type.kind == "array":
            assert type.item is not None
            made = self.field(number, name, type.item)
            made.is_repeated = True
            return made
        if type.kind == "map":
            assert type.item is not None
            key, value = Field(1, "key", Kind.STRING), self.field(2, "value", type.item)
            entry = Message(f"{name}.entry", [key, value], is_map_entry=True)
            return Field(number, name, Kind.MESSAGE, is_repeated=True, message=entry)
        if is_struct(type):
            return Field(number, name, Kind.MESSAGE, message=self.of(type))
        made = Field(number, name, _KINDS[only(type).kind])
        if only(type).kind == "enum":
            symbols = {each: place for place, each in enumerate(only(type).symbols)}
            made.enum = Enum(only(type).name, symbols)
        return made


def only(type: Type) -> Type:
    """Of a union of one branch that branch; others as they are."""
    while type.kind == "union" and len(type.branches) == 1:
        type = type.branches[0]
    return type


def is_struct(type: Type) -> bool:
    """Whether its column is a STRUCT."""
    type = only(type)
    return type.kind in ("record", "union") or type.logical == "duration"


def named_branches(type: Type) -> list[tuple[str, Type]]:
    """The branches of a union that are not null, each with the name that its column has."""
    branches = [each for each in type.branches if each.kind != "null"]
    short = [each.short_name for each in branches]
    return [
        (name if short.count(name) == 1 and name != WHICH else each.name.replace(".", "_") or name,
         each)
        for name, each in zip(short, branches, strict=True)
    ]  # fmt: skip


# -- columns -------------------------------------------------------------------------------------


def tree(type: Type, *, depth: int = 3, **asked: Unpack[Asked]) -> Tree:
    """The columns of a type; what is no record has one, `value`.

    Args:
        depth: how often a record may be nested in itself before it stays bytes.

    Raises:
        ColumnError: a path names nothing, there are no columns, or too many.
        SchemaError: an array has elements of no bytes.
    """
    builder = _Builder(Described(type).message, depth, **asked)
    root, selection = builder.root, builder.selection
    if type.kind == "record":
        builder.nested = {type.name: 1}
        builder.fill(root, _fields(type), selection)
    else:
        builder.fill(root, (("value", type),), selection)
    if not root.children:
        raise ColumnError(f"{type.name} has no fields to make columns of")
    return builder.tree(depth)


class _Builder(Builder):
    """Makes columns of types, of records that are nested in themselves to a depth."""

    def __init__(self, message: Message, depth: int, **asked: Unpack[Asked]) -> None:
        super().__init__(message, advice="select some with fields, or lower depth", **asked)
        self.depth = depth
        self.nested: dict[str, int] = {}  # records around what is made, by name

    def value(
        self, name: str, field: Field, type: Type, space: RowSpace, parent: Column,
        selection: Selection | None,
    ) -> Column:  # fmt: skip
        """The column of values of a type."""
        inner = type.nullable
        if inner is not None:
            made = self.value(name, field, inner, space, parent, selection)
            made.is_nullable = True
            return made
        type = only(type)
        if type.item is not None:
            # Of what a reader takes with another schema elements may have fewer bytes than its own:
            # one at least, which is what the VM counts on.
            is_map = type.kind == "map"
            return self.elements(name, field, type.item, is_map, 1, space, parent, selection)
        if is_struct(type):
            times = self.nested.get(type.name, 0)
            if type.kind == "record" and times >= self.depth:
                made = self.column(name, Shape.BYTES, space, parent)
                made.format, made.is_raw, made.field = "z", True, field
                return made
            made = self.struct(name, field, space, parent)
            around, self.nested = self.nested, {**self.nested, type.name: times + 1}
            self.parts(made, type, selection)
            self.nested = around
            return made
        format, width = format_of(type)
        made = self.column(name, Shape.FIXED if width else Shape.BYTES, space, parent)
        made.field, made.format, made.width = field, format, width
        made.is_utf8 = format == "u"
        made.is_signed = format[0] in "ilt"
        made.is_nullable = type.kind == "null"
        made.shown_as = "names" if type.kind == "enum" else ""
        return made

    def parts(self, struct: Column, type: Type, selection: Selection | None) -> None:
        """What is in a record, a union or a duration."""
        if type.kind == "record":
            self.fill(struct, _fields(type), selection)
        elif type.kind == "union":
            struct.is_nullable = any(each.kind == "null" for each in type.branches)
            which = self.which(WHICH, struct)
            self.fill(struct, named_branches(type), selection)
            for member in struct.children:
                member.is_nullable |= member is not which
        else:
            assert struct.message is not None
            for each in struct.message.fields:
                if selection is None or each.name in selection:
                    part = self.column(each.name, Shape.FIXED, struct.space, struct)
                    part.field, part.format, part.width = each, "I", 4
                    struct.children.append(part)


def _fields(type: Type) -> Iterator[tuple[str, Type]]:
    return ((each.name, each.type) for each in type.fields)


def format_of(type: Type) -> tuple[str, int]:
    """Arrow's format of values of a type that has one column, and their bytes; 0 for any number."""
    if type.logical == "decimal":
        return f"d:{type.precision},{type.scale}", 16
    if type.kind == "fixed":
        return f"w:{type.size}", type.size
    if type.kind in ("string", "bytes"):
        return ("u" if type.kind == "string" else "z"), 0
    return _LOGICAL.get(type.logical, _FORMATS[type.kind]), _WIDTHS[type.kind]


def least_of(type: Type, around: tuple[Type, ...] = ()) -> int:
    """Bytes that a value has at least."""
    if type.kind == "fixed":
        return type.size
    if type.kind == "record":
        if type in around:
            return 0
        inside = (*around, type)
        return sum(least_of(each.type, inside) for each in type.fields)
    if type.kind == "union":
        return 1 + min(least_of(each, around) for each in type.branches)
    return _LEAST.get(type.kind, 1)


__all__ = ["DURATION", "WHICH", "Described", "SchemaError", "format_of", "least_of", "tree"]

"""The columns of a type of messages. The head of `jitvm.guests.wire.columns` has a picture of some.

What decoders must do that the tree does not say:
 1. Fields of a message that have no column are skipped, checked as far as their wire type goes. But
    one that is a member of a oneof unsets the others, also where it has no column itself.
 2. The last value of a singular field counts; a singular message merges, unless another member of
    its oneof was set in between: then it starts anew, and rows of its lists are taken back.
 3. Entries of maps are rows of their space, each of them; `key` and `value` are never null, and
    have their defaults where they are absent. Numbers that a closed enum does not know are unknown
    fields: they set nothing, add no element, and as value of an entry drop it whole.
 4. What is `is_utf8` is checked, each value on its own.
 5. `is_raw` columns get the bytes of a message without its tag and length (or the end of its
    group); of those that come twice one behind the other, as they would merge. In a list each is
    a value.
 6. A `wrapper` column takes its value from field 1 of the message, which is present when the
    message is; without field 1 it is the default.
 7. UNKNOWN columns gather the fields that are skipped as unknown (in no schema), tags included.
"""

from __future__ import annotations

from jitvm.guests.wire.columns import (
    MAX_COLUMNS,
    Column,
    ColumnError,
    RowSpace,
    Shape,
    TooManyColumns,
    Tree,
)
from jitvm.guests.wire.paths import hide, selected
from jitvm.guests.wire.schema import TIMES, WRAPPERS, Field, Kind, Message, Oneof

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Sequence

    from jitvm.guests.wire.paths import Selection

MAX_MEMBERS = 127
"""Members of a oneof that has a column: their numbers fit a signed byte."""
FORMATS = {
    Kind.DOUBLE: "g",
    Kind.FLOAT: "f",
    Kind.INT64: "l",
    Kind.UINT64: "L",
    Kind.INT32: "i",
    Kind.FIXED64: "L",
    Kind.FIXED32: "I",
    Kind.BOOL: "b",
    Kind.UINT32: "I",
    Kind.ENUM: "i",
    Kind.SFIXED32: "i",
    Kind.SFIXED64: "l",
    Kind.SINT32: "i",
    Kind.SINT64: "l",
}
"""Arrow's format of each scalar kind."""
WIDTHS = {"g": 8, "f": 4, "l": 8, "L": 8, "i": 4, "I": 4, "b": 1, "c": 1}
"""Bytes of a value in `values`, by format."""


def tree(
    message: Message,
    *,
    fields: Sequence[str] | None = None,
    hidden: Sequence[str] = (),
    depth: int = 3,
    wrappers: bool = True,
    utf8: bool = True,
    unknown: bool = False,
    null_rows: bool = False,
    large_offsets: bool = False,
    names: bool = False,
    times: bool = False,
) -> Tree:
    """The columns of a message type.

    Args:
        message: the type of the messages.
        fields: paths to decode, as ``"attrs.key"``; None for all. A path of a message takes all in
            it, one of a oneof the column that says which member is set.
        hidden: paths that are decoded but not part of the result.
        depth: how often a type may be nested in itself before it stays bytes.
        wrappers: whether wrappers become scalars that may be null.
        utf8: whether strings are checked and become Arrow's strings; else they are bytes.
        unknown: whether unknown fields are kept, in a column `_unknown` of each message.
        null_rows: whether rows of the root may be null.
        large_offsets: whether offsets have 64 bits.
        names: whether enums are shown by their names.
        times: whether `google.protobuf.Timestamp` and `Duration` are shown as times.

    Raises:
        ColumnError: a path names nothing, the columns would be too many, or none are left.
    """
    selection = None if fields is None else selected(message, (*fields, *hidden))
    builder = _Builder(depth, wrappers, utf8, unknown, large_offsets)
    root = Column("", Shape.STRUCT, RowSpace(0, None), None)
    root.is_nullable = null_rows
    builder.fill(root, message, selection, {message.full_name: 1})
    if not root.children:
        raise ColumnError(f"{message.full_name} has no fields to make columns of")
    key = repr((
        None if fields is None else sorted(fields), sorted(hidden), depth, wrappers, utf8,
        unknown, null_rows, large_offsets, names, times,
    ))  # fmt: skip
    made = Tree(message, root, 8 if large_offsets else 4, key)
    if fields is not None and hidden:
        hide(made, fields)
    for column in made.columns:
        if names and column.shape is Shape.FIXED and column.field is not None:
            column.shown_as = "names" if column.field.enum is not None else ""
        elif times and column.message is not None:
            column.shown_as = _time(column)
    return made


def _time(column: Column) -> str:
    """What time a STRUCT is, if it has all of one."""
    if [child.name for child in column.children] != ["seconds", "nanos"]:
        return ""
    assert column.message is not None
    return TIMES.get(column.message.full_name, "")


class _Builder:
    """Makes columns of fields, and counts them."""

    def __init__(
        self, depth: int, wrappers: bool, utf8: bool, unknown: bool, large_offsets: bool
    ) -> None:
        self.depth = depth
        self.wrappers = wrappers
        self.utf8 = utf8
        self.unknown = unknown
        self.large = large_offsets
        self.count = 0

    def fill(
        self, struct: Column, message: Message, selection: Selection | None, nested: dict[str, int]
    ) -> None:
        """Give a STRUCT its children. `nested` counts how often types are around it."""
        struct.format = "+s"
        struct.message = message
        seen: set[str] = set()
        for field in message.fields:
            oneof = field.oneof
            if oneof is not None and oneof.name not in seen and len(oneof.fields) <= MAX_MEMBERS:
                seen.add(oneof.name)
                if selection is None or oneof.name in selection:
                    struct.children.append(self._oneof(struct, oneof))
            if selection is None or field.name in selection:
                inner = None if selection is None else selection[field.name]
                struct.children.append(self._field(struct, field, inner, nested))
        if self.unknown and not message.is_map_entry:
            column = self._column("_unknown", Shape.BYTES, struct.space, struct)
            column.format = "Z" if self.large else "z"
            column.is_unknown = True
            struct.children.append(column)

    def _column(self, name: str, shape: Shape, space: RowSpace, parent: Column) -> Column:
        self.count += 1
        if self.count > MAX_COLUMNS:
            raise TooManyColumns(
                f"more than {MAX_COLUMNS} columns; select some with fields, or lower depth"
            )
        return Column(name, shape, space, parent)

    def _oneof(self, struct: Column, oneof: Oneof) -> Column:
        column = self._column(oneof.name, Shape.ONEOF, struct.space, struct)
        column.oneof = oneof
        column.format = "c"
        column.width = 1
        return column

    def _field(
        self, struct: Column, field: Field, selection: Selection | None, nested: dict[str, int]
    ) -> Column:
        if not field.is_repeated:
            is_entry = struct.message is not None and struct.message.is_map_entry
            column = self._value(field.name, field, struct.space, struct, selection, nested)
            column.is_nullable = field.has_presence and not is_entry
            return column
        shape = Shape.MAP if field.is_map else Shape.LIST
        column = self._column(field.name, shape, struct.space, struct)
        column.field = field
        space = RowSpace(0, column)
        name = "entries" if field.is_map else "item"
        if field.is_map and selection is not None:
            selection = {"key": None, **selection}  # an entry without its key is none
            selection.setdefault("value", None)
        column.children = [self._value(name, field, space, column, selection, nested)]
        column.format = "+m" if field.is_map else "+L" if self.large else "+l"
        return column

    def _value(
        self,
        name: str,
        field: Field,
        space: RowSpace,
        parent: Column,
        selection: Selection | None,
        nested: dict[str, int],
    ) -> Column:
        """The column of one value of a field."""
        kind, message = field.kind, field.message
        wrapper = None
        if message is not None and self.wrappers and message.full_name in WRAPPERS:
            wrapper = message.field("value")
        if wrapper is not None:
            kind = wrapper.kind
        elif message is not None:
            times = nested.get(message.full_name, 0)
            if times < self.depth:
                column = self._column(name, Shape.STRUCT, space, parent)
                self.fill(column, message, selection, {**nested, message.full_name: times + 1})
                column.field = field
                return column
        if kind in FORMATS:
            column = self._column(name, Shape.FIXED, space, parent)
            column.format = FORMATS[kind]
            column.width = WIDTHS[column.format]
            column.is_signed = column.format in "li"
            if field.enum is not None:
                column.default = next(iter(field.enum.values.values()), 0)
        else:
            column = self._column(name, Shape.BYTES, space, parent)
            column.is_utf8 = kind is Kind.STRING and self.utf8
            column.is_raw = kind in (Kind.MESSAGE, Kind.GROUP)
            column.format = "u" if column.is_utf8 else "z"
            if self.large:
                column.format = column.format.upper()
        column.field = field
        column.wrapper = wrapper
        return column

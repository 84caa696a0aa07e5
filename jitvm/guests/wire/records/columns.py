"""Columns of records, whatever the format: what makes them, and what a tree of them needs.

    builder = Builder(message, fields=["ts"], null_rows=True)
    builder.fill(builder.root, types, builder.selection)      calls `value` of a format's builder
    builder.tree()

A format knows which columns there are; how many there may be, which are only there for a condition,
and where each row's record is noted, are the same for all.
"""

from __future__ import annotations

from jitvm.guests.wire.columns import MAX_COLUMNS, Column, RowSpace, Shape, TooManyColumns, Tree
from jitvm.guests.wire.paths import hide, selected

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any, TypedDict

    from jitvm.guests.wire.paths import Selection
    from jitvm.guests.wire.schema import Field, Message

    class Asked(TypedDict, total=False):
        """What columns are asked for: as `Builder` has it."""

        fields: Sequence[str] | None
        hidden: Sequence[str]
        null_rows: bool


PLACE = "\0place"
"""The column that tells of each row where its record begins in the input, a word of 4 bytes, and
how many of its block were left then, another."""


class Builder:
    """Makes columns, and counts them.

    Args:
        message: what a record has.
        fields: paths of the columns to make, as ``"attrs.key"``; None for all.
        hidden: paths that are decoded but not part of the result.
        null_rows: whether rows may be null as a whole.
        advice: what to do where there are too many columns.

    Attributes:
        root: the STRUCT of a record.
        selection: what of the message is selected; None for all.

    Raises:
        ColumnError: a path names nothing.
    """

    def __init__(
        self,
        message: Message,
        *,
        fields: Sequence[str] | None = None,
        hidden: Sequence[str] = (),
        null_rows: bool = False,
        advice: str = "select some with fields",
    ) -> None:
        self.selection = None if fields is None else selected(message, (*fields, *hidden))
        self.root = Column("", Shape.STRUCT, RowSpace(0, None), None)
        self.root.is_nullable, self.root.format, self.root.message = null_rows, "+s", message
        self._fields, self._hidden = fields, hidden
        self._advice = advice
        self._count = 0

    def column(self, name: str, shape: Shape, space: RowSpace, parent: Column) -> Column:
        """A new one, which its parent does not have yet.

        Raises:
            TooManyColumns: it is one too many.
        """
        self._count += 1
        if self._count > MAX_COLUMNS:
            raise TooManyColumns(f"more than {MAX_COLUMNS} columns; {self._advice}")
        return Column(name, shape, space, parent)

    def value(
        self, name: str, field: Field, type: Any, space: RowSpace, parent: Column,
        selection: Selection | None,
    ) -> Column:  # fmt: skip
        """The column of values of a type; a format says which."""
        raise NotImplementedError

    def fill(
        self, struct: Column, types: Iterable[tuple[str, Any]], selection: Selection | None
    ) -> None:
        """Give a STRUCT a child for each of some types, by name, that is selected."""
        message = struct.message
        assert message is not None
        for name, type in types:
            if selection is None or name in selection:
                field = message.field(name)
                assert field is not None
                below = None if selection is None else selection[name]
                struct.children.append(self.value(name, field, type, struct.space, struct, below))

    def struct(self, name: str, field: Field, space: RowSpace, parent: Column) -> Column:
        """A STRUCT of what the message of a field has."""
        made = self.column(name, Shape.STRUCT, space, parent)
        made.format, made.field, made.message = "+s", field, field.message
        return made

    def list(self, name: str, field: Field, least: int, space: RowSpace, parent: Column) -> Column:
        """A LIST without its element, which has so many bytes at least."""
        made = self.column(name, Shape.LIST, space, parent)
        made.field, made.format, made.least = field, "+l", least
        return made

    def which(self, name: str, struct: Column) -> Column:
        """The column of a STRUCT that says which member of its oneof there is."""
        made = self.column(name, Shape.ONEOF, struct.space, struct)
        assert struct.message is not None
        made.oneof, made.format, made.width = struct.message.oneofs[0], "c", 1
        struct.children.append(made)
        return made

    def elements(
        self, name: str, field: Field, item: Any, is_map: bool, least: int, space: RowSpace,
        parent: Column, selection: Selection | None,
    ) -> Column:  # fmt: skip
        """A LIST of some type, or a MAP of strings to it; its elements have so many bytes at
        least."""
        if not is_map:
            made = self.list(name, field, least, space, parent)
            below = RowSpace(0, made)
            made.children = [self.value("item", field, item, below, made, selection)]
            return made
        made = self.column(name, Shape.MAP, space, parent)
        made.field, made.format, made.least = field, "+m", least
        below = RowSpace(0, made)
        entries = self.struct("entries", field, below, made)
        assert field.message is not None
        key = self.column("key", Shape.BYTES, below, entries)
        key.field, key.format, key.is_utf8 = field.message.fields[0], "u", True
        of = field.message.fields[1]
        inner = None if selection is None else selection.get("value")
        value = self.value("value", of, item, below, entries, inner)
        entries.children, made.children = [key, value], [entries]
        return made

    def tree(self, key: object = ()) -> Tree:
        """The tree of all columns below the root; `key` is what was asked for besides, which tells
        trees of one type apart."""
        root, fields, hidden = self.root, self._fields, self._hidden
        assert root.message is not None
        if any(column.is_utf8 for column in root.walk()):
            mark(root)
        names = None if fields is None else sorted(fields)
        made = Tree(root.message, root, 4, repr((names, sorted(hidden), key, root.is_nullable)))
        if fields is not None and hidden:
            hide(made, fields)
        return made


def mark(root: Column) -> None:
    """Give the root the column that tells where records are."""
    place = Column(PLACE, Shape.FIXED, root.space, root)
    place.format, place.width, place.is_hidden = "L", 8, True
    root.children.append(place)

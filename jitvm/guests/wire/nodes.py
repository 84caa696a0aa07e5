"""Messages of a tree of columns, and the places that a program has for each."""

from __future__ import annotations

from copy import copy

from jitvm.guests.wire.columns import Column, Shape
from jitvm.guests.wire.schema import Field, Message
from jitvm.guests.wire.writer import NEVER, Label

MANY_FIELDS = 4
"""Fields of the smallest message of which the order is chosen."""


class Node:
    """A message of the tree, and where its pieces are.

    Attributes:
        column: the STRUCT, or of a wrapper the column of its value.
        path: of the column.
        fields: each with its column, if it has one, lowest number first.
        oneofs: columns by the oneof they are of.
        unknown: the column of unknown fields, if they are kept.
    """

    def __init__(self, column: Column, message: Message, is_group: bool, tag: int) -> None:
        self.column = column
        self.message = message
        self.is_group = is_group
        self.tag = tag
        self.depth = depth_of(column)
        self.path = column.path
        by_field = {id(child.field): child for child in column.children}
        self.fields: list[tuple[Field, Column | None]] = []
        self.oneofs: dict[int, Column] = {}
        for field in message.by_number.values():
            if column.wrapper is not None:
                value = unwrapped(column) if field is column.wrapper else None
                self.fields.append((field, value))
            else:
                self.fields.append((field, by_field.get(id(field))))
        self.unknown: Column | None = None
        for child in () if column.wrapper is not None else column.children:
            if child.oneof is not None:
                self.oneofs[id(child.oneof)] = child
            elif child.is_unknown:
                self.unknown = child
        self.entries = [Label() for _ in self.fields]
        self.absents = [Label() for _ in range(len(self.fields) + 1)]
        self.defaults = Label()
        self.has_way = column.parent is not None and len(self.fields) >= MANY_FIELDS
        self.none = Label() if self.oneofs or self.has_way else self.absents[0]
        self.end, self.behind, self.rest = Label(), Label(), Label()

    @property
    def again(self) -> Label:
        """Where a field goes that was in no order."""
        return self.end if self.is_group else self.rest  # groups end with a tag

    @property
    def first(self) -> int:
        """The tag that is looked for at its begin."""
        return NEVER if self.oneofs or not self.fields else expected(self.fields[0][0])


def depth_of(column: Column) -> int:
    """How many messages are around it."""
    depth, around = 0, column.parent
    while around is not None:
        depth += around.shape is Shape.STRUCT
        around = around.parent
    return depth


def unwrapped(column: Column) -> Column:
    """The column of a wrapper as that of the value in it."""
    inner = copy(column)
    inner.field, inner.wrapper, inner.is_nullable = column.wrapper, None, False
    return inner


def expected(field: Field) -> int:
    """The tag that a field is thought to have."""
    packed = field.packed_tag
    return packed if packed is not None and field.is_packed else field.tag

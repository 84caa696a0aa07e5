"""The columns that messages are decoded into, and what each of their buffers holds.

    Message Span                    tree(Span)
      uint64 ts = 1                 STRUCT ""                          rows of the root
      repeated Attr attrs = 2        ├ FIXED "ts"      values          8 bytes a row
      oneof result {                 ├ LIST "attrs"    offsets         counts rows of ...
        string text = 3              │  └ STRUCT "item"                ... the space of `attrs`
        int32 code = 4               │     ├ BYTES "key"  offsets, values
      }                              │     └ BYTES "value"
                                     ├ ONEOF "result"  values          1 byte a row
                                     ├ BYTES "text"    validity, offsets, values
                                     └ FIXED "code"    validity, values

A column has as many values as its `space` has rows: messages for the root, elements of all lists
together for what is in a list. A struct that is absent has a row all the same, of nulls, defaults
and empty lists. While a batch is decoded (all numbers little endian):

    validity   one byte a row, 1 where a value is present, 0 where it is null
    values     FIXED: `width` bytes a row, BOOL one byte 0 or 1
               ONEOF: one byte a row, 0 where no member is set, else 1 + place in `Column.members`
               BYTES: the bytes of all rows, without gaps
    offsets    BYTES, LIST, MAP: `offset_width` bytes, rows + 1 of them, the first 0. That behind
               the row in work counts what it has so far, so the number of rows of a list's space
               is the last offset, and taking a row back is writing one offset

Where buffers lie is the business of `jitvm.guests.wire.buffers`; how batches become Arrow's arrays
(bytes packed to bits, maps without keys that come twice, members of oneofs as a dictionary) that of
`jitvm.guests.wire.finish`, after decoding.
"""

from __future__ import annotations

from enum import IntEnum

from jitvm.guests.wire.schema import Field, Message, Oneof

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

MAX_COLUMNS = 8192
"""Columns of one tree."""


class ColumnError(ValueError):
    """Columns that cannot be made of a message; the message says which and what to do."""


class TooManyColumns(ColumnError):
    """More than `MAX_COLUMNS`."""


class Shape(IntEnum):
    """What a column is, hence which buffers and children it has."""

    FIXED = 0
    BYTES = 1
    STRUCT = 2
    LIST = 3
    MAP = 4
    ONEOF = 5


class RowSpace:
    """Rows that some columns share.

    Attributes:
        index: place among the spaces of its tree; 0 is the root's.
        counted_by: the LIST or MAP whose last offset is the number of rows; None for the root.
        capacity: rows there can be at most; 0 before `layout`.
    """

    __slots__ = ("capacity", "counted_by", "index")

    def __init__(self, index: int, counted_by: Column | None) -> None:
        self.index = index
        self.counted_by = counted_by
        self.capacity = 0


class Column:
    """One column; see the head of this file.

    Attributes:
        index: place in its tree, parents before children; the id of its path in errors.
        name: as in the result; "" for the root, "item", "entries", "key", "value" below lists.
        shape: what it is.
        space: the rows it has.
        parent: the column it is a child of; None for the root.
        children: STRUCT: its fields; LIST: its element; MAP: one STRUCT of `key` and `value`.
        field: the field it is made of; None for the root, ONEOF and UNKNOWN. A LIST and its
            element, and a MAP and its entries, have the same.
        message: of a STRUCT, the type it is made of, with the fields that have no column.
        oneof: of a ONEOF.
        format: Arrow's format string. ONEOF: "c", whose values are an index.
        width: FIXED and ONEOF: bytes a value.
        is_signed: FIXED: whether its numbers are.
        default: FIXED: the number absent values have; not 0 only for enums in maps.
        is_nullable: whether it has `validity`.
        is_utf8: whether its bytes are to be checked.
        is_raw: whether it holds messages as they are, because types are nested too deep.
        wrapper: the field of a wrapper (`google.protobuf.Int64Value`) that has the value.
        is_unknown: whether it gathers unknown fields.
        is_hidden: whether it is only there for `where`, and not in the result.
        shown_as: what becomes of it behind the decoder: ``"names"`` of an enum's numbers,
            ``"timestamp"`` or ``"duration"`` of a STRUCT of seconds and nanoseconds, ``"text"`` of
            bytes by what `spelled` makes of each; "" as it is.
        least: of a LIST or MAP of formats without tags, bytes of input of an element at least; 0
            where that follows from its field.
        added: bytes of a BYTES, or elements of a LIST or MAP, that a row may have though they are
            not in the input.
        validity, offsets, values: addresses of its buffers in the output space; None where it has
            no such buffer, and before `layout`.
    """

    __slots__ = (
        "added", "children", "default", "field", "format", "index", "is_hidden", "is_nullable",
        "is_raw", "is_signed", "is_unknown", "is_utf8", "least", "message", "name", "offsets",
        "oneof", "parent", "shape", "shown_as", "space", "spelled", "validity",
        "values", "width", "wrapper",
    )  # fmt: skip

    def __init__(self, name: str, shape: Shape, space: RowSpace, parent: Column | None) -> None:
        self.index = 0
        self.name = name
        self.shape = shape
        self.space = space
        self.parent = parent
        self.children: list[Column] = []
        self.field: Field | None = None
        self.message: Message | None = None
        self.oneof: Oneof | None = None
        self.format = ""
        self.width = 0
        self.is_signed = False
        self.default = 0
        self.is_nullable = False
        self.is_utf8 = False
        self.is_raw = False
        self.wrapper: Field | None = None
        self.is_unknown = False
        self.is_hidden = False
        self.shown_as = ""
        self.spelled: Callable[[bytes], str] | None = None
        self.least = self.added = 0
        self.validity: int | None = None
        self.offsets: int | None = None
        self.values: int | None = None

    @property
    def path(self) -> str:
        """Names of fields from the root, joined by dots: as people know it, without "item"."""
        names: list[str] = []
        column: Column | None = self
        while column is not None and column.parent is not None:
            if column.parent.shape not in (Shape.LIST, Shape.MAP):
                names.append(column.name)
            column = column.parent
        return ".".join(reversed(names))

    @property
    def members(self) -> list[Field]:
        """Of a ONEOF: its fields; value n of the column means member n - 1."""
        return [] if self.oneof is None else self.oneof.fields

    @property
    def has_offsets(self) -> bool:
        """Whether its rows are of different lengths."""
        return self.shape in (Shape.BYTES, Shape.LIST, Shape.MAP)

    def child(self, name: str) -> Column | None:
        """The child of a name."""
        return next((child for child in self.children if child.name == name), None)

    def child_of(self, field: Field) -> Column | None:
        """The child made of a field of its message."""
        return next((child for child in self.children if child.field is field), None)

    def walk(self) -> Iterator[Column]:
        """It and all below, parents first."""
        yield self
        for child in self.children:
            yield from child.walk()

    def __repr__(self) -> str:
        return f"<{self.shape.name.lower()} {self.path or self.name or 'root'}>"


class Tree:
    """All columns of a message type.

    Attributes:
        message: the type.
        root: a STRUCT; nullable where rows that cannot be decoded become null.
        columns: all of them by `Column.index`, parents first.
        spaces: the rows there are, by `RowSpace.index`.
        offset_width: bytes of an offset, 4 or 8.
        key: what was asked for, as text: trees of equal messages and keys are equal.
        made: what others make of it once, by what makes it.
        scratch: an address of `SCRATCH` bytes that are no column's; None before `layout`.
    """

    __slots__ = (
        "columns", "key", "made", "message", "offset_width", "root", "scratch", "spaces",
    )  # fmt: skip

    def __init__(self, message: Message, root: Column, offset_width: int, key: str) -> None:
        self.message = message
        self.root = root
        self.columns = list(root.walk())
        self.spaces = [root.space]
        self.offset_width = offset_width
        self.key = key
        self.made: dict[object, Any] = {}
        self.scratch: int | None = None
        for index, column in enumerate(self.columns):
            column.index = index
            if column.shape in (Shape.LIST, Shape.MAP):
                space = column.children[0].space
                space.index = len(self.spaces)
                self.spaces.append(space)

    def column(self, path: str) -> Column | None:
        """The column of a path as in `Column.path`."""
        return next((c for c in self.columns if c.parent is not None and c.path == path), None)

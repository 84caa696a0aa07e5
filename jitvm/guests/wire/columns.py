"""The columns that messages are decoded into, and where each of their buffers lies.

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

How batches become Arrow's arrays (bytes packed to bits, maps without keys that come twice, members
of oneofs as a dictionary) is the business of `jitvm.guests.wire.finish`, after decoding.

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

Buffers lie in one large space of addresses, a page apart at least, so that however a batch of
`rows` messages and `bytes` bytes of input is made, none runs into the next: `layout`. Only what is
touched costs memory.
"""

from __future__ import annotations

from enum import IntEnum

from jitvm.guests.wire.schema import Field, Kind, Message, Oneof, WireType

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any

PAGE = 4096
"""Bytes to which buffers are kept apart."""
SLACK = 64
"""Bytes behind each buffer that may be overwritten: values are copied by words."""
SCRATCH = 128
"""Bytes for who has nothing to read or write; the first 8 are 0 whenever a batch is begun."""
SKEW = 320
"""Bytes by which each buffer lies differently in its page than the one before, so that columns
which are written side by side do not compete for the same lines of the cache."""
HUGE = 2 << 20
"""Bytes of a huge page. Buffers that may be as large begin in the first pages of one, ..."""
PAGE_SKEW, PAGE_SKEWS = 5, 64
"""... each so many pages behind the one before, of so many: else they would compete for the same
entries of the processor's table of pages."""
ADDRESS_BITS = (32, 36)
"""Bits of addresses in the spaces that there are: few, and for trees of hundreds of columns."""
MAX_COLUMNS = 8192
"""Columns of one tree."""
MAX_MEMBERS = 127
"""Members of a oneof that has a column: their numbers fit a signed byte."""
MAX_NARROW = (1 << 31) - 1
"""The largest offset of 32 bits."""


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
WRAPPERS = frozenset(
    f"google.protobuf.{name}Value"
    for name in (
        "Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes",
    )
)  # fmt: skip
"""Messages that stand for a scalar that may be absent."""


TIMES = {"google.protobuf.Timestamp": "timestamp", "google.protobuf.Duration": "duration"}
"""Messages that are times: seconds and nanoseconds."""


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


class Layout:
    """Where the buffers of a tree lie.

    Attributes:
        rows: messages of a batch at most.
        bytes: bytes of input of a batch at most.
        size: bytes of the output space: a power of two.
    """

    __slots__ = ("bytes", "rows", "size")

    def __init__(self, rows: int, bytes: int, size: int) -> None:
        self.rows = rows
        self.bytes = bytes
        self.size = size


# -- trees -------------------------------------------------------------------------------------


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


Selection = dict[str, "Selection | None"]
"""Fields by name: None for all of it, or what is selected in it."""


def selected(message: Message, paths: Iterable[str]) -> Selection:
    """What some paths select of a message.

    Raises:
        ColumnError: one of them names nothing.
    """
    selection: Selection = {}
    for path in paths:
        level: Selection | None = selection
        current: Message | None = message
        names = path_names(path)
        for place, name in enumerate(names):
            if level is None:
                break  # all of it is selected
            if current is None:
                inner = ".".join(names[:place])
                raise ColumnError(f"{path!r}: {inner} is no message; name {inner!r} itself")
            field = current.field(name)
            if field is None and not any(oneof.name == name for oneof in current.oneofs):
                raise ColumnError(f"{path!r}: {no_field(current, name)}")
            if place == len(names) - 1:
                level[name] = None
            else:
                level = level.setdefault(name, {})
            current = field.message if field is not None else None
    if not selection:
        raise ColumnError("no fields are selected; give at least one path, or None for all")
    return selection


def path_names(path: str) -> list[str]:
    """The names of a path; those of extensions have dots, and stand in brackets."""
    names: list[str] = []
    inside = False
    for part in path.split("."):
        if inside:
            names[-1] += f".{part}"
        else:
            names.append(part)
        inside = (inside or part.startswith("[")) and not part.endswith("]")
    return names


def no_field(message: Message, name: str) -> str:
    from difflib import get_close_matches

    names = [field.name for field in message.fields]
    close = get_close_matches(name, names, 1)
    known = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    hint = f"did you mean {close[0]!r}?" if close else f"it has {known or 'no fields'}"
    return f"{message.full_name} has no field {name!r}; {hint}"


def hide(made: Tree, fields: Sequence[str]) -> None:
    """Hide all columns of a tree but those of some paths."""
    shown = selected(made.message, fields)

    def within(column: Column, selection: Selection | None) -> None:
        for child in column.children:
            if column.shape in (Shape.LIST, Shape.MAP):
                within(child, selection)
            elif (
                selection is not None and column.message is not None and column.message.is_map_entry
            ):
                within(child, selection.get(child.name))  # an entry without its key is none
            elif selection is not None and child.name not in selection:
                child.is_hidden = not child.is_unknown
            elif selection is not None:
                within(child, selection[child.name])

    within(made.root, shown)


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


# -- layouts -----------------------------------------------------------------------------------


def layout(tree: Tree, rows: int, bytes: int) -> Layout:
    """Give every buffer its address, from 0 up, and every space its capacity.

    Args:
        tree: its columns; addresses that they had are replaced.
        rows: messages of a batch at most.
        bytes: bytes of input of a batch at most, what frames it included.

    Raises:
        ColumnError: `bytes` may need more than the tree's offsets can hold.
    """
    if bytes > MAX_NARROW and tree.offset_width == 4:
        raise ColumnError(
            f"{bytes} bytes at once need 64-bit offsets; ask for large_offsets or smaller batches"
        )
    for space in tree.spaces:
        counted = space.counted_by
        space.capacity = rows
        if counted is not None:
            added = counted.space.capacity * counted.added
            space.capacity = bytes // _least(counted) + added
    place = _Place()
    for column in tree.columns:
        capacity = column.space.capacity
        if column.is_nullable:
            column.validity = place.take(capacity)
        if column.has_offsets:
            column.offsets = place.take((capacity + 1) * tree.offset_width)
        if column.shape is Shape.BYTES:
            column.values = place.take(bytes + capacity * column.added)
        elif column.width:
            column.values = place.take(capacity * column.width)
    tree.scratch = place.take(SCRATCH)
    return Layout(rows, bytes, 1 << (place.end - 1).bit_length())


class _Place:
    """Hands out addresses."""

    def __init__(self) -> None:
        self.end = 0
        self.count = 0

    def take(self, size: int) -> int:
        """The address of so many bytes."""
        is_large = size >= HUGE
        unit = HUGE if is_large else PAGE
        start = -(-self.end // unit) * unit + self.count * SKEW % PAGE // SLACK * SLACK
        if is_large:
            start += self.count * PAGE_SKEW % PAGE_SKEWS * PAGE
        self.count += 1
        self.end = start + size + SLACK
        return start


def _least(column: Column) -> int:
    """Bytes of input that one row of a list or map takes at least."""
    if column.least:
        return column.least
    field = column.field
    assert field is not None
    tag = -(-field.tag.bit_length() // 7)
    if field.packed_tag is not None:
        return {WireType.FIXED64: 8, WireType.FIXED32: 4}.get(field.wire_type, 1)
    return 2 * tag if field.wire_type is WireType.START_GROUP else tag + 1


def counted(tree: Tree, rows: int, output: memoryview, width: int) -> list[int]:
    """Rows of each space of a tree whose root has so many, in an output space in which offsets
    have so many bytes."""
    ends = output.cast("I" if width == 4 else "Q")
    found = [rows]
    for space in tree.spaces[1:]:
        by = space.counted_by
        assert by is not None
        assert by.offsets is not None
        found.append(ends[by.offsets // width + found[by.space.index]])
    return found


def extents(tree: Tree, rows: int, output: memoryview) -> Iterator[tuple[int, int]]:
    """Address and bytes of what each buffer has, where the root has so many rows and offsets 32
    bits: lowest addresses first."""
    ends = output.cast("I")
    found = counted(tree, rows, output, 4)
    for column in tree.columns:
        count = found[column.space.index]
        if column.validity is not None:
            yield column.validity, count
        if column.offsets is not None:
            yield column.offsets, (count + 1) * tree.offset_width
            count = ends[column.offsets // 4 + count]
        if column.values is not None:
            yield column.values, count * (1 if column.shape is Shape.BYTES else column.width)

"""Columns of a layout, and the program of records of different sizes.

Records that all have the same size need no program: NumPy copies field by field
(`jitvm.guests.wire.layout.reading`).
"""

from __future__ import annotations

from jitvm.guests.wire.columns import Column, ColumnError, RowSpace, Shape, Tree
from jitvm.guests.wire.layout.parts import Part, fixed_size
from jitvm.guests.wire.records.columns import mark
from jitvm.guests.wire.records.program import Maker
from jitvm.guests.wire.schema import Field, Kind, Message
from jitvm.guests.wire.writer import Label

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jitvm.guests.wire.records.program import RecordProgram

_KINDS = {
    "b": Kind.BOOL, "c": Kind.INT32, "C": Kind.UINT32, "s": Kind.INT32, "S": Kind.UINT32,
    "i": Kind.INT32, "I": Kind.UINT32, "l": Kind.INT64, "L": Kind.UINT64, "f": Kind.FLOAT,
    "g": Kind.DOUBLE,
}  # fmt: skip


# -- columns -------------------------------------------------------------------------------------


def tree(parts: list[Part], fields: Sequence[str] | None, null_rows: bool, name: str) -> Tree:
    """The columns of parts; `fields` are names of those of the record to make, None for all.

    Raises:
        ColumnError: one of them names nothing.
    """
    root = Column("", Shape.STRUCT, RowSpace(0, None), None)
    message = Message(name, [])
    root.format, root.message, root.is_nullable = "+s", message, null_rows
    _fill(root, parts)
    names = [each.name for each in root.children]
    for each in fields or ():
        if each not in names:
            raise ColumnError(f"the layout has no part {each!r}; it has {', '.join(names)}")
    if fields is not None:
        root.children = [each for each in root.children if each.name in fields]
    if any(column.is_utf8 for column in root.walk()):
        mark(root)
    return Tree(message, root, 4, repr((fields, null_rows)))


def _fill(struct: Column, parts: list[Part]) -> None:
    for part in parts:
        if part.kind == "bits":
            for name, _ in part.bits:
                if name:
                    made = Column(name, Shape.FIXED, struct.space, struct)
                    made.format, made.width = part.format, part.width
                    _describe(made, struct)
                    struct.children.append(made)
        elif part.kind != "pad":
            struct.children.append(_column(part, struct.space, struct))


def _describe(column: Column, struct: Column) -> None:
    """Give a column a field, which tells what its values are."""
    message = struct.message
    kind = _KINDS.get(column.format, Kind.BYTES)
    column.field = Field(1 if message is None else len(message.fields) + 1, column.name, kind)
    if message is not None:
        message.fields.append(column.field)


def _column(part: Part, space: RowSpace, parent: Column) -> Column:
    shapes = {"number": Shape.FIXED, "bytes": Shape.FIXED, "text": Shape.BYTES,
              "record": Shape.STRUCT, "list": Shape.LIST}  # fmt: skip
    made = Column(part.name, shapes[part.kind], space, parent)
    made.is_nullable = part.is_optional
    if part.kind == "number":
        made.format, made.width = part.format, part.width
        made.is_signed = part.format in "csil"
    elif part.kind == "bytes":
        made.format, made.width = f"w:{part.size}", part.size
    elif part.kind == "text":
        made.format, made.is_utf8 = ("u" if part.is_utf8 else "z"), part.is_utf8
    elif part.kind == "record":
        made.format, made.message = "+s", Message(part.name, [])
        _fill(made, part.parts)
    else:
        made.format, made.least = "+l", part.parts[0].least
        made.children = [_column(part.parts[0], RowSpace(0, made), made)]
    _describe(made, parent)
    return made


# -- programs ------------------------------------------------------------------------------------


class _Maker(Maker):
    """Writes the program of a layout."""

    def __init__(self, tree: Tree, parts: list[Part], is_open: bool) -> None:
        super().__init__(tree, None)
        self.parts = parts
        self.program.is_open = is_open

    def record(self) -> None:
        self.struct(self.parts, self.tree.root)

    def struct(self, parts: list[Part], struct: Column) -> None:
        """Parts one behind the other."""
        for part in parts:
            if part.kind == "bits":
                self.bits(part, struct)
            elif part.kind == "pad":
                self.skip("pass.bytes.k", 2 * part.size)
            else:
                with self.inside(part.name):
                    self.maybe(part, struct.child(part.name))

    def bits(self, part: Part, struct: Column) -> None:
        first, order = 0, ".big" * (part.is_big and part.width > 1)
        for name, count in part.bits:
            column = struct.child(name) if name else None
            if column is not None:
                with self.inside(name):
                    self.plain(f"bits.{part.width}{order}", column, first | count << 8)
            first += count
        self.skip("pass.bytes.k", 2 * part.width)

    def maybe(self, part: Part, column: Column | None) -> None:
        """A part, if it is there."""
        if not part.is_optional:
            self.value(part, column)
            return
        null, behind = Label(), Label()
        validity = None if column is None else column.validity
        b = self.tree.scratch if validity is None else validity
        self.filled("presence", {"b": _unit(b), "miss": null, "slow": self.fail})
        self.value(part, column)
        self.op("goto", behind)
        self.put(null)
        if column is not None:
            self.absent(column)
        self.put(behind)

    def value(self, part: Part, column: Column | None) -> None:
        order = ".big" * part.is_big
        size = part.fixed if not part.is_optional else None
        if column is None and size is not None:
            self.skip("pass.bytes.k", 2 * size)
        elif part.kind == "number":
            if column is None:
                self.skip("pass.bytes.k", 2 * part.width)
            elif part.format == "b":
                self.plain("flag", column)
            else:
                self.plain(f"fixed.{part.width}{order * (part.width > 1)}", column)
        elif part.kind == "bytes":
            if column is None:
                self.skip("pass.bytes.k", 2 * part.size)
            else:
                self.plain("bytes", column, 2 * part.size)
        elif part.kind == "text":
            name = f".{part.count}{order * (part.count > 1)}"
            if column is None:
                self.skip(f"pass.bytes{name}")
            else:
                self.plain(f"text.any{name}", column)
        elif part.kind == "record":
            self.struct(part.parts, column if column is not None else _NOTHING)
        else:
            inner = None if column is None else column.children[0]
            self.list(part, column, lambda: self.maybe(part.parts[0], inner))

    def list(self, part: Part, column: Column | None, write: Callable[[], None]) -> None:
        item, end = Label(), Label()
        name = f".{part.count}{'.big' * (part.is_big and part.count > 1)}" if part.count else ".k"
        offsets = None if column is None else column.offsets
        self.filled(
            f"list{name}", {"b": offsets, "k": 2 * part.size, "miss": end, "slow": self.fail}
        )
        self.put(item)
        write()
        self.filled("element", {"miss": item, "slow": self.fail})
        self.put(end)
        self.filled("pass.end" if column is None else "end", {"b": offsets})


_NOTHING = Column("", Shape.STRUCT, RowSpace(0, None), None)
"""What nothing of a record goes to."""


def _unit(place: int | None) -> int | None:
    """An address as operands have them: where nobody looks is not at the begin of a unit."""
    return None if place is None else -(-place // 64) * 64


def make(tree: Tree, parts: list[Part], *, is_open: bool) -> RecordProgram:
    """The program of a layout whose records have different sizes; `is_open` where they lie one
    behind the other, however many there are."""
    assert fixed_size(parts) is None or not is_open
    return _Maker(tree, parts, is_open).make()

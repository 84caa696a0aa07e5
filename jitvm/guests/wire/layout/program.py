"""Columns of a layout, and the program of records of different sizes.

Records that all have the same size need no program: NumPy copies field by field
(`jitvm.guests.wire.layout.reading`).
"""

from __future__ import annotations

from jitvm.guests.wire.columns import Column, RowSpace, Shape, Tree
from jitvm.guests.wire.layout.parts import Part, fixed_size
from jitvm.guests.wire.records.columns import Builder, mark
from jitvm.guests.wire.records.program import Maker
from jitvm.guests.wire.schema import Field, Kind, Message
from jitvm.guests.wire.writer import Label

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any, Unpack

    from jitvm.guests.wire.paths import Selection
    from jitvm.guests.wire.records.columns import Asked
    from jitvm.guests.wire.records.program import RecordProgram
    from jitvm.guests.wire.where import Condition

_KINDS = {
    "b": Kind.BOOL, "c": Kind.INT32, "C": Kind.UINT32, "s": Kind.INT32, "S": Kind.UINT32,
    "i": Kind.INT32, "I": Kind.UINT32, "l": Kind.INT64, "L": Kind.UINT64, "f": Kind.FLOAT,
    "g": Kind.DOUBLE,
}  # fmt: skip


# -- columns -------------------------------------------------------------------------------------


def described(parts: list[Part], name: str = "layout") -> Message:
    """The description of a record."""
    made = Message(name, [])
    for number, (each, part) in enumerate(_named(parts), 1):
        make = _number if part.kind == "bits" else _field
        made.fields.append(make(number, each, part))
    return made


def _number(number: int, name: str, part: Part) -> Field:
    made = Field(number, name, _KINDS[part.format])
    made.width = part.width if part.format not in "bfg" else 0
    return made


def _field(number: int, name: str, part: Part) -> Field:
    if part.kind == "list":
        made = _field(number, name, part.parts[0])
        made.is_repeated, made.has_presence = True, False
        return made
    if part.kind == "record":
        made = Field(number, name, Kind.MESSAGE, message=described(part.parts, name))
    elif part.kind == "number":
        made = _number(number, name, part)
    else:
        made = Field(number, name, Kind.STRING if part.is_utf8 else Kind.BYTES)
    made.has_presence = part.is_optional
    return made


def tree(parts: list[Part], **asked: Unpack[Asked]) -> Tree:
    """The columns of parts of a record.

    Raises:
        ColumnError: a path names nothing, or there are too many columns.
    """
    builder = _Builder(described(parts), **asked)
    builder.fill(builder.root, _named(parts), builder.selection)
    return builder.tree()


def _named(parts: list[Part]) -> Iterator[tuple[str, Part]]:
    """The parts that have columns, each with its name."""
    for part in parts:
        if part.kind == "bits":
            yield from ((name, part) for name, _ in part.bits if name)
        elif part.kind != "pad":
            yield part.name, part


_SHAPES = {
    "number": Shape.FIXED, "bytes": Shape.FIXED, "text": Shape.BYTES, "record": Shape.STRUCT,
    "list": Shape.LIST,
}  # fmt: skip


class _Builder(Builder):
    """Makes columns of parts."""

    def fill(
        self, struct: Column, types: Iterable[tuple[str, Part]], selection: Selection | None
    ) -> None:
        """As for all, and numbers that say how much of something else there is, hidden if nobody
        asks for them."""
        pairs = list(types)
        needed: dict[str, Any] = {}
        if selection is not None:
            needed = {part.of: None for _, part in pairs if part.of and part.of not in selection}
            inner = (name for name, part in pairs if part.has_counts and name not in selection)
            needed.update((name, {}) for name in inner)
            selection = {**selection, **needed}
        super().fill(struct, pairs, selection)
        for column in struct.children:
            column.is_hidden |= column.name in needed

    def value(
        self, name: str, field: Field, part: Part, space: RowSpace, parent: Column,
        selection: Selection | None,
    ) -> Column:  # fmt: skip
        """The column of a part."""
        if part.kind == "list":
            made = self.list(name, field, part.parts[0].least, space, parent)
            item, below = part.parts[0], RowSpace(0, made)
            made.children = [self.value(item.name, field, item, below, made, selection)]
        elif part.kind == "record":
            made = self.struct(name, field, space, parent)
            self.fill(made, _named(part.parts), selection)
        else:
            made = self.column(name, _SHAPES.get(part.kind, Shape.FIXED), space, parent)
            made.field = field
            if part.kind == "text":
                made.format, made.is_utf8 = ("u" if part.is_utf8 else "z"), part.is_utf8
            elif part.kind == "bytes":
                made.format, made.width = f"w:{part.size}", part.size
            else:
                made.format, made.width = part.format, part.width
                made.is_signed = part.format in "csil"
        made.is_nullable = part.is_optional
        return made


# -- programs ------------------------------------------------------------------------------------


class _Maker(Maker):
    """Writes the program of a layout."""

    def __init__(
        self, tree: Tree, parts: list[Part], where: Condition | None, is_open: bool
    ) -> None:
        super().__init__(tree, where)
        self.parts = parts
        self.program.is_open = is_open
        self.wrong = self.fail

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
                    self.maybe(part, struct.child(part.name), struct)

    def bits(self, part: Part, struct: Column) -> None:
        first, order = 0, ".big" * (part.is_big and part.width > 1)
        for name, count in part.bits:
            column = struct.child(name) if name else None
            if column is not None:
                with self.inside(name):
                    self.plain(f"bits.{part.width}{order}", column, first | count << 8)
            first += count
        self.skip("pass.bytes.k", 2 * part.width)

    def maybe(self, part: Part, column: Column | None, struct: Column) -> None:
        """A part of a record, if it is there."""
        if not part.is_optional:
            self.value(part, column, struct)
            return
        null, behind = Label(), Label()
        validity = None if column is None else column.validity
        b = self.tree.scratch if validity is None else validity
        self.filled("presence", {"b": _unit(b), "miss": null, "slow": self.wrong})
        self.value(part, column, struct)
        self.op("goto", behind)
        self.put(null)
        if column is not None:
            self.absent(column)
        self.put(behind)

    def value(self, part: Part, column: Column | None, struct: Column) -> None:
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
            name, by = _counting(part), self.counts(part, struct)
            into = {} if column is None else {"a": column.values, "c": column.offsets}
            kind = "pass.bytes" if column is None else "text.any"
            self.filled(f"{kind}{name}", {**into, "b": by, "slow": self.fail})
        elif part.kind == "record":
            self.struct(part.parts, column if column is not None else _NOTHING)
        else:
            inner = None if column is None else column.children[0]
            by = self.counts(part, struct)
            self.list(part, by, column, lambda: self.maybe(part.parts[0], inner, struct))

    def counts(self, part: Part, struct: Column) -> int | None:
        """Where the number is that says how much of a part there is, if another part has it."""
        if not part.of:
            return None
        column = struct.child(part.of)
        assert column is not None
        return column.values

    def list(
        self, part: Part, by: int | None, column: Column | None, write: Callable[[], None]
    ) -> None:
        item, end = Label(), Label()
        name = _counting(part)
        offsets = None if column is None else column.offsets
        self.filled(
            f"list{name}",
            {"b": offsets, "c": by, "k": 2 * part.size, "miss": end, "slow": self.fail},
        )
        self.put(item)
        write()
        self.filled("element", {"miss": item, "slow": self.fail})
        self.put(end)
        self.filled("pass.end" if column is None else "end", {"b": offsets})


def _counting(part: Part) -> str:
    """The end of the names of instructions that read how much of a part there is."""
    if part.of:
        return f".of.{part.of_width}"
    return f".{part.count}{'.big' * (part.is_big and part.count > 1)}" if part.count else ".k"


_NOTHING = Column("", Shape.STRUCT, RowSpace(0, None), None)
"""What nothing of a record goes to."""


def _unit(place: int | None) -> int | None:
    """An address as operands have them: where nobody looks is not at the begin of a unit."""
    return None if place is None else -(-place // 64) * 64


def make(
    tree: Tree, parts: list[Part], where: Condition | None = None, *, is_open: bool = False
) -> RecordProgram:
    """The program of a layout; `is_open` where records of different sizes lie one behind the other,
    however many there are.

    Raises:
        ProgramError: the VM cannot do what is asked for.
    """
    assert fixed_size(parts) is None or not is_open
    return _Maker(tree, parts, where, is_open).make()


def passing_tree(parts: list[Part]) -> Tree:
    """The columns that it takes to pass over records: where they are, and what counts in them."""
    builder = _Builder(described(parts))
    builder.fill(builder.root, _named(parts), {})
    mark(builder.root)
    return builder.tree("passing")


def make_passing(tree: Tree, parts: list[Part]) -> RecordProgram:
    """The program that only tells where records of different sizes are."""
    maker = _Maker(tree, parts, None, is_open=True)
    maker.wrong = hopeless = Label()

    def put() -> None:
        maker.put(hopeless)
        maker.op("fail")

    maker.later.append(put)
    program = maker.make()
    program.hopeless = hopeless.at
    program.notes[hopeless.at] = "fail"
    return program

"""From the schemas of who wrote and of who reads to a program of records.

Values are read in the order of the writer's schema, into the columns of the reader's. What the
reader does not know, or does not want, is passed over; what only the reader has gets its default.
See `Schema Resolution` in Avro's specification.
"""

from __future__ import annotations

from struct import pack

from jitvm.guests.wire.avro.columns import DURATION, least_of, named_branches, only
from jitvm.guests.wire.avro.schema import FieldOf, Type
from jitvm.guests.wire.columns import Column, Shape, Tree
from jitvm.guests.wire.faults import MAX_DEPTH, SchemaError
from jitvm.guests.wire.records.program import Maker
from jitvm.guests.wire.writer import Label

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from jitvm.guests.wire.records.program import RecordProgram
    from jitvm.guests.wire.where import Condition

MOST_BRANCHES = 64
"""Branches of a union: their numbers have one byte."""
NUMBERS = ("int", "long", "float", "double")
"""Kinds of numbers: each may be read as one behind it."""
_FIXED = {"boolean": 1, "float": 4, "double": 8}
"""Bytes of what has always as many."""
_FRAMES = 3000
"""Bytes of the stack for what is nested in itself."""


# -- which types match ---------------------------------------------------------------------------


def matches(written: Type, read: Type) -> bool:
    """Whether values of a type may be read as another, as far as that can be seen without going
    into what they hold."""
    written, read = only(written), only(read)
    if written.kind == "union" or read.kind == "union":
        return True
    if written.kind in NUMBERS and read.kind in NUMBERS:
        return NUMBERS.index(written.kind) <= NUMBERS.index(read.kind)
    if {written.kind, read.kind} == {"string", "bytes"}:
        return not (written.logical == "decimal" or read.logical == "decimal")
    if written.kind != read.kind:
        return False
    if written.kind == "fixed" and written.size != read.size:
        return False
    is_decimal = "decimal" in (read.logical, written.logical)
    if is_decimal and (written.logical, written.scale) != (read.logical, read.scale):
        return False
    if not written.name:
        return True
    names = [read.short_name, *(alias.rpartition(".")[2] for alias in read.aliases)]
    return written.short_name in names


def branch_for(written: Type, read: Type) -> Type | None:
    """The first branch of a union that values of a type can be read as: one of the same kind and
    name, or else one that they can be promoted to."""
    same = (each for each in read.branches if each.kind == written.kind)
    for each in (*same, *read.branches):
        if matches(written, each):
            return each
    return None


class _Maker(Maker):
    """Writes the program of a pair of schemas."""

    def __init__(
        self, tree: Tree, written: Type, read: Type, where: Condition | None, head: bytes, skip: int
    ) -> None:
        super().__init__(tree, where)
        self.head = head
        self.skip_head = skip
        self.written = written
        self.read = read
        self.routines: dict[int, Label] = {}
        self.depth = min(MAX_DEPTH, _FRAMES // (16 * (1 + _lists(written))))

    def record(self) -> None:
        at = 0
        while at < len(self.head):
            width = next(each for each in (8, 4, 2, 1) if each <= len(self.head) - at)
            word = int.from_bytes(self.head[at : at + width], "little")
            self.filled(f"same.{width}", {"k": word, "slow": self.fail})
            at += width
        if self.skip_head:
            self.skip("pass.bytes.k", 2 * self.skip_head)
        root = self.tree.root
        if self.read.kind == "record":
            self.types(self.written, self.read)
            self.fields(self.written, self.read, root)
            return
        with self.inside("value"):
            self.value(self.written, self.read, root.children[0])

    def types(self, written: Type, read: Type) -> None:
        """Refuse a pair of types that do not match."""
        if not matches(written, read):
            where = f"{'.'.join(self._path)}: " if self._path else ""
            raise SchemaError(
                f"{where}{_named(written)} was written, which cannot be read as {_named(read)}"
            )

    def fields(self, written: Type, read: Type, struct: Column) -> None:
        """The values of a record."""
        if written.kind != "record":
            self.types(written, read)
        known: set[str] = set()
        for each in written.fields:
            field = _field_for(each, read, known)
            with self.inside(each.name if field is None else field.name):
                column = None if field is None else struct.child(field.name)
                if field is not None:
                    known.add(field.name)
                    if column is None:
                        self.checked(each.type, field.type)
                if field is None or column is None:
                    self.past(each.type)
                else:
                    self.value(each.type, field.type, column)
        for field in read.fields:
            if field.name in known:
                continue
            if not field.has_default:
                raise SchemaError(
                    f"{read.short_name}.{field.name}: was not written, and has no default"
                )
            column = struct.child(field.name)
            if column is not None:
                with self.inside(field.name):
                    self.default(field.type, field.default, column)

    def checked(self, written: Type, read: Type) -> None:
        """Refuse types that do not match, where no column asks for them."""
        if only(written).kind != "union" and only(read).kind != "union":
            self.types(written, read)

    # -- values -------------------------------------------------------------------------------

    def value(self, written: Type, read: Type, column: Column, *, is_noted: bool = False) -> None:
        """A value into a column; `is_noted`: that it is there is written already."""
        written, read = only_of(self, written), only(read)
        if written.kind == "union":
            self.union(written, read, column)
            return
        if read.kind == "union":
            branch = branch_for(written, read)
            if branch is None:
                raise SchemaError(
                    f"{'.'.join(self._path)}: {_named(written)} was written, and the union has no "
                    "branch for it"
                )
            self.member(written, read, branch, column)
            return
        self.types(written, read)
        if read.kind == "null":
            self.absent(column)
            return
        if column.is_nullable and not is_noted:
            self.present(column)
        if column.is_raw:
            self.filled("raw.begin", {})
            self.past(written)
            self.filled("raw.end", self.places(column))
        elif read.kind == "record":
            self.fields(written, read, column)
        elif read.kind == "array":
            assert written.item is not None
            assert read.item is not None
            item, into, inner = written.item, column.children[0], read.item
            self.no_empty(item)
            self.elements(column, lambda: self.value(item, inner, into))
        elif read.kind == "map":
            self.map(written, read, column)
        elif read.logical == "duration":
            for name in DURATION:
                part = column.child(name)
                if part is None:
                    self.skip("pass.bytes.k", 2 * 4)
                else:
                    self.plain("fixed.4", part)
        else:
            self.scalar(written, read, column, 0, is_optional=False)

    def no_empty(self, item: Type) -> None:
        """Refuse elements of no bytes: there could be any number of them."""
        if not least_of(item):
            raise SchemaError(
                f"{'.'.join(self._path)}: elements of type {_named(item)} have no bytes; leave the "
                "field out with fields="
            )

    def map(self, written: Type, read: Type, column: Column) -> None:
        assert written.item is not None
        assert read.item is not None
        item, inner = written.item, read.item
        key, into = column.children[0].children

        def entry() -> None:
            self.text(key)
            self.value(item, inner, into)

        self.elements(column, entry)

    def scalar(
        self, written: Type, read: Type, column: Column, k: int, *, is_optional: bool
    ) -> None:
        """A value that has one column and one instruction, or one of several that are chosen."""
        kind = read.kind
        if kind in NUMBERS and written.kind in ("int", "long"):
            if kind in ("int", "long"):
                name = "sint32" if kind == "int" else "sint64"
                self.varint(name, column, is_optional=is_optional, k=k)
                return
            name = f"real.{column.width}.whole"
        elif kind in NUMBERS:
            name = "real.8.float" if written.kind != kind else f"fixed.{column.width}"
        elif kind == "boolean":
            name = "flag"
        elif kind == "enum":
            self.enum(written, read, column, k, is_optional=is_optional)
            return
        elif read.logical == "decimal":
            name = "decimal" if kind == "fixed" else "decimal.counted"
            k |= 2 * read.size
        elif kind == "fixed":
            name, k = "bytes", k | 2 * read.size
        else:
            self.text(column, is_optional=is_optional, k=k)
            return
        self.plain(name, column, k, is_optional=is_optional)

    def enum(self, written: Type, read: Type, column: Column, k: int, *, is_optional: bool) -> None:
        """A place among symbols; where those of the reader are others, by a table."""
        if read.symbols[: len(written.symbols)] == written.symbols:
            self.symbol(column, len(written.symbols), is_optional=is_optional, k=k)
            return
        table, nothing = Label(), (1 << 32) - 1
        default = nothing if read.default is None else read.symbols.index(read.default)
        places = {symbol: place for place, symbol in enumerate(read.symbols)}
        words = [places.get(symbol, default) for symbol in written.symbols]
        operands = self.places(column, 2 * len(words) | k, is_optional=is_optional)
        self.filled(f"mapped{'.or' if is_optional else ''}", {**operands, "c": table})

        def put() -> None:
            self.put(table)
            self.program.tables[table.at] = 4 * len(words)
            self.code += b"".join(word.to_bytes(4, "little") for word in words)

        self.later.append(put)

    # -- unions -------------------------------------------------------------------------------

    def union(self, written: Type, read: Type, column: Column) -> None:
        """A value of a union."""
        inner, into = written.nullable, read.nullable
        if inner is not None and into is not None and matches(inner, into):
            k = int(written.branches[1].kind == "null")
            if _is_scalar(inner) and _is_scalar(into):
                self.types(only(inner), only(into))
                self.scalar(only(inner), only(into), column, k, is_optional=True)
                return
            null, behind = Label(), Label()
            self.filled("optional", {"b": column.validity, "k": k, "miss": null, "slow": self.fail})
            self.value(inner, into, column, is_noted=True)
            self.op("goto", behind)
            self.put(null)
            self.absent(column)
            self.put(behind)
            return

        def each(branch: Type) -> Callable[[], None] | None:
            target = branch_for(branch, read) if read.kind == "union" else read
            if target is None or not matches(branch, target):
                return None
            return lambda: self.value(branch, read, column)

        self.branches(written, each)

    def branches(self, written: Type, write: Callable[[Type], Callable[[], None] | None]) -> None:
        """A jump to what reads the branch that there is; branches that nothing reads are faults."""
        if len(written.branches) > MOST_BRANCHES:
            raise SchemaError(
                f"{'.'.join(self._path)}: a union has more than {MOST_BRANCHES} branches"
            )
        table, behind = Label(), Label()
        self.filled("union", {"a": table, "k": 2 * len(written.branches), "slow": self.fail})
        targets: list[Label] = []
        for branch in written.branches:
            reads = write(branch)
            if reads is None:
                targets.append(self.fail)
                continue
            targets.append(Label())
            self.put(targets[-1])
            reads()
            self.op("goto", behind)
        self.put(behind)

        def put() -> None:
            self.put(table)
            self.program.tables[table.at] = 4 * len(targets)
            for target in targets:
                self.uses.append((len(self.code), target))
                self.code += bytes(4)

        self.later.append(put)

    def member(self, written: Type, read: Type, branch: Type, column: Column) -> None:
        """A value that is one branch of the reader's union."""
        if read.nullable is not None:
            if branch.kind == "null":
                self.absent(column)
            else:
                self.value(written, branch, column)
            return
        if branch.kind == "null":
            self.absent(column)
            return
        into = column.child(self.one_of(read, branch, column))
        if into is None:
            self.past(written)
        else:
            self.value(written, branch, into)

    def one_of(self, read: Type, branch: Type, column: Column) -> str:
        """Note in the columns of a union which branch there is, and that the others are not; its
        name."""
        self.present(column)
        number, name = next(
            (number, name)
            for number, (name, each) in enumerate(named_branches(read), 1)
            if each is branch
        )
        for child in column.children:
            if child.shape is Shape.ONEOF:
                self.constant(child, number)
            elif child.name != name:
                self.absent(child)
        return name

    # -- what nobody wants --------------------------------------------------------------------

    def past(self, type: Type) -> None:
        """Past a value."""
        kind = type.kind
        if kind == "null":
            return
        if kind in ("int", "long", "enum"):
            self.skip("pass.varint")
        elif kind in ("bytes", "string"):
            self.skip("pass.bytes")
        elif kind == "fixed" or kind in _FIXED:
            self.skip("pass.bytes.k", 2 * _FIXED.get(kind, type.size))
        elif kind == "union":
            self.branches(type, lambda branch: lambda: self.past(branch))
        elif kind == "array":
            assert type.item is not None
            item = type.item
            self.skipped_elements(least_of(item), lambda: self.past(item))
        elif kind == "map":
            assert type.item is not None
            item = type.item

            def entry() -> None:
                self.skip("pass.bytes")
                self.past(item)

            self.skipped_elements(2, entry)
        elif not _is_in_itself(type):
            for each in type.fields:
                with self.inside(each.name):
                    self.past(each.type)
        else:
            self.call(type)

    def call(self, type: Type) -> None:
        """Past a record that may hold itself."""
        label = self.routines.get(id(type))
        if label is None:

            def write() -> None:
                for each in type.fields:
                    with self.inside(each.name):
                        self.past(each.type)

            label = self.routines[id(type)] = self.routine(write)
        self.filled("call", {"miss": label, "k": self.depth, "slow": self.fail})

    # -- defaults -----------------------------------------------------------------------------

    def default(self, type: Type, value: Any, column: Column) -> None:
        """The default of a field that was not written."""
        type = only(type)
        try:
            self.defaulted(type, value, column)
        except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as error:
            if isinstance(error, SchemaError):
                raise
            raise SchemaError(
                f"{'.'.join(self._path)}: {value!r} is no default of {_named(type)}"
            ) from None

    def defaulted(self, type: Type, value: Any, column: Column) -> None:
        if type.kind == "union":
            branch = next((each for each in type.branches if _is_of(value, each)), None)
            if branch is None:
                raise ValueError(value)
            if branch.kind == "null":
                self.absent(column)
                return
            into: Column | None = column
            if type.nullable is None:
                into = column.child(self.one_of(type, branch, column))
            if into is not None:
                self.default(branch, value, into)
            return
        if not _is_of(value, type):
            raise ValueError(value)
        if type.kind == "null":
            self.absent(column)
            return
        self.present(column)
        if column.is_raw:
            self.filled("absent.bytes", {"c": column.offsets})
        elif type.kind == "record":
            for each in type.fields:
                child = column.child(each.name)
                if child is not None:
                    with self.inside(each.name):
                        self.default(each.type, value.get(each.name, each.default), child)
        elif type.kind in ("array", "map"):
            self.default_list(type, value, column)
        elif type.kind in ("string", "bytes") and type.logical != "decimal":
            data = value.encode("utf-8" if type.kind == "string" else "latin-1")
            self.letters(column, data)
        else:
            self.constant(column, _number(type, value))

    def default_list(self, type: Type, value: Any, column: Column) -> None:
        """An array or a map."""
        assert type.item is not None
        if not value:
            self.filled("absent.bytes", {"c": column.offsets})
            return
        column.added = max(column.added, len(value))
        self.filled("list.open", {"b": column.offsets})
        for each in value:
            if type.kind == "array":
                self.default(type.item, each, column.children[0])
            else:
                key, into = column.children[0].children
                self.letters(key, each.encode())
                self.default(type.item, value[each], into)
            behind = Label()
            self.filled("element", {"miss": behind, "slow": self.fail})
            self.put(behind)
        self.filled("end", {"b": column.offsets})


def only_of(maker: _Maker, type: Type) -> Type:
    """Of a union of one branch that branch, behind its number."""
    while type.kind == "union" and len(type.branches) == 1:
        maker.filled("same.1", {"slow": maker.fail})
        type = type.branches[0]
    return type


def _named(type: Type) -> str:
    said = f"{type.kind} {type.name}".strip()
    if type.logical == "decimal":
        said += f" (decimal, scale {type.scale})"
    return said


def _field_for(written: FieldOf, read: Type, known: set[str]) -> FieldOf | None:
    """The reader's field that takes what was written: of its name, or with it among its aliases."""
    for each in read.fields:
        if each.name == written.name and each.name not in known:
            return each
    for each in read.fields:
        if written.name in each.aliases and each.name not in known:
            return each
    return None


def _is_scalar(type: Type) -> bool:
    type = only(type)
    return type.kind not in ("record", "array", "map", "union", "null") and (
        type.logical != "duration"
    )


def _is_in_itself(type: Type) -> bool:
    """Whether values of a record may hold others of it."""
    seen: list[Type] = []

    def reaches(inner: Type) -> bool:
        if inner is type:
            return True
        if inner in seen:
            return False
        seen.append(inner)
        parts = [*(each.type for each in inner.fields), *inner.branches]
        if inner.item is not None:
            parts.append(inner.item)
        return any(map(reaches, parts))

    return any(reaches(each.type) for each in type.fields)


def _lists(type: Type, around: tuple[Type, ...] = ()) -> int:
    """How many arrays and maps are in each other, at most, what is nested in itself taken once."""
    if type in around:
        return 0
    inside = (*around, type)
    parts = [*(each.type for each in type.fields), *type.branches]
    most = max((_lists(each, inside) for each in parts), default=0)
    return most if type.item is None else 1 + _lists(type.item, inside)


def _is_of(value: Any, type: Type) -> bool:
    """Whether a default is one of a type."""
    kind = type.kind
    if kind == "null":
        return value is None
    if kind == "boolean":
        return isinstance(value, bool)
    if kind in ("int", "long"):
        bits = 31 if kind == "int" else 63
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        return is_whole and -(1 << bits) <= value < 1 << bits
    if kind in ("float", "double"):
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind == "array":
        return isinstance(value, list)
    if kind in ("map", "record"):
        return isinstance(value, dict)
    if kind == "enum":
        return value in type.symbols
    if kind == "fixed":
        return isinstance(value, str) and len(value) == type.size
    return isinstance(value, str)


def _number(type: Type, value: Any) -> int:
    """A default that has one number, as its column holds it."""
    if type.kind == "enum":
        return type.symbols.index(value)
    if type.kind in ("float", "double"):
        try:
            data = pack("<f" if type.kind == "float" else "<d", value)
        except OverflowError:
            data = pack("<f", float("inf") if value > 0 else float("-inf"))
        return int.from_bytes(data, "little")
    if type.logical == "decimal":
        number = int.from_bytes(value.encode("latin-1"), "big", signed=True)
        if not -(1 << 63) <= number < 1 << 63:
            raise SchemaError(f"the default {number} of a decimal has more than 64 bits")
        return number
    if type.kind == "fixed":
        if type.size not in (1, 2, 4, 8):
            raise SchemaError(
                f"{_named(type)} has a default of {type.size} bytes; only 1, 2, 4 and 8 can be had"
            )
        return int.from_bytes(value.encode("latin-1"), "little")
    return int(value)


def make(
    tree: Tree,
    written: Type,
    read: Type,
    where: Condition | None = None,
    head: bytes = b"",
    skip: int = 0,
) -> RecordProgram:
    """The program that reads what was written by one schema into the columns of another.

    Args:
        tree: the columns, laid out.
        written, read: the two schemas.
        where: what rows must keep.
        head: what each record begins with.
        skip: bytes of any kind behind that.

    Raises:
        SchemaError: what was written cannot be read so.
        ProgramError: the VM cannot do what is asked for.
    """
    return _Maker(tree, written, read, where, head, skip).make()

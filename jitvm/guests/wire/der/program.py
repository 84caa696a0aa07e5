"""From an ASN.1 type to a program of records.

tlv.enter              SEQUENCE
tlv.int       serial
tlv.is        version  OPTIONAL: is it there?
tlv.enter                its explicit tag
tlv.int
tlv.leave
...           absent   null, or the default
tlv.leave
"""

from __future__ import annotations

from jitvm.guests.wire.columns import Column, Tree
from jitvm.guests.wire.der.columns import VALUE, WHICH, is_struct
from jitvm.guests.wire.der.identifiers import encoded
from jitvm.guests.wire.der.instructions import DER
from jitvm.guests.wire.der.types import TAGS, Tag, Type, first_tags
from jitvm.guests.wire.faults import MAX_DEPTH, SchemaError
from jitvm.guests.wire.records.program import Maker
from jitvm.guests.wire.vm.operands import UNIT
from jitvm.guests.wire.writer import Label

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from jitvm.guests.wire.records.program import RecordProgram
    from jitvm.guests.wire.where import Condition

_VALUES = {
    "boolean": "flag", "integer": "int", "enumerated": "int.4", "null": "null", "time": "time",
    "number": "number", "bits": "bits", "octets": "bytes", "oid": "identifier", "text": "bytes",
}  # fmt: skip
"""The instruction that reads a value, by kind."""
_BYTES = 8
M64 = (1 << 64) - 1


class _Maker(Maker):
    """Writes the program of a type."""

    def __init__(self, tree: Tree, type: Type, where: Condition | None) -> None:
        super().__init__(tree, where, DER)
        self.type = type
        self.depth = 0

    def record(self) -> None:
        root = self.tree.root
        if is_struct(self.type):
            self.read(self.type, root)
            return
        with self.inside(VALUE):
            self.read(self.type, root.children[0])

    # -- tags ---------------------------------------------------------------------------------

    def of_tag(self, name: str, tag: Tag, **operands: int | Label | None) -> None:
        """An instruction that compares a tag."""
        data = tag.data
        mask = (1 << _BYTES * len(data)) - 1
        k = int.from_bytes(data, "little") | mask << 32
        self.filled(name, {"slow": self.fail, **operands, "b": UNIT * len(data), "k": k})

    def enter(self, tag: Tag) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise SchemaError(f"{'.'.join(self._path)}: more than {MAX_DEPTH} types in each other")
        self.of_tag("tlv.enter", tag)

    def leave(self, *, is_open: bool = False) -> None:
        self.depth -= 1
        self.filled("tlv.leave.rest" if is_open else "tlv.leave", {"slow": self.fail})

    def test(self, type: Type, no: Label) -> None:
        """Go on where a value of a type comes, else to `no`."""
        found = first_tags(type)
        if found is None:
            self.filled("tlv.more", {"miss": no})
            return
        tags, numbers = found
        yes = Label()
        left = len(tags) + bool(numbers)
        for each in tags:
            left -= 1
            other = Label() if left else no
            self.of_tag("tlv.is", each, miss=other)
            if left:
                self.op("goto", yes)
                self.put(other)
        if numbers:
            self.filled("tlv.is.in", {"k": _set_of(numbers), "miss": no})
        self.put(yes)

    # -- values -------------------------------------------------------------------------------

    def read(self, type: Type, column: Column | None) -> None:
        """A value, into a column if it has one."""
        if column is None:
            self.skip("tlv.pass")
            return
        has_own = not type.universal and type.kind in (*TAGS, "text", "time")
        around = type.tags[:-1] if has_own else type.tags
        for each in around:
            self.enter(each)
        if type.kind == "choice":
            self.choice(type, column)
        elif type.kind == "any":
            self.filled("tlv.whole", {"a": column.values, "c": column.offsets, "slow": self.fail})
        elif type.fields:
            self.enter(type.tags[-1])
            self.fields(type, column)
            self.leave(is_open=type.is_open)
        elif type.item is not None:
            self.enter(type.tags[-1])
            self.items(type.item, column)
            self.leave()
        else:
            self.plain_value(type, column)
        for _ in around:
            self.leave()

    def plain_value(self, type: Type, column: Column) -> None:
        name = "tlv." + ("uint" if type.is_unsigned else _VALUES[type.kind])
        if type.kind == "null":
            assert column.validity is not None
            self.filled("constant.1", {"a": column.validity, "k": 0})
        if type.universal:
            k = _set_of(type.universal)
            operands = {"a": column.values, "c": column.offsets, "k": k, "slow": self.fail}
            self.filled(f"{name}.in", operands)
            return
        self.of_tag(name, type.tags[-1], a=column.values, c=column.offsets)

    def fields(self, type: Type, struct: Column) -> None:
        """The values of a sequence."""
        for name, inner in type.fields.items():
            column = struct.child(name)
            with self.inside(name):
                if not inner.is_optional:
                    self.present_value(inner, column)
                    continue
                absent, behind = Label(), Label()
                self.test(inner, absent)
                self.present_value(inner, column)
                self.op("goto", behind)
                self.put(absent)
                if column is not None:
                    self.absent_value(inner, column)
                self.put(behind)

    def present_value(self, type: Type, column: Column | None) -> None:
        if column is not None and type.kind != "null":
            self.present(column)
        self.read(type, column)

    def absent_value(self, type: Type, column: Column) -> None:
        """Null, or the default."""
        value = type.absent
        if not type.has_default:
            self.absent(column)
        elif isinstance(value, int):
            self.constant(column, value & M64)
        else:
            assert value is not None
            if isinstance(value, str):
                value = encoded(value) if type.kind == "oid" else value.encode()
            self.letters(column, value)

    def choice(self, type: Type, struct: Column) -> None:
        """One of several values; the others are absent."""
        behind = Label()
        which = struct.child(WHICH)
        last = len(type.fields)
        for number, (name, inner) in enumerate(type.fields.items(), 1):
            other = Label()
            self.test(inner, self.fail if number == last else other)
            with self.inside(name):
                column = struct.child(name)
                if which is not None:
                    self.constant(which, number)
                for each in struct.children:
                    if each is not which and each is not column:
                        self.absent(each)
                self.present_value(inner, column)
            self.op("goto", behind)
            self.put(other)
        self.put(behind)

    def items(self, item: Type, column: Column) -> None:
        """The elements of a list."""
        head, end = Label(), Label()
        self.filled("list.open", {"b": column.offsets})
        self.put(head)
        self.filled("tlv.more", {"miss": end})
        self.read(item, column.children[0])
        self.filled("tlv.item", {"miss": head})
        self.put(end)
        self.filled("end", {"b": column.offsets})


def _set_of(numbers: tuple[int, ...]) -> int:
    """Numbers as bits."""
    return sum(1 << number for number in numbers)


def make(tree: Tree, type: Type, where: Condition | None = None) -> RecordProgram:
    """The program of columns that are laid out.

    Raises:
        SchemaError: types are nested too deep.
    """
    return _Maker(tree, type, where).make()


class _Passing(Maker):
    """Writes a program that looks at no value."""

    def record(self) -> None:
        self.skip("tlv.pass")


def make_passing(tree: Tree) -> RecordProgram:
    """The program that only tells where values are, however many there may be."""
    maker = _Passing(tree, None, DER)
    maker.program.is_open = True
    return maker.make()

"""From a type of MessagePack to a program of records.

mp.map                 a map
mp.key.1     id        is it this key? Else look it up:
mp.int.8.or  id
...
mp.leave               was that all?
mp.close
...
mp.find.4    id        out of the way: which key comes
constant.1   id        it is not there, for now
mp.then.1    name      but the next one is: to its value
"""

from __future__ import annotations

from random import Random

from jitvm.guests.wire.columns import Column, Tree
from jitvm.guests.wire.faults import SchemaError
from jitvm.guests.wire.messagepack.columns import VALUE
from jitvm.guests.wire.messagepack.instructions import MESSAGEPACK, TEXTS, WORDS, heads
from jitvm.guests.wire.messagepack.types import MOMENTS, REAL, UNITS, WHOLE, Type
from jitvm.guests.wire.records.instructions import OPTIONAL
from jitvm.guests.wire.records.program import Maker
from jitvm.guests.wire.vm.operands import M64, UNIT
from jitvm.guests.wire.writer import Label

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from jitvm.guests.wire.records.program import RecordProgram
    from jitvm.guests.wire.where import Condition

    Orders = Mapping[tuple[str, ...], Sequence[str]]
    """In which order keys usually come, by the names of fields around them."""

_ALWAYS = {"bool": "mp.flag", "binary": "mp.bytes"}
"""Instructions of some types."""
_FIXED_KEY, _LONG_KEY = 0xA0, 0xD9
"""Heads of keys of up to 31 bytes, and of longer ones."""
_TRIES = 1 << 14
"""Factors that are tried for a table of keys of one size."""


class _Passing(Maker):
    """Writes what passes over values."""

    def past(self) -> None:
        """Past a value, whatever it is."""
        behind = Label()
        operands = {"c": self.heads, "miss": behind, "slow": self.fail}
        self.filled("mp.past", operands)
        self.filled("mp.past.more", operands)
        self.put(behind)
        self.filled("pass.end", {})

    @property
    def heads(self) -> Label:
        """Where the table of heads is."""
        if self._heads is None:
            self._heads = self.table(heads())
        return self._heads

    _heads: Label | None = None

    def table(self, data: bytes, uses: Sequence[tuple[int, Label]] = ()) -> Label:
        """Where bytes are that are no instructions; addresses are put at some places of them."""
        label = Label()

        def put() -> None:
            self.put(label)
            self.program.tables[label.at] = len(data)
            self.uses += [(label.at + at, target) for at, target in uses]
            self.code += data

        self.later.append(put)
        return label

    def record(self) -> None:
        self.past()


class _Maker(_Passing):
    """Writes the program of a type."""

    def __init__(self, tree: Tree, type: Type, where: Condition | None, orders: Orders) -> None:
        super().__init__(tree, where, MESSAGEPACK)
        self.type = type
        self.orders = orders

    def record(self) -> None:
        root = self.tree.root
        if self.type.kind == "record":
            self.fields(self.type, root, is_root=True)
            return
        with self.inside(VALUE):
            self.read(self.type, root.children[0])

    # -- values -------------------------------------------------------------------------------

    def read(self, type: Type, column: Column) -> None:
        """A value that may be nil, into its column."""
        kind, end = type.kind, OPTIONAL
        if kind in WHOLE:
            width, is_signed = WHOLE[kind]
            name = f"mp.{'int' if is_signed else 'uint'}.{width}"
            self.plain(name, column, is_optional=True)
        elif kind in REAL:
            name = f"mp.real.{column.width}"
            operands = self.places(column, is_optional=True)
            slow, behind = self.careful(f"{name}.any{end}", operands)
            self.filled(f"{name}{end}", {**operands, "slow": slow})
            self.put(behind)
        elif kind in MOMENTS:
            self.plain("mp.moment", column, UNITS[MOMENTS[kind]], is_optional=True)
        elif kind in _ALWAYS:
            self.plain(_ALWAYS[kind], column, is_optional=True)
        elif kind == "string":
            self.string(column, is_optional=True)
        elif kind == "record":
            self.fields(type, column)
        else:
            self.nil_or(column, lambda: self.several(type, column))

    def string(self, column: Column, *, is_optional: bool) -> None:
        variants = (*map(str, TEXTS), "any")
        self.chosen_value("mp.text", variants, column, 0, is_optional=is_optional)

    def nil_or(self, column: Column, write: Callable[[], None]) -> None:
        """What is no single value: nil, or what is written."""
        null, behind = Label(), Label()
        self.filled("mp.nil", {"b": column.validity, "miss": null})
        write()
        self.put(behind)
        self.aside(null, lambda: self.absent(column), behind)

    def aside(self, begin: Label, write: Callable[[], None], behind: Label) -> None:
        """What is done seldom, out of the way, and where it goes on."""
        path = list(self._path)

        def put() -> None:
            self._path = list(path)
            self.put(begin)
            self.note(":seldom")
            write()
            self.op("goto", behind)

        self.later.append(put)

    def several(self, type: Type, column: Column) -> None:
        """A list, a map, or the bytes of anything."""
        if type.kind == "any":
            self.filled("raw.begin", {})
            self.past()
            self.filled("raw.end", self.places(column))
            return
        item = type.item
        assert item is not None
        first, end = Label(), Label()
        name = "mp.list" if type.kind == "list" else "mp.entries"
        self.filled(name, {"b": column.offsets, "miss": end, "slow": self.fail})
        self.put(first)
        inner = column.children[0]
        if type.kind == "map":
            key, inner = inner.children
            self.string(key, is_optional=False)
        self.read(item, inner)
        self.filled("element", {"miss": first, "slow": self.fail})
        self.put(end)
        self.filled("end", {"b": column.offsets})

    # -- records ------------------------------------------------------------------------------

    def fields(self, type: Type, struct: Column, *, is_root: bool = False) -> None:
        """The values of a record."""
        null, behind = Label(), Label()
        name = "mp.array" if type.is_by_place else "mp.map"
        miss = self.fail if is_root else null
        operands = {"b": struct.validity, "miss": miss, "slow": self.fail}
        self.filled(f"{name}{OPTIONAL * (not is_root)}", operands)
        if type.is_by_place:
            self.by_place(type, struct)
        else:
            self.by_key(type, struct)
        self.op("mp.close")
        self.put(behind)
        if not is_root:

            def nothing() -> None:
                self.op("mp.close")
                self.absent(struct)

            self.aside(null, nothing, behind)

    def by_place(self, type: Type, struct: Column) -> None:
        end, rest = Label(), Label()
        absent = {name: Label() for name in type.fields}
        last = max(place for place, name in enumerate(type.fields) if struct.child(name))
        for place, (name, inner) in enumerate(type.fields.items()):
            if place > last:
                break
            column = struct.child(name)
            with self.inside(name):
                self.filled("mp.item", {"miss": absent[name]})
                if column is None:
                    self.past()
                else:
                    self.read(inner, column)
        self.put(end)
        self.filled("mp.leave", {"miss": rest})

        def more() -> None:
            self.filled("mp.item", {"miss": self.fail})
            self.past()

        self.aside(rest, more, end)

        def missing() -> None:
            for name in type.fields:
                self.put(absent[name])
                column = struct.child(name)
                if column is not None:
                    self.absent(column)

        self.aside(Label(), missing, end)

    def by_key(self, type: Type, struct: Column) -> None:
        """Each field looks for its key; see the head of the instructions."""
        known = [name for name in type.fields if struct.child(name) is not None]
        usual = self.orders.get(tuple(self._path), ())
        names = [name for name in usual if name in known]
        names += [name for name in known if name not in names]
        here = [Label() for _ in (*names, "")]  # where a key is looked for
        value, lost = ([Label() for _ in each] for each in (names, (*names, "")))
        end, rest = here[-1], lost[-1]
        for place, name in enumerate(names):
            with self.inside(name):
                self.put(here[place])
                self.key("key", name, lost[place])
                self.put(value[place])
                self.read(type.fields[name], self.column_of(struct, name))
                if type.fields[name].item or type.fields[name].fields:
                    self.op("mp.on")
        self.put(end)
        self.filled("mp.leave", {"miss": rest})
        table, words, factor = self.keys(type, struct, names, value)
        unknown, path = Label(), list(self._path)

        def seldom() -> None:
            for place, name in enumerate((*names, "")):
                self._path = [*path, name] if name else list(path)
                self.put(lost[place])
                self.note(":seldom")
                self.filled(f"mp.find.{words}", {
                    "a": unknown, "b": UNIT * place, "c": table, "k": factor, "miss": here[place],
                })  # fmt: skip
                for each in range(place, len(names)):
                    self.absent(self.column_of(struct, names[each]))
                    if each + 1 < len(names):
                        self.key("then", names[each + 1], value[each + 1])
                self.op("goto", end)
            self.put(unknown)
            self.past()
            self.past()
            self.op("mp.back")

        self.later.append(seldom)

    @staticmethod
    def column_of(struct: Column, name: str) -> Column:
        column = struct.child(name)
        assert column is not None
        return column

    def key(self, what: str, name: str, to: Label) -> None:
        """Is this the key that comes?"""
        data = name.encode()
        head = bytes((_FIXED_KEY | len(data),) if len(data) < 32 else (_LONG_KEY, len(data)))
        data = head + data
        operands: dict[str, int | Label | None] = {"b": UNIT * len(data), "miss": to}
        if len(data) <= 8:
            self.filled(f"mp.{what}.1", {**operands, "k": int.from_bytes(data, "little")})
            return
        words = next(each for each in WORDS if len(data) <= 8 * each)
        table = bytearray()
        for at in range(0, 8 * words, 8):
            piece = data[at : at + 8]
            table += piece.ljust(8, b"\0") + (b"\xff" * len(piece)).ljust(8, b"\0")
        self.filled(f"mp.{what}.{words}", {**operands, "c": self.table(bytes(table))})

    def keys(
        self, type: Type, struct: Column, names: list[str], value: list[Label]
    ) -> tuple[Label, int, int]:
        """The table of keys: where it is, of how many words, and the factor. What has one value
        gets a program for when it comes late; all else has its own go back (`mp.on`)."""
        encoded = [name.encode() for name in names]
        words = next(each for each in WORDS if max(map(len, encoded)) <= 8 * each)
        factor, places = _hashed(encoded, words)
        size = 8 + 8 * words
        table = bytearray(size << (64 - (factor & 63)))
        for at in range(0, len(table), size):
            table[at + 4] = 0xFF  # no key has so many bytes
        uses: list[tuple[int, Label]] = []
        for number, (name, place) in enumerate(zip(names, places, strict=True)):
            at, inner, late = size * place, type.fields[name], value[number]
            if not (inner.item or inner.fields):
                late = Label()
                self.late(late, name, inner, self.column_of(struct, name))
            uses.append((at, late))
            about = number << 8 | len(encoded[number])
            table[at + 4 : at + 8] = about.to_bytes(4, "little")
            table[at + 8 : at + size] = encoded[number].ljust(8 * words, b"\0")
        return self.table(bytes(table), uses), words, factor

    def late(self, begin: Label, name: str, type: Type, column: Column) -> None:
        """A value whose key comes behind those of others, or again."""
        path = [*self._path, name]

        def put() -> None:
            self._path = list(path)
            self.put(begin)
            self.note(":late")
            self.read(type, column)
            self.op("mp.back")

        self.later.append(put)


def _hashed(keys: list[bytes], words: int) -> tuple[int, list[int]]:
    """A factor by which keys are told apart, and the place that each has then.

    Raises:
        SchemaError: none was found; there are far too many keys.
    """
    random = Random(len(keys))
    bits = max(len(keys) * 2 - 1, 1).bit_length()
    while bits < 20:
        for _ in range(_TRIES >> bits // 2):
            factor = random.getrandbits(64) & ~63 | (64 - bits)
            places = [_place(key, words, factor) for key in keys]
            if len(set(places)) == len(places):
                return factor, places
        bits += 1
    raise SchemaError(f"{len(keys)} keys are too many for one record")


def _place(key: bytes, words: int, factor: int) -> int:
    """As `find` has it."""
    mixed = len(key)
    for at in range(0, 8 * words, 8):
        mixed = (mixed ^ int.from_bytes(key[at : at + 8], "little")) * factor & M64
        mixed ^= mixed >> 29
    return (mixed * factor & M64) >> (factor & 63)


def make(
    tree: Tree, type: Type, where: Condition | None = None, orders: Orders | None = None
) -> RecordProgram:
    """The program of columns that are laid out.

    Args:
        tree: the columns.
        type: of the records.
        where: what rows must keep.
        orders: in which order keys usually come; else as they are declared.

    Raises:
        SchemaError: keys are too many.
        ProgramError: the VM cannot do what is asked for.
    """
    return _Maker(tree, type, where, orders or {}).make()


def make_passing(tree: Tree) -> RecordProgram:
    """The program that only tells where values are, however many there may be."""
    maker = _Passing(tree, None, MESSAGEPACK)
    maker.program.is_open = True
    return maker.make()

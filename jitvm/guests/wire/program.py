"""From a tree of columns to a program of the wire VM.

Each message of the tree becomes a piece of program, a *node*:

    absent 0      oneofs that nobody has set yet; then goes to `field 1` or `absent 1`
    field 1       reads it, and looks for the tag of field 2: on, or to `absent 2`
    field 2 ...
    absent 1      its default; looks for the tag of field 2: to `field 2`, or on
    absent 2 ...
    end           is this the end of the message? else: `rest`
                  the root: conditions, then the next message; others: back to the one around
    rest          plain fields in any order by a table (see `vm.fields`); then another, of what to
                  do with each tag, whatever comes; behind the last, as `end`
    stray 1 ...   reads a field wherever it comes, and goes to `rest`
    slow 1        field 1 with all care, for those that cannot be read by its usual instruction
    defaults      of all fields; then goes to `rest`

So fields in the order of their numbers take one instruction each, and what is in another order, or
comes twice, two. Where most messages have their fields in no order the root begins at `defaults`;
others have a *way* before `absent 1` that leads there. Nodes are called: they push where they
return to.

Source of the idea: the fast decoder of upb (a tail call a field, which knows the next), hyperpb.
"""

from __future__ import annotations

from struct import pack

from jitvm.guests.wire.asking import Asking
from jitvm.guests.wire.columns import Column, Shape, Tree
from jitvm.guests.wire.faults import MAX_DEPTH
from jitvm.guests.wire.nodes import Node, depth_of, expected
from jitvm.guests.wire.schema import Enum, Field, Kind, WireType
from jitvm.guests.wire.vm.fields import (
    ENTRY,
    FIRST,
    MOST,
    NULLABLE,
    SHORT,
    TEXT,
    ZIGZAG,
)
from jitvm.guests.wire.vm.operands import UNIT
from jitvm.guests.wire.writer import NEVER, READING, Label, Program, ProgramError, tag_bytes

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable

    from jitvm.guests.wire.where import Condition

KINDS = {
    Kind.BOOL: "bool", Kind.INT32: "int32", Kind.UINT32: "int32", Kind.ENUM: "int32",
    Kind.INT64: "int64", Kind.UINT64: "int64", Kind.SINT32: "sint32", Kind.SINT64: "sint64",
    Kind.DOUBLE: "fixed64", Kind.FIXED64: "fixed64", Kind.SFIXED64: "fixed64",
    Kind.FLOAT: "fixed32", Kind.FIXED32: "fixed32", Kind.SFIXED32: "fixed32",
}  # fmt: skip
"""The instruction of each kind of scalar, but for the length of varints."""
PASSES = {
    WireType.VARINT: "pass.varint", WireType.FIXED64: "pass.fixed64",
    WireType.FIXED32: "pass.fixed32", WireType.LENGTH: "pass.bytes",
}  # fmt: skip


VARINTS = ("1", "2", "1-2", "8", "10")
PLACES = 12
"""Bits of the place of a number of a closed enum, at most."""
STRINGS = ("16", "32", "64", "any")
MESSAGES = ("1", "10")
WAYS = ("any", "order")
FEW_FIELDS, MOST_TAGS = 4, 1 << 10
"""Plain fields for which a message has a table of them at least, and tags in it at most."""


class _Maker(Asking):
    """Writes a program."""

    def __init__(self, tree: Tree, where: Condition | None) -> None:
        super().__init__(tree, READING)
        self.where = where
        self.todo: list[Node] = []
        self.later: list[Callable[[], None]] = []
        self.enums: dict[int, tuple[Enum, Label]] = {}
        self.nodes: dict[int, Node] = {}
        self.drop, self.done, self.next = (Label() for _ in range(3))

    def make(self) -> Program:
        self.check_unknown()
        root, program = Node(self.tree.root, self.tree.message, False, 0), self.program
        self.node(root, is_root=True)
        while self.todo:
            self.node(self.todo.pop())
        self.is_usual = True
        self.put(self.fail)
        self.op("fail")
        self.put(self.drop)
        self.op("drop", self.next)
        self.put(self.done)
        self.op("done")
        self.known()
        self.fill_in()
        program.start, program.drop = self.next.at, self.drop.at
        for name in ("fail", "drop", "done", "next"):
            program.notes[getattr(self, name).at] = name
        return program

    def check_unknown(self) -> None:
        """Numbers that a closed enum does not know are unknown fields, and so are entries of maps
        with such in them: who keeps these would have to tell them from others of their tag."""
        for column in self.tree.columns:
            if not column.is_unknown:
                continue
            assert column.parent is not None
            assert column.parent.message is not None
            for field in column.parent.message.fields:
                if field.is_map or (field.enum is not None and field.enum.is_closed):
                    raise ProgramError(
                        "unknown fields are kept by the plain decoder where there are maps or "
                        "closed enums"
                    )

    # -- nodes -------------------------------------------------------------------------------

    def node(self, node: Node, *, is_root: bool = False) -> None:
        fields, self.is_usual = node.fields, True
        tags = [*[expected(field) for field, _ in fields[1:]], NEVER]
        if node.has_way or node.oneofs:
            self.begins(node)
        if node.has_way or is_root:
            self.later.append(lambda: self.defaults(node))
        for i, (field, column) in enumerate(fields):
            self.put(node.entries[i])
            self.note(node, field)
            self.in_order(node, field, column, tags[i], node.absents[i + 1])
        for i, (field, column) in enumerate(fields):
            self.put(node.absents[i])
            self.note(node, field, ":absent")
            self.absent(column, tags[i], node.entries[i + 1] if i + 1 < len(fields) else None)
        self.put(node.absents[len(fields)])
        if node.unknown is not None:
            self.field("list", b=node.unknown.offsets)
        self.put(node.end)
        self.note(node, None, ":end")
        self.end(node, is_root)
        self.rest(node)
        while self.later:
            self.later.pop()()

    def begins(self, node: Node) -> None:
        """What comes before fields: which of oneofs are set, and the way."""
        self.put(node.none)
        self.clear(node)
        if node.has_way:
            name = self.chosen("way", "", WAYS, node.defaults, node.column)
            self.op(name, node.defaults)
        if node.oneofs:
            self.field("look", next=expected(node.fields[0][0]), slow=node.entries[0])
        self.op("goto", node.absents[0])

    def clear(self, node: Node) -> None:
        """Nothing of oneofs is set yet."""
        for oneof in node.oneofs.values():
            assert oneof.values is not None
            self.op("clear", (oneof.values // UNIT, 4))

    def defaults(self, node: Node) -> None:
        """All of them, and then fields in any order."""
        self.put(node.defaults)
        self.note(node, None, ":defaults")
        if not node.has_way:
            self.clear(node)
        for _, column in node.fields:
            if column is not None:
                self.absent(column, NEVER, None)
        if node.unknown is not None:
            self.field("list", b=node.unknown.offsets)
        self.op("goto", node.again)

    def note(self, node: Node, field: Field | None, piece: str = "") -> None:
        names = (node.path, "" if field is None else field.name)
        self.program.notes[len(self.code)] = ".".join(filter(None, names)) + piece

    def end(self, node: Node, is_root: bool) -> None:
        if node.is_group:
            tag = tag_bytes(node.tag + 1)
            mask = (1 << 8 * len(tag)) - 1
            self.op(
                "ended.group", node.rest, (int.from_bytes(tag, "little"), 8), (mask, 8),
                (len(tag), 1),
            )  # fmt: skip
        else:
            self.op("ended", node.rest)
        self.put(node.behind)
        if is_root:
            self.conditions()
            self.put(self.next)
            self.field(
                self.chosen("next", "", WAYS, node.defaults, node.column), next=node.first,
                a=self.entry_of(node), miss=node.none, slow=self.done, c=node.defaults,
            )  # fmt: skip
        else:
            self.op("leave")

    def conditions(self) -> None:
        """What rows must keep; others are taken back."""
        if self.where is not None:
            self.op("unasked", self.next)
            self.condition(self.where, self.drop)

    def rest(self, node: Node) -> None:
        """What to do with each tag."""
        table, skip, passed = Label(), Label(), Label()
        self.put(node.rest)
        self.note(node, None, ":rest")
        self.simple(node)
        tags = [tag for field, _ in node.fields for tag in (field.tag, field.packed_tag or 0)]
        is_long = max(tags, default=0) >= 0x80
        self.op("rest.long" if is_long else "rest", table)
        if node.is_group:
            self.op("goto", self.fail)
        else:
            self.op("ended", self.fail)
            self.op("goto", node.behind)
        self.is_usual = False
        strays: list[tuple[int, Label]] = []
        for field, column in node.fields:
            for tag in {field.tag, field.packed_tag} - {None}:
                assert tag is not None
                is_skipped = column is None and tag & 7 == WireType.START_GROUP
                if is_skipped and field.oneof is None and node.unknown is None:
                    continue
                label = Label()
                self.put(label)
                self.note(node, field, ":any")
                if is_skipped:
                    self.unset_others(node, field)
                    self.op("goto", passed)
                else:
                    self.stray(node, field, column, tag)
                strays.append((tag, label))
        places = self.searches(strays, skip)
        self.put(skip)
        if node.unknown is not None:
            self.keep(node, node.unknown)
        elif node.message.is_map_entry:  # it may not count at all
            self.op("goto", self.fail)
        self.put(passed)
        self.skip(node, node.again)
        self.put(table)
        self.switch(256 if is_long else 128, places, skip)

    def simple(self, node: Node) -> None:
        """Plain fields, in any order."""
        entries = dict(filter(None, (self.entry(field, column) for field, column in node.fields)))
        is_worth_it = node.column.parent is None or node.has_way
        if len(entries) < FEW_FIELDS or node.is_group or not is_worth_it:
            return
        size = 1 << max(entries).bit_length()
        inside, table, other = Label(), Label(), Label()
        suffix = ".long" if size > 0x80 else ""
        self.op("ended", inside)
        self.op("goto", node.behind)
        self.is_usual = False
        self.put(inside)
        self.op(f"simple{suffix}", other, table, (size - 1, 2))
        self.op(f"read{suffix}", inside, table, (size - 1, 2))
        self.op("goto", node.behind)
        self.is_usual = True
        self.put(other)

        def write() -> None:
            self.put(table)
            self.program.tables[table.at] = ENTRY * size
            nothing = self.described(0)
            for tag in range(size):
                self.code += entries.get(tag, nothing)

        self.later.append(write)

    def entry(self, field: Field, column: Column | None) -> tuple[int, bytes] | None:
        """The tag of a plain field, and its entry in a table of them; None for other fields."""
        kind = KINDS.get(field.kind, "")
        if field.is_repeated or field.oneof is not None or field.tag >= MOST_TAGS:
            return None
        if column is None:
            return (field.tag, self.described(FIRST * 256)) if kind else None
        is_closed = field.enum is not None and field.enum.is_closed
        if column.wrapper is not None or column.is_raw or is_closed or column.values is None:
            return None
        about = FIRST * (2 if kind == "bool" else 256 if kind else MOST + 1)
        about |= column.width if kind else TEXT
        about |= NULLABLE if column.is_nullable else 0
        about |= ZIGZAG if kind.startswith("sint") else 0
        about |= SHORT if kind == "sint32" else 0
        return field.tag, self.described(about, column.values, column.validity, column.offsets)

    def described(
        self, about: int, a: int | None = None, b: int | None = None, c: int | None = None
    ) -> bytes:
        """An entry of a table of plain fields."""
        offsets = self.tree.scratch
        assert offsets is not None
        a, b = (offsets + UNIT if place is None else place for place in (a, b))
        c = offsets if c is None else c
        return pack("<4I", a // UNIT, b // UNIT, c // UNIT, about)

    def keep(self, node: Node, column: Column) -> None:
        """An unknown field, whose bytes are added to a column."""
        behind = Label()
        self.field("raw.begin")
        self.skip(node, behind)
        self.put(behind)
        self.field("raw.end.unknown", miss=node.again, a=column.values, c=column.offsets)

    def skip(self, node: Node, after: Label) -> None:
        """Pass over a field, whatever it is."""
        mark = Label()
        self.op("skip", after, self.fail, mark)
        self.put(mark)
        self.skip_group(node.depth, after)

    def searches(self, strays: list[tuple[int, Label]], skip: Label) -> dict[int, Label]:
        """Where to go for the first byte of each tag: those of several bytes are told apart."""
        places: dict[int, Label] = {}
        longer: dict[int, list[tuple[bytes, Label]]] = {}
        for tag, label in strays:
            raw = tag_bytes(tag)
            if len(raw) == 1:
                places[tag] = label
            else:
                longer.setdefault(raw[0], []).append((raw, label))
        for first, ways in longer.items():
            self.put(places.setdefault(first, Label()))
            for raw, label in ways:
                mask = (1 << 8 * len(raw)) - 1
                self.op("try", (int.from_bytes(raw, "little"), 8), (mask, 8), label)
            self.op("goto", skip)
        return places

    def skip_group(self, depth: int, after: Label) -> None:
        opening = Label()
        self.op("group.mark")
        self.put(opening)
        self.op("group.open", self.fail, (MAX_DEPTH - depth, 1))
        inside = Label()
        self.put(inside)
        self.op("group.field", self.fail, opening)
        self.op("group.close", self.fail, inside)
        self.op("group.unmark", after)

    # -- fields ------------------------------------------------------------------------------

    def in_order(
        self, node: Node, field: Field, column: Column | None, following: int, miss: Label
    ) -> None:
        """A field where it is looked for: behind it comes the next one, or else `miss`."""
        tag = expected(field)
        self.unset_others(node, field)
        if column is None:
            if field.wire_type is WireType.START_GROUP:
                self.op("goto", miss)  # `rest` skips it, but those behind have defaults first
            else:
                self.field(PASSES[WireType(tag & 7)], tag=tag, next=following, miss=miss)
            return
        careful, back = Label(), Label()
        around = column if field.is_repeated else None
        value = column.children[0] if field.is_repeated else column
        if around is not None:
            self.field("list", b=column.offsets)
            if tag != field.tag:
                self.packed(column, value, tag, "packed.first", following, miss, careful=True)
                return
        self.put(back)
        self.value(value, tag, following if around is None else tag, miss, careful, around)
        is_entered = self.is_entered(value)
        if around is not None and is_entered:
            self.field("look", next=tag, slow=back)
        if around is not None or is_entered:
            self.field("follow", next=following, miss=miss)

        def with_care() -> None:
            """The same for values that its usual instruction cannot read."""
            self.put(careful)
            self.note(node, field, ":careful")
            if is_entered:
                self.op("undo", over := Label())
                self.put(over)
            self.value(value, tag, following if around is None else NEVER, miss, None, around)
            if around is not None:
                self.field("look", next=tag, slow=back)
            if around is not None or is_entered:
                self.field("follow", next=following, miss=miss)
            self.go_behind(node, field)

        self.later.append(with_care)

    def go_behind(self, node: Node, field: Field) -> None:
        """On with the next field, whose tag has been seen."""
        place = next(i for i, (other, _) in enumerate(node.fields) if other is field) + 1
        self.op("goto", node.entries[place] if place < len(node.fields) else node.absents[-1])

    def stray(self, node: Node, field: Field, column: Column | None, tag: int) -> None:
        """A field wherever it comes; then the next such."""
        end = node.again
        if column is None:
            self.unset_others(node, field)
            self.field(PASSES[WireType(tag & 7)], tag=tag, miss=end)
        elif field.is_repeated:
            value = column.children[0]
            if tag != field.tag:
                self.packed(column, value, tag, "packed", NEVER, end, careful=False)
                return
            self.value(value, tag, NEVER, end, None, column)
            self.op("goto", end)
        elif self.is_entered(column):
            fresh, oneof = Label(), node.oneofs.get(id(field.oneof))
            if oneof is not None:
                assert oneof.values is not None
                number = oneof.members.index(field) + 1
                self.op("is set", (oneof.values // UNIT, 4), (number, 1), fresh)
            self.enter(column, tag, None, merges=True)
            self.op("goto", end)
            if oneof is not None:
                self.put(fresh)
                self.unset_others(node, field)
                self.enter(column, tag, None)
                self.op("goto", end)
        else:
            self.unset_others(node, field)
            is_sure = column.is_raw or (column.shape is Shape.FIXED and tag & 7)
            careful = None if is_sure else Label()
            self.value(column, tag, NEVER, end, careful, None, is_stray=True)
            if careful is None:
                return

            def with_care() -> None:
                assert careful is not None
                self.put(careful)
                self.note(node, field, ":any:careful")
                self.value(column, tag, NEVER, end, None, None, is_stray=True)

            self.later.append(with_care)

    def unset_others(self, node: Node, field: Field) -> None:
        """A member of a oneof is set, so the others are not."""
        if field.oneof is None:
            return
        oneof = node.oneofs.get(id(field.oneof))
        others = [
            column for other, column in node.fields
            if other.oneof is field.oneof and other is not field and column is not None
        ]  # fmt: skip
        if oneof is None:
            for column in others:
                self.absent(column, NEVER, None)
            return
        assert oneof.values is not None
        clear, go_on = Label(), Label()
        number = oneof.members.index(field) + 1
        self.op("which", (oneof.values // UNIT, 4), (number, 1), clear)
        self.put(go_on)

        def clear_others() -> None:
            self.put(clear)
            if any(each.is_utf8 for column in others for each in column.walk()):
                self.op("goto", self.fail)  # what is taken back has to be checked, too
                return
            for column in others:
                self.absent(column, NEVER, None)
            self.op("goto", go_on)

        self.later.append(clear_others)

    # -- values ------------------------------------------------------------------------------

    def is_entered(self, column: Column) -> bool:
        """Whether a value is a message that is entered, so that its instruction looks at no tag
        behind it."""
        if column.is_raw:
            assert column.field is not None
            return column.field.wire_type is WireType.START_GROUP
        return column.shape is Shape.STRUCT or column.wrapper is not None

    def value(
        self,
        column: Column,
        tag: int,
        following: int,
        miss: Label | None,
        careful: Label | None,
        around: Column | None,
        *,
        is_stray: bool = False,
    ) -> None:
        """Read a value: of a field, or of an element of the list `around`.

        `careful`: where values go that are not as usual, so the variant may be chosen; None for
        the variant that reads all.
        """
        if self.is_entered(column):
            self.enter(column, tag, careful, around=around)
            return
        suffix = ".list" if around is not None else ".set" if column.is_nullable else ""
        b = around.offsets if around is not None else column.validity
        if column.shape is Shape.BYTES:
            if column.is_raw and is_stray:
                if not column.is_nullable:  # of an entry of a map: who writes that?
                    self.op("goto", self.fail)
                    return
                self.field(
                    "bytes.any.more", tag=tag, next=following, miss=miss, a=column.values, b=b,
                    c=column.offsets,
                )  # fmt: skip
                return
            if column.is_utf8 and is_stray:  # what is written over has to be checked, too
                suffix = ".once" + suffix
            name = self.chosen("bytes", suffix, STRINGS, careful, column)
            self.field(
                name, tag=tag, next=following, miss=miss, slow=careful,
                a=column.values, b=b, c=column.offsets,
            )  # fmt: skip
            return
        field = column.field if column.wrapper is None else column.wrapper
        assert field is not None
        kind, known = self.kind(field)
        if kind.startswith("fixed"):
            name = kind + suffix
        else:
            name = self.chosen(kind, suffix, VARINTS, careful, column)
        self.field(
            name, tag=tag, next=following, miss=miss, slow=careful, a=column.values, b=b, c=known
        )

    def kind(self, field: Field) -> tuple[str, Label | None]:
        """The instruction of a scalar, and where it finds the numbers of a closed enum."""
        enum = field.enum
        if enum is None or not enum.is_closed:
            return KINDS[field.kind], None
        if id(enum) not in self.enums:
            self.enums[id(enum)] = enum, Label()
        return "closed", self.enums[id(enum)][1]

    def known(self) -> None:
        """Tables of closed enums; see `vm.values.knows`."""
        for enum, label in self.enums.values():
            numbers = sorted(set(enum.values.values()))
            distances = [number - numbers[0] for number in numbers]
            factor, shift = spread(distances, enum.full_name)
            table = [0] * (1 << 32 - shift)  # a distance of 0 is at 0, so it is nowhere else
            for distance in distances:
                table[_place(distance, factor, shift)] = distance
            self.put(label)
            words = numbers[0] & 0xFFFF_FFFF, factor, shift, *table
            self.program.tables[label.at] = 4 * len(words)
            for word in words:
                self.code += word.to_bytes(4, "little")

    def raw_group(self, column: Column, tag: int, suffix: str, b: int | None) -> None:
        """A group that is kept as bytes."""
        over, behind = Label(), Label()
        self.field("raw.begin", tag=tag)
        self.skip_group(depth_of(column), over)
        self.put(over)
        self.field(f"raw.end{suffix}", tag=tag, miss=behind, a=column.values, b=b, c=column.offsets)
        self.put(behind)

    def enter(
        self,
        column: Column,
        tag: int,
        careful: Label | None,
        *,
        around: Column | None = None,
        merges: bool = False,
    ) -> None:
        """Enter a message; `merges` into what its row has already."""
        is_nullable = around is None and column.is_nullable
        suffix = ".list" if around is not None else ".set" if is_nullable else ""
        b = around.offsets if around is not None else column.validity
        if column.is_raw:
            self.raw_group(column, tag, ".more" if merges and is_nullable else suffix, b)
            return
        inner = self.inner(column, tag)
        into, entry = (inner.again, inner.again) if merges else (inner.none, self.entry_of(inner))
        first = NEVER if merges else inner.first
        if tag & 7 == WireType.START_GROUP:
            self.field(f"group{suffix}", tag=tag, next=first, miss=into, a=entry, b=b)
            return
        name = self.chosen("message", suffix, MESSAGES, careful, column)
        self.field(name, tag=tag, next=first, miss=into, slow=careful, a=entry, b=b)

    def entry_of(self, node: Node) -> Label:
        return node.entries[0] if node.fields else node.none

    def inner(self, column: Column, tag: int) -> Node:
        """The node of a message, which is made once."""
        node = self.nodes.get(id(column))
        if node is None:
            field = column.field
            assert field is not None
            assert field.message is not None
            is_group = tag & 7 == WireType.START_GROUP
            node = self.nodes[id(column)] = Node(column, field.message, is_group, tag)
            self.todo.append(node)
        return node

    def packed(
        self, column: Column, value: Column, tag: int, name: str, following: int, miss: Label,
        *, careful: bool,
    ) -> None:  # fmt: skip
        """A packed field."""
        end, slow, loop = Label(), Label(), Label()
        field = value.field
        assert field is not None
        kind, known = self.kind(field)
        if kind.startswith("fixed"):
            self.field(
                f"{kind}.{name}", tag=tag, next=following, miss=miss, a=value.values,
                b=column.offsets,
            )  # fmt: skip
            return
        self.field(name, tag=tag, miss=end, b=column.offsets)
        self.put(loop)
        usual = self.chosen(kind, ".item", VARINTS, slow if careful else None, value)
        self.field(usual, slow=slow if careful else None, a=value.values, c=known)
        self.put(end)
        self.field("packed.end", next=following, miss=miss, b=column.offsets)
        if careful:

            def with_care() -> None:
                self.put(slow)
                self.field(f"{kind}.10.item", a=value.values, c=known)
                self.op("goto", end)

            self.later.append(with_care)

    def absent(self, column: Column | None, following: int, entry: Label | None) -> None:
        """What there is where a field is not; then on, or to the next field."""
        if column is None:
            self.field("absent.0", next=following, slow=entry)
        elif column.shape in (Shape.LIST, Shape.MAP):
            self.field("absent.list", b=column.offsets, next=following, slow=entry)
        elif column.shape is Shape.STRUCT:
            assert column.field is not None
            inner = self.inner(column, column.field.tag)
            name = "absent.group" if inner.is_group else "absent.message"
            name += ".set" * column.is_nullable
            self.field(name, b=column.validity, miss=inner.none)
            self.field("look", next=following, slow=entry)
        elif column.shape is Shape.BYTES:
            if column.is_nullable:
                self.field(
                    "absent.bytes.set", b=column.validity, c=column.offsets, next=following,
                    slow=entry,
                )  # fmt: skip
            else:
                self.field("absent.list", b=column.offsets, next=following, slow=entry)
        elif column.default and not column.is_nullable:
            assert column.values is not None
            self.op("default", (column.values // UNIT, 4), (column.default & 0xFFFF_FFFF, 4))
            self.field("look", next=following, slow=entry)
        else:
            name = f"absent.{column.width}{'.set' * column.is_nullable}"
            self.field(name, a=column.values, b=column.validity, next=following, slow=entry)


def spread(distances: list[int], name: str) -> tuple[int, int]:
    """A factor and a shift by which each of some numbers has a place of its own.

    Raises:
        ProgramError: there would have to be too many places.
    """
    for bits in range(max(1, (len(distances) - 1).bit_length()), PLACES + 1):
        shift = 32 - bits
        for factor in (1 << shift, *(0x9E37_79B1 * odd & 0xFFFF_FFFF for odd in range(1, 200, 2))):
            if len({_place(each, factor, shift) for each in distances}) == len(distances):
                return factor, shift
    raise ProgramError(f"{name} has too many numbers that are far apart")


def _place(distance: int, factor: int, shift: int) -> int:
    return (distance * factor & 0xFFFF_FFFF) >> shift


def make(tree: Tree, where: Condition | None = None) -> Program:
    """The program of a tree that has been laid out.

    Raises:
        ProgramError: the VM cannot do what is asked for.
    """
    return _Maker(tree, where).make()

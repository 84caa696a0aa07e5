"""From what is kept and dropped to a program that makes messages of messages.

Each part becomes a piece of program, a *node*:

    begin         cells that hold for this message are cleared
    field 1       goes past it, and looks for the tag of field 2: on, or to `rest`
    field 2       one that is dropped: the run before it is copied first
    field 3       one that is entered: the run is copied, with the tag; then a call
    ...
    rest          by a table of tags to the field, wherever it comes; to `skip` where nobody knows
                  it; behind the last field: is this the end of the message?
    behind        the last run is copied; the length of the message is written in front of it
    skip          a field that nobody knows

There is one instruction for a field in any order, as nothing has to be done for those that are
absent. The root ends with conditions, for which a row is taken back, and with the next message.
"""

from __future__ import annotations

from struct import pack

from jitvm.guests.wire.columns import Column, RowSpace, Shape
from jitvm.guests.wire.faults import MAX_DEPTH
from jitvm.guests.wire.nodes import expected
from jitvm.guests.wire.project.instructions import LENGTHS_OF, NUMBERS, STATE_SIZE
from jitvm.guests.wire.project.runs import LIMITS
from jitvm.guests.wire.project.selection import Fate
from jitvm.guests.wire.schema import Kind, WireType
from jitvm.guests.wire.vm.operands import OPERANDS, UNIT
from jitvm.guests.wire.where import All, Any
from jitvm.guests.wire.writer import (
    NEVER,
    Instructions,
    Label,
    Program,
    ProgramError,
    Site,
    Writer,
    tag_bytes,
)

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable

    from jitvm.guests.wire.project.selection import Part, Selection
    from jitvm.guests.wire.schema import Field
    from jitvm.guests.wire.where import Compare, Condition

PROJECTING = Instructions(NUMBERS, LENGTHS_OF, OPERANDS)
"""The instructions that project messages."""
MOST_NODES = 2000
"""Messages of a program at most."""
MOST_NUMBERS = 64
"""Numbers of a closed enum that a condition asks for, at most."""
STEMS = {
    WireType.VARINT: ("varint", ("1", "2", "1-2", "8", "10")),
    WireType.LENGTH: ("bytes", ("1", "any")),
    WireType.FIXED32: ("fixed32", ()),
    WireType.FIXED64: ("fixed64", ()),
}
"""Instructions for values, and their variants, by wire type."""
MESSAGES, ROOM = ("1", "any"), ("1", "2", "any")
TAKES = {
    Kind.BOOL: "bool", Kind.INT32: "int32", Kind.ENUM: "int32", Kind.UINT32: "uint32",
    Kind.INT64: "int64", Kind.UINT64: "int64", Kind.SINT32: "sint32", Kind.SINT64: "sint64",
    Kind.FIXED32: "fixed32", Kind.FLOAT: "fixed32", Kind.SFIXED32: "sfixed32",
    Kind.FIXED64: "fixed64", Kind.SFIXED64: "fixed64", Kind.DOUBLE: "fixed64",
}  # fmt: skip
"""How the value of each kind is noted."""
ORDERS = {
    Kind.FLOAT: "real32", Kind.DOUBLE: "real64", Kind.BOOL: "unsigned", Kind.UINT32: "unsigned",
    Kind.UINT64: "unsigned", Kind.FIXED32: "unsigned", Kind.FIXED64: "unsigned",
}  # fmt: skip
"""How it is compared, if not as a number with a sign."""
_COMPARED = {"==": "eq", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
_NO_COLUMN = Column("", Shape.STRUCT, RowSpace(0, None), None)
WIRE_TYPES = (WireType.VARINT, WireType.FIXED64, WireType.LENGTH, WireType.FIXED32)


class Choice(Site):
    """An instruction whose variant is chosen by how long something is.

    Attributes:
        key: what: the part, the number of the field in it, and ``"run"``, ``"value"``, or
            ``"room"``.
    """

    __slots__ = ("key",)

    def __init__(
        self, at: int, stem: str, suffix: str, variants: tuple[str, ...], key: tuple[int, int, str]
    ) -> None:
        super().__init__(at, stem, suffix, variants, _NO_COLUMN)
        self.key = key


class _Node:
    """A part, and where its pieces are."""

    def __init__(self, part: Part, group: Field | None, path: str, is_list: bool) -> None:
        self.part = part
        self.group = group
        self.path = path
        self.fields = list(part.by_number.values())
        self.entries = [Label() for _ in self.fields]
        self.clears = part.cells() if is_list and part.depth is not None else []
        self.begin, self.rest, self.behind = Label(), Label(), Label()

    @property
    def into(self) -> Label:
        """Where it begins unless its first field does."""
        return self.begin if self.clears else self.rest

    @property
    def first(self) -> int:
        """The tag that is looked for at its begin."""
        return NEVER if self.clears or not self.fields else expected(self.fields[0])

    @property
    def entry(self) -> Label:
        return self.entries[0] if self.fields else self.rest


class _Maker(Writer):
    """Writes a program."""

    def __init__(self, selection: Selection, is_delimited: bool) -> None:
        super().__init__(PROJECTING)
        self.selection = selection
        self.is_delimited = is_delimited
        self.nodes: dict[tuple[int, int], _Node] = {}
        self.todo: list[_Node] = []
        self.later: list[Callable[[], None]] = []
        self.drop, self.done, self.next = (Label() for _ in range(3))

    def make(self) -> Program:
        root = _Node(self.selection.root, None, "", True)
        root.clears += [each.cell for each in self.selection.asked]
        self.todo.append(root)
        while self.todo:
            self.node(self.todo.pop(), root)
            if len(self.nodes) > MOST_NODES:
                raise ProgramError("too many messages in each other for a program")
        if self.selection.count >= STATE_SIZE // UNIT - 1:
            raise ProgramError("too many oneofs of which some members are dropped, for a program")
        self.is_usual = True
        self.put(self.fail)
        self.op("fail")
        self.put(self.drop)
        self.op("drop.row", self.next)
        self.put(self.done)
        self.op("done")
        self.fill_in()
        self.program.start, self.program.drop = self.next.at, self.drop.at
        for name in ("fail", "drop", "done", "next"):
            self.program.notes[getattr(self, name).at] = name
        return self.program

    # -- nodes -------------------------------------------------------------------------------

    def node(self, node: _Node, root: _Node) -> None:
        self.is_usual = True
        if node.clears:
            self.put(node.begin)
            for cell in node.clears:
                self.op("clear", self.cell(cell))
            if node.fields:
                self.field("look", next=expected(node.fields[0]), slow=node.entry)
            self.op("goto", node.rest)
        following = [*map(expected, node.fields[1:]), NEVER]
        for entry, field, tag in zip(node.entries, node.fields, following, strict=True):
            self.put(entry)
            self.note(node, field.name)
            self.one(node, field, expected(field), tag, entry)
        self.rest(node, node is root)
        self.is_usual = False
        while self.later:
            self.later.pop()()

    def note(self, node: _Node, name: str) -> None:
        path = ".".join(filter(None, (node.path, name)))
        self.program.notes[len(self.code)] = path

    def cell(self, number: int) -> tuple[int, int]:
        """The operand of a cell."""
        return 1 + number, 4

    def rest(self, node: _Node, is_root: bool) -> None:
        """What to do with each tag, and what at the end of the message."""
        table, skip, dropped = Label(), Label(), Label()
        self.put(node.rest)
        self.note(node, ":rest")
        strays = self.strays(node, dropped)
        is_long = any(tag >= 0x80 for tag, _ in strays)
        self.op("rest.long" if is_long else "rest", table)
        if node.group is None:
            self.op("ended", self.fail)
            self.put(node.behind)
            self.ended(node, is_root)
        else:
            self.op("goto", self.fail)
        self.is_usual = False
        for field, tag, label in self.others(node):
            self.put(label)
            self.note(node, f"{field.name}:other")
            self.one(node, field, tag, NEVER, label)
            self.op("goto", node.rest)
            strays.append((tag, label))
        if node.group is not None:
            close = Label()
            self.put(close)
            raw = tag_bytes(node.group.tag + 1)
            mask = (1 << 8 * len(raw)) - 1
            number = int.from_bytes(raw, "little")
            self.op("ended.group", self.fail, (number, 8), (mask, 8), (len(raw), 1))
            self.op("leave")
            strays.append((node.group.tag + 1, close))
        places = self.searches(strays, skip)
        self.unknown(node, skip, dropped)
        self.put(table)
        self.switch(256 if is_long else 128, places, skip)

    def unknown(self, node: _Node, skip: Label, dropped: Label) -> None:
        """A field that nobody knows, and one of a number that is dropped, of another wire type. In
        an entry of a map they make it one that nobody knows."""
        self.put(skip)
        if node.part.message.is_map_entry:
            self.put(dropped)
            self.op("goto", self.fail)
            return
        if node.part.keeps_unknown or not node.part.is_written:
            self.skip(node, node.rest)
        self.put(dropped)
        behind = Label()
        self.field("copy.any")
        self.skip(node, behind)
        self.put(behind)
        self.op("run")
        self.op("goto", node.rest)

    def strays(self, node: _Node, dropped: Label) -> list[tuple[int, Label]]:
        """Where to go for each tag that fields may have; all of a number that is dropped are."""
        found = []
        for entry, field in zip(node.entries, node.fields, strict=True):
            found.append((expected(field), entry))
            if node.part.is_written and not node.part.keeps(field):
                own = {field.tag, field.packed_tag}
                tags = {field.number << 3 | each for each in (*WIRE_TYPES, WireType.START_GROUP)}
                found += [(tag, dropped) for tag in sorted(tags - own)]
        return found

    def others(self, node: _Node) -> list[tuple[Field, int, Label]]:
        """Lists that come in another form than is expected of them."""
        return [
            (field, tag, Label())
            for field in node.fields
            for tag in (field.tag, field.packed_tag)
            if tag is not None and tag != expected(field)
        ]

    def ended(self, node: _Node, is_root: bool) -> None:
        """A message is complete."""
        part = node.part
        if is_root and self.selection.where is not None:
            self.condition(self.selection.where, self.drop)
        if not part.is_written:
            self.op("forget")
            return
        self.copied(part, 0, 0)
        if not is_root or self.is_delimited:
            self.length(part)
        if not is_root:
            self.op("leave")
            return
        self.put(self.next)
        name = "next.delimited" if self.is_delimited else "next"
        self.field(name, next=node.first, a=node.entry, miss=node.into, slow=self.done)

    def searches(self, strays: list[tuple[int, Label]], skip: Label) -> dict[int, Label]:
        """Where to go for the first byte of each tag: those of several bytes are told apart."""
        places: dict[int, Label] = {}
        for tag, label in strays:
            if len(raw := tag_bytes(tag)) == 1:
                places[tag] = label
            elif raw[0] not in places:
                self.put(places.setdefault(raw[0], Label()))
                for other, way in strays:
                    each = tag_bytes(other)
                    if len(each) > 1 and each[0] == raw[0]:
                        mask = (1 << 8 * len(each)) - 1
                        self.op("try", (int.from_bytes(each, "little"), 8), (mask, 8), way)
                self.op("goto", skip)
        return places

    # -- fields ------------------------------------------------------------------------------

    def one(self, node: _Node, field: Field, tag: int, following: int, entry: Label) -> None:
        """A field at its tag; then `following`, or `rest`."""
        part = node.part
        fate = part.fates[field.number]
        if id(field.oneof) in part.watched:
            assert field.oneof is not None
            number = 1 + field.oneof.fields.index(field)
            self.op("watch", self.cell(part.watched[id(field.oneof)]), (number, 2), self.fail)
        self.asked(part, field, tag)
        if fate is Fate.ENTER:
            self.enter(node, field, tag, following, entry)
            return
        is_dropped = fate is Fate.DROP and part.is_written
        if is_dropped and part.message.is_map_entry and field.is_closed:
            raise ProgramError("whether an entry of a map is one depends on what is dropped")
        if is_dropped:
            self.copied(part, field.number, 0)
        verb = "drop" if is_dropped else "keep"
        if tag & 7 == WireType.START_GROUP:
            behind = Label()
            self.skip_group(node, behind)
            self.put(behind)
            if is_dropped:
                self.op("run")
            if field.is_repeated:
                self.field("look", next=tag, slow=entry)
            self.field("follow", next=following, miss=node.rest)
            return
        in_list = field.is_repeated and tag == field.tag
        self.value(verb, part, field, tag, tag if in_list else following, node.rest, in_list)
        if in_list:
            self.field("follow", next=following, miss=node.rest)

    def value(
        self, verb: str, part: Part, field: Field, tag: int, following: int, miss: Label,
        in_list: bool,
    ) -> None:  # fmt: skip
        """Go past a value, by a variant that may be chosen."""
        stem, variants = STEMS[WireType(tag & 7)]
        suffix = ".list" * in_list
        if not variants:
            self.field(f"{verb}.{stem}{suffix}", tag=tag, next=following, miss=miss)
            return
        careful, behind = Label(), Label()
        name = self.varying(f"{verb}.{stem}", suffix, variants, part, field.number, "value")
        self.field(name, tag=tag, next=following, miss=miss, slow=careful)
        self.put(behind)

        def with_care() -> None:
            self.put(careful)
            name = f"{verb}.{stem}.{variants[-1]}{suffix}"
            self.field(name, tag=tag, next=following, miss=miss)
            self.op("goto", behind)

        self.later.append(with_care)

    def varying(
        self, stem: str, suffix: str, variants: tuple[str, ...], part: Part, number: int, what: str
    ) -> str:
        """The name of an instruction whose variant may be chosen later."""
        site = Choice(len(self.code), stem, suffix, variants, (id(part), number, what))
        self.program.sites.append(site)
        return site.name(variants[-1])

    def copied(self, part: Part, number: int, tag: int) -> None:
        """Copy the run before a field, with its tag if there is one."""
        careful, behind = Label(), Label()
        self.field(self.varying("copy", "", LIMITS, part, number, "run"), tag=tag, slow=careful)
        self.put(behind)

        def with_care() -> None:
            self.put(careful)
            self.field("copy.any", tag=tag)
            self.op("goto", behind)

        self.later.append(with_care)

    def length(self, part: Part) -> None:
        """Write the length of a message."""
        careful, moving, behind = Label(), Label(), Label()
        self.field(self.varying("length", "", ROOM, part, 0, "room"), slow=careful)
        self.put(behind)

        def with_care() -> None:
            self.put(careful)
            self.field("length.any", slow=moving)
            self.op("goto", behind)
            self.put(moving)
            self.op("move.begin")
            self.op("move")
            self.op("move.end", careful)

        self.later.append(with_care)

    def enter(self, node: _Node, field: Field, tag: int, following: int, entry: Label) -> None:
        """A message that is parted."""
        inner = self.inner(node, field)
        if tag & 7 == WireType.START_GROUP:
            if not inner.part.is_written:
                raise ProgramError("a condition asks for what is in a group that is dropped")
            self.field("group", tag=tag, next=inner.first, miss=inner.into, a=inner.entry)
        else:
            self.copied(node.part, field.number, tag if inner.part.is_written else 0)
            careful, back = Label(), Label()
            name = self.varying("message", "", MESSAGES, node.part, field.number, "value")
            names = {"next": inner.first, "miss": inner.into, "a": inner.entry}
            self.field(name, tag=tag, slow=careful, **names)  # type: ignore[arg-type]
            self.put(back)

            def with_care() -> None:
                over = Label()
                self.put(careful)
                self.op("undo", over)
                self.put(over)
                self.field("message.any", tag=tag, **names)  # type: ignore[arg-type]
                self.op("goto", back)

            self.later.append(with_care)
        if field.is_repeated:
            self.field("look", next=tag, slow=entry)
        self.field("follow", next=following, miss=node.rest)

    def inner(self, node: _Node, field: Field) -> _Node:
        """The node of a message in a field, which is made once."""
        part = node.part.inner(field)
        group = field if field.wire_type is WireType.START_GROUP else None
        key = id(part), 0 if group is None else group.tag
        found = self.nodes.get(key)
        if found is None:
            path = f"{node.path}.{field.name}" if node.path else field.name
            found = self.nodes[key] = _Node(part, group, path, field.is_repeated)
            self.todo.append(found)
        return found

    def skip(self, node: _Node, after: Label) -> None:
        """Go past a field, whatever it is."""
        mark = Label()
        self.op("skip", after, self.fail, mark)
        self.put(mark)
        self.skip_group(node, after)

    def skip_group(self, node: _Node, after: Label) -> None:
        if node.part.depth is None:  # how deep it is is not known
            self.op("goto", self.fail)
            return
        opening, inside = Label(), Label()
        self.op("group.mark")
        self.put(opening)
        self.op("group.open", self.fail, (MAX_DEPTH - node.part.depth, 1))
        self.put(inside)
        self.op("group.field", self.fail, opening)
        self.op("group.close", self.fail, inside)
        self.op("group.unmark", after)

    # -- conditions --------------------------------------------------------------------------

    def asked(self, part: Part, field: Field, tag: int) -> None:
        """Note what a condition asks of a field."""
        asked = part.asked(field)
        if asked is None:
            return
        kind = TAKES.get(field.kind)
        if kind is None:
            self.op("there", self.cell(asked.cell))
            return
        self.field(f"take.{kind}", tag=tag, a=(1 + asked.cell) * UNIT)
        if field.enum is None or not field.enum.is_closed:
            return
        numbers = set(field.enum.values.values())
        if len(numbers) > MOST_NUMBERS:
            raise ProgramError(f"{field.enum.full_name} has too many numbers")
        known = Label()
        for number in sorted(numbers):
            other = Label()
            self.op("eq.signed", self.cell(asked.cell), _word(number), (0, 1), other)
            self.op("goto", known)
            self.put(other)
        self.op("goto", self.fail)
        self.put(known)

    def condition(self, condition: Condition, no: Label) -> None:
        """Go on where it is true, else to `no`."""
        if isinstance(condition, All):
            for part in condition.parts:
                self.condition(part, no)
        elif isinstance(condition, Any):
            yes = Label()
            for part in condition.parts:
                self.condition(part, following := Label())
                self.op("goto", yes)
                self.put(following)
            self.op("goto", no)
            self.put(yes)
        else:
            self.compare(condition, no)

    def compare(self, compare: Compare, no: Label) -> None:
        absent = Label() if compare.op == "null" else no
        way = self.selection.path(compare.path)
        for each in way:
            if each.field.has_presence:
                self.op("present", self.cell(each.cell), absent)
        if compare.op == "null":
            self.op("goto", no)
            self.put(absent)
        elif compare.op != "present":
            field = way[-1].field
            if field.message is not None:  # a wrapper
                field = way[-1].inner["value"].field
            order = ORDERS.get(field.kind, "signed")
            op, turned = ("eq", True) if compare.op == "!=" else (_COMPARED[compare.op], False)
            if order.startswith("real"):
                raw = pack("<f" if order == "real32" else "<d", compare.value)
                word = int.from_bytes(raw, "little"), 8
            else:
                word = _word(int(compare.value))
            turned = turned is not compare.is_negated
            self.op(f"{op}.{order}", self.cell(way[-1].cell), word, (int(turned), 1), no)


def _word(number: int) -> tuple[int, int]:
    """A number as an operand of 64 bits."""
    return number & (1 << 64) - 1, 8


def make(selection: Selection, *, is_delimited: bool = False) -> Program:
    """The program of a selection.

    Args:
        is_delimited: whether the length of each message stands in front of it.

    Raises:
        ProgramError: the VM cannot do what is asked for.
    """
    return _Maker(selection, is_delimited).make()

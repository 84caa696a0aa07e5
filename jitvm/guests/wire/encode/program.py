"""From a tree of columns to a program that writes messages of them.

    last field       its value, then its tag in front
    ...              a message in it: `unless` it is there, `open`, its fields, its length and tag
    first field      a list: `unless.any`, `list`, an instruction that comes again, `list.end`
    head, delimit    what stands in front of each message, if anything
    next             the row before: back to the last field; behind the first row `done`
    careful ...      fields with all care, whose values do not fit their usual instruction

A message that is in another has one place in the tree, so its fields stand there: no calls. Fields
come by number, highest first, so a message has them lowest first, as everybody writes them;
extensions behind all others, and unknown fields behind those, as upb has them.
"""

from __future__ import annotations

from jitvm.guests.wire.columns import Column, Shape, Tree
from jitvm.guests.wire.encode.instructions import LENGTHS_OF, NUMBERS
from jitvm.guests.wire.encode.operands import OPERANDS
from jitvm.guests.wire.encode.values import LENGTHS, LIMITS
from jitvm.guests.wire.nodes import unwrapped
from jitvm.guests.wire.program import KINDS
from jitvm.guests.wire.schema import Field, Kind, WireType
from jitvm.guests.wire.vm.operands import UNIT
from jitvm.guests.wire.writer import Instructions, Label, Program, Writer, tag_bytes

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable

WRITING = Instructions(NUMBERS, LENGTHS_OF, OPERANDS)
"""The instructions that write messages."""
VARINTS = tuple(LENGTHS)
UNSIGNED = {Kind.UINT32: "uint32"}
"""Kinds that are written otherwise than they are read: numbers of 32 bits without a sign."""
MESSAGES = ("1", "10")
SHARES = ("seldom", "often")
"""Of how many rows a value is there."""


class _Maker(Writer):
    """Writes a program."""

    def __init__(self, tree: Tree) -> None:
        super().__init__(WRITING)
        self.tree = tree
        self.later: list[Callable[[], None]] = []

    def make(self, has_head: bool, is_delimited: bool) -> Program:
        last, following = Label(), Label()
        self.put(last)
        self.fields(self.tree.root)
        if has_head:
            self.op("head")
        if is_delimited:
            self.op("delimit")
        self.put(following)
        self.filled("next", {"slow": last})
        self.program.notes[following.at] = "next"
        self.program.notes[len(self.code)] = "done"
        self.op("done")
        self.is_usual = False
        for write in self.later:
            write()
        self.fill_in()
        self.program.start = following.at
        return self.program

    # -- messages ----------------------------------------------------------------------------

    def fields(self, struct: Column) -> None:
        """All fields of a message, the last one first."""
        assert struct.message is not None
        for each in struct.children:
            if each.is_unknown:
                self.note(each)
                self.filled("raw", {"a": each.values, "c": each.offsets})
        for field in sorted(struct.message.fields, key=_place, reverse=True):
            column = struct.child_of(field)
            if column is None:
                continue
            self.note(column)
            if field.is_repeated:
                self.repeated(field, column)
            elif is_entered(column):
                self.optional(field, column)
            elif column.is_nullable and not struct.message.is_map_entry:
                over = Label()
                assert column.validity is not None
                name = self.chosen("look", "", SHARES, over, column)
                self.op(name, (column.validity // UNIT, 4), over)
                self.note(column)
                self.scalar(field, column, ".set")
                self.put(over)
            else:
                self.scalar(field, column, ".all" if struct.message.is_map_entry else "")

    def note(self, column: Column, piece: str = "") -> None:
        self.program.notes[len(self.code)] = column.path + piece

    def optional(self, field: Field, column: Column) -> None:
        """A message that may be absent."""
        over = Label()
        if column.is_nullable:
            assert column.validity is not None
            self.op("unless", (column.validity // UNIT, 4), over)
        self.op("open")
        self.message(field, column)
        self.put(over)

    def message(self, field: Field, column: Column) -> None:
        """What is in a message that was opened, and what stands around it."""
        if field.wire_type is WireType.START_GROUP:
            self.tagged("mark", field.tag + 1)
        if column.is_raw:
            self.filled("raw", {"a": column.values, "c": column.offsets})
        elif column.wrapper is not None:
            self.scalar(column.wrapper, unwrapped(column), "")
        else:
            self.fields(column)
        if field.wire_type is WireType.START_GROUP:
            self.tagged("close.group", field.tag)
        else:
            name = self.chosen("message", "", MESSAGES, self.fail, column)
            self.tagged(name, field.tag)

    # -- values ------------------------------------------------------------------------------

    def tagged(
        self, name: str, tag: int, slow: Label | None = None, a: int | None = None,
        b: int | None = None, c: int | None = None,
    ) -> None:  # fmt: skip
        """An instruction that writes a tag."""
        raw = tag_bytes(tag)
        number = int.from_bytes(raw, "little") << 8 * (OPERANDS["tag"][1] - len(raw))
        values = {"size": len(raw), "tag": number, "slow": slow, "a": a, "b": b, "c": c}
        self.filled(name, values)

    def scalar(self, field: Field, column: Column, suffix: str, tag: int | None = None) -> None:
        """A value; or each element of a list, by the suffix."""
        tag, b = field.tag if tag is None else tag, column.validity
        a, c = column.values, column.offsets
        if column.shape is Shape.BYTES:
            self.varying("bytes", suffix, LIMITS, column, tag, a, b, c)
        elif field.kind is Kind.BOOL:
            name = {".each": "flag.each", ".item": "flags"}.get(suffix, f"flag{suffix}")
            self.tagged(name, tag, None, a, b)
        elif (kind := UNSIGNED.get(field.kind, KINDS[field.kind])).startswith("fixed"):
            self.tagged(f"{kind}{suffix}", tag, None, a, b)
        else:
            self.varying(kind, suffix, VARINTS, column, tag, a, b, None)

    def varying(
        self, stem: str, suffix: str, variants: tuple[str, ...], column: Column, tag: int,
        a: int | None, b: int | None, c: int | None,
    ) -> None:  # fmt: skip
        """An instruction whose variant is chosen, and its twin for what does not fit that."""
        careful, behind = Label(), Label()
        name = self.chosen(stem, suffix, variants, careful, column)
        self.tagged(name, tag, careful, a, b, c)
        self.put(behind)

        def with_care() -> None:
            self.put(careful)
            self.note(column, ":careful")
            self.tagged(f"{stem}.{variants[-1]}{suffix}", tag, None, a, b, c)
            self.op("goto", behind)

        self.later.append(with_care)

    def repeated(self, field: Field, column: Column) -> None:
        """A list, or a map."""
        value, behind = column.children[0], Label()
        packed = field.packed_tag if field.is_packed else None
        assert column.offsets is not None
        if packed is not None and KINDS[field.kind].startswith("fixed"):
            name = f"{KINDS[field.kind]}.packed"
            self.tagged(name, packed, None, value.values, column.offsets)
            return
        self.op("unless.any", (column.offsets // UNIT, 4), behind)
        self.op("list", (column.offsets // UNIT, 4))
        if is_entered(value):
            again = Label()
            self.put(again)
            self.op("item")
            self.message(field, value)
            self.op("again", again)
        elif packed is not None:
            self.scalar(field, value, ".item", 0)
            self.tagged(self.chosen("packed", "", MESSAGES, self.fail, column), packed)
        else:
            self.scalar(field, value, ".each")
        if packed is None:
            self.op("list.end")
        self.put(behind)


def is_entered(column: Column) -> bool:
    """Whether a value is a message that is opened; those that are kept as bytes and have a length
    are written as bytes are."""
    if column.is_raw:
        assert column.field is not None
        return column.field.wire_type is WireType.START_GROUP
    return column.shape is Shape.STRUCT or column.wrapper is not None


def _place(field: Field) -> tuple[bool, int]:
    return field.name.startswith("["), field.number


def make(tree: Tree, *, has_head: bool = False, is_delimited: bool = False) -> Program:
    """The program of a tree that has been laid out.

    Args:
        has_head: whether a header stands in front of each message.
        is_delimited: whether its length does.
    """
    return _Maker(tree).make(has_head, is_delimited)

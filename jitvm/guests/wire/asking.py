"""Conditions on rows as instructions, which both halves of the wire VM that decode have."""

from __future__ import annotations

from struct import pack

from jitvm.guests.wire.vm.operands import UNIT
from jitvm.guests.wire.writer import Instructions, Label, Writer

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from jitvm.guests.wire.columns import Column, Tree
    from jitvm.guests.wire.where import Compare, Condition

_COMPARED = {"==": "eq", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}


class Asking(Writer):
    """Writes programs that ask something of columns.

    Args:
        tree: the columns, laid out.
        instructions: those that there are.
    """

    def __init__(self, tree: Tree, instructions: Instructions) -> None:
        super().__init__(instructions)
        self.tree = tree

    def condition(self, condition: Condition, no: Label) -> None:
        """Go on where it is true, else to `no`."""
        from jitvm.guests.wire.where import All, Any

        if isinstance(condition, All):
            for part in condition.parts:
                self.condition(part, no)
            return
        if isinstance(condition, Any):
            yes = Label()
            for part in condition.parts:
                other = Label()
                self.condition(part, other)
                self.op("goto", yes)
                self.put(other)
            self.op("goto", no)
            self.put(yes)
            return
        column = self.tree.column(condition.path)
        assert column is not None
        is_wanted = condition.op != "null"
        absent = no if is_wanted else Label()
        around = []
        inner: Column | None = column
        while inner is not None and inner.parent is not None:
            around.append(inner)
            inner = inner.parent
        for each in reversed(around):
            if each.validity is not None:
                self.op("present", (each.validity // UNIT, 4), absent)
        if not is_wanted:
            self.op("goto", no)
            self.put(absent)
        elif condition.op != "present":
            self.compare(condition, column, no)

    def compare(self, condition: Compare, column: Column, no: Label) -> None:
        assert column.values is not None
        op, turned = ("eq", True) if condition.op == "!=" else (_COMPARED[condition.op], False)
        width, value = column.width, condition.value
        if column.format in "gf":
            kind, raw = "real", pack("<d" if width == 8 else "<f", value)
        else:
            kind = "signed" if column.is_signed else "unsigned"
            raw = (int(value) & ((1 << 8 * width) - 1)).to_bytes(width, "little")
        turned = turned is not condition.is_negated
        self.op(
            f"{op}.{kind}{8 * width}", (column.values // UNIT, 4),
            (int.from_bytes(raw, "little"), 8), (int(turned), 1), no,
        )  # fmt: skip

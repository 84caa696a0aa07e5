"""What conditions ask for, noted in plain Python, and whether they hold."""

from __future__ import annotations

from struct import unpack

from jitvm.guests.wire.project.meaning import Meant, is_known, normal, signed
from jitvm.guests.wire.project.passing import SIZES, varint_at
from jitvm.guests.wire.schema import Kind, WireType
from jitvm.guests.wire.where import All, Any

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterable

    from jitvm.guests.wire.project.selection import Asked, Selection
    from jitvm.guests.wire.schema import Field
    from jitvm.guests.wire.where import Compare, Condition

_UNSIGNED = (Kind.BOOL, Kind.UINT32, Kind.UINT64, Kind.FIXED32, Kind.FIXED64)
_TEXTS = (Kind.STRING, Kind.BYTES)


class Cells:
    """The values that a condition asks for, by the numbers of their cells; 0 of what is only asked
    whether it is there."""

    def __init__(self, selection: Selection) -> None:
        self._selection = selection
        self.values: dict[int, int | float] = {}

    def take(self, asked: Asked, data: memoryview, place: int, end: int) -> None:
        """Note the value of a field, which begins at a place.

        Raises:
            Bad: it is cut off.
        """
        field = asked.field
        if field.message is not None or field.kind in _TEXTS:
            self.values.setdefault(asked.cell, 0)
        elif field.wire_type is WireType.VARINT:
            self._note(asked, normal(field.kind, varint_at(data, place, end)[0]))
        elif (behind := place + SIZES[field.wire_type]) <= end:
            self._note(asked, int.from_bytes(data[place:behind], "little"))

    def _note(self, asked: Asked, raw: int) -> None:
        if is_known(asked.field, raw):
            self.values[asked.cell] = _number(asked.field, raw)

    def take_all(self, meant: Meant, asked: Iterable[Asked]) -> None:
        """Note what a message has that was parsed."""
        for each in asked:
            value = meant.values.get(each.field.number)
            if isinstance(value, Meant):
                self.values.setdefault(each.cell, 0)
                self.take_all(value, each.inner.values())
            elif isinstance(value, int):
                self._note(each, value)
            elif value is not None:
                self.values[each.cell] = 0

    def hold(self, condition: Condition) -> bool:
        """Whether a condition is true of the values."""
        if isinstance(condition, All):
            return all(map(self.hold, condition.parts))
        if isinstance(condition, Any):
            return any(map(self.hold, condition.parts))
        return self._compared(condition)

    def _compared(self, compare: Compare) -> bool:
        way = self._selection.path(compare.path)
        if any(each.field.has_presence and each.cell not in self.values for each in way):
            return compare.op == "null"
        if compare.op in ("null", "present"):
            return compare.op == "present"
        value, constant = self.values.get(way[-1].cell, 0), compare.value
        outcome = {
            "==": value == constant, "!=": value != constant, "<": value < constant,
            "<=": value <= constant, ">": value > constant, ">=": value >= constant,
        }[compare.op]  # fmt: skip
        return outcome is not compare.is_negated


def _number(field: Field, raw: int) -> int | float:
    """What the bits of a number stand for."""
    kind = field.kind
    if kind in (Kind.FLOAT, Kind.DOUBLE):
        size = SIZES[field.wire_type]
        found: float = unpack("<f" if size == 4 else "<d", raw.to_bytes(size, "little"))[0]
        return found
    if kind in (Kind.SINT32, Kind.SINT64):
        return (raw >> 1) ^ -(raw & 1)
    if kind in _UNSIGNED:
        return raw
    return signed(raw, 32 if kind is Kind.SFIXED32 else 64)

"""Whether fields come in the order of their numbers, as nearly everybody writes them.

    bytes of a few messages ──> numbers of fields, message by message ──> part that is in no order

A program looks for each field behind the one before it. Where fields come in any order it would
mostly look in vain, so there it begins with all defaults (see `jitvm.guests.wire.program`).
"""

from __future__ import annotations

from jitvm.guests.wire.columns import Column, Shape
from jitvm.guests.wire.protobuf.reader import WireError, read

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MESSAGES, BYTES, FIELDS = 16, 1 << 12, 64
"""Messages that are looked at, bytes of the longest of them, and fields in each."""


def sampled(data: memoryview, offsets: memoryview, first: int, last: int) -> list[bytes]:
    """The last few of some messages, but for long ones."""
    few = range(max(first, last - MESSAGES), last)
    return [
        bytes(data[offsets[at] : offsets[at + 1]])
        for at in few if offsets[at + 1] - offsets[at] <= BYTES
    ]  # fmt: skip


class Orders:
    """What is seen of the order of fields in some messages.

    Args:
        root: their column.
        messages: which.
    """

    def __init__(self, root: Column, messages: Sequence[bytes]) -> None:
        self._seen: dict[int, list[int]] = {}
        for each in messages:
            self._look(root, each, iter(range(FIELDS)))

    def disorder(self, column: Column) -> float | None:
        """The part of the messages of a column of which the fields are in no order; None where none
        has two fields."""
        seen, disordered = self._seen.get(column.index, (0, 0))
        return disordered / seen if seen else None

    def _look(self, column: Column, message: bytes, left: Iterator[int]) -> None:
        """Look at a message and those in it, as long as there are fields `left` to be looked at."""
        inner = _messages(column)
        last, count, is_disordered = 0, 0, False
        try:
            for (number, value), _ in zip(read(message), left, strict=False):
                is_disordered |= number < last
                last, count = number, count + 1
                if number in inner and isinstance(value, bytes):
                    self._look(inner[number], value, left)
        except WireError:
            return
        if count > 1:
            seen = self._seen.setdefault(column.index, [0, 0])
            seen[0] += 1
            seen[1] += is_disordered


def _messages(column: Column) -> dict[int, Column]:
    """Columns of the messages in those of a column, by the numbers of their fields."""
    found = {}
    for child in column.children:
        value = child.children[0] if child.shape in (Shape.LIST, Shape.MAP) else child
        if child.field is not None and value.shape is Shape.STRUCT:
            found[child.field.number] = value
    return found

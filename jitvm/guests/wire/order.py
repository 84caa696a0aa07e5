"""Whether fields come where they did in the messages before, as those of most producers do.

    bytes of a few messages ──> numbers of fields, message by message ──> part that is a surprise

A program looks for each field behind the one before it. Where fields come in any order, or now
these and now others, it would mostly look in vain, so there it begins with all defaults (see
`jitvm.guests.wire.program`).
"""

from __future__ import annotations

from jitvm.guests.wire.columns import Column, Shape
from jitvm.guests.wire.protobuf.reader import WireError, read

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MESSAGES, BYTES, FIELDS = 16, 1 << 12, 64
"""Messages that are looked at, bytes of the longest of them, and fields in each."""
_BEGIN = _END = 0
"""In place of the number of a field."""


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
        self._after: dict[tuple[int, int], int] = {}
        for each in messages:
            self._look(root, each, iter(range(FIELDS)))

    def disorder(self, column: Column) -> float | None:
        """The part of the fields in messages of a column that come behind another one than they did
        the last time, or that another one came behind; None where none has two fields."""
        seen, surprises = self._seen.get(column.index, (0, 0))
        return surprises / seen if seen else None

    def _look(self, column: Column, message: bytes, left: Iterator[int]) -> None:
        """Look at a message and those in it, as long as there are fields `left` to be looked at."""
        inner = _messages(column)
        numbers = [_BEGIN]
        try:
            for (number, value), _ in zip(read(message), left, strict=False):
                if number != numbers[-1]:
                    numbers.append(number)
                if number in inner and isinstance(value, bytes):
                    self._look(inner[number], value, left)
        except WireError:
            return
        if len(numbers) < 3:
            return
        is_first = column.index not in self._seen
        seen = self._seen.setdefault(column.index, [0, 0])
        for number, following in zip(numbers, [*numbers[1:], _END], strict=True):
            place = column.index, number
            if not is_first:
                seen[0] += 1
                seen[1] += self._after.get(place) != following
            self._after[place] = following


def _messages(column: Column) -> dict[int, Column]:
    """Columns of the messages in those of a column, by the numbers of their fields."""
    found = {}
    for child in column.children:
        value = child.children[0] if child.shape in (Shape.LIST, Shape.MAP) else child
        if child.field is not None and value.shape is Shape.STRUCT:
            found[child.field.number] = value
    return found

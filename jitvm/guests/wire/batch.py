"""What decoding some messages gave, whoever has decoded them."""

from __future__ import annotations

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from jitvm.guests.wire.columns import Column
    from jitvm.guests.wire.faults import Fault

Mistake = tuple[int, int, int, int]
"""Row, offset, `Fault` and `Column.index`; see `jitvm.guests.wire.faults`."""


class Batch:
    """What decoding some messages gave.

    Attributes:
        rows: rows of the root that are in the columns.
        mistakes: what could not be decoded.
        next: the message after the last one that was looked at; a frame that is wrong is not
            passed.
        seen: how many messages were looked at.
    """

    __slots__ = ("mistakes", "next", "rows", "seen")

    def __init__(self, rows: int, mistakes: list[Mistake], next: int, seen: int) -> None:
        self.rows = rows
        self.mistakes = mistakes
        self.next = next
        self.seen = seen


class Wrong(Exception):
    """A fault, where it is, and of which column."""

    def __init__(self, fault: Fault, offset: int, column: Column) -> None:
        super().__init__(fault, offset, column)
        self.fault = fault
        self.offset = offset
        self.column = column

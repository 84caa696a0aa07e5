"""How large the batches of streams are: so large that their columns take as much as is good.

A varint of one byte may become a number of eight, or a string a byte longer than it was; and of a
wide message most may be absent. So a reader looks at what its batches become, and remembers it for
all its streams.
"""

from __future__ import annotations

FIRST_SIZE, LEAST_SIZE, MOST_SIZE = 1 << 20, 1 << 16, 8 << 20
"""Bytes of input of the first batch, and of any."""
COLUMNS_SIZE = 24 << 20
"""Bytes of columns of a batch. Two of them are there at a time, as who reads a stream has one while
the next is decoded."""


class Pace:
    """The size of batches.

    Attributes:
        rows: messages of a batch at most.
        size: bytes of input of a batch at most.
    """

    def __init__(self, rows: int = 0, of: Pace | None = None) -> None:
        self.rows = rows
        self.size = FIRST_SIZE
        self._batches = 0
        self._of = of or self
        if of is not None:
            self.size = of.size

    def with_rows(self, rows: int) -> Pace:
        """The pace of one stream, which starts as this is, and tells it what it learns."""
        return Pace(rows, self)

    def next_is_looked_at(self) -> bool:
        """Count one more batch; whether it is to be looked at: of all streams the first, the
        second, the fourth ..."""
        self._of._batches += 1
        return self._of._batches & (self._of._batches - 1) == 0

    def see(self, given: int, made: int) -> None:
        """Learn that columns of so many bytes were made of a batch."""
        size = given * COLUMNS_SIZE // max(made, 1)
        self.size = self._of.size = min(max(size, LEAST_SIZE), MOST_SIZE)

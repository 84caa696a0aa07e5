"""Columns of a batch, laid out as the program that writes messages has them.

Each buffer is copied to the address that it has in the layout: that costs little, as a batch is
small enough to stay in the processor's cache, from where the program takes it; and a program has no
more addresses to find than those it was made with, whoever the columns came from.
"""

from __future__ import annotations

import numpy as np

from jitvm.guests.wire.columns import PAGE, Shape, Tree
from jitvm.guests.wire.finish import DTYPES

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from jitvm.guests.wire.columns import Layout
    from jitvm.guests.wire.data import Array, Data
    from jitvm.guests.wire.pool import OutputSpace


class TooMuch(Exception):
    """Rows that are too many for a batch, or have too much in them."""


class Stage:
    """Where columns of a batch are put; of one thread at a time.

    Args:
        tree: the columns, laid out.
        layout: how.
        space: memory for them.

    Attributes:
        space: the same.
        counts: rows of each space of the tree, of the last batch.
        texts: bytes of all its strings.
    """

    def __init__(self, tree: Tree, layout: Layout, space: OutputSpace) -> None:
        self.space = space
        self._layout = layout
        self._columns = tree.columns
        self.counts = [0] * len(tree.spaces)
        self.texts = 0
        self._full = [0] * len(tree.columns)
        whole = np.frombuffer(memoryview(space.buffer(0, space.size & -PAGE)).cast("B"), np.uint8)
        self._buffers: list[tuple[Array | None, Array | None, Array | None]] = []
        for column in tree.columns:
            capacity = column.space.capacity
            dtype = DTYPES.get(column.format, DTYPES["c"])
            is_text = column.shape is Shape.BYTES
            self._buffers.append((
                _view(whole, column.validity, capacity, DTYPES["c"]),
                _view(whole, column.offsets, capacity + 1, np.dtype("<i4")),
                _view(whole, column.values, layout.bytes if is_text else capacity, dtype),
            ))  # fmt: skip

    def put(self, data: Data, first: int, count: int) -> None:
        """Put some rows of a table here.

        Raises:
            TooMuch: they do not fit.
        """
        self.texts = 0
        self._put(data, first, count)

    def _put(self, data: Data, first: int, count: int) -> None:
        column = self._columns[data.column.index]
        if count > column.space.capacity:
            raise TooMuch
        self.counts[column.space.index] = count
        validity, offsets, values = self._buffers[column.index]
        if validity is not None and column.parent is not None:
            self._tell_presence(column.index, validity, data.validity, first, count)
        if offsets is not None:
            assert data.offsets is not None
            ends = data.offsets[first : first + count + 1]
            first = int(ends[0])
            count = int(ends[-1]) - first
            if ends.dtype.itemsize == 4:
                np.subtract(ends, ends.dtype.type(first), out=offsets[: len(ends)])
            else:
                np.subtract(ends, first, out=offsets[: len(ends)], casting="unsafe")
        if column.shape is Shape.BYTES:
            if count > self._layout.bytes:
                raise TooMuch
            self.texts += count
        if values is not None:
            assert data.values is not None
            values[:count] = data.values[first : first + count]
        for child in data.children:
            self._put(child, first, count)

    def _tell_presence(
        self, index: int, validity: Array, given: Array | None, first: int, count: int
    ) -> None:
        """Which values are there; where all are, this is written once and left as it is."""
        if given is not None:
            self._full[index] = 0
            validity[:count] = given[first : first + count]
        elif self._full[index] < count:
            self._full[index] = count
            validity[:count] = 1


def _view(whole: Array, place: int | None, count: int, dtype: np.dtype[np.generic]) -> Array | None:
    if place is None:
        return None
    return whole[place : place + count * dtype.itemsize].view(dtype)


def weight(data: Data) -> int:
    """About how many bytes the values of a column have, with those below it."""
    size = sum(weight(child) for child in data.children)
    if data.offsets is not None:
        size += 4 * len(data.offsets)
        if data.column.shape is Shape.BYTES:
            size += int(data.offsets[-1]) - int(data.offsets[0])
    elif data.values is not None:
        size += int(data.values.nbytes)
    return size

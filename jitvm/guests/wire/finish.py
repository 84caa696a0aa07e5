"""From what a decoder leaves in its space to what Arrow's arrays have.

    space of a batch ──View──> Data, a tree like that of the columns ──> maps without double keys

`Data` are NumPy arrays which show the space and hold on to it, so nothing is copied but what has to
change: a map in which a key comes twice is made anew, with all below it, and only then. They are
made of what somebody asks for: there may be a thousand columns, and few of them looked at.

What stays as the decoder writes it: validity and booleans have a byte each. They are packed to bits
where Arrow's arrays are made (`jitvm.guests.wire.arrow`), and are masks and arrays as they are for
NumPy.
"""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import numpy as np

from jitvm.guests.wire.buffers import PAGE, counted
from jitvm.guests.wire.columns import Column, Shape, Tree
from jitvm.guests.wire.data import Data
from jitvm.guests.wire.formats import DTYPES, dtype_of

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from typing import Any

    from jitvm.guests.wire.data import Array
    from jitvm.guests.wire.pool import OutputSpace

NANOSECONDS = 1_000_000_000
"""Of a second."""


class View:
    """What is in a batch of so many rows: views of its columns, each made when asked for.

    Attributes:
        tree: the columns.
        space: where they lie.
        counts: rows of each space of the tree.
    """

    __slots__ = ("_offset", "_whole", "counts", "space", "tree")

    def __init__(self, tree: Tree, rows: int, space: OutputSpace) -> None:
        self.tree = tree
        self.space = space
        whole = memoryview(space.buffer(0, space.size & -PAGE)).cast("B")
        self._whole: Array = np.frombuffer(whole, np.uint8)
        self._offset = np.dtype(f"<i{tree.offset_width}")
        self.counts = counted(tree, rows, whole, tree.offset_width)

    @property
    def root(self) -> Data:
        """All columns, without hidden ones; maps have each key once."""
        return self.data(self.tree.root)

    def data(self, column: Column) -> Data:
        """A column, with those below it."""
        length = self.counts[column.space.index]
        it = Data(column, length, make=partial(self._below, column))
        it.validity = self.validity(column)
        if column.has_offsets:
            it.offsets = self._view(column.offsets, length + 1, self._offset)
            length = int(it.offsets[-1])
        if column.shape is Shape.BYTES:
            it.values = self._view(column.values, length, DTYPES["C"])
        elif column.width:
            it.values = self._view(column.values, length, dtype_of(column.format))
        if column.shape is Shape.ONEOF:
            assert it.values is not None
            it.validity = (it.values != 0).view(np.uint8)
            it.values = np.maximum(it.values, 1) - 1
            it.names = names_of(column)
        if column.shown_as == "names":
            _name(it)
        elif column.shown_as == "text":
            _spell(it)
        elif column.shown_as:
            _measure(it)
        if column.shape is not Shape.MAP:
            return it
        from jitvm.guests.wire.maps import last_of_each_key

        return last_of_each_key(it)

    def validity(self, column: Column) -> Array | None:
        """Which values of a column are there; None where it has none that may not be."""
        if column.validity is None:
            return None
        return self._view(column.validity, self.counts[column.space.index], DTYPES["C"])

    def _below(self, column: Column) -> list[Data]:
        return [self.data(child) for child in column.children if not child.is_hidden]

    def _view(self, place: int | None, count: int, dtype: np.dtype[Any]) -> Array:
        assert place is not None
        return self._whole[place : place + count * dtype.itemsize].view(dtype)


def names_of(column: Column) -> list[str]:
    """What the numbers of a column stand for, as far as is known: by place in a ONEOF, by number
    of an enum."""
    if column.shape is Shape.ONEOF:
        return [member.name for member in column.members]
    known = _known(column)
    return [known[number] for number in sorted(known)]


def _known(column: Column) -> dict[int, str]:
    """Names of an enum, by number; of those that have two the first."""
    field = column.field
    assert field is not None
    assert field.enum is not None
    known: dict[int, str] = {}
    for name, number in field.enum.values.items():
        known.setdefault(number, name)
    return known


def _name(it: Data) -> None:
    """Show the numbers of an enum by their names; those it does not know by their digits."""
    assert it.values is not None
    known = _known(it.column)
    numbers = np.array(sorted(known), "<i4")
    are_all = len(numbers) == numbers[-1] + 1 and numbers[0] == 0
    if are_all and it.values.view("<u4").max(initial=0) < len(numbers):
        it.names = [known[number] for number in numbers.tolist()]
        return
    places = np.minimum(np.searchsorted(numbers, it.values), len(numbers) - 1)
    is_unknown = numbers[places] != it.values
    if is_unknown.any():
        for number in np.unique(it.values[is_unknown]).tolist():
            known[number] = str(number)
        numbers = np.array(sorted(known), "<i4")
        places = np.searchsorted(numbers, it.values)
    it.names = [known[number] for number in numbers.tolist()]
    it.values = places.astype("<i4")


def _spell(it: Data) -> None:
    """Make text of bytes, of which there are few, each many times."""
    spelled = it.column.spelled
    assert spelled is not None
    assert it.values is not None
    assert it.offsets is not None
    data, ends = it.values.tobytes(), it.offsets.tolist()
    known: dict[bytes, bytes] = {}
    found = bytearray()
    offsets = [0]
    for begin, end in pairwise(ends):
        piece = data[begin:end]
        text = known.get(piece)
        if text is None:
            text = known[piece] = spelled(piece).encode()
        found += text
        offsets.append(len(found))
    it.values = np.frombuffer(bytes(found), np.uint8)
    it.offsets = np.array(offsets, it.offsets.dtype)


def _measure(it: Data) -> None:
    """Make one number, of nanoseconds, of seconds and nanoseconds."""
    seconds, nanos = (child.values for child in it.children)
    assert seconds is not None
    assert nanos is not None
    values = seconds * NANOSECONDS + nanos
    low, high = -(1 << 63) // NANOSECONDS + 1, (1 << 63) // NANOSECONDS - 1
    wrong = (seconds < low) | (seconds > high)
    if it.validity is not None:
        wrong &= it.validity == 1
    if wrong.any():
        raise OverflowError(
            f"{it.column.path} has {int(seconds[wrong][0])} seconds, which is too far away for "
            "64 bits of nanoseconds; read it with times=False"
        )
    it.values = values
    it.children = []

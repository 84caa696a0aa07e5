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

import numpy as np

from jitvm.guests.wire.columns import PAGE, Column, Shape, Tree, counted

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from numpy.typing import NDArray

    from jitvm.guests.wire.pool import OutputSpace

    Array = NDArray[Any]

DTYPES: dict[str, np.dtype[Any]] = {
    "g": np.dtype("<f8"), "f": np.dtype("<f4"), "l": np.dtype("<i8"), "L": np.dtype("<u8"),
    "i": np.dtype("<i4"), "I": np.dtype("<u4"), "b": np.dtype("?"), "c": np.dtype("u1"),
}  # fmt: skip
"""NumPy's types of fixed values, by format."""
NANOSECONDS = 1_000_000_000
"""Of a second."""
FEW = 16
"""Entries of a map up to which keys are compared with each other, not sorted."""


class Data:
    """The values of a column.

    Attributes:
        column: which.
        length: how many.
        validity: a byte each, 1 where the value is there; None where all are.
        offsets: BYTES, LIST, MAP: `length` + 1 of them; the first need not be 0.
        values: FIXED: numbers; BYTES: all bytes; where there are `names`, places in them.
        names: what numbers stand for: members of a ONEOF, values of an enum that is shown so.
        children: as those of the column; none where it is shown as a time. Made when asked for.
    """

    __slots__ = ("_children", "_make", "column", "length", "names", "offsets", "validity", "values")

    def __init__(
        self,
        column: Column,
        length: int,
        validity: Array | None = None,
        offsets: Array | None = None,
        values: Array | None = None,
        children: Sequence[Data] = (),
        make: Callable[[], Sequence[Data]] | None = None,
    ) -> None:
        self.column = column
        self.length = length
        self.validity = validity
        self.offsets = offsets
        self.values = values
        self.names: list[str] | None = None
        self._children = children
        self._make = make

    @property
    def children(self) -> Sequence[Data]:
        """Those of its children."""
        make = self._make
        if make is not None:
            self.children = make()
        return self._children

    @children.setter
    def children(self, children: Sequence[Data]) -> None:
        self._children = children
        self._make = None


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
            it.values = self._view(column.values, length, DTYPES["c"])
        elif column.width:
            it.values = self._view(column.values, length, DTYPES[column.format])
        if column.shape is Shape.ONEOF:
            assert it.values is not None
            it.validity = (it.values != 0).view(np.uint8)
            it.values = np.maximum(it.values, 1) - 1
            it.names = names_of(column)
        if column.shown_as == "names":
            _name(it)
        elif column.shown_as:
            _measure(it)
        return it if column.shape is not Shape.MAP else _last_of_each_key(it)

    def validity(self, column: Column) -> Array | None:
        """Which values of a column are there; None where it has none that may not be."""
        if column.validity is None:
            return None
        return self._view(column.validity, self.counts[column.space.index], DTYPES["c"])

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
    places = np.minimum(np.searchsorted(numbers, it.values), len(numbers) - 1)
    is_unknown = numbers[places] != it.values
    if is_unknown.any():
        for number in np.unique(it.values[is_unknown]).tolist():
            known[number] = str(number)
        numbers = np.array(sorted(known), "<i4")
        places = np.searchsorted(numbers, it.values)
    it.names = [known[number] for number in numbers.tolist()]
    it.values = places.astype("<i4")


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


# -- maps ----------------------------------------------------------------------------------------


def _last_of_each_key(map: Data) -> Data:
    """A map without the entries of which the key comes again in the same row."""
    assert map.offsets is not None
    lengths = np.diff(map.offsets)
    longest = int(lengths.max(initial=0))
    if longest < 2:
        return map
    entries = map.children[0]
    key = entries.children[0]
    rows = np.repeat(np.arange(map.length, dtype="<i4"), lengths)
    find = _found_among_few if longest <= FEW else _found_by_sorting
    doubles = find(key, rows, longest)
    lost = np.zeros(entries.length, bool)
    for earlier, later in doubles:
        if _key(key, earlier) == _key(key, later):
            lost[earlier] = True
    if not lost.any():
        return map
    before = np.concatenate(([0], np.cumsum(~lost)))
    offsets = before[map.offsets].astype(map.offsets.dtype)
    only = kept(entries, ~lost)
    return Data(map.column, map.length, map.validity, offsets, None, [only])


def _glances(key: Data) -> Array:
    """A few bits of each key, equal where keys are, and else mostly not: what is looked at first,
    because it takes little."""
    assert key.values is not None
    if key.offsets is None:
        return key.values
    if not len(key.values):
        return np.zeros(key.length, "<u4")
    lengths = np.diff(key.offsets).astype("<u4")
    first = key.values.take(key.offsets[:-1], mode="clip")
    last = key.values.take(key.offsets[1:] - 1, mode="clip")
    glances = lengths << np.uint32(16)
    glances |= first
    glances |= last.astype("<u4") << np.uint32(8)
    glances[lengths == 0] = 0
    return glances


def _digests(key: Data, places: Array) -> Array:
    """64 bits of some keys, equal where keys are, and seldom else."""
    assert key.values is not None
    if key.offsets is None:
        values = key.values[places]
        return values.view(f"u{values.itemsize}").astype("u8")
    starts, ends = key.offsets[places], key.offsets[places + 1]
    lengths = (ends - starts).astype("u8")
    padded = np.zeros(len(key.values) + 16, np.uint8)  # so that words behind the end can be read
    padded[8 : 8 + len(key.values)] = key.values
    words = np.ndarray((len(padded) - 7,), "<u8", padded, strides=(1,))
    bits = 8 * (8 - np.minimum(lengths, 8))
    is_empty = lengths == 0
    first = np.where(is_empty, 0, words[starts + 8] << bits)
    last = np.where(is_empty, 0, words[ends] >> bits)
    mixed: Array = (first * np.uint64(0x9E3779B97F4A7C15)) ^ (last * np.uint64(0xC2B2AE3D27D4EB4F))
    mixed ^= lengths << np.uint64(56)
    return mixed


def _found_among_few(key: Data, rows: Array, longest: int) -> list[tuple[int, int]]:
    """Pairs of entries of one row with equal digests, where rows have few."""
    found: list[tuple[int, int]] = []
    glances = _glances(key)
    for distance in range(1, longest):
        equal = (glances[distance:] == glances[:-distance]) & (rows[distance:] == rows[:-distance])
        places = np.flatnonzero(equal)
        if len(places):
            places = places[_digests(key, places) == _digests(key, places + distance)]
            found += [(at, at + distance) for at in places.tolist()]
    return found


def _found_by_sorting(key: Data, rows: Array, _: int) -> list[tuple[int, int]]:
    """The same where rows have many; each with the next of its digest."""
    digests = _digests(key, np.arange(key.length))
    order = np.lexsort((digests, rows))  # stable: those that are equal stay in their order
    digests, rows = digests[order], rows[order]
    equal = (digests[1:] == digests[:-1]) & (rows[1:] == rows[:-1])
    return [(int(order[at]), int(order[at + 1])) for at in np.flatnonzero(equal)]


def _key(key: Data, at: int) -> bytes:
    assert key.values is not None
    if key.offsets is None:
        return bytes(key.values[at : at + 1].tobytes())
    return bytes(key.values[key.offsets[at] : key.offsets[at + 1]].tobytes())


def kept(data: Data, mask: Array) -> Data:
    """The values for which a mask is true, and what is below them."""
    length = int(np.count_nonzero(mask))
    it = Data(data.column, length)
    it.names = data.names
    if data.validity is not None:
        it.validity = data.validity[mask]
    if data.offsets is None:
        if data.values is not None:
            it.values = data.values[mask]
        it.children = [kept(child, mask) for child in data.children]
        return it
    lengths = np.diff(data.offsets)
    offsets = np.concatenate(([0], np.cumsum(lengths[mask])))
    it.offsets = offsets.astype(data.offsets.dtype)
    inner = np.repeat(mask, lengths)
    first = int(data.offsets[0])
    if data.values is not None:
        it.values = data.values[first : first + len(inner)][inner]
    it.children = [kept(child, inner) for child in data.children]
    return it

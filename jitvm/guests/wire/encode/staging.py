"""Columns of a batch, laid out as the program that writes messages has them.

    Data ──steps──> a kernel, or NumPy ──> each buffer at its address, offsets from 0 on

Each buffer is copied to the address that it has in the layout: that costs little, as a batch is
small enough to stay in the processor's cache, from where the program takes it; and a program has no
more addresses to find than those it was made with, whoever the columns came from.

The kernel (`stage.ll`) does all copies of a batch in one call. Where there is no native code, or
not yet, NumPy does the same.
"""

from __future__ import annotations

import ctypes
import os
from array import array
from functools import cache

import numpy as np

from jitvm.engine.codegen.kernels import Kernels
from jitvm.guests.wire.buffers import PAGE
from jitvm.guests.wire.columns import Column, Shape, Tree
from jitvm.guests.wire.data import none_is_there
from jitvm.guests.wire.formats import DTYPES

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from jitvm.guests.wire.buffers import Layout
    from jitvm.guests.wire.data import Array, Data
    from jitvm.guests.wire.pool import OutputSpace

KERNELS = Kernels("wire-stage", os.path.join(os.path.dirname(__file__), "stage.ll"))
VALUES, NARROW, WIDE, ONES, ZEROS = range(5)
"""Kinds of steps: values, offsets of 32 and of 64 bits, presence of values that are all there,
presence and offsets of values of which none is."""


class TooMuch(Exception):
    """Rows that are too many for a batch, or have too much in them."""


class _Step:
    """A buffer to be filled.

    Attributes:
        kind: what with.
        source: values of all rows of a table; of ONES and ZEROS none.
        target: the buffer.
        range: index of the range of rows that is taken: that of a space, or of a string's bytes.
        inner: index of the range that offsets tell.
        capacity: values at most, of offsets one less than there are.
    """

    __slots__ = ("capacity", "inner", "kind", "range", "source", "target")

    def __init__(
        self, kind: int, source: Array, target: Array, range: int, capacity: int, inner: int = 0
    ) -> None:
        self.kind = kind
        self.source = source
        self.target = target
        self.range = range
        self.inner = inner
        self.capacity = capacity

    @property
    def words(self) -> tuple[int, ...]:
        """What the kernel is told."""
        size = self.target.itemsize if self.kind == ZEROS else self.source.itemsize
        return (
            self.kind, _address(self.source), _address(self.target), size,
            self.range, self.inner, self.capacity,
        )  # fmt: skip


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
        self._columns = tree.columns
        self._bytes = layout.bytes
        self._spaces = len(tree.spaces)
        self.counts = [0] * self._spaces
        self.texts = 0
        self._data: Data | None = None
        self._steps: list[_Step] = []
        self._kernel: Callable[[int, int, int], int] | None = None
        self._words = array("Q")
        texts = [column for column in tree.columns if column.shape is Shape.BYTES]
        self._text_ranges = {each.index: self._spaces + at for at, each in enumerate(texts)}
        self._ranges = array("q", bytes(16 * (self._spaces + len(texts))))
        self._place = self._ranges.buffer_info()[0]
        whole = np.frombuffer(memoryview(space.buffer(0, space.size & -PAGE)).cast("B"), np.uint8)
        self._buffers: list[tuple[Array | None, Array | None, Array | None]] = []
        for column in tree.columns:
            capacity = column.space.capacity
            dtype = DTYPES.get(column.format, DTYPES["C"])
            is_text = column.shape is Shape.BYTES
            self._buffers.append((
                _view(whole, column.validity, capacity, DTYPES["C"]),
                _view(whole, column.offsets, capacity + 1, np.dtype("<i4")),
                _view(whole, column.values, layout.bytes if is_text else capacity, dtype),
            ))  # fmt: skip

    def put(self, data: Data, first: int, count: int) -> None:
        """Put some rows of a table here; it is held on to until `let_go`.

        Raises:
            TooMuch: they do not fit.
        """
        if data is not self._data:
            self._data, self._steps = data, []
            self._kernel = _kernel()
            self._ranges[:] = array("q", bytes(8 * len(self._ranges)))
            self._add(data)
            self._words = array("Q", [word for step in self._steps for word in step.words])
        self._ranges[0], self._ranges[1] = first, count
        if self._kernel is None:
            self._take()
        else:
            address, done = self._words.buffer_info()[0], len(self._steps)
            if self._kernel(address, done, self._place) < done:
                raise TooMuch
        rows = self._ranges[1::2].tolist()
        self.counts = rows[: self._spaces]
        self.texts = sum(rows[self._spaces :])

    def let_go(self) -> None:
        """Hold on to no table."""
        self._data, self._steps = None, []

    def _add(self, data: Data) -> None:
        """Add the steps of a column, and of those below it."""
        column = self._columns[data.column.index]
        validity, offsets, values = self._buffers[column.index]
        space, capacity = column.space.index, column.space.capacity
        if none_is_there(data.length, data.validity):
            for target in (validity, offsets):
                if target is not None:
                    self._steps.append(_Step(ZEROS, _NOTHING, target, space, capacity))
            return
        if validity is not None and column.parent is not None:
            if data.validity is None:
                self._steps.append(_Step(ONES, _NOTHING, validity, space, capacity))
            else:
                given = _like(data.validity, validity)
                self._steps.append(_Step(VALUES, given, validity, space, capacity))
        if offsets is not None:
            assert data.offsets is not None
            kind = NARROW if data.offsets.dtype.itemsize == 4 else WIDE
            ends = np.ascontiguousarray(data.offsets, "<i4" if kind == NARROW else "<i8")
            self._steps.append(_Step(kind, ends, offsets, space, capacity, self._inner(column)))
        if column.shape is Shape.BYTES:
            space, capacity = self._inner(column), self._bytes
        if values is not None:
            assert data.values is not None
            self._steps.append(_Step(VALUES, _like(data.values, values), values, space, capacity))
        for child in data.children:
            self._add(child)

    def _inner(self, column: Column) -> int:
        """The range of what a column's offsets count."""
        if column.shape is Shape.BYTES:
            return self._text_ranges[column.index]
        return column.children[0].space.index

    def _take(self) -> None:
        """What the kernel does."""
        for step in self._steps:
            first, count = self._ranges[2 * step.range : 2 * step.range + 2]
            if count > step.capacity:
                raise TooMuch
            if step.kind == ONES:
                step.target[:count] = 1
            elif step.kind == ZEROS:
                step.target[: count + 1] = 0
            elif step.kind == VALUES:
                step.target[:count] = step.source[first : first + count]
            else:
                ends = step.source[first : first + count + 1]
                base = int(ends[0])
                step.target[: count + 1] = ends - base
                self._ranges[2 * step.inner] = base
                self._ranges[2 * step.inner + 1] = int(ends[-1]) - base


_NOTHING = np.zeros(0, np.uint8)


def _kernel() -> Callable[[int, int, int], int] | None:
    address = KERNELS.address("stage")
    return None if address is None else _callable(address)


@cache
def _callable(address: int) -> Callable[..., Any]:
    """The kernel for Python."""
    word, pointer = ctypes.c_int64, ctypes.c_void_p
    return ctypes.CFUNCTYPE(word, pointer, word, pointer)(address)


def _address(values: Array) -> int:
    found: int = values.__array_interface__["data"][0]
    return found


def _like(values: Array, target: Array) -> Array:
    """Values of the type of a buffer."""
    return np.ascontiguousarray(values, target.dtype)


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

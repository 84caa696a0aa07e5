"""Values of different lengths in bulk: bytes side by side, and how many each row has.

    Ragged   data     b"\\x02a\\x04bc..."     all bytes
             lengths  [2, 3, ...]            of each row

Records are written column by column: each becomes a Ragged, those of a record are put together row
by row, those of a list element by element.
"""

from __future__ import annotations

import numpy as np

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Sequence

    from jitvm.guests.wire.data import Array

_GROUPS = 10
"""Bytes of the longest varint."""


class Ragged:
    """Bytes of rows.

    Attributes:
        data: uint8.
        lengths: int64, of each row.
    """

    __slots__ = ("data", "lengths")

    def __init__(self, data: Array, lengths: Array) -> None:
        self.data = data
        self.lengths = lengths

    @property
    def offsets(self) -> Array:
        """Where rows begin, and the last one ends."""
        return np.concatenate(([0], np.cumsum(self.lengths)))

    def only(self, there: Array) -> Ragged:
        """Rows without bytes where they are not there (a byte each)."""
        keep = there != 0
        return Ragged(self.data[np.repeat(keep, self.lengths)], self.lengths * keep)

    def grouped(self, offsets: Array) -> Ragged:
        """Rows of lists whose elements these are: `offsets` say which are whose."""
        return Ragged(self.data, np.diff(self.offsets[offsets]))


def nothing(rows: int) -> Ragged:
    """Rows of no bytes."""
    return Ragged(np.zeros(0, np.uint8), np.zeros(rows, np.int64))


def fixed(values: Array) -> Ragged:
    """Values as they lie in memory."""
    size = values.dtype.itemsize
    data = np.ascontiguousarray(values).view(np.uint8).reshape(-1)
    return Ragged(data, np.full(len(values), size, np.int64))


def constant(data: bytes, rows: int) -> Ragged:
    """The same bytes in each row."""
    piece = np.frombuffer(data, np.uint8)
    return Ragged(np.tile(piece, rows), np.full(rows, len(data), np.int64))


def varints(values: Array) -> Ragged:
    """Whole numbers as zigzag varints."""
    numbers = values.astype(np.int64, copy=False)
    words = ((numbers << 1) ^ (numbers >> 63)).view(np.uint64)
    lengths = np.ones(len(words), np.int64)
    most = int(words.max(initial=0))
    count = max(-(-most.bit_length() // 7), 1)
    for group in range(1, count):
        lengths += words >= np.uint64(1 << 7 * group)
    if count == 1:
        return Ragged(words.astype(np.uint8), lengths)
    groups = np.empty((len(words), count), np.uint8)
    for group in range(count):
        groups[:, group] = (words >> np.uint64(7 * group)).astype(np.uint8) & 0x7F
    places = np.arange(count)
    groups |= (places < lengths[:, None] - 1).astype(np.uint8) << 7
    return Ragged(groups[places < lengths[:, None]], lengths)


def joined(parts: Sequence[Ragged], rows: int) -> Ragged:
    """Rows of all parts, one behind the other."""
    parts = [part for part in parts if len(part.data)]
    if not parts:
        return nothing(rows)
    if len(parts) == 1:
        return parts[0]
    lengths = np.sum([part.lengths for part in parts], axis=0)
    begins = np.cumsum(lengths) - lengths
    data = np.empty(int(lengths.sum()), np.uint8)
    for part in parts:
        if len(part.data) == len(part.lengths) and (part.lengths == 1).all():
            data[begins] = part.data
        else:
            ends = np.cumsum(part.lengths)
            shifts = begins - (ends - part.lengths)
            data[np.repeat(shifts, part.lengths) + np.arange(len(part.data))] = part.data
        begins = begins + part.lengths
    return Ragged(data, lengths)

"""Which rows of a batch have strings that are not valid UTF-8, however deep in lists they are."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Sequence

    from jitvm.guests.wire.columns import Column
    from jitvm.guests.wire.data import Array
    from jitvm.guests.wire.pool import OutputSpace


def wrong_rows(
    counts: list[int], texts: Sequence[Column], out: OutputSpace, *, are_replaced: bool
) -> list[int]:
    """Rows of the root with wrong strings, in order.

    Args:
        counts: rows of each space of the tree.
        texts: columns to be looked at.
        out: where they lie; offsets have 32 bits.
        are_replaced: whether question marks are put in the place of wrong strings.
    """
    found: set[int] = set()
    for column in texts:
        assert column.offsets is not None
        assert column.values is not None
        count = counts[column.space.index]
        ends = _offsets(column, count, out)
        data = np.frombuffer(out.buffer(column.values, int(ends[-1])), np.uint8)
        for place, (first, last) in enumerate(pairwise(ends.tolist())):
            piece = data[first:last]
            if _is_text(piece):
                continue
            if are_replaced:
                piece[:] = ord("?")
            found.add(_root(column, place, counts, out))
    return sorted(found)


def _is_text(piece: Array) -> bool:
    try:
        str(piece.data, "utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _root(column: Column, row: int, counts: list[int], out: OutputSpace) -> int:
    """The row of the root that a row of a column belongs to."""
    by = column.space.counted_by
    while by is not None:
        ends = _offsets(by, counts[by.space.index], out)
        row = int(ends.searchsorted(row, "right")) - 1
        by = by.space.counted_by
    return row


def _offsets(column: Column, count: int, out: OutputSpace) -> Array:
    assert column.offsets is not None
    return np.frombuffer(out.buffer(column.offsets, 4 * (count + 1)), "<u4")

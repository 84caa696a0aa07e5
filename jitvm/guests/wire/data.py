"""The values of a column as NumPy arrays, with those of the columns below it."""

from __future__ import annotations

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from numpy.typing import NDArray

    from jitvm.guests.wire.columns import Column

    Array = NDArray[Any]


def none_is_there(length: int, validity: Array | None) -> bool:
    """Whether so many values are all null, or there are none."""
    return not length or (validity is not None and not validity.any())


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

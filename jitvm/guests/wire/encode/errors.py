"""What is said of values that no message can have."""

from __future__ import annotations

from jitvm.guests.wire.faults import ABOUT_MISFITS, Misfit

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from typing import Any


class Refusal:
    """A value that cannot be written.

    Attributes:
        row: its place among the rows that were given, from 0.
        path: the field, as ``"attrs.key"``; "" for the message itself.
        misfit: what is wrong, a row of `jitvm.guests.wire.faults.Misfit`.
    """

    __slots__ = ("misfit", "path", "row")

    def __init__(self, row: int, path: str, misfit: Misfit) -> None:
        self.row = row
        self.path = path
        self.misfit = misfit

    @property
    def reason(self) -> str:
        """What is wrong, in words."""
        return ABOUT_MISFITS[self.misfit]

    def __str__(self) -> str:
        where = f", field {self.path}" if self.path else ""
        return f"row {self.row}{where}: {self.reason}"

    def __repr__(self) -> str:
        return f"Refusal({self!s})"


class EncodeError(ValueError):
    """Rows that cannot be written; nothing of what they were given with is.

    Attributes:
        error: the first such row, and what is wrong with it.
    """

    def __init__(self, error: Refusal) -> None:
        super().__init__(str(error))
        self.error = error

    def __reduce__(self) -> tuple[Any, ...]:
        return EncodeError, (self.error,)

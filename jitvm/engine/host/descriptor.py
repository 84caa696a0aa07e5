"""Descriptors that are kept for long, told from others' of the same number.

Who makes a daemon of a process closes all descriptors there are (`os.closerange`), those of
libraries with them, and the numbers go to the files that are opened next. Who then writes to one,
or closes it, does so to somebody's log. So a number is asked what it is of, before each use.
"""

from __future__ import annotations

import os


class Descriptor:
    """An open file.

    Args:
        number: of the descriptor, which is closed by `close` only.

    Attributes:
        number: as given.
    """

    __slots__ = ("_file", "number")

    def __init__(self, number: int) -> None:
        self.number = number
        self._file = _file_of(number)

    @property
    def is_open(self) -> bool:
        """Whether the number is still of what was opened."""
        try:
            return _file_of(self.number) == self._file
        except OSError:
            return False

    def close(self) -> None:
        """Give it back, if it is still ours."""
        if self.is_open:
            os.close(self.number)
        self.number = -1


def _file_of(number: int) -> tuple[int, int]:
    status = os.fstat(number)
    return status.st_dev, status.st_ino

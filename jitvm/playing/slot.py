"""Where the states are that a user saves and loads by a key while a program is played."""

from __future__ import annotations

import os

from jitvm.platform.computer import file_stem

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from jitvm.platform.computer import Computer

    Outcome = TypeVar("Outcome")

SUFFIX = ".state"


class Slot:
    """A file for one computer's states.

    Args:
        computer: whose states they are.
        path: of the file; None for one in the current folder that is named after the program. Only
            that is never put in place of something else.
        source: what is loaded until something was saved; None for the file.

    Attributes:
        input_taken: bytes of standard input that the program was given, if somebody reads ahead.
    """

    def __init__(
        self, computer: Computer, path: str | None = None, source: str | None = None
    ) -> None:
        self._computer = computer
        self._is_named = path is not None
        stem = file_stem(computer.name, computer.machine.guest.name)
        self._path = path or f"{stem}{SUFFIX}"
        self._source = source or self._path
        self.input_taken: int | None = None

    def save(self) -> str:
        """Save the computer's state; the file's name.

        Raises:
            StateError: it cannot be saved, or would replace something else.
            OSError: the file cannot be written.
        """
        from jitvm.platform.states import file

        if not self._is_named and os.path.lexists(self._path):
            file.read(self._path, self._computer)
        file.write(self._path, self._computer, self.input_at)
        self._source = self._path
        return self._path

    def load(self) -> str:
        """Have the computer go on from what was saved; the file's name.

        Raises:
            StateError: there is nothing, or not of this program; the computer is as it was.
        """
        from jitvm.platform.states import file

        file.load(self._source, self._computer)
        return self._source

    @property
    def input_at(self) -> int | None:
        """How far standard input was read, if it is a file."""
        return None

    def end(self) -> None:
        """The run is over, and nothing is closed yet."""

    def around(self, live: Callable[[], Outcome]) -> Outcome:
        """Do what runs the computer, then `end`, also where it was interrupted."""
        try:
            outcome = live()
        except KeyboardInterrupt:
            self.end()
            raise
        self.end()
        return outcome

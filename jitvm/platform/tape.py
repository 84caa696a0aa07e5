"""What comes into a computer from outside, apart from a user's input: to be had again.

A clock and files answer a program, and the same program with the same answers does the same. A
computer whose devices ask the host has a tape that notes the answers (`Computer.tape`):

    tape = computer.tape()      before it has run; from now on it is between devices and host
    mark = tape.mark()          how far it has got
    tape.wind(mark, restore)    `restore` puts the computer back; what was answered from there on is
                                answered again
    tape.cut()                  what was answered from here on is forgotten: the host is asked
"""

from __future__ import annotations

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable


class Tape:
    """The tape of a computer that nothing comes into: nothing is on it."""

    def mark(self) -> int:
        """How many answers were given up to now."""
        return 0

    @property
    def is_at_end(self) -> bool:
        """Whether the host is asked next."""
        return True

    def wind(self, mark: int, restore: Callable[[], object]) -> None:
        """Put the computer back to a mark; the answers after it are given again."""
        del mark
        restore()

    def cut(self) -> None:
        """Forget the answers after this one: something was changed, and others may be right."""

"""What comes before input and frames: the reset vector, then the command line."""

from __future__ import annotations

from jitvm.guest.numbers import whole
from jitvm.guests.uxn.varvara.console import argument_events
from jitvm.guests.uxn.varvara.program import PROGRAM_START

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterator

    from jitvm.guests.uxn.varvara.console import Console

    BootState = tuple[tuple[bytes, ...], int, bool]


class Booting:
    """The vectors that boot a computer, one after the other; it can be begun in the middle.

    Args:
        console: which the command line is handed to.
        arguments: the command line.
        begun: how many vectors have begun.
        is_over: whether none is left.

    Attributes:
        begun, is_over: as given, and as they become.
        vectors: those that are left.
    """

    def __init__(
        self,
        console: Console,
        arguments: tuple[bytes, ...] = (),
        begun: int = 0,
        *,
        is_over: bool = False,
    ) -> None:
        self._console = console
        self._arguments = arguments
        self.begun = begun
        self.is_over = is_over
        self.vectors = self._vectors()

    def _vectors(self) -> Iterator[int]:
        if self.is_over:
            return
        if self.begun == 0:
            self.begun = 1
            yield PROGRAM_START
        if self.begun > 1 or self._console.vector:
            events = [
                (kind, data[i : i + 1])
                for kind, data in argument_events(self._arguments)
                for i in range(len(data))
            ]
            for kind, byte in events[self.begun - 1 :]:
                self.begun += 1
                yield from self._console.events(kind, byte)
        self.is_over = True

    def snapshot(self) -> BootState:
        """The command line, and how far it is."""
        return self._arguments, self.begun, self.is_over

    def restored(self, state: BootState) -> Booting:
        """What is as far as a state.

        Raises:
            ValueError, TypeError: it is no such state.
        """
        arguments, begun, is_over = state
        return Booting(
            self._console,
            tuple(bytes(memoryview(argument)) for argument in arguments),
            whole("number of vectors", begun),
            is_over=bool(is_over),
        )

"""Several listeners on one machine, which has room for one: each passes events on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from jitvm.engine.events import Event, Listener
    from jitvm.engine.machine import Machine


class Listening:
    """Has a listener told of a machine's events, for a ``with`` block or from `begin` to `end`.

    Whoever listened before goes on listening. Those that begin later must end earlier.
    """

    def __init__(self, machine: Machine, listener: Listener) -> None:
        self._machine = machine
        self._own = listener
        self._other: Listener | None = None

    def __enter__(self) -> Self:
        self.begin()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    def begin(self) -> None:
        """Listen."""
        self._other = self._machine.listener
        self._machine.listen(self._own if self._other is None else self._both)

    def end(self) -> None:
        """Listen no more."""
        self._machine.listen(self._other)

    def _both(self, event: Event) -> None:
        self._own(event)
        if self._other is not None:
            self._other(event)

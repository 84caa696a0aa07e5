"""Several listeners on one machine, which has room for one: each passes events to the next."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jitvm.engine.machine.inspect import Machine
    from jitvm.engine.tables.events import Event, Listener


@contextmanager
def listening(machine: Machine, listener: Listener) -> Iterator[None]:
    """Pass a machine's events to a listener during a ``with`` block.

    Whoever listened before goes on listening. Those that begin later must end earlier.
    """
    other = machine.listener

    def both(event: Event) -> None:
        listener(event)
        if other is not None:
            other(event)

    machine.listen(listener if other is None else both)
    try:
        yield
    finally:
        machine.listen(other)

"""A device that only tells: something happens to it, and the program's vector runs."""

from __future__ import annotations

from jitvm.engine.machine.machine import Machine


class Listener:
    """The vector of such a device, latched when its low byte is written.

    Attributes:
        vector: where events go; 0 for nowhere.
    """

    def __init__(self, machine: Machine, port: int) -> None:
        self._page = machine.page
        self._port = port
        self.vector = 0
        machine.on_write(port + 1, self._latch)

    def reset(self) -> None:
        """Forget the vector; the ports are the machine's to clear."""
        self.vector = 0

    def _latch(self, low: int) -> None:
        self.vector = self._page[self._port] << 8 | low

"""Devices for comparing tiers: traffic in its order, and stack pointers that a guest can set."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from jitvm.engine.machine.machine import Machine


class PortLog:
    """Devices of one machine.

    Attributes:
        rows: port, byte, and the stack pointers when it passed, of everything noted so far.
    """

    def __init__(self, machine: Machine) -> None:
        self.rows: list[tuple[int, int, tuple[int, ...]]] = []
        self._machine = machine

    def note(self, port: int, byte: int) -> None:
        """Add a row."""
        self.rows.append((port, byte, tuple(self._machine.state.pointers)))

    def watch(self, ports: Sequence[int]) -> None:
        """Note what is written to some ports."""
        for port in ports:
            self._machine.on_write(port, self._noter(port))

    def _noter(self, port: int) -> Callable[[int], None]:
        return lambda byte: self.note(port, byte)

    def connect_pointers(self, ports: Sequence[int]) -> None:
        """Have a port for each stack read and set its pointer."""
        for stack, port in enumerate(ports):
            self._machine.on_read(port, self._reader(stack))
            self._machine.on_write(port, self._setter(stack))

    def _reader(self, stack: int) -> Callable[[], int]:
        return lambda: self._machine.state.pointers[stack]

    def _setter(self, stack: int) -> Callable[[int], None]:
        def write(byte: int) -> None:
            self._machine.state.pointers[stack] = byte

        return write

"""Devices: what a machine's ports lead to, one class each, and the list that a computer keeps.

    class Buzzer(Device):
        ports = range(0x30, 0x38)

        def __init__(self, machine: Machine) -> None:
            machine.on_write(0x30, self._start)

    self.buzzer = self.devices.connect(Buzzer(machine))      a row in the computer

A new device is such a file and such a row: the computer then resets it, closes it, and includes its
state in snapshots. Ports keep the bytes that were written to them; those belong to the machine,
which the computer clears before its devices and restores after them.
"""

from __future__ import annotations

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, TypeVar

    from jitvm.engine.machine.machine import Machine

    Each = TypeVar("Each", bound="Device")


class Device:
    """A device on some ports. One without state of its own needs only `ports`.

    Attributes:
        ports: the ports it answers.
    """

    ports: range = range(0)

    def reset(self) -> None:
        """Return to the state in a new computer; the ports are cleared already."""

    def close(self) -> None:
        """Close files and stop sounds; the computer can still be used."""

    def snapshot(self) -> Any:
        """A copy of its state, independent of the device: comparable, and can be pickled."""
        return None

    def restore(self, state: Any) -> None:
        """Restore a state that `snapshot` of any such device returned; ports are restored later."""


class Listener(Device):
    """A device that only raises events: each runs the program's vector.

    The vector is a big-endian word at its first port, latched when the low byte is written.

    Attributes:
        vector: the address that events run; 0 for none.
    """

    def __init__(self, machine: Machine) -> None:
        self._page = machine.page
        self.vector = 0
        machine.on_write(self.ports.start + 1, self._latch)

    def reset(self) -> None:
        """Forget the vector."""
        self.vector = 0

    def snapshot(self) -> int:
        """The vector."""
        return self.vector

    def restore(self, state: int) -> None:
        """Put it back."""
        self.vector = state

    def _latch(self, low: int) -> None:
        self.vector = self._page[self.ports.start] << 8 | low


class Devices:
    """The devices of one computer, in the order of their rows."""

    def __init__(self) -> None:
        self._all: list[Device] = []

    def __iter__(self) -> Iterator[Device]:
        return iter(self._all)

    def connect(self, device: Each) -> Each:
        """Add a device, and give it back.

        Raises:
            ValueError: another one has some of its ports.
        """
        for other in self._all:
            low = max(device.ports.start, other.ports.start)
            if low < min(device.ports.stop, other.ports.stop):
                names = type(other).__name__, type(device).__name__
                raise ValueError(f"port {low:#04x} belongs to {names[0]} and to {names[1]}")
        self._all.append(device)
        return device

    def reset(self) -> None:
        """All of them are as in a new computer."""
        for device in self._all:
            device.reset()

    def close(self) -> None:
        """All of them let go."""
        for device in self._all:
            device.close()

    def snapshot(self) -> tuple[Any, ...]:
        """Their states, in order."""
        return tuple(device.snapshot() for device in self._all)

    def restore(self, states: tuple[Any, ...]) -> None:
        """Put states back, of this computer or another one with the same devices."""
        for device, state in zip(self._all, states, strict=True):
            device.restore(state)

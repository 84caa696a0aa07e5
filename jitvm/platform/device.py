"""Devices: what a machine's ports lead to, one class each, and the list that a computer keeps.

    class Buzzer(Device):
        ports = range(0x30, 0x38)

        def __init__(self, machine: Machine) -> None:
            machine.on_write(0x30, self._start)

    self.buzzer = self.devices.connect(Buzzer(machine))      a row in the computer

A new device is such a file and such a row: the computer then resets it, closes it, and includes its
state in snapshots and saved states. Ports keep the bytes that were written to them; those belong to
the machine, which the computer clears before its devices and restores after them.
"""

from __future__ import annotations

from jitvm.guest.numbers import whole

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, TypeVar

    from jitvm.engine.machine.machine import Machine

    Each = TypeVar("Each", bound="Device")
    Plain = Any
    """What can be written to a file: None, bool, int, float, str, bytes, and tuples of these."""

WORD = 0xFFFF


class StateError(ValueError):
    """A state that cannot be taken, saved, read or put back; the message says why."""


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

    def snapshot(self) -> Plain:
        """A copy of its state, independent of the device: None, numbers, text, bytes, and tuples of
        these."""
        return None

    def restore(self, state: Plain) -> None:
        """Restore a state that `snapshot` of any such device returned; ports are restored later.

        It may come from a file that somebody has changed, so whatever could lead out of the guest's
        memory is looked at.

        Raises:
            StateError: it cannot be had again, such as a file that was open.
            ValueError, TypeError: it is no such state.
        """


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
        self.vector = whole("vector", state, 0, WORD)

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

    def snapshot(self) -> tuple[Plain, ...]:
        """Their states, in order."""
        return tuple(device.snapshot() for device in self._all)

    def restore(self, states: tuple[Plain, ...]) -> None:
        """Put states back, of this computer or another one with the same devices.

        Raises:
            StateError: the first one's; all others are put back.
            ValueError, TypeError: as for `Device.restore`.
        """
        failure: StateError | None = None
        for device, state in zip(self._all, states, strict=True):
            try:
                device.restore(state)
            except StateError as error:
                failure = failure or error
        if failure is not None:
            raise failure

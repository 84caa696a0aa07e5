"""The Console device, ports 10 to 1f.

    10* vector   latched when the low byte is written
    12  read     the byte of an event
    17  type     the type of the byte: see `Type`; at the start, 1 if there are arguments
    18  write    to standard output      19 error   to standard error
    1a 1b        as two hexadecimal digits to standard error

Written bytes are collected in the machine's output ring (see `output`), and events of standard
input are raised by the machine's own loop: neither needs a Python call per byte.
"""

from __future__ import annotations

from jitvm.engine.machine.machine import Machine
from jitvm.guest.light import IntEnum
from jitvm.platform.device import Device
from jitvm.platform.output import Output

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

VECTOR = 0x10
READ = 0x12
TYPE = 0x17
WRITE = 0x18
ERROR = 0x19
HEX = (0x1A, 0x1B)

END_BYTE = b"\0"
"""The byte of the end-of-input event."""


class Type(IntEnum):
    """What the byte of a console event is."""

    NONE = 0
    STDIN = 1
    ARGUMENT = 2
    SEPARATOR = 3
    END = 4


class Console(Device):
    """Connects the Console ports of a machine; its vector is the machine's.

    Attributes:
        on_vector: called when the program sets one.
    """

    ports = range(0x10, 0x20)

    def __init__(self, machine: Machine, output: Output) -> None:
        self._machine = machine
        self._output = output
        self.on_vector: Callable[[], None] | None = None
        machine.on_write(VECTOR + 1, self._latch)
        for port in HEX:
            machine.on_write(port, self._hex)

    @property
    def vector(self) -> int:
        """Where events go; 0 for nowhere."""
        return self._machine.vector

    def events(self, kind: Type, data: bytes) -> Iterator[int]:
        """Bytes come, one event each; as an iterator of vectors to run (see `evaluator`)."""
        for byte in data:
            self._machine.page[READ] = byte
            self._machine.page[TYPE] = kind
            yield self.vector

    def _latch(self, low: int) -> None:
        self._machine.vector = self._machine.page[VECTOR] << 8 | low
        if self.on_vector is not None:
            self.on_vector()

    def _hex(self, byte: int) -> None:
        self._output.message(f"{byte:02x}")


def argument_events(arguments: tuple[bytes, ...]) -> list[tuple[Type, bytes]]:
    """The events that hand over a command line, as runs of bytes of one type."""
    events: list[tuple[Type, bytes]] = []
    for index, argument in enumerate(arguments, 1):
        last = index == len(arguments)
        events.append((Type.ARGUMENT, argument))
        events.append((Type.END if last else Type.SEPARATOR, b"\n"))
    return events

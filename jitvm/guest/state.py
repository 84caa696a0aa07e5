"""The visible state of one machine, shared by every tier and by the devices.

    State.spaces[i], State.stacks[i]   writable memoryviews of bytes (zero-copy on native memory);
                                       of a window what it shows, read only
    State.pointers[i]                  stack pointers, 0 .. size-1
    State.pc                           program counter
    State.reason, State.place          what the guest's last `stop` gave; 0 since a run began
    Ports.page                         256 bytes, what a port without a device remembers
    Ports.readers / Ports.writers      host functions by port

While native code runs, pointers live in registers; they are copied here before a host function
is called and taken from here after it, so a device may read and set them.
"""

from __future__ import annotations

from jitvm.guest.light import IntEnum

TYPE_CHECKING = False  # known to type checkers; `typing` and `dataclasses` cost 15 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable

    Reader = Callable[[], int]
    Writer = Callable[[int], None]


class Stop(IntEnum):
    """Why a run came back."""

    HALT = 0
    """The guest executed an instruction that halts; `pc` is where it would have continued."""
    BUDGET = 1
    """The instruction budget is used up; `pc` is the next instruction, nothing is lost."""
    INTERRUPT = 2
    """Somebody called `interrupt`; `pc` is the next instruction, nothing is lost."""


class Ports:
    """Byte ports: a page of remembered values, and host functions for some of them.

    `collected` are those whose writer only gathers output: it looks at nothing else. `quiet` are
    those whose writer looks at memory and ports only, and changes nothing but ports.
    """

    __slots__ = ("collected", "page", "quiet", "readers", "writers")

    def __init__(self, page: memoryview) -> None:
        self.page = page
        self.readers: dict[int, Reader] = {}
        self.writers: dict[int, Writer] = {}
        self.collected: set[int] = set()
        self.quiet: set[int] = set()

    def connected(self) -> list[list[int]]:
        """Numbers of all that compiled code depends on: of ports with readers, with writers,
        collected, and quiet."""
        return [sorted(each) for each in (self.readers, self.writers, self.collected, self.quiet)]

    def read(self, port: int) -> int:
        """Ask the device on a port, or the page where there is none."""
        reader = self.readers.get(port)
        return self.page[port] if reader is None else reader() & 0xFF

    def write(self, port: int, byte: int) -> None:
        """Remember a byte, then let the device on the port act."""
        self.page[port] = byte
        writer = self.writers.get(port)
        if writer is not None:
            writer(byte)


class State:
    """Registers and memories of one machine; see the head of this file."""

    __slots__ = ("pc", "place", "pointers", "ports", "reason", "spaces", "stacks")

    def __init__(
        self,
        spaces: tuple[memoryview, ...],
        stacks: tuple[memoryview, ...],
        ports: Ports,
        pointers: list[int],
        pc: int = 0,
    ) -> None:
        self.spaces = spaces
        self.stacks = stacks
        self.ports = ports
        self.pointers = pointers
        self.pc = pc
        self.reason = self.place = 0

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
    BREAK = 8
    """The next instruction, at `pc`, is one to stop at (`Machine.break_at`), or a function that was
    told of the last one asked to stop (`Machine.break_here`); nothing is lost."""


class Ports:
    """Byte ports: a page of remembered values, and host functions for some of them.

    `collected` are those whose writer only gathers output: it looks at nothing else. `quiet` are
    those whose writer looks at memory and ports only, and changes nothing but ports.
    `watched_reads` and `watched_writes` are those of which `told` is called after each access, with
    the port, the byte, and whether it was written.
    """

    __slots__ = (
        "collected", "page", "quiet", "readers", "told", "watched_reads", "watched_writes",
        "writers",
    )  # fmt: skip

    def __init__(self, page: memoryview) -> None:
        self.page = page
        self.readers: dict[int, Reader] = {}
        self.writers: dict[int, Writer] = {}
        self.collected: set[int] = set()
        self.quiet: set[int] = set()
        self.watched_reads: frozenset[int] = frozenset()
        self.watched_writes: frozenset[int] = frozenset()
        self.told: Callable[[int, int, bool], object] | None = None

    def connected(self) -> list[list[int]]:
        """Numbers of all that compiled code depends on: of ports with readers, with writers,
        collected, and quiet."""
        return [sorted(each) for each in self.kinds()]

    def kinds(self) -> tuple[frozenset[int], frozenset[int], frozenset[int], frozenset[int]]:
        """Ports that are read and written through functions, those that only gather, and those
        that are quiet; a port that is watched is read, or written, through a function."""
        reads, writes = self.watched_reads, self.watched_writes
        return (
            reads.union(self.readers),
            writes.union(self.writers),
            frozenset(self.collected - writes),
            frozenset(self.quiet - writes),
        )

    def is_read_from(self, port: int) -> bool:
        """Whether a function answers reads of a port, or is told of them."""
        return port in self.readers or port in self.watched_reads

    def is_written_to(self, port: int) -> bool:
        """Whether a function acts on writes to a port, or is told of them."""
        return port in self.writers or port in self.watched_writes

    def read(self, port: int) -> int:
        """Ask the device on a port, or the page where there is none."""
        reader = self.readers.get(port)
        byte = self.page[port] if reader is None else reader() & 0xFF
        if port in self.watched_reads and self.told is not None:
            self.told(port, byte, False)
        return byte

    def write(self, port: int, byte: int) -> None:
        """Remember a byte, then let the device on the port act."""
        self.page[port] = byte
        self.written(port, byte)

    def written(self, port: int, byte: int) -> None:
        """Let the device on a port act on a byte that was written."""
        writer = self.writers.get(port)
        try:
            if writer is not None:
                writer(byte)
        finally:
            if port in self.watched_writes and self.told is not None:
                self.told(port, byte, True)


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

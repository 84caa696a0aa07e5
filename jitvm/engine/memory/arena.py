"""Executable memory of the process, written through one mapping and executed through another.

    memory             [ handlers | region | region | free | ... ]
    writable view       ^ host writes here, never executed
    executable view     ^ code runs here, never written

Two views of one memory keep every page either writable or executable (W^X), and let code be freed
and patched at any time: no activation of it can be on a stack, since native code only makes tail
calls. A freed span may still be executing on another thread for a moment, so `free` is for spans
that can no longer be entered and whose machine has stopped.

Reserving addresses costs nothing, but if they are limited (``ulimit -v``) the arena takes fewer,
and a reservation that is refused is retried in smaller pieces.

Spans are allocated first-fit from a list of free ranges, and neighbours are merged; each is 64-byte
aligned.
"""

from __future__ import annotations

import errno
import os

from jitvm.engine.host.addresses import address_limit
from jitvm.engine.host.foreign import Word, function, memory
from jitvm.engine.host.notes import note
from jitvm.engine.host.process import SHARED, ModuleLock
from jitvm.engine.host.unpatched import allocate_lock
from jitvm.engine.memory.block import (
    PROT_EXEC,
    PROT_READ,
    BlockError,
    Mapping,
    anonymous_file,
    temporary_file,
)

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    Range = tuple[int, int]

# Of the process, whose machines share one arena: no limits of one machine's JIT (`params`).
SIZE = 256 << 20
"""Bytes of addresses that are reserved for machine code."""
SMALLER = (64 << 20, 16 << 20, 4 << 20, 1 << 20)
"""Sizes to try if there is not as much, the largest first."""
_PART = 16
"""Of a limited number of addresses, an arena takes no more than one in so many, twice."""
ALIGNMENT = 64


class ArenaFull(MemoryError):
    """No room for more code; machines keep interpreting."""


class Span:
    """Installed code: where it runs and how long it is, in bytes. It stays until it is freed."""

    __slots__ = ("_arena", "address", "size")

    def __init__(self, address: int, size: int, arena: Arena | None = None) -> None:
        self.address = address
        self.size = size
        self._arena = arena

    def free(self) -> None:
        """Give it back; again is no error."""
        arena, self._arena = self._arena, None
        if arena is not None:
            arena.free_later(self)


class Arena:
    """A pool of executable memory.

    Raises:
        BlockError: the operating system refuses executable memory.
    """

    def __init__(self, size: int = SIZE) -> None:
        self._size = size
        self._lock = allocate_lock()
        self._writable = Mapping(size)
        self._runnable = Mapping(size)
        self._map()
        self._free: list[tuple[int, int]] = [(0, size)]
        self._given_back: list[Range] = []
        self._used = self._top = 0
        SHARED.add(self)

    def note_size(self) -> None:
        """Note that the arena is smaller than it should be, if it is."""
        if self._size < SIZE:
            what = f"there is room for {self._size >> 20} MiB of machine code"
            note("little address space", what)

    @property
    def used(self) -> int:
        """Bytes that code lies in."""
        return self._used - sum(size for _, size in list(self._given_back))

    def _map(self) -> None:
        try:  # perf looks names up in memory, but not in what it takes for a file
            self._runnable.mirror(self._writable, PROT_READ | PROT_EXEC)
        except BlockError:  # a system that cannot, or a policy that does not let it
            self._map_a_file(self._size)

    def copied(self) -> bytes:
        """All code, which a child would share with its parent."""
        with self._lock:
            return bytes(memory(self._writable.address, self._writable)[: self._top])

    def separate(self, content: bytes) -> None:
        """In a child: have memory of one's own at the same addresses, with the same code."""
        self._lock = allocate_lock()  # another thread may have held it
        self._map()
        self._writable.write(0, content)
        _flush_instructions(self._runnable.address, len(content))

    def _map_a_file(self, size: int) -> None:
        try:
            descriptor = anonymous_file("jitvm-code", size)
        except OSError:
            descriptor = temporary_file("jitvm-code", size)
        try:
            self._writable.place(0, size, descriptor, 0)
            self._runnable.place(0, size, descriptor, 0, PROT_READ | PROT_EXEC)
        finally:
            os.close(descriptor)

    def install(self, code: bytes) -> Span:
        """Copy code in; returns where it runs.

        Raises:
            ArenaFull: there is no free range as long as the code.
        """
        size = -(-len(code) // ALIGNMENT) * ALIGNMENT
        with self._lock:
            offset = self._allocate(size)
        self._writable.write(offset, code)
        _flush_instructions(self._runnable.address + offset, size)
        return Span(self._runnable.address + offset, size, self)

    def free_later(self, span: Span) -> None:
        """Take a span back with the next allocation; see `Span.free`.

        A span may be freed by the garbage collector at any moment, also while the lock is held.
        """
        self._given_back.append((span.address - self._runnable.address, span.size))

    def _take_back(self, offset: int, count: int) -> None:
        self._used -= count
        from bisect import bisect_left

        index = bisect_left(self._free, (offset, 0))
        self._free.insert(index, (offset, count))
        for left in (index, index - 1):
            if 0 <= left < len(self._free) - 1:
                start, size = self._free[left]
                after, more = self._free[left + 1]
                if start + size == after:
                    self._free[left : left + 2] = [(start, size + more)]

    def _allocate(self, size: int) -> int:
        while self._given_back:
            self._take_back(*self._given_back.pop())
        for index, (start, room) in enumerate(self._free):
            if room >= size:
                self._free[index : index + 1] = [(start + size, room - size)] if room > size else []
                self._used += size
                self._top = max(self._top, start + size)
                return start
        raise ArenaFull(f"no room for {size} bytes of code; {self.used} are in use")


def _flush_instructions(address: int, size: int) -> None:
    """Make new code visible to instruction fetch if the processor does not do so itself."""
    if os.uname().machine == "x86_64":
        return
    function("__clear_cache", Word, Word, returns=None)(address, address + size)


_shared: list[Arena] = []
_refused: list[BlockError] = []
_shared_lock = ModuleLock()


def shared_arena() -> Arena:
    """The arena of this process, made at first use.

    Raises:
        BlockError: there is no executable memory; the system is asked only once.
    """
    with _shared_lock:
        if _refused:
            raise _refused[0]
        if not _shared:
            try:
                _shared.append(_largest())
            except OSError as error:
                why = f"no executable memory ({os.strerror(error.errno or 0)})"
                _refused.append(BlockError(error.errno, why))
                raise _refused[0] from error
        return _shared[0]


def _largest() -> Arena:
    """As large an arena as there is room for."""
    limit = address_limit()
    sizes = [size for size in (SIZE, *SMALLER) if limit is None or size * _PART <= limit]
    error: OSError | None = None
    for size in sizes or SMALLER[-1:]:
        try:
            arena = Arena(size)
        except OSError as refused:
            error = refused
            if refused.errno != errno.ENOMEM:
                break
        else:
            return arena
    assert error is not None
    raise error

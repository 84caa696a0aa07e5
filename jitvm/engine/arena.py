"""Executable memory of the process, written through one mapping and run through another.

    memory             [ handlers | region | region | free | ... ]
    writable view       ^ host writes here, never executed
    executable view     ^ code runs here, never written

Two views of one memory keep every page either writable or executable (W^X) and let code be freed
and patched at any time: no activation of it can be on a stack, since native code only tail-calls.
A span that is freed may still be running on another thread for a moment; `free` is therefore for
spans that nothing can enter any more and whose machine has stopped.

Spans come from a first-fit list of free ranges, neighbours joined; blocks are 64-byte aligned.
"""

from __future__ import annotations

import ctypes
import mmap
import os
from _thread import allocate_lock
from bisect import bisect_left

from jitvm.engine.block import BlockError, Mapping, anonymous_file

SIZE = 256 << 20
ALIGNMENT = 64


class ArenaFull(MemoryError):
    """No room for more code; machines keep interpreting."""


class Span:
    """Installed code: where it runs and how long it is, in bytes."""

    __slots__ = ("address", "size")

    def __init__(self, address: int, size: int) -> None:
        self.address = address
        self.size = size


class Arena:
    """A pool of executable memory.

    Raises:
        BlockError: the operating system refuses executable memory.
    """

    def __init__(self, size: int = SIZE) -> None:
        self._lock = allocate_lock()
        self._writable = Mapping(size)
        self._runnable = Mapping(size)
        try:  # perf looks names up in memory, but not in what it takes for a file
            self._runnable.mirror(self._writable, mmap.PROT_READ | mmap.PROT_EXEC)
        except BlockError:  # a system that cannot, or a policy that does not let it
            self._map_a_file(size)
        self._free: list[tuple[int, int]] = [(0, size)]
        self.used = 0

    def _map_a_file(self, size: int) -> None:
        descriptor = anonymous_file("jitvm-code", size)
        try:
            self._writable.place(0, size, descriptor, 0)
            self._runnable.place(0, size, descriptor, 0, mmap.PROT_READ | mmap.PROT_EXEC)
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
        ctypes.memmove(self._writable.address + offset, code, len(code))
        span = Span(self._runnable.address + offset, size)
        _flush_instructions(span)
        return span

    def free(self, span: Span) -> None:
        """Give a span back."""
        offset = span.address - self._runnable.address
        with self._lock:
            self.used -= span.size
            index = bisect_left(self._free, (offset, 0))
            self._free.insert(index, (offset, span.size))
            for left in (index, index - 1):
                if 0 <= left < len(self._free) - 1:
                    start, size = self._free[left]
                    after, more = self._free[left + 1]
                    if start + size == after:
                        self._free[left : left + 2] = [(start, size + more)]

    def _allocate(self, size: int) -> int:
        for index, (start, room) in enumerate(self._free):
            if room >= size:
                self._free[index : index + 1] = (
                    [(start + size, room - size)] if room > size else []
                )
                self.used += size
                return start
        raise ArenaFull(f"no room for {size} bytes of code; {self.used} are in use")


def _flush_instructions(span: Span) -> None:
    """Make new code visible to instruction fetch where the processor does not do so itself."""
    if os.uname().machine == "x86_64":
        return
    clear = ctypes.CDLL(None).__clear_cache
    clear(ctypes.c_void_p(span.address), ctypes.c_void_p(span.address + span.size))


_shared: list[Arena] = []
_shared_lock = allocate_lock()


def shared_arena() -> Arena:
    """The arena of this process, made at first use."""
    with _shared_lock:
        if not _shared:
            _shared.append(Arena())
        return _shared[0]

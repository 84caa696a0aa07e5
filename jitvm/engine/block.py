"""The memory of one machine: one reservation laid out by `Layout`, with its mirrors.

The code space and the code map are shared mappings of one anonymous file, because their first
bytes appear twice (see `jitvm.engine.layout`); the rest is plain anonymous memory.

Views handed out keep the block alive: each is a memoryview over a ctypes array that refers to
its block, so no view can outlive the mapping.
"""

from __future__ import annotations

import ctypes
import gc
import mmap
import os
import sys

from jitvm.engine.layout import CODE, MIRROR, PAST_END, WIDEST
from jitvm.engine.process import GATE, SHARED, Gate

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from typing import Any

    from jitvm.engine.layout import Layout

_MAP_FIXED = 0x10
_MAP_NORESERVE = 0x4000
_MREMAP_TO = 1 | 2
"""MREMAP_MAYMOVE and MREMAP_FIXED."""
_FAILED = ctypes.c_void_p(-1).value


FEW_BLOCKS = 128
"""Blocks that may be made, of a megabyte each, before Python is asked to look for garbage."""


class BlockError(OSError):
    """The operating system refused the memory a machine needs."""


def _libc() -> Any:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [
        ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long,
    ]  # fmt: skip
    libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    return libc


def anonymous_file(name: str, size: int) -> int:
    """A descriptor of `size` zero bytes that live as long as something maps them."""
    if sys.platform == "linux":
        descriptor = os.memfd_create(name)
    else:
        import tempfile

        descriptor, path = tempfile.mkstemp(prefix=f"{name}-")
        os.unlink(path)
    os.ftruncate(descriptor, size)
    return descriptor


class Mapping:
    """A range of address space that is given back when the last reference goes."""

    def __init__(self, size: int) -> None:
        self._libc = _libc()
        self.size = size
        self.address = self._map(None, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)

    def _map(
        self, at: int | None, size: int, flags: int, descriptor: int, offset: int,
        protection: int = mmap.PROT_READ | mmap.PROT_WRITE,
    ) -> int:  # fmt: skip
        result = self._libc.mmap(at, size, protection, flags, descriptor, offset)
        if result in (None, _FAILED):
            code = ctypes.get_errno()
            raise BlockError(code, f"no memory for {size} bytes of machine: {os.strerror(code)}")
        return int(result)

    def place(
        self, offset: int, size: int, descriptor: int, file_offset: int,
        protection: int = mmap.PROT_READ | mmap.PROT_WRITE,
    ) -> None:  # fmt: skip
        """Map a part of a file over a part of this range."""
        flags = mmap.MAP_SHARED | _MAP_FIXED
        self._map(self.address + offset, size, flags, descriptor, file_offset, protection)

    def fill(self, offset: int, content: bytes) -> None:
        """Put memory of nobody else's over a part of this range, with this content."""
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _MAP_FIXED
        self._map(self.address + offset, len(content), flags, -1, 0)
        ctypes.memmove(self.address + offset, content, len(content))

    def mirror(self, other: Mapping, protection: int) -> None:
        """Have this range and another of the same size show the same new memory, without a file.

        Raises:
            BlockError: the operating system cannot, or does not want to.
        """
        if sys.platform != "linux":
            raise BlockError("memory is shown twice by way of a file here")
        flags = mmap.MAP_SHARED | mmap.MAP_ANONYMOUS | _MAP_FIXED | _MAP_NORESERVE
        other._map(other.address, self.size, flags, -1, 0)
        word, pointer = ctypes.c_size_t, ctypes.c_void_p
        remap, protect = self._libc.mremap, self._libc.mprotect
        remap.restype = pointer
        remap.argtypes = [pointer, word, word, ctypes.c_int, pointer]
        protect.argtypes = [pointer, word, ctypes.c_int]
        # Nothing of the old range is moved when its size is given as 0: it is mapped once more.
        moved = remap(other.address, 0, self.size, _MREMAP_TO, self.address)
        if moved != self.address or protect(self.address, self.size, protection):
            code = ctypes.get_errno()
            raise BlockError(code, f"no executable memory: {os.strerror(code)}")

    def __del__(self, gate: Gate = GATE) -> None:  # bound here: modules go before their objects
        if getattr(self, "address", None) is not None and not gate.is_ending:
            self._libc.munmap(self.address, self.size)


_blocks_made = 0


def _collect_garbage() -> None:
    """Now and then have Python look for machines that are gone.

    A machine is part of cycles (host functions know it), and the collector sees a few hundred
    objects, not the megabytes behind them: it would let thousands of them gather.
    """
    global _blocks_made
    _blocks_made += 1
    if _blocks_made >= max(FEW_BLOCKS, len(SHARED)):
        _blocks_made = 0
        gc.collect()


class Block:
    """Memory for one machine of a guest. `base` is the address all offsets count from."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        _collect_garbage()
        self._mapping = Mapping(layout.total + layout.alignment)
        self.base = self._aligned_base()
        self._map_code_space(b"")
        self.view(layout.code_map + layout.size, WIDEST)[:] = bytes([CODE | PAST_END] * WIDEST)
        SHARED.add(self)

    def _map_code_space(self, content: bytes) -> None:
        """Map memory for the code space and its mirror, which begins with some bytes."""
        start, size = self.base - self._mapping.address, self.layout.size
        descriptor = anonymous_file("jitvm", size)
        try:
            if content:
                os.write(descriptor, content)  # to memory: all of it, or an error
            self._mapping.place(start, size, descriptor, 0)
            self._mapping.place(start + size, MIRROR, descriptor, 0)
        finally:
            os.close(descriptor)

    def copied(self) -> bytes:
        """The code space, all that a child would share with its parent."""
        return bytes(self.view(0, self.layout.size))

    def separate(self, content: bytes) -> None:
        """In a child: have a code space of one's own at the same address.

        Where there are no more files for it, one without a mirror is better than a shared one: an
        access that runs over the end of memory finds what was there when the child was made.
        """
        try:
            self._map_code_space(content)
        except OSError:
            self._mapping.fill(self.base - self._mapping.address, content + content[:MIRROR])

    def _aligned_base(self) -> int:
        """The first aligned base whose head fits below it."""
        lowest, alignment = self._mapping.address + self.layout.head, self.layout.alignment
        return -(-lowest // alignment) * alignment

    def view(self, offset: int, size: int) -> memoryview:
        """`size` bytes at an offset from base, writable, kept alive by the view."""
        array = (ctypes.c_ubyte * size).from_address(self.base + offset)
        array._block = self  # type: ignore[attr-defined]
        return memoryview(array).cast("B")

    def words(self, offset: int, count: int) -> memoryview:
        """`count` 64-bit words at an offset from base, as a writable view of unsigned ints."""
        return self.view(offset, 8 * count).cast("Q")

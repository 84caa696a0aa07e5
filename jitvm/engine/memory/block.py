"""The memory of one machine: one reservation laid out by `Layout`, with its mirrors.

The first bytes of the code space appear twice (see `jitvm.engine.memory.layout`), so it is a shared
mapping of an anonymous file; the rest is ordinary anonymous memory. Without anonymous files, shared
memory is remapped instead, or a temporary file is used. If none of that is allowed the code space
has no mirror, and only the reference interpreter may run on the block.

Views that are handed out keep the block alive: each is a memoryview over a ctypes array that refers
to its block, so no view can outlive the mapping.
"""

from __future__ import annotations

import ctypes
import gc
import mmap
import os
import sys

from jitvm.engine.host.notes import note
from jitvm.engine.host.process import GATE, SHARED, Gate
from jitvm.engine.memory.layout import CODE, MIRROR, PAST_END, WIDEST, fence_of

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from typing import Any

    from jitvm.engine.memory.layout import Layout

_MAP_FIXED = 0x10
MAP_NORESERVE = 0x4000
_MREMAP_TO = 1 | 2
"""MREMAP_MAYMOVE and MREMAP_FIXED."""
MAP_FAILED = ctypes.c_void_p(-1).value


FEW_BLOCKS = 128
"""Blocks that the process may make, of a megabyte each, before Python is asked to look for garbage;
no limit of the JIT."""


class BlockError(OSError):
    """The operating system refused the memory a machine needs."""


def libc() -> Any:
    """C's library, of which `mmap` and `munmap` know their types; errors are in `get_errno`."""
    found = ctypes.CDLL(None, use_errno=True)
    found.mmap.restype = ctypes.c_void_p
    found.mmap.argtypes = [
        ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long,
    ]  # fmt: skip
    found.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    return found


def anonymous_file(name: str, size: int) -> int:
    """A descriptor of `size` zero bytes that live as long as something maps them.

    Raises:
        OSError: the system has none to give.
    """
    if sys.platform == "linux":
        return _sized(os.memfd_create(name), size)
    return temporary_file(name, size)


def temporary_file(name: str, size: int) -> int:
    """The same on a disk.

    Raises:
        OSError: it cannot be made, or the disk is full.
    """
    import tempfile

    descriptor, path = tempfile.mkstemp(prefix=f"{name}-")
    os.unlink(path)
    return _sized(descriptor, size)


def _sized(descriptor: int, size: int) -> int:
    """The descriptor, of a file that has so many bytes now."""
    try:
        os.ftruncate(descriptor, size)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


class Mapping:
    """A range of address space that is given back when the last reference goes."""

    def __init__(self, size: int, flags: int = 0) -> None:
        self._libc = libc()
        self.size = size
        self.address = self._map(None, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | flags, -1, 0)

    def _map(
        self, at: int | None, size: int, flags: int, descriptor: int, offset: int,
        protection: int = mmap.PROT_READ | mmap.PROT_WRITE,
    ) -> int:  # fmt: skip
        result = self._libc.mmap(at, size, protection, flags, descriptor, offset)
        if result in (None, MAP_FAILED):
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
        other._share(other.address, self.size)
        self._map_again(other.address, self.address, self.size)
        protect = self._libc.mprotect
        protect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
        if protect(self.address, self.size, protection):
            code = ctypes.get_errno()
            raise BlockError(code, f"no executable memory: {os.strerror(code)}")

    def repeat(self, offset: int, size: int, count: int) -> None:
        """Put new memory over a part of this range, whose first bytes follow it once more.

        Raises:
            BlockError: the operating system cannot, or does not want to.
        """
        if sys.platform != "linux":
            raise BlockError("memory is shown twice by way of a file here")
        start = self.address + offset
        self._share(start, size)
        self._map_again(start, start + size, count)

    def _share(self, address: int, size: int) -> None:
        """Put new memory there that can be mapped again."""
        flags = mmap.MAP_SHARED | mmap.MAP_ANONYMOUS | _MAP_FIXED | MAP_NORESERVE
        self._map(address, size, flags, -1, 0)

    def _map_again(self, address: int, again: int, size: int) -> None:
        word, pointer = ctypes.c_size_t, ctypes.c_void_p
        remap = self._libc.mremap
        remap.restype = pointer
        remap.argtypes = [pointer, word, word, ctypes.c_int, pointer]
        # Nothing of the old range is moved when its size is given as 0: it is mapped once more.
        if remap(address, 0, size, _MREMAP_TO, again) != again:
            code = ctypes.get_errno()
            raise BlockError(code, f"no memory that is shown twice: {os.strerror(code)}")

    def __del__(self, gate: Gate = GATE) -> None:  # bound here: modules go before their objects
        if getattr(self, "address", None) is not None and not gate.is_ending:
            self._libc.munmap(self.address, self.size)


_blocks_made = 0


def _collect_garbage() -> None:
    """Now and then have Python look for machines that are gone.

    A machine is part of cycles (host functions know it), and the collector sees a few hundred
    objects, not the megabytes that they hold: it would let thousands of them gather.
    """
    global _blocks_made
    _blocks_made += 1
    if _blocks_made >= max(FEW_BLOCKS, len(SHARED)):
        _blocks_made = 0
        gc.collect()


def _c_function(name: str) -> int:
    """The address of a function of C."""
    return ctypes.cast(getattr(ctypes.CDLL(None), name), ctypes.c_void_p).value or 0


class _Buffer(ctypes.Structure):
    """Memory of an object of Python's, as PEP 3118 has it."""

    _fields_ = (
        ("buf", ctypes.c_void_p), ("obj", ctypes.py_object), ("len", ctypes.c_ssize_t),
        ("itemsize", ctypes.c_ssize_t), ("readonly", ctypes.c_int), ("ndim", ctypes.c_int),
        ("format", ctypes.c_char_p), ("shape", ctypes.c_void_p), ("strides", ctypes.c_void_p),
        ("suboffsets", ctypes.c_void_p), ("internal", ctypes.c_void_p),
    )  # fmt: skip


_get_buffer = ctypes.pythonapi.PyObject_GetBuffer
_get_buffer.argtypes = [ctypes.py_object, ctypes.c_void_p, ctypes.c_int]
_release_buffer = ctypes.pythonapi.PyBuffer_Release
_release_buffer.argtypes = [ctypes.c_void_p]
_release_buffer.restype = None


def address_of(view: memoryview) -> int:
    """Where the bytes of a contiguous view lie; it has to be kept as long as they are used."""
    buffer = _Buffer()
    shown = ctypes.byref(buffer)
    _get_buffer(view, shown, 0)
    address = buffer.buf or 0
    _release_buffer(shown)
    return address


class Reservation:
    """Memory of a large space: addresses, which take room once they are touched.

    Attributes:
        view: all of it, writable; kept alive by the view.

    Raises:
        BlockError: the operating system refused the addresses.
    """

    def __init__(self, size: int) -> None:
        self._mapping = Mapping(size, MAP_NORESERVE)
        array = (ctypes.c_ubyte * size).from_address(self._mapping.address)
        array._mapping = self._mapping  # type: ignore[attr-defined]
        self.view = memoryview(array).cast("B")


class Block:
    """Memory for one machine of a guest. `base` is the address all offsets count from.

    Attributes:
        is_mirrored: whether the first bytes of the code space follow it once more, as native code
            needs them.

    Raises:
        BlockError: the operating system refused the memory.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self._attached: dict[int, ctypes.Array[ctypes.c_uint64]] = {}
        _collect_garbage()
        self._mapping = Mapping(layout.total + layout.alignment)
        self.base = self._aligned_base()
        self.is_mirrored = True
        self._map_code_space(b"")
        self.view(layout.code_map + layout.size, WIDEST)[:] = bytes([CODE | PAST_END] * WIDEST)
        if layout.attached:
            for name, function in (("copy", "memmove"), ("clear", "memset")):
                self.words(layout.told[name], 1)[0] = _c_function(function)
        SHARED.add(self)

    def _map_code_space(self, content: bytes) -> None:
        """Map memory for the code space and its mirror, which begins with some bytes."""
        try:
            self._map_file(anonymous_file("jitvm", self.layout.size), content)
        except OSError as error:
            self._map_without_files(f"no files in memory ({error.strerror})", content)

    def _map_file(self, descriptor: int, content: bytes) -> None:
        """Map a file as the code space, and close it."""
        start, size = self.base - self._mapping.address, self.layout.size
        try:
            if content:
                os.write(descriptor, content)  # to memory: all of it, or an error
            self._mapping.place(start, size, descriptor, 0)
            self._mapping.place(start + size, MIRROR, descriptor, 0)
        finally:
            os.close(descriptor)

    def _map_without_files(self, why: str, content: bytes) -> None:
        """The same by other means; the least of them has no mirror."""
        start, size = self.base - self._mapping.address, self.layout.size
        try:
            self._mapping.repeat(start, size, MIRROR)
        except BlockError:
            self._map_what_is_left(why, content)
            return
        ctypes.memmove(self.base, content, len(content))
        note(why, "memory is mirrored by other means")

    def _map_what_is_left(self, why: str, content: bytes) -> None:
        size = self.layout.size
        try:
            self._map_file(temporary_file("jitvm", size), content)
            note(why, "a temporary file is taken for each machine")
        except OSError:
            whole = content.ljust(size, b"\0")
            self._mapping.fill(self.base - self._mapping.address, whole + whole[:MIRROR])
            self.is_mirrored = False

    def copied(self) -> bytes:
        """The code space, all that a child would share with its parent."""
        return bytes(self.view(0, self.layout.size))

    def separate(self, content: bytes) -> None:
        """In a child: have a code space of one's own at the same address.

        Where there is no memory to be had for it that is shown twice, one without a mirror is
        better than a shared one: an access that runs over the end of memory finds what was there
        when the child was made.
        """
        self._map_code_space(content)

    def _aligned_base(self) -> int:
        """The first aligned base whose head fits below it."""
        lowest, alignment = self._mapping.address + self.layout.head, self.layout.alignment
        return -(-lowest // alignment) * alignment

    def attach(self, space: int, view: memoryview) -> None:
        """Have native code find a window or a large space in other memory, which has to be kept."""
        words = self._attached.get(space)
        if words is None:
            count = 3 if self.layout.guest.spaces[space].window else 1
            found = self.base + self.layout.attached[space]
            words = self._attached[space] = (ctypes.c_uint64 * count).from_address(found)
        size = len(view)
        words[0] = address_of(view) if size else 0
        if len(words) > 1:
            words[1], words[2] = size, fence_of(size)

    def view(self, offset: int, size: int) -> memoryview:
        """`size` bytes at an offset from base, writable, kept alive by the view."""
        array = (ctypes.c_ubyte * size).from_address(self.base + offset)
        array._block = self  # type: ignore[attr-defined]
        return memoryview(array).cast("B")

    def words(self, offset: int, count: int) -> memoryview:
        """`count` 64-bit words at an offset from base, as a writable view of unsigned ints."""
        return self.view(offset, 8 * count).cast("Q")

"""The memory of one machine: one reservation laid out by `Layout`, with its mirrors.

The first bytes of the code space appear twice (see `jitvm.engine.memory.layout`), so it is a shared
mapping of an anonymous file; the rest is ordinary anonymous memory. Without anonymous files, shared
memory is remapped instead, or a temporary file is used. If none of that is allowed the code space
has no mirror, and only the reference interpreter may run on the block.

Views that are handed out keep the block alive (see `foreign.memory`), so none can outlive the
mapping.
"""

from __future__ import annotations

import gc
import os
import sys

from jitvm.engine.host.foreign import Word, address_of_function, function, get_errno, memory
from jitvm.engine.host.notes import note
from jitvm.engine.host.process import GATE, SHARED, Gate
from jitvm.engine.memory.layout import CODE, MIRROR, PAST_END, WIDEST

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from collections.abc import Callable

    from jitvm.engine.memory.layout import Layout

# As the module `mmap` has them, which is one more library to load.
PROT_READ, PROT_WRITE, PROT_EXEC = 1, 2, 4
_MAP_SHARED, _MAP_PRIVATE, _MAP_FIXED = 1, 2, 0x10
_MAP_ANONYMOUS = 0x20 if sys.platform == "linux" else 0x1000
MAP_NORESERVE = 0x4000
_INT = 0xFFFF_FFFF
"""What counts of a result that is an ``int`` of C."""
_MREMAP_TO = 1 | 2
"""MREMAP_MAYMOVE and MREMAP_FIXED."""
MAP_FAILED = (1 << 64) - 1


FEW_BLOCKS = 128
"""Blocks that the process may make, of a megabyte each, before Python is asked to look for garbage;
no limit of the JIT."""


class BlockError(OSError):
    """The operating system refused the memory a machine needs."""


_mmap = function("mmap", *(Word,) * 6)
_munmap = function("munmap", Word, Word, returns=None)


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
        self.size = size
        self.address = self._map(0, size, _MAP_PRIVATE | _MAP_ANONYMOUS | flags, -1, 0)

    def _map(
        self, at: int, size: int, flags: int, descriptor: int, offset: int,
        protection: int = PROT_READ | PROT_WRITE,
    ) -> int:  # fmt: skip
        result = _mmap(at, size, protection, flags, descriptor, offset)
        if result in (0, MAP_FAILED):
            code = get_errno()
            raise BlockError(code, f"no memory for {size} bytes of machine: {os.strerror(code)}")
        return int(result)

    def place(
        self, offset: int, size: int, descriptor: int, file_offset: int,
        protection: int = PROT_READ | PROT_WRITE,
    ) -> None:  # fmt: skip
        """Map a part of a file over a part of this range."""
        flags = _MAP_SHARED | _MAP_FIXED
        self._map(self.address + offset, size, flags, descriptor, file_offset, protection)

    def fill(self, offset: int, content: bytes) -> None:
        """Put memory of nobody else's over a part of this range, with this content."""
        flags = _MAP_PRIVATE | _MAP_ANONYMOUS | _MAP_FIXED
        self._map(self.address + offset, len(content), flags, -1, 0)
        self.write(offset, content)

    def write(self, offset: int, content: bytes) -> None:
        """Put bytes somewhere in it."""
        memory(self.address, self)[offset : offset + len(content)] = content

    def mirror(self, other: Mapping, protection: int) -> None:
        """Have this range and another of the same size show the same new memory, without a file.

        Raises:
            BlockError: the operating system cannot, or does not want to.
        """
        if sys.platform != "linux":
            raise BlockError("memory is shown twice by way of a file here")
        other._share(other.address, self.size)
        self._map_again(other.address, self.address, self.size)
        protect = function("mprotect", Word, Word, Word)
        if protect(self.address, self.size, protection) & _INT:
            code = get_errno()
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
        flags = _MAP_SHARED | _MAP_ANONYMOUS | _MAP_FIXED | MAP_NORESERVE
        self._map(address, size, flags, -1, 0)

    def _map_again(self, address: int, again: int, size: int) -> None:
        remap = function("mremap", *(Word,) * 5)
        # Nothing of the old range is moved when its size is given as 0: it is mapped once more.
        if remap(address, 0, size, _MREMAP_TO, again) != again:
            code = get_errno()
            raise BlockError(code, f"no memory that is shown twice: {os.strerror(code)}")

    # Bound here: modules go before their objects.
    def __del__(self, gate: Gate = GATE, unmap: Callable[[int, int], None] = _munmap) -> None:
        if getattr(self, "address", None) is not None and not gate.is_ending:
            unmap(self.address, self.size)


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


class Reservation:
    """Memory of a large space: addresses, which take room once they are touched.

    Attributes:
        view: all of it, writable; kept alive by the view.

    Raises:
        BlockError: the operating system refused the addresses.
    """

    def __init__(self, size: int) -> None:
        self._mapping = Mapping(size, MAP_NORESERVE)
        self.view = memory(self._mapping.address, self._mapping)[:size]


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
        _collect_garbage()
        self._mapping = Mapping(layout.total + layout.alignment)
        self.base = self._aligned_base()
        self.is_mirrored = True
        self._map_code_space(b"")
        self.view(layout.code_map + layout.size, WIDEST)[:] = bytes([CODE | PAST_END] * WIDEST)
        if layout.attached:
            for name, function in (("copy", "memmove"), ("clear", "memset")):
                self.words(layout.told[name], 1)[0] = address_of_function(function)
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
        self._mapping.write(start, content)
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

    def attached(self, space: int) -> memoryview:
        """The words by which native code finds a window or a large space: its address; of a window
        its length and its fence as well."""
        count = 3 if self.layout.guest.spaces[space].window else 1
        return self.words(self.layout.attached[space], count)

    def attach(self, space: int, view: memoryview) -> None:
        """Have native code find a window or a large space in other memory, which has to be kept."""
        from jitvm.engine.memory.shown import show

        show(view, self.attached(space))

    def view(self, offset: int, size: int) -> memoryview:
        """`size` bytes at an offset from base, writable, kept alive by the view."""
        return memory(self.base + offset, self)[:size]

    def words(self, offset: int, count: int) -> memoryview:
        """`count` 64-bit words at an offset from base, as a writable view of unsigned ints."""
        return self.view(offset, 8 * count).cast("Q")

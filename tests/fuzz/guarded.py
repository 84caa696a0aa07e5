"""Memory between pages that nobody may touch: a read outside of what it shows ends the process."""

from __future__ import annotations

import ctypes
import mmap


class Guarded:
    """Memory for one piece of data at a time, of at most so many bytes."""

    def __init__(self, size: int) -> None:
        self.size = -(-size // mmap.PAGESIZE) * mmap.PAGESIZE
        self._whole = mmap.mmap(-1, self.size + 2 * mmap.PAGESIZE)
        address = ctypes.addressof(ctypes.c_char.from_buffer(self._whole))
        protect = ctypes.CDLL(None).mprotect
        for page in (address, address + mmap.PAGESIZE + self.size):
            if protect(ctypes.c_void_p(page), mmap.PAGESIZE, 0):
                raise OSError("pages cannot be protected")

    def put(self, data: bytes, *, at_end: bool) -> memoryview:
        """The data, which ends or begins at such a page."""
        begin = mmap.PAGESIZE + (self.size - len(data) if at_end else 0)
        self._whole[begin : begin + len(data)] = data
        return memoryview(self._whole)[begin : begin + len(data)]

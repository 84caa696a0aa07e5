"""Memory maps of files, which lose pages when their file shrinks.

Reading a page that is lost ends the process by a signal that nobody can handle in between, so
nothing decodes maps of files where they are. They are copied first, piece by piece, by the kernel,
which tells what is lost:

    map ── pread of /proc/self/mem ──> a piece of ordinary memory ──> decoded

A copy costs little next to the rest, as what was copied is in the processor's cache.
"""

from __future__ import annotations

import mmap
import os

from jitvm.engine.memory.shown import address_of
from jitvm.guests.wire.faults import MessagesError

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from typing import Any


def map_of(buffer: Any) -> mmap.mmap | None:
    """The memory map that a buffer is, or shows: one of Python's, or in one of NumPy's arrays."""
    while True:
        if isinstance(buffer, memoryview):
            buffer = buffer.obj
        elif hasattr(buffer, "__array_interface__") and hasattr(buffer, "base"):
            buffer = buffer.base
        else:
            break
    return buffer if isinstance(buffer, mmap.mmap) else None


def copied(view: memoryview, first: int, last: int, to: memoryview | None = None) -> memoryview:
    """A copy of bytes of a map; the map itself where the system has no way to copy safely.

    Args:
        view: the map, or a part of it.
        first, last: which bytes.
        to: memory for the copy, where there is some that is large enough.

    Raises:
        MessagesError: they are not there any more.
    """
    size = last - first
    if not size:
        return memoryview(b"")
    piece = view[first:last]
    try:
        memory = os.open("/proc/self/mem", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return piece
    if to is None or size > len(to):
        to = memoryview(bytearray(size))
    copy = to[:size]
    address, done = address_of(piece), 0
    try:
        while done < size:
            done += os.preadv(memory, [copy[done:]], address + done)
    except OSError:
        raise _shrunk(first + done, len(view)) from None
    finally:
        os.close(memory)
    _check(view)
    return copy


def _check(view: memoryview) -> None:
    """What is lost of the last page that is left reads as zeros: ask how large the file is."""
    mapped = map_of(view)
    assert mapped is not None
    try:
        size = mapped.size()
    except (OSError, ValueError):  # it was made without knowing its file
        return
    if size < len(mapped):
        raise _shrunk(size, len(mapped))


def _shrunk(there: int, size: int) -> MessagesError:
    return MessagesError(
        f"the file behind the memory map has shrunk: {there} of {size} bytes are there; read files "
        "that change by reader.stream(path), which maps none"
    )

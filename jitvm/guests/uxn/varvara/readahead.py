"""Reads an open file ahead of the guest.

    file      | the guest has it | read ahead        | not yet read
                                 ^ the guest's       ^ the system's position
    buffer    | . . . . . . . . .| POSITION ... END  |

Assemblers and the like read their source a byte at a time, and a Python call for each byte takes
longer than all they do with it. So Python fills a buffer, and the code of `readcode` hands it out
without returning here until it is empty. Words of a device:

    POSITION, END    addresses in the buffer; equal if nothing is left
    LENGTH           the last length written to the File device
    PYTHON           the port function for cases that native code does not handle; see `readcode`

A program cannot tell that its files are read ahead:
 1. Only regular files are read ahead, and only while they are open for reading.
 2. Python's reads begin with what is left in the buffer.
 3. Before any device of the computer writes to a file, everything read ahead from the same file,
    under whatever name, is dropped: the system's position returns to the guest's.
 4. The end of a file is never remembered: a read there asks the system each time.

Writes to the file by other processes may be seen some bytes later than without reading ahead.
"""

from __future__ import annotations

import os

from jitvm.engine.host.foreign import address_of_bytes, memory

POSITION, END, LENGTH, PYTHON = range(4)

SIZE = 16384
"""Bytes read ahead at once: enough that filling costs nothing a byte."""
LONGEST = 1024
"""Bytes of the longest read that looks ahead, and that native code does; for longer ones a call
of Python does not count."""


class ReadAhead:
    """The buffer of one File device, not in use until it is enabled.

    Args:
        words: the device's own, all zero.
    """

    __slots__ = ("_buffer", "_descriptor", "_enabled", "_start", "_words")

    def __init__(self, words: memoryview) -> None:
        self._words = words
        self._enabled = False
        self._descriptor = -1
        self._buffer: bytearray | None = None
        self._start: tuple[int, object] = (0, None)

    @property
    def length(self) -> int:
        """The length that the device was given last; native code knows and sets it."""
        return self._words[LENGTH]

    @length.setter
    def length(self, length: int) -> None:
        self._words[LENGTH] = length

    @property
    def left(self) -> int:
        """Bytes that the guest has not asked for yet."""
        return self._words[END] - self._words[POSITION]

    @property
    def enabled(self) -> bool:
        """Whether files are read ahead; when that ends, what is left is given back."""
        return self._enabled

    @enabled.setter
    def enabled(self, on: bool) -> None:
        if not on:
            self.give_back()
        self._enabled = on

    def read(self, descriptor: int, size: int) -> bytes:
        """The next `size` bytes of a file, fewer only at its end.

        Raises:
            OSError: the system's; what came before the error is lost, as it would be otherwise.
        """
        parts = [self._take(size)]
        size -= len(parts[0])
        while size:
            parts.append(self._read_more(descriptor, size))
            if not parts[-1]:
                break
            size -= len(parts[-1])
        return b"".join(parts)

    def precede(self, python: int) -> None:
        """Say which port function native code goes on to, before it is called."""
        self._words[PYTHON] = python

    def forget(self) -> None:
        """Drop what is left: its file is closed."""
        self._words[POSITION] = self._words[END] = 0

    def give_back(self) -> None:
        """Drop what is left, for the system to read again."""
        if self.left:
            os.lseek(self._descriptor, -self.left, os.SEEK_CUR)
            self.forget()

    def before_write(self, descriptor: int) -> None:
        """Give back what is left, if it is of the file open at this descriptor."""
        if self.left and os.path.sameopenfile(self._descriptor, descriptor):
            self.give_back()

    def _take(self, size: int) -> bytes:
        """As much as there is in the buffer."""
        start = self._words[POSITION]
        size = min(size, self.left)
        self._words[POSITION] = start + size
        return bytes(memory(start, None)[:size]) if size else b""

    def _read_more(self, descriptor: int, size: int) -> bytes:
        if not self._enabled or size > LONGEST:
            return os.read(descriptor, size)
        if self._buffer is None:
            self._buffer = bytearray(SIZE)
            self._start = address_of_bytes(self._buffer)
        count = os.readv(descriptor, [self._buffer])
        start, _ = self._start
        self._descriptor = descriptor
        self._words[POSITION], self._words[END] = start, start + count
        return self._take(size)

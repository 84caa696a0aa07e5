"""Holds back a program's output while its screen is on the same terminal, and writes it
afterwards."""

from __future__ import annotations

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from typing import BinaryIO


class Held:
    """A binary stream in front of another, which holds back what is written until `release`."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._kept: bytearray | None = bytearray()

    def write(self, data: bytes) -> int:
        """Keep the bytes, or pass them on once the stream is released."""
        if self._kept is None:
            return self._stream.write(data)
        self._kept += data
        return len(data)

    def flush(self) -> None:
        """Flush the underlying stream."""
        self._stream.flush()

    def release(self) -> None:
        """Write what was kept, and keep nothing from now on.

        Raises:
            OSError: the underlying stream cannot be written.
        """
        kept, self._kept = self._kept, None
        if kept:
            self._stream.write(kept)
            self._stream.flush()

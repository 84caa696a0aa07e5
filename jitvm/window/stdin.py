"""Standard input of a program with a window: read by a thread, one chunk per frame.

    descriptor --thread, waits--> one chunk --window, each frame--> Stdin event

The thread does not read on until its chunk has been taken, so a slow program slows down its writer,
as with any pipe. A terminal is read only while the process is in the foreground: reading it from
the background would stop the process.
"""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable

from jitvm.platform.events import EndOfInput, Stdin

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from jitvm.platform.input import Readable

CHUNK = 8192
"""Most bytes a frame."""

PATIENCE = 0.2
"""Seconds between looks at whether the thread is still wanted."""


class InputThread:
    """Reads a stream and wakes the window when there is something.

    Args:
        stream: the stream to read, by its descriptor if it has one.
        wake: called from the thread when something can be taken.
    """

    def __init__(self, stream: Readable, wake: Callable[[], None]) -> None:
        self._stream = stream
        self._wake = wake
        self._chunk: bytes | None = None
        self._free = threading.Semaphore(1)
        self._closed = threading.Event()
        threading.Thread(target=self._read_all, name="jitvm-stdin", daemon=True).start()

    def take(self) -> tuple[Stdin | EndOfInput, ...]:
        """What has come since the last call."""
        chunk = self._chunk
        if chunk is None:
            return ()
        self._chunk = None
        if not chunk:
            return (EndOfInput(),)
        self._free.release()
        return (Stdin(chunk),)

    def close(self) -> None:
        """Stop reading, as soon as a read under way returns."""
        self._closed.set()

    def _read_all(self) -> None:
        while True:
            self._free.acquire()
            chunk = self._read()
            if chunk is None:
                return
            self._chunk = chunk
            self._wake()
            if not chunk:
                return

    def _read(self) -> bytes | None:
        """The next bytes; none at the end; None when nobody wants them."""
        try:
            descriptor = self._stream.fileno()  # type: ignore[attr-defined]
        except (AttributeError, OSError):
            return None if self._closed.is_set() else self._stream.read(CHUNK)
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        while not self._closed.is_set():
            try:
                if poll.poll(PATIENCE * 1000) and self._may_read(descriptor):
                    return os.read(descriptor, CHUNK)
            except OSError:  # it was closed, or its terminal is gone
                return b""
        return None

    def _may_read(self, descriptor: int) -> bool:
        if not os.isatty(descriptor) or os.tcgetpgrp(descriptor) == os.getpgrp():
            return True
        self._closed.wait(PATIENCE)
        return False

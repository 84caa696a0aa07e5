"""From the machine's output ring to standard output and standard error.

    guest --DEO--> ring of (port, byte) --flush--> queue of (sink, bytes) --> descriptor, stream
                                                                              or captured bytes

Two threads drain the ring: the one that runs the machine (`flush`, which waits until everything is
written) and the watcher (`trickle`, which writes what a sink accepts without blocking, so that
progress is visible during a long vector and signals are never delayed by a slow reader). A lock
makes draining and writing atomic, so the order of bytes is kept, even across both sinks.

After a sink has failed, its data is dropped: the failure is reported once.
"""

from __future__ import annotations

import errno
import os
import select
import stat

from jitvm.engine.host.unpatched import allocate_lock
from jitvm.engine.machine.machine import Machine
from jitvm.guest.light import deque
from jitvm.guest.numbers import shortened

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    class Stream(Protocol):
        """The part of a binary stream that is written to."""

        def write(self, data: bytes, /) -> object:
            """Write all the bytes."""

        def flush(self) -> object:
            """Pass on what is buffered."""


_NOWAIT = 8
"""The flag `RWF_NOWAIT` of `pwritev2`, by which Python knows it for reading only."""
_CANNOT_REFUSE = (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS, errno.ESPIPE, errno.EPERM)
"""What the system says of it where it is not known, or not of what is written to."""
PATIENCE = 50
"""Milliseconds between two calls of `Output.while_waiting`."""


class OutputError(OSError):
    """Standard output or standard error could not be written; `errno` says why."""

    def __init__(self, name: str, error: OSError) -> None:
        super().__init__(error.errno, error.strerror or str(error))
        self.name = name

    def __str__(self) -> str:
        return f"cannot write {self.name}: {self.strerror}"


class _Capture:
    """Keeps the bytes."""

    def __init__(self) -> None:
        self.data = bytearray()

    def write(self, data: memoryview) -> int:
        self.data += data
        return len(data)

    def ready(self, _milliseconds: int) -> bool:
        return True


class _Descriptor:
    """Writes straight to a stream's file descriptor, in as few calls as may be: each lets go of the
    interpreter lock, and what compiles on another thread keeps that for a while.

    A file takes everything, whatever else as much as it has room for, if it can be asked to.
    """

    def __init__(self, stream: Stream, descriptor: int) -> None:
        self._stream = stream  # it closes the descriptor when it goes
        self._descriptor = descriptor
        self._is_file = is_file(descriptor)
        self._can_refuse = hasattr(os, "pwritev")
        self._is_full = False
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)

    def write(self, data: memoryview) -> int:
        if self._is_file:
            return os.write(self._descriptor, data)
        if self._can_refuse:
            try:
                written = os.pwritev(self._descriptor, [data], -1, _NOWAIT)
            except BlockingIOError:
                written = 0
            except OSError as error:
                if error.errno not in _CANNOT_REFUSE:
                    raise
                self._can_refuse, written = False, 0  # `ready` looks from now on
            self._is_full = written < len(data)
            return written
        # A pipe that polls as writable takes this much without blocking.
        return os.write(self._descriptor, data[: select.PIPE_BUF])

    def ready(self, milliseconds: int) -> bool:
        if self._is_file or (self._can_refuse and not self._is_full):
            return True
        return bool(self._poll.poll(milliseconds))


class _Buffered:
    """Writes to a stream that has no descriptor."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def write(self, data: memoryview) -> int:
        self._stream.write(bytes(data))
        self._stream.flush()
        return len(data)

    def ready(self, _milliseconds: int) -> bool:
        return True


class Closed:
    """Stands for a stream the process was started without."""

    def write(self, data: memoryview) -> int:  # noqa: ARG002 - all sinks have it
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    def ready(self, _milliseconds: int) -> bool:
        return True


if TYPE_CHECKING:
    _Sink = _Capture | _Descriptor | _Buffered | Closed

CLOSED = Closed()
"""Pass this for a stream that is closed: writing to it is an error, not writing is none."""


def is_file(descriptor: int) -> bool:
    """Whether nobody waits for long who reads or writes a descriptor: it is of a file on a disk."""
    try:
        return stat.S_ISREG(os.fstat(descriptor).st_mode)
    except OSError:
        return False


def _sink(stream: Stream | Closed | None) -> _Sink:
    if stream is None:
        return _Capture()
    if isinstance(stream, Closed):
        return stream
    if not hasattr(stream, "write"):
        raise TypeError(
            f"output goes to a binary stream, or to None to be captured, not {shortened(stream)}"
        )
    try:
        descriptor = stream.fileno()  # type: ignore[attr-defined]
    except (AttributeError, OSError):
        return _Buffered(stream)
    stream.flush()
    return _Descriptor(stream, descriptor)


class Output:
    """Drains the ring of a machine. A stream of None is captured, see `stdout` and `stderr`.

    Args:
        machine: whose output it is.
        ports: the two ports it collects, for standard output and for standard error; None where
            there is no such port.

    Attributes:
        while_waiting: called again and again while a slow reader is waited for; what it raises
            ends the waiting, and what was not written stays in the queue.
    """

    def __init__(
        self,
        machine: Machine,
        ports: tuple[int | None, int | None],
        stdout: Stream | Closed | None,
        stderr: Stream | Closed | None,
    ) -> None:
        self._machine = machine
        self._ports = ports
        self._stdout, self._stderr = _sink(stdout), _sink(stderr)
        self._names = {id(self._stdout): "standard output", id(self._stderr): "standard error"}
        self._queue: deque[tuple[_Sink, memoryview]] = deque()
        self._failed: set[int] = set()
        self._lock = allocate_lock()
        self.while_waiting: Callable[[], None] = lambda: None
        machine.collect(*(port for port in ports if port is not None))
        machine.on_output_full(self.flush)

    @property
    def stdout(self) -> bytes:
        """What was captured of standard output."""
        return bytes(self._stdout.data) if isinstance(self._stdout, _Capture) else b""

    @property
    def stderr(self) -> bytes:
        """What was captured of standard error."""
        return bytes(self._stderr.data) if isinstance(self._stderr, _Capture) else b""

    def flush(self) -> None:
        """Write everything; wait for slow readers.

        Raises:
            OutputError: a descriptor cannot be written.
        """
        with self._lock:
            self._take()
            self._write(wait=True)

    def trickle(self) -> None:
        """Write what can be written without waiting.

        Raises:
            OutputError: a descriptor cannot be written.
        """
        if not self._lock.acquire(blocking=False):
            return  # the machine's own thread is at it
        try:
            self._write(wait=False)
            if not self._queue:
                self._take()
                self._write(wait=False)
        finally:
            self._lock.release()

    def message(self, text: str) -> None:
        """Write a line from the emulator itself to standard error, after all previous output."""
        with self._lock:
            self._take()
            self._queue.append((self._stderr, memoryview(text.encode("utf-8", "replace"))))
            self._write(wait=True)

    # -- the queue, with the lock held -------------------------------------------------------

    def _take(self) -> None:
        """Move the ring to the queue, as runs of bytes for one sink."""
        written, ports = self._machine.take_written()
        if not written:
            return
        data = memoryview(written)
        out, err = self._ports
        start = 0
        while start < len(ports):
            is_out = ports[start] == out
            other = err if is_out else out
            end = -1 if other is None else ports.find(other, start)
            end = len(ports) if end < 0 else end
            self._queue.append((self._stdout if is_out else self._stderr, data[start:end]))
            start = end

    def _write(self, *, wait: bool) -> None:
        """Empty the queue, or, without `wait`, as much of it as sinks take at once."""
        while self._queue:
            sink, data = self._queue[0]
            if id(sink) in self._failed:
                self._queue.popleft()
                continue
            if not sink.ready(0):
                if not wait:
                    return
                self.while_waiting()
                sink.ready(PATIENCE)
                continue
            try:
                written = sink.write(data)
            except OSError as error:
                self._failed.add(id(sink))
                raise OutputError(self._names[id(sink)], error) from error
            if written < len(data):
                self._queue[0] = (sink, data[written:])
            else:
                self._queue.popleft()

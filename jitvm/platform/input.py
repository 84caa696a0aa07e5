"""Standard input in chunks: whatever has arrived, as soon as it arrives, within a deadline."""

from __future__ import annotations

import os
import select

from jitvm.guest.numbers import shortened
from jitvm.platform.output import is_file

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from jitvm.engine.machine.watch import Watch

    class Readable(Protocol):
        """The part of a binary stream that is read from."""

        def read(self, size: int, /) -> bytes:
            """Up to `size` bytes, none at the end."""

    class Source(Protocol):
        """Where input comes from."""

        def read(self, watch: Watch, check: Callable[[], None]) -> bytes | None:
            """The next bytes, none at the end, None when the watch's deadline passes first; `check`
            is called every now and then, and may raise what ends the waiting."""


CHUNK = 1 << 18
"""Most bytes taken at a time: of a file as much as that, of a pipe what it holds."""
PIPE = 1 << 16
"""Bytes that a pipe holds as it is made."""
PAUSE = 0.25
"""Seconds that are waited for at a time: the handler of a signal that comes just before is not run
until then."""


class InputError(OSError):
    """Standard input could not be read; `errno` says why."""

    def __init__(self, error: OSError) -> None:
        super().__init__(error.errno, error.strerror or str(error))

    def __str__(self) -> str:
        return f"cannot read standard input: {self.strerror}"


class _Bytes:
    """Input that is all there."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self, watch: Watch, check: Callable[[], None]) -> bytes | None:  # noqa: ARG002
        data, self._data = self._data, b""
        return data


class _Stream:
    """A stream without a descriptor; reading it is taken not to block."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream

    def read(self, watch: Watch, check: Callable[[], None]) -> bytes | None:  # noqa: ARG002
        return self._stream.read(CHUNK)


class _Descriptor:
    """A stream's file descriptor, read without any buffer of Python's in between."""

    def __init__(self, stream: Readable, descriptor: int) -> None:
        self._stream = stream  # it closes the descriptor when it goes
        self._descriptor = descriptor
        self._is_file = is_file(descriptor)
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLIN)

    def read(self, watch: Watch, check: Callable[[], None]) -> bytes | None:
        remaining = watch.remaining()
        while not self._is_file and not self._poll.poll(
            1000 * (PAUSE if remaining is None else min(remaining, PAUSE))
        ):
            if remaining is not None and remaining <= PAUSE:
                return None
            check()
            remaining = watch.remaining()
        check()
        try:
            data = os.read(self._descriptor, CHUNK)
        except OSError as error:
            raise InputError(error) from error
        if len(data) == PIPE:
            self._widen()
        return data

    def _widen(self) -> None:
        """Have a pipe, which is full, hold as much as is taken at a time."""
        import fcntl

        try:
            fcntl.fcntl(self._descriptor, fcntl.F_SETPIPE_SZ, CHUNK)
        except OSError:  # it is none, or others have too many
            return


def open_source(stdin: bytes | Readable | None) -> Source:
    """Make a source of bytes, of a binary stream, or of nothing.

    Raises:
        TypeError: it is none of them.
    """
    if stdin is None or isinstance(stdin, bytes | bytearray | memoryview):
        return _Bytes(bytes(stdin or b""))
    if not hasattr(stdin, "read"):
        raise TypeError(f"standard input is bytes or a binary stream, not {shortened(stdin)}")
    try:
        descriptor = stdin.fileno()  # type: ignore[attr-defined]
    except (AttributeError, OSError):
        return _Stream(stdin)
    return _Descriptor(stdin, descriptor)

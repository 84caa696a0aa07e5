"""The host's side of a File device: one open file or folder at a time, below a sandbox.

This is all that a device needs, so any object with these methods can replace a `Handle`: one that
records the operations, or one that replays recorded results.

Paths are functions, because a path is read only when something is opened, described or deleted: see
`file`. Files that are read in small pieces may be read ahead: see `readahead`.
"""

from __future__ import annotations

import errno
import os
import stat

from jitvm.guest.numbers import shortened, whole
from jitvm.guests.uxn.varvara.readahead import ReadAhead
from jitvm.guests.uxn.varvara.sandbox import OutsideError, Sandbox

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    Path = Callable[[], bytes]
    Position = tuple[str, bytes, int | tuple[bytes, ...]]
    """A kind (`READS`, `WRITES`, `APPENDS`, `LISTS`), a path, and how many bytes are behind, or of
    a folder the names to come."""

    class Files(Protocol):
        """What a File device asks for. All but `close` raise OSError, and then nothing is done."""

        def read(self, path: Path, size: int) -> tuple[int, bytes]:
            """How many bytes come next, at most `size`, and what memory gets.

            Of a folder these are whole lines, and memory gets a zero byte more.
            """

        def write(self, path: Path, data: memoryview, *, append: bool) -> int:
            """Write data after the previous write; returns the number of bytes, 1 for a folder."""

        def describe(self, path: Path, width: int) -> bytes:
            """What is there, in `width` characters."""

        def remove(self, path: Path) -> None:
            """Remove the file."""

        def close(self) -> None:
            """Close what is open: the next operation starts over."""

        def position(self) -> Position | None:
            """What is open and how far it has got; None if nothing is, or somebody else knows."""

        def go_to(self, position: Position) -> None:
            """Open again what is not open, and be as far.

            Raises:
                OSError: it cannot be opened, or has become shorter.
                ValueError, TypeError: it is no such position.
            """


READS, WRITES, APPENDS, LISTS = "reads", "writes", "appends", "lists"
LARGEST = (1 << 63) - 1
"""Bytes that a file may have."""
_LINE_OVERHEAD = 8  # size, space, the '/' of a folder, newline, and a zero byte behind


def size_text(size: int, width: int) -> bytes:
    """A size as `width` hexadecimal digits, or that many question marks when it needs more."""
    digits = b"%0*x" % (width, size)
    return digits if len(digits) <= width else b"?" * width


class Listing:
    """The lines of a folder, given out a few at a time."""

    def __init__(
        self, sandbox: Sandbox, path: bytes, names: tuple[bytes, ...] | None = None
    ) -> None:
        self._sandbox = sandbox
        self._path = path
        self._names = [*reversed(sandbox.entries(path) if names is None else names)]

    @property
    def names(self) -> tuple[bytes, ...]:
        """Those to come."""
        return tuple(reversed(self._names))

    def read(self, size: int) -> bytes:
        """As many whole lines as `size` bytes hold; empty at the end."""
        text = b""
        while self._names and len(self._names[-1]) + _LINE_OVERHEAD <= size - len(text):
            text += self._line(self._names.pop())
        return text

    def _line(self, name: bytes) -> bytes:
        try:
            found = self._sandbox.status(self._path + b"/" + name)
        except OSError:
            return b"!!!! %s\n" % name
        if stat.S_ISDIR(found.st_mode):
            return b"---- %s/\n" % name
        return b"%s %s\n" % (size_text(found.st_size, 4), name)


class Handle:
    """Reads and writes on the host.

    Args:
        sandbox: where paths lead.
        ahead: what this handle reads before it is asked to.
        computer: all that is read ahead by handles of the same computer.
    """

    def __init__(self, sandbox: Sandbox, ahead: ReadAhead, computer: tuple[ReadAhead, ...]) -> None:
        self._sandbox = sandbox
        self._ahead = ahead
        self._computer = computer
        self._reading: int | Listing | None = None
        self._writing: int | None = None
        self._appends = False
        self._path = b""

    def read(self, path: Path, size: int) -> tuple[int, bytes]:
        """See `Files`."""
        if self._reading is None:
            self.close()
            self._path = path()
            self._reading = self._open(self._path)
        if isinstance(self._reading, Listing):
            text = self._reading.read(size)
            # The zero byte behind the lines is what programs print them up to.
            return len(text), (text + b"\0")[:size]
        data = self._ahead.read(self._reading, size)
        return len(data), data

    def write(self, path: Path, data: memoryview, *, append: bool) -> int:
        """See `Files`."""
        if self._writing is None:
            self.close()
            name = path()
            if name.endswith(b"/"):
                self._sandbox.make_folder(name)
                return 1
            self._path, self._appends = name, append
            self._writing = self._sandbox.create_file(name, append=append)
        for ahead in self._computer:
            ahead.before_write(self._writing)
        at = 0
        while at < len(data):
            at += os.write(self._writing, data[at:])
        return at

    def describe(self, path: Path, width: int) -> bytes:
        """See `Files`: a size, or a row of one sign."""
        name = path()
        try:
            found = self._sandbox.status(name)
        except OutsideError:
            raise
        except OSError:
            return b"!" * width
        return b"-" * width if stat.S_ISDIR(found.st_mode) else size_text(found.st_size, width)

    def remove(self, path: Path) -> None:
        """See `Files`."""
        self._sandbox.remove(path())

    def close(self) -> None:
        """See `Files`."""
        self._ahead.forget()
        for descriptor in (self._reading, self._writing):
            if isinstance(descriptor, int):
                os.close(descriptor)
        self._reading = self._writing = None

    def position(self) -> Position | None:
        """See `Files`."""
        if isinstance(self._reading, Listing):
            return LISTS, self._path, self._reading.names
        if self._reading is not None:
            at = os.lseek(self._reading, 0, os.SEEK_CUR) - self._ahead.left
            return READS, self._path, at
        if self._writing is not None:
            kind = APPENDS if self._appends else WRITES
            return kind, self._path, os.lseek(self._writing, 0, os.SEEK_CUR)
        return None

    def go_to(self, position: Position) -> None:
        """See `Files`."""
        kind, path, at = position
        self.close()
        self._path = bytes(memoryview(path))
        if kind == LISTS:
            names = tuple(bytes(memoryview(name)) for name in at)  # type: ignore[union-attr]
            self._reading = Listing(self._sandbox, self._path, names)
            return
        behind = whole("position", at, 0, LARGEST)
        if kind == READS:
            descriptor = self._reading = self._sandbox.open_file(self._path)
        elif kind in (WRITES, APPENDS):
            self._appends = kind == APPENDS
            descriptor = self._writing = self._sandbox.reopen_file(self._path, append=self._appends)
        else:
            raise ValueError(f"{shortened(kind)} is nothing that is done to files")
        if kind == WRITES and behind > os.fstat(descriptor).st_size:
            raise OSError(errno.EINVAL, "it has become shorter")
        os.lseek(descriptor, behind, os.SEEK_SET)

    def __del__(self) -> None:
        if hasattr(self, "_writing"):
            self.close()

    def _open(self, path: bytes) -> int | Listing:
        """Open whatever is there for reading."""
        if stat.S_ISDIR(self._sandbox.status(path).st_mode):
            return Listing(self._sandbox, path)
        return self._sandbox.open_file(path)

"""The two File devices, ports a0 to af and b0 to bf: one open file or folder each.

    +2* success   bytes moved by the last operation, 0 when it failed
    +4* stat      describe the file in `length` characters at the address
    +6  delete    remove the file
    +7  append    1: writing begins at the end
    +8* name      address of the path, ended by a zero byte
    +a* length    bytes to move
    +c* read      read to the address         +e* write   write from the address

Writing the low byte acts. The name port keeps an address only: the path is what memory holds at
that address when the file is opened, described or deleted. Reading and writing go on where they
stopped; changing from one to the other, or writing the name port, starts over.

A folder is read as text, one line an entry: four characters of size, a space, the name. Only
whole lines are given, and the rest by the next read. A path that ends in '/' is written by making
a folder of it.

Nothing here raises: what the disk or the sandbox refuses succeeds with 0 bytes.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from functools import partial

from jitvm.engine.machine import Machine
from jitvm.guests.uxn.varvara.output import Output
from jitvm.guests.uxn.varvara.rom import BANK_SIZE
from jitvm.guests.uxn.varvara.sandbox import MAX_PATH, OutsideError, Sandbox

BASES = (0xA0, 0xB0)

SUCCESS, STAT, DELETE, APPEND, NAME, LENGTH, READ, WRITE = 2, 4, 6, 7, 8, 0xA, 0xC, 0xE

_LINE_OVERHEAD = 8  # size, space, the '/' of a folder, newline, and a zero byte behind


def size_text(size: int, width: int) -> bytes:
    """A size as `width` hexadecimal digits, or that many question marks when it needs more."""
    digits = b"%0*x" % (width, size)
    return digits if len(digits) <= width else b"?" * width


class Listing:
    """The lines of a folder, given out a few at a time."""

    def __init__(self, sandbox: Sandbox, path: bytes) -> None:
        self._sandbox = sandbox
        self._path = path
        self._names = sandbox.entries(path)[::-1]

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


class File:
    """Connects the File ports at `base` of a machine.

    Args:
        machine: whose ports they are.
        output: takes warnings about paths outside of the sandbox.
        sandbox: where files live; None: there are no files, nothing succeeds.
        base: the device's first port.
    """

    def __init__(
        self, machine: Machine, output: Output, sandbox: Sandbox | None, base: int
    ) -> None:
        self._machine = machine
        self._output = output
        self._sandbox = sandbox
        self._base = base
        self._path_at: int | None = None
        self._length = 0
        self._reading: int | Listing | None = None
        self._writing: int | None = None
        self._warned: set[bytes] = set()
        machine.on_write(base + LENGTH + 1, self._latch_length)
        machine.on_write(base + NAME + 1, self._latch_name)
        for port, act in (
            (STAT + 1, self._stat),
            (DELETE, self._delete),
            (READ + 1, self._read),
            (WRITE + 1, self._write),
        ):
            machine.on_write(base + port, partial(self._act, act))

    def reset(self) -> None:
        """Close what is open and forget the name and the length."""
        self.close()
        self._path_at = None
        self._length = 0

    def close(self) -> None:
        """Close what is open."""
        for descriptor in (self._reading, self._writing):
            if isinstance(descriptor, int):
                os.close(descriptor)
        self._reading = self._writing = None

    def __del__(self) -> None:
        if hasattr(self, "_writing"):
            self.close()

    # -- ports -------------------------------------------------------------------------------

    def _word(self, port: int) -> int:
        page, at = self._machine.page, self._base + port
        return page[at] << 8 | page[at + 1]

    def _latch_length(self, _low: int) -> None:
        self._length = self._word(LENGTH)

    def _latch_name(self, _low: int) -> None:
        self.close()
        self._path_at = self._word(NAME)
        self._succeed(0)

    def _act(self, operation: Callable[[Sandbox], int], _byte: int) -> None:
        """Do an operation and report how it went."""
        count = 0
        if self._sandbox is not None:
            try:
                count = operation(self._sandbox)
            except OutsideError as error:
                self._warn(error.filename, self._sandbox)
            except OSError:
                count = 0
        self._succeed(count)

    def _succeed(self, count: int) -> None:
        at = self._base + SUCCESS
        self._machine.page[at : at + 2] = count.to_bytes(2, "big")

    def _path(self) -> bytes:
        """The path that memory holds now; OSError where there is none."""
        if self._path_at is None:
            raise FileNotFoundError(errno.ENOENT, "no name")
        text = bytes(self._machine.memory[self._path_at : self._path_at + MAX_PATH + 1])
        end = text.find(0)
        if end < 0:
            raise OSError(errno.ENAMETOOLONG, "a name without an end")
        return text[:end]

    def _span(self, port: int) -> tuple[int, int]:
        """Where a port's bytes are: from the address, for `length`, to the end of memory."""
        address = self._word(port)
        return address, min(address + self._length, BANK_SIZE)

    def _warn(self, path: bytes, sandbox: Sandbox) -> None:
        if path in self._warned:
            return
        self._warned.add(path)
        name = path.decode("utf-8", "replace")
        name = "".join(char if char.isprintable() else "?" for char in name)
        self._output.message(
            f"jitvm: warning: the program asked for {name}, which is outside of {sandbox.root}; "
            "give it another folder with --sandbox\n"
        )

    # -- operations --------------------------------------------------------------------------

    def _stat(self, sandbox: Sandbox) -> int:
        start, end = self._span(STAT)
        self._store(start, _description(sandbox, self._path(), end - start))
        return end - start

    def _delete(self, sandbox: Sandbox) -> int:
        sandbox.remove(self._path())
        return 1

    def _read(self, sandbox: Sandbox) -> int:
        start, end = self._span(READ)
        if self._reading is None:
            self.close()
            self._reading = _open(sandbox, self._path())
        if isinstance(self._reading, Listing):
            text = self._reading.read(end - start)
            # The zero byte behind the lines is what programs print them up to.
            self._store(start, (text + b"\0")[: end - start])
            return len(text)
        count = 0
        while start + count < end:
            got = os.readv(self._reading, [self._machine.memory[start + count : end]])
            if not got:
                break
            count += got
        self._machine.code_written(start, count)
        return count

    def _write(self, sandbox: Sandbox) -> int:
        start, end = self._span(WRITE)
        if self._writing is None:
            self.close()
            path = self._path()
            if path.endswith(b"/"):
                sandbox.make_folder(path)
                return 1
            append = self._machine.page[self._base + APPEND] & 1
            self._writing = sandbox.create_file(path, append=bool(append))
        at = start
        while at < end:
            at += os.write(self._writing, self._machine.memory[at:end])
        return end - start

    def _store(self, start: int, data: bytes) -> None:
        self._machine.memory[start : start + len(data)] = data
        self._machine.code_written(start, len(data))


def _open(sandbox: Sandbox, path: bytes) -> int | Listing:
    """Open whatever is there for reading."""
    if stat.S_ISDIR(sandbox.status(path).st_mode):
        return Listing(sandbox, path)
    return sandbox.open_file(path)


def _description(sandbox: Sandbox, path: bytes, width: int) -> bytes:
    """What the stat port writes: a size, or a row of one sign."""
    try:
        found = sandbox.status(path)
    except OutsideError:
        raise
    except OSError:
        return b"!" * width
    return b"-" * width if stat.S_ISDIR(found.st_mode) else size_text(found.st_size, width)

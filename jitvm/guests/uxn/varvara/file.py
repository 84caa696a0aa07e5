"""The two File devices, ports a0 to af and b0 to bf: one open file or folder each.

    +2* success   bytes moved by the last operation, 0 if it failed
    +4* stat      describe the file in `length` characters at the address
    +6  delete    remove the file
    +7  append    1: writing begins at the end
    +8* name      address of the path, ended by a zero byte
    +a* length    bytes to move
    +c* read      read to the address         +e* write   write from the address

Writing the low byte triggers the operation. The name port holds only an address: the path is what
memory contains there when the file is opened, described or deleted. Reads and writes continue where
the previous one stopped; switching between them, or writing the name port, starts over.

A folder is read as text, one line per entry: four characters of size, a space, the name. Only whole
lines are returned, and the rest by the next read. Writing to a path that ends in '/' creates a
folder.

Nothing here raises: an operation that the disk or the sandbox refuses moves 0 bytes. This file is
the guest's side, `handle` the host's.

For a program that keeps reading small pieces, the native code of `readcode` goes in front of the
Python functions of two ports, which then see only the uncommon cases: see `readahead`. That
requires a `Handle`; anything else in its place answers every read itself.
"""

from __future__ import annotations

import errno

from jitvm.engine.machine.machine import Machine, Tier
from jitvm.guest.light import partial
from jitvm.guest.numbers import whole
from jitvm.guests.uxn.varvara.handle import Handle
from jitvm.guests.uxn.varvara.program import BANK_SIZE
from jitvm.guests.uxn.varvara.readahead import LONGEST, ReadAhead
from jitvm.guests.uxn.varvara.sandbox import MAX_PATH, OutsideError, Sandbox
from jitvm.guests.uxn.varvara.words import FILE_WORDS, FILES, DeviceWords
from jitvm.platform.device import WORD, Device, StateError
from jitvm.platform.output import Output

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable

    from jitvm.guests.uxn.varvara.handle import Files, Position
    from jitvm.guests.uxn.varvara.readcode import ReadCode

    FileState = tuple[int | None, int, Position | None]

BASES = (0xA0, 0xB0)

SUCCESS, STAT, DELETE, APPEND, NAME, LENGTH, READ, WRITE = 2, 4, 6, 7, 8, 0xA, 0xC, 0xE

LOOK_AFTER = 64
"""Small reads of a device before native code is looked for in the cache: as long as that takes."""
BUILD_AFTER = 400
"""Small reads before LLVM is imported, where the cache has none: programs that end sooner never
pay for it."""


def shown(path: bytes) -> str:
    """A path in messages."""
    name = path.decode("utf-8", "replace")
    return "".join(char if char.isprintable() else "?" for char in name)


def connect_files(
    machine: Machine, output: Output, sandbox: Sandbox | None, words: DeviceWords
) -> tuple[File, ...]:
    """Both devices of a computer, with the row of words that its native devices have."""
    aheads = tuple(
        ReadAhead(words.view(FILES + FILE_WORDS * i, FILE_WORDS)) for i in range(len(BASES))
    )
    return tuple(
        File(machine, output, sandbox, base, ahead, aheads)
        for base, ahead in zip(BASES, aheads, strict=True)
    )


class File(Device):
    """Connects the File ports at `base` of a machine.

    Args:
        machine: whose ports they are.
        output: takes warnings about paths outside of the sandbox.
        sandbox: where files live; None: there are no files, nothing succeeds.
        base: the device's first port.
        ahead: what this device reads before it is asked to.
        computer: all that is read ahead by devices of the same computer.
    """

    def __init__(
        self,
        machine: Machine,
        output: Output,
        sandbox: Sandbox | None,
        base: int,
        ahead: ReadAhead,
        computer: tuple[ReadAhead, ...],
    ) -> None:
        self._machine = machine
        self._output = output
        self._sandbox = sandbox
        self._base = base
        self.ports = range(base, base + 0x10)
        self._ahead = ahead
        self._path_at: int | None = None
        self._small_reads = 0
        self._may_be_native = machine.tier is not Tier.REFERENCE
        self._is_native = False
        self._handle = None if sandbox is None else Handle(sandbox, ahead, computer)
        self._files: Files | None = self._handle
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

    @property
    def files(self) -> Files | None:
        """The host's side; None if there are no files. Others may take its place."""
        return self._files

    @files.setter
    def files(self, files: Files | None) -> None:
        self._files = files
        self._look_ahead()

    def reset(self) -> None:
        """Close what is open and forget the name and the length."""
        self.close()
        self._path_at = None
        self._ahead.length = 0

    def snapshot(self) -> FileState:
        """Copy its settings: the name's address, None for no name, and the length; and what is
        open."""
        position = None if self._files is None else self._files.position()
        return self._path_at, self._ahead.length, position

    def restore(self, state: FileState) -> None:
        """Restore them, and open again what was open.

        Raises:
            StateError: that cannot be done.
            ValueError, TypeError: it is no such state.
        """
        self.close()
        path_at, length, position = state
        self._path_at = None if path_at is None else whole("address", path_at, 0, WORD)
        self._ahead.length = whole("length", length, 0, WORD)
        if position is None:
            return
        name = shown(bytes(memoryview(position[1])))
        if self._files is None:
            raise StateError(f"{name} was open, and the program has no files now")
        try:
            self._files.go_to(position)
        except OSError as error:
            why = error.strerror or str(error)
            raise StateError(f"{name} was open, and cannot be opened again: {why}") from error

    def close(self) -> None:
        """Close what is open."""
        if self._files is not None:
            self._files.close()

    # -- ports -------------------------------------------------------------------------------

    def _word(self, port: int) -> int:
        page, at = self._machine.page, self._base + port
        return page[at] << 8 | page[at + 1]

    def _latch_length(self, _low: int) -> None:
        self._ahead.length = self._word(LENGTH)

    def _latch_name(self, _low: int) -> None:
        self.close()
        self._path_at = self._word(NAME)
        self._succeed(0)

    def _act(self, operation: Callable[[Files], int], _byte: int) -> None:
        """Do an operation and report how it went."""
        count = 0
        if self._files is not None:
            try:
                count = operation(self._files)
            except OutsideError as error:
                self._warn(error.filename)
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
        return address, min(address + self._ahead.length, BANK_SIZE)

    def _warn(self, path: bytes) -> None:
        if path in self._warned or self._sandbox is None:
            return
        root = self._sandbox.root
        self._warned.add(path)
        name = shown(path)
        self._output.message(
            f"jitvm: warning: the program asked for {name}, which is outside of {root}; "
            "give it another folder with --sandbox\n"
        )

    # -- operations --------------------------------------------------------------------------

    def _stat(self, files: Files) -> int:
        start, end = self._span(STAT)
        self._store(start, files.describe(self._path, end - start))
        return end - start

    def _delete(self, files: Files) -> int:
        files.remove(self._path)
        return 1

    def _read(self, files: Files) -> int:
        start, end = self._span(READ)
        if self._may_be_native and not self._is_native and 0 < end - start <= LONGEST:
            self._hasten()
        count, data = files.read(self._path, end - start)
        self._store(start, data)
        return count

    def _write(self, files: Files) -> int:
        start, end = self._span(WRITE)
        append = self._machine.page[self._base + APPEND] & 1
        return files.write(self._path, self._machine.memory[start:end], append=bool(append))

    def _store(self, start: int, data: bytes) -> None:
        self._machine.memory[start : start + len(data)] = data
        self._machine.code_written(start, len(data))

    # -- native reading ----------------------------------------------------------------------

    def _hasten(self) -> None:
        """Count a small read; see whether there is native code for the ones to come."""
        self._small_reads += 1
        if self._small_reads != LOOK_AFTER and self._small_reads < BUILD_AFTER:
            return
        from jitvm.guests.uxn.varvara import readcode

        code = readcode.installed()
        if code is None and self._small_reads == LOOK_AFTER:
            code = readcode.find()
        elif code is None:
            readcode.build_behind()
        if code is not None:
            self._read_natively(code)

    def _read_natively(self, code: ReadCode) -> None:
        """Put native code before the Python of the read and length ports.

        It goes into the machine's table of port functions and goes on to what was there, so for
        everybody else, compiled regions included, the ports stay as they were connected.
        """
        machine, read, length = self._machine, self._base + READ + 1, self._base + LENGTH + 1
        functions = machine.block.words(machine.layout.writers, machine.guest.ports)
        self._ahead.precede(functions[read])
        functions[read], functions[length] = code.read, code.length
        self._is_native = True
        self._look_ahead()

    def _look_ahead(self) -> None:
        """Read ahead where native code gives it out and nobody else has to see each read."""
        self._ahead.enabled = self._is_native and self._files is self._handle

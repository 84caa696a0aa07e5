"""The tape of a Varvara computer: the times that were read, and what the host said of files.

    clock.now  --> VarvaraTape --> the host's clock
    File       --> _TapedFiles --> Handle --> disk
                      |  note, or give again
                      v
                   what was answered, in order

A file that is open on the host is where the last answer left it, so nothing of it moves while
answers are given again. When the tape is cut before that, the host's side is opened anew and read
as far as it had been read. What was written to files stays written.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from time import struct_time
from typing import TYPE_CHECKING, Any

from jitvm.platform.tape import Tape

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jitvm.guests.uxn.varvara.clock import DateTime
    from jitvm.guests.uxn.varvara.file import File
    from jitvm.guests.uxn.varvara.handle import Files, Path, Position


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the host said: a time, or the result of an operation on files; None if it failed.

    Attributes:
        device: 0 or 1; -1 for the clock.
        result: of the operation.
        reads: of one that reads, how to do it again.
        closes: whether what was open was closed.
    """

    device: int
    result: Any
    reads: Callable[[Files], object] | None = None
    closes: bool = False


class VarvaraTape(Tape):
    """Between the devices of a computer and its host; see the head of this file."""

    def __init__(self, clock: DateTime, files: Iterable[File]) -> None:
        self._answers: list[_Answer] = []
        self._at = 0
        self._is_winding = False
        self._now = clock.now
        self._files: dict[int, _TapedFiles] = {}
        clock.now = self._read_clock
        for index, device in enumerate(files):
            if device.files is not None:
                device.files = self._files[index] = _TapedFiles(index, device.files, self)

    def mark(self) -> int:
        """How many answers were given up to now."""
        return self._at

    @property
    def is_at_end(self) -> bool:
        """Whether the host is asked next."""
        return self._at == len(self._answers)

    def wind(self, mark: int, restore: Callable[[], object]) -> None:
        """Put the computer back to a mark; the answers after it are given again."""
        self._is_winding = True
        try:
            restore()
        finally:
            self._is_winding = False
        self._at = mark

    def cut(self) -> None:
        """Forget the answers after this one; see the head of this file."""
        if self._at < len(self._answers):
            del self._answers[self._at :]
            for device, files in self._files.items():
                files.open_again([each for each in self._answers if each.device == device])

    def answer(self, device: int, ask: Callable[[], _Answer]) -> Any:
        """What the host says now, or said then."""
        if self._is_winding:
            return None
        if self._at == len(self._answers):
            self._answers.append(ask())
        found = self._answers[self._at]
        if found.device != device:
            raise RuntimeError("the program asks for something else than it did; start it again")
        self._at += 1
        return found.result

    def _read_clock(self) -> struct_time:
        now: struct_time = self.answer(-1, lambda: _Answer(-1, self._now()))
        return now


class _TapedFiles:
    """The host's side of a File device."""

    def __init__(self, device: int, host: Files, tape: VarvaraTape) -> None:
        self._device = device
        self._host = host
        self._tape = tape

    def read(self, path: Path, size: int) -> tuple[int, bytes]:
        """See `Files`, also for those that follow."""

        def read() -> _Answer:
            with suppress(OSError):
                name = path()
                return self._said(
                    lambda: self._host.read(path, size),
                    lambda host: host.read(lambda: name, size),
                )
            return self._said(lambda: self._host.read(path, size))

        count, data = self._ask(read)
        return count, data

    def write(self, path: Path, data: memoryview, *, append: bool) -> int:
        def write() -> int:
            return self._host.write(path, data, append=append)

        return int(self._ask(lambda: self._said(write)))

    def describe(self, path: Path, width: int) -> bytes:
        return bytes(self._ask(lambda: self._said(lambda: self._host.describe(path, width))))

    def remove(self, path: Path) -> None:
        def remove() -> bool:
            self._host.remove(path)
            return True

        self._ask(lambda: self._said(remove))

    def close(self) -> None:
        def close() -> _Answer:
            self._host.close()
            return _Answer(self._device, True, closes=True)

        self._tape.answer(self._device, close)

    def position(self) -> Position | None:
        """That of the host's side, where that is what the program believes."""
        return self._host.position() if self._tape.is_at_end else None

    def go_to(self, position: Position) -> None:
        """Nothing: the host's side stays where the last answer has left it."""

    def open_again(self, answers: list[_Answer]) -> None:
        """Have the host's side where it was after some answers, as far as it was read."""
        self._host.close()
        reads: list[Callable[[Files], object]] = []
        for each in answers:
            if each.closes or each.reads is None:
                reads.clear()
            else:
                reads.append(each.reads)
        for read in reads:
            with suppress(OSError):
                read(self._host)

    def _said(
        self, work: Callable[[], object], reads: Callable[[Files], object] | None = None
    ) -> _Answer:
        try:
            return _Answer(self._device, work(), reads)
        except OSError:
            return _Answer(self._device, None)

    def _ask(self, ask: Callable[[], _Answer]) -> Any:
        result = self._tape.answer(self._device, ask)
        if result is None:
            raise OSError("the host refused it")
        return result

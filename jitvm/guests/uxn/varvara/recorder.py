"""Records a session: see `session` for what is in it.

The recorder sits between devices and host, in place of `DateTime.now` and `File.files`, and
observes the frame loop:

    File --read--> _RecordedFiles --read--> Handle --> disk
                        | note
                        v
    FrameLoop --end--> Recorder --> one line of the file
"""

from __future__ import annotations

import base64
import json
import os
import zlib
from collections.abc import Callable
from contextlib import suppress
from time import struct_time
from typing import TYPE_CHECKING

from jitvm.engine.host.part import Pending
from jitvm.guests.uxn.varvara.session import (
    REMOVE,
    VERSION,
    FileCall,
    Inputs,
    Json,
    checksum,
    describe_request,
    read_request,
    write_request,
)
from jitvm.platform.recording.hashes import NOTHING, FrameHashes, sound_hash
from jitvm.platform.script import event_text
from jitvm.platform.sessions import SessionError
from jitvm.version import __version__

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from jitvm.guests.uxn.varvara.computer import Computer
    from jitvm.guests.uxn.varvara.handle import Files, Path, Position
    from jitvm.platform.events import Event
    from jitvm.platform.frames import Frame


class Recorder:
    """Records what a computer does while a ``with`` block lasts.

    Enter the block before the computer has run. Frames count that run through `Computer.frame` or
    `Computer.run_frames`; the last one only if it is complete. The file is in its place when the
    block has been left; until then what was there before still is.

    Args:
        path: of the file; what is there before is replaced in the end.
        computer: what is recorded.

    Raises:
        SessionError: the file cannot be written.
    """

    def __init__(self, path: str | os.PathLike[str], computer: Computer) -> None:
        self.path = os.fspath(path)
        self._computer = computer
        self._hashes = FrameHashes(computer.screen)
        self._inputs = Inputs()
        self._events: tuple[Event, ...] = ()
        self._time: list[int] = []
        self._picture = self._sound = NOTHING
        self._check = self._frames = 0
        self._now = computer.clock.now
        self._files = [device.files for device in computer.files]
        try:
            self._pending = Pending(self.path)
            self._file = open(self._pending.beside, "wb")  # noqa: SIM115  closed by `__exit__`
        except OSError as error:
            raise self._failure(error) from error

    def __enter__(self) -> Self:
        computer = self._computer
        head = {
            "session": VERSION,
            "jitvm": __version__,
            "rom": checksum(computer.rom),
            "args": [os.fsdecode(arg) for arg in computer.args],
            "files": computer.files[0].files is not None,
            "sound": computer.frames.sound,
        }
        try:
            self._write(head)
        except SessionError:
            self._abandon()
            raise
        self._listen()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._leave()
        try:
            if not self._frames:
                self._write_frame(0, {})
            self._write({"end": self._frames, "state": self._computer.system.state})
            self._write({"check": self._check})
            self._file.close()
            self._pending.commit()
        except OSError as failure:
            raise self._failure(failure) from failure
        finally:
            self._abandon()

    def discard(self) -> None:
        """Leave no file, whether the block was entered or not; what was there before stays."""
        self._leave()
        self._abandon()

    # -- what the frame loop tells -----------------------------------------------------------

    def begin(self, number: int, events: tuple[Event, ...]) -> None:
        """A frame begins; see `FrameLoop.observer`."""
        if number == 1:
            self._write_frame(0, {})
        self._events = events

    def end(self, frame: Frame) -> None:
        """A frame is complete."""
        seen: Json = {}
        picture, sound = self._hashes.picture(frame), sound_hash(frame.sound)
        if picture != self._picture:
            self._picture = seen["picture"] = picture
        if sound != self._sound:
            self._sound = seen["sound"] = sound
        self._write_frame(frame.number, seen)
        self._frames = frame.number

    # -- between devices and host ------------------------------------------------------------

    def _listen(self) -> None:
        computer = self._computer
        computer.frames.observer = self
        computer.clock.now = self._read_clock
        for index, device in enumerate(computer.files):
            if device.files is not None:
                device.files = _RecordedFiles(index, device.files, self._note)

    def _leave(self) -> None:
        """Put the host back in its place."""
        computer = self._computer
        computer.frames.observer = None
        computer.clock.now = self._now
        for device, files in zip(computer.files, self._files, strict=True):
            device.files = files

    def _read_clock(self) -> struct_time:
        moment = self._now()
        self._inputs.clock.append(moment)
        return moment

    def _note(self, call: FileCall) -> None:
        self._inputs.files.append(call)

    # -- the file ----------------------------------------------------------------------------

    def _write_frame(self, number: int, seen: Json) -> None:
        line: Json = {}
        if self._events:
            line["events"] = [event_text(event) for event in self._events]
        if self._inputs.clock:
            line["clock"] = self._clock_words()
        if self._inputs.files:
            line["files"] = [_file_words(call) for call in self._inputs.files]
        line.update(seen)
        self._events, self._inputs = (), Inputs()
        if line:
            self._write({"frame": number, **line})

    def _clock_words(self) -> list[int | list[int]]:
        """Reads of the clock, as runs of the same time."""
        words: list[int | list[int]] = []
        reads = 0
        for moment in self._inputs.clock:
            fields = list(moment[:9])
            if fields != self._time:
                words += [reads, fields] if reads else [fields]
                self._time, reads = fields, 0
            reads += 1
        return [*words, reads]

    def _write(self, line: Json) -> None:
        data = json.dumps(line, separators=(",", ":")).encode() + b"\n"
        try:
            self._file.write(data)
            self._file.flush()
        except OSError as error:
            raise self._failure(error) from error
        self._check = zlib.crc32(data, self._check)

    def _abandon(self) -> None:
        """Throw the file away, unless it is in its place."""
        with suppress(OSError):
            self._file.close()
        self._pending.discard()

    def _failure(self, error: OSError) -> SessionError:
        return SessionError(f"{self.path}: cannot be written: {error.strerror}; name another place")


class _RecordedFiles:
    """The host's side of a File device, with every answer noted."""

    def __init__(self, device: int, files: Files, note: Callable[[FileCall], None]) -> None:
        self._device = device
        self._files = files
        self._note = note

    def read(self, path: Path, size: int) -> tuple[int, bytes]:
        return self._noted(read_request(size), lambda: self._files.read(path, size))

    def write(self, path: Path, data: memoryview, *, append: bool) -> int:
        def write() -> tuple[int, bytes]:
            return self._files.write(path, data, append=append), b""

        return self._noted(write_request(data, append=append), write)[0]

    def describe(self, path: Path, width: int) -> bytes:
        def describe() -> tuple[int, bytes]:
            return width, self._files.describe(path, width)

        return self._noted(describe_request(width), describe)[1]

    def remove(self, path: Path) -> None:
        def remove() -> tuple[int, bytes]:
            self._files.remove(path)
            return 1, b""

        self._noted(REMOVE, remove)

    def close(self) -> None:
        self._files.close()

    def position(self) -> Position | None:
        return self._files.position()

    def go_to(self, position: Position) -> None:
        self._files.go_to(position)

    def _noted(self, request: str, work: Callable[[], tuple[int, bytes]]) -> tuple[int, bytes]:
        try:
            success, data = work()
        except OSError:
            self._note(FileCall(self._device, request, None))
            raise
        self._note(FileCall(self._device, request, success, data))
        return success, data


def _file_words(call: FileCall) -> list[int | str | None]:
    return [call.device, call.request, call.success, base64.b64encode(call.data).decode()]

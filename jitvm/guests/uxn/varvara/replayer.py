"""Replays a recorded session, in place of the clock, the files and the user.

A program depends only on its inputs, so with the same inputs it must make the same requests, look
the same and sound the same. The first difference is reported with its frame: it comes from another
version of jitvm, or from a bug in it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from time import struct_time
from typing import TYPE_CHECKING

from jitvm.guests.uxn.varvara.session import (
    REMOVE,
    FileCall,
    Inputs,
    RecordedFrame,
    Session,
    checksum,
    describe_request,
    read_request,
    write_request,
)
from jitvm.platform.recording.hashes import NOTHING, FrameHashes, sound_hash
from jitvm.platform.sessions import DivergedError, SessionError
from jitvm.version import __version__

if TYPE_CHECKING:
    from jitvm.guests.uxn.varvara.computer import Computer
    from jitvm.guests.uxn.varvara.handle import Path, Position
    from jitvm.platform.frames import Frame

_NOTHING_CAME = RecordedFrame()


class Replayer:
    """Runs a session again, frame by frame, and sees that it is the same.

    Args:
        session: what was recorded.
        computer: one that has not run, with the session's program and arguments, and of any tier;
            its clock and files are not used any more, and output goes where it always goes.

    Raises:
        SessionError: the computer has another program or other arguments.
    """

    def __init__(self, session: Session, computer: Computer) -> None:
        self._session = session
        self._computer = computer
        self._hashes = FrameHashes(computer.screen)
        self._picture = self._sound = NOTHING
        self._number = 0
        self._inputs = Inputs()
        self._check_program()
        computer.frames.sound = session.has_sound
        computer.clock.now = self._now
        for index, device in enumerate(computer.files):
            device.files = _ReplayedFiles(index, self._file) if session.has_files else None

    def frames(self) -> Iterator[Frame]:
        """Run the reset vector and then each frame, and give it out when it was the same.

        Raises:
            DivergedError: it was not.
            LimitReached, KeyboardInterrupt, OutputError: as for `FrameLoop.frame`.
        """
        self._begin(0)
        self._computer.boot()
        self._compare_inputs()
        for number in range(1, self._session.length + 1):
            recorded = self._begin(number)
            frame = self._computer.frame(recorded.events)
            self._compare_inputs()
            self._compare(recorded, frame)
            yield frame
        if self._computer.system.state != self._session.state:
            raise self._diverged(
                f"it ends with state {self._computer.system.state}, not {self._session.state}"
            )

    def run(self, on_frame: Callable[[Frame], object] | None = None) -> None:
        """Replay all frames; raises as `frames` does."""
        for frame in self.frames():
            if on_frame is not None:
                on_frame(frame)

    def _check_program(self) -> None:
        session, computer = self._session, self._computer
        if checksum(computer.rom) != session.rom:
            raise SessionError(
                f"{session.name}: was recorded with another program than {computer.rom.name}: "
                f"one whose SHA-256 is {session.rom}"
            )
        if computer.args != tuple(os.fsencode(arg) for arg in session.args):
            raise SessionError(
                f"{session.name}: was recorded with other arguments: {list(session.args)}"
            )

    # -- one frame ---------------------------------------------------------------------------

    def _begin(self, number: int) -> RecordedFrame:
        recorded = self._session.frames.get(number, _NOTHING_CAME)
        self._number = number
        self._inputs = Inputs(recorded.inputs.clock[::-1], recorded.inputs.files[::-1])
        return recorded

    def _compare_inputs(self) -> None:
        clock, files = self._inputs.clock, self._inputs.files
        if clock:
            raise self._diverged(f"the clock is read {len(clock)} times less than then")
        if files:
            raise self._diverged(f"{len(files)} file operations less than then")

    def _compare(self, recorded: RecordedFrame, frame: Frame) -> None:
        self._picture = recorded.picture or self._picture
        self._sound = recorded.sound or self._sound
        for what, then, now in (
            ("picture", self._picture, self._hashes.picture(frame)),
            ("sound", self._sound, sound_hash(frame.sound)),
        ):
            if then != now:
                raise self._diverged(f"another {what}: hash {now}, not {then}")

    def _diverged(self, what: str) -> DivergedError:
        then, now = self._session.jitvm, __version__
        versions = "" if then == now else f" (recorded with jitvm {then}, this is {now})"
        return DivergedError(self._number, f"{what}; {self._session.name}{versions}")

    # -- in the host's place -----------------------------------------------------------------

    def _now(self) -> struct_time:
        if not self._inputs.clock:
            raise self._diverged("the clock is read more often than then")
        return self._inputs.clock.pop()

    def _file(self, device: int, request: str) -> FileCall:
        if not self._inputs.files:
            raise self._diverged(f"a file operation that was not then: {device} {request}")
        call = self._inputs.files.pop()
        if (call.device, call.request) != (device, request):
            raise self._diverged(
                f"another file operation: {device} {request}, not {call.device} {call.request}"
            )
        if call.success is None:
            raise OSError("as it was recorded")
        return call


class _ReplayedFiles:
    """The host's side of a File device, with answers from a session."""

    def __init__(self, device: int, answer: Callable[[int, str], FileCall]) -> None:
        self._device = device
        self._answer = answer

    def read(self, path: Path, size: int) -> tuple[int, bytes]:  # noqa: ARG002  as `Files` has it
        call = self._answer(self._device, read_request(size))
        return call.success or 0, call.data

    def write(self, path: Path, data: memoryview, *, append: bool) -> int:  # noqa: ARG002
        return self._answer(self._device, write_request(data, append=append)).success or 0

    def describe(self, path: Path, width: int) -> bytes:  # noqa: ARG002
        return self._answer(self._device, describe_request(width)).data

    def remove(self, path: Path) -> None:  # noqa: ARG002
        self._answer(self._device, REMOVE)

    def close(self) -> None:
        return

    def position(self) -> None:
        return

    def go_to(self, position: Position) -> None:  # noqa: ARG002
        raise OSError("its files are those of a session")

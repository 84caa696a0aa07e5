"""The files that a run with a screen produces: screenshot, recordings, hashes, the session.

All of them are opened before the program runs, so that a read-only folder is reported immediately,
and are written next to their destinations (see `outfile`). When the run ends, by itself, by a limit
or by a signal, they are moved into place. If one fails, the run ends and the others are kept.
"""

from __future__ import annotations

import sys

from jitvm.cli.exits import Exit, Failure, interrupted, unwritable
from jitvm.cli.outfile import Pending
from jitvm.engine.host.signals import ENDING
from jitvm.platform.picture import PictureError
from jitvm.platform.sessions import SessionError

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from jitvm.platform import Platform
    from jitvm.platform.computer import Computer
    from jitvm.platform.events import Event
    from jitvm.platform.frames import Frame, Observer
    from jitvm.platform.screen import Screen
    from jitvm.platform.tools import Sessions


class Outputs:
    """The files of one run, for a ``with`` block that the run is in; it listens to the frames.

    Raises:
        Failure: one of them cannot be written: on entry, by a frame, or in the end.
    """

    def __init__(self, arguments: Namespace, platform: Platform, computer: Computer) -> None:
        self._arguments = arguments
        self._platform = platform
        self._computer = computer
        self._outputs: list[_Output | _PrintedHashes] = []
        self._before: Observer | None = None
        self._begun = computer.frames.number

    def __enter__(self) -> Self:
        frames = self._computer.frames
        try:
            self._open()
        except BaseException:
            self._discard()
            raise
        self._before = frames.observer
        if any(output.is_of_frames for output in self._outputs):
            frames.observer = self
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._computer.frames.observer = self._before
        with ENDING.held():  # until all are complete
            self._complete(error)

    def _complete(self, error: BaseException | None) -> None:
        was_cut_off = isinstance(error, KeyboardInterrupt)
        has_frames = self._computer.frames.number > self._begun
        if error is not None and not was_cut_off and not has_frames:
            self._discard()
        failures: list[Failure] = []
        for output in reversed(self._outputs):
            try:
                output.close()
            except Failure as failure:
                failures.append(failure)
        if failures and error is None:
            raise failures[0]
        if failures and isinstance(error, KeyboardInterrupt):
            raise Failure(str(failures[0]), Exit(interrupted(error))) from error

    def _open(self) -> None:
        arguments, computer = self._arguments, self._computer
        scale = arguments.scale or 1
        if arguments.record_session is not None:  # first: it takes the place of clock and files
            self._outputs.append(_session(arguments.record_session, self._platform, computer))
        for name in arguments.record:
            self._outputs.append(_Recorded(name, computer, scale))
        if arguments.hash_frames is not None:
            self._outputs.append(_hashes(arguments.hash_frames, computer))
        if arguments.screenshot is not None:
            self._outputs.append(_Screenshot(arguments.screenshot, computer, scale))

    def _discard(self) -> None:
        """Leave no file."""
        for output in reversed(self._outputs):
            output.discard()
        self._outputs = []

    # -- called by the frame loop ------------------------------------------------------------

    def begin(self, number: int, events: tuple[Event, ...]) -> None:
        """A frame begins; see `FrameLoop.observer`."""
        with ENDING.held():
            for output in self._outputs:
                output.begin(number, events)

    def end(self, frame: Frame) -> None:
        """A frame is complete; a signal does not cut off what is written of it."""
        with ENDING.held():
            for output in self._outputs:
                output.add(frame)


class _Output:
    """A file that is written frame by frame: what they all have in common.

    Those that are derived say in `_open`, `_add` and `_close` how; what these raise becomes a
    `Failure`, and then nothing is left of the file.

    Attributes:
        is_of_frames: whether it has to see each frame; several run at a time where nothing has.
    """

    is_of_frames = True

    def __init__(self, path: str, computer: Computer) -> None:
        self.path = path
        self._computer = computer
        self._is_open = False
        self._guarded(self._open)
        self._is_open = True

    def begin(self, number: int, events: tuple[Event, ...]) -> None:
        """A frame begins."""

    def add(self, frame: Frame) -> None:
        """A frame is complete."""
        if self._is_open:
            self._guarded(lambda: self._add(frame))

    def close(self) -> None:
        """Complete the file and put it in its place, unless it has failed."""
        if self._is_open:
            self._guarded(self._close)
            self._is_open = False

    def discard(self) -> None:
        """Throw it away."""
        if self._is_open:
            self._is_open = False
            self._abandon()

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except _expected() as error:
            self.discard()
            if isinstance(error, OSError) and error.strerror:
                raise unwritable(self.path, error) from error
            raise Failure(str(error), Exit.FAILURE) from error

    def _open(self) -> None:
        """Begin to write."""

    def _add(self, frame: Frame) -> None:
        """Write a frame."""

    def _close(self) -> None:
        """Write what is left, and put the file in its place."""

    def _abandon(self) -> None:
        """Close what is open, and leave no file."""


def _expected() -> tuple[type[Exception], ...]:
    """What outputs raise; where nothing is recorded, what recordings raise is not imported."""
    possible = sys.modules.get("jitvm.platform.recording.possible")
    error = getattr(possible, "RecordingError", None)  # None while it is being imported, too
    found = OSError, SessionError, PictureError
    return found if error is None else (*found, error)


def _session(path: str, platform: Platform, computer: Computer) -> _Session:
    from jitvm.cli.sessions import sessions_of

    return _Session(path, computer, sessions_of(platform, "--record-session"))


class _Session(_Output):
    """All that comes in; its recorder is entered here and left in the end."""

    def __init__(self, path: str, computer: Computer, sessions: Sessions) -> None:
        self._sessions = sessions
        super().__init__(path, computer)

    def _open(self) -> None:
        self._recorder = self._sessions.recorder(self.path, self._computer)
        self._recorder.__enter__()

    def begin(self, number: int, events: tuple[Event, ...]) -> None:
        self._guarded(lambda: self._recorder.begin(number, events))

    def _add(self, frame: Frame) -> None:
        self._recorder.end(frame)

    def _close(self) -> None:
        self._recorder.__exit__(None, None, None)

    def _abandon(self) -> None:
        self._recorder.discard()


class _Recorded(_Output):
    """Pictures or sound."""

    def __init__(self, path: str, computer: Computer, scale: int) -> None:
        from jitvm.platform.recording.possible import RecordingError, format_of

        self._scale = scale
        try:
            format_of(path)
        except RecordingError as error:
            raise Failure(f"--record {error}") from error
        super().__init__(path, computer)

    def _open(self) -> None:
        from jitvm.platform.recording import Recording

        self._recording = Recording(self.path, self._computer, scale=self._scale)

    def _add(self, frame: Frame) -> None:
        self._recording.add(frame)

    def _close(self) -> None:
        self._recording.close()

    def _abandon(self) -> None:
        self._recording.discard()


class _Hashes(_Output):
    """A line a frame, in a file."""

    def _open(self) -> None:
        from jitvm.platform.recording.hashes import FrameHashes

        self._hashes = FrameHashes(self._computer.screen)
        self._pending = Pending(self.path)
        self._file = open(self._pending.beside, "wb")  # noqa: SIM115  closed by `_close`

    def _add(self, frame: Frame) -> None:
        self._file.write(self._hashes.line(frame).encode() + b"\n")

    def _close(self) -> None:
        self._file.close()
        self._pending.commit()

    def _abandon(self) -> None:
        from contextlib import suppress

        with suppress(OSError):  # it is not to be kept, so whatever it is
            self._file.close()
        self._pending.discard()


def _hashes(path: str, computer: Computer) -> _Hashes | _PrintedHashes:
    return _PrintedHashes(computer) if path == "-" else _Hashes(path, computer)


class _PrintedHashes:
    """A line a frame, on standard output."""

    is_of_frames = True

    def __init__(self, computer: Computer) -> None:
        from jitvm.platform.recording.hashes import FrameHashes

        self._hashes = FrameHashes(computer.screen)

    def begin(self, number: int, events: tuple[Event, ...]) -> None:
        """A frame begins."""

    def add(self, frame: Frame) -> None:
        """A frame is complete."""
        print(self._hashes.line(frame))

    def close(self) -> None:
        """Nothing: what is printed goes out at exit."""

    def discard(self) -> None:
        """Nothing, for the same reason."""


class _Screenshot(_Output):
    """The last frame."""

    is_of_frames = False

    def __init__(self, path: str, computer: Computer, scale: int) -> None:
        self._scale = scale
        super().__init__(path, computer)

    def _open(self) -> None:
        from importlib.util import find_spec

        if find_spec("PIL") is None:
            raise PictureError(
                "--screenshot needs Pillow, which is not installed; `pip install 'jitvm[screen]'`"
            )
        self._pending = Pending(self.path)

    def _close(self) -> None:
        screen = self._computer.screen
        if not screen.touched:
            raise PictureError(f"{self.path}: the program has drawn nothing, so it is not written")
        if not self._computer.frames.number:
            screen.compose()
        with open(self._pending.beside, "wb") as file:
            file.write(self._png(screen))
        self._pending.commit()

    def _png(self, screen: Screen) -> bytes:
        from jitvm.platform.picture import png, png_of

        shown = getattr(screen, "shown", None)  # of a screen that needs no NumPy
        if shown is not None and self._scale == 1:
            return png_of(*shown)
        from jitvm.platform.recording.animation import enlarged

        return png(enlarged(screen.pixels, self._scale))

    def _abandon(self) -> None:
        self._pending.discard()

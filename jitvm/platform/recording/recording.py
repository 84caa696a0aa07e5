"""Records a program's screen or sound to a file; its suffix selects the format.

    with Recording("game.gif", computer):
        computer.run_frames(300)

A recording observes the frame loop, in addition to any existing observer, and writes frames as they
come, so memory does not grow with length. Without a `with` block, `add` takes frames one by one.
The file is moved into place when it is complete; until then an existing file is unchanged.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress

from jitvm.engine.host.part import Pending, about
from jitvm.platform.recording.possible import (
    RecordingError,
    check_scale,
    format_of,
    require,
    require_pillow,
)

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Protocol, Self

    from jitvm.platform.computer import Computer
    from jitvm.platform.events import Event
    from jitvm.platform.frames import Frame, Observer

    class Writer(Protocol):
        """What makes a file of frames."""

        def add(self, frame: Frame) -> None:
            """Write what is new in a frame."""

        def close(self) -> None:
            """Write the end, and close the file."""


class Recording:
    """A file with what a computer shows (.gif, .webp), plays (.wav), or both (.mp4).

    Args:
        path: of the file; what is there before is replaced when the recording is closed.
        computer: what is recorded.
        scale: pixels of the file for each of the screen, both ways.
        form: the format, one of `FORMATS`; None for what the name says.

    Raises:
        RecordingError: the scale is less than 1; the name selects no format; or Pillow, which
            makes pictures, or PyAV, which makes videos, is not installed.
        OSError: the file cannot be written.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        computer: Computer,
        *,
        scale: int = 1,
        form: str | None = None,
    ) -> None:
        self.path = os.fspath(path)
        self._computer = computer
        self._before: Observer | None = None
        self._frames = 0
        self._is_open = False
        kind = form or format_of(self.path)
        check_scale(scale)
        self._pending = Pending(self.path)
        try:
            self._writer = _writer(self._pending.beside, self.path, computer, kind, scale)
        except BaseException:
            self._pending.discard()
            raise
        self._is_open = True

    def add(self, frame: Frame) -> None:
        """Record a frame that has just run; nothing once the recording is closed.

        Raises:
            OSError: the file cannot be written; the recording is thrown away.
            RecordingError: the format cannot hold the frame; the recording is thrown away, too.
        """
        if self._is_open:
            with self._guarded():
                self._writer.add(frame)
            self._frames += 1

    def close(self) -> None:
        """Make the file complete and put it in its place; more than once does no harm.

        Raises:
            OSError: the file cannot be written; the recording is thrown away.
            RecordingError: there was not one frame, so there is nothing to write.
        """
        if not self._is_open:
            return
        with self._guarded():
            self._writer.close()
            if not self._frames:
                raise RecordingError(f"{self.path}: no frame was complete, so it is not written")
            self._is_open = False
            self._pending.commit()

    def discard(self) -> None:
        """Throw the recording away; what was there before stays. Nothing once it is closed."""
        if self._is_open:
            self._is_open = False
            with suppress(OSError, RecordingError):
                self._writer.close()
        self._pending.discard()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.discard()
            raise about(self.path, error) from error
        except BaseException:
            self.discard()
            raise

    def __enter__(self) -> Self:
        frames = self._computer.frames
        self._before = frames.observer
        frames.observer = self
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._computer.frames.observer = self._before
        if error is not None and not self._frames:
            self.discard()
        self.close()

    # -- called by the frame loop ------------------------------------------------------------

    def begin(self, number: int, events: tuple[Event, ...]) -> None:
        """A frame begins; see `FrameLoop.observer`."""
        if self._before is not None:
            self._before.begin(number, events)

    def end(self, frame: Frame) -> None:
        """A frame is complete."""
        if self._before is not None:
            self._before.end(frame)
        self.add(frame)


def _writer(path: str, name: str, computer: Computer, kind: str, scale: int) -> Writer:
    """What writes to a path; in messages the file has a name."""
    if kind == "wav":
        return _Sound(path, name)
    if kind == "mp4":
        require("av", f"{name}: videos need PyAV", "video")
        from jitvm.platform.recording.mp4 import Video

        return Video(path, computer.screen, scale)
    require_pillow(name)
    return _Pictures(path, computer, kind, scale)


class _Pictures:
    """An animation in a file."""

    def __init__(self, path: str, computer: Computer, kind: str, scale: int) -> None:
        from jitvm.platform.recording.animation import Animation
        from jitvm.platform.recording.gif import Gif
        from jitvm.platform.recording.webp import Webp

        self._screen = computer.screen
        self._file = open(path, "wb")  # noqa: SIM115  closed by `close`
        self._animation = Animation(self._file, Gif if kind == "gif" else Webp, scale)

    def add(self, frame: Frame) -> None:
        self._animation.add(self._screen.pixels, changed=frame.changed)

    def close(self) -> None:
        if self._file.closed:
            return
        with self._file:
            self._animation.close()


class _Sound:
    """Sound in a file, silence included."""

    def __init__(self, path: str, name: str) -> None:
        from jitvm.platform.recording.wav import WavWriter

        self._writer = WavWriter(path, name)

    def add(self, frame: Frame) -> None:
        self._writer.write(frame.heard())

    def close(self) -> None:
        self._writer.close()

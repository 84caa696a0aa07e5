"""Records what a program shows or plays to a file whose name says how.

    with Recording("game.gif", computer):
        computer.run_frames(300)

A recording listens to the frame loop, behind whoever listens already, and writes as frames come:
memory does not grow with the length. Without a `with` block, `add` takes frames one by one.
"""

from __future__ import annotations

import os

from jitvm.platform.recording.possible import (
    check_scale,
    format_of,
    require,
    require_pillow,
)

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
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
        path: of the file; what was there before is replaced.
        computer: what is recorded.
        scale: pixels of the file for each of the screen, both ways.
        form: the format, one of `FORMATS`; None for what the name says.

    Raises:
        RecordingError: the scale is less than 1; the name stands for no format; or Pillow, which
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
        kind = form or format_of(self.path)
        check_scale(scale)
        self._writer = _writer(self.path, computer, kind, scale)

    def add(self, frame: Frame) -> None:
        """Record a frame that has just run.

        Raises:
            OSError: the file cannot be written.
        """
        self._writer.add(frame)

    def close(self) -> None:
        """Make the file complete; more than once does no harm.

        Raises:
            OSError: the file cannot be written.
        """
        self._writer.close()

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
        self.close()

    # -- what the frame loop tells -----------------------------------------------------------

    def begin(self, number: int, events: tuple[Event, ...]) -> None:
        """A frame begins; see `FrameLoop.observer`."""
        if self._before is not None:
            self._before.begin(number, events)

    def end(self, frame: Frame) -> None:
        """A frame is complete."""
        if self._before is not None:
            self._before.end(frame)
        self.add(frame)


def _writer(path: str, computer: Computer, kind: str, scale: int) -> Writer:
    if kind == "wav":
        return _Sound(path)
    if kind == "mp4":
        require("av", f"{path}: videos need PyAV", "video")
        from jitvm.platform.recording.mp4 import Video

        return Video(path, computer.screen, scale)
    return _Pictures(path, computer, kind, scale)


class _Pictures:
    """An animation in a file."""

    def __init__(self, path: str, computer: Computer, kind: str, scale: int) -> None:
        from jitvm.platform.recording.animation import Animation
        from jitvm.platform.recording.gif import Gif
        from jitvm.platform.recording.webp import Webp

        require_pillow(path)
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

    def __init__(self, path: str) -> None:
        from jitvm.platform.recording.wav import WavWriter

        self._writer = WavWriter(path)

    def add(self, frame: Frame) -> None:
        self._writer.write(frame.heard())

    def close(self) -> None:
        self._writer.close()

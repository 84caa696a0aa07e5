"""Videos with sound, in the format that every player and browser supports: H.264 and AAC in MP4.

Unlike the other formats this one is lossy: colours are stored for blocks of two by two pixels, so
pictures are sharp from scale 2 on. There are sixty pictures a second; a picture that equals the
previous one is left out, except for one every second and the last. H.264 requires even sizes: a
black line is added if the screen's size is odd. The size is that of the first picture, as in
animations.

PyAV provides the encoders; it is imported when a video begins.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av

from jitvm.platform.frames import RATE
from jitvm.platform.recording.animation import enlarged, on_canvas
from jitvm.platform.recording.possible import RecordingError
from jitvm.platform.sound import RATE as SOUND_RATE

if TYPE_CHECKING:
    from jitvm.platform.frames import Frame
    from jitvm.platform.screen import Screen

_QUALITY = {"crf": "14", "preset": "veryfast", "tune": "animation"}

_LARGEST = 8192
"""Pixels of the longer side; few players show more."""


class Video:
    """Writes a video; a `Writer` of `recording`.

    Args:
        path: of the file.
        screen: what it shows.
        scale: pixels of the file for each of the screen, both ways.

    Raises:
        OSError: the file cannot be written.
    """

    def __init__(self, path: str, screen: Screen, scale: int) -> None:
        self._screen = screen
        self._scale = scale
        self._container: Any = av.open(path, "w", format="mp4")
        self._pictures: Any = None
        self._sound: Any = None
        self._frames = self._written = 0
        self._size = 0, 0
        self._open = True

    def add(self, frame: Frame) -> None:
        """Write a frame.

        Raises:
            OSError: the file cannot be written.
            RecordingError: the encoder refuses it, or the picture is too large.
        """
        try:
            if self._pictures is None:
                self._begin()
            self._frames += 1
            if frame.changed or self._frames - self._written >= RATE or self._frames == 1:
                self._write_picture()
            samples = av.AudioFrame.from_ndarray(
                frame.heard().reshape(1, -1), format="s16", layout="stereo"
            )
            samples.sample_rate = SOUND_RATE
            self._container.mux(self._sound.encode(samples))
        except av.FFmpegError as error:
            raise _translated(error) from error

    def close(self) -> None:
        """Write what is left, and the index without which nothing is shown."""
        if not self._open:
            return
        self._open = False
        try:
            if self._pictures is not None:
                if self._written < self._frames:
                    self._write_picture()
                self._container.mux(self._pictures.encode(None))
                self._container.mux(self._sound.encode(None))
            self._container.close()
        except av.FFmpegError as error:
            raise _translated(error) from error

    def _begin(self) -> None:
        """Declare both streams, now that the size is known."""
        sides = self._screen.width, self._screen.height
        self._size = sides[0] + sides[0] % 2, sides[1] + sides[1] % 2
        width, height = (side * self._scale for side in self._size)
        if max(width, height) > _LARGEST:
            raise RecordingError(
                f"a video of {width}x{height} is too large, {_LARGEST} is the most: "
                "record at a smaller scale, or pictures (.gif, .webp)"
            )
        pictures = self._container.add_stream("libx264", rate=RATE, options=_QUALITY)
        pictures.width, pictures.height = width, height
        pictures.pix_fmt = "yuv420p"
        self._sound = self._container.add_stream("aac", rate=SOUND_RATE, layout="stereo")
        self._pictures = pictures

    def _write_picture(self) -> None:
        pixels = enlarged(on_canvas(self._screen.pixels, *self._size), self._scale)
        picture = av.VideoFrame.from_ndarray(pixels, format="rgba")
        picture.pts = self._frames - 1
        picture.time_base = Fraction(1, RATE)
        self._container.mux(self._pictures.encode(picture))
        self._written = self._frames


def _translated(error: av.FFmpegError) -> Exception:
    """The error to show: errors of the system as they are, others as `RecordingError`."""
    if isinstance(error, OSError):
        return error
    return RecordingError(f"the video cannot be written: {error.strerror or error}")

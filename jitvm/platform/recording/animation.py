"""Pictures in time: what an animation has to draw, and for how long each picture is shown.

A frame that looks like the previous one only extends it, so a picture is written when the next
different one arrives. If only part of a picture is new, only that part is written. The canvas has
the size of the first picture; if the program changes its size later, the picture is cropped or the
rest of the canvas stays black.
"""

from __future__ import annotations

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from typing import BinaryIO, Protocol

    from jitvm.platform.screen import Pixels, Rectangle

    class Format(Protocol):
        """Animations as bytes; `time` gives sixtieths of a second in the format's own unit."""

        every: int

        def __init__(self, file: BinaryIO, width: int, height: int) -> None: ...
        @staticmethod
        def time(frames: int) -> int: ...
        def add(self, pixels: Pixels, left: int, top: int, duration: int) -> None: ...
        def close(self) -> None: ...


class Animation:
    """Writes pictures of a program as an animation.

    Args:
        file: where to; it can be positioned.
        make: the format.
        scale: pixels of the file for each of the screen, both ways.
    """

    def __init__(self, file: BinaryIO, make: type[Format], scale: int = 1) -> None:
        self._file = file
        self._make = make
        self._scale = scale
        self._format: Format | None = None
        self._shown: Pixels | None = None
        self._waiting: tuple[Pixels, Rectangle] | None = None
        self._frames = self._since = 0

    def add(self, pixels: Pixels, *, changed: bool) -> None:
        """A frame has passed.

        Args:
            pixels: how it looks at its end, RGBA bytes, shape (height, width, 4).
            changed: False if it looks like the previous frame.
        """
        if self._frames % self._make.every == 0:
            self._look(pixels, changed=changed)
        self._frames += 1

    def close(self) -> None:
        """Write what is left; the animation needs at least one frame to be one."""
        self._show_waiting()
        if self._format is not None:
            self._format.close()

    def _look(self, pixels: Pixels, *, changed: bool) -> None:
        # With every second frame, a change may lie in the one that was passed over.
        if not changed and self._make.every == 1 and self._shown is not None:
            return
        shape = pixels.shape if self._shown is None else self._shown.shape
        picture = on_canvas(pixels, shape[1], shape[0])
        where = _difference(self._shown, picture)
        if where is None:
            return
        self._show_waiting()
        self._shown = picture
        self._waiting = picture, where
        self._since = self._frames

    def _show_waiting(self) -> None:
        if self._waiting is None:
            return
        picture, (left, top, right, bottom) = self._waiting
        scale = self._scale
        if self._format is None:
            height, width, _ = picture.shape
            self._format = self._make(self._file, width * scale, height * scale)
        time = self._make.time
        self._format.add(
            enlarged(picture[top:bottom, left:right], scale),
            left * scale,
            top * scale,
            max(1, time(self._frames) - time(self._since)),
        )
        self._waiting = None


def on_canvas(pixels: Pixels, width: int, height: int) -> Pixels:
    """A copy of a picture, cut off or with black around it at the right and the bottom."""
    import numpy as np

    if pixels.shape[:2] == (height, width):
        return pixels.copy()
    canvas = np.zeros((height, width, 4), np.uint8)
    canvas[..., 3] = 0xFF
    rows, columns = min(height, pixels.shape[0]), min(width, pixels.shape[1])
    canvas[:rows, :columns] = pixels[:rows, :columns]
    return canvas


def enlarged(pixels: Pixels, scale: int) -> Pixels:
    """Each pixel as a square of `scale` by `scale`."""
    if scale == 1:
        return pixels
    return pixels.repeat(scale, axis=0).repeat(scale, axis=1)


def _difference(before: Pixels | None, after: Pixels) -> Rectangle | None:
    """Where two pictures differ: left, top, right, bottom, the last two exclusive; left and top
    are even. None for nowhere."""
    import numpy as np

    if before is None:
        return 0, 0, after.shape[1], after.shape[0]
    differs = before.view(np.uint32)[..., 0] != after.view(np.uint32)[..., 0]
    rows, columns = differs.any(axis=1).nonzero()[0], differs.any(axis=0).nonzero()[0]
    if not len(rows):
        return None
    left, top = int(columns[0]) & ~1, int(rows[0]) & ~1
    return left, top, int(columns[-1]) + 1, int(rows[-1]) + 1

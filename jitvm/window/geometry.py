"""Sizes and positions, in whole pixels, of windows around pictures and of pictures in windows.

A picture is centred, keeps its aspect ratio, and is scaled by an integer if it fits; a picture
larger than the window is scaled down. The rest of the window stays black.
"""

from __future__ import annotations

from dataclasses import dataclass

Size = tuple[int, int]

SMALLEST = 64
"""A window is no smaller than this each way, else nobody finds it."""

ROOMY = 0.7
"""The part of a desktop that a window of automatic scale takes at most, each way."""

LARGEST_AUTOMATIC = 4


@dataclass(frozen=True, slots=True)
class Viewport:
    """Where a picture is in a window: left, top, width and height, in window pixels."""

    left: int
    top: int
    width: int
    height: int

    @classmethod
    def fit(cls, picture: Size, window: Size) -> Viewport:
        """The largest that fits: a multiple of the picture, or, if need be, less than it."""
        zoom: float = min(window[0] // picture[0], window[1] // picture[1])
        if zoom < 1:
            zoom = min(window[0] / picture[0], window[1] / picture[1])
        width, height = (max(1, int(side * zoom)) for side in picture)
        return cls((window[0] - width) // 2, (window[1] - height) // 2, width, height)

    def pixel(self, picture: Size, x: float, y: float) -> Size:
        """Which of the picture's pixels a place in the window is; the nearest, outside of it."""
        return (
            _clamp(int((x - self.left) * picture[0] // self.width), picture[0]),
            _clamp(int((y - self.top) * picture[1] // self.height), picture[1]),
        )


def window_size(picture: Size, scale: int, desktop: Size) -> Size:
    """The size of a window for a picture: no larger than the desktop, and never tiny."""
    width, height = (
        max(min(side * scale, most), min(SMALLEST, most))
        for side, most in zip(picture, desktop, strict=True)
    )
    return width, height


def automatic_scale(picture: Size, desktop: Size) -> int:
    """A scale at which a window is easy to see and leaves room for others."""
    fits = min(int(most * ROOMY) // side for side, most in zip(picture, desktop, strict=True))
    return min(max(fits, 1), LARGEST_AUTOMATIC)


def next_scale(scale: int, picture: Size, desktop: Size) -> int:
    """The scale after this one, from 1 again when it does not fit the desktop."""
    larger = scale + 1
    fits = all(side * larger <= most for side, most in zip(picture, desktop, strict=True))
    return larger if fits else 1


def _clamp(value: int, size: int) -> int:
    return min(max(value, 0), size - 1)

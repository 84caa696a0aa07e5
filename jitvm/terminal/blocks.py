"""Pictures as half blocks: two pixels per character, one above the other.

Only characters that have changed are written; within a run of them the cursor advances by itself.
"""

from __future__ import annotations

from functools import cache

from jitvm.terminal.fit import Fit, resized

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from jitvm.platform.screen import Pixels
    from jitvm.terminal.fit import Size

CELL = (1, 2)
"""Dots of a character."""
HALF = "▀"
_HALF = HALF.encode()


def dots_of(pixels: Pixels, size: Size) -> NDArray[np.uint32]:
    """A picture in another size: colours as numbers, in an even number of rows."""
    import numpy as np

    rgb = resized(pixels, size).astype(np.uint32)
    dots = (rgb[..., 0] << 16 | rgb[..., 1] << 8 | rgb[..., 2]).astype(np.uint32)
    return np.pad(dots, ((0, len(dots) % 2), (0, 0)))


class Blocks:
    """Draws pictures of one size at one place.

    Args:
        fit: where; its characters have the dots of `CELL`.
        has_all_colors: whether the terminal takes colours of 24 bits.
    """

    def __init__(self, fit: Fit, *, has_all_colors: bool) -> None:
        self._fit = fit
        self._color = _color24 if has_all_colors else _color8
        self._shown: NDArray[np.uint32] | None = None

    def paint(self, pixels: Pixels) -> bytes:
        """What makes the terminal show a picture."""
        dots = dots_of(pixels, self._fit.shown)
        before, self._shown = self._shown, dots
        differs = dots != (~dots if before is None else before)
        rows, columns = (differs[::2] | differs[1::2]).nonzero()
        upper, lower = dots[::2][rows, columns], dots[1::2][rows, columns]
        return self._written(rows.tolist(), columns.tolist(), upper.tolist(), lower.tolist())

    def _written(
        self, rows: list[int], columns: list[int], uppers: list[int], lowers: list[int]
    ) -> bytes:
        parts: list[bytes] = []
        at, colors = (-1, -1), (-1, -1)
        color, left, top = self._color, self._fit.column + 1, self._fit.row + 1
        for row, column, upper, lower in zip(rows, columns, uppers, lowers, strict=True):
            if at != (row, column):
                parts.append(b"\x1b[%d;%dH" % (top + row, left + column))
            if upper != colors[0]:
                parts.append(color(upper, 38))
            if lower != colors[1]:
                parts.append(color(lower, 48))
            parts.append(_HALF)
            at, colors = (row, column + 1), (upper, lower)
        return b"".join(parts)


@cache
def _color24(color: int, what: int) -> bytes:
    return b"\x1b[%d;2;%d;%d;%dm" % (what, color >> 16, color >> 8 & 0xFF, color & 0xFF)


@cache
def _color8(color: int, what: int) -> bytes:
    """The nearest of the 216 colours that are six steps of each light, 0 5f 87 af d7 ff."""
    red, green, blue = (
        0 if light < 0x30 else 1 if light < 0x73 else (light - 0x23) // 0x28
        for light in (color >> 16, color >> 8 & 0xFF, color & 0xFF)
    )
    return b"\x1b[%d;5;%dm" % (what, 16 + 36 * red + 6 * green + blue)

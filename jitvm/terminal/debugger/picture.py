"""The program's screen, as half blocks: two dots in a character, one above the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from jitvm.terminal.blocks import CELL, HALF, dots_of
from jitvm.terminal.fit import Fit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from jitvm.platform.screen import Pixels


class Picture(Widget, can_focus=True):
    """A picture, as large as there is room."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._pixels: Pixels | None = None
        self._fit: Fit | None = None
        self._dots: NDArray[np.uint32] | None = None

    def show(self, pixels: Pixels | None) -> None:
        """Show another one; None for none."""
        self._pixels = pixels
        self._scale()

    def on_resize(self) -> None:
        """It is made to fit."""
        self._scale()

    def _scale(self) -> None:
        pixels, size = self._pixels, self.size
        self._fit = self._dots = None
        if pixels is not None and size.width and size.height:
            height, width, _ = pixels.shape
            self._fit = Fit.of((width, height), (size.width, size.height), CELL)
            self._dots = dots_of(pixels, self._fit.shown)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """A row of characters."""
        base, width = self.rich_style, self.size.width
        fit, dots = self._fit, self._dots
        if fit is None or dots is None:
            text = "  no screen, or nothing on it yet" if y == 0 else ""
            return Strip([Segment(text, base)]).crop_extend(0, width, base)
        row = y - fit.row
        if not 0 <= row < fit.cells[1]:
            return Strip.blank(width, base)
        segments = [Segment(" " * fit.column, base)]
        begin, pairs = 0, list(zip(*dots[2 * row : 2 * row + 2].tolist(), strict=True))
        for column in range(1, len(pairs) + 1):
            if column == len(pairs) or pairs[column] != pairs[begin]:
                upper, lower = map(_color, pairs[begin])
                style = Style(color=upper, bgcolor=lower)
                segments.append(Segment(HALF * (column - begin), style))
                begin = column
        return Strip(segments).crop_extend(0, width, base)


def _color(dot: int) -> Color:
    return Color.from_rgb(dot >> 16, dot >> 8 & 0xFF, dot & 0xFF)

"""Position and size of a picture in a terminal.

The terminal is a grid of dots: pixels for the graphics protocols, two per character for half
blocks. A picture is scaled up by an integer, or scaled down to fit, and centred, aligned to a
character cell.
"""

from __future__ import annotations

from dataclasses import dataclass

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from jitvm.platform.screen import Pixels

    Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Fit:
    """A picture's place.

    Attributes:
        picture: width and height in pixels.
        cell: width and height of a character in dots.
        shown: width and height in dots.
        column, row: its position, in characters from 0.
    """

    picture: Size
    cell: Size
    shown: Size
    column: int
    row: int

    @classmethod
    def of(cls, picture: Size, grid: Size, cell: Size) -> Fit:
        """Fit a picture into a terminal of so many columns and rows."""
        room = (grid[0] * cell[0], grid[1] * cell[1])
        scale = min(have / want for have, want in zip(room, picture, strict=True))
        if scale >= 1:
            scale = int(scale)
        width, height = (
            min(max(round(size * scale), 1), most) for size, most in zip(picture, room, strict=True)
        )
        column = (grid[0] - -(-width // cell[0])) // 2
        row = (grid[1] - -(-height // cell[1])) // 2
        return cls(picture, cell, (width, height), column, row)

    @property
    def cells(self) -> Size:
        """Columns and rows that the picture covers, the last ones maybe in part."""
        return -(-self.shown[0] // self.cell[0]), -(-self.shown[1] // self.cell[1])

    def pixel_at(self, x: float, y: float) -> Size:
        """The picture's pixel at a place of the terminal, in characters; the nearest, outside."""
        across = (x - self.column) * self.cell[0] * self.picture[0] / self.shown[0]
        down = (y - self.row) * self.cell[1] * self.picture[1] / self.shown[1]
        return (
            min(max(int(across), 0), self.picture[0] - 1),
            min(max(int(down), 0), self.picture[1] - 1),
        )


def resized(pixels: Pixels, size: Size) -> Pixels:
    """A picture in another size, RGB bytes of shape (height, width, 3).

    Smaller ones average the pixels they replace, larger ones repeat pixels.

    Args:
        pixels: RGBA bytes, shape (height, width, 4).
        size: width and height.
    """
    import numpy as np

    height, width, _ = pixels.shape
    rgb = pixels[..., :3]
    if (width, height) == size:
        return rgb
    if size[0] >= width and size[1] >= height:
        return rgb[_starts(height, size[1])][:, _starts(width, size[0])]
    rows, columns = _starts(height, size[1]), _starts(width, size[0])
    sums = np.add.reduceat(rgb, rows, axis=0, dtype=np.uint32)
    sums = np.add.reduceat(sums, columns, axis=1)
    counts = np.outer(np.diff([*rows, height]), np.diff([*columns, width]))
    means: Pixels = (sums // counts[..., None]).astype(np.uint8)
    return means


def sampled(pixels: Pixels, size: Size) -> Pixels:
    """A picture in another size without new colours: the nearest pixel for each."""
    height, width, _ = pixels.shape
    return pixels[_starts(height, size[1])][:, _starts(width, size[0])][..., :3]


def _starts(many: int, few: int) -> list[int]:
    """For each of the few, the first of the many that it replaces; rising if there are fewer."""
    return [index * many // few for index in range(few)]

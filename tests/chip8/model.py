"""A screen of points, drawn on point by point: what the description is compared with."""

from __future__ import annotations

from jitvm.guests.chip8 import Quirks
from jitvm.guests.chip8 import instructions as at


class Model:
    """The screen of a machine; `planes[plane][y][x]` is a point."""

    def __init__(self, quirks: Quirks, hires: bool, chosen: int, space: bytes) -> None:
        self.quirks = quirks
        self.columns, self.rows = (128, 64) if hires else (64, 32)
        self.chosen = [plane for plane in range(2) if (chosen if quirks.xo else 1) >> plane & 1]
        self.planes = [
            [
                [
                    space[plane * at.PLANE + y * at.ROW + x // 8] >> (7 - x % 8) & 1
                    for x in range(self.columns)
                ]
                for y in range(self.rows)
            ]
            for plane in range(2)
        ]

    def space(self) -> bytes:
        """The points as they are in SCREEN."""
        space = bytearray(4096)
        for plane, rows in enumerate(self.planes):
            for y, row in enumerate(rows):
                for x, point in enumerate(row):
                    space[plane * at.PLANE + y * at.ROW + x // 8] |= point << (7 - x % 8)
        return bytes(space)

    def draw(self, x: int, y: int, height: int, memory: bytes) -> int:
        """DXYN with the bytes at I; what VF becomes."""
        wide = height == 0 and self.quirks.super
        size, height = (2, 16) if wide else (1, height)
        met, start = 0, 0
        for plane in self.chosen:
            for row in range(height):
                for column in range(8 * size):
                    byte = memory[start + row * size + column // 8]
                    if byte >> (7 - column % 8) & 1:
                        met |= self._invert(plane, x, y, column, row)
            start += height * size
        return met

    def _invert(self, plane: int, x: int, y: int, column: int, row: int) -> int:
        to_x, to_y = x % self.columns + column, y % self.rows + row
        if self.quirks.clips and (to_x >= self.columns or to_y >= self.rows):
            return 0
        rows, to_x, to_y = self.planes[plane], to_x % self.columns, to_y % self.rows
        rows[to_y][to_x] ^= 1
        return 1 - rows[to_y][to_x]

    def scroll(self, right: int, down: int) -> None:
        """Move what is chosen; zeros come in."""
        for plane in self.chosen:
            before = self.planes[plane]
            self.planes[plane] = [
                [
                    before[y - down][x - right]
                    if 0 <= y - down < self.rows and 0 <= x - right < self.columns
                    else 0
                    for x in range(self.columns)
                ]
                for y in range(self.rows)
            ]

"""The Screen device as its specification says it, pixel by pixel, for tests to compare with.

Written for being obviously right: coordinates are Python integers, every pixel is looked at by
itself, nothing is shared with jitvm.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BLENDS = {
    0x0: "-012", 0x4: "1012", 0x8: "2012", 0xC: "3012",
    0x1: "0123", 0x5: "-123", 0x9: "2123", 0xD: "3123",
    0x2: "0231", 0x6: "1231", 0xA: "-231", 0xE: "3231",
    0x3: "0312", 0x7: "1312", 0xB: "2312", 0xF: "-312",
}  # fmt: skip


class Model:
    """Ports 20 to 2f and two layers, `layers[0]` the background, each [y, x]."""

    def __init__(self, memory: bytes, width: int = 512, height: int = 320) -> None:
        self.memory = memory
        self.ports = bytearray(256)
        self.resize(width, height)

    # -- ports -------------------------------------------------------------------------------

    def get(self, port: int) -> int:
        return self.ports[port] << 8 | self.ports[port + 1]

    def set(self, port: int, value: int) -> None:
        self.ports[port : port + 2] = (value & 0xFFFF).to_bytes(2, "big")

    def coordinate(self, port: int) -> int:
        value = self.get(port)
        return value - 0x10000 if value & 0x8000 else value

    def write(self, port: int, byte: int) -> None:
        self.ports[port] = byte
        if port in (0x23, 0x25):
            width, height = (min(max(self.get(at), 1), 4095) for at in (0x22, 0x24))
            if (width, height) != (self.width, self.height):
                self.resize(width, height)
            self.set(0x22, width)
            self.set(0x24, height)
        elif port == 0x2E and byte & 0x80:
            self.fill(byte)
        elif port == 0x2E:
            self.point(byte)
        elif port == 0x2F:
            self.sprites(byte)

    def write2(self, port: int, value: int) -> None:
        self.write(port, value >> 8 & 0xFF)
        self.write(port + 1, value & 0xFF)

    # -- drawing -----------------------------------------------------------------------------

    def resize(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.layers = [np.zeros((height, width), dtype=np.uint8) for _ in range(2)]
        self.set(0x22, width)
        self.set(0x24, height)

    def plot(self, layer: NDArray[np.uint8], x: int, y: int, color: int) -> None:
        if 0 <= x < self.width and 0 <= y < self.height:
            layer[y, x] = color

    def fill(self, control: int) -> None:
        x, y = self.coordinate(0x28), self.coordinate(0x2A)
        columns, rows = np.arange(self.width), np.arange(self.height)
        inside_x = columns < x if control & 0x10 else columns >= x
        inside_y = rows < y if control & 0x20 else rows >= y
        self.layers[control >> 6 & 1][np.outer(inside_y, inside_x)] = control & 3

    def point(self, control: int) -> None:
        x, y = self.coordinate(0x28), self.coordinate(0x2A)
        self.plot(self.layers[control >> 6 & 1], x, y, control & 3)
        auto = self.ports[0x26]
        if auto & 1:
            self.set(0x28, x - 1 if control & 0x10 else x + 1)
        if auto & 2:
            self.set(0x2A, y - 1 if control & 0x20 else y + 1)

    def sprites(self, control: int) -> None:
        auto = self.ports[0x26]
        x, y = self.coordinate(0x28), self.coordinate(0x2A)
        step_x = -8 if control & 0x10 else 8
        step_y = -8 if control & 0x20 else 8
        for index in range((auto >> 4) + 1):
            dx = index * step_x if auto & 2 else 0
            dy = index * step_y if auto & 1 else 0
            self.sprite(control, x + dx, y + dy)
            if auto & 4:
                self.set(0x2C, self.get(0x2C) + (16 if control & 0x80 else 8))
        if auto & 1:
            self.set(0x28, x + step_x)
        if auto & 2:
            self.set(0x2A, y + step_y)

    def sprite(self, control: int, x: int, y: int) -> None:
        for row in range(8):
            for column in range(8):
                value = self.texel(control, column, row)
                color = BLENDS[control & 0xF][value]
                if color != "-":
                    self.plot(self.layers[control >> 6 & 1], x + column, y + row, int(color))

    def texel(self, control: int, column: int, row: int) -> int:
        """The value 0 to 3 of a pixel of the sprite at the address port."""
        if control & 0x10:
            column = 7 - column
        if control & 0x20:
            row = 7 - row
        address = self.get(0x2C)
        low = self.memory[(address + row) & 0xFFFF] >> (7 - column) & 1
        if not control & 0x80:
            return low
        high = self.memory[(address + row + 8) & 0xFFFF] >> (7 - column) & 1
        return high << 1 | low

    # -- what is seen ------------------------------------------------------------------------

    def frame(self, palette: bytes) -> NDArray[np.uint8]:
        """RGBA of shape (height, width, 4), for the six bytes of the System colour ports."""
        red, green, blue = (palette[at : at + 2].hex() for at in (0, 2, 4))
        colors = np.array(
            [[int(red[i], 16) * 17, int(green[i], 16) * 17, int(blue[i], 16) * 17, 255]
             for i in range(4)], dtype=np.uint8,
        )  # fmt: skip
        background, foreground = self.layers
        return colors[np.where(foreground != 0, foreground, background)]

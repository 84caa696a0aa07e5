"""A screen next to its model: what is written to one is written to both, and they are compared."""

from __future__ import annotations

import random

import numpy as np

from jitvm.engine.machine.machine import Machine, Tier
from jitvm.guests.uxn import UXN
from jitvm.guests.uxn.varvara.screen import Screen
from tests.varvara.screen.model import Model

MEMORY = random.Random(7).randbytes(0x10000)
POSITION = range(0x28, 0x2E)


class Pair:
    """A screen and its model of the same size, on the same memory of random sprites."""

    def __init__(self, width: int = 48, height: int = 40) -> None:
        self.machine = Machine(UXN, tier=Tier.REFERENCE)
        self.machine.memory[:] = MEMORY
        self.screen = Screen(self.machine)
        self.model = Model(MEMORY)
        self.write2(0x22, width)
        self.write2(0x24, height)

    def write(self, port: int, byte: int) -> None:
        self.machine.state.ports.write(port, byte)
        self.model.write(port, byte)

    def write2(self, port: int, value: int) -> None:
        self.write(port, value >> 8 & 0xFF)
        self.write(port + 1, value & 0xFF)

    def at(self, x: int, y: int, address: int = 0x1000, auto: int = 0) -> None:
        """Set what drawing looks at."""
        for port, value in ((0x28, x), (0x2A, y), (0x2C, address)):
            self.write2(port, value)
        self.write(0x26, auto)

    def read(self, port: int) -> int:
        return self.machine.state.ports.read(port)

    def check(self) -> None:
        """Ports and layers are the same."""
        ports = bytes(self.read(port) for port in range(0x20, 0x30))
        assert ports.hex(" ") == self.model.ports[0x20:0x30].hex(" ")
        assert (self.screen.width, self.screen.height) == (self.model.width, self.model.height)
        for index, expected in enumerate(self.model.layers):
            np.testing.assert_array_equal(self.screen.layer(index), expected)

    def check_frame(self) -> None:
        """What is shown is the same."""
        self.screen.compose()
        palette = bytes(self.machine.page[0x08:0x0E])
        np.testing.assert_array_equal(self.screen.pixels, self.model.frame(palette))

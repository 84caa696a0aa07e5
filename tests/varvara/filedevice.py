"""A File device driven by a test: each port write is a DEO2 that the machine executes.

So every tier goes its own way to the device, native port functions included.
"""

from __future__ import annotations

import os

from jitvm.guests.uxn.varvara import Computer

PROGRAM, NAME, BUFFER = 0x0100, 0x2000, 0x3000

LIT, LIT2, DEO, DEO2 = 0x80, 0xA0, 0x17, 0x37


class Device:
    """The File device at `base` of a computer whose program does nothing."""

    def __init__(self, computer: Computer, base: int = 0xA0) -> None:
        self.machine = computer.machine
        self.memory = computer.machine.memory
        self.page = computer.machine.page
        self.base = base

    def put_byte(self, port: int, byte: int) -> None:
        """DEO."""
        self._execute(bytes([LIT, byte, LIT, self.base + port, DEO]))

    def put(self, port: int, word: int) -> None:
        """DEO2."""
        self._execute(bytes([LIT2, word >> 8, word & 0xFF, LIT, self.base + port, DEO2]))

    def _execute(self, code: bytes) -> None:
        code += b"\0"
        self.memory[PROGRAM : PROGRAM + len(code)] = code
        self.machine.code_written(PROGRAM, len(code))
        self.machine.run(PROGRAM)

    @property
    def success(self) -> int:
        return self.page[self.base + 2] << 8 | self.page[self.base + 3]

    def name(self, path: str | bytes, at: int = NAME) -> None:
        data = os.fsencode(path) + b"\0"
        self.memory[at : at + len(data)] = data
        self.put(8, at)

    def move(self, port: int, size: int, at: int = BUFFER) -> int:
        self.put(0xA, size)
        self.put(port, at)
        return self.success

    def read(self, size: int, at: int = BUFFER) -> bytes:
        count = self.move(0xC, size, at)
        return bytes(self.memory[at : at + count])

    def write(self, data: bytes) -> int:
        self.memory[BUFFER : BUFFER + len(data)] = data
        return self.move(0xE, len(data))

    def stat(self, size: int = 4) -> bytes:
        count = self.move(4, size)
        return bytes(self.memory[BUFFER : BUFFER + count])

    def delete(self) -> int:
        self.put_byte(6, 1)
        return self.success

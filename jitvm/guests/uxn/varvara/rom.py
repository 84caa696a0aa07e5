"""A ROM: the bytes of a program, and where they go.

0x000000 .. 0x00feff   bank 0 from 0x0100 to its end
0x00ff00 .. 0x01feff   bank 1, the whole of it
0x01ff00 ..            bank 2, and so on to bank 15
"""

from __future__ import annotations

from collections.abc import Iterator

from jitvm.platform import ProgramError

BANK_SIZE = 0x10000
BANK_COUNT = 16
PROGRAM_START = 0x0100
MAX_SIZE = BANK_COUNT * BANK_SIZE - PROGRAM_START


class RomError(ProgramError):
    """Bytes that cannot be a ROM; the message says why and what to do."""


class Rom:
    """The bytes of a program and its name in messages. (No dataclass: those slow every start.)

    Raises:
        RomError: there are none, or more than all banks hold.
    """

    __slots__ = ("data", "name")

    def __init__(self, data: bytes, name: str = "<rom>") -> None:
        size = len(data)
        if not size:
            raise RomError(f"{name}: the ROM is empty; a program has at least one byte")
        if size > MAX_SIZE:
            raise RomError(
                f"{name}: {size} bytes are too many for a ROM; {BANK_COUNT} banks of memory "
                f"hold {MAX_SIZE}. Is it another kind of file?"
            )
        self.data = data
        self.name = name

    def pieces(self) -> Iterator[tuple[int, int, bytes]]:
        """What each bank gets: (bank, address, bytes)."""
        first = BANK_SIZE - PROGRAM_START
        yield 0, PROGRAM_START, self.data[:first]
        for bank, start in enumerate(range(first, len(self.data), BANK_SIZE), 1):
            yield bank, 0, self.data[start : start + BANK_SIZE]


def rom_of(rom: bytes | Rom) -> Rom:
    """A ROM, from one or from its bytes.

    Raises:
        RomError: it is empty or too long.
    """
    return rom if isinstance(rom, Rom) else Rom(bytes(rom))

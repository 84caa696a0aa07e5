"""Sixteen banks of 64 KiB and the bulk commands of System/expansion.

    bank 0        the machine's memory
    bank 1 .. 15  allocated when first touched; all zero until then

Commands copy byte by byte, addresses wrap inside their bank, and a copy whose target overlaps the
source bytes it has yet to read repeats what it has written. These semantics are kept, but
implemented without the loop. Copying `n` bytes upward from `s` to `s + d` in one bank, byte `i` of
the result is source byte `i` as long as `i < d`, and byte `i - d` of the result after that. So the
result is the first `d` source bytes repeated; if `d` is 0 or at least `n`, it is the plain source.
Downward is the mirror image: the last bytes repeated, aligned at the end.
"""

from __future__ import annotations

from jitvm.engine.machine.machine import Machine
from jitvm.guests.uxn.varvara.program import BANK_COUNT, BANK_SIZE, Rom

_MASK = BANK_SIZE - 1


class Banks:
    """All memory of one computer. Addresses are 16 bits wide and wrap; sizes are 0 to 65536."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._extra: dict[int, bytearray] = {}

    def exists(self, bank: int) -> bool:
        """Whether there is such a bank."""
        return bank < BANK_COUNT

    def _cells(self, bank: int) -> memoryview | bytearray:
        if bank == 0:
            return self._machine.memory
        if bank not in self._extra:
            self._extra[bank] = bytearray(BANK_SIZE)
        return self._extra[bank]

    def read(self, bank: int, address: int, size: int) -> bytes:
        """Copy `size` bytes out of a bank."""
        if bank and bank not in self._extra:
            return bytes(size)
        cells, end = self._cells(bank), address + size
        return bytes(cells[address:end]) + bytes(cells[: max(0, end - BANK_SIZE)])

    def write(self, bank: int, address: int, data: bytes) -> None:
        """Put bytes into a bank."""
        if not data:
            return
        cells, fits = self._cells(bank), BANK_SIZE - address
        cells[address : address + len(data)] = data[:fits]
        cells[: len(data[fits:])] = data[fits:]
        if bank == 0:
            self._machine.code_written(address, len(data))

    # -- commands ----------------------------------------------------------------------------

    def fill(self, bank: int, address: int, size: int, value: int) -> None:
        """Write one byte `size` times."""
        self.write(bank, address, bytes([value]) * size)

    def copy_up(self, source: tuple[int, int], target: tuple[int, int], size: int) -> None:
        """Copy between two (bank, address), the first byte first."""
        data = self.read(*source, size)
        distance = (target[1] - source[1]) & _MASK
        if source[0] == target[0] and 0 < distance < size:
            data = (data[:distance] * (size // distance + 1))[:size]
        self.write(*target, data)

    def copy_down(self, source: tuple[int, int], target: tuple[int, int], size: int) -> None:
        """Copy between two (bank, address), the last byte first."""
        data = self.read(*source, size)
        distance = (source[1] - target[1]) & _MASK
        if source[0] == target[0] and 0 < distance < size:
            data = (data[size - distance :] * (size // distance + 1))[-size:]
        self.write(*target, data)

    # -- whole contents ----------------------------------------------------------------------

    def load(self, rom: Rom) -> None:
        """Put a program where it belongs; what it does not cover stays."""
        for bank, address, data in rom.pieces():
            self.write(bank, address, data)

    def clear_program(self, *, zero_page: bool) -> None:
        """Zero bank 0, all of it or from 0x0100 up."""
        start = 0 if zero_page else 0x100
        self.write(0, start, bytes(BANK_SIZE - start))

    def save_extra(self) -> dict[int, bytes]:
        """Copy the banks above 0 that were ever touched."""
        return {bank: bytes(cells) for bank, cells in self._extra.items()}

    def restore_extra(self, banks: dict[int, bytes]) -> None:
        """Put copied banks back; all others are zero again.

        Raises:
            ValueError: they are none.
        """
        for bank, cells in banks.items():
            if bank not in range(1, BANK_COUNT) or len(cells) != BANK_SIZE:
                raise ValueError(f"banks 1 to {BANK_COUNT - 1} have {BANK_SIZE} bytes each")
        self._extra = {bank: bytearray(cells) for bank, cells in banks.items()}

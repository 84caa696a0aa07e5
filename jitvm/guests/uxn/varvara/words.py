"""The memory of native devices: one row of 64-bit words per machine, reachable from guest code.

    base + fields["data"]          the machine's data word: the address of

    SCREEN                         the screen's words, at most 640: see `screen.state`
    FILES + FILE_WORDS * i         those of File device i: see `readahead`

Kernels of the screen take the row's address as their own, so the screen comes first. A new device
is placed after the last.
"""

from __future__ import annotations

from jitvm.engine.host.foreign import address_of_bytes

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from jitvm.engine.machine.machine import Machine

WORD = 8

SCREEN = 0
FILES = 640
FILE_WORDS = 4
WORDS = FILES + 2 * FILE_WORDS


class DeviceWords:
    """The row of a machine, all zero; views of it keep it alive.

    Args:
        machine: whose data word is to lead here.

    Attributes:
        address: of the first word.
    """

    def __init__(self, machine: Machine) -> None:
        self._bytes = bytearray(WORD * WORDS)
        self.address, self._kept = address_of_bytes(self._bytes)
        machine.data = self.address

    def view(self, start: int, count: int) -> memoryview:
        """`count` words from `start` on, writable, as signed numbers."""
        return memoryview(self._bytes).cast("q")[start : start + count]

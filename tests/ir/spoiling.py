"""A function of C that is as unkind as it may be to who calls it."""

from __future__ import annotations

import ctypes
from struct import pack
from typing import Any

from jitvm.engine.memory.arena import Span, shared_arena

_SPOILED = [bytes(move) for move in ((0x48, 0xB9), (0x48, 0xBA), (0x48, 0xBE), (0x48, 0xBF))] + [
    bytes((0x49, 0xB8 + number)) for number in range(4)
]
"""`mov register, number` for rcx, rdx, rsi, rdi and r8 to r11: what a function need not keep."""


class Spoiling:
    """Calls another function, spoils all registers that it may, and counts who calls it with a
    stack that is not aligned to 16 bytes. x86-64 only.

    Args:
        function: address of a function of up to three words.

    Attributes:
        address: of what calls it; good as long as this object.
    """

    def __init__(self, function: int) -> None:
        self._crooked: Any = ctypes.c_uint64()
        code = b"\x48\x89\xe0\x83\xe0\x0f\x83\xf8\x08\x74\x0d"  # (rsp & 15) == 8: over 13 bytes
        code += b"\x48\xb8" + pack("<Q", ctypes.addressof(self._crooked)) + b"\x48\xff\x00"
        code += b"\x48\x83\xec\x08\x48\xb8" + pack("<Q", function) + b"\xff\xd0\x48\x83\xc4\x08"
        code += b"".join(move + pack("<Q", 0xDEAD_BEEF_0BAD_CAFE) for move in _SPOILED) + b"\xc3"
        self._span: Span = shared_arena().install(code)
        self.address = self._span.address

    @property
    def crooked_calls(self) -> int:
        """How often the stack was not aligned."""
        return int(self._crooked.value)

    def free(self) -> None:
        """Give its code back."""
        self._span.free()

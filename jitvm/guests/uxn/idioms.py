"""How Uxn programs write their variables, for compilers that need to know them in advance.

A variable usually lives in the operand of a literal, and the instruction that stores to it follows
another literal that holds its address:

    [ LIT2 &x $2 ]      ...     ;&x STA2        or      ,&x STR2

So the bytes ``LIT2 hi lo STA`` and ``LIT rel STR`` anywhere in memory name a variable.
"""

from __future__ import annotations

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterator

_MASK = 0xFFFF
_LIT, _LIT2 = 0x80, 0xA0
_STA, _STA2, _STR, _STR2 = 0x15, 0x35, 0x13, 0x33


def stored_variables(memory: bytes) -> frozenset[int]:
    """Addresses of bytes that stores of this form write, in 64 KiB of memory.

    No regular expression: importing what compiles these takes ten times as long as this.
    """
    found: set[int] = set()
    for size, opcode in ((1, _STA), (2, _STA2)):
        for at in _places(memory, opcode, 3):
            if memory[at - 3] == _LIT2:
                address = int.from_bytes(memory[at - 2 : at], "big")
                found.update(address + i & _MASK for i in range(size))
    for size, opcode in ((1, _STR), (2, _STR2)):
        for at in _places(memory, opcode, 2):
            if memory[at - 2] == _LIT:
                address = at + 1 + int.from_bytes(memory[at - 1 : at], "big", signed=True)
                found.update(address + i & _MASK for i in range(size))
    return frozenset(found)


def _places(memory: bytes, opcode: int, least: int) -> Iterator[int]:
    """Where a byte is, from an address on."""
    at = memory.find(opcode, least)
    while at >= 0:
        yield at
        at = memory.find(opcode, at + 1)

"""How Uxn programs write their variables, for compilers that need to know them in advance.

A variable usually lives in the operand of a literal, and the instruction that stores to it follows
another literal that holds its address:

    [ LIT2 &x $2 ]      ...     ;&x STA2        or      ,&x STR2

So the bytes ``LIT2 hi lo STA`` and ``LIT rel STR`` anywhere in memory name a variable.
"""

from __future__ import annotations

_MASK = 0xFFFF
# Behind a lookahead, so that patterns may overlap: any byte can be code.
_STORES = (
    rb"(?s)(?=\xa0(?P<absolute>..)(?P<sta>[\x15\x35])"
    rb"|\x80(?P<relative>.)(?P<str>[\x13\x33]))"
)


def stored_variables(memory: bytes) -> frozenset[int]:
    """Addresses of bytes that stores of this form write, in 64 KiB of memory."""
    import re  # only where something is compiled

    found: set[int] = set()
    for match in re.finditer(_STORES, memory):
        if (word := match["absolute"]) is not None:
            address, opcode = int.from_bytes(word, "big"), match["sta"]
        else:
            distance = int.from_bytes(match["relative"], "big", signed=True)
            address, opcode = match.start() + 3 + distance, match["str"]
        found.add(address & _MASK)
        if opcode[0] & 0x20:  # the short mode
            found.add(address + 1 & _MASK)
    return frozenset(found)

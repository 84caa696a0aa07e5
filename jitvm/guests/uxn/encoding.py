"""How Uxn instructions are spelled in bytes and in Uxntal.

An opcode byte is ``k r 2 ooooo``: keep, return and short bits over a five-bit base operation.

    bit   7     6     5      4-0
          keep  return short base

Base 0 has no ordinary operation; its eight combinations are BRK, the three immediate jumps and
the four literals, which carry their operand in the bytes that follow:

    00 BRK     20 JCI off16   40 JMI off16   60 JSI off16
    80 LIT b   a0 LIT2 b b    c0 LITr b      e0 LIT2r b b

This is only the spelling. What an instruction does is not known here.
"""

from __future__ import annotations

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from typing import Final

MODE_SHORT: Final = 0x20
MODE_RETURN: Final = 0x40
MODE_KEEP: Final = 0x80
BASE_MASK: Final = 0x1F

BRK: Final = 0x00
JCI: Final = 0x20
JMI: Final = 0x40
JSI: Final = 0x60
LIT: Final = 0x80
LIT2: Final = 0xA0
LITR: Final = 0xC0
LIT2R: Final = 0xE0

BASE_NAMES: Final[tuple[str, ...]] = (
    "LIT", "INC", "POP", "NIP", "SWP", "ROT", "DUP", "OVR",
    "EQU", "NEQ", "GTH", "LTH", "JMP", "JCN", "JSR", "STH",
    "LDZ", "STZ", "LDR", "STR", "LDA", "STA", "DEI", "DEO",
    "ADD", "SUB", "MUL", "DIV", "AND", "ORA", "EOR", "SFT",
)  # fmt: skip
"""The 32 base operations by number; base 0 stands for its keep-bit form, the literal."""

IMMEDIATES: Final[dict[int, str]] = {BRK: "BRK", JCI: "JCI", JMI: "JMI", JSI: "JSI"}
"""The four bytes of base 0 without the keep bit. Only BRK can be written as a word in Uxntal."""

_MODE_LETTERS: Final = {"2": MODE_SHORT, "r": MODE_RETURN, "k": MODE_KEEP}
_BASES: Final = {name: number for number, name in enumerate(BASE_NAMES)}


def _spell(byte: int) -> str:
    if byte in IMMEDIATES:
        return IMMEDIATES[byte]
    base = byte & BASE_MASK
    short = "2" if byte & MODE_SHORT else ""
    keep = "k" if byte & MODE_KEEP and base else ""
    turn = "r" if byte & MODE_RETURN else ""
    return BASE_NAMES[base] + short + keep + turn


MNEMONICS: Final[tuple[str, ...]] = tuple(_spell(byte) for byte in range(256))
"""The canonical spelling of every opcode byte; modes in the order ``2kr``."""


def mnemonic(byte: int) -> str:
    """Return the canonical spelling of an opcode byte (0..255)."""
    return MNEMONICS[byte]


def opcode(name: str) -> int | None:
    """Return the byte a Uxntal word encodes, or None when it is not an opcode.

    Mode letters come in any order and may repeat; ``LITk`` is ``LIT``. The immediate jumps are
    not words of the language (they are written ``?l``, ``!l`` and ``l``), so their names give
    None, as does BRK with modes.
    """
    if name == "BRK":
        return BRK
    base = _BASES.get(name[:3])
    if base is None:
        return None
    byte = base if base else LIT
    for letter in name[3:]:
        mode = _MODE_LETTERS.get(letter)
        if mode is None:
            return None
        byte |= mode
    return byte


def operand_size(byte: int) -> int:
    """Return how many operand bytes follow an opcode byte: 0, 1 or 2."""
    if byte & BASE_MASK or byte == BRK:
        return 0
    return 1 if byte in (LIT, LITR) else 2

"""What the instructions that write messages have in common: spaces, operands, and how varints, tags
and lengths are put in front of what is there already. The manual of
`jitvm.guests.wire.encode.instructions` holds for all of them."""

from __future__ import annotations

from jitvm.guest import Stack
from jitvm.guests.wire.vm.operands import FRAMES, HIGH, M32, M64, UNIT, cursor, end, row

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from jitvm.guest import Core, Word

__all__ = ["FRAMES", "M32", "M64", "UNIT", "cursor", "end", "row"]

CODE, COLUMNS, OUTPUT, STATE = range(4)
FRAME_STACK = Stack("frames", 4096)
STARTS, HEAD_SIZE, HEAD = 0, 8, 16
"""Addresses in STATE."""
HEAD_ROOM = 32
"""Bytes of the longest header of messages."""

OPERANDS = {
    "size": (0, 1), "tag": (1, 8), "slow": (9, 4), "a": (13, 4), "b": (17, 4), "c": (21, 4),
}  # fmt: skip
"""Where they are, and of how many bytes. `tag` has its `size` bytes at its top; a, b, c are
columns."""
FIELD = 25


def operand(core: Core, name: str) -> Word:
    return core.operand(*OPERANDS[name])


def column(core: Core, name: str, row: Word, width: int) -> Word:
    """Address of a row in a column of values of `width` bytes."""
    return operand(core, name) * UNIT + row * width


def size(core: Core) -> Word:
    """Bytes of the tag."""
    return operand(core, "size") & 7


def before(core: Core, at: Word, word: Word, size: int = 8) -> None:
    """Put the low bytes of a word right before an address."""
    core.store(OUTPUT, (at - size) & M32, word, size)


def moved(core: Core, at: Word, count: Word, there: Word) -> Word:
    """The cursor in front of so many bytes, if they are to be there."""
    return (at - core.select(there, count, 0)) & M32


def spread(word: Word) -> Word:
    """Groups of seven bits, of which there are up to eight, a byte each."""
    for shift in (4, 2, 1):
        low = sum(((1 << 7 * shift) - 1) << 16 * shift * i for i in range(4 // shift))
        high = low << 7 * shift
        word = (word & low) | ((word & high) << shift)
    return word


def length_of(core: Core, value: Word) -> Word:
    """Bytes of the varint of a number of 64 bits."""
    return ((640 - core.leading_zeros(value | 1, 8) * 9) & 0x3FF) >> 6


def varint(core: Core, value: Word) -> tuple[Word, Word]:
    """The varint of a number below 2**56 in the top bytes of a word, and how many these are."""
    count = length_of(core, value)
    word = (spread(value) | HIGH) << ((64 - (count << 3)) & 63)
    return word & (M64 >> 1), count  # all but the last byte have their top bit set


def headed(core: Core, at: Word, length: Word, there: Word) -> Word:
    """Write a length, of up to 32 bits, and the tag, in front of what it is the length of; where
    they begin."""
    word, count = varint(core, length)
    behind = (at - count) & M32
    before(core, at, word)
    before(core, behind, operand(core, "tag"))
    return moved(core, at, count + size(core), there)

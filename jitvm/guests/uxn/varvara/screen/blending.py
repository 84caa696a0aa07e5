"""What a sprite's pixels become: sixteen ways from 0-3 to a colour or to nothing.

One row a blend, one column a value; `-` leaves the layer as it is. Kernels colour eight pixels at
once. They look up a byte of the sprite in a table of `spread` words, with a byte ff for each set
bit, and for these masks

    color = c0 ^ low & (c0 ^ c1) ^ high & (c0 ^ c2) ^ low & high & (c0 ^ c1 ^ c2 ^ c3)

holds byte by byte. So a blend is four words of eight equal bytes, and one that is not 0 where
value 0 is drawn as well.
"""

from __future__ import annotations

TABLE = (
    "-012", "0123", "0231", "0312",
    "1012", "-123", "1231", "1312",
    "2012", "2123", "-231", "2312",
    "3012", "3123", "3231", "-312",
)  # fmt: skip


def blend_words(row: str) -> list[int]:
    """A row of the table as kernels use it: four factors, then whether value 0 is drawn."""
    c0, c1, c2, c3 = (int(color) for color in row.replace("-", "0"))
    factors = (c0, c0 ^ c1, c0 ^ c2, c0 ^ c1 ^ c2 ^ c3)
    return [*(factor * 0x0101010101010101 for factor in factors), row[0] != "-"]


def spread(*, flipped: bool) -> bytes:
    """For each byte a word of eight bytes 00 or ff, one a bit.

    The highest bit is the leftmost, lowest byte; the other way round if flipped.
    """
    order = range(8) if flipped else range(7, -1, -1)
    return bytes(0xFF * (byte >> bit & 1) for byte in range(256) for bit in order)

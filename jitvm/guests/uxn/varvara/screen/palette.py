"""Colours as the System ports hold them: three words of four nibbles, one a colour."""

from __future__ import annotations

RED = 0x08
SIZE = 6
"""Bytes of the palette in the port page, from RED on: red*, green*, blue*."""


def colors(ports: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    """The four colours, RGBA bytes each, of the palette's six bytes."""
    channels = [ports[at] << 8 | ports[at + 1] for at in (0, 2, 4)]

    def color(index: int) -> bytes:
        nibbles = [channel >> 4 * (3 - index) & 0xF for channel in channels]
        return bytes([*(nibble * 0x11 for nibble in nibbles), 0xFF])

    return color(0), color(1), color(2), color(3)


def pairs(ports: bytes) -> list[int]:
    """What every pair of neighbours looks like: 16 words, at left | right << 2."""
    four = colors(ports)
    return [int.from_bytes(left + right, "little") for right in four for left in four]

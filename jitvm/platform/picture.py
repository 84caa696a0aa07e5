"""Frames as PNG files, and as hashes to compare them by.

A PNG file is a few lines around what `zlib` makes (https://www.w3.org/TR/png): importing Pillow for
them takes three times as long as starting Python. The pixels of a program have few colours, so they
are numbers of a palette where that is easily seen.
"""

from __future__ import annotations

import zlib

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterable

    from jitvm.platform.screen import Pixels

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_RGB, _PALETTE = 2, 3
_FEW = 32
"""Colours that are looked for one by one."""
_EFFORT = 6
"""Of `zlib`: beyond it, pictures become hardly smaller and take twice as long."""


class PictureError(RuntimeError):
    """A picture cannot be written; the message says why."""


def frame_hash(pixels: Pixels) -> str:
    """16 hexadecimal digits of a frame's size and colours.

    Args:
        pixels: RGBA bytes, shape (height, width, 4).
    """
    import hashlib

    height, width, _ = pixels.shape
    digest = hashlib.blake2b(width.to_bytes(2, "big") + height.to_bytes(2, "big"), digest_size=8)
    digest.update(pixels.tobytes())
    return digest.hexdigest()


def png(pixels: Pixels) -> bytes:
    """A frame as a PNG file, without alpha.

    Args:
        pixels: RGBA bytes, shape (height, width, 4).
    """
    height, width, _ = pixels.shape
    return png_of(width, height, pixels.tobytes())


def png_of(width: int, height: int, rgba: bytes | memoryview) -> bytes:
    """A picture as a PNG file, without alpha.

    Args:
        width, height: in pixels.
        rgba: four bytes for each of them, row by row.
    """
    data = bytes(rgba)
    planes = data[0::4], data[1::4], data[2::4]
    kind, size, palette = _PALETTE, 1, b""
    if (found := _few_colors(planes)) is not None:
        pixels, colors = found
        palette = _chunk(b"PLTE", colors)
    else:
        kind, size, colored = _RGB, 3, bytearray(3 * width * height)
        for channel, plane in enumerate(planes):
            colored[channel::3] = plane
        pixels = bytes(colored)
    row = size * width
    # A byte in front of each row says that it is not written as a difference to others.
    rows = b"".join([b"\0" + pixels[at : at + row] for at in range(0, row * height, row)])
    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, kind, 0, 0, 0])
    body = _chunk(b"IDAT", zlib.compress(rows, _EFFORT))
    return _SIGNATURE + _chunk(b"IHDR", head) + palette + body + _chunk(b"IEND", b"")


def _chunk(name: bytes, content: bytes) -> bytes:
    check = zlib.crc32(name + content)
    return len(content).to_bytes(4, "big") + name + content + check.to_bytes(4, "big")


def _few_colors(planes: tuple[bytes, ...]) -> tuple[bytes, bytes] | None:
    """A number for each pixel, and the colours that these numbers stand for; None where there are
    many, or none of the planes tells them all apart.

    Bytes are looked at by the thousand: one at a time takes longer than to compress them.
    """
    for plane in planes:
        values = _values(plane)
        if values is None:
            continue
        places = [plane.index(value) for value in values]
        if all(
            plane.translate(_table(values, [other[place] for place in places])) == other
            for other in planes
        ):
            colors = b"".join(bytes([other[place] for other in planes]) for place in places)
            return plane.translate(_table(values, range(len(values)))), colors
    return None


def _values(plane: bytes) -> list[int] | None:
    """Which bytes there are; None for many."""
    values = []
    while plane:
        values.append(plane[0])
        if len(values) > _FEW:
            return None
        plane = plane.translate(None, plane[:1])
    return values


def _table(values: list[int], becoming: Iterable[int]) -> bytes:
    """What translates some bytes into others."""
    table = bytearray(256)
    for value, new in zip(values, becoming, strict=True):
        table[value] = new
    return bytes(table)

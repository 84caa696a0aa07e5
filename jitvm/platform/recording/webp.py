"""Animated WebP files, frame by frame and lossless.

    "RIFF" size* "WEBP"                       * 32 bits, ^ 24 bits, ' 16 bits, low byte first
    "VP8X" 10* 02 00 00 00 width-1^ height-1^ a file with an animation
    "ANIM" 6*  background* 0'                 loop forever
    a frame:
        "ANMF" size* left/2^ top/2^ width-1^ height-1^ milliseconds^ flags, then
        "VP8L" size* ...                      the pixels

Sizes are patched when the file is closed. Pillow compresses each picture as a file of its own,
whose pixel data is put into a frame here.

Source: RFC 9649.
"""

from __future__ import annotations

import io
import struct

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from typing import BinaryIO

    from jitvm.platform.screen import Pixels

_CHUNK = struct.Struct("<4sI")
_RIFF = 12
_ANIMATION = 0x02
_REPLACE = 0x02
"""Pixels of a frame are put, not blended; those around them stay."""
_LONGEST = (1 << 24) - 1
_EFFORT = {"quality": 30, "method": 1}


class Webp:
    """Writes an animated WebP file.

    Args:
        file: where to; it can be positioned.
        width, height: in pixels.
    """

    every = 1
    """Each frame of the program's is shown."""

    def __init__(self, file: BinaryIO, width: int, height: int) -> None:
        self._file = file
        size = _triple(width - 1) + _triple(height - 1)
        file.write(_CHUNK.pack(b"RIFF", 0) + b"WEBP")
        file.write(_chunk(b"VP8X", bytes([_ANIMATION, 0, 0, 0]) + size))
        file.write(_chunk(b"ANIM", bytes(6)))

    @staticmethod
    def time(frames: int) -> int:
        """Sixtieths of a second in the unit of the format, thousandths."""
        return round(frames * 1000 / 60)

    def add(self, pixels: Pixels, left: int, top: int, duration: int) -> None:
        """Draw pixels at a place with even coordinates and show the result for some time."""
        height, width, _ = pixels.shape
        head = b"".join(
            map(_triple, (left // 2, top // 2, width - 1, height - 1, min(duration, _LONGEST)))
        )
        self._file.write(_chunk(b"ANMF", head + bytes([_REPLACE]) + _compressed(pixels)))

    def close(self) -> None:
        """Write the size of the file at its beginning."""
        size = self._file.tell()
        self._file.seek(0)
        self._file.write(_CHUNK.pack(b"RIFF", size - _CHUNK.size))


def _triple(number: int) -> bytes:
    return number.to_bytes(3, "little")


def _chunk(name: bytes, content: bytes) -> bytes:
    return _CHUNK.pack(name, len(content)) + content + bytes(len(content) % 2)


def _compressed(pixels: Pixels) -> bytes:
    """The chunk that holds a picture's pixels."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels).convert("RGB").save(file, format="WEBP", lossless=True, **_EFFORT)
    data, at = file.getvalue(), _RIFF
    while True:
        name, size = _CHUNK.unpack_from(data, at)
        end = at + _CHUNK.size + size + size % 2
        if name == b"VP8L":
            return data[at:end]
        at = end

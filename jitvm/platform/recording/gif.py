"""Animated GIF files, frame by frame.

    "GIF89a"  width' height' 00 00 00     ' 16 bits, low byte first; no global colours
    21 ff 0b "NETSCAPE2.0" 03 01 00 00 00 loop forever
    a frame:
        21 f9 04 04 delay' 00 00          hundredths of a second; the next one is drawn over it
        2c left' top' width' height' flags colours codes
    3b

Pillow compresses each picture as a file of its own, whose parts are reassembled here. It can write
animations itself, but keeps all pictures in memory until the end.

Source: Graphics Interchange Format, version 89a.
"""

from __future__ import annotations

import io
import struct

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from typing import BinaryIO

    from jitvm.platform.screen import Pixels

_SCREEN = struct.Struct("<6sHHBBB")
_FOREVER = b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00"
_CONTROL = struct.Struct("<2sBBHBB")
_IMAGE = struct.Struct("<BHHHHB")
_KEEP = 1 << 2
_EXTENSION, _SEPARATOR, _END = 0x21, 0x2C, b"\x3b"
_HAS_COLORS, _COLOR_BITS, _INTERLACED = 0x80, 0x07, 0x40
_LONGEST = 0xFFFF


class Gif:
    """Writes an animated GIF file.

    Args:
        file: where to.
        width, height: in pixels.
    """

    every = 2
    """Viewers take no less than 1/50 s for a frame: every second one of the program's is shown."""

    def __init__(self, file: BinaryIO, width: int, height: int) -> None:
        self._file = file
        file.write(_SCREEN.pack(b"GIF89a", width, height, 0, 0, 0) + _FOREVER)

    @staticmethod
    def time(frames: int) -> int:
        """Sixtieths of a second in the unit of the format, hundredths."""
        return round(frames * 100 / 60)

    def add(self, pixels: Pixels, left: int, top: int, duration: int) -> None:
        """Draw pixels of at most 256 colours at a place and show the result for some time."""
        duration = min(duration, _LONGEST)
        self._file.write(_CONTROL.pack(b"\x21\xf9", 4, _KEEP, duration, 0, 0))
        self._file.write(_image(pixels, left, top))

    def close(self) -> None:
        """Write the end."""
        self._file.write(_END)


def _image(pixels: Pixels, left: int, top: int) -> bytes:
    """A picture as a part of an animation."""
    data = _compressed(pixels)
    colors, at = b"", _SCREEN.size
    flags = data[10]
    if flags & _HAS_COLORS:
        at += 3 << (flags & _COLOR_BITS) + 1
        colors = data[_SCREEN.size : at]
    while data[at] == _EXTENSION:
        at += 2
        while data[at]:
            at += 1 + data[at]
        at += 1
    _, _, _, width, height, own = _IMAGE.unpack_from(data, at)
    flags = own if own & _HAS_COLORS else own & _INTERLACED | flags & (_HAS_COLORS | _COLOR_BITS)
    head = _IMAGE.pack(_SEPARATOR, left, top, width, height, flags)
    body = data[at + _IMAGE.size : -len(_END)]
    return head + body if own & _HAS_COLORS else head + colors + body


def _compressed(pixels: Pixels) -> bytes:
    """A picture as a GIF file."""
    import numpy as np
    from PIL import Image

    words = np.ascontiguousarray(pixels).view("<u4")[..., 0]
    colors, indices = np.unique(words, return_inverse=True)
    image = Image.fromarray(indices.reshape(words.shape).astype(np.uint8), "P")
    image.putpalette(colors.astype("<u4").tobytes(), "RGBX")
    file = io.BytesIO()
    image.save(file, format="GIF", interlace=False)
    return file.getvalue()

"""Pictures in kitty's graphics protocol, which some other terminals support too.

    ESC _ G keys ; base64 ESC \\      at most 4096 characters; more follow while m=1

The terminal keeps one image with one placement, which each picture replaces; it does the scaling.

Source: sw.kovidgoyal.net/kitty/graphics-protocol
"""

from __future__ import annotations

import base64
import zlib

from jitvm.terminal.fit import Fit

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from jitvm.platform.screen import Pixels

_CHUNK = 4096
_FAST = 1
UNDO = b"\x1b_Ga=d,d=A,q=2\x1b\\"
"""Deletes all images."""


class Kitty:
    """Draws pictures of one size at one place."""

    def __init__(self, fit: Fit) -> None:
        self._fit = fit

    def paint(self, pixels: Pixels) -> bytes:
        """What makes the terminal show a picture."""
        fit = self._fit
        height, width, _ = pixels.shape
        data = base64.b64encode(zlib.compress(pixels[..., :3].tobytes(), _FAST))
        chunks = [data[start : start + _CHUNK] for start in range(0, len(data), _CHUNK)]
        keys = b"a=T,f=24,o=z,i=1,p=1,q=2,C=1,s=%d,v=%d,c=%d,r=%d," % (width, height, *fit.cells)
        parts = [b"\x1b[%d;%dH" % (fit.row + 1, fit.column + 1)]
        for number, chunk in enumerate(chunks, 1):
            parts.append(b"\x1b_G%sm=%d;%s\x1b\\" % (keys, number < len(chunks), chunk))
            keys = b""
        return b"".join(parts)

"""Pictures as sixels: bands of six rows, a character for each column and colour of a band.

    ESC P 0;1 q "1;1;width;height #n;2;r;g;b ... bands ESC \\

    band     colour $ colour $ ... -     `$` returns to its start, `-` moves to the next
    colour   #n, then columns: 3f plus a bit a row, the lowest the uppermost; !times column

Source: VT330/VT340 Programmer Reference Manual, chapter 14.
"""

from __future__ import annotations

from jitvm.terminal.fit import Fit, sampled

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from jitvm.platform.screen import Pixels

_ROWS = 6
_EMPTY = 0x3F
_WORTH = 4
"""Columns from which on a repeat is shorter."""


class Sixel:
    """Draws pictures of one size at one place."""

    def __init__(self, fit: Fit) -> None:
        self._fit = fit

    def paint(self, pixels: Pixels) -> bytes:
        """What makes the terminal show a picture."""
        import numpy as np

        fit = self._fit
        rgb = sampled(pixels, fit.shown).astype(np.uint32)
        words = rgb[..., 0] << 16 | rgb[..., 1] << 8 | rgb[..., 2]
        colors, indices = np.unique(words, return_inverse=True)
        indices = indices.reshape(words.shape)
        return b"".join(
            [
                b"\x1b[%d;%dH" % (fit.row + 1, fit.column + 1),
                b'\x1bP0;1q"1;1;%d;%d' % fit.shown,
                *map(_color, range(len(colors)), colors.tolist()),
                *_bands(indices, len(colors)),
                b"\x1b\\",
            ]
        )


def _color(number: int, word: int) -> bytes:
    """What makes a colour known; lights are in hundredths."""
    lights = (round(light * 100 / 255) for light in word.to_bytes(3, "big"))
    return b"#%d;2;%d;%d;%d" % (number, *lights)


def _bands(indices: NDArray[np.intp], colors: int) -> list[bytes]:
    """All bands of a picture of colour numbers."""
    import numpy as np

    height, width = indices.shape
    padded = np.full((-(-height // _ROWS) * _ROWS, width), -1, np.int16)
    padded[:height] = indices
    weights = (1 << np.arange(_ROWS))[None, :, None]
    sixels = [
        ((padded == color).reshape(-1, _ROWS, width) * weights).sum(axis=1).astype(np.uint8)
        for color in range(colors)
    ]
    parts: list[bytes] = []
    for band in range(len(padded) // _ROWS):
        drawn = [
            b"#%d%s" % (color, _repeated(sixels[color][band] + _EMPTY))
            for color in range(colors)
            if sixels[color][band].any()
        ]
        parts += [b"$".join(drawn), b"-"]
    return parts


def _repeated(columns: NDArray[np.uint8]) -> bytes:
    """Columns of a band with repeats made short."""
    import numpy as np

    ends = np.append(np.flatnonzero(columns[1:] != columns[:-1]) + 1, len(columns))
    lengths = np.diff(ends, prepend=0).tolist()
    signs = columns[ends - 1].tolist()
    return b"".join(
        bytes([sign]) * length if length < _WORTH else b"!%d%c" % (length, sign)
        for sign, length in zip(signs, lengths, strict=True)
    )

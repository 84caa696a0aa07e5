"""What drawing code knows: one row of 64-bit words, and how it is found from guest code.

    base + fields["data"]    the machine's data word: the address of

    WIDTH, HEIGHT            pixels, 1 to LIMIT
    LEFT, TOP, RIGHT, BOTTOM rectangle to be composed again: LEFT <= x < RIGHT, TOP <= y < BOTTOM;
                             clipped only when it is used; nothing where LEFT >= RIGHT
    BACKGROUND, FOREGROUND   address of each layer
    BLENDS + BLEND_WORDS * b what blend b makes of a sprite's pixels, as `blending` explains
    SPREAD + i, FLIPPED + i  byte i of a sprite as masks of eight pixels; see there
    PAIRS + p                two pixels as shown, RGBA each; p is left | right << 2

A layer is one byte a pixel, 0 to 3, in rows of WIDTH + 2 * MARGIN bytes, with MARGIN rows above
and below. Its memory is reserved for the largest size, so sizes change without moving it.

A sprite that is visible at all lies, whole, within the margins: x from -8 to WIDTH - 1 and y from
-8 to HEIGHT - 1. That is why sprites are not clipped and no kernel writes outside of a layer.
What margins hold is never shown.

The row has more behind these, for other native devices: see `varvara.words`.
"""

from __future__ import annotations

WORD = 8
MARGIN = 8
LIMIT = 0xFFF
"""The greatest width and height in pixels; the least is 1."""

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM, BACKGROUND, FOREGROUND, BLENDS = range(9)
BLEND_WORDS = 5
SPREAD = BLENDS + BLEND_WORDS * 16
FLIPPED = SPREAD + 256
PAIRS = FLIPPED + 256
WORDS = PAIRS + 16

LAYER_BYTES = (LIMIT + 2 * MARGIN) ** 2

AUTO, X, Y, ADDRESS = 0x26, 0x28, 0x2A, 0x2C
"""Ports that drawing looks at, and moves."""

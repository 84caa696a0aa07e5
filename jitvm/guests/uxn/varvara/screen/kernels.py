"""Drawing and composition, as numba compiles them: see `varvara.native`.

`pixel` and `sprite` are called straight from compiled guest code when it writes to their ports.
Pixels are handled as *words*: eight bytes of a layer, the leftmost the lowest.

The port page is the only copy of position, address and auto byte. Kernels move them there, so
guests write and read these ports without a call.

This file is imported only to make their text anew, and where no native code may run.
"""

from __future__ import annotations

from typing import Any

from jitvm.guests.uxn.varvara.native.language import (
    Signed,
    Unsigned,
    barrier,
    inlined,
    load_byte,
    load_field,
    load_short,
    load_word,
    store_byte,
    store_field,
    store_pixel,
    store_short,
    store_word,
)
from jitvm.guests.uxn.varvara.screen import state as at

_AUTO, _X, _Y, _ADDRESS = at.AUTO, at.X, at.Y, at.ADDRESS
_MARGIN = at.MARGIN
_WIDTH, _HEIGHT = at.WIDTH * at.WORD, at.HEIGHT * at.WORD
_LEFT, _TOP = at.LEFT * at.WORD, at.TOP * at.WORD
_RIGHT, _BOTTOM = at.RIGHT * at.WORD, at.BOTTOM * at.WORD
_BACKGROUND, _FOREGROUND = at.BACKGROUND * at.WORD, at.FOREGROUND * at.WORD
_BLENDS, _BLEND_BYTES = at.BLENDS * at.WORD, at.BLEND_WORDS * at.WORD
_PAIRS = at.PAIRS * at.WORD
_SPREAD, _FLIPPED = at.SPREAD * at.WORD, at.FLIPPED * at.WORD

_U = Unsigned
_COLOR, _FLIP_X, _FLIP_Y, _LAYER, _MODE = 0x03, 0x10, 0x20, 0x40, 0x80
_AUTO_X, _AUTO_Y, _AUTO_ADDRESS = 0x01, 0x02, 0x04
_FAR = 1 << 20
"""Beyond any coordinate: an empty rectangle spans from here to its negative."""


# -- shared ----------------------------------------------------------------------------------


@inlined
def signed(short: int) -> int:
    """Sixteen bits as a number from -32768 to 32767."""
    return (short ^ 0x8000) - 0x8000


@inlined
def layer_of(screen: int, control: int) -> Any:
    """The address of the layer that a control byte names, where its first pixel lies."""
    layer = load_field(screen + (_FOREGROUND if control & _LAYER else _BACKGROUND))
    return layer + _MARGIN * (load_field(screen + _WIDTH) + 2 * _MARGIN) + _MARGIN


@inlined
def touch(screen: int, left: int, top: int, right: int, bottom: int) -> None:
    """Have a rectangle composed again."""
    store_field(screen + _LEFT, min(load_field(screen + _LEFT), left))
    store_field(screen + _TOP, min(load_field(screen + _TOP), top))
    store_field(screen + _RIGHT, max(load_field(screen + _RIGHT), right))
    store_field(screen + _BOTTOM, max(load_field(screen + _BOTTOM), bottom))


@inlined
def repeat(byte: Any) -> Any:
    """A word of eight equal bytes."""
    return byte * _U(0x0101010101010101)


# -- Screen/pixel: points and rectangles -----------------------------------------------------


@inlined
def draw_point(page: int, screen: int, control: int) -> None:
    """Set one pixel where it is visible; then move, the way of the flip bits."""
    x, y = load_short(page + _X), load_short(page + _Y)
    width = load_field(screen + _WIDTH)
    if x < width and y < load_field(screen + _HEIGHT):
        layer = layer_of(screen, control)
        store_byte(layer + y * (width + 2 * _MARGIN) + x, control & _COLOR)
        touch(screen, x, y, x + 1, y + 1)
    auto = load_byte(page + _AUTO)
    if auto & _AUTO_X:
        store_short(page + _X, x - 1 if control & _FLIP_X else x + 1)
    if auto & _AUTO_Y:
        store_short(page + _Y, y - 1 if control & _FLIP_Y else y + 1)


@inlined
def fill_row(first: int, count: int, color: Any) -> None:
    """Set pixels; four words at once, then one, the last one over what is already set."""
    if count >= 8:
        last = first + count - 8
        pixels = first
        while pixels < last - 24:
            store_word(pixels, color)
            store_word(pixels + 8, color)
            store_word(pixels + 16, color)
            store_word(pixels + 24, color)
            pixels += 32
            barrier()
        while pixels < last:
            store_word(pixels, color)
            pixels += 8
            barrier()
        store_word(last, color)
    else:
        kept = ~_U(0) << _U(8 * count)
        store_word(first, load_word(first) & kept | color & ~kept)


@inlined
def draw_rectangle(page: int, screen: int, control: int) -> None:
    """Fill from the position to the right and bottom edges, or to the left or top if flipped."""
    x, y = signed(load_short(page + _X)), signed(load_short(page + _Y))
    width, height = load_field(screen + _WIDTH), load_field(screen + _HEIGHT)
    left = 0 if control & _FLIP_X else max(x, 0)
    top = 0 if control & _FLIP_Y else max(y, 0)
    right = min(x, width) if control & _FLIP_X else width
    bottom = min(y, height) if control & _FLIP_Y else height
    if left < right and top < bottom:
        stride = width + 2 * _MARGIN
        color = repeat(_U(control & _COLOR))
        row = layer_of(screen, control) + top * stride + left
        for _ in range(bottom - top):
            fill_row(row, right - left, color)
            row += stride
            barrier()
        touch(screen, left, top, right, bottom)


def pixel(_memory: int, page: int, screen: int, control: int) -> int:
    """A write to Screen/pixel."""
    if control & _MODE:
        draw_rectangle(page, screen, control)
    else:
        draw_point(page, screen, control)
    return 0


# -- Screen/sprite ---------------------------------------------------------------------------
#
# `blend` is the address of the words that `blending.blend_words` lists, `table` of `spread`.


@inlined
def draw_rows_1(target: int, stride: int, tile: int, step: int, table: int, blend: int) -> None:
    """Draw one bit a pixel: eight rows of eight, within the layer and its margins."""
    zero, one = load_word(blend), load_word(blend + 8)
    opaque = load_word(blend + 32)
    for _ in range(8):
        low = load_word(table + 8 * load_byte(tile))
        color = zero ^ low & one
        if opaque == _U(0):
            old = load_word(target)
            color = old ^ (old ^ color) & low
        store_word(target, color)
        target += stride
        tile += step
        barrier()


@inlined
def draw_rows_2(target: int, stride: int, tile: int, step: int, table: int, blend: int) -> None:
    """Draw two bits a pixel, the high ones eight bytes behind the low ones."""
    zero, one = load_word(blend), load_word(blend + 8)
    two, both, opaque = load_word(blend + 16), load_word(blend + 24), load_word(blend + 32)
    for _ in range(8):
        low = load_word(table + 8 * load_byte(tile))
        high = load_word(table + 8 * load_byte(tile + 8))
        color = zero ^ low & one ^ high & two ^ low & high & both
        if opaque == _U(0):
            old = load_word(target)
            color = old ^ (old ^ color) & (low | high)
        store_word(target, color)
        target += stride
        tile += step
        barrier()


def sprite(memory: int, page: int, screen: int, control: int) -> int:
    """A write to Screen/sprite: one to sixteen sprites, next to each other or one way aslant.

    A run goes along the axis that is *not* advanced afterwards.
    """
    auto = load_byte(page + _AUTO)
    start_x, start_y = load_short(page + _X), load_short(page + _Y)
    address = load_short(page + _ADDRESS)
    step_x = -8 if control & _FLIP_X else 8
    step_y = -8 if control & _FLIP_Y else 8
    step_address = 0
    if auto & _AUTO_ADDRESS:
        step_address = 16 if control & _MODE else 8
    width, height = load_field(screen + _WIDTH), load_field(screen + _HEIGHT)
    stride = width + 2 * _MARGIN
    corner = layer_of(screen, control) - _MARGIN * stride - _MARGIN
    blend = screen + _BLENDS + _BLEND_BYTES * (control & 0x0F)
    table = screen + (_FLIPPED if control & _FLIP_X else _SPREAD)
    first_row, step_row = (7, -1) if control & _FLIP_Y else (0, 1)
    x, y = start_x, start_y
    left, top, right, bottom = _FAR, _FAR, -_FAR, -_FAR
    for _ in range((auto >> 4) + 1):
        column, row = (x + _MARGIN) & 0xFFFF, (y + _MARGIN) & 0xFFFF
        if column < width + _MARGIN and row < height + _MARGIN:
            target, tile = corner + row * stride + column, memory + address + first_row
            if control & _MODE:
                draw_rows_2(target, stride, tile, step_row, table, blend)
            else:
                draw_rows_1(target, stride, tile, step_row, table, blend)
            left, right = min(left, column - 8), max(right, column)
            top, bottom = min(top, row - 8), max(bottom, row)
        if auto & _AUTO_Y:
            x += step_x
        if auto & _AUTO_X:
            y += step_y
        address = (address + step_address) & 0xFFFF
        barrier()
    touch(screen, left, top, right, bottom)
    store_short(page + _ADDRESS, address)
    if auto & _AUTO_X:
        store_short(page + _X, start_x + step_x)
    if auto & _AUTO_Y:
        store_short(page + _Y, start_y + step_y)
    return 0


# -- composition -----------------------------------------------------------------------------


@inlined
def merge(background: Any, foreground: Any) -> Any:
    """Eight pixels as shown: the foreground's, the background's where that is 0."""
    solid = ((foreground | foreground >> _U(1)) & repeat(_U(1))) * _U(0xFF)
    return foreground | background & ~solid


@inlined
def compose_row(background: int, foreground: int, shown: int, count: int, pairs: int) -> None:
    """Colour a row of pixels, two at a time; the layers' margin is read, what follows not
    written."""
    while count >= 8:
        colors = merge(load_word(background), load_word(foreground))
        colors |= colors >> _U(6)
        for pair in range(4):
            which = Signed(colors >> _U(16 * pair) & _U(0x0F))
            store_word(shown + 8 * pair, load_word(pairs + 8 * which))
        background, foreground, shown, count = background + 8, foreground + 8, shown + 32, count - 8
        barrier()
    if count > 0:
        colors = merge(load_word(background), load_word(foreground))
        for _ in range(count):
            store_pixel(shown, load_word(pairs + 8 * Signed(colors & _U(3))))
            colors >>= _U(8)
            shown += 4
            barrier()


def compose(screen: int, shown: int) -> int:
    """Bring the composed frame up to date and tell whether there was anything to do.

    Args:
        screen: address of the screen's words.
        shown: address of HEIGHT rows of WIDTH pixels, RGBA bytes.
    """
    width, height = load_field(screen + _WIDTH), load_field(screen + _HEIGHT)
    left, right = max(load_field(screen + _LEFT), 0), min(load_field(screen + _RIGHT), width)
    top, bottom = max(load_field(screen + _TOP), 0), min(load_field(screen + _BOTTOM), height)
    store_field(screen + _LEFT, _FAR)
    store_field(screen + _TOP, _FAR)
    barrier()
    store_field(screen + _RIGHT, -_FAR)
    store_field(screen + _BOTTOM, -_FAR)
    if left >= right or top >= bottom:
        return 0
    stride = width + 2 * _MARGIN
    for y in range(top, bottom):
        at_row = y * stride + left
        compose_row(
            layer_of(screen, 0) + at_row, layer_of(screen, _LAYER) + at_row,
            shown + 4 * (y * width + left), right - left, screen + _PAIRS,
        )  # fmt: skip
        barrier()
    return 1

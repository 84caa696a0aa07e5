"""Points, rectangles and sprites, pixel by pixel."""

from __future__ import annotations

from itertools import product

import pytest

from tests.varvara.screen.pair import Pair

EDGES = (
    -32768, -4096, -17, -16, -9, -8, -7, -1, 0, 1, 13, 31, 32, 33, 39, 40, 41, 47, 48, 49,
    4095, 4096, 32760, 32767,
)  # fmt: skip
"""Coordinates around every edge of the screen and of 16 bits."""
FLIPS = (0x00, 0x10, 0x20, 0x30)


def backdrop(pair: Pair) -> None:
    """Cover both layers with sprites, so that what is left alone shows."""
    for layer, y, x in product((0x00, 0x40), range(0, pair.model.height, 8), range(0, 48, 8)):
        pair.at(x, y, 0x4000 + 16 * (x + y))
        pair.write(0x2F, 0x81 | layer)


@pytest.mark.parametrize("blend", range(16))
@pytest.mark.parametrize("depth", [0x00, 0x80])
def test_blends(pair: Pair, blend: int, depth: int) -> None:
    backdrop(pair)
    for index, (flip, layer) in enumerate(product(FLIPS, (0x00, 0x40))):
        pair.at(5 * index, 3 * index, 0x2000 + 16 * index)
        pair.write(0x2F, blend | depth | flip | layer)
    pair.check()


def test_every_row_of_eight_pixels(pair: Pair) -> None:
    for byte in range(256):
        pair.machine.memory[0x3000:0x3008] = bytes([byte] * 8)
        pair.model.memory = bytes(pair.machine.memory)
        for flip in (0x00, 0x10):
            pair.at(byte % 40, byte % 32, 0x3000)
            pair.write(0x2F, 0x01 | flip)
            pair.check()


@pytest.mark.parametrize("x", EDGES)
def test_sprites_at_edges(pair: Pair, x: int) -> None:
    backdrop(pair)
    for index, (y, flip) in enumerate(product(EDGES, FLIPS)):
        pair.at(x, y, 0x5000 + index)
        pair.write(0x2F, flip | (0xC1, 0x41, 0x81, 0x05)[index % 4])
    pair.check()


@pytest.mark.parametrize("auto", range(256))
def test_runs_of_sprites(pair: Pair, auto: int) -> None:
    for index, control in enumerate(product((0x01, 0x85), FLIPS, (0x00, 0x40))):
        pair.at(20 - index, 18 + index, 0x6000 + 16 * index, auto)
        pair.write(0x2F, sum(control))
        pair.check()


def test_each_draw_goes_on_where_the_last_one_came_to(pair: Pair) -> None:
    for auto, flip in product((0x01, 0x02, 0x05, 0x36, 0x17), FLIPS):
        pair.at(24, 16, 0x7000, auto)
        for _ in range(12):
            pair.write(0x2F, 0xC1 | flip)
            pair.write(0x2E, 0x01 | flip)
    pair.check()


@pytest.mark.parametrize("address", [0xFFF1, 0xFFF8, 0xFFFC, 0xFFFF])
@pytest.mark.parametrize("auto", [0x00, 0x04, 0xF6, 0xF7])
def test_addresses_wrap(pair: Pair, address: int, auto: int) -> None:
    for depth, flip in product((0x01, 0x81), FLIPS):
        pair.at(8, 8, address, auto)
        pair.write(0x2F, depth | flip)
    pair.check()


@pytest.mark.parametrize(("x", "y"), [(32767, 0), (-32768, 0), (65530, 0), (0, 65530), (0, 32767)])
def test_coordinates_wrap(pair: Pair, x: int, y: int) -> None:
    for auto, control in product((0x01, 0x02, 0x03, 0xF1, 0xF2, 0xF3), (0x01, 0x11, 0x21, 0xB1)):
        for port in (0x2E, 0x2F):
            pair.at(x, y, auto=auto)
            for _ in range(3):
                pair.write(port, control & 0x7F if port == 0x2E else control)
            pair.check()


def test_points_at_edges(pair: Pair) -> None:
    for index, (x, y) in enumerate(product(EDGES, EDGES)):
        pair.at(x, y, auto=index % 4)
        pair.write(0x2E, index * 7 & 0x7F)
    pair.check()


@pytest.mark.parametrize("flip", FLIPS)
def test_fills_at_edges(pair: Pair, flip: int) -> None:
    for index, (x, y) in enumerate(product(EDGES, EDGES)):
        pair.at(x, y, auto=0x07)
        pair.write(0x2E, 0x80 | flip | index * 5 & 0x43)
        pair.check()


@pytest.mark.parametrize("width", range(1, 34))
def test_fills_of_every_width(width: int) -> None:
    pair = Pair(width, 3)
    for x, flip in product(range(width + 1), FLIPS):
        for color in (0x81, 0x80):
            pair.at(x, 1)
            pair.write(0x2E, color | flip)
            pair.check()
            pair.check_frame()


def test_unused_bits_of_a_point_mean_nothing(pair: Pair) -> None:
    for bits in range(0, 16, 4):
        pair.at(bits, 2)
        pair.write(0x2E, bits | 0x02)
    assert pair.screen.layer(0)[2, :16:4].tolist() == [2, 2, 2, 2]
    pair.check()

"""What painters write, read back by small terminals of our own."""

from __future__ import annotations

import base64
import re
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from jitvm.terminal.blocks import CELL, Blocks
from jitvm.terminal.fit import Fit, resized
from jitvm.terminal.kitty import Kitty
from jitvm.terminal.sixel import Sixel

Picture = NDArray[np.uint8]
COLORS = np.array(
    [[0, 0, 0, 255], [255, 255, 255, 255], [51, 102, 204, 255], [255, 0, 153, 255]], np.uint8
)


def picture(width: int, height: int, seed: int = 0) -> Picture:
    random = np.random.default_rng(seed)
    return COLORS[random.integers(0, 4, (height, width))]


# -- where and how large -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "grid", "cell", "shown", "place"),
    [
        ((10, 8), (40, 20), (1, 2), (40, 32), (0, 2)),
        ((512, 320), (80, 24), (1, 2), (77, 48), (1, 0)),
        ((512, 320), (200, 60), (10, 20), (1536, 960), (23, 6)),
        ((4095, 1), (80, 24), (1, 2), (80, 1), (0, 11)),
        ((1, 4095), (80, 24), (1, 2), (1, 48), (39, 0)),
        ((512, 320), (1, 1), (1, 2), (1, 1), (0, 0)),
    ],
)
def test_pictures_fit(
    size: tuple[int, int], grid: tuple[int, int], cell: tuple[int, int], shown: tuple[int, int],
    place: tuple[int, int],
) -> None:  # fmt: skip
    fit = Fit.of(size, grid, cell)
    assert (fit.shown, (fit.column, fit.row)) == (shown, place)


@given(
    *[st.tuples(st.integers(1, most), st.integers(1, most)) for most in (4095, 300)],
    st.sampled_from([(1, 2), (8, 16), (10, 21)]),
)
def test_every_fit_is_inside_and_points_into_the_picture(
    size: tuple[int, int], grid: tuple[int, int], cell: tuple[int, int]
) -> None:
    fit = Fit.of(size, grid, cell)
    across, down = fit.cells
    assert 0 <= fit.column <= grid[0] - across
    assert 0 <= fit.row <= grid[1] - down
    for x, y in ((0, 0), (fit.column + 0.5, fit.row + 0.5), grid):
        left, top = fit.pixel_at(x, y)
        assert 0 <= left < size[0]
        assert 0 <= top < size[1]


def test_smaller_pictures_have_means_and_larger_ones_repeat() -> None:
    black_and_white = COLORS[np.indices((8, 8)).sum(axis=0) % 2]
    assert (resized(black_and_white, (4, 4)) == 127).all()
    small = picture(3, 2)
    assert (resized(small, (6, 4)) == small[..., :3].repeat(2, 0).repeat(2, 1)).all()


# -- half blocks ---------------------------------------------------------------------------------

_SIGN = re.compile(r"\x1b\[(\d+);(\d+)H|\x1b\[(38|48);2;(\d+);(\d+);(\d+)m|▀")


class Screen:
    """A terminal that knows cursor, colours and half blocks."""

    def __init__(self, columns: int, rows: int) -> None:
        self.dots = np.zeros((2 * rows, columns, 3), np.uint8)
        self.written = 0

    def show(self, data: bytes) -> None:
        row = column = 0
        colors: dict[str, tuple[int, ...]] = {}
        text = data.decode()
        assert _SIGN.sub("", text) == ""
        for sign in _SIGN.finditer(text):
            if sign[1]:
                row, column = int(sign[1]) - 1, int(sign[2]) - 1
            elif sign[3]:
                colors[sign[3]] = (int(sign[4]), int(sign[5]), int(sign[6]))
            else:
                self.dots[2 * row, column] = colors["38"]
                self.dots[2 * row + 1, column] = colors["48"]
                column += 1
                self.written += 1


def test_half_blocks_show_every_pixel_and_then_only_what_changed() -> None:
    fit = Fit.of((30, 17), (40, 12), CELL)
    assert fit.shown == (30, 17)
    painter, screen = Blocks(fit, has_all_colors=True), Screen(40, 12)
    for seed in range(3):
        frame = picture(30, 17, seed)
        screen.show(painter.paint(frame))
        top, left = 2 * fit.row, fit.column
        assert (screen.dots[top : top + 17, left : left + 30] == frame[..., :3]).all()
    assert painter.paint(frame) == b""
    screen.written = 0
    frame[5, 7] = COLORS[1] if (frame[5, 7] == COLORS[0]).all() else COLORS[0]
    screen.show(painter.paint(frame))
    assert screen.written == 1


def test_256_colours_are_the_nearest() -> None:
    painter = Blocks(Fit.of((1, 2), (1, 1), CELL), has_all_colors=False)
    frame = np.array([[[255, 0, 130, 255]], [[0, 140, 250, 255]]], np.uint8)
    assert painter.paint(frame) == "\x1b[1;1H\x1b[38;5;198m\x1b[48;5;33m▀".encode()


# -- kitty ---------------------------------------------------------------------------------------


def test_kitty_gets_the_pixels_in_chunks() -> None:
    frame = picture(200, 100)
    fit = Fit.of((200, 100), (50, 20), (10, 20))
    text = Kitty(fit).paint(frame).decode()
    parts = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", text)
    assert len(parts) > 1
    assert all(len(data) <= 4096 for _, data in parts)
    assert [keys[-1] for keys, _ in parts] == ["1"] * (len(parts) - 1) + ["0"]
    keys = dict(pair.split("=") for pair in parts[0][0].split(","))
    assert {name: keys[name] for name in "afsvcr"} == {
        "a": "T", "f": "24", "s": "200", "v": "100", "c": "40", "r": "10",
    }  # fmt: skip
    data = zlib.decompress(base64.b64decode("".join(data for _, data in parts)))
    assert data == frame[..., :3].tobytes()


# -- sixels --------------------------------------------------------------------------------------


def unpacked(data: bytes) -> Picture:
    """The pixels of a sixel picture."""
    found = re.fullmatch(
        rb'\x1b\[\d+;\d+H\x1bP0;1q"1;1;(\d+);(\d+)((?:#\d+;2;\d+;\d+;\d+)*)(.*)\x1b\\', data, re.S
    )
    assert found
    width, height = int(found[1]), int(found[2])
    colors = {
        int(n): [round(int(light) * 2.55) for light in lights.split(b";")]
        for n, lights in re.findall(rb"#(\d+);2;([\d;]+)", found[3])
    }
    pixels = np.zeros((height, width, 3), np.uint8)
    for band, line in enumerate(found[4].split(b"-")[:-1]):
        for part in line.split(b"$"):
            number, signs = re.fullmatch(rb"#(\d+)(.*)", part, re.S).groups()  # type: ignore[union-attr]
            column = 0
            for times, sign in re.findall(rb"(?:!(\d+))?([?-~])", signs):
                for _ in range(int(times or 1)):
                    for row in range(6):
                        if sign[0] - 0x3F >> row & 1:
                            pixels[6 * band + row, column] = colors[int(number)]
                    column += 1
            assert column == width
    return pixels


@pytest.mark.parametrize(("width", "height"), [(1, 1), (13, 6), (40, 20), (64, 31)])
def test_sixels_show_every_pixel(width: int, height: int) -> None:
    frame = picture(width, height)
    frame[:, : width // 2] = COLORS[2]
    fit = Fit.of((width, height), (width, height), (1, 1))
    assert (unpacked(Sixel(fit).paint(frame)) == frame[..., :3]).all()


def test_sixels_of_larger_and_smaller_pictures_have_no_new_colours() -> None:
    frame = picture(30, 20)
    for grid in ((15, 10), (90, 60)):
        fit = Fit.of((30, 20), grid, (1, 1))
        pixels = unpacked(Sixel(fit).paint(frame))
        assert pixels.shape == (grid[1], grid[0], 3)
        assert {*map(bytes, pixels.reshape(-1, 3))} <= {bytes(color[:3]) for color in COLORS}

"""Sizes of windows and places of pictures in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitvm.window.geometry import Viewport, automatic_scale, next_scale, window_size

sizes = st.tuples(st.integers(1, 4095), st.integers(1, 4095))


@given(sizes, sizes)
def test_a_picture_is_always_inside_its_window(
    picture: tuple[int, int], window: tuple[int, int]
) -> None:
    view = Viewport.fit(picture, window)
    assert 0 <= view.left <= view.left + view.width <= window[0]
    assert 0 <= view.top <= view.top + view.height <= window[1]
    assert view.width >= 1
    assert view.height >= 1


@given(sizes, sizes, st.integers(-9, 9999), st.integers(-9, 9999))
def test_every_place_is_a_pixel(
    picture: tuple[int, int], window: tuple[int, int], x: int, y: int
) -> None:
    across, down = Viewport.fit(picture, window).pixel(picture, x, y)
    assert 0 <= across < picture[0]
    assert 0 <= down < picture[1]


def test_zoom_is_whole_where_it_fits() -> None:
    assert Viewport.fit((100, 50), (399, 299)) == Viewport(49, 74, 300, 150)
    assert Viewport.fit((4095, 4095), (1000, 800)) == Viewport(100, 0, 800, 800)


def test_pixels_under_a_zoom() -> None:
    view = Viewport.fit((10, 10), (40, 60))
    assert [view.pixel((10, 10), x, 10) for x in (0, 3, 4, 39)] == [(0, 0), (0, 0), (1, 0), (9, 0)]
    assert view.pixel((10, 10), 0, 49) == (0, 9)


@pytest.mark.parametrize(
    ("picture", "scale", "size"),
    [
        ((512, 320), 2, (1024, 640)),
        ((1, 1), 1, (64, 64)),
        ((4095, 4095), 1, (1280, 800)),
        ((4095, 2), 3, (1280, 64)),
    ],
)
def test_windows_fit_the_desktop(
    picture: tuple[int, int], scale: int, size: tuple[int, int]
) -> None:
    assert window_size(picture, scale, (1280, 800)) == size


def test_scales() -> None:
    assert automatic_scale((512, 320), (1920, 1080)) == 2
    assert automatic_scale((512, 320), (800, 600)) == 1
    assert automatic_scale((4095, 1), (800, 600)) == 1
    assert automatic_scale((1, 1), (1920, 1080)) == 4
    scales = [1]
    while len(scales) < 5:
        scales.append(next_scale(scales[-1], (512, 320), (1920, 1080)))
    assert scales == [1, 2, 3, 1, 2]

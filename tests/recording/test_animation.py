"""Animations: what viewers make of them is what the program showed, at its time."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from jitvm.platform.recording.animation import Animation
from jitvm.platform.recording.gif import Gif
from jitvm.platform.recording.webp import Webp

Picture = NDArray[np.uint8]
Make = type[Gif] | type[Webp]
BOTH = pytest.mark.parametrize("make", [Gif, Webp])
COLORS = np.array(
    [[0, 0, 0, 255], [255, 255, 255, 255], [18, 52, 86, 255], [240, 10, 99, 255]], np.uint8
)


def pictures(count: int, width: int = 37, height: int = 23) -> list[Picture]:
    """Random pictures of four colours, each of which changes a part of the one before."""
    random = np.random.default_rng(count)
    made = [COLORS[random.integers(0, 4, (height, width))]]
    for _ in range(count - 1):
        picture = made[-1].copy()
        left, top = random.integers(0, width), random.integers(0, height)
        part = picture[top : top + 9, left : left + 9]
        part[:] = COLORS[random.integers(0, 4, part.shape[:2])]
        made.append(picture)
    return made


def written(make: Make, frames: Sequence[Picture], scale: int = 1) -> bytes:
    file = io.BytesIO()
    animation = Animation(file, make, scale)
    before = None
    for frame in frames:
        animation.add(frame, changed=frame is not before)
        before = frame
    animation.close()
    return file.getvalue()


def shown(data: bytes) -> list[tuple[Picture, int]]:
    """Pictures and milliseconds, as Pillow reads them."""
    with Image.open(io.BytesIO(data)) as image:
        found = []
        for number in range(image.n_frames):  # type: ignore[attr-defined]
            image.seek(number)
            image.load()
            found.append((np.asarray(image.convert("RGB")), image.info["duration"]))
        return found


@BOTH
def test_every_picture_comes_back_pixel_by_pixel(make: Make) -> None:
    frames = pictures(20)
    found = shown(written(make, frames))
    expected = frames[:: make.every]
    assert len(found) == len(expected)
    for (picture, _), frame in zip(found, expected, strict=True):
        assert (picture == frame[..., :3]).all()


@BOTH
def test_times_do_not_drift(make: Make) -> None:
    plain = [np.full((8, 8, 4), COLORS[number % 3]) for number in range(600)]
    found = shown(written(make, plain))
    total = sum(duration for _, duration in found)
    assert total == 10_000
    assert {duration for _, duration in found} == {30, 40} if make is Gif else {16, 17}


@BOTH
def test_what_stays_as_it_is_costs_nothing(make: Make) -> None:
    still, other = pictures(2)
    short = written(make, [still, still, other, other])
    long = written(make, [still] * 300 + [other] * 300)
    assert len(long) == len(short)
    assert [duration for _, duration in shown(long)] == [5000, 5000]


@BOTH
def test_only_what_is_new_is_written(make: Make) -> None:
    big = np.random.default_rng(1).integers(0, 4, (200, 200))
    first = COLORS[big]
    second = first.copy()
    second[101:104, 51:54] = COLORS[3]
    both, one = written(make, [first, first, second]), written(make, [first])
    assert len(both) - len(one) < 400


@BOTH
def test_scale_repeats_pixels(make: Make) -> None:
    (frame,) = pictures(1, 5, 3)
    ((picture, _),) = shown(written(make, [frame], scale=4))
    assert (picture == frame[..., :3].repeat(4, 0).repeat(4, 1)).all()


@BOTH
def test_a_screen_that_changes_its_size_is_cut_or_framed_in_black(make: Make) -> None:
    (first,), (large,), (small,) = pictures(1, 10, 10), pictures(1, 14, 6), pictures(1, 4, 13)
    found = shown(written(make, [frame for frame in (first, large, small) for _ in "ab"]))
    expected = [first[..., :3]]
    for frame in (large, small):
        canvas = np.zeros((10, 10, 3), np.uint8)
        part = frame[:10, :10, :3]
        canvas[: part.shape[0], : part.shape[1]] = part
        expected.append(canvas)
    for (picture, _), canvas in zip(found, expected, strict=True):
        assert (picture == canvas).all()


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_gifs_of_few_colours(count: int) -> None:
    frame = COLORS[np.arange(64 * 64).reshape(64, 64) % count]
    ((picture, _),) = shown(written(Gif, [frame]))
    assert (picture == frame[..., :3]).all()


@BOTH
def test_a_palette_that_changes_changes_all(make: Make) -> None:
    (frame,) = pictures(1)
    inverted = frame.copy()
    inverted[..., :3] = 255 - inverted[..., :3]
    found = shown(written(make, [frame, frame, inverted, inverted]))
    assert (found[-1][0] == inverted[..., :3]).all()

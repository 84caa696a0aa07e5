"""The composed frame: colours, what is composed again, hashes, PNG files."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pytest

from jitvm.engine.machine.machine import Machine, Tier
from jitvm.guests.uxn import UXN
from jitvm.guests.uxn.varvara.screen import Screen
from jitvm.platform.picture import PictureError
from tests.varvara.screen.pair import Pair

PALETTE = bytes.fromhex("0f572a3048a1")


def colored(pair: Pair) -> Pair:
    """All sixteen pairs of layers' colours, in a palette of four different colours."""
    pair.machine.page[0x08:0x0E] = PALETTE
    for y in range(4):
        for x in range(4):
            pair.at(3 * x, 3 * y)
            pair.write(0x2E, x)
            pair.write(0x2E, 0x40 | y)
    return pair


def test_a_screen_is_an_array(pair: Pair) -> None:
    colored(pair)
    assert np.shares_memory(np.asarray(pair.screen), pair.screen.pixels)
    assert np.asarray(pair.screen, dtype=float).shape == (40, 48, 4)
    assert not np.shares_memory(np.array(pair.screen), pair.screen.pixels)


def test_colors_and_layers(pair: Pair) -> None:
    colored(pair).check_frame()
    four = [(0x00, 0x22, 0x44, 255), (0xFF, 0xAA, 0x88, 255), (0x55, 0x33, 0xAA, 255)]
    four.append((0x77, 0x00, 0x11, 255))
    for y in range(4):
        for x in range(4):
            assert tuple(pair.screen.pixels[3 * y, 3 * x].tolist()) == four[y or x]


@pytest.mark.parametrize("width", range(1, 36))
def test_every_width_is_composed_whole_and_in_parts(width: int) -> None:
    pair = Pair(width, 5)
    pair.machine.page[0x08:0x0E] = PALETTE
    for x in range(width):
        pair.at(x, 2)
        pair.write(0x2E, x % 3 + 1 | (x & 0x40))
        pair.check_frame()
        assert pair.screen.changed == ((x, 2, x + 1, 3) if x else (0, 0, width, 5))
    for start in range(width):
        pair.at(start, 3)
        pair.write(0x2E, 0x82 + (start & 0x41))
        pair.check_frame()
        assert pair.screen.changed == (start, 3, width, 5)


def test_nothing_is_composed_when_nothing_changed(pair: Pair) -> None:
    assert pair.screen.dirty == (0, 0, 48, 40)
    assert pair.screen.compose()
    assert pair.screen.dirty is None
    assert not pair.screen.compose()
    assert pair.screen.changed is None
    pair.at(-100, 5)
    pair.write(0x2F, 0x01)
    pair.write(0x2E, 0x01)
    pair.at(48, 0)
    pair.write(0x2E, 0x81)
    assert pair.screen.dirty is None
    assert not pair.screen.compose()


def test_only_what_was_drawn_is_composed(pair: Pair) -> None:
    pair.screen.compose()
    pair.screen.pixels[:] = 7
    pair.at(10, 20)
    pair.write(0x2F, 0x01)
    pair.at(4, 30)
    pair.write(0x2E, 0x01)
    assert pair.screen.dirty == (4, 20, 18, 31)
    assert pair.screen.compose()
    outside = pair.screen.pixels.copy()
    outside[20:31, 4:18] = 7
    assert (outside == 7).all()
    assert (pair.screen.pixels[20:31, 4:18, 3] == 255).all()


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [(-3, -5, (0, 0, 5, 3)), (44, 36, (44, 36, 48, 40)), (-8, 0, None), (0, -8, None)],
)
def test_what_a_sprite_changes_ends_at_the_edges(
    pair: Pair, x: int, y: int, expected: tuple[int, int, int, int] | None
) -> None:
    pair.screen.compose()
    pair.at(x, y)
    pair.write(0x2F, 0x01)
    assert pair.screen.dirty == expected


@pytest.mark.parametrize("port", range(0x08, 0x0E))
def test_a_new_palette_changes_everything(pair: Pair, port: int) -> None:
    colored(pair).check_frame()
    pair.machine.page[port] ^= 0x5A
    assert pair.screen.compose()
    assert pair.screen.changed == (0, 0, 48, 40)
    pair.check_frame()


def test_frames_given_away_keep_their_size(pair: Pair) -> None:
    before = pair.screen.pixels
    pair.write2(0x22, 100)
    assert pair.screen.compose()
    assert before.shape == (40, 48, 4)
    assert pair.screen.pixels.shape == (40, 100, 4)


def test_layers_are_read_only_views(pair: Pair) -> None:
    layer = pair.screen.layer(1)
    pair.at(1, 2)
    pair.write(0x2E, 0x43)
    assert layer[2, 1] == 3
    with pytest.raises(ValueError, match="read-only"):
        layer[0, 0] = 1
    with pytest.raises(ValueError, match="no layer 2"):
        pair.screen.layer(2)


def test_memory_outlives_the_screen() -> None:
    pair = Pair()
    pair.at(0, 0)
    pair.write(0x2E, 0x82)
    layer = pair.screen.layer(0)
    del pair
    assert (layer == 2).all()


def test_hashes_tell_frames_apart(pair: Pair) -> None:
    empty = pair.screen.hash()
    assert empty == Pair().screen.hash() == "b5f071d1136b06fe"
    hashes = {empty, Pair(40, 48).screen.hash()}
    for color in (0x83, 0x82):
        pair.machine.page[0x08:0x0E] = PALETTE
        pair.write(0x2E, color)
        pair.screen.compose()
        hashes.add(pair.screen.hash())
    assert len(hashes) == 4


def test_snapshots(pair: Pair) -> None:
    colored(pair).check_frame()
    kept = pair.screen.snapshot()
    assert kept == pair.screen.snapshot()
    pair.write2(0x22, 99)
    pair.machine.state.ports.write(0x2E, 0x83)
    assert kept != pair.screen.snapshot()
    pair.screen.restore(kept)
    pair.model = colored(Pair()).model
    pair.check_frame()
    assert pair.read(0x23) == 48


def test_reset(pair: Pair) -> None:
    colored(pair).check_frame()
    pair.machine.page[:] = bytes(256)
    pair.screen.reset()
    assert bytes(pair.machine.page[0x22:0x26]) == bytes.fromhex("02000140")
    assert pair.screen.compose()
    assert pair.screen.pixels.shape == (320, 512, 4)
    assert not pair.screen.pixels[..., :3].any()


def test_png(pair: Pair, tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    colored(pair).check_frame()
    pair.screen.save(tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes() == pair.screen.png()
    shown = np.asarray(image.open(io.BytesIO(pair.screen.png())).convert("RGBA"))
    np.testing.assert_array_equal(shown, pair.screen.pixels)


def test_a_missing_pillow_is_named(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(PictureError, match=r"pip install 'jitvm\[screen\]'"):
        pair.screen.png()


def test_a_screen_nobody_uses_is_black_and_untouched() -> None:
    machine = Machine(UXN, tier=Tier.REFERENCE)
    screen = Screen(machine)
    assert not screen.touched
    assert (screen.width, screen.height, screen.vector) == (512, 320, 0)
    machine.page[0x20:0x22] = b"\x01\x23"
    assert screen.touched
    assert screen.vector == 0x123
    assert screen.pixels.shape == (320, 512, 4)
    assert not screen.pixels[..., :3].any()

"""Videos: read back by the library that writes them."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jitvm
from jitvm.guests.uxn.assembler import assemble
from tests.varvara.conftest import DEVICES
from tests.varvara.graphical import WALKER

av: Any = pytest.importorskip("av", reason="PyAV is not installed: pip install 'jitvm[video]'")

COLORS = "|0100 #0f0f #08 DEO2 #00ff #0a DEO2 #f00f #0c DEO2 "
RESIZED = (
    COLORS
    + """#0020 #22 DEO2 #0010 #24 DEO2 #82 #2e DEO ;on #20 DEO2 BRK
@on ( in the second frame, a smaller screen )
    [ LIT &once 00 ] ?{ #01 ,&once STR BRK }
    #0010 #22 DEO2 #83 #2e DEO BRK"""
)


def recorded(path: Path, source: str, frames: int, **options: Any) -> tuple[list[Any], Any]:
    """Pictures of a video, with their times in sixtieths, and its sound."""
    computer = jitvm.load(assemble(source).rom, sandbox=None)
    with jitvm.Recording(path, computer, **options):
        computer.run_frames(frames, jitvm.parse_script("3 key 0x3c"))
    with av.open(str(path)) as video:
        pictures = [
            (round(60 * float(frame.time)), frame.to_ndarray(format="rgb24"))
            for frame in video.decode(video=0)
        ]
    with av.open(str(path)) as video:
        sound = np.concatenate([frame.to_ndarray() for frame in video.decode(audio=0)], axis=1)
    return pictures, sound


def test_pictures_and_sound(tmp_path: Path) -> None:
    pictures, sound = recorded(tmp_path / "a.mp4", DEVICES + WALKER, 20, scale=2)
    assert [time for time, _ in pictures] == list(range(20))
    assert pictures[-1][1].shape == (0x60, 0x80, 3)
    assert abs(sound.shape[1] - 20 * 735) <= 4 * 1024  # AAC comes in pieces of 1024
    assert abs(sound[:, :1000]).max() < 0.01 < abs(sound).max()


def test_colours_are_right_and_what_stays_is_left_out(tmp_path: Path) -> None:
    still = COLORS + "#0021 #22 DEO2 #0011 #24 DEO2 #83 #2e DEO BRK"
    pictures, _ = recorded(tmp_path / "a.mp4", still, 150)
    assert [time for time, _ in pictures] == [0, 60, 120, 149]
    for _, pixels in pictures:
        assert pixels.shape == (0x12, 0x22, 3)
        assert abs(pixels[:16, :32].astype(int) - (0xFF, 0xFF, 0xFF)).max() < 8


def test_a_screen_that_becomes_smaller(tmp_path: Path) -> None:
    pictures, _ = recorded(tmp_path / "a.mp4", RESIZED, 3, scale=2)
    last = pictures[-1][1].astype(int)
    assert last.shape == (0x20, 0x40, 3)
    assert last[:, :28].min() > 0xE0
    assert last[:, 36:].max() < 0x20


def test_too_large(tmp_path: Path) -> None:
    large = "|0100 #0fff #22 DEO2 #0001 #24 DEO2 #83 #2e DEO BRK"
    with pytest.raises(jitvm.RecordingError, match="65536x32 is too large"):
        recorded(tmp_path / "a.mp4", large, 1, scale=16)


def test_without_its_library_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(jitvm.RecordingError, match=r"PyAV, which is not.*'jitvm\[video\]'"):
        jitvm.Recording(tmp_path / "a.mp4", jitvm.load(assemble(RESIZED).rom))
    assert not list(tmp_path.iterdir())

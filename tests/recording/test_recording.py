"""Recordings of computers, and clips for notebooks."""

from __future__ import annotations

import base64
import io
import re
import wave
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import jitvm
from jitvm.guests.uxn.assembler import assemble
from tests.varvara.conftest import DEVICES
from tests.varvara.graphical import WALKER

ROM = assemble(DEVICES + WALKER).rom


def test_recordings_listen_one_behind_the_other(tmp_path: Path) -> None:
    computer = jitvm.load(ROM, sandbox=None)
    session = tmp_path / "s.jsonl"
    with (
        jitvm.Recorder(session, computer),
        jitvm.Recording(tmp_path / "a.webp", computer),
        jitvm.Recording(tmp_path / "a.wav", computer),
    ):
        computer.run_frames(10, jitvm.parse_script("3 key 0x3c"))
    computer.run_frames(5)
    assert jitvm.Session.load(session).length == 10
    with Image.open(tmp_path / "a.webp") as image:
        assert image.n_frames == 10  # type: ignore[attr-defined]
    with wave.open(str(tmp_path / "a.wav")) as sound:
        assert sound.getnframes() == 7350


def test_a_recording_ends_with_its_computer_as_it_was(tmp_path: Path) -> None:
    computer = jitvm.load(ROM, sandbox=None)
    with pytest.raises(KeyError), jitvm.Recording(tmp_path / "a.gif", computer):  # noqa: PT012
        computer.run_frames(3)
        raise KeyError
    assert computer.frames.observer is None
    with Image.open(tmp_path / "a.gif") as image:
        assert image.n_frames == 2  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["a.avi", "a", "gif", "a.png"])
def test_other_formats_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(jitvm.RecordingError, match=r"\.gif, \.webp, \.mp4, \.wav"):
        jitvm.Recording(tmp_path / name, jitvm.load(ROM))
    assert not list(tmp_path.iterdir())


def test_a_scale_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(jitvm.RecordingError, match="scale is a whole number from 1 to 64, not 0"):
        jitvm.Recording(tmp_path / "a.gif", jitvm.load(ROM), scale=0)
    with pytest.raises(jitvm.RecordingError, match=r"scale is .* not -2"):
        jitvm.record(ROM, 3, scale=-2)
    assert not list(tmp_path.iterdir())


def test_a_clip_plays_in_notebooks(tmp_path: Path) -> None:
    clip = jitvm.record(ROM, 6, script="2 press right", scale=2, sandbox=None)
    assert clip.ending is jitvm.Ending.FRAMES
    found = re.search(r'src="data:image/gif;base64,([^"]+)"', clip._repr_html_())
    assert found
    assert base64.b64decode(found[1]) == clip.gif
    clip.save(tmp_path / "a.gif")
    with Image.open(tmp_path / "a.gif") as image:
        assert image.size == (128, 96)
    more = jitvm.record(clip.computer, 4)
    assert more.computer is clip.computer
    assert clip.computer.frames.number == 10


def test_computers_show_themselves_in_notebooks() -> None:
    computer = jitvm.load(ROM, sandbox=None)
    assert computer._repr_png_() is None
    computer.run_frames(3)
    data = computer._repr_png_()
    assert data is not None
    assert data == computer.screen._repr_png_()
    with Image.open(io.BytesIO(data)) as image:
        assert (np.asarray(image) == computer.screen.pixels[..., :3]).all()


def test_notebooks_without_pillow_show_text(monkeypatch: pytest.MonkeyPatch) -> None:
    computer = jitvm.load(ROM, sandbox=None)
    computer.run_frames(1)
    monkeypatch.setitem(__import__("sys").modules, "PIL", None)
    assert computer._repr_png_() is None

"""Recordings of computers, and clips for notebooks."""

from __future__ import annotations

import base64
import io
import re
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import jitvm
from jitvm.guests.uxn.assembler import assemble
from tests.clock import HANGS
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


# -- files are whole -----------------------------------------------------------------------------


def old(path: Path) -> Path:
    """A file from before."""
    path.write_bytes(b"from before")
    return path


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.wav", "a.mp4"])
def test_a_recording_is_in_its_place_when_it_is_closed(tmp_path: Path, name: str) -> None:
    if name == "a.mp4":
        pytest.importorskip("av")
    path = old(tmp_path / name)
    computer = jitvm.load(ROM)
    with jitvm.Recording(path, computer):
        computer.run_frames(2)
        assert path.read_bytes() == b"from before"
    assert path.read_bytes() != b"from before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.wav", "a.mp4"])
def test_a_recording_without_a_frame_is_none(tmp_path: Path, name: str) -> None:
    if name == "a.mp4":
        pytest.importorskip("av")
    path = old(tmp_path / name)
    recording = jitvm.Recording(path, jitvm.load(ROM))
    with pytest.raises(jitvm.RecordingError, match="no frame was complete"):
        recording.close()
    recording.close()
    with pytest.raises(KeyError), jitvm.Recording(path, jitvm.load(ROM)):
        raise KeyError
    assert path.read_bytes() == b"from before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.wav", "a.mp4", "a.jsonl"])
def test_what_does_not_fit_leaves_what_was_there(tmp_path: Path, name: str) -> None:
    """A limit of the size of files is a full disk that anybody can have."""
    if name == "a.mp4":
        pytest.importorskip("av")
    path = old(tmp_path / name)
    code = f"""
import resource, sys, jitvm
computer = jitvm.load({ROM!r}, tier="reference")
kind = jitvm.Recorder if {name!r}.endswith("l") else jitvm.Recording
resource.setrlimit(resource.RLIMIT_FSIZE, (60, 60))
try:
    with kind({str(path)!r}, computer):
        computer.run_frames(3)
except (OSError, jitvm.SessionError, jitvm.RecordingError) as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-B", "-c", code],  # Python would keep parts of modules that it compiles
        capture_output=True, text=True, timeout=HANGS, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "File too large" in done.stdout
    assert str(path) in done.stdout
    assert ".part" not in done.stdout
    assert path.read_bytes() == b"from before"
    assert list(tmp_path.iterdir()) == [path]


def test_pictures_are_whole_and_devices_are_left_alone(tmp_path: Path) -> None:
    computer = jitvm.load(ROM)
    clip = jitvm.record(computer, 2)
    for save, path in ((clip.save, tmp_path / "a.gif"), (computer.screen.save, tmp_path / "a.png")):
        link = tmp_path / f"link-to-{path.name}"
        link.symlink_to(path)
        save(link)
        assert link.is_symlink()
        assert path.stat().st_size > 20
        with pytest.raises(OSError, match="No space left"):
            save("/dev/full")
        with pytest.raises(FileNotFoundError, match=str(tmp_path / "none" / "a")):
            save(tmp_path / "none" / "a")
    assert Path("/dev/full").is_char_device()

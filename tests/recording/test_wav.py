"""WAV files: what is in them, at any time, and what happens where they cannot be written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import wave
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from jitvm.platform.recording import wav
from jitvm.platform.recording.wav import WavError, WavWriter


def samples(frames: int, start: int = 0) -> np.ndarray[tuple[int, int], np.dtype[np.int16]]:
    left = np.arange(start, start + frames, dtype=np.int16)
    return np.stack([left, -left], axis=1)


def contents(path: Path) -> list[tuple[int, int]]:
    with wave.open(str(path), "rb") as file:
        assert file.getnchannels() == 2
        assert file.getsampwidth() == 2
        assert file.getframerate() == 44100
        data = file.readframes(file.getnframes())
        assert len(data) == 4 * file.getnframes()
    words = np.frombuffer(data, "<i2").reshape(-1, 2)
    return [(int(left), int(right)) for left, right in words]


def test_frames_come_back(tmp_path: Path) -> None:
    path = tmp_path / "out.wav"
    with WavWriter(path) as writer:
        writer.write(samples(100))
        writer.write(samples(0))
        writer.write(samples(635, 100))
        assert writer.frames == 735
    assert contents(path) == [(at, -at) for at in range(735)]
    data = path.read_bytes()
    assert len(data) == 44 + 4 * 735
    assert int.from_bytes(data[4:8], "little") == len(data) - 8


def test_the_file_is_valid_after_every_write(tmp_path: Path) -> None:
    path = tmp_path / "out.wav"
    with WavWriter(path) as writer:
        assert contents(path) == []
        for count in (1, 735, 5000):
            before = writer.frames
            writer.write(samples(count))
            assert len(contents(path)) == before + count


def test_a_killed_run_leaves_a_valid_file(tmp_path: Path) -> None:
    path = tmp_path / "out.wav"
    code = (
        "import os, sys, numpy, signal\n"
        "from jitvm.platform.recording.wav import WavWriter\n"
        "writer = WavWriter(sys.argv[1])\n"
        "writer.write(numpy.full((735, 2), 7, numpy.int16))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, path], check=False)
    assert done.returncode == -signal.SIGKILL
    assert contents(path) == [(7, 7)] * 735


def test_an_exception_inside_closes_the_file(tmp_path: Path) -> None:
    path = tmp_path / "out.wav"
    with suppress(KeyboardInterrupt), WavWriter(path) as writer:
        writer.write(samples(3))
        raise KeyboardInterrupt
    assert len(contents(path)) == 3
    writer.close()
    with pytest.raises(WavError, match="closed"):
        writer.write(samples(1))


def test_what_was_there_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "out.wav"
    path.write_bytes(b"x" * 100_000)
    with WavWriter(path) as writer:
        writer.write(samples(2))
    assert path.stat().st_size == 52


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((3, 2), np.int32),
        np.zeros((3, 1), np.int16),
        np.zeros(6, np.int16),
        np.zeros((3, 2), np.float64),
    ],
    ids=["wide", "mono", "flat", "float"],
)
def test_other_samples_are_refused(
    tmp_path: Path, array: np.ndarray[tuple[int, ...], np.dtype[np.int16]]
) -> None:
    with WavWriter(tmp_path / "out.wav") as writer:
        with pytest.raises(ValueError, match=r"int16 in shape \(frames, 2\)"):
            writer.write(array)
        assert writer.frames == 0


@pytest.mark.parametrize(
    ("name", "why"), [("none/out.wav", "No such file"), (".", "Is a directory")]
)
def test_places_that_cannot_be_written_are_told(tmp_path: Path, name: str, why: str) -> None:
    with pytest.raises(WavError) as caught:
        WavWriter(tmp_path / name)
    assert why in str(caught.value)
    assert str(tmp_path / name) in str(caught.value)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_told() -> None:
    with pytest.raises(WavError, match="/dev/full: cannot be written: No space left"):
        WavWriter("/dev/full")


def test_a_pipe_is_told() -> None:
    reading, writing = os.pipe()
    try:
        with pytest.raises(WavError, match="pipe"):
            WavWriter(f"/dev/fd/{writing}")
    finally:
        os.close(reading)
        os.close(writing)


def test_the_limit_of_the_format_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert 44 + 4 * wav.LIMIT == 1 << 32
    monkeypatch.setattr(wav, "LIMIT", 1000)
    path = tmp_path / "out.wav"
    with WavWriter(path) as writer:
        writer.write(samples(1000))
        with pytest.raises(WavError, match="4 GiB"):
            writer.write(samples(1))
    assert len(contents(path)) == 1000

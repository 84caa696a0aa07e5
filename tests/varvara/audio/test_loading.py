"""What is imported and compiled when, where compiled code is kept, and what goes without it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jitvm.guests.uxn.varvara import audio
from jitvm.guests.uxn.varvara.audio import AudioError
from jitvm.guests.uxn.varvara.audio.compiled import load
from tests.clock import HANGS
from tests.varvara.audio.conftest import Synth

SILENT = """
import sys
from tests.varvara.audio.conftest import Synth

synth = Synth()
synth.play(60, vector=0x100)
synth.read(4), synth.position(), synth.audio.ended(), synth.audio.active
print("numpy" in sys.modules, "numba" in sys.modules)
synth.audio.reset()
synth.audio.render(735)
print("numba" in sys.modules)
"""


def test_nothing_heavy_is_imported_before_a_note_is_heard() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SILENT], capture_output=True, text=True, check=True, timeout=HANGS
    )
    assert done.stdout.split() == ["False", "False", "False"]


def test_without_numba_it_says_so(synth: Synth, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)
    assert synth.audio.render(10).shape == (10, 2)
    synth.play(60)
    for _ in range(2):
        with pytest.raises(AudioError, match="pip install numba"):
            synth.audio.render(10)
    assert synth.read(4) == 0xFF


def test_a_negative_time_is_refused(synth: Synth) -> None:
    with pytest.raises(ValueError, match="-1 frames"):
        synth.audio.render(-1)


# -- where numba keeps its files -----------------------------------------------------------------


def count_up(cells: Any) -> None:
    """A kernel."""
    for at in range(len(cells)):
        cells[at] += at


def counted(kernel: Any) -> list[int]:
    cells = np.ones(3, np.int64)
    kernel(cells)
    return [int(cell) for cell in cells]


def loaded() -> Any:
    return load(count_up, np.zeros(0, np.int64))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("JITVM_CACHE", str(folder))
    return folder


def files(folder: Path) -> set[str]:
    return {path.suffix for path in folder.rglob("*") if path.is_file()}


def test_compiled_code_is_kept_in_the_cache_folder_alone(cache: Path) -> None:
    before = set(Path(__file__).parent.rglob("*.nbi"))
    first = loaded()
    assert counted(first) == [1, 2, 3]
    assert files(cache) == {".nbi", ".nbc"}
    assert set(Path(__file__).parent.rglob("*.nbi")) == before
    assert not list(Path(audio.__file__).parent.rglob("*.nbi"))
    second = loaded()
    assert sum(first.stats.cache_misses.values()) == 1
    assert sum(second.stats.cache_hits.values()) == 1
    assert counted(second) == [1, 2, 3]


@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
@pytest.mark.parametrize("damage", [b"", b"garbage", None], ids=["empty", "garbage", "cut"])
def test_damaged_files_are_replaced(cache: Path, suffix: str, damage: bytes | None) -> None:
    loaded()
    (path,) = cache.rglob("*" + suffix)
    path.write_bytes(path.read_bytes()[:40] if damage is None else damage)
    assert counted(loaded()) == [1, 2, 3]
    loaded()
    assert sum(loaded().stats.cache_hits.values()) == 1


def test_without_a_folder_nothing_is_kept(cache: Path) -> None:
    cache.write_text("in the way")
    assert counted(loaded()) == [1, 2, 3]
    assert cache.read_text() == "in the way"


def test_a_folder_that_others_can_write_is_not_used(cache: Path) -> None:
    (cache / "numba").mkdir(parents=True)
    (cache / "numba").chmod(0o777)
    assert counted(loaded()) == [1, 2, 3]
    assert files(cache) == set()

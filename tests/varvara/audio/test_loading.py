"""What is imported when, and what goes without it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from jitvm.platform.sound import AudioError
from tests.clock import HANGS
from tests.varvara.audio.conftest import Synth

SILENT = """
import sys
from tests.varvara.audio.conftest import Synth

synth = Synth()
synth.play(60, vector=0x100)
synth.read(4), synth.position(), synth.audio.ended(), synth.audio.active
print("numpy" in sys.modules, "llvmlite" in sys.modules)
synth.audio.reset()
synth.audio.render(735)
print("llvmlite" in sys.modules)
"""


def test_nothing_heavy_is_imported_before_a_note_is_heard() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SILENT], capture_output=True, text=True, check=True, timeout=HANGS
    )
    assert done.stdout.split() == ["False", "False", "False"]


def test_what_is_missing_is_named(synth: Synth, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numpy", None)
    synth.play(60)
    for _ in range(2):
        with pytest.raises(AudioError, match=r"needs NumPy.*pip install numpy"):
            synth.audio.render(10)
    assert synth.read(4) == 0xFF


def test_a_negative_time_is_refused(synth: Synth) -> None:
    with pytest.raises(ValueError, match="-1 frames"):
        synth.audio.render(-1)

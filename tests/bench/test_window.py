"""``python -m bench.window``: the shape of its figures, and what it says without a display."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("sdl2", reason="PySDL2 is not installed: pip install 'jitvm[window]'")

ROOT = Path(__file__).parents[2]


def bench(*arguments: str, driver: str) -> subprocess.CompletedProcess[str]:
    """Run it on one of SDL's displays, in a process that knows of no other."""
    environment = {**os.environ, "SDL_VIDEODRIVER": driver, "SDL_AUDIODRIVER": "dummy"}
    environment |= {"DISPLAY": ":97531", "WAYLAND_DISPLAY": ""}
    return subprocess.run(
        [sys.executable, "-m", "bench.window", *arguments],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_figure_is_printed_and_written(tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    done = bench("sound", "--seconds", "1", "--json", str(path), driver="dummy")
    assert done.returncode == 0, done.stderr
    figures = json.loads(path.read_text())["sound"]
    assert done.stdout.startswith(f"sound    {figures['underruns']} underruns in ")
    assert figures["played"] > 0


def test_it_takes_a_display() -> None:
    done = bench("all", driver="x11")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "there is no display" in done.stderr
    assert "xvfb-run" in done.stderr


def test_figures_that_there_are_not() -> None:
    assert "invalid choice: 'nothing'" in bench("nothing", driver="dummy").stderr
    assert "0 is not a whole number" in bench("idle", "--seconds", "0", driver="dummy").stderr

"""`jitvm compile`: later runs begin with what it has made."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jitvm.cli.exits import Exit
from tests.clock import HANGS

ROOT = Path(__file__).parents[2]
LOOPS = """|0100 ;on-byte #10 DEO2 #0000 @loop INC2 DUP2 #4000 LTH2 ?loop POP2 BRK
@on-byte #0000 &l INC2 DUP2 #12 DEI #00 SWP GTH2 ?&end !&l &end POP2 #12 DEI #18 DEO BRK"""
NO_LOOP = "|0100 #41 #18 DEO BRK"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """One with a code cache of its own."""
    (tmp_path / "loops.tal").write_text(LOOPS)
    (tmp_path / "none.tal").write_text(NO_LOOP)
    (tmp_path / "input.txt").write_text("abc" * 100)
    return {**os.environ, "PYTHONPATH": str(ROOT), "JITVM_CACHE": str(tmp_path / "cache")}


def jitvm(
    environment: dict[str, str], folder: Path, *words: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "jitvm", *words], env=environment, cwd=folder, timeout=HANGS,
        input="abc" * 100, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_later_runs_begin_with_it(tmp_path: Path, environment: dict[str, str]) -> None:
    made = jitvm(environment, tmp_path, "compile", "loops.tal", "--input", "input.txt")
    assert made.returncode == Exit.OK, made.stderr
    assert "regions" in made.stdout
    assert "abc" not in made.stdout
    run = jitvm(environment, tmp_path, "run", "--jit-log", "-", "loops.tal")
    assert (run.returncode, run.stdout) == (0, "abc" * 100 + "\0"), run.stderr
    assert "kept from an earlier run" in run.stderr


def test_what_is_not_hot_cannot_be_compiled(tmp_path: Path, environment: dict[str, str]) -> None:
    done = jitvm(environment, tmp_path, "compile", "none.tal")
    assert done.returncode == Exit.FAILURE
    assert "nothing in it became hot" in done.stderr


def test_input_has_to_be_there(tmp_path: Path, environment: dict[str, str]) -> None:
    done = jitvm(environment, tmp_path, "compile", "loops.tal", "--input", "nowhere")
    assert done.returncode != Exit.OK
    assert "--input nowhere: cannot be read" in done.stderr

"""The plug-in for pytest, in processes of its own: guest programs as tests, their coverage."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jitvm.coverage.guestfiles import ExpectationError, expected
from jitvm.coverage.results import load

ROOT = Path(__file__).parents[2]
PASSES = """|0100 #41 #18 DEO #17 DEI ?&more #800f DEO BRK &more #42 #18 DEO #800f DEO BRK"""
PAINTS = """( test: frames 2 ) ( test: exit none ) ( test: screen 00000000 )
|0100 ;on-frame #20 DEO2 BRK @on-frame BRK
"""


def run_pytest(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run pytest in a folder, with this plug-in alone and no settings but those of the test."""
    (folder / "pytest.ini").write_text("[pytest]\n")
    others = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "jitvm.coverage.plugin", "-p", "no:cacheprovider",
         *options],
        cwd=folder,
        env={**others, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )  # fmt: skip


def ran(folder: Path, *options: str, code: int = 0) -> str:
    """What pytest prints of the tests in a folder."""
    done = run_pytest(folder, "-q", *options)
    assert (done.returncode, done.stderr) == (code, ""), done.stdout + done.stderr
    return done.stdout


def test_programs_are_tests(tmp_path: Path) -> None:
    (tmp_path / "test_good.tal").write_text(PASSES)
    (tmp_path / "test_good.out").write_text("A")
    (tmp_path / "test_more.tal").write_text("( test: args x ) " + PASSES)
    (tmp_path / "test_more.out").write_text("AX")
    (tmp_path / "test_code.tal").write_text("|0100 #830f DEO BRK")
    (tmp_path / "test_wrong.tal").write_text("|0100 unknown BRK")
    (tmp_path / "test_paints.tal").write_text(PAINTS)
    (tmp_path / "other.tal").write_text("|0100 #830f DEO BRK")
    text = ran(tmp_path, code=1)
    assert "4 failed, 1 passed" in text
    assert "exit code 3, not 0" in text
    assert "-AX" in text
    assert "+AB" in text
    assert "unknown" in text
    assert "the screen's hash is " in text
    assert "Traceback" not in text


def test_tiers_and_coverage_of_several_processes(tmp_path: Path) -> None:
    (tmp_path / "lib.tal").write_text("@lib #17 DEI ?&more #800f DEO BRK &more #800f DEO BRK\n")
    for name, args in (("one", ""), ("two", "( test: args x ) ")):
        (tmp_path / f"test_{name}.tal").write_text(f"{args}|0100 !lib ~lib.tal\n")
    text = ran(tmp_path, "--jitvm-tier", "all", "--jitvm-coverage", "-n", "2", "-p", "xdist")
    assert "8 passed" in text
    assert "lib.tal" in text
    files = load(tmp_path / ".jitvm-coverage").files
    assert files[os.path.realpath(tmp_path / "lib.tal")].ways(1) == [(True, True, True)]
    assert len(files) == 3


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "test_x.tal").write_text(PASSES)
    done = run_pytest(tmp_path, "--jitvm-coverage", "none/x.cov")
    assert done.returncode == 4
    assert "none/x.cov: cannot be written" in done.stderr


@pytest.mark.parametrize(
    "comment",
    ["exit 300", "exit x", "frames -1", "screen 12", "screen xyzxyzxyz", "args 'a", "color red"],
)
def test_comments_that_make_no_sense(comment: str, tmp_path: Path) -> None:
    path = tmp_path / "test_x.tal"
    path.write_text(f"( test: {comment} )")
    with pytest.raises(ExpectationError, match=r"test_x\.tal"):
        expected(path)


def test_what_is_expected(tmp_path: Path) -> None:
    path = tmp_path / "test_x.tal"
    path.write_text('( test: args a "b c" )\n( test: exit none )\n( a test: of nothing )')
    path.with_suffix(".in").write_bytes(b"in")
    path.with_suffix(".err").write_bytes(b"")
    found = expected(path)
    assert (found.args, found.exit_code) == (("a", "b c"), None)
    assert (found.stdin, found.stdout, found.stderr) == (b"in", None, b"")

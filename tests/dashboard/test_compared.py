"""Two runs beside each other: files of both kinds, what is told, and files that are none."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from jitvm.cli import main
from jitvm.dashboard.compared import Comparison, load
from jitvm.dashboard.runner import Activity
from jitvm.dashboard.saved import SavedError, SavedRun, Saver
from jitvm.dashboard.source import CommandError
from jitvm.profiling.rows import StackRow
from tests.clock import until
from tests.dashboard.runs import CALLS, session


def profile(path: Path, routine: str) -> Path:
    """A saved profile with a routine that does most."""
    rows = [StackRow(("main",), 0.1, 0.1), StackRow(("main", routine), 0.9, 0.9)]
    about = {"title": path.stem, "stack_samples": 1000, "stacks": list(map(asdict, rows))}
    path.write_text(json.dumps(about))
    return path


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved run with call stacks."""
    path = tmp_path_factory.mktemp("runs") / "run.jsonl"
    saver = Saver(path)
    with session(CALLS, hot=50) as run:
        saver.begin(run)
        run.sampler.after_beat = saver.after_beat
        until(lambda: run.sampler.run and run.sampler.run.calls.samples > 5)
        until(lambda: run.sampler.run and run.sampler.run.regions.rows)
        run.command({"do": "pause"})
        until(lambda: run.runner.activity is Activity.PAUSED)
    saver.close(run)
    return path


def test_a_saved_run_has_its_call_stacks(saved: Path) -> None:
    run = SavedRun(saved)
    assert run.samples > 5
    assert {"main", "outer", "inner"} <= {name for row in run.stacks() for name in row.frames}
    news = run.viewer().news()
    assert news is not None
    assert "stacks" not in news
    assert news["calls"]["samples"] == run.samples
    assert "outer" in news["calls"]["trace"]["labels"]


def test_runs_and_profiles_are_compared(saved: Path, tmp_path: Path) -> None:
    other = profile(tmp_path / "other.json", "draw")
    source = Comparison(saved, other)
    hello = source.hello()
    assert hello["name"] == "test.tal and other"
    viewer = source.viewer()
    news = json.loads(json.dumps(viewer.news()))["comparison"]
    assert viewer.news() is None
    assert viewer.frames() == []
    rows = {row[0]: row for row in news["routines"]}
    assert rows["draw"][1:3] == [0.0, 0.9]
    assert rows["draw"][-1] is True
    assert "inner" in news["before"]["trace"]["labels"]
    assert any("points" in each for each in news["after"]["trace"]["customdata"])
    with pytest.raises(CommandError):
        source.command({"do": "start"})


def test_files_that_cannot_be_compared(
    saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.json"
    for content, why in (
        (b"", "is not JSON"),
        (b"{}", "has no call stacks"),
        (b'{"kind":"run"}', "another version"),
        (saved.read_bytes().splitlines()[0], "without call stacks"),
    ):
        bad.write_bytes(content)
        with pytest.raises(SavedError, match=why):
            load(bad)
    with pytest.raises(SavedError, match="cannot be read"):
        load(tmp_path / "none")
    assert main(["dashboard", "--diff", str(saved), str(bad)]) != 0
    assert "without call stacks" in capsys.readouterr().err
    assert main(["dashboard", "--diff", str(saved), str(saved), "x.tal"]) != 0
    assert "only one of these" in capsys.readouterr().err


def test_a_damaged_call_stack_is_found(saved: Path, tmp_path: Path) -> None:
    text = saved.read_text()
    bad = tmp_path / "bad.jsonl"
    bad.write_text(text.replace('["main"', "[7", 1))
    with pytest.raises(SavedError, match="is damaged"):
        SavedRun(bad)

"""Runs in files: what is written can be opened, and files that are none say so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jitvm.cli import main
from jitvm.cli.exits import Exit
from jitvm.dashboard.runner import Activity
from jitvm.dashboard.saved import SavedError, SavedRun, Saver
from jitvm.dashboard.source import CommandError
from tests.clock import until
from tests.dashboard.runs import SHORT, session


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A run of a program that ended, in a file."""
    path = tmp_path / "run.jsonl"
    saver = Saver(path)
    with session(SHORT, stdin=b"", counting=True) as run:
        saver.begin(run)
        run.sampler.after_beat = saver.after_beat
        until(lambda: run.runner.activity is Activity.ENDED)
    saver.close(run)
    return path


def test_a_saved_run_shows_what_the_live_one_did(saved: Path) -> None:
    rows = [json.loads(line) for line in saved.read_text().splitlines()]
    assert rows[0]["kind"] == "run"
    assert rows[-1]["kind"] == "page"
    run = SavedRun(saved)
    hello = run.hello()
    assert not hello["live"]
    assert hello["name"] == "test.tal"
    viewer = run.viewer()
    news = viewer.news()
    assert news is not None
    assert news["activity"] == "saved"
    assert news["totals"]["native"] > 0
    assert news["series"]["rows"]
    number = news["regions"]["added"][0]["number"]
    region = run.region(number)
    assert region is not None
    assert region["llvm"]
    events = viewer.news()
    assert events is not None
    assert any("installed" in row["line"] for row in events["events"]["rows"])
    assert viewer.news() is None
    assert viewer.frames()
    assert viewer.frames() == []
    with pytest.raises(CommandError, match="saved"):
        run.command({"do": "start"})


def test_a_file_without_an_end_shows_its_events(saved: Path) -> None:
    text = saved.read_text()
    saved.write_text(text[: text.index('{"kind":"region"')] + '{"kind":"hot","sec')
    viewer = SavedRun(saved).viewer()
    assert viewer.news() is not None
    events = viewer.news()
    assert events is not None
    assert events["events"]["rows"]


def test_a_file_of_another_version_says_so(saved: Path) -> None:
    head, rest = saved.read_text().split("\n", 1)
    saved.write_text(json.dumps({**json.loads(head), "version": 1}) + "\n" + rest)
    with pytest.raises(SavedError, match=r"run\.jsonl: was saved by another version"):
        SavedRun(saved)


@pytest.mark.parametrize("text", ["", "hello\n", "[1]\n", '{"kind": 3}\n', '{"kind":"hot"}\n'])
def test_files_that_are_no_runs_say_so(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(text)
    with pytest.raises(SavedError, match="is no saved run"):
        SavedRun(path)


def test_the_command_says_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = tmp_path / "short.tal"
    program.write_text(SHORT)
    name = str(program)
    for arguments, why in (
        ([], "name a PROGRAM"),
        (["--open", "a.jsonl", name], "not both"),
        (["--open", str(tmp_path / "none.jsonl")], "cannot be read"),
        (["-O", "warp=9", name], "no parameter"),
        (["--input", str(tmp_path / "none"), name], "cannot be read"),
        (["--sandbox", str(tmp_path / "none"), name], "is not a folder"),
    ):
        assert main(["dashboard", *arguments]) == Exit.USAGE
        assert why in capsys.readouterr().err
    assert main(["dashboard", "--save", str(tmp_path / "no" / "a.jsonl"), name]) == Exit.FAILURE
    assert "a.jsonl: cannot be written" in capsys.readouterr().err


def test_the_command_serves_and_saves_for_a_while(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("uvicorn")
    program = tmp_path / "short.tal"
    program.write_text(SHORT)
    kept = tmp_path / "kept.jsonl"
    arguments = ["--no-files", "--time-limit", "0.7", "--save", str(kept), str(program)]
    assert main(["dashboard", *arguments]) == Exit.OK
    assert "http://127.0.0.1:" in capsys.readouterr().out
    assert SavedRun(kept).events
    assert main(["dashboard", "--time-limit", "0.1", "--open", str(kept)]) == Exit.OK

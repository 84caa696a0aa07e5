"""Runs in files: what is written can be opened, and files that are none say so."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jitvm.cli import dashboard, main
from jitvm.cli.exits import Exit
from jitvm.dashboard.runner import Activity
from jitvm.dashboard.saved import SavedError, SavedRun, Saver
from jitvm.dashboard.session import Session
from jitvm.dashboard.source import CommandError
from tests.clock import until
from tests.dashboard.runs import SHORT, session


@pytest.fixture
def saved(tmp_path: Path, run_of_short: bytes) -> Path:
    """A run of a program that ended, in a file."""
    path = tmp_path / "run.jsonl"
    path.write_bytes(run_of_short)
    return path


@pytest.fixture(scope="module")
def run_of_short(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("runs") / "run.jsonl"
    saver = Saver(path)
    with session(SHORT, stdin=b"", counting=True, waits=True) as run:
        saver.begin(run)
        run.sampler.after_beat = saver.after_beat
        until(lambda: run.runner.activity is Activity.ENDED)
    saver.close(run)
    return path.read_bytes()


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


@pytest.mark.parametrize(
    "content",
    [
        b"", b"hello\n", b"[1]\n", b'{"kind": 3}\n', b'{"kind":"hot"}\n', b"\0" * 9000,
        b"\xff\xfe{\0", b"\x1f\x8b\x08", b"[" * 100_000, b"\x80\n",
        b'{"kind":"run","version":' + b"9" * 5000 + b"}\n",
    ],
)  # fmt: skip
def test_files_that_are_no_runs_say_so(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(content)
    with pytest.raises(SavedError, match="is no saved run"):
        SavedRun(path)


def test_a_byte_order_mark_does_no_harm(saved: Path) -> None:
    saved.write_bytes(b"\xef\xbb\xbf" + saved.read_bytes())
    assert SavedRun(saved).events


@pytest.mark.parametrize(
    "wrong",
    [
        "{", "nonsense", "3", '{"kind":"hot","seconds":NaN,"address":1}',
        '{"kind":"hot","seconds":0.5,"line":"x","address":' + "9" * 400 + "}",
    ],
    ids=["cut", "text", "number", "nan", "more-than-a-float"],
)  # fmt: skip
def test_a_line_in_the_middle_that_is_damaged_is_named(saved: Path, wrong: str) -> None:
    head, rest = saved.read_text().split("\n", 1)
    saved.write_text(f"{head}\n{wrong}\n{rest}")
    with pytest.raises(SavedError, match=r"run\.jsonl: line 2 is damaged"):
        SavedRun(saved)


STRANGE: list[Any] = [
    None, -1, 0.5, 1e308, float("nan"), float("inf"), 10**30, 10**400, True, "", "x", "\ud800", [],
    {}, [[]], [None], {"a": 1}, ["x"] * 3,
]  # fmt: skip


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where in a row something else can be put."""
    inner = value.items() if isinstance(value, dict) else enumerate(value[:2])
    return [
        place
        for key, each in inner
        for place in (
            (*path, key),
            *(_places(each, (*path, key)) if isinstance(each, (dict, list)) else ()),
        )
    ]


def test_whatever_stands_in_a_file_it_is_shown_or_refused(saved: Path) -> None:
    rows = [json.loads(line) for line in saved.read_text().splitlines()]
    kinds = {row["kind"]: at for at, row in enumerate(rows)}
    places = [(at, place) for at in kinds.values() for place in _places(rows[at])]

    @settings(max_examples=150)
    @given(st.sampled_from(places), st.sampled_from(STRANGE))
    def check(place: tuple[int, tuple[Any, ...]], strange: object) -> None:
        at, (*path, last) = place
        changed = json.loads(json.dumps(rows[at]))
        holder = changed
        for key in path:
            holder = holder[key]
        holder[last] = strange
        lines = [*rows[:at], changed, *rows[at + 1 :]]
        saved.write_text("".join(json.dumps(row) + "\n" for row in lines))
        try:
            run = SavedRun(saved)
        except SavedError:
            return
        viewer = run.viewer()
        told = [run.hello(), viewer.news(), viewer.news(), *map(run.region, run._regions)]
        json.dumps(told, allow_nan=False)  # a browser reads no NaN
        viewer.frames()
        run.metrics()

    check()


NO_BYTECODE = {"PYTHONDONTWRITEBYTECODE": "1"}
"""Python would keep modules that it compiles as far as the limit goes, and nobody could import them
any more."""


def test_a_full_disk_leaves_the_old_file_and_is_told(tmp_path: Path) -> None:
    program = tmp_path / "short.tal"
    program.write_text(SHORT)
    kept = tmp_path / "kept.jsonl"
    kept.write_text("the old one")
    command = [sys.executable, "-m", "jitvm", "dashboard", "--no-files", "--time-limit", "0.5"]
    done = subprocess.run(
        [*command, "--save", os.fspath(kept), os.fspath(program)],
        capture_output=True, text=True, check=False,
        env={**os.environ, "JITVM_CACHE": os.fspath(tmp_path / "cache"), **NO_BYTECODE},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)),
    )  # fmt: skip
    assert done.returncode == Exit.FAILURE
    assert "kept.jsonl: cannot be written: File too large" in done.stderr
    # The limit holds for files in memory, too, which is told in a line of its own.
    assert [line[:12] for line in done.stderr.splitlines()] == ["jitvm: note:", "jitvm: error"]
    assert kept.read_text() == "the old one"
    assert [each.name for each in tmp_path.iterdir() if "part" in each.name] == []


def test_a_device_that_is_full_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = tmp_path / "short.tal"
    program.write_text(SHORT)
    arguments = ["--no-files", "--time-limit", "0.2", "--save", "/dev/full", str(program)]
    assert main(["dashboard", *arguments]) == Exit.FAILURE
    assert "/dev/full: cannot be written: No space left" in capsys.readouterr().err


def test_the_command_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = tmp_path / "short.tal"
    program.write_text(SHORT)
    name = str(program)
    for arguments, why in (
        ([], "name a PROGRAM"),
        (["--open", "a.jsonl", name], "only one of these"),
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
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("uvicorn")
    serve = dashboard._serve

    def late(arguments: Namespace, source: Session | SavedRun) -> int:
        if isinstance(source, Session):
            until(lambda: source.runner.activity is Activity.ENDED)
        return serve(arguments, source)

    monkeypatch.setattr(dashboard, "_serve", late)
    program = tmp_path / "short.tal"
    program.write_text(SHORT)
    kept = tmp_path / "kept.jsonl"
    arguments = ["--no-files", "--time-limit", "0.1", "-O", "background=0", "--save", str(kept)]
    assert main(["dashboard", *arguments, str(program)]) == Exit.OK
    assert "http://127.0.0.1:" in capsys.readouterr().out
    assert SavedRun(kept).events
    assert main(["dashboard", "--time-limit", "0.1", "--open", str(kept)]) == Exit.OK

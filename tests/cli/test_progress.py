"""The line that tells how far a long run is."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pytest

from jitvm.cli import progress
from jitvm.cli.progress import Progress


class Watched(io.StringIO):
    """Standard error on a terminal, and a clock that is set by hand."""

    now = 100.0

    def isatty(self) -> bool:
        return True


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Watched:
    stream = Watched()
    monkeypatch.setattr(progress, "sys", SimpleNamespace(stderr=stream))
    monkeypatch.setattr(progress, "monotonic", lambda: stream.now)
    return stream


def test_short_runs_show_nothing(watched: Watched) -> None:
    with Progress(600) as shown:
        watched.now += 0.9
        shown.show(599)
    assert watched.getvalue() == ""


def test_long_runs_tell_how_far_they_are_and_clean_up(watched: Watched) -> None:
    with Progress(6000) as shown:
        watched.now += 2
        shown.show(1000)
        shown.show(1001)
        watched.now += 0.5
        shown.show(1250)
    assert watched.getvalue().split("\r\x1b[K") == [
        "", "frame 1,000 of 6,000, 500 a second, 0:10 left",
        "frame 1,250 of 6,000, 500 a second, 0:09 left", "",
    ]  # fmt: skip


def test_runs_without_an_end_tell_no_time(watched: Watched) -> None:
    with Progress(None) as shown:
        watched.now += 2
        shown.show(120)
    assert "frame 120, 60 a second\r" in watched.getvalue()


def test_files_get_no_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(progress, "sys", SimpleNamespace(stderr=stream))
    with Progress(10) as shown:
        monkeypatch.setattr(progress, "monotonic", lambda: 1e9)
        shown.show(5)
    assert stream.getvalue() == ""

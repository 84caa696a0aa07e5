"""A few kills, one by each signal, of kinds of files that are written in different ways."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kills.killer import SIGNALS, Forker, Killer
from tests.kills.kinds import KINDS

QUICK = ("cache", "session", "report", "saved")
"""The command `python -m tests.kills` tries all of them, and more often."""


@pytest.fixture(scope="module")
def forker() -> Iterator[Forker]:
    with Forker() as made:
        yield made


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.mark.parametrize("kind", QUICK)
def test_kills_leave_nothing(kind: str, forker: Forker, cache: Path, tmp_path: Path) -> None:
    tally = Killer(forker, KINDS[kind], tmp_path, seed=1, cache=cache).kill(len(SIGNALS))
    assert tally.faults == []
    assert tally.kills == len(SIGNALS)


def test_what_is_not_whole_or_left_behind_is_a_fault(
    forker: Forker, cache: Path, tmp_path: Path
) -> None:
    killer = Killer(forker, KINDS["session"], tmp_path, seed=1, cache=cache)
    (tmp_path / "files" / "b.jsonl").touch()
    tally = killer.kill(0)
    assert len(tally.faults) == 2
    assert all("left behind: b.jsonl" in fault for fault in tally.faults)

"""`jitvm cache`: what it lists, and that clearing empties the folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jitvm.cli import main
from jitvm.engine.memory.cache import CachedCode, CodeCache
from jitvm.engine.memory.cachefolder import TAG


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("JITVM_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_an_empty_cache(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["cache"]) == 0
    assert capfd.readouterr().out == f"{folder}: 0 files, 0 bytes\n"


def test_files_are_listed_and_cleared(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    cache = CodeCache()
    for name in ("one", "two"):
        cache.store("toy", name, CachedCode(b"code", {"enter": 0}))
    assert main(["cache", "--json"]) == 0
    facts = json.loads(capfd.readouterr().out)
    assert facts["folder"] == str(folder)
    size = sum(path.stat().st_size for path in folder.glob("*.code"))
    assert sum(file["bytes"] for file in facts["files"]) == size
    assert main(["cache"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[-1] == f"{folder}: 2 files, {size} bytes"
    assert main(["cache", "--clear"]) == 0
    assert "2 files deleted" in capfd.readouterr().out
    assert [path.name for path in folder.iterdir()] == [TAG]  # which goes on keeping guests out


def test_a_folder_with_other_things_is_told_of(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder.mkdir()
    (folder / "letters.txt").touch()
    assert main(["cache"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[0] == f"{folder}: 0 files, 0 bytes"
    assert lines[1].startswith("nothing is kept there, as it holds other files; ")


def test_what_killed_runs_left_is_listed_and_cleared(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder.mkdir()
    for name in (".jitvm-0123456789abcdef.part", "toy-00000000.code.1.part"):
        (folder / name).write_bytes(b"half")
    assert main(["cache"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[:2]] == ["unfinished"] * 2
    assert lines[-1] == f"{folder}: 2 files, 8 bytes"
    assert main(["cache", "--clear"]) == 0
    assert capfd.readouterr().out == f"{folder}: 2 files deleted, 8 bytes\n"
    assert not list(folder.iterdir())


def test_the_next_run_that_keeps_something_removes_what_a_killed_one_left(folder: Path) -> None:
    folder.mkdir()
    for name in (".jitvm-0123456789abcdef.part", "toy-00000000.code.1.part"):
        (folder / name).write_bytes(b"half")
    assert CodeCache().load("toy", "one") is None
    CodeCache().store("toy", "one", CachedCode(b"code", {"f": 1}))
    assert not list(folder.glob("*.part"))
    assert CodeCache().load("toy", "one") is not None

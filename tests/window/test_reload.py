"""Which files a program is made of, and whether they changed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jitvm.guests.uxn.sourcefiles import source_files
from jitvm.window import reload
from jitvm.window.reload import ProgramFiles


@pytest.fixture(autouse=True)
def no_interval(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(reload, "INTERVAL", 0)
    monkeypatch.chdir(tmp_path)


def write(path: Path, text: str) -> None:
    """Write a file so that it surely looks different."""
    path.parent.mkdir(exist_ok=True)
    before = path.stat().st_mtime_ns if path.exists() else 0
    path.write_text(text)
    os.utime(path, ns=(0, before + 10**9))


def test_includes_of_includes_and_missing_ones(tmp_path: Path) -> None:
    write(tmp_path / "main.tal", "|0100 ~sub/a.tal ( ~gone.tal ) BRK")
    write(tmp_path / "sub" / "a.tal", "~b.tal ~main.tal")
    write(tmp_path / "sub" / "b.tal", "~../sub/a.tal")
    found = {path.resolve() for path in source_files(Path("main.tal"))}
    names = {path.relative_to(tmp_path.resolve()).as_posix() for path in found}
    assert {"main.tal", "sub/a.tal", "sub/b.tal", "gone.tal"} <= names


def test_a_change_counts_once_and_when_it_has_settled(tmp_path: Path) -> None:
    write(tmp_path / "main.tal", "~a.tal")
    write(tmp_path / "a.tal", "BRK")
    files = ProgramFiles("main.tal", source_files)
    assert [files.changed() for _ in range(3)] == [False] * 3
    write(tmp_path / "a.tal", "BRK BRK")
    assert [files.changed() for _ in range(4)] == [False, True, False, False]
    write(tmp_path / "a.tal", "INC")
    assert not files.changed()
    write(tmp_path / "a.tal", "INC2")  # still being written
    assert [files.changed() for _ in range(3)] == [False, True, False]


def test_a_file_that_is_gone_for_a_moment(tmp_path: Path) -> None:
    rom = tmp_path / "x.rom"
    write(rom, "1")
    files = ProgramFiles(str(rom), source_files)
    rom.unlink()
    assert [files.changed() for _ in range(3)] == [False] * 3
    rom.write_text("22")
    assert [files.changed() for _ in range(3)] == [False, True, False]


def test_a_missing_include_that_comes_and_brings_its_own(tmp_path: Path) -> None:
    write(tmp_path / "main.tal", "~a.tal")
    files = ProgramFiles("main.tal", source_files)
    write(tmp_path / "a.tal", "~b.tal")
    assert [files.changed() for _ in range(2)] == [False, True]
    write(tmp_path / "b.tal", "BRK")
    assert [files.changed() for _ in range(2)] == [False, True]

"""Files while they are written: nothing half done, nothing left, nothing of others removed."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from jitvm.engine.host import part as part_module
from jitvm.engine.host.part import Part, sweep, write_whole
from jitvm.engine.host.signals import Ending, Signalled


def hidden(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


def test_it_is_in_its_place_when_it_is_complete_and_not_before(tmp_path: Path) -> None:
    target = tmp_path / "a"
    part = Part(str(target))
    part.write(b"12")
    assert not target.exists()
    part.commit()
    part.discard()
    assert target.read_bytes() == b"12"
    assert not hidden(tmp_path)


def test_what_was_there_stays_until_then(tmp_path: Path) -> None:
    target = tmp_path / "a"
    target.write_bytes(b"old")
    part = Part(str(target))
    part.write(b"new")
    part.discard()
    assert target.read_bytes() == b"old"
    assert not hidden(tmp_path)


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o444, 0o755])
def test_it_takes_over_permissions(tmp_path: Path, mode: int) -> None:
    target = tmp_path / "a"
    target.write_bytes(b"old")
    target.chmod(mode)
    write_whole(str(target), b"new")
    assert stat.S_IMODE(target.stat().st_mode) == mode
    assert target.read_bytes() == b"new"


def test_a_mode_of_its_own_is_not_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "a"
    target.write_bytes(b"old")
    target.chmod(0o666)
    write_whole(str(target), b"new", 0o600)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_links_are_followed(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there/a")
    write_whole(str(tmp_path / "link"), b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there" / "a").read_bytes() == b"new"


KILLED = """
import os, signal, sys
from jitvm.engine.host.part import Part
part = Part(sys.argv[1])
part.write(b"half")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_writer_left_is_removed_by_the_next_one(tmp_path: Path) -> None:
    target = tmp_path / "a"
    killed = subprocess.run([sys.executable, "-c", KILLED, str(target)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert len(hidden(tmp_path)) == 1
    write_whole(str(tmp_path / "b"), b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_parts_of_the_living_and_files_of_others_stay(tmp_path: Path) -> None:
    part = Part(str(tmp_path / "a"))
    strangers = {".jitvm-notes", "x.part", ".a.123.part"}
    for name in strangers:
        (tmp_path / name).touch()
    (tmp_path / ".jitvm-folder.part").mkdir()
    (tmp_path / ".jitvm-link.part").symlink_to("x.part")
    assert sweep(str(tmp_path)) == 0
    assert strangers < {path.name for path in tmp_path.iterdir()}
    part.write(b"1")
    part.commit()
    assert (tmp_path / "a").read_bytes() == b"1"


def test_a_part_that_is_removed_before_it_is_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    lock = fcntl.flock
    removed: list[str] = []

    def late(descriptor: int, how: int) -> None:
        if not removed:
            removed.extend(hidden(tmp_path))
            os.unlink(tmp_path / removed[0])
        lock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", late)
    write_whole(str(tmp_path / "a"), b"1")
    assert (tmp_path / "a").read_bytes() == b"1"
    assert removed


def test_without_locks_files_are_written_and_nothing_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(_descriptor: int, _how: int) -> None:
        raise OSError(37, "No locks available")

    import fcntl

    monkeypatch.setattr(fcntl, "flock", none)
    (tmp_path / ".jitvm-0000.part").touch()
    write_whole(str(tmp_path / "a"), b"1")
    assert {path.name for path in tmp_path.iterdir()} == {"a", ".jitvm-0000.part"}


def test_a_signal_leaves_no_part_whenever_it_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The moment between the making of the file and the return to whoever wanted it is covered."""
    ending = Ending()
    monkeypatch.setattr(part_module, "ENDING", ending)
    made = os.open

    def cut_off(*arguments: Any) -> int:
        made(*arguments)
        raise Signalled(signal.SIGTERM)

    monkeypatch.setattr(os, "open", cut_off)
    with pytest.raises(Signalled):
        Part(str(tmp_path / "a"))
    monkeypatch.undo()
    assert not hidden(tmp_path)
    assert not ending.undo


def test_a_part_that_nobody_completes_is_gone_when_the_command_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ending = Ending()
    monkeypatch.setattr(part_module, "ENDING", ending)
    Part(str(tmp_path / "a")).write(b"half")
    assert hidden(tmp_path)
    ending.close()
    assert not hidden(tmp_path)

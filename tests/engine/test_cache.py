"""The code cache: what it keeps, what it refuses, and that it never stands in the way."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from jitvm.engine.host import part
from jitvm.engine.memory import cache as cache_module
from jitvm.engine.memory.cache import CachedCode, CodeCache
from jitvm.engine.memory.cachefolder import TAG, default_folder
from tests.clock import HANGS

CODE = CachedCode(bytes(range(256)) * 4, {"enter": 0, "plain/0": 64, "plain/255": 1023})
ROOT = Path(__file__).parents[2]


class Kept:
    """A cache in a folder of its own, and what it warned of."""

    def __init__(self, folder: Path) -> None:
        self.warnings: list[str] = []
        self.folder = folder
        self.cache = CodeCache(folder, self.warnings.append)

    @property
    def file(self) -> Path:
        (entry,) = self.cache.entries()
        return Path(entry.path)


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path / "a" / "cache")


def test_code_comes_back_as_it_was_kept(kept: Kept) -> None:
    assert kept.cache.load("kind", "key") is None
    kept.cache.store("kind", "key", CODE)
    assert kept.cache.load("kind", "key") == CODE
    assert kept.warnings == []
    assert kept.cache.load("kind", "other key") is None
    assert kept.cache.load("other-kind", "key") is None


def test_files_are_private(kept: Kept) -> None:
    kept.cache.store("kind", "key", CODE)
    assert kept.file.stat().st_mode & 0o777 == 0o600
    assert kept.folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda data: data[:5],
        lambda data: data[:20],
        lambda data: data[:-1],
        lambda data: data + b"\0",
        lambda data: bytes([data[0] ^ 1]) + data[1:],
        lambda data: data[:40] + bytes([data[40] ^ 0x80]) + data[41:],
        lambda data: data[:-1] + bytes([data[-1] ^ 1]),
        lambda data: os.urandom(len(data)),
    ],
)
def test_damaged_files_are_ignored_and_replaced(kept: Kept, damage: object) -> None:
    kept.cache.store("kind", "key", CODE)
    assert callable(damage)
    kept.file.write_bytes(damage(kept.file.read_bytes()))
    assert kept.cache.load("kind", "key") is None
    assert len(kept.warnings) == 1
    assert "damaged" in kept.warnings[0]
    kept.cache.store("kind", "key", CODE)
    assert kept.cache.load("kind", "key") == CODE


def test_a_file_of_another_key_is_ignored(kept: Kept) -> None:
    """Two keys may share a checksum: the stored key decides."""
    kept.cache.store("kind", "key", CODE)
    content = kept.file.read_bytes()
    kept.cache.store("kind", "another", CODE)
    for entry in kept.cache.entries():
        Path(entry.path).write_bytes(content)
    assert kept.cache.load("kind", "key") == CODE
    assert kept.cache.load("kind", "another") is None


def test_files_others_may_write_are_ignored(kept: Kept) -> None:
    kept.cache.store("kind", "key", CODE)
    kept.file.chmod(0o666)
    assert kept.cache.load("kind", "key") is None
    assert "not ours alone" in kept.warnings[0]


def test_a_folder_that_cannot_be_made_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        kept = Kept(folder)
        assert kept.cache.load("kind", "key") is None
        kept.cache.store("kind", "key", CODE)
        assert any("not kept" in warning for warning in kept.warnings)
        assert kept.cache.entries() == []
        assert kept.cache.clear() == 0
    assert (tmp_path / "file").read_text() == "in the way"


@pytest.mark.skipif(os.getuid() == 0, reason="the superuser may write anywhere")
def test_a_folder_that_cannot_be_written_is_no_error(kept: Kept) -> None:
    kept.folder.mkdir(parents=True)
    kept.folder.chmod(0o500)
    kept.cache.store("kind", "key", CODE)
    assert kept.cache.entries() == []
    assert len(kept.warnings) == 1


def test_a_folder_whose_name_cannot_be_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "ring").symlink_to("ring")
    for folder in (tmp_path / "ring", tmp_path / "ring" / "below", tmp_path / ("x" * 300)):
        kept = Kept(folder)
        assert kept.cache.load("kind", "key") is None
        kept.cache.store("kind", "key", CODE)
        assert [warning for warning in kept.warnings if "not kept" in warning]


@pytest.mark.parametrize("what", ["a file", "the tag"])
def test_nobody_waits_for_a_pipe_in_the_place_of_a_file(kept: Kept, what: str) -> None:
    kept.cache.store("kind", "key", CODE)
    place = kept.file if what == "a file" else kept.folder / TAG
    place.unlink()
    os.mkfifo(place, 0o600)
    again = Kept(kept.folder)
    assert again.cache.load("kind", "key") is None
    again.cache.store("kind", "key", CODE)
    assert again.warnings


def test_a_device_in_the_place_of_a_file_is_not_read(kept: Kept) -> None:
    kept.cache.store("kind", "key", CODE)
    file = kept.file
    file.unlink()
    file.symlink_to("/dev/zero")
    assert kept.cache.load("kind", "key") is None
    assert "not ours alone" in kept.warnings[0]
    kept.cache.store("kind", "key", CODE)
    assert kept.cache.load("kind", "key") == CODE


def test_without_descriptors_nothing_is_kept(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ImportError("cannot open shared object file: Too many open files")

    monkeypatch.setattr(part, "write_whole", refuse)
    kept.cache.store("kind", "key", CODE)
    assert kept.warnings == [
        f"{kept.folder}: cannot open shared object file: Too many open files;"
        " compiled code is not kept"
    ]


def test_a_folder_in_the_place_of_a_file_is_no_error(kept: Kept) -> None:
    kept.cache.store("kind", "key", CODE)
    file = kept.file
    file.unlink()
    file.mkdir()
    assert kept.cache.load("kind", "key") is None
    kept.cache.store("kind", "key", CODE)
    assert len(kept.warnings) == 2
    assert sorted(path.suffix for path in kept.folder.iterdir()) == ["", ".code"]


def test_the_least_recently_used_files_go(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    for i, name in enumerate("abcd"):
        kept.cache.store(name, "key", CODE)
        (path,) = kept.folder.glob(f"{name}-*")
        os.utime(path, (1000 + i, 1000 + i))
    monkeypatch.setattr(cache_module, "LIMIT", 3 * kept.cache.entries()[0].size)
    kept.cache.load("a", "key")  # used now, so not the oldest any more
    kept.cache.store("e", "key", CODE)
    assert [Path(entry.path).name[0] for entry in kept.cache.entries()] == ["d", "a", "e"]


def test_clearing_tells_how_much(kept: Kept) -> None:
    for name in "ab":
        kept.cache.store(name, "key", CODE)
    size = sum(entry.size for entry in kept.cache.entries())
    assert kept.cache.clear() == size > 2 * len(CODE.machine_code)
    assert kept.cache.entries() == []


def test_the_default_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JITVM_CACHE", "/chosen")
    assert default_folder() == "/chosen"
    monkeypatch.delenv("JITVM_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/base")
    assert default_folder() == "/base/jitvm"


# -- handlers ------------------------------------------------------------------------------------

PROGRAM = """
import sys
from pathlib import Path
from jitvm.engine.memory.cache import CodeCache
from jitvm.engine.machine.machine import Machine
from tests.toy.guest import TOY, assemble

warnings = []
machine = Machine(TOY, cache=CodeCache(Path(sys.argv[1]), warnings.append))
code = assemble("li r0 65\\naddi r0 1\\nhalt")
machine.memory[:len(code)] = code
machine.run(0)
print(machine.state.spaces[1][0], "llvmlite" in sys.modules, len(warnings))
"""


def start(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(folder)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


def output(process: subprocess.Popen[str]) -> str:
    text, _ = process.communicate(timeout=HANGS)
    assert process.returncode == 0
    return text.strip()


def test_processes_share_the_folder(tmp_path: Path) -> None:
    """Two at once build; those after them need no LLVM; damage is repaired."""
    folder = tmp_path / "shared"
    assert {output(process) for process in [start(folder), start(folder)]} <= {
        "66 True 0", "66 False 0"
    }  # fmt: skip
    assert {path.name for path in folder.iterdir()} - {TAG} == {
        path.name for path in folder.glob("*.code")
    }
    assert output(start(folder)) == "66 False 0"
    (file,) = folder.glob("*.code")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    assert output(start(folder)) == "66 True 1"
    assert output(start(folder)) == "66 False 0"


def test_the_default_folder_is_looked_up_when_it_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = CodeCache()
    monkeypatch.setenv("JITVM_CACHE", str(tmp_path / "later"))
    cache.store("kind", "key", CachedCode(b"\xc3", {"f": 0}))
    assert [path.parent for path in tmp_path.glob("later/*.code")] == [tmp_path / "later"]


def test_a_load_takes_as_long_however_many_files_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def listed(*_: object) -> None:
        raise AssertionError

    code = CachedCode(b"code", {"f": 1})
    CodeCache(tmp_path).store("kind", "key", code)
    for name in ("scandir", "listdir"):
        monkeypatch.setattr(os, name, listed)
    assert CodeCache(tmp_path).load("kind", "key") == code
    assert CodeCache(tmp_path).load("kind", "another") is None


def test_a_pinned_folder_takes_files_while_it_is_as_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    code = CachedCode(b"code", {"f": 1})
    CodeCache(folder).store("kind", "first", code)
    pinned = CodeCache(folder)
    assert pinned.pin()
    pinned.store("kind", "second", code)
    assert CodeCache(folder).load("kind", "second") == code
    assert not CodeCache(folder).abandoned()
    CodeCache(folder).clear()
    pinned.store("kind", "third", code)
    assert CodeCache(folder).load("kind", "third") is None
    shutil.rmtree(folder)
    pinned.store("kind", "fourth", code)
    assert not folder.exists()
    CodeCache(folder).store("kind", "first", code)
    pinned.store("kind", "fifth", code)
    assert CodeCache(folder).load("kind", "fifth") is None


def test_no_folder_cannot_be_pinned(tmp_path: Path) -> None:
    assert not CodeCache(tmp_path / "nowhere").pin()


def test_who_is_at_work_is_known_until_its_descriptor_is_closed(tmp_path: Path) -> None:
    cache = CodeCache(tmp_path / "cache")
    assert cache.begin_work("kind", "key") is None, "there is no folder"
    cache.store("kind", "first", CachedCode(b"code", {}))
    assert not cache.is_at_work("kind", "key")
    descriptor = cache.begin_work("kind", "key")
    assert descriptor is not None
    assert cache.is_at_work("kind", "key")
    assert cache.begin_work("kind", "key") is None
    assert not cache.is_at_work("kind", "another")
    os.close(descriptor)
    assert not cache.is_at_work("kind", "key")


class Listed(list["os.DirEntry[str]"]):
    """What `os.scandir` gives, all of it read."""

    def __enter__(self) -> Listed:
        return self

    def __exit__(self, *_error: object) -> None:
        """There is nothing to close."""


def test_a_file_that_another_process_removes_hides_no_other(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "abc":
        kept.cache.store(name, "key", CODE)

    scan = os.scandir
    (path,) = kept.folder.glob("b-*")

    def scandir(folder: str) -> Listed:
        with scan(folder) as items:
            found = Listed(items)
        path.unlink()
        return found

    monkeypatch.setattr(os, "scandir", scandir)
    entries = kept.cache.entries()
    monkeypatch.undo()
    assert sorted(Path(entry.path).name[0] for entry in entries) == ["a", "c"]

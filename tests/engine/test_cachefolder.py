"""Where the code cache is, and that no guest gets there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jitvm.engine.memory import cachefolder
from jitvm.engine.memory.cache import CachedCode, CodeCache
from jitvm.engine.memory.cachefolder import default_folder, give_to_guest
from jitvm.guests.uxn.varvara.sandbox import OutsideError, Sandbox
from tests.clock import HANGS


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cachefolder, "_guests", set())
    monkeypatch.setattr(cachefolder, "note", lambda *_: None)
    for name in ("JITVM_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({"HOME": "/h"}, "/h/.cache/jitvm"),
        ({"HOME": "/h", "XDG_CACHE_HOME": "/x"}, "/x/jitvm"),
        ({"HOME": "/h", "XDG_CACHE_HOME": "x"}, "/h/.cache/jitvm"),
        ({"HOME": "/h", "XDG_CACHE_HOME": ""}, "/h/.cache/jitvm"),
        ({"HOME": "/h", "JITVM_CACHE": "~/c"}, "/h/c"),
        ({"HOME": "/h", "JITVM_CACHE": ""}, "/h/.cache/jitvm"),
        ({"HOME": "/h", "JITVM_CACHE": "~nobody-of-this-name/c"}, None),
        ({"HOME": ""}, None),
        ({"HOME": "here"}, None),
        ({"HOME": "", "JITVM_CACHE": "/c/../d"}, "/d"),
        ({"HOME": "", "JITVM_CACHE": "~/c"}, None),
    ],
)
def test_the_rules(
    environment: dict[str, str], folder: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert default_folder() == folder


def test_a_relative_folder_is_in_the_current_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JITVM_CACHE", "c")
    assert default_folder() == str(tmp_path / "c")


def test_nobody_of_passwd_has_no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pwd

    def unknown(_user: int) -> None:
        raise KeyError

    monkeypatch.delenv("HOME")
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.chdir(tmp_path)
    cache = CodeCache()
    cache.store("kind", "key", CachedCode(b"\xc3", {}))
    assert (cache.folder, cache.load("kind", "key"), cache.entries()) == (None, None, [])
    assert (cache.abandoned(), cache.clear(), list(tmp_path.iterdir())) == ([], 0, [])


@pytest.mark.parametrize("where", [".", "cache", "a/b/cache", "link"])
def test_a_cache_with_a_guest_is_not_used(tmp_path: Path, where: str) -> None:
    root = tmp_path / "root"
    (root / "real").mkdir(parents=True)
    (tmp_path / "link").symlink_to(root)
    folder = tmp_path / "link" / "real" if where == "link" else root / where
    cache = CodeCache(folder)
    assert cache.folder == str(folder)
    give_to_guest(str(root))
    cache.store("kind", "key", CachedCode(b"\xc3", {}))
    assert cache.folder is None
    assert not list(tmp_path.rglob("*.code"))
    assert CodeCache(tmp_path / "rooted").folder is not None


@pytest.mark.parametrize("is_made", [False, True])
def test_a_guest_does_not_get_to_the_cache(
    tmp_path: Path, is_made: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    if is_made:
        (tmp_path / ".cache" / "jitvm").mkdir(parents=True)
        (tmp_path / ".cache" / "jitvm" / "x.code").write_bytes(b"code")
    (tmp_path / "way").symlink_to(".cache")
    sandbox = Sandbox(tmp_path)
    for path in (b".cache/jitvm/x.code", b"way/jitvm/x.code", b".cache/../.cache/jitvm/x.code"):
        with pytest.raises(OutsideError):
            sandbox.create_file(path, append=False)
        with pytest.raises((OutsideError, FileNotFoundError)):
            sandbox.open_file(path)
        with pytest.raises((OutsideError, FileNotFoundError)):
            sandbox.remove(path)
    with pytest.raises(OutsideError):
        sandbox.make_folder(b".cache/jitvm")
    os.close(sandbox.create_file(b".cache/jitvm2", append=False))
    os.close(sandbox.create_file(b"jitvm", append=False))


def test_a_cache_behind_a_link_is_kept_from_a_guest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "root" / "store").mkdir(parents=True)
    (tmp_path / "cache").symlink_to(tmp_path / "root" / "store")
    monkeypatch.setenv("JITVM_CACHE", str(tmp_path / "cache"))
    with pytest.raises(OutsideError):
        Sandbox(tmp_path / "root").create_file(b"store/x.code", append=False)


def test_the_command_tells_of_none() -> None:
    environment = {**os.environ, "HOME": "", "JITVM_CACHE": "", "XDG_CACHE_HOME": ""}
    for option, begin in (([], "no code cache: "), (["--json"], '{\n  "folder": null')):
        done = subprocess.run(
            [sys.executable, "-m", "jitvm", "cache", *option], env=environment,
            capture_output=True, text=True, timeout=HANGS, check=True,
        )  # fmt: skip
        assert done.stdout.startswith(begin)


def test_guests_may_be_added_while_others_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Machines are made on several threads at once; here the second comes at the worst moment."""
    guests: set[str] = set()

    class Root(str):
        __slots__ = ()

        def rstrip(self, characters: str | None = None, /) -> str:
            guests.add(f"/another-than{self}")
            return super().rstrip(characters)

    guests |= {Root("/a"), Root("/b")}
    monkeypatch.setattr(cachefolder, "_guests", guests)
    assert not cachefolder.lies_with_guest("/cache")
    assert len(guests) == 4

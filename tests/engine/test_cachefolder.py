"""Where the code cache is, and that no guest gets there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jitvm.engine.host.descriptor import Descriptor
from jitvm.engine.memory import cache as cache_module
from jitvm.engine.memory.cache import CachedCode, CodeCache
from jitvm.engine.memory.cachefolder import TAG, default_folder
from jitvm.guests.uxn.varvara import sandbox as sandbox_module
from jitvm.guests.uxn.varvara.sandbox import OutsideError, Sandbox
from tests.clock import HANGS


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
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


# -- the tag -------------------------------------------------------------------------------------

CODE = CachedCode(b"\xc3", {"f": 0})


def filled(folder: Path) -> CodeCache:
    """A cache with something in it."""
    cache = CodeCache(folder)
    cache.store("kind", "key", CODE)
    assert cache.load("kind", "key") == CODE
    return cache


def everything(sandbox: Sandbox, path: bytes) -> list[Callable[[], object]]:
    """All that a guest can do to a path."""
    return [
        lambda: os.close(sandbox.open_file(path)),
        lambda: os.close(sandbox.create_file(path, append=False)),
        lambda: os.close(sandbox.create_file(path, append=True)),
        lambda: sandbox.make_folder(path),
        lambda: sandbox.remove(path),
        lambda: sandbox.status(path),
    ]


@pytest.mark.parametrize("where", [".", "cache", "a/b/cache", ".cache/jitvm"])
def test_a_cache_in_the_folder_of_a_guest_is_used_and_closed_to_it(
    tmp_path: Path, where: str
) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    outside.mkdir()
    (root / where).mkdir(parents=True)
    sandbox = Sandbox(root)
    cache = filled(root / where)
    before = {path: path.read_bytes() for path in (root / where).iterdir()}
    if where != ".":
        (root / "way").symlink_to(where)
    for name in (b"x.code", TAG.encode(), *(os.fsencode(path.name) for path in before)):
        for way in (os.fsencode(where), b"way", b"way/../" + os.fsencode(where)):
            for attempt in everything(sandbox, way + b"/" + name):
                with pytest.raises((OutsideError, FileNotFoundError)):
                    attempt()
    with pytest.raises(OutsideError):
        sandbox.entries(os.fsencode(where))
    assert {path: path.read_bytes() for path in (root / where).iterdir()} == before
    assert cache.load("kind", "key") == CODE


def test_a_second_way_to_a_cache_is_closed_as_well(tmp_path: Path) -> None:
    """As a bind mount gives one: the folder is opened under a name that nobody can know of."""
    cache = tmp_path / "real" / "cache"
    filled(cache)
    sandbox = Sandbox(tmp_path / "other")
    sandbox._folder = Descriptor(os.open(cache.parent, os.O_RDONLY))
    for attempt in everything(sandbox, b"cache/x.code"):
        with pytest.raises(OutsideError):
            attempt()
    sandbox.close()
    sandbox._folder = Descriptor(os.open(cache, os.O_RDONLY))
    for attempt in everything(sandbox, b"x.code"):
        with pytest.raises(OutsideError):
            attempt()


@pytest.mark.parametrize("how", ["before", "between", "empty tag"])
def test_what_a_guest_put_there_before_is_not_taken(tmp_path: Path, how: str) -> None:
    """It may know where a cache will be, with its settings or with others."""
    made = CodeCache(tmp_path / "made")
    made.store("kind", "key", CODE)
    code = made.entries()[0]
    sandbox, target = Sandbox(tmp_path), tmp_path / ".cache" / "jitvm"
    name = Path(code.path).name
    with open(sandbox.create_file(b".cache/jitvm/" + name.encode(), append=False), "wb") as file:
        file.write(Path(code.path).read_bytes())
        later = CodeCache(target)
        assert later.load("kind", "key") is None
        if how == "empty tag":  # of a process that was killed
            (target / TAG).touch()
            assert later.load("kind", "key") is None
        if how == "between":
            later.store("kind", "another", CODE)
            file.seek(0)
            file.write(b"what was open stays open, and goes nowhere")
    later.store("kind", "other", CachedCode(b"\x90", {"g": 0}))
    assert later.load("kind", "key") is None
    assert later.load("kind", "other") == CachedCode(b"\x90", {"g": 0})


@pytest.mark.parametrize("content", [b"", b"complete", b"jitvm keeps machine code here."])
def test_a_guest_makes_no_tag(tmp_path: Path, content: bytes) -> None:
    sandbox = Sandbox(tmp_path)
    for path in (TAG.encode(), b"a/" + TAG.encode(), TAG.encode() + b"/x"):
        for append in (False, True):
            with pytest.raises(OutsideError):
                os.write(sandbox.create_file(path, append=append), content)
        with pytest.raises(OutsideError):
            sandbox.make_folder(path)
    assert not list(tmp_path.rglob(TAG))
    os.close(sandbox.create_file(b"a/b", append=False))


def test_a_tag_in_another_spelling_is_none_of_a_guest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some file systems take other names for the same, so it is looked for once more."""
    tagged = iter([False, True])
    monkeypatch.setattr(sandbox_module, "is_tagged", lambda _: next(tagged))
    with pytest.raises(OutsideError):
        Sandbox(tmp_path).create_file(b"other", append=False)
    tagged = iter([False, True])
    with pytest.raises(OutsideError):
        Sandbox(tmp_path).make_folder(b"other")
    assert not list(tmp_path.iterdir())


def test_a_folder_with_other_things_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(cache_module, "note", lambda why, _: told.append(why))
    (tmp_path / "letters.txt").touch()
    cache = CodeCache(tmp_path)
    cache.store("kind", "key", CODE)
    assert cache.load("kind", "key") is None
    assert [path.name for path in tmp_path.iterdir()] == ["letters.txt"]
    assert told == [f"no code cache in {tmp_path}, which holds other files"]
    # What comes later does not matter: then the tag is there.
    cache = filled(tmp_path / "own")
    (tmp_path / "own" / "letters.txt").touch()
    assert cache.load("kind", "key") == CODE


def test_a_run_in_the_home_folder_is_warm(tmp_path: Path) -> None:
    (tmp_path / "a.tal").write_text("|0100 #800f DEO BRK")
    environment = {**os.environ, "HOME": str(tmp_path), "JITVM_CACHE": "", "XDG_CACHE_HOME": ""}
    code = "import sys; from jitvm.cli.main import main; " \
           "from jitvm.engine.machine import warmup; warmup.WARM_UP = 3600; " \
           "sys.exit(main(['run', 'a.tal']) or 'llvmlite' in sys.modules)"  # fmt: skip
    codes = [
        subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, timeout=HANGS, check=False,
            env={**environment, "PYTHONPATH": str(Path(__file__).parents[2])},
        ).returncode
        for _ in range(2)
    ]  # fmt: skip
    assert codes == [1, 0]


def test_the_command_tells_of_none() -> None:
    environment = {**os.environ, "HOME": "", "JITVM_CACHE": "", "XDG_CACHE_HOME": ""}
    for option, begin in (([], "no code cache: "), (["--json"], '{\n  "folder": null')):
        done = subprocess.run(
            [sys.executable, "-m", "jitvm", "cache", *option], env=environment,
            capture_output=True, text=True, timeout=HANGS, check=True,
        )  # fmt: skip
        assert done.stdout.startswith(begin)

"""What is being compiled when a command ends is finished by a child, which nobody notices."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from jitvm.engine.jit.shelf import Shelf
from jitvm.engine.memory.cache import CodeCache
from jitvm.engine.tables.params import Parameters
from jitvm.guests.uxn import UXN
from tests.clock import HANGS, until

ROOT = Path(__file__).parents[2]
ENDS_EARLY = "|0100 #0000 #0080 &o SWP2 &l INC2 DUP2 #0000 NEQ2 ?&l SWP2 #0001 SUB2 ORAk ?&o BRK"
"""Ends about when its first region is there."""


class Place:
    """A folder with a program that ends early, and a code cache of its own."""

    def __init__(self, folder: Path) -> None:
        self.cache = folder / "cache"
        self.program = folder / "early.tal"
        self.program.write_text(ENDS_EARLY)
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "JITVM_CACHE": str(self.cache),
        }
        self.groups: list[int] = []

    def run(self, *options: str) -> subprocess.CompletedProcess[bytes]:
        """Run it in a process group of its own; what it writes is read to its end."""
        line = [sys.executable, "-m", "jitvm", "run", *options, str(self.program)]
        process = subprocess.Popen(
            line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.environment,
            process_group=0,
        )  # fmt: skip
        self.groups.append(process.pid)
        output, errors = process.communicate(timeout=HANGS)
        return subprocess.CompletedProcess(line, process.returncode, output, errors)

    def kept(self) -> list[Path]:
        """The files with its regions."""
        return list(self.cache.glob("uxn-regions-*"))

    def is_quiet(self) -> bool:
        """Whether no process of any run is left."""
        return not any(map(_is_there, self.groups))

    def end(self) -> None:
        """End what is left."""
        for group in filter(_is_there, self.groups):
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)


def _is_there(group: int) -> bool:
    """Whether a process of a group runs: one that has ended may stay, where the first process of a
    container does not wait for the children of others."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _parent, its_group = path.read_bytes().rpartition(b")")[2].split()[:3]
        except OSError:  # it has just ended
            continue
        if int(its_group) == group and state != b"Z":
            return True
    return False


@pytest.fixture(scope="module")
def interpreter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A code cache that has the interpreter."""
    place = Place(tmp_path_factory.mktemp("interpreter"))
    assert place.run("--no-jit").returncode == 0
    return place.cache


@pytest.fixture
def place(tmp_path: Path, interpreter: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    shutil.copytree(interpreter, place.cache)
    yield place
    place.end()


def test_a_child_finishes_what_the_program_did_not_wait_for(place: Place) -> None:
    patient = ("-O", "quiet=60000")  # no run makes anything thoroughly

    def is_kept() -> bool:
        done = place.run(*patient)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
        until(place.is_quiet)
        return bool(place.kept())

    until(is_kept)
    params = Parameters(quiet=60000)
    key = place.kept()[0].read_bytes()
    shelf = Shelf(CodeCache(place.cache), UXN, _program_of(key))
    kept = shelf.load(params, charging=False)
    assert kept is not None
    assert all(is_full for _, is_full in kept.regions)
    place.run(*patient)
    until(place.is_quiet)
    assert [path.read_bytes() for path in place.kept()] == [key], "nothing is left to do"


def _program_of(file: bytes) -> int:
    """The number of the program whose regions a file holds."""
    found = re.search(rb"([0-9a-f]{8})\nfree\n", file)
    assert found
    return int(found[1], 16)


def test_no_child_is_made_that_may_take_no_time(place: Place) -> None:
    assert place.run("-O", "finish=0").returncode == 0
    assert place.is_quiet()


def test_nothing_is_kept_of_what_must_not_be(place: Place) -> None:
    assert place.run("-O", "keep=0").returncode == 0
    until(place.is_quiet)
    assert not place.kept()


def test_a_program_that_is_ended_leaves_no_child(place: Place) -> None:
    place.program.write_text(f"{ENDS_EARLY[:-3]} [ LIT2 3e18 ] DEO @wait !wait")
    line = [sys.executable, "-m", "jitvm", "run", str(place.program)]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, env=place.environment, process_group=0)
    place.groups = [process.pid]
    assert process.stdout is not None
    assert process.stdout.read(1) == b">"
    process.send_signal(signal.SIGTERM)
    assert process.wait(HANGS) == 128 + signal.SIGTERM
    process.stdout.close()
    assert place.is_quiet()


def test_a_folder_that_was_removed_stays_so(place: Place) -> None:
    """The child sees that the code cache is not the one that it began with."""
    assert place.run("-O", "finish=60000").returncode == 0
    shutil.rmtree(place.cache, ignore_errors=True)
    until(place.is_quiet)
    assert not place.cache.exists()


IMPORTED = """
import atexit, sys, threading
from jitvm.engine.host.background import BACKGROUND
from jitvm.engine.host.process import IMPORTS

main = threading.get_ident()
seen = []

def look(event, arguments):
    if event == "import" and threading.get_ident() != main:
        seen.append((IMPORTS._is_owned(), arguments[0]))

def tell():
    print(sum(is_held for is_held, _ in seen), [name for is_held, name in seen if not is_held])
    sys.stdout.flush()

def put_away(really=BACKGROUND.put_away):
    really()
    atexit.unregister(tell)
    tell()
    BACKGROUND.put_away = really

sys.addaudithook(look)
atexit.register(tell)  # this way it ends where nothing was left to be done
BACKGROUND.put_away = put_away
from jitvm.cli.main import program

program()
"""
"""Runs the command; prints how often its other threads import with `IMPORTS`, and what without."""


def test_other_threads_import_nothing_that_a_child_would_wait_for(place: Place) -> None:
    """A module that is being imported stays locked in a child, for ever."""
    place.program.write_text(ENDS_EARLY.replace("#0080", "#0800"))  # so that there is a recording
    for run in range(2):
        done = subprocess.run(
            [sys.executable, "-c", IMPORTED, "run", str(place.program)],
            capture_output=True, env=place.environment, timeout=HANGS, check=True,
        )  # fmt: skip
        count, without = done.stdout.decode().split(" ", 1)
        assert without.strip() == "[]"
        assert int(count) or run

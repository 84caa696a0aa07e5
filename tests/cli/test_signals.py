"""Signals that end commands, at any time; and what is left of their files when they are killed."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from jitvm.cli.exits import Exit
from tests.clock import HANGS, until
from tests.kills.kinds import KINDS, PROGRAM

JITVM = (sys.executable, "-m", "jitvm")
ENDLESS = '|0100 LIT "x #18 DEO &l !&l'
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]

in_folder = pytest.mark.usefixtures("folder")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("endless.tal").write_text(ENDLESS)
    Path("frames.tal").write_text(PROGRAM)
    return tmp_path


def start(*words: str, command: tuple[str, ...] = JITVM) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*command, *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def is_ready(process: subprocess.Popen[bytes]) -> None:
    """Wait until the program has written its first byte."""
    assert process.stdout is not None
    assert process.stdout.read(1)


@in_folder
@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_a_run(number: signal.Signals) -> None:
    with start("run", "endless.tal") as process:
        is_ready(process)
        process.send_signal(number)
        assert (process.wait(HANGS), process.stderr and process.stderr.read()) == (
            128 + number,
            b"",
        )


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_leaves_complete_files(folder: Path, number: signal.Signals) -> None:
    words = ("run", "--headless", "--hash-frames", "-", "--record", "a.gif", "--record", "a.wav",
             "--record-session", "a.jsonl", "--screenshot", "a.png", "frames.tal")  # fmt: skip
    with start(*words) as process:
        is_ready(process)
        process.send_signal(number)
        _, error = process.communicate(timeout=HANGS)
    assert (process.returncode, error) == (128 + number, b"")
    for name in ("recording", "sound", "session", "screenshot"):
        KINDS[name].check(folder / KINDS[name].file)
    assert not list(folder.glob(".*"))


@pytest.mark.parametrize("number", SIGNALS)
def test_a_profile_is_told_of_what_was_seen(folder: Path, number: signal.Signals) -> None:
    words = ("profile", "--output", "out", "--report", "a.html", "endless.tal")
    with start(*words) as process:
        until(lambda: (folder / "out").exists() and (folder / "out").stat().st_size)
        process.send_signal(number)
        out, error = process.communicate(timeout=HANGS)
    assert (process.returncode, error) == (128 + number, b"")
    assert out
    assert (folder / "a.html").read_text().endswith("</html>\n")


PATIENT = """
import sys
from jitvm.cli.main import program
from jitvm.engine.host import signals
signals.GRACE = 3600
sys.argv[0] = "jitvm"
program()
"""
"""The command, where signals are told twice by somebody slow."""


@in_folder
def test_the_same_signal_told_twice_counts_once() -> None:
    words = ("profile", "--report", "a.html", "--output", "out", "endless.tal")
    with start(*words, command=(sys.executable, "-c", PATIENT)) as process:
        until(lambda: Path("out").exists() and Path("out").stat().st_size)
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=HANGS)
    assert process.returncode == Exit.TERMINATED
    assert Path("a.html").exists()


@in_folder
def test_a_second_signal_ends_at_once() -> None:
    os.mkfifo("pipe")  # nobody reads it, so the report that is written to it never ends
    reader = os.open("pipe", os.O_RDONLY | os.O_NONBLOCK)
    fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 4096)
    with start("profile", "--report", "pipe", "--output", "out", "endless.tal") as process:
        until(lambda: Path("out").exists() and Path("out").stat().st_size)
        process.send_signal(signal.SIGTERM)
        first = os.read(reader, 1) if until(lambda: _readable(reader)) else b""

        def is_ended() -> bool:
            """Tell it once more: at first that counts as the same signal, and then no longer."""
            if process.poll() is None:
                process.send_signal(signal.SIGHUP)
            return process.poll() is not None

        until(is_ended)
    os.close(reader)
    assert first == b"<"
    assert process.returncode == Exit.HUNG_UP


def _readable(descriptor: int) -> bool:
    import select

    return bool(select.select([descriptor], [], [], 0)[0])


@in_folder
def test_what_nohup_ignores_stays_ignored() -> None:
    with start("run", "endless.tal", command=("nohup", *JITVM)) as process:
        is_ready(process)
        process.send_signal(signal.SIGHUP)  # which would be what ends it, as the first of the two
        process.send_signal(signal.SIGTERM)
        assert process.wait(HANGS) == Exit.TERMINATED


IN_PROCESS = """
import signal
import jitvm
for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
    print(signal.getsignal(number) is (signal.SIG_DFL, signal.default_int_handler)[number == 2])
jitvm.run("endless.tal", time_limit=0.05)
import jitvm.cli
jitvm.cli.main(["params"])
for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
    print(signal.getsignal(number) is (signal.SIG_DFL, signal.default_int_handler)[number == 2])
"""


@in_folder
def test_a_library_leaves_signals_alone() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IN_PROCESS], capture_output=True, text=True, check=True
    )
    lines = done.stdout.splitlines()
    assert lines[:3] == lines[-3:] == ["True"] * 3


INTERRUPTED_IMPORT = """
import os, signal, sys

steps = int(sys.argv.pop(1))
sys.argv[0] = "jitvm"

def interrupt(event, arguments):
    global steps
    if event == "exec" and arguments[0].co_filename.endswith("unheard.py"):
        return
    if event in ("import", "exec") and "jitvm.cli.unheard" in sys.modules:
        steps -= 1
        if steps == 0:
            os.kill(os.getpid(), signal.SIGINT)

sys.addaudithook(interrupt)
from jitvm.cli.main import program

program()
"""
"""Runs the command, and gets Ctrl-C as the given number of further modules are looked for or
executed; prepared ones (`jitvm.prepared`) are not looked for."""


@in_folder
@pytest.mark.parametrize("command", ["run", "profile"])
def test_an_early_ctrl_c_prints_nothing(command: str) -> None:
    """From the first module of the command on; what comes before that is Python's own affair."""
    for steps in (1, 2, 3, 5, 8, 13, 21, 34, 55, 89):
        done = subprocess.run(
            [sys.executable, "-c", INTERRUPTED_IMPORT, str(steps), command, "endless.tal"],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=HANGS,
        )
        assert done.returncode in (-signal.SIGINT, Exit.INTERRUPTED), (steps, done.stderr)
        assert done.stderr == b"", steps


LATE = """
import os, signal, sys
from jitvm.cli.main import program
from jitvm.engine.host.signals import ENDING

close = ENDING.close

def late():
    ENDING.close = close
    os.kill(os.getpid(), signal.SIGTERM)

ENDING.close = late
sys.argv[1:] = ["params"]
program()
"""
"""The signal comes when the command has done its work, and has not yet said so."""


def test_a_late_signal_prints_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LATE], capture_output=True, stdin=subprocess.DEVNULL, timeout=HANGS
    )
    assert (done.returncode, done.stderr) == (Exit.TERMINATED, b"")

"""The real thing in a pseudo-terminal: pictures, keys, and the terminal as it was afterwards."""

from __future__ import annotations

import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from fcntl import ioctl
from pathlib import Path

import pytest

from jitvm.guests.uxn.assembler import assemble
from jitvm.terminal import TerminalError
from jitvm.terminal.abilities import Abilities, chosen, understood
from tests.cli.test_graphics import SPIN, WALK
from tests.clock import HANGS, until

ANSWERS = b"\x1b[?62;22c"
LEFT = b"\x1b[?25h\x1b[?1049l"
PATIENT = f"""
import sys
from jitvm.terminal import abilities
abilities.PATIENCE = {HANGS}
from jitvm.cli.main import program
sys.argv[0] = "jitvm"
program()
"""
"""The command, but that it waits for a slow terminal's answers."""


class Terminal:
    """A process in a terminal of its own, 40 by 12."""

    def __init__(self, folder: Path, *arguments: str, **environment: str) -> None:
        self._host, guest = pty.openpty()
        ioctl(guest, termios.TIOCSWINSZ, struct.pack("4H", 12, 40, 0, 0))
        self.before = termios.tcgetattr(guest)
        self._guest = guest
        self.process = subprocess.Popen(
            [sys.executable, "-c", PATIENT, "run", "--terminal", *arguments],
            stdin=guest, stdout=guest, stderr=guest, cwd=folder, start_new_session=True,
            env={**os.environ, "COLORTERM": "truecolor", **environment},
            preexec_fn=lambda: ioctl(guest, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        self.seen = b""

    def until(self, *words: bytes) -> None:
        """Read until all of the words were seen."""
        deadline = time.monotonic() + HANGS
        while not all(word in self.seen for word in words):
            left = deadline - time.monotonic()
            assert left > 0, self.seen[-2000:]
            self._read()

    def _read(self) -> bool:
        """Whether something was there to read, or came within a moment."""
        is_there = bool(select.select([self._host], [], [], 0.05)[0])
        if is_there:
            self.seen += os.read(self._host, 1 << 16)
        return is_there

    def type(self, data: bytes) -> None:
        os.write(self._host, data)

    def end(self) -> int:
        """Wait for the end; return the exit code."""
        self.until(LEFT)
        until(lambda: not self._read() and self.process.poll() is not None)
        assert termios.tcgetattr(self._guest) == self.before
        return self.process.returncode

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._host)
        os.close(self._guest)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, source in (("walk", WALK), ("spin", SPIN)):
        (tmp_path / f"{name}.rom").write_bytes(assemble(source, name=f"{name}.tal").rom)
    return tmp_path


@pytest.fixture
def started(folder: Path, request: pytest.FixtureRequest) -> Iterator[Terminal]:
    terminal = Terminal(folder, *request.param)
    try:
        terminal.until(b"\x1b[c")
        terminal.type(ANSWERS)
        yield terminal
    finally:
        terminal.close()


def of(*arguments: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("started", [arguments], indirect=True, ids=[""])


@of("walk.rom")
def test_a_picture_keys_and_the_programs_output_afterwards(started: Terminal) -> None:
    started.until(b"\x1b[48;2;0;0;255m", "▀".encode())
    started.type(b"a")
    started.type(b"q")
    assert started.end() == 3
    assert started.seen.endswith(LEFT + b"aq")


@of("walk.rom")
def test_f3_leaves(started: Terminal) -> None:
    started.until("▀".encode())
    started.type(b"\x1bOR")
    assert started.end() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@of("spin.rom")
def test_signals_leave_a_program_that_hangs(started: Terminal, number: signal.Signals) -> None:
    started.until(b"\x1b[?1003h")
    started.process.send_signal(number)
    assert started.end() == 128 + number


@of("spin.rom")
def test_f3_leaves_a_program_that_hangs(started: Terminal) -> None:
    started.until(b"\x1b[?1003h")
    started.type(b"\x1bOR")
    assert started.end() == 0


@of("--frames", "5", "--screenshot", "a.png", "walk.rom")
def test_frames_and_files(started: Terminal, folder: Path) -> None:
    assert started.end() == 0
    assert (folder / "a.png").exists()


@of("--time-limit", "0.3", "spin.rom")
def test_a_time_limit(started: Terminal) -> None:
    assert started.end() == 124


def test_kitty_and_sixel_are_used_where_the_terminal_has_them(folder: Path) -> None:
    for answers, begin in (
        (b"\x1b_Gi=31;OK\x1b\\\x1b[?0u\x1b[6;20;10t" + ANSWERS, b"\x1b_Ga=T"),
        (b"\x1b[6;20;10t\x1b[?62;4c", b'\x1bP0;1q"1;1;'),
    ):
        terminal = Terminal(folder, "--frames", "30", "walk.rom")
        terminal.until(b"\x1b[c")
        terminal.type(answers)
        terminal.until(begin)
        assert terminal.end() == 0
        terminal.close()


def test_without_a_terminal_it_says_what_to_do(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "jitvm", "run", "--terminal", "walk.rom"],
        cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, start_new_session=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith(b"jitvm: error: --terminal needs a terminal")


def test_answers_are_understood() -> None:
    assert understood(b"\x1b[?62;22c") == Abilities()
    assert understood(b"\x1b[?62;4;22c").painter == "sixel"
    full = understood(b"\x1b_Gi=31;OK\x1b\\\x1b[?5u\x1b[?1016;2$y\x1b[6;21;9t\x1b[?62;4c")
    assert full == Abilities("kitty", True, True, (9, 21))
    assert understood(b"\x1b[?1016;0$y\x1b[?1;2c") == Abilities()
    assert understood(b"") == Abilities()


@pytest.mark.parametrize("size", ["0;0", "9999;9", "257;100", "9" * 5000 + ";9"])
def test_a_character_of_a_size_that_none_has_is_not_said(size: str) -> None:
    assert understood(f"\x1b[6;{size}t".encode()).cell == (0, 0)


def test_the_environment_chooses() -> None:
    assert chosen(Abilities("kitty"), {"JITVM_TERMINAL": "blocks"}).painter == "blocks"
    assert chosen(Abilities(), {"COLORTERM": "24bit"}).has_all_colors
    assert not chosen(Abilities(), {}).has_all_colors
    with pytest.raises(TerminalError, match="blocks, sixel, kitty"):
        chosen(Abilities(), {"JITVM_TERMINAL": "braille"})


@of("walk.rom")
def test_a_state_is_saved_and_gone_back_to(started: Terminal, folder: Path) -> None:
    started.until("▀".encode())
    started.type(b"a\x1b[2~")
    started.until(b"saved walk.state")
    started.type(b"b\x1b[F")
    started.until(b"loaded walk.state")
    started.type(b"q")
    assert started.end() == 3
    assert started.seen.endswith(LEFT + b"aq")
    assert (folder / "walk.state").exists()


@of("--save-state", "a.state", "spin.rom")
def test_a_signal_saves_the_state(started: Terminal, folder: Path) -> None:
    started.until(b"\x1b[?1003h")
    started.process.send_signal(signal.SIGTERM)
    assert started.end() == 128 + signal.SIGTERM
    assert (folder / "a.state").exists()


@of("walk.rom")
def test_it_is_paused_stepped_and_slowed(started: Terminal) -> None:
    started.until("▀".encode())
    started.type(b"\x1b[20~")
    started.until(b"paused")
    started.type(b"a")
    started.type(b"\x1b[21~\x1b[20~")
    started.until(b"goes on")
    started.type(b"\x1b[23~")
    started.until(b"speed 0.5")
    started.type(b"\x1b[24~\x1b[24~")
    started.until(b"speed 2")
    started.type(b"q")
    assert started.end() == 3
    assert started.seen.endswith(LEFT + b"aq")

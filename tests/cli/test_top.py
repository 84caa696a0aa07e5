"""``jitvm top``: looks at a live run, as text and as JSON."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from jitvm.cli import top
from jitvm.cli.exits import Exit
from jitvm.cli.main import main
from jitvm.dashboard.terminal import View
from tests.clock import HANGS

Capture = pytest.CaptureFixture[str]

COUNTING = """
|18 @out
|0100 @main #0000
    &outer #0000 &loop INC2 DUP2 #ffff NEQ2 ?&loop POP2 INC2 DUP2 #0400 NEQ2 ?&outer POP2
    LIT "e .out DEO #0a .out DEO BRK
"""
ENDLESS = "|0100 @main #0000 &loop INC2 !&loop"
ECHO = """
|10 @Console &vector $2 &read $1 &pad $4 &type $1 &write $1
|0100 ;on-byte .Console/vector DEO2 BRK
@on-byte .Console/type DEI #04 EQU ?&end .Console/read DEI .Console/write DEO BRK
    &end #80 #0f DEO BRK
"""


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JITVM_KEEP", "0")
    Path("count.tal").write_text(COUNTING)
    Path("endless.tal").write_text(ENDLESS)
    Path("echo.tal").write_text(ECHO)


def test_the_last_look_has_the_whole_run(capfd: Capture) -> None:
    arguments = ["--json", "--exact", "--interval", "3600", "-O", "background=0"]
    assert main(["top", *arguments, "count.tal"]) == Exit.OK
    (line,) = capfd.readouterr().out.splitlines()
    view = json.loads(line)
    figures = view["figures"]
    assert view["activity"] == "ended"
    assert figures["executed"] > 4 * 0x400 * 0xFFFF
    assert 0 < figures["native"] <= figures["executed"]
    assert sum(row[4] for row in view["regions"]) <= figures["native"]
    assert view["regions"][0][0].startswith("main/")


def test_a_look_is_made_every_interval_until_ctrl_c(
    capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[View] = []
    show = top._Lines._show

    def see(lines: top._Lines, view: View) -> None:
        show(lines, view)
        shown.append(view)
        if [bool(each.regions and each.exits) for each in shown].count(True) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(top._Lines, "_show", see)
    assert main(["top", "--interval", "0.05", "endless.tal"]) == Exit.OK
    text = capfd.readouterr().out
    assert len(shown) >= 4, "and a last time in the end"
    assert text.count("endless.tal: running") >= 3
    assert "main/loop #" in text
    assert "exits taken most" in text


def test_it_ends_when_the_time_is_up() -> None:
    assert main(["top", "--time-limit", "0.05", "endless.tal"]) == Exit.OK


def test_standard_input_comes_from_a_file_and_output_is_shown(capfd: Capture) -> None:
    Path("words").write_text("some words\nmore\x1b[31m")
    assert main(["top", "--input", "words", "echo.tal"]) == Exit.OK
    text = capfd.readouterr().out
    assert "some words" in text
    assert "more [31m" in text
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("none.tal",), "no such file"),
        (("--interval", "0", "echo.tal"), "0 is not a number of seconds"),
        (("--top", "x", "echo.tal"), "not a number of rows"),
        (("--input", "nothing", "echo.tal"), "--input nothing: cannot be read"),
        (("-O", "what=1", "echo.tal"), "there is no parameter"),
    ],
)
def test_mistakes_are_told(capfd: Capture, arguments: tuple[str, ...], message: str) -> None:
    assert main(["top", *arguments]) == Exit.USAGE
    assert message in capfd.readouterr().err


def test_a_terminal_is_drawn_over(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "jitvm", "top", "--interval", "0.2", "count.tal"]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "40"}
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdin=subprocess.DEVNULL, stdout=theirs,
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    try:
        while part := _read(ours):
            shown += part
        assert process.wait(HANGS) == Exit.OK
    finally:
        process.kill()
        os.close(ours)
    assert b"\x1b[" in shown
    assert b"count.tal: ended" in shown
    assert b"Traceback" not in shown


def _read(descriptor: int) -> bytes:
    """What a terminal shows next; nothing when the program behind it has ended."""
    try:
        return os.read(descriptor, 65536)
    except OSError:
        return b""

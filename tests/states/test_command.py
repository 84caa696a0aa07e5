"""``jitvm run --save-state`` and ``--load-state``."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from jitvm.cli import main
from jitvm.cli.exits import Exit
from jitvm.guests.uxn.assembler import assemble
from tests.clock import HANGS
from tests.states.test_whole import ECHO, SCREEN

COUNT = """|0100 LIT "< #18 DEO #0000 &l INC2 DUP2 #4000 NEQ2 ?&l POP2
    LIT "> #18 DEO #85 #0f DEO BRK"""
FOREVER = """|0100 LIT "< #18 DEO &l !&l"""

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _in_a_fresh_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def program(source: str, name: str = "p.rom") -> str:
    Path(name).write_bytes(assemble(source, name="p.tal").rom)
    return name


def error(capfd: Capture, *arguments: str, code: int = 2) -> str:
    assert main(["run", *arguments]) == code
    found = re.fullmatch(r"jitvm: error: (.*)\n", capfd.readouterr().err)
    assert found
    return found[1]


def test_a_run_that_was_limited_goes_on_at_another_tier(capfd: Capture) -> None:
    name = program(COUNT)
    for tiers in (("jit", "reference"), ("interpreter", "jit"), ("reference", "interpreter")):
        limited = ["run", "--tier", tiers[0], "--max-instructions", "20000"]
        assert main([*limited, "--save-state", "a", name]) == Exit.INSTRUCTION_LIMIT
        assert capfd.readouterr().out == "<"
        assert main(["run", "--tier", tiers[1], "--load-state", "a", name]) == 5
        assert capfd.readouterr().out == ">"


def test_a_program_that_has_ended_is_over(capfd: Capture) -> None:
    name = program(COUNT)
    assert main(["run", "--save-state", "a", name]) == 5
    assert main(["run", "--load-state", "a", "--save-state", "a", name]) == 5
    assert capfd.readouterr().out == "<>"


def test_standard_input_is_read_on(monkeypatch: pytest.MonkeyPatch, capfd: Capture) -> None:
    name = program(ECHO)
    Path("in.txt").write_bytes(b"abcdefgh")
    first = ["run", "--max-instructions", "60", "--save-state", "a"]
    outputs = []
    whole = ["run", name, "one"]
    for arguments in ([*first, name, "one"], ["run", "--load-state", "a", name], whole):
        with open("in.txt") as stream:
            monkeypatch.setattr(sys, "stdin", stream)
            main(arguments)
        outputs.append(capfd.readouterr().out)
    assert outputs[0] + outputs[1] == outputs[2]
    assert all(outputs)


@pytest.mark.parametrize("tier", ["jit", "reference"])
def test_frames_go_on(tier: str) -> None:
    name = program(SCREEN)
    Path("in.txt").write_bytes(bytes(range(65, 91)))
    Path("keys").write_text('2 press left A\n3 text "0"\n9 release left\n14 down 1\n')
    shown = ["run", "--headless", "--input", "keys", "--tier", tier]
    assert main([*shown, "--frames", "20", "--hash-frames", "whole", name]) == 0
    assert main([*shown, "--frames", "8", "--save-state", "a", "--hash-frames", "one", name]) == 0
    rest = [*shown, "--frames", "12", "--load-state", "a", "--hash-frames", "two", name]
    assert main(rest) == 0
    both = Path("one").read_text() + Path("two").read_text()
    assert both.splitlines() == Path("whole").read_text().splitlines()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_interrupted_is_saved(number: int) -> None:
    name = program(FOREVER)
    command = [sys.executable, "-m", "jitvm", "run", "--save-state", "a", name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.read(1) == b"<"
        process.send_signal(number)
        _, errors = process.communicate(timeout=HANGS)
    assert (process.returncode, errors) == (128 + number, b"")
    assert main(["run", "--load-state", "a", "--max-instructions", "9", name]) == 125
    assert os.listdir() == ["p.rom", "a"] or os.listdir() == ["a", "p.rom"]


def test_a_run_that_waits_for_input_is_saved() -> None:
    name = program(ECHO)
    command = [sys.executable, "-m", "jitvm", "run", "--save-state", "a", name]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as process:  # type: ignore[call-overload]
        process.stdin.write(b"x")
        process.stdin.flush()
        seen = b""
        while not seen.endswith(b"1xy"):
            seen += process.stdout.read(1)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=HANGS)
    assert (process.returncode, errors) == (130, b"")
    done = subprocess.run(
        [sys.executable, "-m", "jitvm", "run", "--load-state", "a", name],
        input=b"z", capture_output=True, check=True,
    )  # fmt: skip
    assert done.stdout == b"1z{4\0\1"


def test_interrupted_frames_go_on_exactly() -> None:
    """Wherever a signal comes, also in Python between two vectors."""
    name = program(SCREEN)
    Path("in.txt").write_bytes(random.Random(1).randbytes(1_000_000))
    command = [sys.executable, "-m", "jitvm", "run", "--headless", "--hash-frames"]
    first = [*command, "one", "--save-state", "a", name]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(first, bufsize=0, **pipes) as process:  # type: ignore[call-overload]
        written = b""
        while len(written) < 50:
            written += process.stdout.read(50)
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=HANGS)
    assert (process.returncode, errors) == (130, b"")
    count = len(Path("one").read_text().splitlines()) + 30
    go_on = [*command, "two", "--load-state", "a", "--frames", "30", name]
    written += rest + subprocess.run(go_on, capture_output=True, check=True).stdout
    whole = [*command, "whole", "--frames", str(count), name]
    assert written == subprocess.run(whole, capture_output=True, check=True).stdout
    hashes = [Path(each).read_text() for each in ("one", "two", "whole")]
    assert hashes[0] + hashes[1] == hashes[2]


# -- what is refused -----------------------------------------------------------------------------


def test_bad_states_are_told_and_nothing_is_lost(capfd: Capture) -> None:
    name, other = program(COUNT), program(FOREVER, "other.rom")
    main(["run", "--save-state", "a", name])
    capfd.readouterr()
    assert error(capfd, "--load-state", "a", other) == (
        "--load-state a: is a state of another program, p.rom, or it has changed"
    )
    assert error(capfd, "--load-state", "none", name).startswith("--load-state none: cannot be rea")
    data = Path("a").read_bytes()
    Path("cut").write_bytes(data[:-1])
    assert error(capfd, "--load-state", "cut", name) == (
        "--load-state cut: is damaged, or its end is missing"
    )
    assert error(capfd, "--load-state", "cut", "--save-state", "a", name)
    assert Path("a").read_bytes() == data


def test_a_place_that_cannot_be_written_is_told_before_it_runs(capfd: Capture) -> None:
    name = program(COUNT)
    message = error(capfd, "--save-state", "none/a", name, code=1)
    assert message.startswith("none/a: cannot be written: No such file or directory")
    message = error(capfd, "--save-state", name, name)
    assert message == "--save-state p.rom: is the program as well; name another file"


@pytest.mark.parametrize(
    "options",
    [
        ("--replay", "x", "--load-state", "y"),
        ("--replay", "x", "--save-state", "y"),
        ("--record-session", "x", "--load-state", "y"),
    ],
)
def test_sessions_begin_at_the_start(capfd: Capture, options: tuple[str, ...]) -> None:
    assert f"{options[0]} does not go with {options[2]}: " in error(capfd, *options, program(COUNT))


def test_a_guest_of_another_tier_and_options(capfd: Capture) -> None:
    Path("a.ch8").write_bytes(bytes.fromhex("7001 1200"))
    shown = ["--headless", "--frames", "2"]
    assert main(["run", *shown, "-G", "speed=9", "--save-state", "s", "a.ch8"]) == 0
    assert "speed=9" in error(capfd, *shown, "--load-state", "s", "a.ch8")
    again = ["run", *shown, "-G", "speed=9", "--load-state", "s", "--tier", "reference", "a.ch8"]
    assert main(again) == 0

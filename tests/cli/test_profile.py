"""``jitvm profile`` and ``--jit-log``: what they print and write, and what they say of mistakes."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path

import pytest

from jitvm.cli import main
from jitvm.cli.exits import Exit, Failure
from jitvm.cli.jitlog import Told
from jitvm.guests.uxn.varvara import Computer
from jitvm.guests.uxn.varvara.program import load_program
from jitvm.profiling import Profile

SOURCE = """
|0100 @on-reset
    #0000 &loop INC2 DUP2 #fffe NEQ2 ?&loop POP2
    LIT "! #18 DEO #800f DEO BRK
"""
TURNS = 0xFFFE
TOTAL = 1 + 5 * TURNS + 1 + 3 + 2
"""The first literal, five instructions a turn, POP2, LIT LIT DEO, LIT2 DEO, without BRK."""
SCREEN = """
|0100 #0000 #28 DEO2 ;on-frame #20 DEO2 BRK
@on-frame #00 &more INC DUP #f0 NEQ ?&more POP BRK
"""
Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _in_a_fresh_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    Path("loop.tal").write_text(SOURCE)


def profile(capfd: Capture, *arguments: str) -> str:
    assert main(["profile", "-O", "background=0", *arguments]) == Exit.OK
    return capfd.readouterr().out


def refused(capfd: Capture, *arguments: str) -> str:
    assert main(["profile", *arguments]) in (Exit.USAGE, Exit.FAILURE)
    captured = capfd.readouterr()
    assert "Traceback" not in captured.err
    return captured.err


def test_the_summary_begins_with_the_one_number(capfd: Capture) -> None:
    out = profile(capfd, "--exact", "loop.tal")
    first = out.splitlines()[0]
    assert "of all instructions were executed in native code" in first
    assert "on-reset/loop" in out
    assert "loop.tal:3" in out
    assert "!" not in first, "the program's output is dropped"


def test_json_counts_to_the_instruction(capfd: Capture) -> None:
    content = json.loads(profile(capfd, "--exact", "--json", "loop.tal"))
    assert content["instructions"] in (TOTAL, TOTAL + 1)
    assert sum(row["instructions"] for row in content["tiers"]) == content["instructions"]
    assert content["native_share"] > 0.5
    assert content["title"] == "loop.tal"


def test_max_instructions_stops_exactly(capfd: Capture) -> None:
    content = json.loads(
        profile(capfd, "--exact", "--json", "--max-instructions", "12345", "loop.tal")
    )
    assert content["instructions"] == 12345


def test_opcodes_are_counted_without_the_jit(capfd: Capture) -> None:
    content = json.loads(profile(capfd, "--opcodes", "--json", "loop.tal"))
    assert content["native_share"] == 0
    assert {row["name"]: row["executed"] for row in content["opcodes"]}["NEQ2"] == TURNS


def test_sampling_says_what_it_is(capfd: Capture) -> None:
    Path("loops.tal").write_text(
        "|0100 #0000 &laps #0000 &loop INC2 ORAk ?&loop POP2 INC2 DUP2 #0600 LTH2 ?&laps #800f DEO"
    )
    out = profile(capfd, "--no-jit", "loops.tal")
    assert "instructions were executed" not in out
    assert "~ sampled" in out


def test_a_run_too_short_for_a_sample_is_counted(
    capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SPOT_INTERVAL", "STOP_INTERVAL"):  # any is, where the computer is busy
        monkeypatch.setattr(f"jitvm.profiling.collector.{name}", 3600.0)
    Path("short.tal").write_text("|0100 #0102 ADD POP #800f DEO BRK")
    out = profile(capfd, "short.tal")
    assert out.startswith("0.0% of all instructions were executed in native code: 0 of 6\n")
    assert "ended before the first sample" in out
    content = json.loads(profile(capfd, "--json", "short.tal"))
    assert (content["instructions"], content["native_share"]) == (6, 0)
    assert [row["instructions"] for row in content["tiers"]] == [0, 6]
    assert profile(capfd, "--format", "openmetrics", "short.tal").endswith("# EOF\n")


def test_counting_ends_with_the_profile() -> None:
    machine = Computer(b"\0").machine
    with Profile(machine):
        assert machine.counting_interpreted
    assert not machine.counting_interpreted


def test_a_report_and_a_format_go_to_files(capfd: Capture) -> None:
    out = profile(capfd, "--report", "r.html", "--format", "speedscope", "-o", "s.json", "loop.tal")
    assert out == ""
    assert Path("r.html").read_text().startswith("<!doctype html>")
    assert json.loads(Path("s.json").read_text())["name"] == "loop.tal"


def test_a_format_goes_to_standard_output(capfd: Capture) -> None:
    assert profile(capfd, "--format", "openmetrics", "loop.tal").endswith("# EOF\n")


def test_output_of_the_program_goes_where_it_is_told(capfd: Capture) -> None:
    profile(capfd, "--output", "out.txt", "loop.tal")
    assert Path("out.txt").read_bytes() == b"!"


def test_a_program_with_a_screen_runs_frames(capfd: Capture) -> None:
    Path("screen.tal").write_text(SCREEN)
    Path("play.txt").write_text("")
    arguments = ("--exact", "--json", "--frames", "20", "--input", "play.txt", "screen.tal")
    content = json.loads(profile(capfd, *arguments))
    assert content["instructions"] > 20 * 5 * 0xF0


def test_frames_get_standard_input(capfd: Capture) -> None:
    Path("both.tal").write_text(
        "|0100 ;on-frame #20 DEO2 ;on-console #10 DEO2 #0000 #28 DEO2 BRK @on-frame BRK "
        '@on-console #17 DEI #04 EQU ?{ #12 DEI #18 DEO BRK } LIT "! #18 DEO #800f DEO BRK'
    )
    Path("typed.txt").write_bytes(b"typed")
    with open("typed.txt") as given, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", given)
        profile(capfd, "--headless", "--frames", "9", "--output", "out.txt", "both.tal")
    assert Path("out.txt").read_bytes() == b"typed!"


@pytest.mark.parametrize("tier", ["reference", "interpreter", "ir"])
def test_any_tier_and_a_fixed_clock(capfd: Capture, tier: str) -> None:
    Path("year.tal").write_text("|0100 #c0 DEI2 #18 DEO #18 DEO #800f DEO BRK")
    arguments = ("--tier", tier, "--clock", "2024-02-29", "--exact", "--json", "--output", "out")
    content = json.loads(profile(capfd, *arguments, "year.tal"))
    assert content["native_share"] == 0
    assert Path("out").read_bytes() == bytes([2024 & 0xFF, 2024 >> 8])


def test_files_for_perf(capfd: Capture) -> None:
    perf_map = Path(f"/tmp/perf-{os.getpid()}.map")
    try:
        profile(capfd, "--perf-map", "--jitdump", ".", "loop.tal")
        assert "on-reset/loop #" in perf_map.read_text()
    finally:
        perf_map.unlink(missing_ok=True)
    assert Path(f"jit-{os.getpid()}.dump").stat().st_size > 1000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("none.tal",), "no such file"),
        (("-o", "x", "loop.tal"), "name a format"),
        (("--json", "--format", "jsonl", "loop.tal"), "--json is a format of its own"),
        (("--max-instructions", "9", "loop.tal"), "add --exact"),
        (("--input", "none.txt", "loop.tal"), "none.txt"),
        (("--output", "no/where", "loop.tal"), "cannot be written"),
        (("--report", "no/where", "loop.tal"), "cannot be written"),
        (("--jitdump", "no/where", "loop.tal"), "cannot be written"),
        (("-O", "what=1", "loop.tal"), "there is no parameter"),
        (("--sandbox", "nowhere", "loop.tal"), "is not a folder"),
        (("--exact", "--opcodes", "loop.tal"), "not allowed"),
    ],
)
def test_mistakes_are_told(capfd: Capture, arguments: tuple[str, ...], message: str) -> None:
    try:
        err = refused(capfd, *arguments)
    except SystemExit:
        err = capfd.readouterr().err
    assert message in err


def test_a_jit_log_has_a_line_for_each_event() -> None:
    from jitvm.engine.tables.params import Parameters

    program = load_program("loop.tal")
    computer = Computer(program.rom, params=Parameters(background=0))
    with Told(computer.machine, program.place, log="jit.log"):
        computer.run_console()
    lines = Path("jit.log").read_text().splitlines()
    kinds = [line.split()[1] for line in lines]
    assert kinds[:4] == ["hot", "recorded", "compiled", "installed"]
    assert all("0103 on-reset/loop" in line for line in lines[:2])


def test_no_log_is_no_listener() -> None:
    program = load_program("loop.tal")
    computer = Computer(program.rom)
    with Told(computer.machine, program.place):
        assert computer.machine.listener is None


def test_a_log_that_cannot_be_written_is_told() -> None:
    program = load_program("loop.tal")
    computer = Computer(program.rom)
    told = Told(computer.machine, program.place, log="no/where")
    with pytest.raises(Failure, match="cannot be written"), told:
        pass


def test_debuggers_are_told_where_they_are_asked_for(capfd: Capture) -> None:
    profile(capfd, "--gdb", "loop.tal")
    program = load_program("loop.tal")
    computer = Computer(program.rom)
    with Told(computer.machine, program.place, gdb=True):
        assert computer.machine.listener is not None
    assert computer.machine.listener is None

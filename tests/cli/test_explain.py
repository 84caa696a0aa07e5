"""``jitvm explain`` and ``jitvm params``: what they tell of hot code, and of code that is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jitvm.cli import main
from jitvm.cli.exits import Exit
from jitvm.engine.ir.text import parse, show
from jitvm.engine.machine.explain import keep_text, why_none
from jitvm.engine.machine.machine import Tier
from jitvm.engine.tables.params import LIMITS, Parameters
from jitvm.engine.tables.reasons import Reason
from jitvm.guests.uxn.varvara import Computer
from tests.clock import HANGS

SOURCE = """
|0100 @on-reset
    #0000 &loop INC2 DUP2 #fffe NEQ2 ?&loop POP2
    #800f DEO BRK
@never "text
"""
PATIENT = ("--time-limit", f"{HANGS}")
"""The programs end by themselves, which the usual two seconds may not be enough for."""
Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _in_a_fresh_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("loop.tal").write_text(SOURCE)


def explain(capfd: Capture, *arguments: str) -> str:
    assert main(["explain", "loop.tal", *arguments, *PATIENT]) == Exit.OK
    return capfd.readouterr().out


def test_all_stages_of_the_hottest_loop(capfd: Capture) -> None:
    out = explain(capfd)
    assert out.startswith("region at 0103 (on-reset/loop)")
    assert "> 0103  INC2" in out
    assert 'graph "region 0103"' in out
    assert "define internal preserve_nonecc void @region_0103" in out
    assert "region_0103:" in out
    assert "BRANCH     to on-reset/loop+9" in out


def test_exits_are_counted(capfd: Capture) -> None:
    exits = json.loads(explain(capfd, "on-reset/loop", "--json", "--stage", "guest"))["exits"]
    assert {exit_["reason"]: exit_["times"] for exit_ in exits}["BRANCH"] == 1


def test_one_stage_at_an_address_inside(capfd: Capture) -> None:
    out = explain(capfd, "0104", "--stage", "ir")
    assert 'graph "region 0103"' in out
    assert "-- asm" not in out


def test_the_list(capfd: Capture) -> None:
    assert explain(capfd, "--list").startswith("0103  on-reset/loop")


def test_an_address_that_is_not_native(capfd: Capture) -> None:
    out = explain(capfd, "@never")
    assert out.startswith("0112 (never) is not native: it was not executed while hot code")
    assert "what to do:" in out


def test_where_a_region_ends(capfd: Capture) -> None:
    out = explain(capfd, "010c")
    assert "the region at 0103 ends here, 1 times so far" in out


SCREEN = """
|0100 #0000 #28 DEO2 ;on-frame #20 DEO2 ;on-console #10 DEO2 BRK
@on-frame #0000 &more INC2 DUP2 #00f0 NEQ2 ?&more POP2 BRK
@on-console #12 DEI #18 DEO BRK
"""


@pytest.mark.parametrize("given", ["", "typed"])
def test_a_program_with_a_screen_gets_frames(capfd: Capture, given: str) -> None:
    Path("screen.tal").write_text(SCREEN)
    Path("input.txt").write_text(given)
    arguments = ["--list", "--frames", "40", "--input", "input.txt", *PATIENT]
    assert main(["explain", "screen.tal", *arguments]) == Exit.OK
    assert "0113  on-frame " in capfd.readouterr().out


def test_arguments_and_scripts_are_what_makes_it_hot(capfd: Capture) -> None:
    loop = "#0000 &more INC2 DUP2 #fff0 NEQ2 ?&more POP2 BRK"
    Path("asked.tal").write_text(
        f'|0100 ;on-console #10 DEO2 BRK @on-console #12 DEI LIT "x EQU ?&go BRK &go {loop}'
    )
    Path("keyed.tal").write_text(f"|0100 ;on-key #80 DEO2 BRK @on-key {loop}")
    Path("keys.txt").write_text("2 key x\n")
    for words in (["asked.tal", "--arg", "a", "--arg", "x"], ["keyed.tal", "--script", "keys.txt"]):
        assert main(["explain", *words, "--list", "--no-files", *PATIENT]) == Exit.OK
        assert "/more" in capfd.readouterr().out
        assert main(["explain", words[0], "--list", "--frames", "3"]) == Exit.OK
        assert "no region" in capfd.readouterr().out


def test_a_list_of_nothing_says_why(capfd: Capture) -> None:
    out = explain(capfd, "--list", "-O", "hot=65535")
    assert out.startswith("no region: no place in it was jumped to 65535 times")
    assert "what to do: run it longer" in out
    facts = json.loads(explain(capfd, "--list", "--json", "-O", "hot=65535"))
    assert (facts["regions"], facts["why"].split()[0]) == ([], "no")


def test_why_there_is_no_region_names_what_was_refused() -> None:
    machine = Computer(b"\0", tier=Tier.JIT).machine
    keep_text(machine, {})
    assert "no place in it" in why_none(machine).what
    assert machine.jit is not None
    statistics = machine.jit.statistics
    statistics.recordings = 3
    assert "before a loop was seen" in why_none(machine).what
    reason = next(iter(Reason))
    statistics.refused[reason.name] = 2
    assert why_none(machine).what.endswith(reason.value.what)
    assert why_none(machine).advice == reason.value.advice


def test_nothing_hot(capfd: Capture) -> None:
    assert main(["explain", "loop.tal", "-O", "hot=65535"]) == Exit.FAILURE
    assert "nothing in it became hot" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "nowhere is neither a label of the program nor an address"),
        (["10000"], "10000 is neither"),
        (["-O", "hot"], "takes NAME=VALUE"),
        (["-O", "heat=1"], "there is no parameter 'heat'"),
        (["-O", "hot=0"], "hot is between 1 and 65535"),
        (["--input", "missing.txt"], "--input missing.txt: cannot be read"),
        (["--script", "missing.txt"], "missing.txt: cannot be read"),
        (["--sandbox", "missing"], "--sandbox missing: is not a folder"),
        (["--time-limit", "0"], "0 is not a number of seconds above 0"),
    ],
)
def test_bad_arguments(capfd: Capture, arguments: list[str], message: str) -> None:
    assert main(["explain", "loop.tal", *arguments]) == Exit.USAGE
    assert message in capfd.readouterr().err


def test_params_lists_every_row(capfd: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JITVM_HOT", "77")
    assert main(["params", "--json"]) == Exit.OK
    rows = {row["name"]: row for row in json.loads(capfd.readouterr().out)}
    assert list(rows) == list(LIMITS)
    assert (rows["hot"]["value"], rows["hot"]["default"]) == (77, Parameters().hot)
    assert rows["hot"]["unit"] == "jumps"


def test_params_marks_what_the_environment_changed(
    capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JITVM_HOT", "77")
    main(["params"])
    marked = [line.split()[0] for line in capfd.readouterr().out.splitlines() if " * " in line]
    assert marked == ["hot"]


@pytest.mark.parametrize("columns", ["40", "80", "200"])
def test_params_keeps_columns_apart(
    capfd: Capture, monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("JITVM_EXIT_HOT", str(1 << 30))
    main(["params"])
    lines = capfd.readouterr().out.splitlines()
    assert len(lines) == len(LIMITS)
    for line, (name, limit) in zip(lines, LIMITS.items(), strict=True):
        assert line.split()[0] == name
        assert f" {limit.low} to {limit.high} {limit.unit}  " in line
        assert line.endswith(f"  {limit.why}")
    starts = {line.rindex(limit.why) for line, limit in zip(lines, LIMITS.values(), strict=True)}
    assert len(starts) == 1


def test_params_complains_of_the_environment(
    capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JITVM_HOT", "many")
    assert main(["params"]) == Exit.USAGE
    told = capfd.readouterr().err
    assert "in the environment: hot is a whole number of jumps, not 'many'" in told


def test_the_dump_switch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JITVM_DUMP", str(tmp_path / "dump"))
    assert main(["explain", "loop.tal", "--stage", "guest"]) == Exit.OK
    stages = {path.name.partition("-")[2]: path.read_text() for path in tmp_path.glob("dump/*")}
    assert set(stages) == {"0103.formed.ir", "0103.ir", "0103.ll", "0103.s"}
    assert show(parse(stages["0103.ir"])) == stages["0103.ir"]
    assert "@region_0103" in stages["0103.ll"]
    assert "region_0103:" in stages["0103.s"]

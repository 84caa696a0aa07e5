"""Commands as users type them, at every tier; and the command line around them."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from jitvm.cli.exits import Exit
from jitvm.cli.main import main
from jitvm.debugger.commands import TABLE, CommandError, Commands
from jitvm.engine.machine.machine import Tier
from tests.debugger.walking import CASES, Case, debugger_of

PROGRAM = """|00 @count $1
|0100 @main
    #0300 ,&n STR2
    &loop
        half
        [ LIT2 &n $2 ] POP2
        .count LDZ INC .count STZ
        .count LDZ #06 LTH ?&loop
    .count LDZ #18 DEO #18 DEI POP
    BRK
@half ( -- )
    #10 quarter
    POP
    JMP2r
@quarter ( a -- b )
    #02 SFT JMP2r
"""
CASE = Case("half.tal", PROGRAM.encode())


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("half.tal").write_text(PROGRAM)
    return "half.tal"


def script(lines: str, tier: Tier = Tier.INTERPRETER, case: Case = CASE) -> list[str]:
    """What commands show, all together."""
    commands, shown = Commands(debugger_of(case, tier)), list[str]()
    for line in lines.splitlines():
        try:
            shown += commands.execute(line.strip()).lines
        except CommandError as error:
            shown.append(f"error: {error}")
    return shown


@pytest.mark.parametrize("tier", Tier)
def test_a_session(tier: Tier) -> None:
    shown = script(
        """
        break quarter if [@count] == 3
        c
        p [@count]
        bt
        finish
        p wst[0]
        rfin
        watch count
        c
        rc
        c
        delete
        tbreak main/loop
        rc
        info history
        """,
        tier,
    )
    text = "\n".join(shown)
    assert "1: breakpoint 0x012f quarter, if [@count] == 3, hit 0 times" in text
    assert shown[1:4] == ["breakpoint 1, 0x012f quarter", "0x012f quarter  #02",
                          "half.tal:16  "]  # fmt: skip
    assert shown[4] == "3"
    assert [row.split()[2] for row in shown[5:8]] == ["quarter", "half+2", "main/loop"]
    assert shown[8] == "0x012d half+5  POP"
    assert "0x0000 count: 03 -> 04" in shown


@pytest.mark.parametrize("tier", Tier)
def test_lines_forwards_and_backwards(tier: Tier) -> None:
    """Of each stop the last line names the file and the line."""
    commands = Commands(debugger_of(CASE, tier))

    def line(command: str) -> int:
        return int(commands.execute(command).lines[-1].split(":")[1].split()[0])

    assert [line("s") for _ in range(3)] == [5, 12, 16]
    assert [line(each) for each in ("rs", "rs", "rs")] == [12, 5, 3]
    assert [line("n") for _ in range(4)] == [5, 6, 7, 8]
    assert [line("rn") for _ in range(3)] == [7, 6, 5]
    assert [line(each) for each in ("until quarter", "fin", "fin")] == [16, 13, 6]
    assert line("goto 0") == 3


@pytest.mark.parametrize("tier", Tier)
def test_every_kind_of_watch(tier: Tier) -> None:
    shown = script(
        """
        opcode SFT if [@count] == 1
        c
        delete
        port w 0x18
        port r 0x18
        c
        c
        delete
        goto 0
        rwatch [0],2
        c
        who [0]
        wwatch [0] if value == 2
        delete 4
        c
        who [0]
        set [0] = 0x55
        p [0]
        who [0]
        c
        """,
        tier,
    )
    text = "\n".join(shown)
    assert "breakpoint 1, SFT" in text
    assert "port 18 written: 06" in text
    assert "port 18 read: 06" in text
    assert "reads 0x0000 count: 00" in text
    assert "nobody has written [0]" in text
    assert "0x0000 count: 01 -> 02" in text
    assert "at time 37: 0x0113 main/n+9  STZ" in text
    assert "at time 38: you have" in text
    assert "85 0x55 'U'" in text
    assert "exit code" in text


@pytest.mark.parametrize("tier", Tier)
def test_backwards_past_writes_that_a_watch_lets_pass(tier: Tier) -> None:
    """Those that its condition does not hold for, and those of a watch that only prints."""
    shown = script(
        """
        watch [0] if value == 3
        watch [0]
        log 2 written
        c
        c
        rc
        rc
        """,
        tier,
    )
    assert shown.count("0x0000 count: 02 -> 03") == 2, "there, and back"
    assert shown.count("breakpoint 1, [0]") == 2
    assert shown.count("this is the start; nothing is before it") == 1


def test_nobody_is_named_by_a_search_that_was_interrupted() -> None:
    debugger = debugger_of(CASE, Tier.INTERPRETER)
    commands = Commands(debugger)
    commands.execute("si 50")
    debugger.history.is_wanted = lambda: True
    with pytest.raises(CommandError, match="it was interrupted"):
        commands.execute("who [0]")
    assert debugger.history.time == 50
    debugger.history.is_wanted = lambda: False
    assert "at time 37" in commands.execute("who [0]").lines[0]


def test_breakpoints_that_print_ignore_and_rest() -> None:
    logged: list[str] = []
    debugger = debugger_of(CASE, Tier.JIT)
    debugger.armed.log = logged.append
    commands = Commands(debugger)
    for line in ("break half", "log 1 count {[@count]} of {1 / 0}", "break quarter",
                 "ignore 2 2", "c"):  # fmt: skip
        commands.execute(line)
    assert logged == ["count 0 of {division by zero}", "count 1 of {division by zero}",
                      "count 2 of {division by zero}"]  # fmt: skip
    commands.execute("disable 1")
    assert "disabled" in "\n".join(commands.execute("info breakpoints").lines)
    commands.execute("delete 2")
    assert commands.execute("c").stopped.reason == "ended"  # type: ignore[union-attr]
    assert len(logged) == 3


def test_undo_goes_back_to_where_one_was() -> None:
    commands = Commands(debugger_of(CASE, Tier.JIT))
    for line in ("si 5", "si 7", "c"):
        commands.execute(line)
    times = []
    for _ in range(3):
        commands.execute("undo")
        times.append(commands.debugger.history.time)
    assert times == [12, 5, 0]
    with pytest.raises(CommandError, match="nothing to undo"):
        commands.execute("undo")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("fly", "no command fly"), ("break nowhere", "no label nowhere"), ("break 999", "line 999"),
        ("break *", "value is missing"), ("opcode FLY", "no opcode FLY"), ("watch 5", "no memory"),
        ("watch wst[0]", "only memory"), ("port x 3", "port r"), ("port r 256", "nothing"),
        ("condition 9 1", "no breakpoint 9"), ("log", "no breakpoint"), ("si 0", "from 1 on"),
        ("si -1", "from 1 on"), ("goto -1", "begin with 0"), ("set 5", "set WHAT"),
        ("set foo = 1", "no register foo"), ("set 5 = 1", "no memory"), ("x nowhere", "nothing"),
        ("info nothing", "nothing called"), ("help fly", "no command"),
        ("delete x", "no breakpoint"),
        ("events fly", "fly"), ("p [", "missing"), ("enable", "no breakpoint"),
        ("break main if nobody", "nothing called nobody"), (r"input \x", "no text"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_told_and_changes_nothing(line: str, said: str) -> None:
    commands = Commands(debugger_of(CASE, Tier.REFERENCE))
    with pytest.raises(CommandError, match=said):
        commands.execute(line)
    assert commands.debugger.history.time == 0
    assert not commands.debugger.table.rows


def test_each_command_is_there_and_has_help() -> None:
    commands = Commands(debugger_of(CASE, Tier.REFERENCE))
    assert len(commands.execute("help").lines) == len(TABLE)
    for row in TABLE:
        assert callable(getattr(commands, row.method))
        assert commands.execute(f"help {row.names.split()[0]}").lines


def test_memory_code_and_source_are_shown(program: str) -> None:
    assert program
    shown = script("x main 4\nx/2 [0x100]\ndis main 2\nlist half\nlist\ninfo ports\ninfo")
    assert shown[0].startswith("0100  a0 03 00 80 ")
    assert shown[1].startswith("0100  a0 03 ")
    assert shown[2].startswith("> 0100  a00300   #0300")
    assert any(row.endswith("@half ( -- )") for row in shown)


def test_input_and_its_end() -> None:
    case = Case("echo.tal", b"|0100 ;on #10 DEO2 BRK @on #12 DEI #18 DEO BRK")
    out = bytearray()
    debugger = debugger_of(case, Tier.JIT, out)
    debugger.history.source._is_whole = False
    commands = Commands(debugger)
    assert commands.execute("c").stopped.reason == "input"  # type: ignore[union-attr]
    commands.execute(r"input a\x41\n")
    commands.execute("c")
    commands.execute("eof")
    assert commands.execute("c").stopped.reason == "ended"  # type: ignore[union-attr]
    assert bytes(out) == b"aA\n\0"


# -- the command line ----------------------------------------------------------------------------


def test_commands_from_options_files_and_a_pipe(
    program: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("begin.txt").write_text("# a comment\n\nbreak half\n")
    monkeypatch.setattr(sys, "stdin", io.StringIO("p time\nq\np 7\n"))
    assert main(["debug", "--command", "begin.txt", "-e", "c", program]) == Exit.OK
    out = capfd.readouterr().out.splitlines()
    assert out[0] == "0x0100 main  #0300"
    assert out[-1] == "4"


def test_json_is_a_line_for_each_command(
    program: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("b half\nc\nfly\ndelete\nc\n"))
    assert main(["debug", "--json", program]) == Exit.FAILURE, "a command has failed"
    rows = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [row.get("command") for row in rows] == ["b half", "c", "fly", "delete", None, "c"]
    assert rows[1]["reason"] == "breakpoint"
    assert (rows[1]["breakpoints"], rows[1]["line"], rows[1]["time"]) == ([1], 12, 4)
    assert "no command" in rows[2]["failed"]
    assert rows[4] == {"output": "\x06"}
    assert rows[5]["reason"] == "ended"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["debug"], "PROGRAM"), (["debug", "nowhere.tal"], "nowhere.tal"),
        (["debug", "--command", "nowhere", "half.tal"], "nowhere"),
        (["debug", "--port", "99", "half.tal"], "--dap"),
        (["debug", "--input", "nowhere", "half.tal"], "nowhere"),
        (["debug", "--memory", "0", "half.tal"], "MiB"),
    ],
)  # fmt: skip
def test_wrong_usage_is_told(
    program: str, words: list[str], said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    del program
    assert main(words) == Exit.USAGE
    assert said in capfd.readouterr().err


def test_damaged_labels_are_told(program: str, capfd: pytest.CaptureFixture[str]) -> None:
    del program
    Path("half.rom").write_bytes(b"\0")
    Path("half.rom.sym").write_bytes(b"zz")
    assert main(["debug", "half.rom"]) == Exit.USAGE
    assert "half.rom.sym" in capfd.readouterr().err


def test_a_run_loads_nothing_of_it(program: str) -> None:
    code = ("import sys; from jitvm.cli.main import main; main(['run', sys.argv[1]]); "
            "print([name for name in sys.modules if 'debugger' in name])")  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code, program], capture_output=True, text=True, check=True
    )
    assert done.stdout.endswith("[]\n")


@pytest.mark.parametrize("tier", Tier)
def test_another_guest(tier: Tier) -> None:
    """CHIP-8: shares of instructions in place of vectors, registers in a space, no labels."""
    lines = "break *0x210 if state[0] == 5 && time > 20\nc\nbt\nfinish\nwatch [0x300]\nrc\nrc\nrc"
    shown = script(lines, tier, CASES["chip8"])
    assert shown[1:6] == ["breakpoint 1, 0x0210", "0x0210  ADD V1, 03", "#0  0x0210",
                          "#1  0x0208", "0x020a  ADD V0, 01"]  # fmt: skip
    assert shown[7:9] == ["breakpoint 1, 0x0210", "0x0210  ADD V1, 03"]
    assert shown[9:12] == ["breakpoint 2, [0x300]", "0x0300: 00 -> 05", "0x0206  LD V1, 01"]
    assert shown[12] == "this is the start; nothing is before it"


SAVER = """|0100 ;name #a8 DEO2 #0001 #aa DEO2 one one one BRK
@one ( -- ) ;byte #ac DEO2 LIT [ @byte $1 ] #18 DEO JMP2r
@name "in.txt 00
"""


def test_a_state_that_was_saved_is_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("in.txt").write_text("abc")
    Path("saver.tal").write_text(SAVER)
    words = ["break one", "continue", "continue", "continue", "save there"]
    given = [word for each in words for word in ("-e", each)]
    assert main(["debug", *given, "-e", "quit", "saver.tal"]) == 0
    capfd.readouterr()
    for tier in ("jit", "reference"):
        assert main(["run", "--tier", tier, "--load-state", "there", "saver.tal"]) == 0
        assert capfd.readouterr().out == "c"
    given += ["-e", "goto 0", "-e", "save early", "-e", "save", "-e", "quit"]
    assert main(["debug", *given, "saver.tal"]) == Exit.FAILURE
    errors = capfd.readouterr().err
    assert "it is in the past" in errors
    assert "say `save FILE`" in errors

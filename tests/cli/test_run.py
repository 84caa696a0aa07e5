"""``jitvm run``: arguments, limits, exit codes, reports, and every kind of bad input."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from jitvm.cli import main
from jitvm.cli.exits import Exit
from jitvm.guests.uxn.assembler import assemble
from jitvm.guests.uxn.platform import PLATFORM
from tests.clock import HANGS

HELLO = """
|0100 ;text &while LDAk #18 DEO INC2 LDAk ?&while POP2 #8005 #0f DEO POP BRK
@text "Hello 0a 00
"""
ECHO = "|0100 ;on #10 DEO2 BRK @on #12 DEI #18 DEO BRK"
SPIN = "|0100 &l !&l"


@pytest.fixture(autouse=True)
def _in_a_fresh_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def program(source: str, name: str = "p.rom") -> str:
    Path(name).write_bytes(assemble(source, name="p.tal").rom)
    return name


@contextmanager
def jitvm(*arguments: str, **options: object) -> Iterator[subprocess.Popen[bytes]]:
    """A process of its own, which does not outlive the block."""
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    command = [sys.executable, "-m", "jitvm", *arguments]
    with subprocess.Popen(command, **(pipes | options)) as process:  # type: ignore[call-overload]
        try:
            yield process
        finally:
            process.kill()


Capture = pytest.CaptureFixture[str]


# -- running -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "is_old"),
    [
        ("21 f0fe 01 08 37 00", True),  # #f0fe .System/r DEO2, by the numbers of 2021
        ("01 41 01 18 17 00", True),
        ("21 0100 21 f0fe 01 20 37", True),
        ("a0 f0fe 80 08 37 00", False),
        ("21 f0fe 37 00", False),
        ("01 41 01 18", False),
        ("01", False),
    ],
)
def test_roms_of_2021_are_told(data: str, is_old: bool, capsys: Capture) -> None:
    Path("old.rom").write_bytes(bytes.fromhex(data))
    main(["run", "--max-instructions", "50", "old.rom"])
    assert ("jitvm: hint: old.rom looks like a ROM of 2021" in capsys.readouterr().err) is is_old


def test_no_example_is_taken_for_an_old_rom() -> None:
    for path in (Path(__file__).parents[2] / "examples").glob("*.tal"):
        assert not PLATFORM.load(str(path)).hint, path.name


@pytest.mark.parametrize(
    ("name", "is_source"),
    [
        ("hello.tal", True),
        ("hello.rom", False),
        ("hello", True),
        ("hello", False),
        ("x.bin", True),
        ("x.bin", False),
    ],
)
def test_a_rom_or_a_source(
    capfdbinary: pytest.CaptureFixture[bytes], name: str, is_source: bool
) -> None:
    if is_source:
        Path(name).write_text(HELLO)
    else:
        program(HELLO, name)
    assert main(["run", name]) == 5
    assert capfdbinary.readouterr().out == b"Hello\n"


@pytest.mark.parametrize("is_source", [True, False])
def test_a_program_from_standard_input(is_source: bool) -> None:
    data = HELLO.encode() if is_source else assemble(HELLO).rom
    with jitvm("run", "-", stdin=subprocess.PIPE) as process:
        out, err = process.communicate(data, timeout=HANGS)
    assert (out, err, process.returncode) == (b"Hello\n", b"", 5)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["a", "b"], "a\nb\n"),
        (["--help", "-x"], "--help\n-x\n"),
        (["--", "--tier", "-", "--"], "--\n--tier\n-\n--\n"),
        (["", "é"], "\né\n"),
    ],
)
def test_arguments_go_to_the_program_untouched(
    capfdbinary: pytest.CaptureFixture[bytes],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    expected: str,
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert main(["run", "--no-files", program(ECHO), *arguments]) == 0
    assert capfdbinary.readouterr().out == expected.encode() + b"\0"


@pytest.mark.parametrize("tier", ["reference", "interpreter"])
def test_max_instructions_is_exact(capfd: Capture, tier: str) -> None:
    rom = program(HELLO)
    for count in (1, 6, 20):
        code = main(["run", "--tier", tier, "--json", "--max-instructions", str(count), rom])
        assert code == Exit.INSTRUCTION_LIMIT
        facts = json.loads(capfd.readouterr().err)
        assert facts["instructions"] == count
        assert facts["ending"] == "instruction limit"


def test_reports_agree(capfd: Capture) -> None:
    rom = program(HELLO)
    main(["run", "--json", rom])
    facts = json.loads(capfd.readouterr().err)
    assert facts["exit_code"] == 5
    assert facts["tier"] == "jit"
    main(["run", "--json", "--no-jit", rom])
    assert json.loads(capfd.readouterr().err)["tier"] == "interpreter"
    main(["run", "--stats", "--tier", "reference", rom])
    out, err = capfd.readouterr()
    assert out == "Hello\n"
    assert f"instructions         {facts['instructions']}" in err


def test_time_limit() -> None:
    rom, begin = program(SPIN), time.monotonic()
    assert main(["run", "--time-limit", "0.1", rom]) == Exit.TIME_LIMIT
    assert time.monotonic() - begin > 0.09


def test_a_fixed_clock(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    rom = program("|0100 #c0 DEI2 #18 DEO #18 DEO #c4 DEI #18 DEO BRK")
    assert main(["run", "--clock", "2024-02-29T12:00", rom]) == 0
    assert capfdbinary.readouterr().out == b"\xe8\x07\x0c"


def test_files_live_in_the_sandbox() -> None:
    rom = program('|0100 ;n #a8 DEO2 #0001 #aa DEO2 ;n #ae DEO2 BRK @n "x 00')
    assert main(["run", "--no-files", rom]) == 0
    assert not Path("x").exists()
    Path("box").mkdir()
    assert main(["run", "--sandbox", "box", rom]) == 0
    assert Path("box/x").read_bytes() == b"x"
    assert main(["run", rom]) == 0
    assert Path("x").exists()


# -- Ctrl-C, pipes, full disks -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ('|0100 LIT "x #18 DEO &l !&l', "an endless loop"),
        ('|0100 LIT "x #18 DEO &l #c6 DEI POP !&l', "a loop of host calls"),
        ('|0100 LIT "x #18 DEO ;on #10 DEO2 BRK @on BRK', "waiting for input"),
    ],
)
@pytest.mark.parametrize("tier", ["reference", "interpreter"])
def test_ctrl_c_stops_it(source: str, what: str, tier: str) -> None:
    rom = program(source)
    with jitvm("run", "--tier", tier, rom, stdin=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read(1) == b"x", what
        process.send_signal(signal.SIGINT)
        assert process.wait(HANGS) == Exit.INTERRUPTED
        assert process.stderr.read() == b""


def test_a_closed_pipe_is_no_error() -> None:
    rom = program('|0100 &l LIT "y #18 DEO !&l')
    with jitvm("run", rom) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.wait(HANGS) == Exit.BROKEN_PIPE
        assert process.stderr.read() == b""


def test_a_full_disk_is_told() -> None:
    with open("/dev/full", "wb") as full, jitvm("run", program(HELLO), stdout=full) as process:
        _, err = process.communicate(timeout=HANGS)
    assert process.returncode == Exit.FAILURE
    assert err == (
        b"jitvm: error: cannot write standard output: No space left on device; free some space\n"
    )


def test_closed_standard_streams() -> None:
    rom = program(ECHO)
    command = f'{sys.executable} -m jitvm run {rom} <&- 2>&- ; printf "%s" $?'
    done = subprocess.run(["sh", "-c", command], capture_output=True, timeout=HANGS, check=False)
    assert done.stdout == b"\x000"
    command = f"{sys.executable} -m jitvm run {rom} a >&-"
    done = subprocess.run(["sh", "-c", command], capture_output=True, timeout=HANGS, check=False)
    assert done.returncode == Exit.FAILURE
    assert b"cannot write standard output" in done.stderr


# -- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run"], "required: PROGRAM"),
        (["run", "nowhere.rom"], "nowhere.rom: there is no such file"),
        (["run", "nowhere.tal"], "nowhere.tal"),
        (["run", "."], ".: is a folder"),
        (["run", "folder.rom"], "folder.rom: is a folder"),
        (["run", "empty.rom"], "empty.rom: the ROM is empty"),
        (["run", "empty.tal"], "empty.tal"),
        (["run", "huge.rom"], "huge.rom: "),
        (["run", "ok.rom/x"], "ok.rom/x: cannot be read: Not a directory"),
        (["run", "a\0b.rom"], "zero byte"),
        (["run", "/dev/zero"], "too many for a ROM"),
        (["run", "bad.tal"], "bad.tal: 2 errors in the source"),
        (["run", "bytes.tal"], "bytes.tal"),
        (["run", "--tier", "warp", "ok.rom"], "invalid choice: 'warp'"),
        (["run", "--max-instructions", "0", "ok.rom"], "0 is not a whole number"),
        (["run", "--max-instructions", "many", "ok.rom"], "many is not a whole number"),
        (["run", "--time-limit", "nan", "ok.rom"], "nan is not a number of seconds"),
        (["run", "--time-limit", "inf", "ok.rom"], "inf is not a number of seconds"),
        (["run", "--clock", "noon", "ok.rom"], "noon is not a time"),
        (["run", "--sandbox", "missing", "ok.rom"], "--sandbox missing: is not a folder"),
        (["run", "-G", "sandbox=missing", "ok.rom"], "sandbox=missing: missing is not a folder"),
        (["run", "-G", "include_root=ok.rom", "ok.rom"], "ok.rom is not a folder"),
        (["run", "--sandbox", ".", "--no-files", "ok.rom"], "not allowed with"),
        (["run", "--wrong", "ok.rom"], "--help"),
        (["rnu", "ok.rom"], "did you mean `jitvm run`"),
        (["ok.rom"], "jitvm run ok.rom"),
        (["--frobnicate"], "unknown option"),
    ],
)
def test_bad_input_is_one_clear_line(capfd: Capture, arguments: list[str], message: str) -> None:
    program(HELLO, "ok.rom")
    Path("folder.rom").mkdir()
    Path("empty.rom").touch()
    Path("empty.tal").touch()
    with open("huge.rom", "wb") as huge:
        huge.truncate(40 << 20)
    Path("bad.tal").write_text("|0100 nope #1 BRK")
    Path("bytes.tal").write_bytes(b"|0100 \xff\xfe BRK")
    assert main(arguments) == Exit.USAGE
    out, err = capfd.readouterr()
    last = err.splitlines()[-1]
    assert out == ""
    assert last.startswith("jitvm: error: ")
    assert message in last
    assert "Traceback" not in err


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_rom(capfd: Capture) -> None:
    Path(program(HELLO)).chmod(0)
    assert main(["run", "p.rom"]) == Exit.USAGE
    assert "cannot be read: Permission denied" in capfd.readouterr().err


def test_out_of_memory_is_told(capfd: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    from jitvm.engine.memory import block

    def refuse(*_arguments: object) -> int:
        raise block.BlockError(12, "no memory for a machine")

    rom = program(HELLO)
    monkeypatch.setattr(block.Mapping, "_map", refuse)
    assert main(["run", rom]) == Exit.FAILURE
    assert "no memory for a machine" in capfd.readouterr().err


def test_help_and_version(capfd: Capture) -> None:
    import jitvm

    assert main(["--version"]) == 0
    assert capfd.readouterr().out == f"jitvm {jitvm.__version__}\n"
    for arguments in ([], ["--help"], ["run", "--help"], ["asm", "-h"], ["dis", "-h"]):
        assert main(arguments) == 0
        shown = capfd.readouterr().out
        assert "examples:" in shown
        assert "None" not in shown


def test_help_to_a_buffer_has_no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    buffer = io.StringIO()
    monkeypatch.setattr(sys, "stdout", buffer)
    assert main(["run", "--help"]) == 0
    assert "\x1b" not in buffer.getvalue()


def test_completion_knows_the_options(capfd: Capture) -> None:
    pytest.importorskip("shtab")
    for shell in ("bash", "zsh"):
        assert main(["completion", shell]) == 0
        assert "--max-instructions" in capfd.readouterr().out


RUNS = {
    "a program": "from jitvm.cli import main; main(['run', '--no-jit', 'p.rom'])",
    "a source": "from jitvm.cli import main; main(['run', '--no-jit', 'p.tal'])",
    "frames": "from jitvm.cli import main; "
    "main(['run', '--no-jit', '--headless', '--frames', '2', 'screen.tal'])",
    "in Python": "import jitvm; jitvm.run('p.rom', tier='interpreter')",
}


LIBRARY = {
    "__future__", "_collections", "_ctypes", "_functools", "_operator", "atexit", "errno", "gc",
    "select", "zlib",
}  # fmt: skip
"""What a run of a program imports of Python's library, all of it in C but for one module."""


def before() -> set[str]:
    """What Python imports by itself."""
    code = "import sys; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("code", RUNS.values(), ids=RUNS)
def test_running_imports_nothing_heavy(code: str) -> None:
    Path("p.tal").write_text(HELLO)
    Path("screen.tal").write_text("|0100 ;on-frame #20 DEO2 BRK @on-frame BRK")
    program(HELLO)
    code = f"import sys; {code}; print(' '.join(sys.modules), file=sys.stderr)"
    for _ in range(2):  # the first fills the code cache
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, timeout=HANGS, check=True
        )
    loaded = set(done.stderr.decode().split())
    heavy = "llvmlite numba numpy rich asyncio shtab json dataclasses inspect pathlib typing"
    assert not loaded & set(heavy.split())
    if code == RUNS["a program"]:
        assert loaded - before() - {n for n in loaded if n.startswith("jitvm")} <= LIBRARY
    if ".tal" not in code:
        assert not {name for name in loaded if name.startswith("jitvm.guests.uxn.assembler")}


def test_jit_parameters_are_checked_before_the_program_runs(
    capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    rom = program(HELLO)
    for setting, told in (
        ("hot", "NAME=VALUE"),
        ("hut=3", "no parameter 'hut'"),
        ("hot=many", "not 'many'"),
        ("hot=0", "between 1 and"),
    ):
        assert main(["run", "-O", setting, rom]) == Exit.USAGE
        out, err = capfd.readouterr()
        assert out == ""
        assert told in err
    assert main(["run", "-O", "hot=3", "-O", "window=64", rom]) == 5
    monkeypatch.setenv("JITVM_HOT", "never")
    assert main(["run", rom]) == Exit.USAGE


def test_two_dashes_before_the_program_end_our_options(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    program(HELLO, "--odd.rom")
    assert main(["run", "--no-files", "--", "--odd.rom", "--"]) == 5
    assert capfdbinary.readouterr().out == b"Hello\n"
    assert main(["run", "--"]) == Exit.USAGE


@pytest.mark.parametrize(
    "option", ["--input", "--frames", "--record", "--record-session", "--replay", "--jit-log", "-O"]
)
def test_two_dashes_are_no_value_of_an_option(option: str, capfd: Capture) -> None:
    rom = program(HELLO)
    for words in ([option, "--"], [f"{option}=--"]):
        assert main(["run", *words, rom]) == Exit.USAGE
        error = capfd.readouterr().err
        assert f"argument {option}" in error
        assert error.count("\n") == 1
        assert error.strip().isprintable()
        assert "x00" not in error


@pytest.mark.parametrize(
    "words",
    [
        ("asm", "--include-root=--", "a.tal"),
        ("dis", "--output=--", "a.rom"),
        ("explain", "-G=--", "a.rom"),
        ("wire", "cat", "--schema=--", "a.pb"),
    ],
)
def test_nor_behind_an_equals_sign(words: tuple[str, ...], capfd: Capture) -> None:
    assert main(list(words)) == Exit.USAGE
    assert "expected one argument" in capfd.readouterr().err


def test_a_current_folder_that_is_gone(
    capfd: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rom = tmp_path / program(HELLO)
    folder = tmp_path / "folder"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    assert main(["run", str(rom)]) == Exit.USAGE
    assert "the current folder is gone" in capfd.readouterr().err
    assert main(["run", "--no-files", str(rom)]) == 5

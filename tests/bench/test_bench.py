"""``python -m bench``: its figures' shape, its comparison of outputs, its answers to bad requests.

What it measures is no matter for a test: one round of a program that is over at once.
"""

from __future__ import annotations

import hashlib
import json
import shlex
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from bench import catalogue, readme, report, whole
from bench.cli import Status, main
from bench.measure import Cell, Row
from bench.runners import Job, RunError
from bench.tiers import PRELOADED, AgainJitRunner, ColdCache, ColdJitRunner, JitRunner, Worker
from jitvm.engine.machine.machine import Tier
from jitvm.guests.uxn.assembler import assemble, assemble_file
from jitvm.guests.uxn.varvara import Computer
from jitvm.platform.evaluator import LimitReached
from jitvm.testing.compare import PARAMS

ECHO = "|0100 ;on #10 DEO2 BRK @on #17 DEI #04 EQU ?{ #12 DEI #18 DEO BRK } #800f DEO BRK"
"""Writes what it reads, arguments too; an event of type 4 ends it."""
QUICK = 120_000_000
"""Instructions of the longest program that is run here."""
BEGINNING = 10_000
"""Instructions that the reference runs of each."""

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def echo(tmp_path: Path) -> Path:
    path = tmp_path / "echo.rom"
    path.write_bytes(assemble(ECHO, name="echo.tal").rom)
    return path


def bench(echo: Path, *options: str) -> int:
    return main(["--rom", str(echo), "--rounds", "1", *options])


# -- figures -------------------------------------------------------------------------------------


def test_rows_of_json(echo: Path, tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "in").write_bytes(b"some input")
    target = tmp_path / "rows.json"
    options = ["--stdin", str(tmp_path / "in"), "--json", str(target)]
    assert bench(echo, *options, "--runners", "reference,interpreter") == Status.OK
    rows = json.loads(target.read_text())
    assert [row["runner"] for row in rows] == ["reference", "interpreter"]
    for row in rows:
        fields = ["program", "runner", "median_ms", "min_ms", "instructions", "output_sha256"]
        assert list(row) == fields
        assert row["program"] == "echo"
        # The reset vector's 4, each event's 5 up to ?{, and what comes after.
        assert row["instructions"] == 4 + 10 * (5 + 5) + (5 + 3)
        assert row["output_sha256"] == hashlib.sha256(b"some input").hexdigest()
        assert row["median_ms"] == row["min_ms"] > 0
    table = capsys.readouterr().out
    assert "| echo " in table
    assert "1.00x" in table


def test_arguments_reach_the_rom_before_them(echo: Path, tmp_path: Path) -> None:
    target = tmp_path / "rows.json"
    options = ["--args", "ab 'c d'", "--rom", str(echo), "--runners", "interpreter"]
    assert bench(echo, *options, "--json", str(target)) == Status.OK
    with_args, without = json.loads(target.read_text())
    assert (with_args["program"], without["program"]) == ("echo", "echo-2")
    # The newline behind the last argument comes with the type that ends this program.
    assert with_args["output_sha256"] == hashlib.sha256(b"ab\nc d").hexdigest()
    assert without["output_sha256"] == hashlib.sha256(b"").hexdigest()


def test_a_warmed_machine_starts_every_run_afresh(tmp_path: Path) -> None:
    source = '|0100 [ LIT &n 00 ] INCk ,&n STR LIT "0 ADD #18 DEO #ff INCk STZ #800f DEO BRK'
    job = Job(catalogue.Program("once", assemble(source).rom), 1, tmp_path / "job", None, 60.0)
    job.write_files()
    worker = Worker(job, "interpreter")
    try:
        runs = [worker.run() for _ in range(3)]
    finally:
        worker.close()
    assert {run.output_sha256 for run in runs} == {hashlib.sha256(b"0").hexdigest()}


def test_the_jit_is_warmed_up_and_cold_runs_are_cold(tmp_path: Path) -> None:
    source = '|0100 #0000 &loop INC2 DUP2 ORA ?&loop POP2 LIT "x #18 DEO #800f DEO BRK'
    job = Job(catalogue.Program("loop", assemble(source).rom), 1, tmp_path / "job", None, 60.0)
    job.write_files()
    caches = ColdCache(tmp_path / "caches")
    for runner in (JitRunner(caches), ColdJitRunner(caches), AgainJitRunner(caches)):
        session = runner.open(job)
        try:
            assert session.run().output_sha256 == hashlib.sha256(b"x").hexdigest()
            assert session.note != PRELOADED
        finally:
            session.close()


def test_means_leave_out_what_is_too_short_to_time() -> None:
    def row(base: float, other: float) -> Row:
        return Row("p", 1000, {"base": Cell((base,)), "other": Cell((other,))})

    rows = [row(100, 50), row(800, 100), row(0.01, 10)]
    mean = report.geometric_mean(rows, "other", "base")
    assert mean is not None
    assert mean == pytest.approx((4.0, 2))
    mean = report.geometric_mean(rows, "other", "base", lambda ms: ms >= report.LONG_MS)
    assert mean is not None
    assert mean == pytest.approx((8.0, 1))
    assert report.geometric_mean(rows, "missing", "base") is None


# -- whole processes -----------------------------------------------------------------------------


def _row(program: str, *times: float) -> Row:
    cells = {name: Cell((ms,)) for name, ms in zip(whole.WHOLE, times, strict=True)}
    return Row(program, 1000, cells)


def test_the_summary_counts_programs_that_keep_the_interpreter_busy() -> None:
    rows = [  # pass, hello, --no-jit, first run, second run, steady
        _row("greeting", 10, 20, 20, 20, 20, 0),
        _row("short", 10, 20, 60, 80, 30, 10),
        _row("long", 10, 20, 640, 80, 40, 20),
    ]
    figures = [figure for row in rows if (figure := whole.Whole.of(row))]
    text = "\n".join(whole.summary(figures))
    assert "hello: 2.00 times python -c pass" in text
    assert "2 of 3 programs, on which --no-jit takes 30 ms or more beyond hello" in text
    assert "first run: 2.45 times as fast; below 0.97 are 1 of 2: short" in text
    assert "second run: 5.66 times as fast, 1.00 times hello and the steady state" in text
    assert "1 of 3 programs, on which --no-jit takes 500 ms" in text
    assert "first run: 8.00 times as fast; below 0.97 are 0 of 1" in text


def test_a_program_without_a_figure_is_left_out_of_the_summary() -> None:
    row = _row("p", 10, 20, 60, 80, 30, 10)
    row.cells[whole.FIRST] = Cell(problem="failed")
    assert whole.Whole.of(row) is None


def test_whole_processes_are_measured_in_caches_that_go_away(
    echo: Path, tmp_path: Path, capsys: Capture
) -> None:
    target = tmp_path / "rows.json"
    assert bench(echo, "--whole-process", "--json", str(target)) == Status.OK
    rows = json.loads(target.read_text())
    assert [row["runner"] for row in rows] == list(whole.WHOLE)
    table = capsys.readouterr().out
    assert "second run" in table
    assert "hello: " in table


def test_a_second_run_begins_with_what_the_first_kept(tmp_path: Path) -> None:
    source = "|0100 #0000 &loop INC2 DUP2 ORA ?&loop #800f DEO BRK"
    job = Job(catalogue.Program("loop", assemble(source).rom), 1, tmp_path / "job", None, 60.0)
    job.write_files()
    script = (
        "import os, pathlib; mark = pathlib.Path(os.environ['JITVM_CACHE'], 'ran');"
        "print(mark.exists()); mark.touch()"
    )
    caches = whole.RunCache(tmp_path / "caches")
    for before in (0, 1):
        command = [sys.executable, "-c", script]
        session = whole.JitvmSession(job, caches, command, before)
        said = f"{bool(before)}\n".encode()
        assert session.run().output_sha256 == hashlib.sha256(said).hexdigest()
    assert {path.name for path in (tmp_path / "caches").iterdir()} == {"drawing", "original"}


def test_a_program_with_a_screen_runs_its_frames(tmp_path: Path, capsys: Capture) -> None:
    source = """|0100 ;on #20 DEO2 BRK
        @on LIT ". #18 DEO [ LIT &n 00 ] INC DUP ,&n STR #05 EQU ?{ BRK } #800f DEO BRK"""
    rom = tmp_path / "dots.rom"
    rom.write_bytes(assemble(source).rom)
    target = tmp_path / "rows.json"
    options = ["--runners", f"interpreter,jit-cold,{whole.NO_JIT}", "--json", str(target)]
    for frames, dots in ((3, b"..."), (9, b".....")):
        assert main(["--rom", str(rom), "--frames", str(frames), "--rounds", "2", *options]) == 0
        for row in json.loads(target.read_text()):
            assert row["output_sha256"] == hashlib.sha256(dots).hexdigest()
    (tmp_path / "in").touch()
    assert main(["--rom", str(rom), "--frames", "3", "--stdin", str(tmp_path / "in")]) == 2
    assert "given --stdin or --frames, not both" in capsys.readouterr().err


# -- the README ----------------------------------------------------------------------------------


def test_figures_are_put_between_the_markers_of_the_readme(tmp_path: Path) -> None:
    times = {"interpreter": 100, "jit": 5, "uxn.wasm": 300, "c-O2": 4}
    times |= dict(zip(whole.WHOLE[:-1], (10, 20, 150, 75, 30), strict=True))
    rows = [
        {"program": "fib", "runner": name, "median_ms": ms, "instructions": 100_000_000}
        for name, ms in times.items()
    ]
    file = tmp_path / "figures.json"
    file.write_text(json.dumps(rows))
    section = readme.section(readme.figures(file), "a machine")
    assert "| fib | 100 | 5.0 | 300 | 4.0 | 150 | 75.0 | 30.0 |" in section
    words = " ".join(section.split())
    assert "the interpreter takes 1.00 ns an instruction, the JIT 0.050." in words
    assert "3.0 times as fast as npm's uxn.wasm" in words
    assert "20.0 times as fast as the interpreter" in words
    assert "1 programs that have a twin in C, it takes 1.2 times" in words
    assert "a greeting takes 20 ms, 2.0 times `python -c pass`" in words
    assert "The 1 programs that keep the interpreter busy for 0.03 s or more run 2.0 times" in words
    assert "(0 are slower), and 5.0 times in the next" in words
    assert "0.5 s" not in words
    page = readme.README.read_text(encoding="utf-8")
    changed = readme.put_in(page, section)
    assert section in changed
    assert readme.put_in(changed, "") == readme.put_in(page, "")
    with pytest.raises(ValueError, match="is missing"):
        readme.put_in("no markers", section)


# -- failures ------------------------------------------------------------------------------------


def test_another_output_is_an_error(echo: Path, tmp_path: Path, capsys: Capture) -> None:
    target = tmp_path / "rows.json"
    liar = shlex.join([sys.executable, "-c", "print('something else')"])
    options = ["--runners", "interpreter", "--command", f"liar={liar} {{rom}}"]
    assert bench(echo, *options, "--json", str(target)) == Status.PROBLEM
    captured = capsys.readouterr()
    assert "echo on liar: wrote other output" in captured.err
    assert "DIFFERS" in captured.out
    good, bad = json.loads(target.read_text())
    assert good["output_sha256"] != bad["output_sha256"]


def test_a_command_gets_the_rom_and_the_input(echo: Path, tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"xyz")
    script = "import sys; open(sys.argv[1], 'rb').read(); print(input(), end='')"
    other = shlex.join([sys.executable, "-c", script])
    options = ["--stdin", str(tmp_path / "in"), "--runners", "interpreter"]
    assert bench(echo, *options, "--command", f"other={other} {{rom}}") == Status.OK


def test_a_run_without_end_is_given_up(tmp_path: Path, capsys: Capture) -> None:
    spin = tmp_path / "spin.tal"
    spin.write_text("|0100 &loop !&loop")
    assert bench(spin, "--runners", "interpreter", "--timeout", "1.5") == Status.PROBLEM
    assert "spin: given up after 1.5 s" in capsys.readouterr().err


def test_a_worker_that_dies_is_told(tmp_path: Path) -> None:
    missing = Job(catalogue.Program("none", b"\0"), 1, tmp_path / "nowhere", None, 60.0)
    with pytest.raises(RunError, match=r"status 1: FileNotFoundError.*program\.rom"):
        Worker(missing, "interpreter")


def test_a_runner_that_is_not_there_says_how_to_get_it(
    echo: Path, tmp_path: Path, capsys: Capture
) -> None:
    options = ["--runners", "interpreter,uxn.wasm,c-O2", "--uxn-wasm", str(tmp_path)]
    assert bench(echo, *options) == Status.OK
    table = capsys.readouterr().out
    assert "no twin in C" in table
    assert "install_uxn_wasm.py" in table or "no node" in table


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--only", "hello,nonsense"], "there is no program 'nonsense'; there are hello, fib"),
        (["--only", ","], "no program was named"),
        (["--runners", "warp"], "there is no runner 'warp'; there are reference, interpreter"),
        (["--baseline", "warp"], "there is no runner 'warp'"),
        (["--rom", "nowhere.rom"], "nowhere.rom: there is no such file"),
        (["--stdin", "x"], "--stdin belongs to the --rom before it"),
        (["--rounds", "0"], "0 is not a whole number above 0"),
        (["--timeout", "soon"], "soon is not a number of seconds"),
        (["--json", "nowhere/x.json"], "nowhere/x.json: there is no such folder"),
        (["--sandbox", "nowhere"], "nowhere: is not a folder"),
        (["--command", "x=no-such-emulator {rom}"], "no-such-emulator: there is no such command"),
        (["--command", "nameless"], "'nameless' is not like NAME="),
    ],
)
def test_a_bad_request(
    options: list[str],
    message: str,
    capsys: Capture,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(options) == Status.USAGE
    captured = capsys.readouterr()
    assert message in captured.err
    assert not captured.out


def test_a_source_with_errors_is_told(tmp_path: Path, capsys: Capture) -> None:
    bad = tmp_path / "bad.tal"
    bad.write_text("|0100 ;nowhere JMP2")
    assert main(["--rom", str(bad)]) == Status.USAGE
    assert "bad.tal:1:7: error: Label unknown" in capsys.readouterr().err


# -- the programs --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", catalogue.names())
def test_programs_assemble_without_warnings_and_print_what_is_listed(name: str) -> None:
    warnings = assemble_file(catalogue.PROGRAMS / f"{name}.tal").warnings
    assert [str(w) for w in warnings if w.token != "@on-reset"] == []  # nobody jumps to the start
    program = catalogue.load(name)
    assert program.instructions is not None
    if program.instructions <= QUICK:
        computer = Computer(program.rom, args=program.args, sandbox=None)
        computer.machine.counting = True
        live(computer, program)
        assert computer.machine.executed == program.instructions
        assert hashlib.sha256(computer.stdout).hexdigest() == program.output_sha256
        if program.frames:
            assert computer.is_ended
            picture = computer.screen.pixels.tobytes()
            assert hashlib.sha256(picture).hexdigest() == program.picture_sha256


@pytest.mark.parametrize("name", catalogue.names())
def test_programs_begin_alike_at_every_tier(name: str) -> None:
    """All of a program would take the reference minutes."""
    program = catalogue.load(name)

    def begun(tier: Tier) -> tuple[bytes, bytes, int]:
        computer = Computer(program.rom, args=program.args, sandbox=None, tier=tier, params=PARAMS)
        computer.machine.counting = True
        with suppress(LimitReached), computer.limited(max_instructions=BEGINNING):
            live(computer, program)
        return bytes(computer.machine.memory), computer.stdout, computer.machine.executed

    expected = begun(Tier.REFERENCE)
    for tier in (Tier.INTERPRETER, Tier.JIT):
        assert begun(tier) == expected, tier


def live(computer: Computer, program: catalogue.Program) -> None:
    """Run a program to its end."""
    if not program.frames:
        computer.boot()
        computer.feed(program.stdin)
        computer.end_of_input()
    for _ in range(program.frames):
        if not computer.is_ended:
            computer.frame()


def test_every_source_is_listed_and_every_twin_belongs_to_one() -> None:
    programs = [catalogue.load(name) for name in catalogue.names()]
    sources = {path.stem for path in catalogue.PROGRAMS.glob("*.tal")}
    assert sources == {program.name for program in programs}
    twins = {program.twin for program in programs} - {None}
    assert twins == set(catalogue.TWINS.glob("*.c"))

"""Names of any bytes, in every output of every command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from jitvm.cli.exits import Exit, Failure
from jitvm.cli.jitlog import Log
from jitvm.engine.tables.events import Hot
from jitvm.engine.tables.place import Place

LABEL = b"\x1b[2Jcaf\xe9\n;\xe2\x80\xae"
SHOWN = r"\x1b[2Jcaf\xe9\n;\u202e"
PROGRAM = "|0100 #80 @o #0000 @l INC2 DUP2 ORA ?l POP2 #01 SUB DUP ?o BRK"
NAME = b"odd\xff\x1b[31m.rom"
PROFILE = ("profile", "-O", "background=0")
"""The guest waits for its regions: on a busy computer it ends before there are any, and before a
sample is taken."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from jitvm import assemble

    folder = tmp_path_factory.mktemp("names")
    path = os.fsencode(folder) + b"/" + NAME
    Path(os.fsdecode(path)).write_bytes(assemble(PROGRAM).rom)
    Path(os.fsdecode(path + b".sym")).write_bytes(b"\x01\x05" + LABEL + b"\x00")
    return folder


def jitvm(
    folder: Path, *words: str | bytes, encoding: str = "utf-8"
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "jitvm", *words],
        cwd=folder,
        env={**os.environ, "PYTHONIOENCODING": encoding},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )


def is_safe(output: bytes) -> None:
    text = output.decode()
    assert all(char.isprintable() or char == "\n" for char in text), text


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
@pytest.mark.parametrize(
    "words",
    [
        [*PROFILE],
        [*PROFILE, "--json"],
        [*PROFILE, "--exact", "--format", "collapsed"],
        ["explain", "--stage", "guest", "--stage", "exits"],
        ["explain", "--list"],
        ["explain", "--json", "--stage", "guest"],
        ["top", "--json", "-O", "hot=50"],
        ["run", "--jit-log", "-"],
    ],
    ids=" ".join,
)
def test_labels_are_shown(folder: Path, words: list[str], encoding: str) -> None:
    done = jitvm(folder, *words, NAME, encoding=encoding)
    assert done.returncode == Exit.OK, done.stderr
    is_safe(done.stdout)
    is_safe(done.stderr)
    if words[0] not in ("top", "run"):  # which may end before there is a region
        output = (done.stdout + done.stderr).decode().replace("\\\\", "\\")
        assert SHOWN.replace(";", ",") in output.replace(";", ",")


@pytest.mark.parametrize("form", ["chrome-trace", "speedscope", "jsonl"])
def test_formats_of_other_tools_hold_them(folder: Path, form: str) -> None:
    done = jitvm(folder, "profile", "--exact", "--format", form, NAME)
    assert done.returncode == Exit.OK, done.stderr
    for line in done.stdout.splitlines() if form == "jsonl" else [done.stdout]:
        json.dumps(json.loads(line), ensure_ascii=False).encode()


def test_reports_maps_and_dumps_hold_them(folder: Path) -> None:
    done = jitvm(
        folder, *PROFILE, "--report", "a.html", "--jitdump", ".", "--perf-map", "--gdb", NAME
    )
    assert done.returncode == Exit.OK, done.stderr
    assert SHOWN in (folder / "a.html").read_text("utf-8")
    assert "\x1b" not in (folder / "a.html").read_text("utf-8")


def test_errors_show_the_name_of_a_file(folder: Path) -> None:
    done = jitvm(folder, "run", b"none\xff\x1b]0;x\x07\n.rom")
    assert done.returncode == Exit.USAGE
    is_safe(done.stderr)
    assert rb"none\xff\x1b]0;x\x07\n.rom" in done.stderr
    assert done.stderr.count(b"\n") == 1


def test_errors_in_a_source_show_what_is_in_it(folder: Path) -> None:
    (folder / "bad.tal").write_bytes(b"|0100 \x1b[31m\xff\xe2\x80\xae\n")
    for words in (["asm", "bad.tal"], ["asm", "--json", "bad.tal"]):
        done = jitvm(folder, *words, encoding="ascii")
        assert done.returncode == Exit.USAGE
        is_safe(done.stdout)
        is_safe(done.stderr)


def test_a_disassembly_is_safe_on_a_terminal_and_exact_elsewhere(folder: Path) -> None:
    import pty

    (folder / "a.sym").write_bytes(b"\x01\x05x\xe2\x80\xaey\xc2\x9b\x00")
    words: list[str | bytes] = [sys.executable, "-m", "jitvm", "dis", "--symbols", "a.sym", NAME]
    ours, theirs = pty.openpty()
    subprocess.run(words, cwd=folder, stdin=subprocess.DEVNULL, stdout=theirs, check=True)
    os.close(theirs)
    assert rb"@x\u202ey\x9b" in os.read(ours, 1 << 16)
    os.close(ours)
    done = jitvm(folder, "dis", "--symbols", "a.sym", NAME, encoding="ascii")
    assert b"@x\xe2\x80\xaey\xc2\x9b" in done.stdout


def test_arguments_of_the_guest_are_bytes(folder: Path) -> None:
    echo = "|0100 ;on #10 DEO2 BRK @on #12 DEI #18 DEO #17 DEI #04 NEQ ?{ #800f DEO } BRK"
    (folder / "echo.tal").write_text(echo)
    done = jitvm(folder, "run", "echo.tal", b"\xff\x1b")
    assert done.stdout.startswith(b"\xff\x1b")


HOT = Hot(seconds=0.1, address=0x100)


def odd(address: int) -> Place:
    return Place(address, "a\x1b\udcff")


def test_a_log_that_cannot_be_written_is_told() -> None:
    log = Log("/dev/full", odd)
    log(HOT)
    log.close()
    with pytest.raises(Failure, match="/dev/full: is incomplete: No space left on device"):
        log.check()


def test_a_log_that_cannot_be_begun_leaves_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text("old")
    log = Log(str(path), odd)
    log.stream.close()
    log.stream = open("/dev/full", "w", encoding="utf-8")  # noqa: SIM115  closed by the log
    log(HOT)
    log.close()
    with pytest.raises(Failure, match="is not written: No space left"):
        log.check()
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("a.log", "old")]


def test_a_log_is_there_from_its_first_line_on(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text("old")
    log = Log(str(path), odd)
    assert path.read_text() == "old"
    for count in (1, 2):
        log(HOT)
        assert path.read_text().count(r"hot        0100 a\x1b\xff") == count
    log.close()
    log.check()

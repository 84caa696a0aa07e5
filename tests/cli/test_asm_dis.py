"""``jitvm asm`` and ``jitvm dis``: what they write, where, and what they leave when they fail."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from jitvm.cli import main
from jitvm.cli.exits import Exit
from tests.clock import HANGS

SOURCE = """
|0100 ;text &while LDAk #18 DEO INC2 LDAk ?&while POP2 BRK
@text "Hello 0a 00
"""
Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _in_a_fresh_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("hello.tal").write_text(SOURCE)
    Path("bad.tal").write_text("|0100 nope BRK")


def test_a_rom_beside_its_source(capfd: Capture) -> None:
    assert main(["asm", "hello.tal"]) == 0
    assert Path("hello.rom").read_bytes().endswith(b"Hello\n\0")
    out, err = capfd.readouterr()
    assert out == ""
    assert err == "hello.rom: 21 bytes, 2 labels\n"
    assert not Path("hello.rom.sym").exists()


def test_symbols_and_another_place() -> None:
    Path("out").mkdir()
    assert main(["asm", "hello.tal", "-o", "out/a.rom", "--symbols"]) == 0
    assert sorted(os.listdir("out")) == ["a.rom", "a.rom.sym"]
    assert b"text\0" in Path("out/a.rom.sym").read_bytes()


def test_from_standard_input_to_standard_output() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "jitvm", "asm", "-", "-o", "-"],
        input=SOURCE.encode(),
        capture_output=True,
        timeout=HANGS,
        check=True,
    )
    assert done.stdout.endswith(b"Hello\n\0")


def test_json(capfd: Capture) -> None:
    assert main(["asm", "--json", "hello.tal"]) == 0
    facts = json.loads(capfd.readouterr().out)
    assert (facts["errors"], facts["rom"], facts["bytes"]) == ([], "hello.rom", 21)
    assert facts["symbols"]["text"] == 0x10E
    assert main(["asm", "--json", "bad.tal"]) == Exit.USAGE
    errors = json.loads(capfd.readouterr().out)["errors"]
    assert (errors[0]["line"], errors[0]["column"], errors[0]["token"]) == (1, 7, "nope")


def test_round_trip(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    main(["asm", "hello.tal", "--symbols"])
    assert main(["dis", "hello.rom"]) == 0
    text = capfdbinary.readouterr().out
    assert b"@text" in text
    Path("again.tal").write_bytes(text)
    assert main(["asm", "again.tal"]) == 0
    assert Path("again.rom").read_bytes() == Path("hello.rom").read_bytes()
    assert main(["dis", "hello.rom", "--addresses", "-o", "listing"]) == 0
    assert b"( 0100: " in Path("listing").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message", "code"),
    [
        (["asm", "missing.tal"], "missing.tal", Exit.USAGE),
        (["asm", "bad.tal"], "bad.tal: 1 error in the source; nothing was assembled", Exit.USAGE),
        (["asm", "-"], "needs -o ROM", Exit.USAGE),
        (["asm", "hello.tal", "-o", "hello.tal"], "would replace its source", Exit.USAGE),
        (["asm", "hello.tal", "-o", "-", "--symbols"], "leaves no place", Exit.USAGE),
        (["asm", "hello.tal", "-o", "bad.tal/x.rom"], "Not a directory", Exit.FAILURE),
        (["asm", "hello.tal", "-o", "nowhere/x.rom"], "No such file", Exit.FAILURE),
        (["asm", "hello.tal", "-o", "/dev/full"], "No space left", Exit.FAILURE),
        (["asm", "hello.tal", "-o", "folder"], "directory", Exit.FAILURE),
        (["dis", "missing.rom"], "there is no such file", Exit.USAGE),
        (["dis", "hello.tal"], "is a source, not a ROM", Exit.USAGE),
        (["dis", "empty.rom"], "is empty", Exit.USAGE),
        (["dis", "long.rom"], "other banks", Exit.USAGE),
        (["dis", "ok.rom", "--symbols", "missing.sym"], "missing.sym", Exit.USAGE),
        (["dis", "ok.rom", "--symbols", "bad.sym"], "bad.sym", Exit.USAGE),
        (["completion", "tcsh"], "invalid choice", Exit.USAGE),
    ],
)
def test_failures_are_told_and_leave_nothing(
    capfd: Capture, arguments: list[str], message: str, code: Exit
) -> None:
    Path("folder").mkdir()
    Path("empty.rom").touch()
    Path("long.rom").write_bytes(bytes(0x10000))
    Path("ok.rom").write_bytes(b"\0")
    Path("bad.sym").write_bytes(b"\1\0no-end")
    before = sorted(Path().rglob("*"))
    assert main(arguments) == code
    last = capfd.readouterr().err.splitlines()[-1]
    assert last.startswith("jitvm: error: ")
    assert message in last
    assert sorted(Path().rglob("*")) == before
    assert Path("hello.tal").read_text() == SOURCE


def test_a_disk_that_fills_up_leaves_the_old_file(
    capfd: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("hello.rom").write_bytes(b"old")
    write = os.write

    def full_later(descriptor: int, data: memoryview) -> int:
        if bytes(data).endswith(b"text\0"):
            raise OSError(28, "No space left on device")
        return write(descriptor, data)

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full_later)
        assert main(["asm", "hello.tal", "--symbols"]) == Exit.FAILURE
    assert "hello.rom.sym: cannot be written: No space left" in capfd.readouterr().err
    assert sorted(os.listdir(tmp_path)) == ["bad.tal", "hello.rom", "hello.tal"]
    assert Path("hello.rom").read_bytes() == b"old"


def test_a_link_as_output_is_kept() -> None:
    Path("real.rom").write_bytes(b"old")
    Path("link.rom").symlink_to("real.rom")
    assert main(["asm", "hello.tal", "-o", "link.rom"]) == 0
    assert Path("link.rom").is_symlink()
    assert Path("real.rom").read_bytes().endswith(b"Hello\n\0")

"""``jitvm fmt`` and ``jitvm lint``: what they write, print and end with."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from jitvm.cli import main
from jitvm.cli.exits import Exit

UGLY = "|0100 @main\n  #41   #18  DEO\n  BRK\n"
NICE = "|0100 @main\n\t#41 #18 DEO\n\tBRK\n"
WRONG = "|0100 @main ( -> ) #01 half BRK\n@half ( a -- b )\n\tDUP ?{ POP JMP2r } JMP2r\n"
Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _in_a_fresh_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("ugly.tal").write_text(UGLY)
    Path("nice.tal").write_text(NICE)


def given(monkeypatch: pytest.MonkeyPatch, text: bytes) -> None:
    """Put something on standard input."""
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(text)))


# -- fmt -----------------------------------------------------------------------------------------


def test_files_are_formatted(capfd: Capture) -> None:
    os.chmod("ugly.tal", 0o640)
    assert main(["fmt", "ugly.tal", "nice.tal"]) == 0
    assert Path("ugly.tal").read_text() == NICE
    assert Path("ugly.tal").stat().st_mode & 0o777 == 0o640
    assert capfd.readouterr().err == "1 formatted, 1 as they were\n"
    assert sorted(os.listdir()) == ["nice.tal", "ugly.tal"]


def test_a_file_that_is_right_is_not_written() -> None:
    os.utime("nice.tal", (1, 1))
    assert main(["fmt", "nice.tal"]) == 0
    assert Path("nice.tal").stat().st_mtime == 1


def test_check(capfd: Capture) -> None:
    assert main(["fmt", "--check", "nice.tal"]) == 0
    assert main(["fmt", "--check", "ugly.tal", "nice.tal"]) == Exit.FOUND
    assert Path("ugly.tal").read_text() == UGLY
    assert capfd.readouterr().out == "ugly.tal\n"


def test_diff(capfd: Capture) -> None:
    assert main(["fmt", "--diff", "ugly.tal", "nice.tal"]) == 0
    assert main(["fmt", "--diff", "--check", "ugly.tal"]) == Exit.FOUND
    assert Path("ugly.tal").read_text() == UGLY
    out = capfd.readouterr().out
    assert "-  #41   #18  DEO" in out
    assert "+    #41 #18 DEO" in out


def test_standard_input(capfd: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, UGLY.encode())
    assert main(["fmt", "-"]) == 0
    assert capfd.readouterr() == (NICE, "")
    given(monkeypatch, b'@main "\xff   INC')
    capfdbytes = main(["fmt", "--check", "-"])
    assert capfdbytes == Exit.FOUND


def test_a_folder(capfd: Capture) -> None:
    Path("src/deep").mkdir(parents=True)
    Path("src/deep/a.tal").write_text(UGLY)
    Path("src/notes.txt").write_text(UGLY)
    Path("empty").mkdir()
    assert main(["fmt", "src"]) == 0
    assert Path("src/deep/a.tal").read_text() == NICE
    assert Path("src/notes.txt").read_text() == UGLY
    assert main(["fmt", "empty"]) == Exit.USAGE
    assert "there are no sources" in capfd.readouterr().err


def test_what_cannot_be_formatted(capfd: Capture) -> None:
    Path("open.tal").write_text("@main ( oh")
    Path("wide.tal").write_bytes("@main".encode("utf-16"))
    assert main(["fmt", "open.tal", "nowhere.tal", "wide.tal", "ugly.tal"]) == Exit.USAGE
    assert Path("ugly.tal").read_text() == NICE, "others are formatted all the same"
    assert Path("open.tal").read_text() == "@main ( oh"
    error = capfd.readouterr().err
    assert "open.tal:1:7: error: Comment incomplete" in error
    assert "nowhere.tal: cannot be read" in error
    assert "wide.tal: it is UTF-16 text" in error


def test_other_languages_have_no_formatter(capfd: Capture) -> None:
    Path("a.ch8").write_bytes(b"\0\0")
    assert main(["fmt", "a.ch8"]) == Exit.USAGE
    assert main(["lint", "--guest", "chip8", "a.ch8"]) == Exit.USAGE
    assert "chip8 has no language of sources" in capfd.readouterr().err


# -- lint ----------------------------------------------------------------------------------------


def test_findings(capfd: Capture) -> None:
    Path("wrong.tal").write_text(WRONG)
    assert main(["lint", "wrong.tal"]) == Exit.FOUND
    assert capfd.readouterr().out == (
        "wrong.tal:2:1: warning: `half` declares to give 1 byte and gives nothing [stack-effect]\n"
        "  path: wrong.tal:3:6 `?{` not taken\n"
        "        wrong.tal:3:13 `JMP2r` ends here\n"
    )
    assert main(["lint", "nice.tal"]) == 0
    assert main(["lint", "--ignore", "stack-effect", "wrong.tal"]) == 0


def test_json(capfd: Capture) -> None:
    Path("wrong.tal").write_text(WRONG)
    assert main(["lint", "--json", "wrong.tal"]) == Exit.FOUND
    (found,) = json.loads(capfd.readouterr().out)["findings"]
    assert (found["file"], found["line"], found["column"]) == ("wrong.tal", 2, 1)
    assert (found["rule"], found["level"]) == ("stack-effect", "warning")
    assert [step["line"] for step in found["path"]] == [3, 3]
    assert main(["lint", "--json", "nice.tal"]) == 0
    assert json.loads(capfd.readouterr().out) == {"findings": []}


def test_sources_with_errors(capfd: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, b"|0100 nowhere BRK")
    assert main(["lint", "-"]) == Exit.USAGE
    assert "<stdin>:1:7: error: Label unknown" in capfd.readouterr().out
    assert main(["lint", "missing.tal"]) == Exit.USAGE
    assert "missing.tal: File missing" in capfd.readouterr().err
    assert main(["lint"]) == Exit.USAGE
    assert main(["lint", "--ignore", "nonsense", "nice.tal"]) == Exit.USAGE
    assert "choose from stack-effect" in capfd.readouterr().err


def test_a_folder_of_programs(capfd: Capture) -> None:
    """A library is looked at in the program that includes it, and nothing is told twice."""
    Path("src").mkdir()
    Path("src/one.tal").write_text("|0100 @main #01 half POP BRK ~half.tal")
    Path("src/two.tal").write_text("|0100 @main #02 half POP BRK ~half.tal")
    Path("src/half.tal").write_text("@half ( a -- b ) DUP JMP2r")
    assert main(["lint", "src"]) == Exit.FOUND
    out = capfd.readouterr().out
    assert out.count("warning") == 1
    assert out.startswith("src/half.tal:1:1: warning: `half` declares")


def test_the_rules_are_listed(capfd: Capture) -> None:
    assert main(["lint", "--rules"]) == 0
    assert "stack-effect" in capfd.readouterr().out


def test_the_older_dialect() -> None:
    Path("old.tal").write_text("%! { NEQ } |0100 #01 #02 ! #0f DEO BRK")
    assert main(["lint", "old.tal"]) == 0
    assert main(["lint", "--legacy", "old.tal"]) == 0


def test_the_server_says_what_it_needs(capfd: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("jitvm.lsp.messages", "jitvm.lsp.server"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "pygls.lsp.server", None)
    assert main(["lsp"]) == Exit.USAGE
    assert "pip install 'jitvm[lsp]'" in capfd.readouterr().err
    assert main(["lsp", "--guest", "chip8"]) == Exit.USAGE

"""How commands read a source: where its includes are, and what is said of one that is odd."""

from __future__ import annotations

from pathlib import Path

import pytest

from jitvm.cli import main
from jitvm.cli.exits import Exit

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _in_a_fresh_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")


@pytest.mark.parametrize(
    "command",
    [["asm"], ["run"], ["profile"], ["explain", "--list"], ["top", "--time-limit", "9"]],
    ids=lambda words: words[0],
)
def test_every_command_has_an_include_root(
    capfd: Capture, tmp_path: Path, command: list[str]
) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "end.tal").write_text("#800f DEO BRK")
    Path("main.tal").write_text("|0100 ~end.tal")
    given = [*command, "--include-root", str(tmp_path / "lib"), "main.tal"]
    assert main(given) == Exit.OK, capfd.readouterr().err
    given[-2] = "nowhere"
    assert main(given) == Exit.USAGE
    assert "--include-root nowhere: is not a folder" in capfd.readouterr().err

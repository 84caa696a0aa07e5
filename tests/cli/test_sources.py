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


@pytest.mark.parametrize("name", ["wide.tal", "wide"])
@pytest.mark.parametrize("command", ["run", "profile", "explain"])
def test_a_source_in_wide_characters_is_one_line(capfd: Capture, command: str, name: str) -> None:
    Path(name).write_bytes("|0100 #800f DEO BRK".encode("utf-16"))
    assert main([command, name]) == Exit.USAGE
    out, err = capfd.readouterr()
    assert (out, err) == (
        "",
        f"jitvm: error: {name}: Encoding wrong: it is UTF-16 text; save it as UTF-8\n",
    )


def test_an_old_source_gets_one_hint(capfd: Capture) -> None:
    Path("old.tal").write_text("%! { NEQ }\n#01 #02 !\n#800f DEO BRK")
    assert main(["run", "old.tal"]) == Exit.USAGE
    assert capfd.readouterr().err.count("--legacy") == 1
    assert main(["run", "--legacy", "old.tal"]) == Exit.OK


def test_unused_labels_are_one_line_unless_asked_for(capfd: Capture) -> None:
    Path("main.tal").write_text("|0100 @on-reset #800f DEO BRK @one 01 @two [02 ]")
    assert main(["asm", "main.tal"]) == Exit.OK
    err = capfd.readouterr().err
    assert "Word ignored: `[02`" in err
    assert "Unused" not in err
    assert "\n2 labels are unused; --warnings lists them\n" in err
    assert main(["asm", "--warnings", "main.tal"]) == Exit.OK
    assert capfd.readouterr().err.count("Unused label") == 2


ODD = ["\x1b[31m", "\u202e", "\x9b2J", "\x7f", "\udc9b", "\u2028"]
USES = [
    "{}", "@{} @{}", "~{}", "%{}", "|{}", ";{}", '"{} nope', "#{}", "@{}/a ;{}/b", "({}",
    "%a {{ {} }} a", "[{}",
]  # fmt: skip


@pytest.mark.parametrize("odd", ODD, ids=ascii)
def test_errors_show_what_would_move_a_terminal(capfd: Capture, odd: str) -> None:
    for use in USES:
        text = f"|0100 {use.replace('{}', odd)} nope"
        Path(f"a{odd}b.tal").write_bytes(text.encode("utf-8", "surrogateescape"))
        main(["asm", "--warnings", f"a{odd}b.tal"])
        out, err = capfd.readouterr()
        assert out == ""
        assert [char for char in err if not char.isprintable() and char != "\n"] == []

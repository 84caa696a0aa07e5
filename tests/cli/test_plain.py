"""Command lines that are understood without argparse mean what argparse says."""

from __future__ import annotations

from itertools import product

import pytest

from jitvm.cli.commands import find
from jitvm.cli.exits import Failure
from jitvm.cli.plain import plain

WORDS = (
    "", "-", "--", "-x", "a.rom", "--headless", "--no-files", "--no-jit", "--jit", "--stats",
    "--frames", "--frames=3", "--max-instructions", "--screenshot", "3", "0", "-3", "03", "1_0",
    "\u0663", "9" * 18, "9" * 19, "--sandbox", "--json", "--no-j", "--help",
)  # fmt: skip


_run = find("run")
assert _run is not None
_parser = _run.parser()


def parser_says(words: list[str]) -> dict[str, object] | None:
    """None: an error, or help."""
    try:
        return vars(_parser.parse_command(words))
    except (Failure, SystemExit):
        return None


@pytest.mark.parametrize("first", WORDS)
def test_all_lines_of_up_to_four_words(first: str, capsys: pytest.CaptureFixture[str]) -> None:
    for more in range(4 if first.startswith("--") else 3):
        for others in product(WORDS, repeat=more):
            words = [first, *others]
            found = plain(words)
            if found is not None:
                assert vars(found) == parser_says(words), words
    capsys.readouterr()  # of --help


@pytest.mark.parametrize(
    "line",
    [
        "a.rom",
        "a.rom --frames -- x",
        "--no-jit a.rom",
        "--headless --frames 60 --screenshot a.png a.rom",
        "--stats --max-instructions 1000 a.rom",
    ],
)
def test_usual_lines_need_no_argparse(line: str) -> None:
    words = line.split()
    found = plain(words)
    assert found is not None
    assert vars(found) == parser_says(words)


def test_nothing_is_shared_between_lines() -> None:
    first, second = plain(["a.rom"]), plain(["a.rom"])
    assert first is not None
    assert second is not None
    first.settings.append("x=1")
    assert second.settings == []

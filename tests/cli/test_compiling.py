"""The line that tells a user at a terminal what the first drawing program waits for."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from jitvm.cli import main
from jitvm.engine.cache import CodeCache
from jitvm.guests.uxn.assembler import assemble
from jitvm.guests.uxn.varvara.screen import native

LINE = "jitvm: compiling the drawing kernels, once\n"
DRAWS = "|0100 #01 #2e DEO #01 #2f DEO BRK"
COUNTS = "|0100 #01 #28 DEO BRK"


class Stderr(io.TextIOWrapper):
    """Standard error that is a terminal, or not."""

    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__(io.BytesIO())
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


def told(source: str, *options: str, is_terminal: bool = True) -> str:
    """What a short run writes to standard error."""
    Path("p.rom").write_bytes(assemble(source, name="p.tal").rom)
    stream = Stderr(is_terminal=is_terminal)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stderr", stream)
        patch.setattr(native, "_installed", [])
        assert main(["run", "--headless", "--frames", "2", *options, "p.rom"]) == 0
    stream.seek(0)
    return stream.read()


@pytest.fixture(autouse=True)
def _with_a_cold_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Kernels that are not in the cache, and a compiler that takes no time."""
    known = native._load_or_build(CodeCache(), None)
    monkeypatch.setattr(native, "build", lambda: known)
    monkeypatch.setattr(native, "_stamp", lambda: str(tmp_path))
    monkeypatch.chdir(tmp_path)


def test_it_is_told_once() -> None:
    assert told(DRAWS) == LINE
    assert told(DRAWS) == ""  # now they are in the cache


def test_programs_that_do_not_draw_are_told_nothing() -> None:
    assert told(COUNTS) == ""


def test_only_terminals_are_told() -> None:
    assert told(DRAWS, is_terminal=False) == ""


def test_json_stays_json() -> None:
    assert json.loads(told(DRAWS, "--json"))

"""Positions, edits, kept scripts."""

from __future__ import annotations

import re
import types
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitvm.engine.memory.cache import CachedCode, CodeCache
from jitvm.lsp import scripts
from jitvm.lsp.positions import Lines
from jitvm.lsp.scripts import Scripts
from jitvm.lsp.shapes import line_edits

CHARACTERS = "ab\n\réß𝄞\u2028\x0b\t"


@given(st.text(CHARACTERS, max_size=20), st.sampled_from(["utf-8", "utf-16", "utf-32"]))
def test_places_and_offsets(text: str, encoding: str) -> None:
    lines = Lines(text, encoding)
    size = {"utf-8": 1, "utf-16": 2, "utf-32": 4}[encoding]
    codec = encoding if size == 1 else f"{encoding}-le"
    pieces = re.split(r"\r\n|\n|\r", text)
    assert lines.count == len(pieces)
    for offset in range(len(text) + 1):
        line, column = lines.place(offset)
        if text[offset - 1 : offset + 1] != "\r\n":
            assert column <= len(pieces[line].encode(codec)) // size
            assert lines.offset(line, column) == offset
    for line, piece in enumerate(pieces):
        assert text[lines.start(line) : lines.end(line)] == piece
        assert lines.offset(line, 10**9) == lines.end(line)
        assert lines.offset(line, -1) == lines.start(line)
    assert lines.offset(len(pieces), 0) == len(text)
    assert lines.offset(-1, 5) == 0


def test_half_a_character() -> None:
    assert Lines("𝄞x").offset(0, 1) == 0
    assert Lines("𝄞x").offset(0, 2) == 1


@given(st.lists(st.sampled_from(["", "a", "b", "\tc"]), min_size=1, max_size=6),
       st.lists(st.sampled_from(["", "a", "b", "\tc"]), min_size=1, max_size=6))  # fmt: skip
def test_edits_lead_from_one_text_to_the_other(before: list[str], after: list[str]) -> None:
    old, new = "\n".join(before), "\n".join(after)
    lines = Lines(old)
    text = old
    for edit in reversed(line_edits(lines, new, 0, lines.count)):
        start = lines.offset(edit.range.start.line, edit.range.start.character)
        end = lines.offset(edit.range.end.line, edit.range.end.character)
        text = text[:start] + edit.new_text + text[end:]
    assert text == new


# -- kept scripts --------------------------------------------------------------------------------


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """A module that compiles what it is given."""
    module = types.ModuleType("compiling")
    exec("def make(text): return compile(text, '<it>', 'eval')", module.__dict__)
    monkeypatch.setattr(scripts, "MODULES", ("compiling", "tests.nowhere"))
    monkeypatch.setattr(
        scripts, "import_module", lambda name: module if name == "compiling" else _missing()
    )
    return module


def _missing() -> None:
    raise ImportError


def test_scripts_are_kept(module: types.ModuleType, tmp_path: Path) -> None:
    cache = CodeCache(tmp_path / "cache")
    with Scripts(cache):
        first = module.make("1 + 2")
    assert eval(first) == 3
    assert "compile" not in module.__dict__
    found = Scripts(cache)
    with found:
        assert eval(module.make("1 + 2")) == 3
        assert eval(module.make("1 + 3")) == 4
        assert len(found._used.keys() & found._known.keys()) == 1
    with pytest.raises(SyntaxError), Scripts(cache):
        module.make("1 +")


def test_damaged_scripts(module: types.ModuleType, tmp_path: Path) -> None:
    warned: list[str] = []
    cache = CodeCache(tmp_path / "cache", warned.append)
    with Scripts(cache) as kept:
        module.make("1")
    cache.store("scripts", kept._key, CachedCode(b"nonsense", {}))
    with Scripts(cache):
        assert eval(module.make("1")) == 1
    assert "damaged" in warned[0]
    with Scripts(cache):
        assert eval(module.make("1")) == 1
    assert len(warned) == 1

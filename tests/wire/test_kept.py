"""Native code of readers is kept by what they read: later processes have it without compiling."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from jitvm.engine.memory.cache import CachedCode, CodeCache
from jitvm.guests.wire.buffers import layout
from jitvm.guests.wire.choice import KIND, Choices
from jitvm.guests.wire.program import make
from jitvm.guests.wire.protobuf.columns import tree
from tests.wire.schemas import PROTOS, message

READING = """
import json, sys
from jitvm import wire
reader = wire.reader(sys.argv[1], fields=["name", "number"], where="number != 77")
data = b"".join(b"\\x06\\x08%c\\x12\\x02ab" % (number % 100) for number in range(50_000))
def statistics():
    (machine,) = reader._native().machines()
    machine.have_jit()
    return machine.jit and machine.jit.statistics
first = reader.read(data)
while not list(reader._native().machines()):  # on a computer where nothing is made yet
    first = reader.read(data)
begin = statistics() and statistics().kept
first.to_arrow()
imported = [name for name in ("llvmlite", "pandas") if name in sys.modules]
rows = {len(first)}
while statistics() is None:  # the JIT is made on another thread
    rows.add(len(reader.read(data)))
kept = statistics().kept
while not statistics().installed:
    rows.add(len(reader.read(data)))
rows.add(len(reader.read(data)))
text = wire.explain(reader).list_text()
print(json.dumps(
    {"rows": list(rows), "begin": begin, "kept": kept, "text": text, "imported": imported}
))
"""


WITHOUT_JIT = """
made_jit = "jitvm.engine.jit.jit" in sys.modules
text = wire.explain(reader).list_text()
kept = reader._native().machines()[0].jit.statistics
print(json.dumps([made_jit, kept.kept, kept.installed, text, len(reader.read(data))]))
"""
OTHER_DATA = """
name = b"n" * 40
other = b"".join(
    b"\\x2e\\x08%c%c%c\\x12\\x28%s" % (n % 128 | 128, n >> 7 & 127 | 128, 7, name)
    for n in range(9_000)
)
for _ in range(9):
    table = reader.read(other)
    assert table["number"].to_pylist() == [n + (7 << 14) for n in range(9_000)]
    assert set(table["name"].to_pylist()) == {"n" * 40}
assert reader.read(data)["number"].to_pylist() == first["number"].to_pylist()
made_jit = "jitvm.engine.jit.jit" in sys.modules
print(json.dumps([made_jit, [site.chosen for site in reader._native().program.sites]]))
"""


def run(code: str) -> str:
    """What a new process prints."""
    done = subprocess.run(
        [sys.executable, "-c", code, f"{PROTOS / 'kinds.proto'}:Leaf"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert not done.returncode, done.stderr
    return done.stdout


def read() -> dict[str, Any]:
    """What a new process tells that has read until native code was there."""
    found: dict[str, Any] = json.loads(run(READING))
    return found


def test_a_second_process_has_the_native_code_of_the_first() -> None:
    first, second = read(), read()
    assert first["rows"] == second["rows"] == [49_500]
    assert second["kept"] == second["begin"], "when the first messages were decoded"
    assert second["begin"]
    assert "number, name" in second["text"]
    assert second["imported"] == []


def test_what_is_finished_needs_no_jit_until_somebody_looks_at_it() -> None:
    """Importing one takes longer than to decode ten thousand messages."""
    run(f"{READING}\nmachine, = reader._native().machines()\nmachine.compile_rest()")
    begin = READING.partition("begin =")[0]
    made_jit, kept, installed, text, rows = json.loads(run(begin + WITHOUT_JIT))
    assert not made_jit
    assert kept == installed > 0
    assert "number, name" in text
    assert rows == 49_500


def test_what_is_chosen_later_takes_the_place_of_what_was_kept() -> None:
    """Regions were made from the bytes that are written then."""
    run(f"{READING}\nmachine, = reader._native().machines()\nmachine.compile_rest()")
    made_jit, chosen = json.loads(run(READING.partition("begin =")[0] + OTHER_DATA))
    assert made_jit
    assert "64" in chosen


def test_what_was_chosen_is_where_the_next_decoder_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JITVM_CACHE", str(tmp_path))
    columns = tree(message("kinds.Leaf"))
    layout(columns, 100, 1000)
    first, second = make(columns), make(columns)
    choices = Choices(first)
    assert not choices.take()
    site = next(site for site in first.sites if site.stem == "int32")
    first.choose(site, "2")
    choices.keep()
    again = Choices(second)
    assert again.program == choices.program
    assert again.take()
    assert second.code == first.code
    assert [each.chosen for each in second.sites] == [each.chosen for each in first.sites]


def test_choices_that_nobody_can_have_made_are_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JITVM_CACHE", str(tmp_path))
    columns = tree(message("kinds.Leaf"))
    layout(columns, 100, 1000)
    program = make(columns)
    before = bytes(program.code)
    choices = Choices(program)
    for wrong in (b"", bytes(len(program.sites)), bytes([255]) * len(program.sites)):
        CodeCache().store(KIND, choices.key, CachedCode(wrong, {}))
        choices.take()
        assert program.code == before

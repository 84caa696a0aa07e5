"""The kernels' text belongs to its source, serves both architectures, and nobody needs numba."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jitvm.engine.codegen.native import Compiler
from jitvm.guests.uxn.varvara.native.library import function_entry, port_entry
from jitvm.guests.uxn.varvara.native.making import digest
from tests.varvara.native.texts import SOURCES, Source, made_anew, makers

ROOT = Path(__file__).parents[3]
ANEW = "run `python -m tests.varvara.native`"


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_a_text_is_made_of_the_sources_as_they_are(source: Source) -> None:
    made_by, made_of = source.path.read_text().splitlines()[:2]
    assert made_by.startswith("; numba ")
    assert made_of == f"; {digest(source.sources)}", f"its sources have changed: {ANEW}"


def test_numba_makes_the_texts() -> None:
    made_by = SOURCES[0].path.read_text().splitlines()[0]
    if (made_by, os.uname().machine) != (makers(), "x86_64"):
        pytest.skip(f"made elsewhere: {made_by[2:]}")
    assert made_anew() == [source.path.read_text() for source in SOURCES], ANEW


@pytest.mark.parametrize("architecture", ["x86_64", "aarch64"])
@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_a_text_becomes_code_without_relocations(source: Source, architecture: str) -> None:
    arguments = source.path.read_text().partition("@kernel(")[2].partition(")")[0].count("i64")
    is_port = source.name in ("pixel", "sprite")
    entry = port_entry() if is_port else function_entry(arguments)
    code = Compiler(architecture).compile(source.path.read_text() + entry)
    assert "entry" in code.symbols


DRAW_AND_PLAY = """
import sys
import jitvm

rom = jitvm.assemble(sys.argv[1], name="test.tal").rom
computer = jitvm.Computer(rom, sandbox=None, tier=jitvm.Tier.INTERPRETER)
frame = computer.frame()
print(frame.changed, frame.sound is not None and bool(frame.sound.any()))
print([name for name in ("numba", "llvmlite") if name in sys.modules])
"""
SOUND_AND_PICTURES = """
|0100 #83 #2e DEO #01 #2f DEO
    ;wave #3c DEO2 #0004 #3a DEO2 #ff #3e DEO #3c #3f DEO BRK
@wave 00ff 00ff
"""


def test_numba_is_never_needed_and_llvm_once(tmp_path: Path) -> None:
    def loaded() -> list[str]:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", DRAW_AND_PLAY, SOUND_AND_PICTURES],
            cwd=ROOT, env={**os.environ, "JITVM_CACHE": str(tmp_path)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.stderr == ""
        return done.stdout.splitlines()

    assert loaded() == ["True True", "['llvmlite']"]
    assert loaded() == ["True True", "[]"]

"""The public names of ``jitvm`` and its two shortcuts."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import jitvm

HELLO = '|0100 ;text &l LDAk #18 DEO INC2 LDAk ?&l POP2 #8003 #0f DEO BRK @text "Hi 00'


def test_importing_it_imports_nothing_of_it() -> None:
    code = "import sys, jitvm; print([n for n in sys.modules if n.startswith('jitvm.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout.strip() == b"['jitvm.prepared']"


def test_every_public_name_is_there() -> None:
    for name in jitvm.__all__:
        assert getattr(jitvm, name) is not None
    assert set(jitvm.__all__) <= set(dir(jitvm))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = jitvm.nothing  # type: ignore[attr-defined]


def test_the_version_is_that_of_the_project() -> None:
    project = Path(__file__).parents[2] / "pyproject.toml"
    assert tomllib.loads(project.read_text())["project"]["version"] == jitvm.__version__


def test_run_a_source_a_rom_and_bytes(tmp_path: Path) -> None:
    source, rom = tmp_path / "p.tal", tmp_path / "p.rom"
    source.write_text(HELLO)
    rom.write_bytes(jitvm.assemble(HELLO).rom)
    for program in (source, rom, str(rom), rom.read_bytes()):
        result = jitvm.run(program)
        assert (result.stdout, result.stderr, result.exit_code) == (b"Hi", b"", 3)
        assert result.ending is jitvm.Ending.EXIT


def test_run_takes_arguments_input_and_limits() -> None:
    echo = jitvm.assemble("|0100 ;on #10 DEO2 BRK @on #12 DEI #18 DEO BRK").rom
    assert jitvm.run(echo, "ab", b"\xff", stdin=b"in").stdout == b"ab\n\xff\nin\0"
    assert jitvm.run(echo, max_instructions=3).ending is jitvm.Ending.INSTRUCTIONS
    spin = jitvm.assemble("|0100 &l !&l").rom
    assert jitvm.run(spin, time_limit=0.05).ending is jitvm.Ending.TIME


def test_load_passes_options_on(tmp_path: Path) -> None:
    with pytest.raises(jitvm.RomError, match="no such file"):
        jitvm.load(tmp_path / "missing.rom")
    (tmp_path / "bad.tal").write_text("|0100 nope BRK")
    with pytest.raises(jitvm.AssemblyError, match="nope"):
        jitvm.load(tmp_path / "bad.tal")
    computer = jitvm.load(b"\0", tier=jitvm.Tier.REFERENCE, sandbox=None)
    assert computer.machine.tier is jitvm.Tier.REFERENCE

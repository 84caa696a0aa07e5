"""Perf maps and jitdumps, parsed back as their documents say."""

from __future__ import annotations

import ctypes
import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from jitvm.guests.uxn.assembler import assemble
from jitvm.guests.uxn.places import naming
from jitvm.profiling.functions import announced
from jitvm.profiling.perf import (
    CODE_CLOSE,
    CODE_DEBUG_INFO,
    CODE_LOAD,
    DEBUG_ENTRY,
    DEBUG_INFO,
    HEADER,
    LOAD,
    MAGIC,
    RECORD,
    JitDump,
    PerfMap,
)
from tests.profiling.rig import COUNTING, machine_with

ASSEMBLY = assemble(COUNTING, name="test.tal")
NAMES = naming(ASSEMBLY.symbols, ASSEMBLY.source_map)


def test_a_perf_map_follows_no_link(tmp_path: Path) -> None:
    """Its usual place is a folder in which anybody may make one."""
    victim, link = tmp_path / "victim", tmp_path / "perf.map"
    victim.write_text("mine")
    link.symlink_to(victim)
    with pytest.raises(OSError, match="symbolic link"):
        PerfMap(link)
    assert victim.read_text() == "mine"


def test_the_perf_map_names_regions_and_handlers(tmp_path: Path) -> None:
    machine, path = machine_with(COUNTING), tmp_path / "perf.map"
    with announced(machine, PerfMap(path), NAMES):
        machine.run(0x100)
    lines = [line.split(" ", 2) for line in path.read_text().splitlines()]
    functions = {int(start, 16): (int(size, 16), name) for start, size, name in lines}
    assert machine.jit is not None
    for region in machine.jit.regions.values():
        size, name = functions[region.span.address]
        assert size == len(region.compiled.machine_code)
        assert name == f"count #{region.number}"
    names = [name for _, name in functions.values()]
    assert "interpreter ADD2" in names
    ordered = sorted(functions)
    for start, following in pairwise(ordered):
        assert start + functions[start][0] <= following, "functions do not overlap"


def records(data: bytes) -> list[tuple[int, dict[str, Any]]]:
    """Everything behind the header of a jitdump: kind and fields."""
    found, at = [], HEADER.size
    last = 0
    while at < len(data):
        kind, size, when = RECORD.unpack_from(data, at)
        body = data[at + RECORD.size : at + size]
        assert len(body) == size - RECORD.size
        assert when >= last
        last = when
        if kind == CODE_LOAD:
            process, _, virtual, address, length, number = LOAD.unpack_from(body)
            name, _, code = body[LOAD.size :].partition(b"\0")
            assert (process, virtual) == (os.getpid(), address)
            assert len(code) == length
            fields = {"address": address, "number": number, "name": name.decode(), "code": code}
        elif kind == CODE_DEBUG_INFO:
            address, count = DEBUG_INFO.unpack_from(body)
            assert count == 1
            start, line, _ = DEBUG_ENTRY.unpack_from(body, DEBUG_INFO.size)
            assert start == address
            file = body[DEBUG_INFO.size + DEBUG_ENTRY.size :]
            assert file.endswith(b"\0")
            fields = {"address": address, "line": line, "file": file[:-1].decode()}
        else:
            assert kind == CODE_CLOSE
            assert not body
            fields = {}
        found.append((kind, fields))
        at += size
    return found


def test_the_jitdump_holds_the_code_of_regions(tmp_path: Path) -> None:
    machine, dump = machine_with(COUNTING), JitDump(tmp_path)
    with announced(machine, dump, NAMES):
        maps = Path("/proc/self/maps").read_text()
        (line,) = [line for line in maps.splitlines() if line.endswith(dump.path.name)]
        assert "x" in line.split()[1], "perf finds it by its executable mapping"
        machine.run(0x100)
    assert dump.path.name == f"jit-{os.getpid()}.dump"
    data = dump.path.read_bytes()
    magic, version, size, machine_number, pad, process, _, flags = HEADER.unpack_from(data)
    assert (magic, version, size, pad, process, flags) == (MAGIC, 1, 40, 0, os.getpid(), 0)
    assert machine_number == {"x86_64": 62, "aarch64": 183}[os.uname().machine]
    found = records(data)
    assert found[-1][0] == CODE_CLOSE
    loads = [fields for kind, fields in found if kind == CODE_LOAD]
    assert [load["number"] for load in loads] == list(range(1, len(loads) + 1))
    assert machine.jit is not None
    (region,) = machine.jit.regions.values()
    (load,) = [load for load in loads if load["address"] == region.span.address]
    assert load["name"] == "count #1"
    assert load["code"] == region.compiled.machine_code
    assert load["code"] == ctypes.string_at(region.span.address, len(region.compiled.machine_code))
    at = found.index((CODE_LOAD, load))
    assert found[at - 1] == (
        CODE_DEBUG_INFO, {"address": load["address"], "line": 1, "file": "test.tal"}
    )  # fmt: skip


def test_nothing_is_written_after_the_end(tmp_path: Path) -> None:
    machine, path = machine_with(COUNTING), tmp_path / "perf.map"
    with announced(machine, PerfMap(path), NAMES):
        pass
    before = path.read_text()
    machine.run(0x100)
    assert path.read_text() == before
    assert machine.listener is None

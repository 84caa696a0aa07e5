"""The interface for debuggers: its list walked, its objects parsed, and a real GDB where there is
one."""

from __future__ import annotations

import ctypes
import io
import os
import re
import shutil
import subprocess
import sys
from typing import Any

import pytest

from jitvm.profiling.functions import Function, announced
from jitvm.profiling.gdb import (
    DESCRIPTOR,
    FUNCTION,
    Descriptor,
    GdbObjects,
    library,
    object_of,
    stack_moves,
)
from tests.jit.programs import PROGRAMS
from tests.profiling.rig import COUNTING, machine_with
from tests.profiling.test_perf import NAMES

elffile = pytest.importorskip("elftools.elf.elffile")

SCRIPT = """
import signal, threading, time
from jitvm.guests.uxn.assembler import assemble
from jitvm.guests.uxn.places import naming
from jitvm.profiling.functions import announced
from jitvm.profiling.gdb import GdbObjects
from tests.profiling.rig import FOREVER, machine_with

machine, guest = machine_with(FOREVER), threading.get_ident()

def spent():
    return time.clock_gettime(time.pthread_getcpuclockid(guest))

def trap():
    while not (machine.jit and machine.jit.regions and machine.native.is_native):
        time.sleep(0.01)
    since = spent()
    while spent() < since + 0.05:
        time.sleep(0.01)
    signal.pthread_kill(guest, signal.SIGTRAP)

threading.Thread(target=trap, daemon=True).start()
with announced(machine, GdbObjects(), naming(assemble(FOREVER).symbols)):
    machine.run(0x100)
"""
"""Traps in the middle of a region that runs for ever."""


def objects() -> list[bytes]:
    """What a debugger finds when it follows the list, first to last."""
    descriptor = Descriptor.in_dll(library(), DESCRIPTOR)
    assert descriptor.version == 1
    found, before, entry = [], None, descriptor.first
    while entry:
        assert bool(entry.contents.previous) == (before is not None), "it leads back, too"
        found.append(ctypes.string_at(entry.contents.object, entry.contents.size))
        before, entry = entry, entry.contents.next
    return found


def symbols(data: bytes) -> dict[str, tuple[int, int]]:
    """Address and size of each function that an object names."""
    elf = elffile.ELFFile(io.BytesIO(data))
    assert elf.get_machine_arch() in ("x64", "AArch64")
    table = elf.get_section_by_name(".symtab")
    text = elf.get_section_by_name(".text")
    found = {}
    for symbol in table.iter_symbols():
        if symbol.name:
            assert symbol["st_info"]["type"] == "STT_FUNC"
            start, size = symbol["st_value"], symbol["st_size"]
            assert text["sh_addr"] <= start
            assert start + size <= text["sh_addr"] + text["sh_size"]
            found[symbol.name] = start, size
    return found


def test_the_list_names_handlers_and_regions_while_it_lasts() -> None:
    machine = machine_with(COUNTING)
    assert not objects()
    with announced(machine, GdbObjects(), NAMES):
        (handlers,) = map(symbols, objects())
        assert {"interpreter enter", "interpreter ADD2"} <= handlers.keys()
        machine.run(0x100)
        assert machine.jit is not None
        (region,) = machine.jit.regions.values()
        newest = symbols(objects()[0])
        assert newest == {"count #1": (region.span.address, len(region.compiled.machine_code))}
        assert len(objects()) == 2
    assert not objects()
    assert machine.listener is None


def test_regions_that_go_leave_the_list() -> None:
    machine = machine_with(PROGRAMS["generated code, rewritten now and then"])
    machine.counting = True  # a machine that does not count keeps a budget without regions
    with announced(machine, GdbObjects()):
        machine.run(0x100, max_instructions=200_000)
        assert machine.jit is not None
        assert machine.jit.statistics.invalidated
        names = {name for data in objects() for name in symbols(data) if "#" in name}
        living = {f"0x{each.start:04x} #{each.number}" for each in machine.jit.regions.values()}
        assert names == living


def test_two_machines_share_the_list() -> None:
    first, second = machine_with(COUNTING), machine_with(COUNTING)
    with announced(first, GdbObjects()):
        with announced(second, GdbObjects()):
            first.run(0x100)
            second.run(0x100)
            assert len(objects()) == 4
        assert len(objects()) == 2
        assert first.jit is not None
        (region,) = first.jit.regions.values()
        assert {"0x0103 #1": (region.span.address, len(region.compiled.machine_code))} in map(
            symbols, objects()
        )
    assert not objects()


def test_the_library_is_one_that_debuggers_can_read() -> None:
    with open(library()._name, "rb") as file:
        elf = elffile.ELFFile(file)
        table = elf.get_section_by_name(".dynsym")
        exported = {symbol.name: symbol for symbol in table.iter_symbols()}
        assert exported[FUNCTION]["st_info"]["type"] == "STT_FUNC"
        assert exported[DESCRIPTOR]["st_size"] == ctypes.sizeof(Descriptor)
        places = [exported[name]["st_shndx"] for name in (FUNCTION, DESCRIPTOR)]
        assert [elf.get_section(at).name for at in places] == [".text", ".data"]
        assert elf.get_section_by_name(".hash").get_number_of_symbols() == 3
        assert not elf.get_segment(3)["p_flags"] & 1, "the stack stays as it is"


def unwound(code: bytes) -> list[Any]:
    """How to unwind a function that begins with these bytes, as pyelftools reads it."""
    buffer = ctypes.create_string_buffer(code, len(code))
    data = object_of([Function(ctypes.addressof(buffer), len(code), "f")])
    dwarf = elffile.ELFFile(io.BytesIO(data)).get_dwarf_info(relocate_dwarf_sections=False)
    _, entry = dwarf.CFI_entries()
    assert entry["initial_location"] == ctypes.addressof(buffer)
    return [(row["pc"] - entry["initial_location"], row["cfa"].offset, {
        register: rule.arg for register, rule in row.items() if isinstance(register, int)
    }) for row in entry.get_decoded().table]  # fmt: skip


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="about machine code of x86-64")
def test_what_a_function_does_to_the_stack_is_told() -> None:
    returns = 16
    assert unwound(b"\x90\xc3") == [(0, 8, {returns: -8})]
    # push rbp; push r15; sub rsp, 0x38; nop
    assert unwound(b"\x55\x41\x57\x48\x83\xec\x38\x90") == [
        (0, 8, {returns: -8}),
        (1, 16, {returns: -8, 6: -16}),
        (3, 24, {returns: -8, 6: -16, 15: -24}),
        (7, 24 + 0x38, {returns: -8, 6: -16, 15: -24}),
    ]
    # sub rsp, 0x1234: a number of two bytes
    assert unwound(b"\x48\x81\xec\x34\x12\x00\x00\xc3")[-1] == (7, 8 + 0x1234, {returns: -8})


@pytest.mark.parametrize("code", [b"", b"\x41", b"\x48\x83", b"\xc3\x55"])
def test_code_that_ends_early_or_begins_otherwise_is_told_nothing_of(code: bytes) -> None:
    assert stack_moves(code) == b""


@pytest.mark.skipif(shutil.which("gdb") is None, reason="there is no GDB")
def test_gdb_shows_guest_labels_in_a_backtrace() -> None:
    done = subprocess.run(
        ["gdb", "-nx", "-q", "-batch", "-ex", "run", "-ex", "backtrace 4", "-ex", "kill",
         "--args", sys.executable, "-c", SCRIPT],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    if "SIGTRAP" not in done.stdout:
        pytest.skip(f"GDB may not trace here: {done.stderr[-200:]}")
    frames = re.findall(r"^#\d+ +0x[0-9a-f]+ in (.+?) \(", done.stdout, re.MULTILINE)
    assert re.fullmatch(r"spin(/turn)?(\+\d+)? #\d+", frames[0])
    assert frames[1] == "interpreter enter"
    assert "libffi" in done.stdout, "and from there into Python"

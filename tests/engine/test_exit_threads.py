"""The interpreter ends with what the program said, whatever threads are doing."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.clock import HANGS

LOOP = """
import threading, time, jitvm
rom = bytes(jitvm.assemble("|0100 @main #0000 &l INC2 !&l").rom)
threading.Thread(target=lambda: jitvm.run(rom), daemon=True).start()
time.sleep(0.2)
"""
COMPILE = """
import threading, jitvm
from jitvm.engine.codegen import native
began = threading.Event()
emitted = native.Compiler._emitted_inside
def slow(*args, **options):
    began.set()
    return emitted(*args, **options)
native.Compiler._emitted_inside = slow
make = lambda: jitvm.Machine(jitvm.UXN, cache=None)
threading.Thread(target=make, daemon=True).start()
began.wait()
"""
DEVICE = """
import threading, time, jitvm
rom = bytes(jitvm.assemble("|18 @out |0100 &l #00 .out DEO !&l").rom)
machine = jitvm.Machine(jitvm.UXN)
machine.memory[0x100 : 0x100 + len(rom)] = rom
machine.on_write(0x18, lambda byte: None)
threading.Thread(target=machine.run, args=(0x100,), daemon=True).start()
time.sleep(0.05)
"""
AT_EXIT = """
import atexit
def last():
    machine = jitvm.Machine(jitvm.UXN)
    machine.memory[0x100] = 0
    machine.run(0x100)
atexit.register(last)
import jitvm
atexit.register(last)
jitvm.Machine(jitvm.UXN)
"""


@pytest.mark.parametrize("program", [LOOP, COMPILE, DEVICE, AT_EXIT])
@pytest.mark.parametrize("status", [0, 3])
def test_the_status_is_the_programs(program: str, status: int) -> None:
    code = f"{program}\nraise SystemExit({status})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=HANGS)
    assert (done.returncode, done.stderr) == (status, b"")

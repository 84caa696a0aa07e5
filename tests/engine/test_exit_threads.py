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


INTERPRETERS = '''
import threading
import _interpreters as interpreters
GUEST = """
import sys
sys.path[:] = {path!r}
import jitvm
source = "|18 @out |0100 #8000 &l #0001 SUB2 DUP2 ORA ?&l POP2 #41 .out DEO BRK"
rom = bytes(jitvm.assemble(source).rom)
assert [jitvm.run(rom).stdout for _ in range(3)] == [b"A"] * 3
machine = jitvm.Machine(jitvm.UXN)
machine.memory[0x100 : 0x100 + len(rom)] = rom
heard = []
machine.on_write(0x18, lambda byte: heard.append((byte, sys.path is PATH)))
PATH = sys.path
machine.run(0x100)
assert heard == [(65, True)], heard
"""
def run():
    made = interpreters.create()
    try:
        wrong = interpreters.run_string(made, GUEST)
        print(wrong.formatted if wrong else "well", flush=True)
    finally:
        interpreters.destroy(made)
threads = [threading.Thread(target=run) for _ in range(2)]
for thread in threads: thread.start()
for thread in threads: thread.join()
import jitvm
print(jitvm.run(bytes(jitvm.assemble("|0100 #800f DEO BRK").rom)).exit_code)
'''


@pytest.mark.skipif(sys.version_info < (3, 13), reason="there `ctypes` serves one interpreter only")
def test_other_interpreters_run_guests_and_end() -> None:
    code = INTERPRETERS.replace("{path!r}", repr(sys.path))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=HANGS)
    assert (done.stdout, done.stderr, done.returncode) == (b"well\nwell\n0\n", b"", 0)

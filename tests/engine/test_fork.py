"""Forks: parent and child each have their own memory, code, threads and signals.

The long version of the last test: ``python -m tests.soak fork --minutes 10``.
"""

from __future__ import annotations

import concurrent.futures
import ctypes
import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import warnings
import weakref
from collections.abc import Callable, Iterator

import pytest

import jitvm
from jitvm.engine.host.process import SHARED
from jitvm.engine.memory.arena import shared_arena
from jitvm.engine.tables.params import Parameters
from tests.clock import HANGS, until
from tests.soak.forks import answer, rom_for, soak

PATIENCE = round(HANGS)
COUNT = jitvm.assemble("|0100 @main ;n LDA2k INC2 SWP2 STA2 !main |2000 @n $2").rom
DEVICE = jitvm.assemble("|0100 #13 DEI #18 DEO #01 #0f DEO BRK").rom

pytestmark = [
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded"),
    pytest.mark.usefixtures("patient_forks"),
]


def in_child(work: Callable[[], int]) -> int:
    """Do something in a forked child; what it returns, or what ended it."""
    child = os.fork()
    if child == 0:
        code = 99
        try:
            signal.alarm(PATIENCE)
            code = work()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.fixture
def machine() -> jitvm.Machine:
    return jitvm.Machine(jitvm.UXN, tier=jitvm.Tier.JIT, params=Parameters(background=0, hot=20))


def running(machine: jitvm.Machine, rom: bytes) -> Iterator[None]:
    """Run a guest on a daemon thread while the block lasts."""
    machine.memory[0x100 : 0x100 + len(rom)] = rom
    thread = threading.Thread(target=machine.run, args=(0x100,), daemon=True)
    thread.start()
    yield
    machine.interrupt()
    thread.join(PATIENCE)
    assert not thread.is_alive()


def test_memory_is_not_shared(machine: jitvm.Machine) -> None:
    machine.memory[0x2000] = 1
    machine.memory[0] = 5
    view = machine.memory

    def child() -> int:
        first = view[0x2000], view[0], machine.state.spaces[0][0x2000]
        view[0x2000], view[0xFFFF] = 77, 3
        machine.memory[0] = 78
        return 0 if first == (1, 5, 1) and view[0] == 78 else 1

    assert in_child(child) == 0
    assert machine.memory[0x2000] == 1
    assert machine.memory[0xFFFF] == 0
    assert machine.memory[0] == 5


def test_the_mirror_is_still_one_in_the_child(machine: jitvm.Machine) -> None:
    wrap = jitvm.assemble("|0100 #1234 #ffff STA2 #ffff LDA2 #2000 STA2 BRK").rom
    machine.memory[0x100 : 0x100 + len(wrap)] = wrap

    def child() -> int:
        machine.run(0x100)
        memory = machine.memory
        return 0 if (memory[0xFFFF], memory[0], bytes(memory[0x2000:0x2002])) == (
            0x12, 0x34, b"\x12\x34",
        ) else 1  # fmt: skip

    assert in_child(child) == 0
    assert machine.memory[0] == 0


def test_code_is_not_shared() -> None:
    arena = shared_arena()
    kept = arena.install(b"\x90" * 64)

    def child() -> int:
        same = ctypes.string_at(kept.address, 64) == b"\x90" * 64
        mine = arena.install(b"\xcc" * 64)
        os.write(writer, b"%d" % mine.address)
        return 0 if same else 1

    reader, writer = os.pipe()
    assert in_child(child) == 0
    address = int(os.read(reader, 99))
    assert ctypes.string_at(address, 4) != b"\xcc" * 4
    os.close(reader)
    os.close(writer)


@pytest.mark.parametrize("tier", ["interpreter", "jit", "ir"])
def test_a_guest_on_another_thread_is_run_on_by_both_sides(tier: str) -> None:
    machine = jitvm.Machine(jitvm.UXN, tier=jitvm.Tier(tier), params=Parameters(hot=20))

    def count() -> int:
        return int.from_bytes(machine.memory[0x2000:0x2002], "big")

    def child() -> int:
        before = count()
        assert machine.state.pc in range(0x100, 0x10A), hex(machine.state.pc)
        seen = []
        for _ in range(3):
            machine.run(max_instructions=5 * 100)
            seen.append(count())
        return 0 if seen != [before] * 3 and len(set(seen)) == 3 else 1

    for _ in running(machine, COUNT):
        until(count)
        for _ in range(10):
            assert in_child(child) == 0


def test_a_fork_in_a_host_function(machine: jitvm.Machine) -> None:
    children = []

    def reader() -> int:
        children.append(os.fork())
        return 1 if children[-1] else 2

    written: list[int] = []
    machine.on_read(0x13, reader)
    machine.on_write(0x18, written.append)
    machine.memory[0x100 : 0x100 + len(DEVICE)] = DEVICE
    machine.run(0x100)
    if children[-1] == 0:
        machine.memory[0x3000] = 9
        os._exit(0 if written == [2] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(children[-1], 0)[1]) == 0
    assert written == [1]
    assert machine.memory[0x3000] == 0


def test_a_fork_while_something_is_compiled_and_in_a_child_of_a_child() -> None:
    def grandchild() -> int:
        return 0 if answer(2) == b"C" else 1

    def child() -> int:
        return in_child(grandchild) or (0 if answer(1) == b"B" else 1)

    # In the background, so some of these forks fall into a compilation.
    machine = jitvm.Machine(jitvm.UXN, tier=jitvm.Tier.JIT, params=Parameters(hot=20))
    for _ in running(machine, COUNT):
        assert [in_child(child) for _ in range(5)] == [0] * 5


def test_compiling_goes_on_in_the_child() -> None:
    """The compile thread is not there, and what it was doing is done again."""
    rom = rom_for(3)
    machine = jitvm.Machine(jitvm.UXN, tier=jitvm.Tier.JIT, params=Parameters(hot=20, keep=0))
    machine.memory[0x100 : 0x100 + len(rom)] = rom
    machine.run(0x100, max_instructions=200_000)

    def child() -> int:
        while machine.jit is None or not machine.jit.statistics.installed:
            machine.run(0x100)  # for as long as the alarm lets it
        return 0

    assert in_child(child) == 0


def test_a_child_has_signals_of_its_own() -> None:
    """One that is sent to the child does not come to machines of the parent."""
    spin = jitvm.assemble("|0100 @main !main").rom
    parent = jitvm.load(bytes(rom_for(0)))
    with parent.limited():
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGALRM, lambda *_: os._exit(7))
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            machine = jitvm.load(bytes(spin))
            machine.run_console(b"", time_limit=PATIENCE)
            os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        parent.boot()
    assert parent.stdout == b"A"


def test_fork_from_another_thread(machine: jitvm.Machine) -> None:
    codes: list[int] = []

    def work() -> None:
        codes.append(in_child(lambda: 0 if answer(1) == b"B" else 1))

    for _ in running(machine, COUNT):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join(PATIENCE)
    assert codes == [0]


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_pools_of_processes(method: str) -> None:
    context = multiprocessing.get_context(method)
    assert answer(0) == b"A"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
            assert list(pool.map(answer, [0, 1, 2, 3] * 3)) == [b"A", b"B", b"C", b"D"] * 3


def test_other_programs_start_while_guests_run(machine: jitvm.Machine) -> None:
    for _ in running(machine, COUNT):
        for _ in range(3):
            done = subprocess.run([sys.executable, "-c", "print(7)"], stdout=-1, check=True)
            assert done.stdout == b"7\n"


def test_nothing_is_held_for_machines_that_are_gone() -> None:
    machines = [jitvm.Machine(jitvm.UXN) for _ in range(5)]
    blocks = [weakref.ref(machine.block) for machine in machines]
    assert {block() for block in blocks} <= set(SHARED)
    del machines
    gc.collect()
    assert not any(block() for block in blocks)


def test_forked_workers_give_the_output_of_their_own_programs() -> None:
    assert soak(seconds=3) == {0}

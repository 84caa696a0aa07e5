"""A fork gives each side memory, code and threads of its own, at an exact state."""

from __future__ import annotations

import copy
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from weakref import WeakSet

import pytest

from jitvm.engine.host import process
from jitvm.engine.host.process import GATE, LLVM
from jitvm.engine.machine.machine import Machine, Tier
from jitvm.engine.memory.arena import shared_arena
from jitvm.guests.uxn import UXN
from jitvm.guests.uxn.varvara import readcode
from jitvm.guests.uxn.varvara.native import library
from tests.clock import HANGS, until
from tests.interrupting import is_native

pytestmark = pytest.mark.usefixtures("patient_forks")

OUT = 0x18
ROUNDS = 0x2000


def in_child(function: Callable[[], object]) -> bool:
    """Whether a function is true in a forked child."""
    child = os.fork()
    if child == 0:
        signal.alarm(round(HANGS))
        code = 1
        try:
            code = 0 if function() else 2
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def counting() -> tuple[Machine, list[int]]:
    """A machine that writes the low bytes of 1, 2, ... `ROUNDS` to a device."""
    import jitvm

    text = "|18 @out |0100 #0000 &l INC2 DUP2 NIP .out DEO DUP2 #2000 NEQ2 ?&l POP2 BRK"
    rom = bytes(jitvm.assemble(text).rom)
    machine = Machine(UXN, cache=None)
    machine.memory[0x100 : 0x100 + len(rom)] = rom
    written: list[int] = []
    machine.on_write(OUT, written.append)
    return machine, written


EXPECTED = [number & 0xFF for number in range(1, ROUNDS + 1)]


def test_a_child_has_memory_and_code_of_its_own() -> None:
    machine = Machine(UXN)
    machine.memory[0x2000] = 1
    span = shared_arena().install(b"\x90" * 64)

    def write() -> bool:
        machine.memory[0x2000] = 77
        size = machine.layout.size
        machine.memory[0] = 7
        mirrored = machine.block.view(size, 1)[0] == 7
        return mirrored and shared_arena().install(b"\xcc" * 64).address != span.address

    assert in_child(write)
    assert machine.memory[0x2000] == 1
    assert machine.memory[0] == 0


def test_a_machine_whose_device_is_called_on_another_thread_is_run_on_by_both() -> None:
    machine, written = counting()
    reached = threading.Event()

    def write(byte: int) -> None:
        written.append(byte)
        if len(written) == 500:
            reached.set()
            while not GATE.is_closed:
                time.sleep(0.0001)

    machine.on_write(OUT, write)
    thread = threading.Thread(target=machine.run, args=(0x100,))
    thread.start()
    assert reached.wait(HANGS)

    def run_on() -> bool:
        machine.run()
        return written == EXPECTED

    assert in_child(run_on)
    thread.join()
    assert written == EXPECTED


def test_a_device_may_fork() -> None:
    machine, written = counting()
    children: list[int] = []

    def write(byte: int) -> None:
        written.append(byte)
        if len(written) == 100:
            children.append(os.fork())

    machine.on_write(OUT, write)
    machine.run(0x100)
    if children == [0]:
        os._exit(0 if written == EXPECTED else 3)
    assert os.waitstatus_to_exitcode(os.waitpid(children[0], 0)[1]) == 0
    assert written == EXPECTED


def test_locks_that_other_threads_hold_are_open_in_a_child() -> None:
    locks = [readcode._lock.lock, library._lock.lock]
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        for lock in locks:
            lock.acquire()
        held.set()
        done.wait()
        for lock in locks:
            lock.release()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    assert in_child(lambda: all(lock.acquire(timeout=1) for lock in locks))
    done.set()
    thread.join()


def test_after_a_fork_the_gate_and_llvm_are_free() -> None:
    Machine(UXN)

    def free() -> bool:
        return not GATE.is_closed and LLVM.acquire(blocking=False)

    assert in_child(lambda: free() and in_child(free))
    assert not GATE.is_closed


def test_a_signal_that_raises_leaves_no_machine_in_native_code() -> None:
    machine = Machine(UXN)
    machine.memory[0x100:0x103] = bytes.fromhex("40fffd")  # JMI to itself
    reader, writer = os.pipe()
    os.set_blocking(writer, False)

    def stop(*_: object) -> None:
        raise TimeoutError

    def interrupt() -> None:
        """When the signal has come, and its handler waits for native code to come back."""
        until(lambda: is_native(machine))
        os.kill(os.getpid(), signal.SIGALRM)
        os.read(reader, 1)
        machine.interrupt()

    before = signal.signal(signal.SIGALRM, stop)
    signal.set_wakeup_fd(writer)
    thread = threading.Thread(target=interrupt)
    try:
        thread.start()
        with pytest.raises(TimeoutError):
            machine.run(0x100)
        thread.join()
    finally:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGALRM, before)
        os.close(reader)
        os.close(writer)
    assert not is_native(machine)


def test_a_guest_with_a_machine_can_be_copied() -> None:
    Machine(UXN)
    copied = copy.deepcopy(UXN)
    assert copied.handlers is None
    assert copied.name == UXN.name


def test_all_of_a_set_that_another_thread_adds_to() -> None:
    class Growing(WeakSet[Machine]):
        def __iter__(self) -> Iterator[Machine]:
            for each in super().__iter__():
                if len(made) < 3:
                    made.append(Machine(UXN, tier=Tier.REFERENCE))
                    self.add(made[-1])
                yield each

    made = [Machine(UXN, tier=Tier.REFERENCE)]
    assert {*process.all_of(Growing(made))} == {*made}
    assert len(made) == 3

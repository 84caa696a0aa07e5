"""Interrupts from other threads, machines in parallel, and a native stack that does not grow."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from jitvm.engine.machine.machine import Machine
from jitvm.guest import Stop
from jitvm.guests.uxn import UXN
from jitvm.guests.uxn.assembler import assemble
from tests.clock import HANGS, until
from tests.interrupting import interrupted, is_native
from tests.tiers import TIERS, make_machine

ENDLESS = {
    "jump": "|0100 @loop !loop",
    "straight": "|0100 INC",  # memory is filled with INC, so control wraps around it
    "calls": "|0100 @loop loop2 !loop @loop2 JMP2r",
    "branch": "|0100 LIT 01 @loop INCk ?loop !loop",
    "recursion": "|0100 @loop loop",
}


def machine_with(source: str, tier: str = "interpreter", fill: int = 0) -> Machine:
    machine = make_machine(tier, UXN)
    machine.memory[:] = bytes([fill]) * 0x10000
    rom = assemble(source).rom
    machine.memory[0x100 : 0x100 + len(rom)] = rom
    return machine


def in_thread(work: Callable[[], object], stack_size: int = 0) -> None:
    """Do work in a new thread with a stack of this many bytes; what it raises comes out."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    previous = threading.stack_size(stack_size)
    try:
        thread = threading.Thread(target=run)
        thread.start()
    finally:
        threading.stack_size(previous)
    thread.join()
    if errors:
        raise errors[0]


# -- interrupts ----------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["plain", "counting", "profiling"])
@pytest.mark.parametrize("name", ENDLESS)
def test_interrupts_stop_endless_programs(name: str, mode: str) -> None:
    machine = machine_with(ENDLESS[name], fill=0x01)
    if mode != "plain":
        setattr(machine, mode, True)
    for _ in range(5):
        assert interrupted(machine) is Stop.INTERRUPT


@pytest.mark.parametrize("tier", ["reference", "interpreter"])
def test_an_interrupted_run_can_be_continued(tier: str) -> None:
    source = "|0100 LIT2 0000 @loop INC2 ORAk ?loop BRK"
    machine = machine_with(source, tier)
    machine.counting = True
    machine.interrupt()
    assert machine.run(0x100) is Stop.INTERRUPT
    done = threading.Event()

    def interrupt() -> None:
        """Not for ever: on a slow machine interrupts may come faster than the run gets on."""
        for _ in range(200):
            if done.wait(0.001):
                break
            machine.interrupt()

    thread = threading.Thread(target=interrupt)
    thread.start()
    while machine.run() is Stop.INTERRUPT:
        pass
    done.set()
    thread.join()
    assert machine.executed == 1 + 3 * 0x10000 + 1
    assert bytes(machine.state.stacks[0][:2]) == b"\0\0"


@pytest.mark.parametrize("tier", TIERS)
def test_an_interrupt_before_a_run_ends_it_at_once(tier: str) -> None:
    machine = machine_with("|0100 LIT 12 BRK", tier)
    machine.interrupt()
    assert machine.run(0x100) is Stop.INTERRUPT
    assert (machine.state.pc, machine.state.pointers[0]) == (0x100, 0)
    assert machine.run() is Stop.HALT


@pytest.mark.parametrize("tier", TIERS)
def test_a_device_may_interrupt_its_own_run(tier: str) -> None:
    machine = machine_with("|0100 LIT 12 LIT 30 DEO LIT 34 BRK", tier)
    machine.on_write(0x30, lambda _: machine.interrupt())
    assert machine.run(0x100) is Stop.INTERRUPT
    assert machine.state.pc == 0x105
    assert machine.run() is Stop.HALT


@pytest.mark.parametrize("tier", TIERS)
def test_interrupts_end_the_delivery_of_events(tier: str) -> None:
    machine = machine_with("|0100 LIT 30 DEO BRK", tier)
    machine.vector, left = 0x100, 3
    machine.state.stacks[0][:] = bytes(256)

    def write(_: int) -> None:
        nonlocal left
        left -= 1
        if not left:
            machine.interrupt()

    machine.on_write(0x30, write)
    delivery = machine.deliver(b"abcdef", port=0x12, stop_port=0x0F)
    assert (delivery.begun, delivery.stop) == (3, Stop.INTERRUPT)


# -- the native stack ----------------------------------------------------------------------------

DEEP = """
|0100 LIT2 0000 @loop work INC2 DUP2 LIT2 {calls:04x} NEQ2 ?loop BRK
|0200 @work
"""
PAIRS = 0x7000
WORK = bytes([0x06, 0x02]) * PAIRS + bytes([0x6C])  # DUP POP ... JMP2r


def deep(calls: int) -> Machine:
    """A machine with a program that calls a long routine so many times."""
    machine = machine_with(DEEP.format(calls=calls))
    machine.memory[0x200 : 0x200 + len(WORK)] = WORK
    return machine


def instructions(calls: int) -> int:
    """How many instructions that takes; six are the loop's: JSI INC2 DUP2 LIT2 NEQ2 JCI."""
    return 1 + calls * (6 + len(WORK)) + 1


def run_deep(machine: Machine, calls: int) -> None:
    in_thread(lambda: machine.run(0x100), stack_size=32768)
    assert machine.state.pc == 0x110
    assert bytes(machine.state.stacks[0][:2]) == calls.to_bytes(2, "big")
    assert machine.state.pointers == [2, 0]


def test_what_the_long_run_executes() -> None:
    machine = deep(calls=7)
    machine.counting = True
    run_deep(machine, calls=7)
    assert machine.executed == instructions(calls=7)


def test_a_thousand_million_instructions_on_the_smallest_stack() -> None:
    calls = 17450
    assert instructions(calls) > 10**9
    run_deep(deep(calls), calls)


def test_deep_recursion_on_the_smallest_stack() -> None:
    """Guest calls that never return: the return stack wraps, the native one stays."""
    machine = machine_with("|0100 @loop loop")
    in_thread(lambda: machine.run(0x100, max_instructions=10**7), stack_size=32768)
    assert machine.executed == 10**7
    assert machine.state.pointers[1] == 2 * 10**7 & 0xFF


# -- in parallel ---------------------------------------------------------------------------------


def test_python_runs_on_while_a_guest_does() -> None:
    """The interpreter lock is released, and several guests are inside native code at once."""
    machines = [machine_with(ENDLESS["jump"]) for _ in range(3)]
    threads = [threading.Thread(target=machine.run, args=(0x100,)) for machine in machines]
    for thread in threads:
        thread.start()
    until(lambda: all(map(is_native, machines)))
    other = machine_with("|0100 LIT 12 BRK")
    assert other.run(0x100) is Stop.HALT
    assert all(thread.is_alive() for thread in threads)
    for machine in machines:
        machine.interrupt()
    until(lambda: not any(thread.is_alive() for thread in threads))


SMALL_STACKS = """
import os, threading
threading.stack_size(32768)
import jitvm
from jitvm.engine.jit import thread
rom = bytes(jitvm.assemble(
    "|18 @out |0100 #ff &outer #0000 &l INC2 ORAk ?&l POP2 #01 SUB DUP ?&outer #41 .out DEO BRK"
).rom) + os.urandom(8)  # nobody has kept regions of it
assert jitvm.run(rom).stdout == b"A"
assert thread._shared
running = threading.Thread(target=lambda: print(jitvm.run(rom).stdout))
running.start()
running.join()
assert threading.stack_size() == 32768
"""


def test_threads_of_a_program_that_asked_for_small_stacks(tmp_path: Path) -> None:
    """LLVM has to make the interpreter, on several of them."""
    empty = {**os.environ, "JITVM_CACHE": str(tmp_path / "cache")}
    command = [sys.executable, "-c", SMALL_STACKS]
    done = subprocess.run(command, env=empty, capture_output=True, timeout=HANGS)
    assert (done.stdout, done.stderr, done.returncode) == (b"b'A'\n", b"", 0)

"""Interrupts from other threads, machines in parallel, and a native stack that does not grow."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from functools import partial
from statistics import median

import pytest

from jitvm.engine.machine.machine import Machine
from jitvm.guest import Stop
from jitvm.guests.uxn import UXN
from jitvm.guests.uxn.assembler import assemble
from tests.clock import HANGS, best_of, seconds_of
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


@pytest.mark.clock
@pytest.mark.parametrize("mode", ["plain", "counting", "profiling"])
@pytest.mark.parametrize("name", ENDLESS)
def test_interrupts_stop_endless_programs(name: str, mode: str) -> None:
    machine = machine_with(ENDLESS[name], fill=0x01)
    if mode != "plain":
        setattr(machine, mode, True)

    def delay() -> float:
        asked: list[float] = []

        def interrupt() -> None:
            asked.append(time.perf_counter())
            machine.interrupt()

        helper = threading.Timer(0.01, interrupt)
        helper.start()
        stop = machine.run(0x100)
        delay = time.perf_counter() - asked[0]
        helper.join()
        assert stop is Stop.INTERRUPT
        return delay

    assert best_of(delay, 0.02) < 0.02


@pytest.mark.parametrize("tier", ["reference", "interpreter"])
def test_an_interrupted_run_can_be_continued(tier: str) -> None:
    source = "|0100 LIT2 0000 @loop INC2 ORAk ?loop BRK"
    machine = machine_with(source, tier)
    machine.counting = True
    total = 0
    while True:
        helper = threading.Timer(0.002, machine.interrupt)
        helper.start()
        stop = machine.run(0x100 if not total else None)
        helper.cancel()
        helper.join()
        total += 1
        if stop is Stop.HALT:
            break
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
    other = machine_with("|0100 LIT 12 BRK")
    assert other.run(0x100) is Stop.HALT
    assert all(thread.is_alive() for thread in threads)
    for machine in machines:
        machine.interrupt()
    for thread in threads:
        thread.join(HANGS)
        assert not thread.is_alive()


@pytest.mark.clock
def test_two_machines_take_less_than_twice_the_time_of_one() -> None:
    """Wherever the same is true of hashing, which needs no lock either."""
    machines = [deep(calls=500) for _ in range(2)]
    data = bytes(20_000_000)

    def run(machine: Machine) -> object:
        machine.state.pointers[:] = [0, 0]
        return machine.run(0x100)

    def hash_() -> object:
        return hashlib.sha256(data).digest()

    guests, hashes = [], []
    for _ in range(6):
        guests.append(slowdown(*(partial(run, machine) for machine in machines)))
        hashes.append(slowdown(hash_, hash_))
        if guests[-1] < 1.6:
            return
    if median(hashes) > 1.4:
        pytest.skip(f"no second core is free: hashing took {median(hashes):.2f} times")
    pytest.fail(f"two took {min(guests):.2f} times longer than one")


def slowdown(*works: Callable[[], object]) -> float:
    """How much longer works take at once, each in a thread, than the first of them alone."""

    def at_once() -> None:
        threads = [threading.Thread(target=work) for work in works]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return seconds_of(at_once) / min(seconds_of(works[0]) for _ in range(3))

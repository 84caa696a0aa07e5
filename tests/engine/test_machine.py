"""A machine as its users see it: devices, errors, output, events, views, snapshots."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from functools import partial

import pytest

from jitvm.engine.machine.machine import Machine
from jitvm.engine.memory.layout import RING
from jitvm.guest import Stop
from jitvm.guests.uxn import UXN
from jitvm.guests.uxn.assembler import assemble
from tests.clock import until
from tests.tiers import ALL_TIERS, TIERS, make_machine


@pytest.fixture(params=TIERS)
def tier(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def machine(tier: str) -> Machine:
    return make_machine(tier, UXN)


def load(machine: Machine, source: str) -> None:
    rom = assemble(source).rom
    machine.memory[0x100 : 0x100 + len(rom)] = rom


def wst(machine: Machine) -> bytes:
    return bytes(machine.state.stacks[0][: machine.state.pointers[0]])


# -- devices that come and go, and what they must not do ------------------------------------------


@pytest.fixture(params=ALL_TIERS)
def any_tier(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_devices_come_and_go_while_the_guest_runs(any_tier: str) -> None:
    machine = make_machine(any_tier, UXN)
    load(machine, "|0100 #00 &l #40 DEI #41 DEO INC DUP #c0 NEQ ?&l BRK")
    log: list[tuple[str, int]] = []

    def read() -> int:
        log.append(("read", len(log)))
        if len(log) > 60:
            machine.on_read(0x40, None)
            machine.page[0x40] = 0xEE
        return len(log) & 0xFF

    def write(byte: int) -> None:
        log.append(("write", byte))
        if len(log) == 90:
            machine.on_read(0x40, read)
        if len(log) == 94:
            machine.on_write(0x41, None)
        if len(log) == 97:
            machine.on_write(0x41, None)
            machine.on_write(0x42, None)
            machine.on_read(0x43, None)

    machine.on_read(0x40, read)
    machine.on_write(0x41, write)
    assert machine.run(0x100) is Stop.HALT
    reads = [at for what, at in log if what == "read"]
    assert reads == [*range(0, 61, 2), 90]
    assert [byte for what, byte in log if what == "write"] == [
        *range(1, 62, 2), *[0xEE] * 28, 91, *[0xEE] * (94 - 92),
    ]  # fmt: skip
    assert machine.page[0x41] == 0xEE


def test_a_device_is_a_function(machine: Machine) -> None:
    with pytest.raises(TypeError, match="a reader is a function, not 5"):
        machine.on_read(0x40, 5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="a writer is a function, not b''"):
        machine.on_write(0x40, b"")  # type: ignore[arg-type]
    assert machine.run(0x100) is Stop.HALT


@pytest.mark.parametrize("kind", ["run", "step", "deliver"])
def test_a_machine_that_runs_is_not_run(any_tier: str, kind: str) -> None:
    machine = make_machine(any_tier, UXN)
    load(machine, "|0100 #00 &l #01 #40 DEO #40 DEI POP INC DUP #80 NEQ ?&l #41 DEO BRK")
    ways: dict[str, Callable[[], object]] = {
        "run": partial(machine.run, 0x100),
        "step": machine.step,
        "deliver": partial(machine.deliver, b"a", port=0x12, stop_port=0x0F),
    }
    again = ways[kind]
    refused: list[str] = []

    def device(*_: int) -> int:
        with pytest.raises(RuntimeError, match="the machine is running: a function that it"):
            again()
        refused.append(machine.state.stacks[0][: machine.state.pointers[0]].hex())
        return 0

    machine.on_write(0x40, device)  # type: ignore[arg-type]
    machine.on_read(0x40, device)
    assert machine.run(0x100) is Stop.HALT
    assert len(refused) == 0x100
    assert machine.page[0x41] == 0x80

    def run_again(_: int) -> None:
        machine.run()

    machine.on_write(0x40, run_again)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="the machine is running"):
            machine.run(0x100)


def test_two_threads_do_not_run_one_machine(any_tier: str) -> None:
    machine = make_machine(any_tier, UXN)
    load(machine, "|0100 &l #01 #40 DEO !&l")
    is_there = threading.Event()
    machine.on_write(0x40, lambda _: is_there.set())
    thread = threading.Thread(target=machine.run, args=(0x100,))
    thread.start()
    is_there.wait()
    with pytest.raises(RuntimeError, match="nor can a second thread"):
        machine.run(0x100)
    machine.interrupt()
    thread.join()
    load(machine, "|0100 BRK")
    machine.code_written(0x100, 1)
    assert machine.run(0x100) is Stop.HALT


# -- host functions that raise -------------------------------------------------------------------


class Refused(Exception):
    """What the devices below raise."""


def refuse(what: str, *_: int) -> int:
    raise Refused(what)


def refuse_write(what: str, _: int) -> None:
    refuse(what)


def test_an_error_in_a_writer_leaves_the_machine_behind_the_instruction(machine: Machine) -> None:
    load(machine, "|0100 LIT 11 LIT 22 LIT 30 DEO LIT 44 BRK")
    machine.on_write(0x30, partial(refuse_write, "w"))
    with pytest.raises(Refused, match="w"):
        machine.run(0x100)
    assert (machine.state.pc, wst(machine), machine.page[0x30]) == (0x107, b"\x11", 0x22)
    assert machine.run() is Stop.HALT
    assert wst(machine) == b"\x11\x44"


def test_an_error_in_a_reader_counts_as_zero(machine: Machine) -> None:
    load(machine, "|0100 LIT 11 LIT 30 DEI LIT 44 BRK")
    machine.on_read(0x30, partial(refuse, "r"))
    with pytest.raises(Refused, match="r"):
        machine.run(0x100)
    assert (machine.state.pc, wst(machine)) == (0x105, b"\x11\x00")
    assert machine.run() is Stop.HALT


def test_an_instruction_with_two_ports_is_completed(machine: Machine) -> None:
    load(machine, "|0100 LIT2 1234 LIT 30 DEO2 BRK")
    seen: list[int] = []
    machine.on_write(0x30, partial(refuse_write, "first"))
    machine.on_write(0x31, seen.append)
    with pytest.raises(Refused, match="first"):
        machine.run(0x100)
    assert (seen, bytes(machine.page[0x30:0x32])) == ([0x34], b"\x12\x34")
    assert (machine.state.pc, wst(machine)) == (0x106, b"")


def test_of_two_errors_the_first_comes_out(machine: Machine) -> None:
    load(machine, "|0100 LIT2 1234 LIT 30 DEO2 BRK")
    machine.on_write(0x30, partial(refuse_write, "first"))
    machine.on_write(0x31, partial(refuse_write, "second"))
    with pytest.raises(Refused, match="first"):
        machine.run(0x100)
    assert machine.run() is Stop.HALT


def test_errors_of_every_kind_come_out(machine: Machine) -> None:
    load(machine, "|0100 LIT 11 LIT 30 DEO LIT 11 LIT 30 DEO BRK")
    for error in (KeyboardInterrupt, SystemExit):

        def raise_it(_: int, error: type[BaseException] = error) -> None:
            raise error

        machine.on_write(0x30, raise_it)
        with pytest.raises(error):
            machine.run(0x100)


def test_what_a_writer_returns_does_not_matter(machine: Machine) -> None:
    load(machine, "|0100 LIT 11 LIT 30 DEO BRK")
    answers: list[object] = ["text", -1, 1 << 70, object(), None]

    def write(_: int) -> object:
        return answers.pop()

    machine.on_write(0x30, write)  # type: ignore[arg-type]
    while answers:
        assert machine.run(0x100) is Stop.HALT


@pytest.mark.parametrize(("answer", "byte"), [(0x1FF, 0xFF), (-1, 0xFF), (True, 1)])
def test_readers_answer_with_their_low_byte(machine: Machine, answer: int, byte: int) -> None:
    load(machine, "|0100 LIT 30 DEI BRK")
    machine.on_read(0x30, lambda: answer)
    machine.run(0x100)
    assert wst(machine) == bytes([byte])


def test_an_error_in_one_event_keeps_the_machine_usable(machine: Machine) -> None:
    load(machine, "|0100 LIT 12 DEI LIT 30 DEO BRK")
    seen: list[int] = []

    def write(byte: int) -> None:
        if byte == ord("b"):
            raise Refused("b")
        seen.append(byte)

    machine.on_write(0x30, write)
    machine.vector = 0x100
    with pytest.raises(Refused):
        machine.deliver(b"abc", port=0x12, stop_port=0x0F)
    assert machine.run() is Stop.HALT
    assert machine.deliver(b"c", port=0x12, stop_port=0x0F).begun == 1
    assert seen == [ord("a"), ord("c")]


# -- output --------------------------------------------------------------------------------------


def test_output_keeps_the_order_across_ports(machine: Machine) -> None:
    load(machine, "|0100 LIT 61 LIT 18 DEO LIT 62 LIT 19 DEO LIT2 6364 LIT 18 DEO2 BRK")
    machine.collect(0x18, 0x19)
    machine.run(0x100)
    assert machine.take_output() == b"\x18a\x19b\x18c\x19d"
    assert machine.take_output() == b""
    assert bytes(machine.page[0x18:0x1A]) == b"cd"


WRITER = """
|0100 ( writes the low bytes of n..1 )
    @loop DUP LIT 18 DEO LIT2 0001 SUB2 ORAk ?loop BRK
"""


def write_numbers(machine: Machine, count: int) -> bytes:
    """Have `count` bytes written; returns them."""
    load(machine, WRITER)
    machine.state.stacks[0][:2] = count.to_bytes(2, "big")
    machine.state.pointers[:] = [2, 0]
    assert machine.run(0x100) is Stop.HALT
    return bytes(n & 0xFF for n in range(count, 0, -1))


def test_the_ring_wraps_around(machine: Machine) -> None:
    machine.collect(0x18)
    for _ in range(4):
        written = write_numbers(machine, RING // 3)
        assert machine.take_output()[1::2] == written


def test_a_full_ring_is_drained(machine: Machine) -> None:
    machine.collect(0x18)
    taken: list[bytes] = []
    machine.on_output_full(lambda: taken.append(machine.take_output()))
    first = write_numbers(machine, 40000)
    second = write_numbers(machine, 40000)
    assert [len(pairs) // 2 for pairs in taken] == [RING]
    assert (b"".join(taken) + machine.take_output())[1::2] == first + second


def test_a_full_ring_that_nobody_drains_keeps_the_newest(machine: Machine) -> None:
    machine.collect(0x18)
    written = write_numbers(machine, 40000) + write_numbers(machine, 40000)
    assert machine.take_output()[1::2] == written[-RING:]


def test_an_error_while_draining_comes_out_and_loses_one_entry(machine: Machine) -> None:
    machine.collect(0x18)
    machine.on_output_full(partial(refuse_write, "full", 0))
    written = write_numbers(machine, 40000)
    with pytest.raises(Refused, match="full"):
        write_numbers(machine, 40000)
    pairs = machine.take_output()
    assert len(pairs) in (2 * RING, 2 * (RING - 1))
    assert pairs[1 : 2 * (40000 - 1) : 2] == written[1:]


def test_output_may_be_taken_while_the_guest_runs() -> None:
    machine = make_machine("interpreter", UXN)
    taken: list[bytes] = []
    written: list[bytes] = []
    lock, is_enough = threading.Lock(), threading.Event()

    def take() -> None:
        with lock:
            taken.append(machine.take_output())

    def run() -> None:
        while not is_enough.is_set():
            written.append(write_numbers(machine, 60000))

    machine.collect(0x18)
    machine.on_output_full(take)
    runner = threading.Thread(target=run)
    runner.start()
    for _ in range(200):
        take()
    until(lambda: len(written) > 20)
    is_enough.set()
    runner.join()
    take()
    assert b"".join(taken)[1::2] == b"".join(written)


# -- events --------------------------------------------------------------------------------------

ECHO = "|0100 LIT 12 DEI LIT 18 DEO BRK"


def test_events_are_delivered_one_a_byte(machine: Machine) -> None:
    load(machine, ECHO)
    machine.collect(0x18)
    machine.vector = 0x100
    delivery = machine.deliver(b"hello\0world", port=0x12, stop_port=0x0F)
    assert delivery == (type(delivery))(11, Stop.HALT)
    assert machine.take_output()[1::2] == b"hello\0world"


def test_no_vector_swallows_events(machine: Machine) -> None:
    load(machine, ECHO)
    machine.collect(0x18)
    assert machine.deliver(b"hello", port=0x12, stop_port=0x0F).begun == 5
    assert (machine.take_output(), machine.page[0x12]) == (b"", ord("o"))
    assert machine.deliver(b"", port=0x12, stop_port=0x0F).begun == 0


def test_events_end_when_the_guest_says_so(machine: Machine) -> None:
    load(machine, "|0100 LIT 12 DEI LIT 78 EQU ?quit BRK @quit LIT 80 LIT 0f DEO BRK")
    machine.vector = 0x100
    delivery = machine.deliver(b"abxcd", port=0x12, stop_port=0x0F)
    assert (delivery.begun, delivery.stop) == (3, Stop.HALT)


def test_events_may_start_where_a_port_says(machine: Machine) -> None:
    """It is looked at for each, whatever is in `vector`."""
    load(machine, "|0100 LIT 61 LIT 18 DEO LIT2 0200 LIT 20 DEO2 BRK "
                  "|0200 LIT 62 LIT 18 DEO LIT2 0100 LIT 20 DEO2 BRK")  # fmt: skip
    machine.collect(0x18)
    machine.vector = 0x300
    machine.page[0x20:0x22] = b"\1\0"
    done = machine.deliver(bytes(7), port=0x0F, stop_port=0x0F, vector_port=0x20)
    assert done == type(done)(7, Stop.HALT)
    assert machine.take_output()[1::2] == b"abababa"
    assert machine.vector == 0x300
    machine.page[0x20:0x22] = b"\0\0"
    assert machine.deliver(bytes(3), port=0x0F, stop_port=0x0F, vector_port=0x20).begun == 3
    assert machine.take_output() == b""
    with pytest.raises(ValueError, match="a port"):
        machine.deliver(b"a", port=0x0F, stop_port=0x0F, vector_port=0xFF)


def test_a_device_may_say_that_an_event_is_the_last(machine: Machine) -> None:
    """Also where events, and what is between them, are one region."""
    load(machine, "|0100 #0040 &l #0001 SUB2 DUP2 ORA ?&l POP2 LIT 12 DEI LIT 30 DEO BRK")
    machine.vector = 0x100
    seen = []

    def told(byte: int) -> None:
        seen.append(byte)
        if byte == ord("x"):
            machine.end_events()

    machine.on_write(0x30, told)
    for before in (3, 0, 900, 41, 5000):
        done = machine.deliver(b"." * before + b"x" + b".." * 9, port=0x12, stop_port=0x0F)
        assert done == type(done)(before + 1, Stop.HALT)
        assert (len(seen), seen[-1]) == (before + 1, ord("x"))
        seen.clear()
    assert machine.deliver(b"ab", port=0x12, stop_port=0x0F).begun == 2


def test_the_budget_counts_over_all_events(machine: Machine) -> None:
    load(machine, ECHO)  # five instructions an event
    machine.collect(0x18)
    machine.vector = 0x100
    delivery = machine.deliver(b"abcdef", port=0x12, stop_port=0x0F, max_instructions=14)
    assert (delivery.begun, delivery.stop) == (3, Stop.BUDGET)
    assert machine.take_output()[1::2] == b"abc"
    assert machine.run() is Stop.HALT
    delivery = machine.deliver(b"xy", port=0x12, stop_port=0x0F, max_instructions=5)
    assert (delivery.begun, delivery.stop) == (2, Stop.BUDGET)


# -- views and snapshots -------------------------------------------------------------------------


def test_views_outlive_the_machine(tier: str) -> None:
    machine = make_machine(tier, UXN)
    memory, stack, page = machine.memory, machine.state.stacks[1], machine.page
    memory[0xFFFF], stack[3], page[7] = 0x12, 0x34, 0x56
    del machine
    gc.collect()
    make_machine("reference", UXN)
    assert (memory[0xFFFF], stack[3], page[7]) == (0x12, 0x34, 0x56)
    memory[:] = bytes(0x10000)
    stack[:] = bytes(256)


def test_views_are_writable_bytes_of_the_right_size(machine: Machine) -> None:
    numpy = pytest.importorskip("numpy")
    sizes = [(machine.memory, 0x10000), (machine.page, 0x100)]
    sizes += [(stack, 0x100) for stack in machine.state.stacks]
    for view, size in sizes:
        assert (view.nbytes, view.format, view.readonly) == (size, "B", False)
        array = numpy.frombuffer(view, dtype=numpy.uint8)
        array[5] = 0xAB
        assert view[5] == 0xAB


def test_snapshots_bring_everything_back(machine: Machine) -> None:
    load(machine, ECHO)
    machine.vector = 0x100
    machine.state.stacks[0][:4] = b"abcd"
    machine.state.pointers[:] = [4, 250]
    machine.page[0x12] = 0x77
    machine.state.pc = 0x102
    snapshot = machine.snapshot()
    machine.memory[:] = bytes(range(256)) * 256
    machine.page[:] = bytes(256)
    machine.state.stacks[0][:] = bytes(256)
    machine.state.pointers[:] = [9, 9]
    machine.vector, machine.state.pc = 0x300, 0x400
    assert machine.snapshot() != snapshot
    machine.restore(snapshot)
    assert machine.snapshot() == snapshot
    machine.collect(0x18)
    assert machine.run(0x100) is Stop.HALT
    assert machine.take_output() == b"\x18\x77"


def test_a_snapshot_moves_between_tiers(machine: Machine) -> None:
    load(machine, WRITER)
    machine.state.stacks[0][:2] = b"\x00\x40"
    machine.state.pointers[:] = [2, 0]
    machine.collect(0x18)
    machine.run(0x100, max_instructions=100)
    other = make_machine("reference", UXN)
    other.restore(machine.snapshot())
    other.collect(0x18)
    assert machine.run() is other.run() is Stop.HALT
    assert machine.take_output()[-20:] == other.take_output()[-20:]
    assert machine.state.pointers == other.state.pointers


def test_machines_share_nothing(tier: str) -> None:
    first, second = make_machine(tier, UXN), make_machine(tier, UXN)
    for machine, byte in ((first, 0x11), (second, 0x22)):
        load(machine, f"|0100 LIT {byte:02x} LIT 18 DEO LIT {byte:02x} LIT 80 STZ BRK")
        machine.collect(0x18)
    assert first.run(0x100) is second.run(0x100) is Stop.HALT
    assert (first.memory[0x80], second.memory[0x80]) == (0x11, 0x22)
    assert (first.take_output(), second.take_output()) == (b"\x18\x11", b"\x18\x22")

"""The JIT and the world around the guest: devices in compiled loops, output, events."""

from __future__ import annotations

import threading

import pytest

from jitvm.engine.machine.machine import Machine
from jitvm.guest import Stop
from tests.clock import HANGS
from tests.jit.programs import loop
from tests.jit.rig import SUM, again, eager, interpreted, jit_of, used

# -- devices -------------------------------------------------------------------------------------


def test_what_a_device_raises_comes_out_after_its_instruction() -> None:
    machine = eager(loop(".n INC LDZ #30 DEO .sum LDZ2 INC2 .sum STZ2"))
    calls: list[int] = []

    def writer(byte: int) -> None:
        calls.append(byte)
        if len(calls) == 0x200:
            raise OSError("full")

    machine.on_write(0x30, writer)
    with pytest.raises(OSError, match="full"):
        machine.run(0x100)
    assert int.from_bytes(machine.memory[SUM], "big") == 0x1FF
    assert used(machine).installed
    assert machine.run() is Stop.HALT
    assert (len(calls), int.from_bytes(machine.memory[SUM], "big")) == (0x400, 0x400)


@pytest.mark.parametrize("moves", [2, 255])
def test_a_reader_may_move_the_pointer_its_answer_goes_to(moves: int) -> None:
    source = loop("#30 DEI .sum LDZ2 INC2 .sum STZ2", 0x100)
    outcomes = []
    for machine in (eager(source), interpreted(source)):
        calls: list[int] = []

        def reader(machine: Machine = machine, calls: list[int] = calls) -> int:
            calls.append(len(calls))
            if len(calls) % 7 == 0:
                pointers = machine.state.pointers
                pointers[0] = (pointers[0] + moves) & 0xFF
            return len(calls) & 0xFF

        machine.on_read(0x30, reader)
        assert machine.run(0x100) is Stop.HALT
        top = machine.state.pointers[0]
        outcomes.append((top, bytes(machine.state.stacks[0][:top]), bytes(machine.memory)))
    assert outcomes[0] == outcomes[1]


def test_a_drain_that_fails_ends_a_compiled_loop() -> None:
    machine = eager("|0100 #00 @loop INC DUP #18 DEO !loop")
    machine.collect(0x18)

    def closed() -> None:
        raise BrokenPipeError

    machine.on_output_full(closed)
    late = threading.Timer(HANGS, machine.interrupt)
    late.start()
    try:
        with pytest.raises(BrokenPipeError):
            assert machine.run(0x100) is not Stop.INTERRUPT
    finally:
        late.cancel()
    assert used(machine).installed


def test_output_of_a_compiled_loop_is_whole_and_in_order() -> None:
    machine = eager(loop(".n LDZ2 #18 DEO2 .n INC LDZ #18 DEO", 0x2000))
    machine.collect(0x18, 0x19)
    pieces: list[bytes] = []
    machine.on_output_full(lambda: pieces.append(machine.take_output()))
    again(machine, 0x10)
    pieces.append(machine.take_output())
    expected = b"".join(bytes([0x18, n >> 8, 0x19, n & 255, 0x18, n & 255]) for n in range(0x2000))
    assert b"".join(pieces) == expected


@pytest.mark.parametrize("direct", [0, 1])
def test_a_full_ring_leaves_the_values_of_a_compiled_loop(direct: int) -> None:
    """Also those of the bytes that are written, which nothing needs after that."""
    machine = eager(
        "|0100 #0003 @again #0000 @each DUP #41 EOR #18 DEO DUP #12 EOR #18 DEO DUP2 EOR #18 DEO "
        "INC2 ORAk ?each POP2 #0001 SUB2 ORAk ?again BRK",
        speed=0,
        direct=direct,
    )
    machine.collect(0x18)
    pieces: list[bytes] = []
    machine.on_output_full(lambda: pieces.append(machine.take_output()[1::2]))
    assert machine.run(0x100) is Stop.HALT
    pieces.append(machine.take_output()[1::2])
    once = [bytes([n & 255 ^ 0x41, n & 255 ^ 0x12, n >> 8 ^ n & 255]) for n in range(0x10000)]
    assert b"".join(pieces) == b"".join(once) * 3
    assert used(machine).exits


def test_a_device_takes_the_place_of_a_collected_port() -> None:
    """Regions take a collected port's writer for one that touches nothing but the ring."""
    machine = eager("|0100 #00 &l #01 #30 DEO INC DUP #40 NEQ ?&l POP BRK", hot=2)
    machine.collect(0x30)
    machine.run(0x100)
    seen: list[int] = []
    machine.on_write(0x30, seen.append)
    assert 0x30 not in machine.state.ports.collected
    assert machine.run(0x100) is Stop.HALT
    assert seen == [1] * 0x40


@pytest.mark.parametrize("quiet", [False, True])
def test_a_device_may_take_the_place_of_one_like_it(quiet: bool) -> None:
    """Regions call whatever function a port has: one that is alike does not cost them."""
    machine = eager("|0100 #0000 @loop DUP #20 DEO INC2 DUP2 #0300 LTH2 ?loop POP2 BRK")
    first, second, third = bytearray(), bytearray(), bytearray()
    machine.on_write(0x20, first.append, quiet=quiet)
    machine.run(0x100)
    regions = len(jit_of(machine).regions)
    assert regions
    machine.on_write(0x20, second.append, quiet=quiet)
    assert len(jit_of(machine).regions) == regions
    machine.run(0x100)
    assert first == second == bytes(range(256)) * 3
    machine.on_write(0x20, third.append, quiet=not quiet)
    assert not jit_of(machine).regions
    machine.run(0x100)
    assert second == third
    assert len(first) == 0x300


# -- events ----------------------------------------------------------------------------------------


def test_events_run_regions() -> None:
    machine = eager(
        "|0000 @sum $2 |0100 ;on-byte #10 DEO2 BRK "
        "@on-byte #12 DEI #00 SWP @loop .sum LDZ2k INC2 ROT STZ2 #0001 SUB2 ORAk ?loop POP2 BRK"
    )
    machine.run(0x100)
    machine.vector = int.from_bytes(machine.page[0x10:0x12], "big")
    data = bytes(range(1, 256)) * 2
    assert machine.deliver(data, port=0x12, stop_port=0x0F).begun == len(data)
    assert int.from_bytes(machine.memory[0:2], "big") == sum(data) & 0xFFFF
    assert used(machine).exits


COUNTING = """
    |0000 @sum $2 |0100 BRK
    @on-byte #12 DEI DUP LIT 71 EQU ?quit #00 SWP .sum LDZ2 ADD2 .sum STZ2 #2e #18 DEO BRK
    @quit POP #80 #0f DEO BRK
"""


def counting() -> Machine:
    """A machine whose events add up bytes and write a dot each, until a q comes."""
    machine = eager(COUNTING)
    machine.collect(0x18)
    machine.vector = 0x101
    return machine


def summed(machine: Machine) -> int:
    return int.from_bytes(machine.memory[0:2], "big")


def test_events_that_regions_go_on_with_end_when_the_guest_says_so() -> None:
    machine = counting()
    assert machine.deliver(b"a" * 300, port=0x12, stop_port=0x0F).begun == 300
    assert used(machine).exits
    delivery = machine.deliver(b"a" * 50 + b"q" + b"a" * 50, port=0x12, stop_port=0x0F)
    assert (delivery.begun, delivery.stop) == (51, Stop.HALT)
    assert summed(machine) == 350 * ord("a") & 0xFFFF
    assert len(machine.take_output()) == 2 * 350


def test_a_run_after_events_halts_as_before() -> None:
    machine = counting()
    machine.deliver(b"a" * 300, port=0x12, stop_port=0x0F)
    machine.page[0x12] = 1
    for _ in range(3):
        assert machine.run(machine.vector) is Stop.HALT
    assert summed(machine) == (300 * ord("a") + 3) & 0xFFFF


def test_the_budget_counts_over_events_in_regions() -> None:
    machine = counting()
    machine.counting = True
    machine.deliver(b"a" * 300, port=0x12, stop_port=0x0F)
    before = machine.executed
    assert before is not None
    an_event = before // 300
    delivery = machine.deliver(
        b"a" * 100, port=0x12, stop_port=0x0F, max_instructions=10 * an_event + 3
    )
    assert (delivery.begun, delivery.stop) == (11, Stop.BUDGET)
    assert machine.executed == before + 10 * an_event + 3
    assert machine.run() is Stop.HALT
    assert summed(machine) == 311 * ord("a") & 0xFFFF


def test_a_device_may_change_the_vector_between_events_in_regions() -> None:
    machine = eager(
        "|0000 @n $2 |0100 ;on-a #30 DEO2 ;on-b #32 DEO2 BRK "
        "@on-a .n LDZ2 INC2 .n STZ2 #12 DEI #20 DEO BRK "
        "@on-b .n LDZ2 #0100 ADD2 .n STZ2 #12 DEI #20 DEO BRK"
    )
    machine.run(0x100)
    first, second = (int.from_bytes(machine.page[at : at + 2], "big") for at in (0x30, 0x32))
    vectors = {0: first, 1: second, 2: 0}

    def choose(byte: int) -> None:
        machine.vector = vectors[byte]

    machine.on_write(0x20, choose)
    machine.vector = first
    machine.deliver(bytes([0, 1] * 200), port=0x12, stop_port=0x0F)
    delivery = machine.deliver(bytes([0, 1, 0, 2, 0, 0]), port=0x12, stop_port=0x0F)
    assert (delivery.begun, machine.page[0x12]) == (6, 0)
    vector, expected = 0, 0  # every byte chooses the vector of the next
    for byte in [0, 1] * 200 + [0, 1, 0, 2]:
        expected += 0x100 if vector == 1 else 1
        vector = byte
    assert summed(machine) == expected & 0xFFFF

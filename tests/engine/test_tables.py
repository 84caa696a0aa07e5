"""The dispatch tables: counting, profiles, single steps, recording, and the hooks of the JIT."""

from __future__ import annotations

import ctypes
import mmap
from collections import Counter

import pytest

from jitvm.engine.machine.native import UNLIMITED
from jitvm.engine.memory.layout import RECORD_OPCODE, RECORD_POINTER_MASK, RECORD_POINTERS
from jitvm.engine.tables.status import Status
from jitvm.guest import Stop
from jitvm.guests.uxn import UXN
from jitvm.guests.uxn.assembler import assemble
from tests.engine.bare import Bare
from tests.engine.emulated import EmulatedHandlers
from tests.tiers import NATIVE_TIERS, TIERS, make_machine

LOOP = """
|0100 LIT2 0000 @loop INC2 DUP2 LIT2 03e8 NEQ2 ?loop POP2 BRK
"""
LOOP_COUNT = 2 + 1000 * 5 + 1  # LIT2; INC2 DUP2 LIT2 NEQ2 JCI; POP2 and BRK


def load(memory: memoryview, source: str) -> int:
    """Put an assembled program into memory; returns its size."""
    rom = assemble(source).rom
    memory[0x100 : 0x100 + len(rom)] = rom
    return len(rom)


# -- counting ------------------------------------------------------------------------------------


@pytest.mark.parametrize("tier", TIERS)
def test_counts_are_exact(tier: str) -> None:
    machine = make_machine(tier, UXN)
    load(machine.memory, LOOP)
    machine.counting = True
    assert machine.run(0x100) is Stop.HALT
    assert machine.executed == LOOP_COUNT
    machine.state.pointers[:] = [0, 0]
    assert machine.run(0x100, max_instructions=77) is Stop.BUDGET
    assert machine.executed == LOOP_COUNT + 77


@pytest.mark.parametrize("tier", NATIVE_TIERS)
def test_counting_is_off_unless_asked_for(tier: str) -> None:
    machine = make_machine(tier, UXN)
    load(machine.memory, LOOP)
    assert not machine.counting
    machine.run(0x100)
    assert machine.executed == 0


@pytest.mark.parametrize("tier", TIERS)
def test_histogram(tier: str) -> None:
    machine = make_machine(tier, UXN)
    load(machine.memory, LOOP)
    machine.profiling = True
    machine.run(0x100)
    by_name = {UXN.opcodes[i].name: n for i, n in enumerate(machine.histogram()) if n}
    assert by_name == {
        "LIT2": 1001, "INC2": 1000, "DUP2": 1000, "NEQ2": 1000, "JCI": 1000, "POP2": 1, "BRK": 1
    }  # fmt: skip
    assert machine.executed == LOOP_COUNT
    machine.profiling = False
    machine.state.pointers[:] = [0, 0]
    machine.run(0x100)
    assert sum(machine.histogram()) == LOOP_COUNT


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("bad", [-1, -(10**9)])
def test_negative_budgets_are_refused(tier: str, bad: int) -> None:
    with pytest.raises(ValueError, match="max_instructions is a whole number from 0"):
        make_machine(tier, UXN).run(0x100, max_instructions=bad)


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("pc", [-1, 0x10000])
def test_runs_outside_the_code_space_are_refused(tier: str, pc: int) -> None:
    machine = make_machine(tier, UXN)
    with pytest.raises(ValueError, match="an address of code is a whole number from 0 to"):
        machine.run(pc)
    with pytest.raises(ValueError, match="an address of code is a whole number from 0 to"):
        machine.vector = pc


@pytest.mark.parametrize("tier", TIERS)
def test_a_pointer_outside_its_stack_wraps(tier: str) -> None:
    machine = make_machine(tier, UXN)
    machine.memory[0x100:0x103] = bytes([0x80, 0x5A, 0x00])
    neighbour = bytes(machine.state.stacks[1])
    machine.state.pointers[:] = [0x1FE, -1]
    machine.run(0x100)
    assert (machine.state.stacks[0][0xFE], machine.state.pointers[0]) == (0x5A, 0xFF)
    assert bytes(machine.state.stacks[1]) == neighbour


# -- single steps --------------------------------------------------------------------------------


@pytest.mark.parametrize("tier", TIERS)
def test_single_steps(tier: str) -> None:
    machine = make_machine(tier, UXN)
    machine.memory[0x100:0x106] = bytes([0x80, 0x12, 0x01, 0x80, 0x34, 0x00])
    machine.state.pc = 0x100
    seen = []
    while machine.step() is Stop.BUDGET:
        seen.append((machine.state.pc, machine.state.pointers[0], machine.state.stacks[0][0]))
    assert seen == [(0x102, 1, 0x12), (0x103, 1, 0x13), (0x105, 2, 0x13)]
    assert machine.state.pc == 0x106


@pytest.mark.parametrize("tier", TIERS)
def test_steps_call_devices_and_raise_their_errors(tier: str) -> None:
    machine = make_machine(tier, UXN)
    machine.memory[0x100:0x103] = bytes([0x17, 0x80, 0x01])

    def refuse(byte: int) -> None:
        raise ZeroDivisionError(byte)

    machine.on_write(0x10, refuse)
    machine.state.stacks[0][:2] = bytes([0x55, 0x10])
    machine.state.pointers[0], machine.state.pc = 2, 0x100
    with pytest.raises(ZeroDivisionError):
        machine.step()
    assert (machine.state.pc, machine.state.pointers[0], machine.page[0x10]) == (0x101, 0, 0x55)
    assert machine.step() is Stop.BUDGET
    assert machine.state.pc == 0x103


@pytest.mark.parametrize("tier", TIERS)
def test_an_interrupt_ends_the_next_step_and_only_that(tier: str) -> None:
    machine = make_machine(tier, UXN)
    machine.memory[0x100:0x102] = bytes([0x80, 0x12])
    machine.state.pc = 0x100
    machine.interrupt()
    assert machine.step() is Stop.INTERRUPT
    assert machine.state.pc == 0x100
    assert machine.step() is Stop.BUDGET
    assert machine.state.pc == 0x102


# -- recording -----------------------------------------------------------------------------------


def record_buffer(bare: Bare, size: int) -> ctypes.Array[ctypes.c_uint64]:
    """Room for recorded instructions, known to the block and to its emulator."""
    words = (ctypes.c_uint64 * (mmap.PAGESIZE // 8)).from_buffer(mmap.mmap(-1, mmap.PAGESIZE))
    if isinstance(bare.handlers, EmulatedHandlers):
        bare.handlers.emulator.map(ctypes.addressof(words), mmap.PAGESIZE)
    bare["recording"], bare["recording_size"], bare["recording_head"] = (
        ctypes.addressof(words),
        size,
        0,
    )
    return words


@pytest.mark.parametrize("tier", NATIVE_TIERS)
def test_recording_lists_the_instructions_in_order(tier: str) -> None:
    oracle = make_machine("reference", UXN)
    load(oracle.memory, LOOP)
    oracle.state.pc = 0x100
    expected = []
    for _ in range(100):
        expected.append((oracle.state.pc, oracle.memory[oracle.state.pc], *oracle.state.pointers))
        oracle.step()
    bare = Bare(tier, UXN)
    load(bare.memory, LOOP)
    bare.pointers = [0, 0]
    words = record_buffer(bare, 100)
    assert bare.enter("record", 0x100) is Status.RECORDED
    assert (bare["recording_head"], bare["pc"], words[100]) == (100, oracle.state.pc, 0)
    bases = [bare.block.base + at for at in bare.layout.stacks]
    recorded = [
        (
            word & 0xFFFFFFFF,
            word >> RECORD_OPCODE & 0xFF,
            *((word >> shift) - base & RECORD_POINTER_MASK
              for shift, base in zip(RECORD_POINTERS, bases, strict=True)),
        )
        for word in words[:100]
    ]  # fmt: skip
    assert recorded == expected


@pytest.mark.parametrize("tier", NATIVE_TIERS)
def test_recording_stops_with_the_guest(tier: str) -> None:
    bare = Bare(tier, UXN)
    bare.memory[0x100:0x104] = bytes([0x80, 0x12, 0x02, 0x00])
    bare.pointers = [0, 0]
    words = record_buffer(bare, 64)
    assert bare.enter("record", 0x100) is Status.HALT
    pcs = [word & 0xFFFFFFFF for word in words[: bare["recording_head"]]]
    assert pcs == [0x100, 0x102, 0x103]


# -- the code table and counters -----------------------------------------------------------------


@pytest.mark.parametrize("tier", NATIVE_TIERS)
@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("|0100 !there |0200 @there BRK", 0x200),
        ("|0100 there BRK |0200 @there BRK", 0x200),
        ("|0100 LIT 01 ?there BRK |0200 @there BRK", 0x200),
        ("|0100 ;there JMP2 |0200 @there BRK", 0x200),
        ("|0100 LIT 01 ;there JCN2 |0200 @there BRK", 0x200),
        ("|0100 ;there JSR2 |0200 @there BRK", 0x200),
        ("|0100 ,there JMP BRK @there BRK", 0x104),
        ("|0100 LITr 02 LITr 00 JMP2r |0200 BRK", 0x200),
    ],
)
def test_taken_jumps_go_through_the_code_table(tier: str, source: str, target: int) -> None:
    bare = Bare(tier, UXN)
    load(bare.memory, source)
    bare.pointers = [0, 0]
    bare.code[target] = bare.handlers.address("stop")  # all other entries are null
    assert bare.enter("jit", 0x100) is Status.INTERRUPT
    assert bare["pc"] == target


@pytest.mark.parametrize("tier", NATIVE_TIERS)
def test_jumps_not_taken_and_plain_dispatch_do_not(tier: str) -> None:
    bare = Bare(tier, UXN)
    load(bare.memory, "|0100 LIT 00 ?there LIT 00 ;there JCN2 BRK |0200 @there BRK")
    bare.pointers = [0, 0]
    assert bare.enter("jit", 0x100) is Status.HALT
    load(bare.memory, "|0100 !there |0200 @there BRK")
    assert bare.enter("plain", 0x100) is Status.HALT
    assert bare["pc"] == 0x201


@pytest.mark.parametrize("tier", NATIVE_TIERS)
@pytest.mark.parametrize("count", [1, 2, 10])
def test_counters_run_out_at_the_right_jump(tier: str, count: int) -> None:
    bare = Bare(tier, UXN)
    load(bare.memory, "|0100 LIT 00 @loop INC !loop")
    loop = 0x102
    bare.pointers = [0, 0]
    bare.code[loop] = bare.handlers.address("counted")
    bare.counters[loop] = count
    assert bare.enter("jit", 0x100) is Status.HOT
    assert (bare["pc"], bare.counters[loop]) == (loop, 0)
    assert bare.stacks[0][0] == count


@pytest.mark.parametrize("tier", NATIVE_TIERS)
def test_a_counter_that_ran_out_starts_again_from_the_top(tier: str) -> None:
    """Zero counts as 65536, so a place that stays interpreted is not reported all the time."""
    bare = Bare(tier, UXN)
    load(bare.memory, "|0100 LIT2 0000 @loop INC2 DUP2 LIT2 0014 NEQ2 ?loop BRK")
    bare.pointers = [0, 0]
    bare.code[0x103] = bare.handlers.address("counted")
    bare.counters[0x103] = 3
    assert bare.enter("jit", 0x100) is Status.HOT
    assert bare.enter("jit", bare["pc"]) is Status.HALT
    assert bare.counters[0x103] == (3 - 19) & 0xFFFF


# -- the code map --------------------------------------------------------------------------------


@pytest.mark.parametrize("tier", NATIVE_TIERS)
@pytest.mark.parametrize("table", ["checked", "jit", "count"])
@pytest.mark.parametrize(
    ("source", "watched", "told"),
    [
        ("|0100 LIT 12 LIT 80 STZ BRK", [0x80], [0x80]),
        ("|0100 LIT2 1234 LIT 7f STZ2 BRK", [0x80], [0x80]),
        ("|0100 LIT2 1234 LIT ff STZ2 BRK", [0x00], [0x00]),
        ("|0100 LIT2 1234 LIT2 0300 STA2 BRK", [0x300, 0x301], [0x300, 0x301]),
        ("|0100 LIT2 1234 LIT2 ffff STA2 BRK", [0x0000], [0x0000]),
        ("|0100 LIT2 1234 LIT 20 STR2 BRK", [0x127], [0x127]),
        ("|0100 LIT 12 LIT 80 STZ BRK", [0x7F, 0x81], []),
        ("|0100 LIT2 1234 LIT 80 STZ2 BRK", [0x7F, 0x82], []),
    ],
)
def test_stores_to_watched_bytes_are_told(
    tier: str, table: str, source: str, watched: list[int], told: list[int]
) -> None:
    bare = Bare(tier, UXN)
    load(bare.memory, source)
    bare.pointers = [0, 0]
    seen: list[tuple[int, int]] = []
    bare.on_written(lambda address: seen.append((address, bare.memory[address])))
    for address in watched:
        bare.code_map[address] = 1
    assert bare.enter(table, 0x100) is Status.HALT
    assert [address for address, _ in seen] == told
    assert all(byte in (0x12, 0x34) for _, byte in seen), "told before the bytes were stored"


@pytest.mark.parametrize("tier", NATIVE_TIERS)
def test_the_host_may_stop_the_run_when_it_is_told(tier: str) -> None:
    bare = Bare(tier, UXN)
    load(bare.memory, "|0100 LIT 12 LIT 80 STZ LIT 99 BRK")
    bare.pointers = [0, 0]

    def stop(_: int) -> None:
        bare["stop"] = 1

    bare.on_written(stop)
    bare.code_map[0x80] = 1
    assert bare.enter("checked", 0x100) is Status.HOST
    assert (bare["pc"], bare.pointers) == (0x105, [0, 0])


# -- budgets below the machine -------------------------------------------------------------------


@pytest.mark.parametrize("tier", NATIVE_TIERS)
@pytest.mark.parametrize("table", ["count", "profile"])
def test_budgets_are_charged_an_instruction_each(tier: str, table: str) -> None:
    bare = Bare(tier, UXN)
    load(bare.memory, LOOP)
    bare.pointers = [0, 0]
    assert bare.enter(table, 0x100, budget=LOOP_COUNT - 1) is Status.BUDGET
    assert (bare["budget"], bare.memory[bare["pc"]]) == (0, 0x00)
    bare.pointers = [0, 0]
    assert bare.enter(table, 0x100, budget=UNLIMITED) is Status.HALT
    assert UNLIMITED - bare["budget"] == LOOP_COUNT
    if table == "profile":
        assert Counter(bare.histogram.tolist())[2000] >= 3

"""What each instruction does, worked by hand, on all machines and at all tiers."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from jitvm.engine.machine.machine import Machine
from jitvm.guest import Stop
from jitvm.guests.chip8 import CHIP8, SUPERCHIP, XOCHIP, Quirks, guest
from jitvm.guests.chip8 import instructions as at
from tests.compiled import compile_at
from tests.tiers import COMPILED_TIERS, TIERS, shared_machine

START = 0x300
ALL = (CHIP8, SUPERCHIP, XOCHIP)
Bytes = dict[int, int]


class Case(NamedTuple):
    """An instruction, registers before and what has changed of STATE after; `to` counts from it."""

    code: str
    before: Bytes
    after: Bytes
    to: int = 2
    quirks: tuple[Quirks, ...] = ALL


I = at.INDEX  # noqa: E741  its name
CASES = [
    Case("6A12", {}, {0xA: 0x12}),
    Case("7A12", {0xA: 0xF0, at.VF: 7}, {0xA: 2}),
    Case("8120", {2: 9, at.VF: 7}, {1: 9}),
    Case("8121", {1: 0xF0, 2: 0x3C, at.VF: 7}, {1: 0xFC, at.VF: 0}, 2, (CHIP8,)),
    Case("8121", {1: 0xF0, 2: 0x3C, at.VF: 7}, {1: 0xFC}, 2, (SUPERCHIP, XOCHIP)),
    Case("8122", {1: 0xF0, 2: 0x3C, at.VF: 7}, {1: 0x30, at.VF: 0}, 2, (CHIP8,)),
    Case("8123", {1: 0xF0, 2: 0x3C, at.VF: 7}, {1: 0xCC}, 2, (SUPERCHIP, XOCHIP)),
    Case("8124", {1: 0xF0, 2: 0x10}, {1: 0, at.VF: 1}),
    Case("8124", {1: 0xEF, 2: 0x10, at.VF: 9}, {1: 0xFF, at.VF: 0}),
    Case("8F14", {0xF: 0xFF, 1: 2}, {at.VF: 1}),
    Case("81F4", {0xF: 0xFF, 1: 2}, {1: 1, at.VF: 1}),
    Case("8125", {1: 5, 2: 5}, {1: 0, at.VF: 1}),
    Case("8125", {1: 4, 2: 5, at.VF: 9}, {1: 0xFF, at.VF: 0}),
    Case("8F15", {0xF: 4, 1: 5}, {at.VF: 0}),
    Case("8127", {1: 4, 2: 5}, {1: 1, at.VF: 1}),
    Case("8127", {1: 6, 2: 5, at.VF: 9}, {1: 0xFF, at.VF: 0}),
    Case("8126", {1: 0, 2: 5}, {1: 2, at.VF: 1}, 2, (CHIP8, XOCHIP)),
    Case("8126", {1: 6, 2: 5, at.VF: 9}, {1: 3, at.VF: 0}, 2, (SUPERCHIP,)),
    Case("812E", {1: 0, 2: 0x81}, {1: 2, at.VF: 1}, 2, (CHIP8, XOCHIP)),
    Case("812E", {1: 0x41, 2: 0x81, at.VF: 9}, {1: 0x82, at.VF: 0}, 2, (SUPERCHIP,)),
    Case("8FF6", {0xF: 3}, {at.VF: 1}),
    Case("1ABC", {}, {}, 0xABC - START),
    Case("BABC", {0: 5, 0xA: 9}, {}, 0xAC1 - START, (CHIP8, XOCHIP)),
    Case("BABC", {0: 5, 0xA: 9}, {}, 0xAC5 - START, (SUPERCHIP,)),
    Case("3A12", {0xA: 0x12}, {}, 4),
    Case("3A12", {0xA: 0x13}, {}),
    Case("4A12", {0xA: 0x13}, {}, 4),
    Case("4A12", {0xA: 0x12}, {}),
    Case("5120", {1: 7, 2: 7}, {}, 4),
    Case("5120", {1: 7, 2: 8}, {}),
    Case("9120", {1: 7, 2: 8}, {}, 4),
    Case("9120", {1: 7, 2: 7}, {}),
    Case("3A12F0001234", {0xA: 0x12}, {}, 6, (XOCHIP,)),
    Case("3A12F0001234", {0xA: 0x12}, {}, 4, (CHIP8, SUPERCHIP)),
    Case("E19EF0001234", {1: 3, at.KEYS + 3: 1}, {}, 6, (XOCHIP,)),
    Case("E19E", {1: 0x13, at.KEYS + 3: 1}, {}, 4),
    Case("E19E", {1: 3}, {}),
    Case("E1A1", {1: 3}, {}, 4),
    Case("E1A1", {1: 3, at.KEYS + 3: 1}, {}),
    Case("AABC", {}, {I: 0x0A, I + 1: 0xBC}),
    Case("F11E", {1: 0xFF, I: 0x0F, I + 1: 2, at.VF: 7}, {I: 0x10, I + 1: 1}),
    Case("F129", {1: 0x1B}, {I: 0, I + 1: at.FONT + 55}),
    Case("F130", {1: 3}, {I: 0, I + 1: at.BIG_FONT + 30}, 2, (SUPERCHIP, XOCHIP)),
    Case("F107", {at.DELAY: 9}, {1: 9}),
    Case("F115", {1: 9}, {at.DELAY: 9}),
    Case("F118", {1: 9}, {at.SOUND: 9}),
    Case("F275", {0: 1, 1: 2, 2: 3, 3: 4}, {at.SAVED + i: i + 1 for i in range(3)}, 2,
         (SUPERCHIP, XOCHIP)),
    Case("F185", {at.SAVED: 1, at.SAVED + 1: 2, at.SAVED + 2: 3}, {0: 1, 1: 2}, 2,
         (SUPERCHIP, XOCHIP)),
    Case("F201", {}, {at.PLANES: 2}, 2, (XOCHIP,)),
    Case("F13A", {1: 100}, {at.PITCH: 100}, 2, (XOCHIP,)),
    Case("F000BEEF", {}, {I: 0xBE, I + 1: 0xEF}, 4, (XOCHIP,)),
]  # fmt: skip


def machine_at(tier: str, quirks: Quirks) -> Machine:
    """A machine with zeros everywhere."""
    machine = shared_machine(tier, guest(quirks))
    for view in (*machine.state.spaces, *machine.state.stacks):
        view[:] = bytes(len(view))
    machine.code_written(0, 0x10000)
    machine.state.pointers[:] = [0]
    return machine


def step(machine: Machine, code: str, before: Bytes) -> Stop:
    """One instruction, of the interpreter or, where there are regions, of the region it is."""
    raw = bytes.fromhex(code)
    machine.memory[START : START + len(raw)] = raw
    machine.code_written(START, len(raw))
    if machine.jit is not None:
        compile_at(machine, START)
    for address, byte in before.items():
        machine.state.spaces[at.STATE][address] = byte
    return machine.run(START, max_instructions=1)


def expected(before: Bytes, after: Bytes) -> bytes:
    state = bytearray(128)
    for address, byte in {**before, **after}.items():
        state[address] = byte
    return bytes(state)


@pytest.mark.parametrize("tier", [*TIERS, *COMPILED_TIERS])
@pytest.mark.parametrize(("case", "quirks"), [(c, q) for c in CASES for q in c.quirks])
def test_instruction(case: Case, quirks: Quirks, tier: str) -> None:
    machine = machine_at(tier, quirks)
    assert step(machine, case.code, case.before) is Stop.BUDGET
    assert machine.state.spaces[at.STATE] == expected(case.before, case.after)
    assert machine.state.pc == START + case.to


MEMORY = [
    ("F355", {0: 1, 1: 2, 2: 3, 3: 4}, [1, 2, 3, 4], 4, ALL),
    ("F133", {1: 207}, [2, 0, 7], 0, ALL),
    ("5132", {1: 1, 2: 2, 3: 3}, [1, 2, 3], 0, (XOCHIP,)),
    ("5312", {1: 1, 2: 2, 3: 3}, [3, 2, 1], 0, (XOCHIP,)),
]


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize(("code", "before", "bytes_", "moved", "machines"), MEMORY)
def test_stores(
    code: str,
    before: Bytes,
    bytes_: list[int],
    moved: int,
    machines: tuple[Quirks, ...],
    tier: str,
) -> None:
    for quirks in machines:
        machine = machine_at(tier, quirks)
        step(machine, code, {**before, I: 0x04, I + 1: 0xFE})
        assert list(machine.memory[0x4FE : 0x4FE + len(bytes_)]) == bytes_
        index = 0x4FE + moved * quirks.increments
        after = {I: index >> 8, I + 1: index & 0xFF}
        assert machine.state.spaces[at.STATE] == expected(before, after)


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize(
    ("code", "after", "moved", "machines"),
    [
        ("F265", {0: 5, 1: 6, 2: 7}, 3, ALL),
        ("5243", {2: 5, 3: 6, 4: 7}, 0, (XOCHIP,)),
        ("5423", {4: 5, 3: 6, 2: 7}, 0, (XOCHIP,)),
        ("F002", {at.AUDIO + i: i + 5 for i in range(16)}, 0, (XOCHIP,)),
    ],
)
def test_loads(
    code: str, after: Bytes, moved: int, machines: tuple[Quirks, ...], tier: str
) -> None:
    for quirks in machines:
        machine = machine_at(tier, quirks)
        machine.memory[0x500:0x510] = bytes(range(5, 21))
        step(machine, code, {I: 0x05})
        index = moved * quirks.increments
        assert machine.state.spaces[at.STATE] == expected({I: 5}, {**after, I + 1: index})


@pytest.mark.parametrize("tier", TIERS)
def test_stores_wrap_at_the_end_of_memory(tier: str) -> None:
    machine = machine_at(tier, XOCHIP)
    step(machine, "F155", {0: 8, 1: 9, I: 0xFF, I + 1: 0xFF})
    assert (machine.memory[0xFFFF], machine.memory[0]) == (8, 9)


@pytest.mark.parametrize("tier", TIERS)
def test_a_call_and_its_return(tier: str) -> None:
    machine = machine_at(tier, CHIP8)
    machine.memory[0x400:0x402] = b"\x00\xee"
    step(machine, "2400", {})
    assert (machine.state.pc, machine.state.pointers) == (0x400, [2])
    machine.run(max_instructions=1)
    assert (machine.state.pc, machine.state.pointers) == (START + 2, [0])


UNKNOWN = [
    *[(code, ALL) for code in ("0123", "00E1", "8128", "812F", "E19F", "F1FF", "5121", "9121")],
    *[(code, (CHIP8,)) for code in ("00C1", "00FB", "00FD", "00FF", "F130", "F175", "F101")],
    *[(code, (CHIP8, SUPERCHIP)) for code in ("00D1", "5122", "F13A", "F002", "F000")],
    ("F102", ALL),
    ("F100", ALL),
]


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize(("code", "machines"), UNKNOWN)
def test_what_is_no_instruction_stops_there(
    code: str, machines: tuple[Quirks, ...], tier: str
) -> None:
    for quirks in machines:
        machine = machine_at(tier, quirks)
        for _ in range(2):
            assert step(machine, code, {}) is Stop.HALT
            assert machine.state.pc == START
            assert machine.state.spaces[at.STATE][at.STATUS] == at.UNKNOWN


@pytest.mark.parametrize("tier", TIERS)
def test_the_end(tier: str) -> None:
    machine = machine_at(tier, SUPERCHIP)
    assert step(machine, "00FD", {}) is Stop.HALT
    assert machine.state.spaces[at.STATE][at.STATUS] == at.ENDED


@pytest.mark.parametrize("tier", TIERS)
def test_waiting_for_a_key(tier: str) -> None:
    machine = machine_at(tier, CHIP8)
    assert step(machine, "F30A", {3: 9, at.RELEASED: at.NO_KEY}) is Stop.HALT
    assert machine.state.pc == START
    waiting = expected({3: 9}, {at.RELEASED: at.NO_KEY, at.WAITING: 1})
    assert machine.state.spaces[at.STATE] == waiting
    machine.state.spaces[at.STATE][at.RELEASED] = 5
    assert machine.run(max_instructions=1) is Stop.HALT
    assert machine.state.pc == START + 2
    assert machine.state.spaces[at.STATE] == expected({3: 5}, {at.RELEASED: at.NO_KEY})


@pytest.mark.parametrize("tier", TIERS)
def test_random_numbers_are_masked_and_go_on(tier: str) -> None:
    machine = machine_at(tier, CHIP8)
    numbers = []
    for _ in range(40):
        step(machine, "C13C", {})
        numbers.append(machine.state.spaces[at.STATE][1])
    assert not any(number & ~0x3C for number in numbers)
    assert len(set(numbers)) > 8

"""What the primitives of a core do, on all three cores: through opcodes made for the purpose."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest

from jitvm.engine.interpreter.making import make_unit
from jitvm.engine.machine.machine import Machine
from jitvm.guest import Core, DescriptionError, Guest, Opcode, Space, Stack, Stop
from jitvm.guest.description import MOST_STACKS
from tests.compiled import compile_at, execute
from tests.tiers import (
    ALL_TIERS,
    COMPILED_TIERS,
    NATIVE_TIERS,
    TIERS,
    make_machine,
    shared_machine,
)

RAM, CELLS, ONE = 0, 1, 2
STACK, TINY, WIDE = 0, 1, 2
SPACES = (Space("ram", 0x10000, code=True), Space("cells", 16), Space("one", 1))
STACKS = (Stack("stack", 64), Stack("tiny", 2), Stack("wide", 0x20000))

Meaning = Callable[[Core], None]


class Sample(NamedTuple):
    """An opcode and the stack's 32-bit words before and after it."""

    meaning: Meaning
    before: list[int]
    after: list[int]


def signed_keeps_low_bits(core: Core) -> None:
    """`signed` takes the low bytes of a wider word."""
    core.push(STACK, core.signed(core.pop(STACK, 4), 1), 4)


def signed_of_a_constant(core: Core) -> None:
    core.push(STACK, core.signed(0x1FF, 1), 4)


def leading_zeros(core: Core) -> None:
    word = core.pop(STACK, 8)
    for size in (8, 4, 2, 1):
        core.push(STACK, core.leading_zeros(word, size), 1)


def trailing_zeros(core: Core) -> None:
    word = core.pop(STACK, 8)
    for size in (8, 4, 2, 1):
        core.push(STACK, core.trailing_zeros(word, size), 1)


def swaps_bytes(core: Core) -> None:
    """Each size, of a word of eight; and of a word of which only the low bits are meant."""
    word = core.pop(STACK, 8)
    for size in (8, 4, 2, 1):
        core.push(STACK, core.swap_bytes(word, size), size)
    core.push(STACK, core.swap_bytes(word - 1, 1), 1)


def zeros_of_constants(core: Core) -> None:
    core.push(STACK, core.leading_zeros(0x0100, 1), 1)
    core.push(STACK, core.leading_zeros(0x0100, 2), 1)
    core.push(STACK, core.trailing_zeros(0x0100, 1), 1)
    core.push(STACK, core.trailing_zeros(0x0100, 2), 1)


def select(core: Core) -> None:
    b, a = core.pop(STACK, 4), core.pop(STACK, 4)
    core.push(STACK, core.select(a < b, a, b), 4)


def select_of_constants(core: Core) -> None:
    core.push(STACK, core.select(core.pop(STACK, 4), 0xFFFF_FFFF, 1), 4)


def quotient_of_constants(core: Core) -> None:
    core.push(STACK, core.divide(7, 2, by_zero=9), 4)
    core.push(STACK, core.divide(7, 0, by_zero=9), 4)


def reversed_operators(core: Core) -> None:
    a = core.pop(STACK, 4)
    for word in (1 - a, 1 + a, 3 * a, 0xF0 & a, 0xF0 | a, 0xF0 ^ a):
        core.push(STACK, word, 4)
    core.push(STACK, 1 << (a & 7), 4)
    core.push(STACK, 0x80 >> (a & 7), 4)


def comparisons(core: Core) -> None:
    b, a = core.pop(STACK, 4), core.pop(STACK, 4)
    flags = (a == b, a != b, a < b, a <= b, a > b, a >= b)
    core.push(STACK, sum((flag << i for i, flag in enumerate(flags)), start=flags[0] & 0), 4)


def pieces(core: Core) -> None:
    """Push one size, pop others."""
    low, high = core.pop(STACK, 1), core.pop(STACK, 2)
    rest = core.pop(STACK, 1)
    for word in (low, high, rest):
        core.push(STACK, word, 4)


def joins_pieces(core: Core) -> None:
    """Pop one word of what was pushed as a byte and what lies in memory."""
    core.push(STACK, 0x55, 1)
    word = core.pop(STACK, 4)
    core.pop(STACK, 1)
    core.push(STACK, word, 4)


def peeks(core: Core) -> None:
    core.push(STACK, core.peek(STACK, 8, 4), 4)


def peeks_deep(core: Core) -> None:
    """Sixteen bytes lie above what is read, and are memory's."""
    core.push(STACK, core.peek(STACK, 20, 4), 4)


def peeks_into(core: Core) -> None:
    """What is left of a word that is looked into has three bytes."""
    core.push(STACK, core.pop(STACK, 4), 4)
    core.push(STACK, core.peek(STACK, 4, 1), 4)


def looks_into_eight(core: Core) -> None:
    core.push(STACK, 0x1122334455667788, 8)
    core.push(STACK, core.peek(STACK, 7, 1), 1)
    core.push(STACK, core.peek(STACK, 3, 1), 1)
    core.push(STACK, code_is_known(), 2)


def code_is_known() -> bool:
    """What Python decides while it describes may be a word."""
    return True


def full_words(core: Core) -> None:
    """Eight-byte words: sums are masked before their high bits matter."""
    b, a = core.pop(STACK, 8), core.pop(STACK, 8)
    total = (a + b) & 0xFFFF_FFFF_FFFF_FFFF
    core.push(STACK, core.select(total < a, total >> 60, 0), 4)


def puts(core: Core) -> None:
    core.reserve(STACK, 4)
    core.put(STACK, 0x12345678, 4)
    core.put(STACK, 0x9A, 1)


def return_addresses(core: Core) -> None:
    """`link` is the former name."""
    core.push(STACK, core.return_address(), 4)
    core.push(STACK, core.return_address() - core.link(), 4)


SAMPLES = {
    "signed": Sample(signed_keeps_low_bits, [0x1280], [0xFFFF_FF80]),
    "signed constant": Sample(signed_of_a_constant, [], [0xFFFF_FFFF]),
    "zeros above": Sample(leading_zeros, [0, 0x0001_0040], [0x2F0F0901]),
    "zeros above nothing": Sample(leading_zeros, [0x8000_0000, 0], [0x0020_1008]),
    "zeros below": Sample(trailing_zeros, [0, 0x0001_0400], [0x0A0A_0A08]),
    "zeros below nothing": Sample(trailing_zeros, [0x8000_0000, 0], [0x3F20_1008]),
    "bytes swapped": Sample(
        swaps_bytes,
        [0x0102_0304, 0x0506_0700],
        [0x0007_0605, 0x0403_0201, 0x0007_0605, 0x0007_00FF],
    ),
    "zeros of constants": Sample(zeros_of_constants, [], [0x0807_0808]),
    "select yes": Sample(select, [3, 5], [3]),
    "select no": Sample(select, [5, 3], [3]),
    "select constants": Sample(select_of_constants, [0x8000_0000], [0xFFFF_FFFF]),
    "select zero": Sample(select_of_constants, [0], [1]),
    "divide": Sample(quotient_of_constants, [], [3, 9]),
    "reversed": Sample(reversed_operators, [3], [0xFFFF_FFFE, 4, 9, 0, 0xF3, 0xF3, 8, 0x10]),
    "equal": Sample(comparisons, [7, 7], [0b101001]),
    "less": Sample(comparisons, [7, 8], [0b001110]),
    "greater": Sample(comparisons, [0xFFFF_FFFF, 8], [0b110010]),
    "pieces": Sample(pieces, [0x11223344], [0x44, 0x2233, 0x11]),
    "joined": Sample(joins_pieces, [0x11223344], [0x22334455]),
    "peek": Sample(peeks, [1, 2], [1, 2, 1]),
    "peek deep": Sample(peeks_deep, [1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 1]),
    "peek into": Sample(peeks_into, [0x11223344], [0x11223344, 0x11]),
    "into eight": Sample(looks_into_eight, [], [0x11223344, 0x55667788, 0x22770001]),
    "full words": Sample(full_words, [0xFFFFFFFF, 0xFFFFFFFF, 0x80000000, 0], [7]),
    "put": Sample(puts, [7], [7, 0x1234569A]),
    "return address": Sample(return_addresses, [], [0x101, 0]),
}


def tiny_push(core: Core) -> None:
    """A stack of two bytes: pushing four wraps twice."""
    core.push(TINY, 0x11223344, 4)


def tiny_pop(core: Core) -> None:
    core.push(STACK, core.pop(TINY, 2), 4)


def wide_push(core: Core) -> None:
    """A stack larger than the code space."""
    core.push(WIDE, 0x11223344, 4)


def beyond_one(core: Core) -> None:
    """Four bytes of a space that has one."""
    core.push(STACK, core.load(ONE, 5, 4), 4)


def beyond_cells(core: Core) -> None:
    core.store(CELLS, core.pop(STACK, 4), 0x11223344, 4)


def within(core: Core) -> None:
    core.store(RAM, core.pop(STACK, 4), 0x1122, 2, within=0x200)


def halts_and_jumps(core: Core) -> None:
    core.jump(0x1234)
    core.halt()


def halts_and_branches(core: Core) -> None:
    core.jump_if(core.pop(STACK, 4), 0x1234)
    core.halt()


def writes_and_halts(core: Core) -> None:
    core.port_out(1, 0x77)
    core.halt()


def writes_and_branches(core: Core) -> None:
    core.port_out(1, core.pop(STACK, 1))
    core.jump_if(core.pop(STACK, 1), 0x1234)


SPECIAL: tuple[Meaning, ...] = (
    tiny_push, tiny_pop, wide_push, beyond_one, beyond_cells, within, halts_and_jumps,
    halts_and_branches, writes_and_halts, writes_and_branches,
)  # fmt: skip
CODE = {
    meaning: code
    for code, meaning in enumerate(
        dict.fromkeys([*(sample.meaning for sample in SAMPLES.values()), *SPECIAL]), start=1
    )
}


def make_guest(meanings: dict[Meaning, int], ports: int = 256) -> Guest:
    by_code = {code: meaning for meaning, code in meanings.items()}
    rows = tuple(
        Opcode(code, f"op{code}", by_code.get(code, lambda core: core.halt()))
        for code in range(256)
    )
    return Guest("sample", rows, SPACES, STACKS, ports=ports, word_bits=64)


GUEST = make_guest(CODE)


def prepare(machine: Machine, meaning: Meaning, words: list[int], bottom: int = 8) -> None:
    machine.memory[:] = bytes(0x10000)
    machine.memory[0x100] = CODE[meaning]
    content = b"".join(word.to_bytes(4, "big") for word in words)
    for i, byte in enumerate(content):
        machine.state.stacks[STACK][(bottom + i) % 64] = byte
    machine.state.pointers[:] = [(bottom + len(content)) % 64, 0, 0]


def run_one(machine: Machine, tier: str, pc: int = 0x100) -> None:
    """Execute an instruction behind which there is a halting one, which regions execute, too."""
    if tier in COMPILED_TIERS:
        compile_at(machine, pc)
        assert execute(machine, pc) is Stop.HALT
        machine.state.pc -= 1
    else:
        machine.run(pc, max_instructions=1)


def run_halting(machine: Machine, tier: str) -> Stop:
    """Execute an instruction that halts."""
    if tier not in COMPILED_TIERS:
        return machine.run(0x100)
    compile_at(machine, 0x100)
    return execute(machine, 0x100)


def words_from(machine: Machine, bottom: int = 8) -> list[int]:
    size = (machine.state.pointers[STACK] - bottom) % 64
    cells = bytes(machine.state.stacks[STACK][(bottom + i) % 64] for i in range(size))
    return [int.from_bytes(cells[i : i + 4], "big") for i in range(0, size, 4)]


@pytest.mark.parametrize("tier", ALL_TIERS)
@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("bottom", [8, 0, 60, 62, 63])
def test_primitives(name: str, tier: str, bottom: int) -> None:
    machine = shared_machine(tier, GUEST)
    sample = SAMPLES[name]
    prepare(machine, sample.meaning, sample.before, bottom)
    run_one(machine, tier)
    assert words_from(machine, bottom) == sample.after


@pytest.mark.parametrize("tier", ALL_TIERS)
def test_stacks_smaller_than_a_word(tier: str) -> None:
    machine = shared_machine(tier, GUEST)
    prepare(machine, tiny_push, [])
    neighbours = bytes(machine.state.stacks[STACK])
    run_one(machine, tier)
    assert bytes(machine.state.stacks[TINY]) == b"\x33\x44"
    assert (machine.state.pointers[TINY], bytes(machine.state.stacks[STACK])) == (0, neighbours)
    machine.memory[0x101] = CODE[tiny_pop]
    run_one(machine, tier, 0x101)
    assert words_from(machine) == [0x3344]


@pytest.mark.parametrize("tier", ALL_TIERS)
@pytest.mark.parametrize("pointer", [0, 0x1FFFA, 0x1FFFE, 0x10000])
def test_stacks_larger_than_the_code_space(tier: str, pointer: int) -> None:
    machine = shared_machine(tier, GUEST)
    prepare(machine, wide_push, [])
    machine.state.pointers[WIDE] = pointer
    run_one(machine, tier)
    cells = machine.state.stacks[WIDE]
    assert bytes(cells[(pointer + i) % len(cells)] for i in range(4)) == b"\x11\x22\x33\x44"
    assert machine.state.pointers[WIDE] == (pointer + 4) % len(cells)


@pytest.mark.parametrize("tier", ALL_TIERS)
def test_private_spaces_wrap_at_their_size(tier: str) -> None:
    machine = shared_machine(tier, GUEST)
    machine.state.spaces[ONE][0] = 0x5A
    prepare(machine, beyond_one, [])
    run_one(machine, tier)
    assert words_from(machine) == [0x5A5A5A5A]
    for address in (0, 12, 13, 15, 0x7FFF_FFFE):
        machine.state.spaces[CELLS][:] = bytes(16)
        prepare(machine, beyond_cells, [address])
        run_one(machine, tier)
        cells = machine.state.spaces[CELLS]
        assert bytes(cells[(address + i) % 16] for i in range(4)) == b"\x11\x22\x33\x44"


@pytest.mark.parametrize("tier", ALL_TIERS)
def test_stores_wrap_within(tier: str) -> None:
    machine = shared_machine(tier, GUEST)
    prepare(machine, within, [0x3FF])
    run_one(machine, tier)
    assert (machine.memory[0x1FF], machine.memory[0x000], machine.memory[0x200]) == (0x11, 0x22, 0)


@pytest.mark.parametrize("tier", ALL_TIERS)
@pytest.mark.parametrize(
    ("meaning", "words", "pc"),
    [
        (halts_and_jumps, [], 0x1234),
        (halts_and_branches, [1], 0x1234),
        (halts_and_branches, [0], 0x101),
    ],
)
def test_halting_and_jumping(tier: str, meaning: Meaning, words: list[int], pc: int) -> None:
    machine = shared_machine(tier, GUEST)
    prepare(machine, meaning, words)
    assert run_halting(machine, tier) is Stop.HALT
    assert machine.state.pc == pc


@pytest.mark.parametrize("tier", ALL_TIERS)
def test_an_opcode_that_writes_a_port_and_halts(tier: str) -> None:
    machine = make_machine(tier, GUEST)
    seen: list[int] = []
    machine.on_write(1, seen.append)
    prepare(machine, writes_and_halts, [])
    assert run_halting(machine, tier) is Stop.HALT
    assert (seen, machine.state.pc) == ([0x77], 0x101)


@pytest.mark.parametrize("tier", ALL_TIERS)
@pytest.mark.parametrize(("condition", "pc"), [(0, 0x101), (1, 0x1234)])
def test_an_error_leaves_behind_an_opcode_that_branches(tier: str, condition: int, pc: int) -> None:
    machine = make_machine(tier, GUEST)

    def refuse(byte: int) -> None:
        raise OSError(f"no {byte:02x}")

    machine.on_write(1, refuse)
    prepare(machine, writes_and_branches, [condition << 8 | 0x77])
    with pytest.raises(OSError, match="no 77"):
        run_halting(machine, tier)
    assert machine.state.pc == pc


def shifts_too_far(core: Core) -> None:
    core.push(STACK, core.pop(STACK, 4) >> core.pop(STACK, 1), 4)


def shifts_by_a_constant(core: Core) -> None:
    core.push(STACK, core.pop(STACK, 4) << 64, 4)


def shifts_negative(core: Core) -> None:
    core.push(STACK, (core.pop(STACK, 1) - core.pop(STACK, 1)) >> 1, 1)


def divides_unmasked(core: Core) -> None:
    core.push(STACK, core.divide(core.pop(STACK, 1) - 1, 2, by_zero=0), 1)


def selects_unmasked(core: Core) -> None:
    core.push(STACK, core.select(core.pop(STACK, 1) - 1, 2, 3), 1)


def compares_with_too_much(core: Core) -> None:
    core.push(STACK, core.pop(STACK, 4) < 1 << 64, 4)


def indexes(core: Core) -> None:
    core.push(STACK, [1, 2, 3][core.pop(STACK, 1)], 1)


def three_bytes(core: Core) -> None:
    core.push(STACK, core.load(RAM, 0, 3), 4)


@pytest.mark.parametrize(
    ("meaning", "message"),
    [
        (shifts_too_far, "op1: shr by up to 255 bits of a 64-bit word"),
        (shifts_by_a_constant, "op1: shl by up to 64 bits of a 64-bit word"),
        (shifts_negative, "op1: shr of a word whose high bits are not known"),
        (divides_unmasked, "op1: div of a word whose high bits are not known"),
        (selects_unmasked, "op1: select of a word whose high bits are not known"),
        (compares_with_too_much, "op1: lt with 18446744073709551616, which no unsigned word"),
        (three_bytes, "op1: a word of 3 bytes; take 1, 2, 4 or 8"),
        (indexes, "op1: words cannot do this: be an index"),
    ],
)
def test_native_cores_refuse_what_tiers_would_disagree_about(
    meaning: Meaning, message: str
) -> None:
    with pytest.raises(DescriptionError, match=message):
        make_unit(make_guest({meaning: 1}))


@pytest.mark.parametrize("tier", TIERS)
def test_a_store_that_only_checked_handlers_guard(tier: str) -> None:
    def put(core: Core) -> None:
        core.store(0, core.operand(0, 1), 7, 1)

    rows = [Opcode(n, f"op{n}", lambda core: core.halt()) for n in range(256)]
    rows[1] = Opcode(1, "put", put, 1)
    machine = make_machine(tier, Guest("guarded", tuple(rows), SPACES[:1]))
    machine.memory[0x100:0x103] = b"\x01\x40\x00"
    assert machine.run(0x100) is Stop.HALT
    assert machine.memory[0x40] == 7
    machine.counting = True
    machine.memory[0x40] = 0
    assert machine.run(0x100) is Stop.HALT
    assert machine.memory[0x40] == 7


@pytest.mark.parametrize("cached", [(), (1, 2)])
@pytest.mark.parametrize("tier", TIERS)
def test_as_many_stacks_as_there_can_be(tier: str, cached: tuple[int, ...]) -> None:
    count = MOST_STACKS - bool(cached)
    stacks = tuple(Stack(f"stack{i}", 16, cached=() if i else cached) for i in range(count))

    def spread(core: Core) -> None:
        for i in range(count):
            core.push(i, i + core.operand(0, 1), 1)

    rows = [Opcode(n, f"op{n}", lambda core: core.halt()) for n in range(256)]
    rows[1] = Opcode(1, "spread", spread, 1)
    machine = make_machine(tier, Guest("stacks", tuple(rows), SPACES[:1], stacks))
    machine.memory[0x100:0x103] = b"\x01\x40\x00"
    assert machine.run(0x100) is Stop.HALT
    assert [cells[0] for cells in machine.state.stacks] == [0x40 + i for i in range(count)]


@pytest.mark.parametrize("tier", NATIVE_TIERS)
def test_guests_without_ports_or_stacks(tier: str) -> None:
    def count(core: Core) -> None:
        core.store(1, 0, core.load(1, 0, 1) + 1, 1)

    rows = tuple(Opcode(n, f"op{n}", count if n else lambda core: core.halt()) for n in range(256))
    guest = Guest("bare", rows, (Space("ram", 0x10000, code=True), Space("counter", 1)))
    machine = make_machine(tier, guest)
    machine.memory[0x100:0x103] = b"\x01\x02\x03"
    assert machine.run(0x100) is Stop.HALT
    assert machine.state.spaces[1][0] == 3

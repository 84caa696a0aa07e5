"""What each primitive of `RegionCore` builds, for constants and for values, in both byte orders."""

from __future__ import annotations

import random

import pytest

from jitvm.engine.ir.ops import Op
from jitvm.engine.memory.layout import CODE as MARK
from jitvm.engine.region.world import World, Written
from jitvm.engine.tables.reasons import Reason
from jitvm.guest import Core
from tests.engine.declared import CODE, LARGE, LENGTH, PRIVATE, Semantics
from tests.jit.straight import ROOMY, START, Line

SIZES = (1, 2, 4, 8)
ORDERS = pytest.mark.parametrize("byte_order", ["little", "big"])
NOWHERE = World(b"")
CELL = 0x240


def literal(size: int, stack: int = 0, offset: int = 0) -> Semantics:
    """Pushes bytes of the instruction."""
    return lambda core: core.push(stack, core.operand(offset, size), size)


def number(word: int, size: int, stack: int = 0) -> Semantics:
    """Pushes a number."""
    return lambda core: core.push(stack, word, size)


def move(source: int, taken: int, target: int, size: int) -> Semantics:
    """Takes a word off a stack and pushes it as one of another size."""
    return lambda core: core.push(target, core.pop(source, taken), size)


def peeked(stack: int, depth: int, size: int) -> Semantics:
    """Copies a word from further down to the other stack."""
    return lambda core: core.push(1 - stack, core.peek(stack, depth, size), size)


def put(source: int, size: int) -> Semantics:
    """Takes a word off a stack and writes it over the top of the other."""
    return lambda core: core.put(1 - source, core.pop(source, size), size)


def load(at: int, size: int, space: int = CODE, within: int | None = None) -> Semantics:
    """Pushes a word from a constant address."""

    def semantics(core: Core) -> None:
        address = core.select(1, at, at)
        core.push(0, core.load(space, address, size, within), size)

    return semantics


def store(at: int, size: int, space: int = CODE, within: int | None = None) -> Semantics:
    """Pops a word and stores it at a constant address."""

    def semantics(core: Core) -> None:
        word = core.pop(0, size)
        core.store(space, core.select(1, at, at), word, size, within)

    return semantics


def load_computed(size: int, space: int = CODE, within: int | None = None) -> Semantics:
    """Pops an address near CELL, of two bytes, and pushes what is there."""

    def semantics(core: Core) -> None:
        address = (core.pop(0, 2) & 15) + CELL + 48
        core.push(1, core.load(space, address, size, within), size)

    return semantics


def store_computed(size: int, space: int = CODE, within: int | None = None) -> Semantics:
    """Pops an address near CELL, then a word, and stores it there."""

    def semantics(core: Core) -> None:
        address = (core.pop(0, 2) & 15) + CELL + 48
        core.store(space, address, core.pop(1, size), size, within)

    return semantics


def read(port: int | None) -> Semantics:
    """Pushes what a port gives; without one it is 0x42 or 0x43, by what is popped."""

    def semantics(core: Core) -> None:
        asked = 0x42 + (core.pop(0, 1) & 1) if port is None else core.select(1, port, port)
        core.push(0, core.port_in(asked), 1)

    return semantics


def write(port: int | None) -> Semantics:
    """Pops a byte and writes it to a port; without one it is 0x42 or 0x43, by what is popped."""

    def semantics(core: Core) -> None:
        asked = 0x42 + (core.pop(0, 1) & 1) if port is None else core.select(1, port, port)
        core.port_out(asked, core.pop(0, 1))

    return semantics


# -- stacks --------------------------------------------------------------------------------------


@ORDERS
@pytest.mark.parametrize("seed", range(60))
def test_any_mixture_of_sizes(seed: int, byte_order: str) -> None:
    """Words are pushed, popped, copied and overwritten in other sizes than they were pushed in."""
    rng = random.Random(seed)

    def any_instruction() -> Semantics:
        stack, size, other = rng.randrange(2), rng.choice(SIZES), rng.choice(SIZES)
        return rng.choice([
            literal(size, stack, rng.randrange(9 - size)),
            literal(size, stack),
            move(stack, size, 1 - stack, other),
            move(stack, size, 1 - stack, other),
            peeked(stack, size + rng.randrange(9), size),
            put(stack, size),
        ])  # fmt: skip

    line = Line(*(any_instruction() for _ in range(12)), byte_order=byte_order)
    assert line.agrees() == {"BRANCH"}
    assert not line.guards


@ORDERS
@pytest.mark.parametrize("pushed", SIZES)
@pytest.mark.parametrize("popped", SIZES)
def test_words_are_split_and_joined(pushed: int, popped: int, byte_order: str) -> None:
    values = [move(0, pushed, 1, pushed)] * (8 // pushed)
    back = [move(1, popped, 0, popped)] * (8 // popped)
    assert Line(*values, *back, byte_order=byte_order).agrees() == {"BRANCH"}


@ORDERS
@pytest.mark.parametrize("size", SIZES)
def test_a_literal_stays_known_however_it_is_taken(size: int, byte_order: str) -> None:
    """Nothing is computed of it: all that is built is where the bytes go."""
    takes = [move(0, size, 1, size)] * (8 // size)
    line = Line(literal(8), *takes, byte_order=byte_order)
    assert not line.graph.block.values
    assert all(word.constant is not None for word, _ in line.state.stacks[1].words)
    assert line.agrees() == {"BRANCH"}
    code = line.assumptions.code
    assert code.keys() == {START + i * LENGTH for i in range(len(takes) + 1)} | set(
        range(START + 1, START + 9)
    )
    assert all(line.world.memory[at] == byte for at, byte in code.items())


def test_a_value_that_is_pushed_and_popped_is_the_same_value() -> None:
    line = Line(move(0, 4, 1, 4), move(1, 4, 0, 4))
    (word,) = line.state.stacks[0].words
    assert word == (line.all(Op.SLOT)[0], 4)
    assert len(line.graph.block.values) == 1


def test_what_is_pushed_is_cut_to_its_size() -> None:
    line = Line(number(0x12345, 1), lambda core: core.push(1, core.pop(1, 2) + 1, 2))
    assert line.state.stacks[0].words[0][0].constant == 0x45
    assert line.state.stacks[1].words[0][0].bits == 16
    assert line.agrees() == {"BRANCH"}


def test_reserved_bytes_are_there_to_be_overwritten() -> None:
    def semantics(core: Core) -> None:
        core.reserve(0, 4)
        core.put(0, core.pop(1, 4), 4)

    line = Line(semantics)
    assert (line.state.stacks[0].top, line.state.stacks[0].bottom) == (4, 0)
    assert line.agrees() == {"BRANCH"}


def test_reach_is_kept() -> None:
    line = Line(move(0, 4, 1, 8), move(1, 8, 0, 1), peeked(0, 8, 4))
    first, second = line.state.stacks
    assert (first.low, first.high, first.top) == (-11, 0, -3)
    assert (second.low, second.high, second.top) == (0, 8, 4)


# -- headroom -----------------------------------------------------------------------------------


@pytest.mark.parametrize("down", range(3, 7))
@pytest.mark.parametrize("up", range(6, 10))
def test_room_that_the_entry_did_not_make_sure_of_is_guarded_once(down: int, up: int) -> None:
    """Four bytes down on one stack, eight up on the other; then the same again."""
    headroom = ((down, 9), (9, up))
    line = Line(move(0, 4, 1, 8), move(1, 8, 0, 4), move(0, 4, 1, 8), headroom=headroom)
    expected = ["DEEP"] * (down < 4) + ["DEEP"] * (up < 8)
    assert line.guards == expected
    assert line.state.headroom == ((max(down, 4), 9), (9, max(up, 8)))
    near = {
        reason
        for pointers in ((3, 90), (4, 90), (100, 248), (100, 247), (0, 255))
        if (pointers[0] >= 4 or down < 4) and (pointers[1] <= 247 or up < 8)
        for reason in line.agrees(range(2), pointers)
    }
    assert near == {"BRANCH", *expected}


def test_a_guard_leaves_before_its_instruction() -> None:
    """Headroom that only the third instruction needs: two are done."""
    line = Line(literal(1), move(0, 1, 1, 1), literal(8), headroom=((0, 2), (0, 2)))
    assert line.guards == ["DEEP"]
    assert line.agrees(range(3), (250, 9)) == {"DEEP"}
    exit_ = line.all(Op.GUARD)[0].exit
    assert exit_ is not None
    assert exit_.pc.constant == START + 2 * LENGTH
    assert exit_.pointers == (0, 1)


# -- operands ------------------------------------------------------------------------------------


@ORDERS
@pytest.mark.parametrize("size", SIZES)
def test_an_operand_that_is_written_is_a_cell(size: int, byte_order: str) -> None:
    """Each byte is known by itself: those that are not written are constants."""
    operand = set(range(START + 1, START + 1 + size))
    for at in operand:
        world = NOWHERE.but(written=Written([at]))
        line = Line(literal(size), byte_order=byte_order, world=world)
        assert line.assumptions.code.keys() == {START} | (operand - {at})
        assert line.assumptions.cells == {at}
        assert line.agrees() == {"BRANCH"}
    line = Line(literal(size), byte_order=byte_order, world=NOWHERE.but(written=Written(operand)))
    assert line.assumptions.cells == operand
    assert len(line.all(Op.LOAD)) == 1
    assert line.agrees() == {"BRANCH"}
    world = NOWHERE.but(written=Written([START, START + 1 + size]))
    line = Line(literal(size), byte_order=byte_order, world=world)
    assert not line.assumptions.cells
    assert line.agrees() == {"BRANCH"}


def test_an_operand_across_the_end_of_memory_is_no_cell() -> None:
    line = Line(literal(1), world=NOWHERE.but(written=Written([0xFFFF, *range(7)])))
    for size in (4, 8):
        line.core.begin(line.guest.opcodes[0], 0xFFFE, line.state)
        line.core.operand(0, size)
    assert not line.assumptions.cells
    line.core.begin(line.guest.opcodes[0], 0xFFFE, line.state)
    line.core.operand(0, 1)
    assert line.assumptions.cells == {0xFFFF}


@ORDERS
def test_the_known_half_of_an_operand_is_a_constant(byte_order: str) -> None:
    """A port, say, in the one literal with a byte that the guest changes."""
    for at, is_last in ((START + 1, False), (START + 2, True)):
        world = NOWHERE.but(written=Written([at]))
        line = Line(
            literal(2), move(0, 1, 1, 1), move(0, 1, 1, 1), byte_order=byte_order, world=world
        )
        last, first = (word.constant for word, _ in line.state.stacks[1].words)
        assert (first is None, last is None) == (not is_last, is_last)
        assert line.agrees() == {"BRANCH"}


# -- cells ---------------------------------------------------------------------------------------


def test_a_cell_is_loaded_once() -> None:
    line = Line(load(CELL, 4), load(CELL, 4))
    assert len(line.all(Op.LOAD)) == 1
    assert line.assumptions.cells == set(range(CELL, CELL + 4))
    assert line.agrees() == {"BRANCH"}


def test_a_small_space_has_cells() -> None:
    line = Line(load(8, 4, PRIVATE), load(8, 4, PRIVATE))
    assert len(line.all(Op.LOAD)) == 1
    assert not line.assumptions.cells  # marks are for code
    assert line.agrees() == {"BRANCH"}


@pytest.mark.parametrize("space", [CODE, LARGE])
def test_what_is_stored_is_known_where_there_are_cells(space: int) -> None:
    line = Line(number(7, 4), store(8, 4, space), load(8, 4, space), load(8, 4, space))
    assert len(line.all(Op.LOAD)) == (0 if space == CODE else 2)
    assert line.agrees() == {"BRANCH"}


@ORDERS
@pytest.mark.parametrize("size", SIZES)
def test_a_computed_store_makes_cells_of_its_space_unknown(size: int, byte_order: str) -> None:
    line = Line(
        load(8, size, PRIVATE), load(CELL, size), store_computed(2, PRIVATE),
        load(8, size, PRIVATE), load(CELL, size), byte_order=byte_order,
    )  # fmt: skip
    assert len(line.all(Op.LOAD)) == 3
    assert line.agrees(range(40)) >= {"BRANCH"}


@ORDERS
@pytest.mark.parametrize("seed", range(40))
def test_any_mixture_of_cells_of_spaces(seed: int, byte_order: str) -> None:
    rng = random.Random(seed)

    def any_instruction() -> Semantics:
        size, at, space = rng.choice(SIZES), rng.randrange(12), rng.choice((PRIVATE, LARGE))
        kinds = [load(at, size, space), store(at, size, space), literal(size)]
        if rng.random() < 0.2:
            kinds = [store_computed(1, space), load_computed(1, space)]
        return rng.choice(kinds)

    line = Line(*(any_instruction() for _ in range(14)), byte_order=byte_order)
    assert line.agrees(range(3)) == {"BRANCH"}
    assert not {"STORE", "WRAP"} & {*line.guards}


def test_a_device_leaves_cells_of_registers_as_they_are() -> None:
    world = NOWHERE.but(writers=frozenset([0x18]))
    line = Line(
        load(8, 1, PRIVATE), load(CELL, 1), number(1, 1), write(0x18), load(8, 1, PRIVATE),
        load(CELL, 1), world=world,
    )  # fmt: skip
    assert len(line.all(Op.LOAD)) == 3


# -- switches ------------------------------------------------------------------------------------


def pushes(word: int) -> Semantics:
    return lambda core: core.push(0, word, 1)


def test_a_switch_by_the_instruction_is_its_case() -> None:
    def semantics(core: Core) -> None:
        core.switch(core.operand(0, 1), {0x21: pushes(7), 0x22: pushes(8)}, pushes(9))

    line = Line(semantics)
    assert line.state.stacks[0].words[-1][0].constant == 7
    assert not line.guards
    assert line.agrees() == {"BRANCH"}


def test_a_region_leaves_before_a_switch_by_what_is_not_known() -> None:
    def semantics(core: Core) -> None:
        core.switch(core.pop(0, 1) & 1, {0: pushes(7)}, pushes(9))

    line = Line(semantics)
    assert line.core.refusal is Reason.SWITCH
    assert not line.graph.block.values


def test_the_opcode_and_what_follows_are_constants() -> None:
    def semantics(core: Core) -> None:
        core.push(0, core.opcode, 1)
        core.push(0, core.beyond(0, 1), 1)

    line = Line(semantics, semantics)
    assert [word.constant for word, _ in line.state.stacks[0].words] == [0, 1, 1, 0]
    assert START + 2 * LENGTH in line.assumptions.code
    assert line.agrees() == {"BRANCH"}


def test_where_stores_hit_there_are_no_cells() -> None:
    for at in range(CELL, CELL + 4):
        line = Line(load(CELL, 4), load(CELL, 4), world=NOWHERE.but(aliased=frozenset([at])))
        assert len(line.all(Op.LOAD)) == 2
        assert not line.assumptions.cells
    beside = frozenset([CELL - 1, CELL + 4])
    assert Line(load(CELL, 4), world=NOWHERE.but(aliased=beside)).assumptions.cells


@ORDERS
@pytest.mark.parametrize("stored", SIZES)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("at", range(-8, 9))
def test_a_store_is_seen_by_every_cell_it_touches(
    at: int, size: int, stored: int, byte_order: str
) -> None:
    """A word is loaded, another one that may overlap it is stored, and the first loaded again."""
    line = Line(
        load(CELL, size), number(0x1122334455667788, stored), store(CELL + at, stored),
        load(CELL, size), byte_order=byte_order,
    )  # fmt: skip
    assert line.agrees(range(2)) == {"BRANCH"}
    overlaps = at < size and at + stored > 0
    assert (len(line.all(Op.LOAD)) == 1) >= (not overlaps)
    assert line.assumptions.stores == set(range(CELL + at, CELL + at + stored))
    if at == 0 and size <= stored:
        assert line.state.stacks[0].words[-1][0].constant is not None


@ORDERS
@pytest.mark.parametrize("seed", range(40))
def test_any_mixture_of_cells(seed: int, byte_order: str) -> None:
    rng = random.Random(seed)

    def any_instruction() -> Semantics:
        size, at = rng.choice(SIZES), CELL + rng.randrange(12)
        return rng.choice([load(at, size), store(at, size), literal(size)])

    line = Line(*(any_instruction() for _ in range(14)), byte_order=byte_order)
    assert line.agrees(range(3)) == {"BRANCH"}
    assert not line.guards


def test_a_cell_ends_with_memory() -> None:
    for size in SIZES:
        assert Line(load(0x10000 - size, size)).assumptions.cells
    line = Line(load(0xFFFF, 2))
    assert line.guards == ["WRAP"]
    assert not line.assumptions.cells
    assert line.agrees() == {"WRAP"}


@pytest.mark.parametrize("within", [0x100, 0x1000])
def test_addresses_wrap_where_they_are_told_to(within: int) -> None:
    line = Line(load(CELL + within, 2, within=within), load(CELL, 2, within=within))
    assert len(line.all(Op.LOAD)) == 1
    assert line.assumptions.cells == {CELL % within, CELL % within + 1}
    assert line.agrees() == {"BRANCH"}


# -- loads and stores at computed addresses ------------------------------------------------------


@ORDERS
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("space", "within"), [(CODE, None), (PRIVATE, None), (CODE, 16)])
def test_a_computed_access(size: int, space: int, within: int | None, byte_order: str) -> None:
    for access in (load_computed(size, space, within), store_computed(size, space, within)):
        line = Line(access, byte_order=byte_order)
        reasons = line.agrees(range(120))
        wraps = size > 1 and (space, within) != (CODE, None)
        assert ("WRAP" in reasons) == wraps
        assert "BRANCH" in reasons
        assert ("STORE" in line.guards) == (bool(line.all(Op.STORE)) and space == CODE)


def test_a_computed_store_looks_at_all_marks_of_all_its_bytes() -> None:
    for size in SIZES:
        line = Line(store_computed(size))
        (look,) = line.all(Op.MAP)
        assert look.imm == (size,)
        assert [value.args[0].op for value in line.all(Op.GUARD)] == [Op.EQ]
        assert line.all(Op.GUARD)[0].args[0].args[0] is look


def test_a_store_to_a_constant_address_is_promised_or_looks_for_code() -> None:
    for size in SIZES:
        covered = range(CELL, CELL + size)
        line = Line(literal(size), store(CELL, size))
        assert line.assumptions.stores == set(covered)
        assert not line.guards
        for at in range(CELL - 1, CELL + size + 1):
            world = NOWHERE.but(watched=frozenset([at]))
            line = Line(literal(size), store(CELL, size), world=world)
            assert (line.guards == ["STORE"]) == (at in covered)
            assert (line.assumptions.stores == set()) == (at in covered)
            for guard in line.all(Op.GUARD):
                mask = guard.args[0].args[0].args[1].constant
                assert mask == int.from_bytes(bytes([MARK] * size), "little")


def test_a_store_to_the_code_of_the_line_itself_looks() -> None:
    line = Line(literal(1), store(START + 1, 1))
    assert line.guards == ["STORE"]
    assert not line.assumptions.stores


# -- ports ---------------------------------------------------------------------------------------

DEVICES = NOWHERE.but(readers=frozenset([0x42]), writers=frozenset([0x43, 0x44]),
                      collected=frozenset([0x44]))  # fmt: skip


def test_a_plain_port_is_storage() -> None:
    line = Line(literal(1), write(0x20), read(0x20), world=DEVICES)
    assert not line.guards
    assert not line.all(Op.SYNC)
    assert line.agrees() == {"BRANCH"}


def test_a_computed_port_has_its_device_looked_for() -> None:
    for access, op in ((read(None), Op.HOST_IN), (write(None), Op.HOST_OUT)):
        line = Line(load(CELL, 1), access, load(CELL, 1), world=DEVICES)
        assert not line.guards
        assert len(line.all(op)) == 1
        assert len(line.all(Op.LOAD)) == 2
        assert line.agrees(range(12)) == {"BRANCH"}
        assert line.core.refusal is None


def test_a_computed_port_is_plain_where_there_are_no_devices() -> None:
    line = Line(read(None), write(None))
    assert not line.all(Op.HOST_IN)
    assert not line.all(Op.HOST_OUT)
    assert not line.guards
    assert line.agrees() == {"BRANCH"}


def test_an_instruction_that_cannot_have_a_device_leaves_where_there_is_one() -> None:
    """What it does depends on what the port gives, so it is compared before anything is done."""

    def semantics(core: Core) -> None:
        core.push(0, core.load(CODE, core.port_in(core.pop(0, 1)), 8, within=256), 8)

    world = NOWHERE.but(readers=frozenset(range(128)))
    line = Line(semantics, world=world)
    assert line.core.refusal is Reason.DEVICE
    assert line.core.computes_port
    plain = Line(semantics, world=world, plain=frozenset([START]))
    assert plain.guards[0] == "PORT"
    assert {"BRANCH", "PORT"} <= plain.agrees(range(12))


def test_a_device_sees_the_stacks_and_cells_are_read_anew_behind_it() -> None:
    for access in (read(0x42), write(0x43)):
        line = Line(load(CELL, 1), literal(2, 1), access, load(CELL, 1), world=DEVICES)
        assert len(line.all(Op.LOAD)) == 2
        order = [value.op for value in line.graph.block.values if value.op in
                 (Op.SYNC, Op.HOST_IN, Op.HOST_OUT, Op.CHECK)]  # fmt: skip
        assert order[0] is Op.SYNC
        assert order[1] in (Op.HOST_IN, Op.HOST_OUT)
        assert order[-1] is Op.CHECK
        assert line.agrees() == {"BRANCH"}
        (check,) = line.all(Op.CHECK)
        assert check.exit is not None
        assert check.exit.reason == Reason.HOST.name
        assert check.exit.pc.constant == START + 3 * LENGTH


def test_collected_output_shows_nothing() -> None:
    line = Line(load(CELL, 1), write(0x44), load(CELL, 1), world=DEVICES)
    assert len(line.all(Op.COLLECT)) == 1
    assert len(line.all(Op.LOAD)) == 1
    assert not line.all(Op.SYNC)


def test_a_quiet_device_is_called_and_nothing_is_shown_or_read_anew() -> None:
    world = DEVICES.but(quiet=frozenset([0x43]))
    line = Line(load(CELL, 1), write(0x43), read(0x43), load(CELL, 1), world=world)
    assert len(line.all(Op.OUT)) == 1
    assert len(line.all(Op.LOAD)) == 1
    assert not line.all(Op.SYNC)
    assert not line.all(Op.CHECK)
    assert line.agrees() == {"BRANCH"}


# -- effects -------------------------------------------------------------------------------------


def test_effects_stand_behind_the_last_guard_of_their_instruction() -> None:
    """A store, then a pop that may be too deep: the store waits for the guard."""

    def semantics(core: Core) -> None:
        core.store(PRIVATE, 8, core.pop(0, 4), 4)
        core.push(1, core.pop(0, 8), 8)

    line = Line(semantics, headroom=((0, 0), (0, 0)))
    assert [value.op for value in line.graph.block.values if value.op in (Op.GUARD, Op.STORE)] == [
        Op.GUARD, Op.GUARD, Op.STORE,
    ]  # fmt: skip
    assert line.agrees(range(4), (5, 90)) == {"DEEP"}
    assert line.agrees(range(4), (30, 250)) == {"DEEP"}
    assert line.agrees(range(4)) == {"BRANCH"}


# -- control -------------------------------------------------------------------------------------


def test_a_return_address_is_one_until_it_is_cut() -> None:
    def call(core: Core) -> None:
        core.push(1, core.return_address(), 2)

    following = START + LENGTH
    line = Line(call)
    assert line.state.stacks[1].return_addresses == ((1, 0, following),)
    assert line.state.stacks[1].words[0][0].constant == following
    cut = Line(call, move(1, 1, 0, 1))
    assert not cut.state.stacks[1].return_addresses
    for each in (line, cut):
        assert each.agrees() == {"BRANCH"}
    line.state.stacks[1].forget_return_addresses()
    assert not line.state.stacks[1].return_addresses
    assert line.state.stacks[1].words[0][0].constant == following


@pytest.mark.parametrize("condition", [None, 0, 1])
def test_jumps(condition: int | None) -> None:
    """Where control goes is known as far as its condition and target are."""

    def semantics(core: Core) -> None:
        core.jump_if(core.pop(0, 1) if condition is None else condition, core.pop(1, 2))

    assert Line(literal(2, 1), semantics).agrees() == {"BRANCH"}
    assert Line(semantics).agrees() == {"BRANCH"}
    assert Line(lambda core: core.jump(core.pop(0, 4))).agrees() == {"BRANCH"}


def test_exits_of_one_instruction_are_shared_by_reason() -> None:
    def semantics(core: Core) -> None:
        core.store(PRIVATE, core.pop(0, 2), core.load(CODE, core.pop(0, 2), 4), 4)

    line = Line(semantics, headroom=((0, 0), (0, 0)))
    exits = [value.exit for value in line.all(Op.GUARD)]
    assert line.guards == ["WRAP", "WRAP", "DEEP"]
    assert exits[0] is exits[1]
    assert exits[0] is not exits[2]
    assert exits[0] is not None
    assert exits[0].pointers == (0, 0)


def test_arithmetic_of_the_core() -> None:
    def semantics(core: Core) -> None:
        a, b = core.pop(0, 4), core.pop(0, 4)
        core.push(1, core.select(a < b, core.divide(a, b, 5), core.divide(b, a & 0xFF, 9)), 4)
        core.push(1, core.signed(a, 1) + core.signed(b, 2), 8)

    assert Line(semantics).agrees(range(12)) == {"BRANCH"}
    assert Line(number(77, 4), semantics).agrees() == {"BRANCH"}
    both = Line(number(0x80FF, 4), number(0xF00000F0, 4), semantics)
    assert not both.graph.block.values
    assert both.agrees() == {"BRANCH"}


def test_room_is_as_asked() -> None:
    assert Line(literal(1)).state.headroom == ROOMY

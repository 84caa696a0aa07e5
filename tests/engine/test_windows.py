"""Windows, large spaces, copies and stops, at every tier, at the ends of what is shown."""

from __future__ import annotations

import ctypes
import mmap
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from random import Random
from typing import Any

import pytest

from jitvm.engine.codegen.native import Compiler
from jitvm.engine.ir.graph import Exit, Graph, Leave
from jitvm.engine.ir.ops import Op
from jitvm.engine.ir.passes import PASSES
from jitvm.engine.ir.text import parse, show
from jitvm.engine.ir.verify import verify
from jitvm.engine.machine.machine import Machine, Tier
from jitvm.engine.memory.cache import CodeCache
from jitvm.engine.memory.layout import NEAR
from jitvm.engine.tables.params import Parameters
from jitvm.guest import Core, DescriptionError, Guest, Opcode, Space, Stack
from jitvm.testing import check
from tests.engine.declared import WINDOW, declared
from tests.engine.emulated import EmulatedMachine
from tests.jit.emulated import emulated_jit

CODE, SEEN, OUT, REGISTERS, SPARE = range(5)
CURSOR, COUNT, TO, SUM = range(0, 32, 8)
"""Registers: where is read, how often, where is written, what was read."""
TIERS = ("reference", "interpreter", "jit", "ir", "aarch64", "aarch64 jit")
PARAMS = Parameters(hot=2, window=64, background=0, verify=1, keep=0)
LOW = (1 << 32) - 1


def get(core: Core, register: int) -> Any:
    return core.load(REGISTERS, register, 8)


def words(core: Core) -> None:
    """Add words near the cursor to the sum, write some of them, and go on three bytes behind."""
    at, to = get(core, CURSOR), get(core, TO)
    sizes = [core.load(SEEN, at + i, size) for i, size in ((0, 8), (9, 1), (17, 2), (30, 4))]
    near = core.load(SEEN, at + (sizes[1] & 15), 4)
    total = get(core, SUM) + sum(sizes[1:], sizes[0]) + near
    core.store(OUT, to, total, 8)
    core.store(OUT, to + 8, near, 4)
    core.store(REGISTERS, SUM, total, 8)
    core.store(REGISTERS, CURSOR, at + 3, 8)
    core.store(REGISTERS, TO, to + 12, 8)


def known(core: Core) -> None:
    """The same at an address of the instruction."""
    total = get(core, SUM) + core.load(SEEN, core.operand(0, 4), 8)
    core.store(REGISTERS, SUM, total, 8)


def copied(core: Core) -> None:
    core.copy(OUT, get(core, TO), SEEN, get(core, CURSOR), core.operand(0, 2))


def moved(core: Core) -> None:
    """The same from another large space."""
    core.copy(OUT, get(core, TO) + 7, SPARE, get(core, CURSOR), core.operand(0, 2))


def expected(core: Core) -> None:
    """A byte that is to be expected to be small, and is not always."""
    byte = core.load(SEEN, get(core, CURSOR), 1)
    is_small = byte < core.operand(0, 1)
    core.near(SEEN, get(core, CURSOR) + 40)
    core.expect(is_small)
    total = get(core, SUM) + core.select(is_small, byte, byte * 1000 + core.length(SEEN))
    core.store(REGISTERS, SUM, total, 8)


def again(core: Core) -> None:
    left = (get(core, COUNT) - 1) & ((1 << 64) - 1)
    core.store(REGISTERS, COUNT, left, 8)
    core.jump_if(left, core.operand(0, 2))


def stop(core: Core) -> None:
    core.stop(core.operand(0, 4), get(core, CURSOR))


MEANINGS: dict[str, tuple[Callable[[Core], None], int]] = {
    "halt": (lambda core: core.halt(), 0),
    "words": (words, 0),
    "known": (known, 4),
    "copied": (copied, 2),
    "moved": (moved, 2),
    "expected": (expected, 1),
    "again": (again, 2),
    "stop": (stop, 4),
}
NUMBERS = {name: number for number, name in enumerate(MEANINGS)}


def guest_of(out: int, byte_order: Any = "little") -> Guest:
    rows = [Opcode(NUMBERS[name], name, *meaning) for name, meaning in MEANINGS.items()]
    rows += [Opcode(n, f"halt-{n:02x}", MEANINGS["halt"][0]) for n in range(len(rows), 256)]
    spaces = (
        Space("code", 0x10000, code=True), Space("seen", 1 << 32, window=True),
        Space("out", out, large=True), Space("registers", 64),
        Space("spare", 1 << 16, large=True),
    )  # fmt: skip
    return Guest(
        f"windows-{out:x}-{byte_order}", tuple(rows), spaces, (Stack("none", 16),),
        word_bits=64, byte_order=byte_order,
    )  # fmt: skip


LITTLE, BIG = guest_of(1 << 32), guest_of(1 << 16, "big")


def program(guest: Guest, *lines: tuple[str, int]) -> bytes:
    return b"".join(
        bytes([NUMBERS[name]]) + operand.to_bytes(MEANINGS[name][1], guest.byte_order)
        for name, operand in lines
    )


def loop(guest: Guest) -> bytes:
    return program(
        guest, ("words", 0), ("known", 5), ("known", 500), ("copied", 40), ("moved", 9),
        ("expected", 200), ("again", 0), ("stop", 0x12345678),
    )  # fmt: skip


@cache
def compiler() -> Compiler:
    return Compiler("aarch64")


def machine_of(tier: str, guest: Guest) -> AbstractContextManager[Machine]:
    if tier == "aarch64 jit":
        return emulated_jit(EmulatedMachine(guest), PARAMS, compiler())
    if tier == "aarch64":
        return nullcontext(EmulatedMachine(guest))
    return nullcontext(Machine(guest, tier=Tier(tier), cache=CodeCache(), params=PARAMS))


class Guarded:
    """Some bytes whose end is the end of a page, behind which nothing may be touched."""

    def __init__(self, data: bytes) -> None:
        pages = -(-len(data) // mmap.PAGESIZE) + 1
        self.memory = mmap.mmap(-1, pages * mmap.PAGESIZE)
        at = (pages - 1) * mmap.PAGESIZE - len(data)
        self.memory[at : at + len(data)] = data
        whole = (ctypes.c_char * len(self.memory)).from_buffer(self.memory)
        self.end = ctypes.addressof(whole) + (pages - 1) * mmap.PAGESIZE
        self._protect(mmap.PROT_NONE if hasattr(mmap, "PROT_NONE") else 0)
        self.view = memoryview(whole).cast("B")[at : at + len(data)]

    def _protect(self, how: int) -> None:
        protect = ctypes.CDLL(None).mprotect
        assert protect(ctypes.c_void_p(self.end), mmap.PAGESIZE, how) == 0

    def free(self) -> None:
        self._protect(mmap.PROT_READ | mmap.PROT_WRITE)


def give(machine: Machine, *registers: int) -> None:
    for i, word in enumerate(registers):
        raw = word.to_bytes(8, machine.guest.byte_order)
        machine.state.spaces[REGISTERS][8 * i : 8 * i + 8] = raw


def run(machine: Machine, data: memoryview, cursor: int, to: int, count: int = 60) -> list[Any]:
    machine.attach(SEEN, data)
    code = loop(machine.guest)
    machine.memory[: len(code)] = code
    give(machine, cursor, count, to, 0)
    spare = machine.state.spaces[SPARE]
    spare[: len(spare)] = Random(5).randbytes(len(spare))
    out = machine.state.spaces[OUT]
    size = machine.guest.spaces[OUT].size
    begin, end = to % size, min(to % size + 12 * count + 60, size)
    out[begin : end + 8] = bytes(end + 8 - begin)
    out[:2000] = bytes(2000)
    stopped = machine.run(0)
    machine.attach(SEEN, None)
    state = machine.state
    return [
        stopped, state.pc, state.reason, state.place, bytes(state.spaces[REGISTERS]),
        bytes(out[begin : end + 8]), bytes(out[:2000]),
    ]  # fmt: skip


PLACES = (
    (1000, 0, 0), (1000, 650, 70), (1000, 900, LOW - 300), (0, 0, 8), (100, 90, 5),
    (NEAR + 40, 0, 9), (600, (1 << 32) - 50, 4000), (600, (1 << 32) + 3, 0xFFC0),
)  # fmt: skip
"""Bytes that are shown, where is read first, and where is written first."""


@pytest.mark.parametrize("tier", TIERS[1:])
@pytest.mark.parametrize("guest", [LITTLE, BIG], ids=["little", "big"])
def test_every_tier_sees_the_same(guest: Guest, tier: str) -> None:
    oracle = Machine(guest, tier=Tier.REFERENCE)
    with machine_of(tier, guest) as machine:
        for length, cursor, to in PLACES:
            guarded = Guarded(Random(length).randbytes(length))
            expected = run(oracle, guarded.view, cursor, to)
            for _ in range(2):
                assert run(machine, guarded.view, cursor, to) == expected, (length, cursor, to)
            guarded.free()
        if machine.jit is not None:
            assert machine.jit.statistics.installed
            assert not machine.jit.statistics.errors


def far(core: Core) -> None:
    """Add words around an address that a signed byte has moved, and go on a byte behind."""
    start, total, count = (core.load(1, at, 4) for at in (0x1000, 0x1008, 0x100C))
    at = start + core.signed(core.load(1, 0x1004, 1), 1)
    seen = [core.load(2, at + i, size) for i, size in ((3, 1), (9, 2), (200, 4))]
    left = (count - 1) & LOW
    core.store(1, 0x1000, start + 1, 4)
    core.store(1, 0x1008, total + sum(seen[1:], seen[0]), 4)
    core.store(1, 0x100C, left, 4)
    core.jump_if(left, core.pc)


@pytest.mark.parametrize("tier", TIERS[1:])
@pytest.mark.parametrize("move", [0, 0x7F, 0x80, 0xFF])
def test_words_that_have_no_more_bits_than_addresses_of_the_window(tier: str, move: int) -> None:
    """What is added to an address may run over the end of the word, as of the window."""
    halt = MEANINGS["halt"][0]
    rows = [Opcode(0, "far", far), *(Opcode(n, f"halt-{n:02x}", halt) for n in range(1, 256))]
    spaces = (
        Space("code", 0x10000, code=True), Space("registers", 0x2000),
        Space("seen", 1 << 32, window=True),
    )  # fmt: skip
    guest = Guest(
        f"far-{move}", tuple(rows), spaces, (Stack("none", 16),), word_bits=32, byte_order="little"
    )
    found = []
    for each in ("reference", tier):
        with machine_of(each, guest) as machine:
            machine.memory[:2] = b"\0\1"
            for length, start in ((700, 300), (90, LOW - 40), (500, LOW - 0x7F), (0, 5)):
                guarded = Guarded(Random(length).randbytes(length))
                machine.attach(2, guarded.view)
                given = (start, move, 0, 90)
                registers = b"".join(n.to_bytes(4, "little") for n in given)
                machine.state.spaces[1][0x1000:0x1010] = registers
                machine.run(0)
                found.append(bytes(machine.state.spaces[1][0x1000:0x1010]))
                machine.attach(2, None)
                guarded.free()
            if machine.jit is not None:
                assert machine.jit.statistics.installed
                assert not machine.jit.statistics.errors
    assert found[:4] == found[4:]


@pytest.mark.parametrize("tier", ["reference", "interpreter"])
def test_copies_end_where_the_space_does_and_are_zero_behind_the_window(tier: str) -> None:
    machine = Machine(LITTLE, tier=Tier(tier))
    out = machine.state.spaces[OUT]
    assert len(out) == (1 << 32) + 8
    machine.attach(SEEN, b"abcdefghij")
    code = program(LITTLE, ("copied", 40), ("halt", 0))
    machine.memory[: len(code)] = code
    out[LOW - 9 :], out[:40] = b"-" * 18, b"-" * 40
    give(machine, 6, 0, LOW - 9)
    machine.run(0)
    assert bytes(out[LOW - 9 :]) == b"ghij" + bytes(6) + b"-" * 8
    assert bytes(out[:40]) == b"-" * 40
    give(machine, 3, 0, 20)
    machine.run(0)
    assert bytes(out[:64]) == b"-" * 20 + b"defghij" + bytes(37)


@pytest.mark.parametrize("tier", ["reference", "interpreter"])
def test_copies_from_a_large_space_end_where_it_does(tier: str) -> None:
    machine = Machine(LITTLE, tier=Tier(tier))
    out, spare = machine.state.spaces[OUT], machine.state.spaces[SPARE]
    code = program(LITTLE, ("moved", 40), ("halt", 0))
    machine.memory[: len(code)] = code
    spare[-10:], out[:40] = b"abcdefghij", b"-" * 40
    give(machine, (1 << 16) - 2, 0, 3)
    machine.run(0)
    assert bytes(out[:40]) == b"-" * 10 + b"ab" + b"-" * 28
    out[LOW - 9 :] = b"-" * 18
    give(machine, (3 << 16) - 2, 0, LOW - 8)
    machine.run(0)
    assert bytes(out[LOW - 9 :]) == b"-" * 8 + b"ab" + b"-" * 8


def test_a_stop_tells_why_until_the_next_run() -> None:
    for tier in ("reference", "interpreter", "jit"):
        machine = Machine(LITTLE, tier=Tier(tier), params=PARAMS)
        machine.memory[:5] = program(LITTLE, ("stop", 7))
        machine.run(0)
        assert (machine.state.reason, machine.state.place) == (7, 0)
        machine.memory[0] = NUMBERS["halt"]
        machine.run(0)
        assert (machine.state.reason, machine.state.place) == (0, 0)


# -- what is attached ----------------------------------------------------------------------------


def test_what_may_be_attached() -> None:
    machine = Machine(BIG, tier=Tier.REFERENCE)
    for memory in (b"abc", bytearray(b"abc"), memoryview(b"xabcx")[1:4], mmap.mmap(-1, 3)):
        machine.attach(SEEN, memory)
        assert len(machine.state.spaces[SEEN]) == 3
        assert machine.state.spaces[SEEN].readonly
    machine.attach(SEEN, None)
    assert bytes(machine.state.spaces[SEEN]) == b""
    room = bytearray(BIG.spaces[OUT].mapped)
    machine.attach(OUT, room)
    machine.state.spaces[OUT][5] = 9
    assert room[5] == 9
    machine.attach(OUT, None)
    assert machine.state.spaces[OUT][5] == 0


@pytest.mark.parametrize(
    ("space", "memory", "error", "message"),
    [
        (CODE, b"", ValueError, "code is neither a window nor a large space"),
        (REGISTERS, b"", ValueError, "registers is neither"),
        (9, b"", ValueError, "a space is a whole number from 0 to 4, not 9"),
        (SEEN, 5, TypeError, "no memory in one piece"),
        (SEEN, memoryview(b"abcd")[::2], TypeError, "no memory in one piece"),
        (OUT, bytes(65544), TypeError, "memory for out is read only"),
        (OUT, bytearray(65536), ValueError, "out has 65544 bytes, not 65536"),
    ],
)
def test_what_may_not(space: int, memory: Any, error: type[Exception], message: str) -> None:
    machine = Machine(BIG, tier=Tier.REFERENCE)
    with pytest.raises(error, match=message):
        machine.attach(space, memory)


@pytest.mark.parametrize(
    ("space", "message"),
    [
        (Space("x", 1 << 33, window=True), "x has 8589934592 bytes; take at most 4294967296"),
        (Space("x", 1 << 41, large=True), "take at most 1099511627776"),
        (Space("x", 1 << 15, window=True), "x has 32768 bytes; take at least 65536"),
        (Space("x", 1 << 16, window=True, large=True), "x is window and large; take one"),
    ],
)
def test_declarations_that_are_refused(space: Space, message: str) -> None:
    rows = tuple(Opcode(n, f"{n}", MEANINGS["halt"][0]) for n in range(256))
    with pytest.raises(DescriptionError, match=message):
        Guest("g", rows, (Space("code", 0x10000, code=True), space))


def stored_and_copied(core: Core) -> None:
    core.store(SPARE, 0, 1, 1)
    core.copy(OUT, 0, SPARE, 0, 1)


@pytest.mark.parametrize(
    ("meaning", "message"),
    [
        (lambda core: core.store(SEEN, 0, 1, 1), "seen is a window; it is read only"),
        (lambda core: core.store(OUT, 0, core.load(SEEN, 0, 1, 64), 1), "within, in seen"),
        (lambda core: core.copy(SEEN, 0, SEEN, 0, 1), "copy: to seen; take a space"),
        (lambda core: core.copy(CODE, 0, SEEN, 0, 1), "copy: to code; take a space"),
        (lambda core: core.copy(OUT, 0, OUT, 0, 1), "copy: out is neither a window nor another"),
        (lambda core: core.copy(OUT, 0, REGISTERS, 0, 1), "copy: registers is neither a window"),
        (stored_and_copied, "a load follows a store to the same space"),
        (lambda core: core.near(OUT, 0), "near: out is no window"),
        (lambda core: core.store(OUT, 0, core.length(OUT), 1), "length: out is no window"),
        (lambda core: core.expect(core.load(SEEN, 0, 8) - 1), "expect of a word whose high bits"),
    ],
)
def test_meanings_that_are_refused(meaning: Callable[[Core], None], message: str) -> None:
    rows = (Opcode(0, "it", meaning), *LITTLE.opcodes[1:])
    guest = Guest("g", rows, LITTLE.spaces, word_bits=64, byte_order="little")
    with pytest.raises(DescriptionError, match=message):
        guest.check_semantics()


# -- machines ------------------------------------------------------------------------------------


def test_random_programs() -> None:
    data = Random(2).randbytes(5000)
    check(BIG, seed=4, count=3, connect=lambda machine: machine.attach(SEEN, data))


def test_snapshots_leave_alone_what_is_attached() -> None:
    machine = Machine(LITTLE, tier=Tier.INTERPRETER)
    before = machine.snapshot()
    run(machine, memoryview(bytes(2000)), 0, 5, 3)
    machine.attach(SEEN, b"abc")
    machine.state.spaces[OUT][7] = 9
    assert machine.snapshot() != before
    machine.restore(before)
    assert machine.snapshot() == before
    assert (bytes(machine.state.spaces[SEEN]), machine.state.spaces[OUT][7]) == (b"abc", 9)


# -- forks ---------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
def test_large_spaces_are_not_shared_with_a_child() -> None:
    machine = Machine(LITTLE, tier=Tier.INTERPRETER)
    data = Random(1).randbytes(2000)
    before = run(machine, memoryview(data), 0, 0)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            same = bytes(machine.state.spaces[OUT][:2000]) == before[-1]
            other = run(machine, memoryview(data), 50, 0)
            code = 0 if same and other[-1] != before[-1] else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert bytes(machine.state.spaces[OUT][:2000]) == before[-1]


# -- what passes may do --------------------------------------------------------------------------

ATTACHED = declared("little", attached=True)
ARMS = f"""graph "arms" words 64
b0 entry:
  %0:8 = slot[0,-1,1]
  %1:16 = fence[{WINDOW}]
  %2:1 = lt #200, %1
  guard %2 -> x0
  %3:1 = lt %0, #100
  toss %3, b1, b2
b1:
  %4:1 = lt %0, %1
  guard %4 -> x0
  %5:8 = view[{WINDOW},1] %0
  goto b3(%5)
b2:
  goto b3(#7)
b3(%6:8):
  leave x1
x0: next WINDOW pc #256 pointers +0 +0
x1: next DEEP pc #257 pointers +0 +0 slots 0@0:1=%6
"""


def test_no_pass_moves_a_load_above_its_guard() -> None:
    """The branch says that the guard holds: it goes, and the load must stay where it is."""
    graph = parse(ARMS)
    verify(graph, ATTACHED)
    for run_pass in PASSES.values():
        run_pass(graph)
    verify(graph, ATTACHED)
    (home,) = [b for b in graph.blocks if any(v.op is Op.VIEW for v in b.values)]
    assert home is not graph.blocks[0], show(graph)
    assert not any(value.op is Op.GUARD for value in home.values)


def test_loads_near_one_base_need_one_guard() -> None:
    """In a region, whatever instructions they are of."""
    machine = Machine(LITTLE, tier=Tier.JIT, cache=None, params=PARAMS.but(keep_text=1))
    run(machine, memoryview(Random(3).randbytes(4000)), 0, 0, 400)
    assert machine.jit is not None
    graph = max(machine.jit.regions.values(), key=lambda each: each.compiled.region.size)
    fences = [
        value
        for block in graph.compiled.region.graph.blocks
        for value in block.values
        if value.op is Op.GUARD and value.exit is not None and value.exit.reason == "WINDOW"
    ]
    views = sum(
        value.op is Op.VIEW
        for block in graph.compiled.region.graph.blocks
        for value in block.values
    )
    assert len(fences) < views // 2


def test_a_view_outside_of_its_window_breaks_a_promise() -> None:
    from jitvm.engine.ir.run import BrokenPromise
    from tests.ir.states import look

    graph = Graph(64, "outside")
    word = graph.add(Op.VIEW, graph.const(598), imm=(WINDOW, 4))
    graph.block.end = Exit(graph.const(0), (0, 0), ((0, 0, 4, word),), Leave.NEXT, "DEEP")
    with pytest.raises(BrokenPromise, match="view of 4 bytes at 0x256 leaves the window"):
        look(graph, 1, (100, 7), ATTACHED)

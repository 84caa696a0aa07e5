"""The table of operations, walked: a graph of each row means the same everywhere, and touches what
the row says.

The graphs are made of the rows alone, so an operation that is added is tried here at once.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from jitvm.engine.codegen.lower import Lowering
from jitvm.engine.ir.graph import Exit, Graph, Leave, Slot, Value
from jitvm.engine.ir.ops import ACTS, VALUES, WITHOUT_RESULT, Op, Row, covered
from jitvm.engine.ir.run import run
from jitvm.engine.ir.text import parse, show
from jitvm.engine.ir.verify import verify
from jitvm.engine.region.lower import RegionLowering
from jitvm.engine.tables.reasons import Reason
from jitvm.guest import Guest, State
from jitvm.guests.uxn import UXN
from tests.engine.declared import WINDOW, declared
from tests.ir.lowered import native
from tests.ir.states import LoggingHost, begin, look
from tests.ir.test_lowered import ports_and_bytes

POINTERS = (100, 7)
PORT = 0x18
"""A device acts on writes to it."""
ATTRIBUTES = {
    "stack": 0, "offset": -3, "size": 2, "space": 0, "within": 256, "word": 7, "instructions": 3,
    "window": WINDOW,
    "origin": WINDOW,
}  # fmt: skip
ATTACHED = declared("big", 32, attached=True)
OF_THE_INTERPRETER = {Op.WRITTEN}
"""What calls a function that regions do not have."""


def guest_of(op: Op) -> Guest:
    """A guest that has what an operation needs."""
    return UXN if {"window", "origin"}.isdisjoint(op.row.attributes) else ATTACHED


def operand(graph: Graph, kind: str, number: int) -> Value:
    """An operand of a kind, read from the stack."""
    word = graph.pure(Op.SLOT, imm=(0, -8 - 4 * number, 4))
    masks = {"distance": 31, "address": 127, "index": 127, "byte": 255, "flag": 1}
    if kind == "port":
        return graph.const(PORT)
    return word & masks[kind] if kind in masks else word


def exit_of(graph: Graph, pc: int, reason: Reason, *slots: Slot) -> Exit:
    """An exit that moves both pointers."""
    return Exit(graph.const(pc), (2, 1), slots, Leave.NEXT, reason.name)


def graph_of(op: Op) -> Graph:
    """A graph that does one operation, and leaves with its result on the stack."""
    graph, row = Graph(UXN.word_bits, op), op.row
    args = tuple(operand(graph, kind, i) for i, kind in enumerate(row.operands))
    imm = tuple(ATTRIBUTES[name] for name in row.attributes)
    acts = op in ACTS or op is Op.CHECK
    if acts or op is Op.DONE:
        graph.add(Op.ACT)
    bits = row.least_bits(args, imm, guest_of(op)) if row.has_result else 0
    value = graph.add(op, *args, imm=imm, bits=bits if bits <= graph.word_bits else 0)
    if row.exits:
        value.exit = exit_of(graph, 0x300, Reason.BUDGET, (0, 0, 1, graph.const(0x5A)))
        if op is Op.CHECK:
            value.exit.pointers = (0, 0)  # a device that moved nothing
    if acts or op is Op.ACT:
        graph.add(Op.DONE)
    slots = [] if op in WITHOUT_RESULT else [(0, -2, 4, value)]
    graph.block.end = exit_of(graph, 0x200, Reason.DEEP, *slots)
    return graph


def test_there_is_a_graph_of_every_operation() -> None:
    assert {value.op for op in VALUES for value in graph_of(op).block.values} >= set(VALUES)


@pytest.mark.parametrize("op", VALUES)
def test_text_and_rules(op: Op) -> None:
    graph = graph_of(op)
    verify(graph, guest_of(op))
    assert show(parse(show(graph))) == show(graph)


@pytest.mark.parametrize("op", VALUES)
def test_lowered_right(op: Op) -> None:
    if op in OF_THE_INTERPRETER:
        assert op in Lowering.lowerings
        return
    for seed in range(8):
        expected = look(graph_of(op), seed, POINTERS, guest_of(op))
        got = native(guest_of(op)).look(graph_of(op), seed, POINTERS)
        if op is Op.COLLECT:
            got, expected = (each._replace(log=ports_and_bytes(each)) for each in (got, expected))
        assert got == expected


# -- what rows say of the state ------------------------------------------------------------------

VIEWS: dict[str, Callable[[State], object]] = {
    "stacks": lambda state: [bytes(stack) for stack in state.stacks],
    "pointers": lambda state: list(state.pointers),
    "memory": lambda state: [bytes(space) for space in state.spaces],
    "page": lambda state: bytes(state.ports.page),
    "told": lambda state: (state.reason, state.place),
}


class Device(LoggingHost):
    """A device that changes all that it may."""

    def host_in(self, port: int) -> int:
        self._change()
        return port

    def host_out(self, _port: int, _byte: int) -> None:
        self._change()

    def _change(self) -> None:
        for view in (*self.state.stacks, *self.state.spaces, self.state.ports.page):
            view[5] ^= 1
        self.state.pointers[0] ^= 1


@pytest.mark.parametrize("op", VALUES)
def test_what_is_written(op: Op) -> None:
    """A graph that stays changes the state only by its operation."""
    written = set()
    for seed in range(8):
        graph = graph_of(op)
        graph.block.end = Exit(graph.const(0), (0, 0), kind=Leave.RETRY)
        state, code_map = begin(guest_of(op), seed, POINTERS)
        state.ports.readers[PORT] = lambda: 3
        host = Device(state, code_map)
        host.budget = before_budget = 9
        before = {name: view(state) for name, view in VIEWS.items()}
        if run(graph, guest_of(op), host).kind is Leave.RETRY:
            written |= {name for name, view in VIEWS.items() if view(state) != before[name]}
            written |= {"budget"} if host.budget != before_budget else set()
    expected = op.row.writes & {*VIEWS, "budget"}
    # Interpreted, what goes to the ring goes to the device at once.
    assert written >= expected if "output" in op.row.writes else written == expected


PARTS = (
    "stacks", "pointers", "memory", "map", "page", "ports", "host", "interrupt", "budget",
    "windows",
)  # fmt: skip


def change(host: LoggingHost, part: str) -> None:
    """Make a part of the state another."""
    state = host.state
    windows = [i for i in range(len(state.spaces)) if i == WINDOW]
    memory = [space for i, space in enumerate(state.spaces) if i not in windows]
    views = {
        "stacks": state.stacks, "memory": memory, "map": (host.code_map,),
        "page": (state.ports.page,),
    }  # fmt: skip
    for view in views.get(part, ()):
        view[:] = bytes(byte ^ 0xFF for byte in view)
    if part == "pointers":
        state.pointers[:] = [60, 9]
    elif part == "ports":
        state.ports.writers.clear()
        state.ports.readers.clear()
    elif part == "host":
        host.is_stopped = True
    elif part == "interrupt":
        host.polls = 1000
    elif part == "budget":
        host.budget = 1
    elif part == "windows":
        spaces = list(state.spaces)
        for index in windows:
            spaces[index] = memoryview(bytes(byte ^ 0xFF for byte in spaces[index][:400]))
        state.spaces = tuple(spaces)


class Changing(LoggingHost):
    """Changes a part of the state when it is asked for the first time whether to leave."""

    def __init__(self, state: State, code_map: memoryview, part: str) -> None:
        super().__init__(state, code_map)
        self.budget = 9
        self._part = part

    def poll(self) -> bool:
        part, self._part = self._part, ""
        if part:
            change(self, part)
            return False
        return super().poll()


def _outcome(op: Op, seed: int, part: str) -> tuple[object, ...]:
    """What an operation gives, and how the graph is left, if a part of the state changes before."""
    graph = graph_of(op)
    value = next(each for each in graph.block.values if each.op is op)
    value.args = tuple(
        arg if arg.constant is not None
        else graph.const(0x01020304 * (seed + i) & ((1 << (arg.bits or graph.word_bits)) - 1))
        for i, arg in enumerate(value.args)
    )  # fmt: skip
    poll = Value(graph, Op.POLL)
    poll.exit = exit_of(graph, 0x400, Reason.POLL)
    graph.block.values = [poll, *(v for v in graph.block.values if v.op in (op, Op.ACT, Op.DONE))]
    state, code_map = begin(guest_of(op), seed, POINTERS)
    left = run(graph, guest_of(op), Changing(state, code_map, part))
    has_result = op not in WITHOUT_RESULT and left.slots
    at = POINTERS[0]
    return left.reason, bytes(state.stacks[0][at - 2 : at + 2]) if has_result else b""


@pytest.mark.parametrize("op", [op for op in VALUES if op not in ACTS])
def test_what_is_read(op: Op) -> None:
    """What an operation gives changes by nothing but what it reads, and by all of that."""
    seen = set()
    for part in PARTS:
        if any(_outcome(op, seed, part) != _outcome(op, seed, "") for seed in range(6)):
            seen.add(part)
    # Stacks are not written while a graph has slots to read: they are as they were at entry.
    assert seen - ({"stacks"} if op is Op.SLOT else set()) == op.row.reads - {"entry"}


# -- what is missing is told ---------------------------------------------------------------------


def test_an_operation_that_is_forgotten_is_told() -> None:
    known = [op for op in VALUES if op not in (Op.MAP, Op.DIV)]
    with pytest.raises(LookupError, match=r"^the lowering does not know div, map$"):
        covered("the lowering", known)
    covered("the lowering", VALUES)


def test_every_operation_is_lowered_in_regions() -> None:
    assert set(RegionLowering.lowerings) == set(VALUES)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [("add word, wrod", "wrod"), ("slot[stack,ofset]", "ofset"), ("check -> exit", "pointer")],
)
def test_misspelt_rows_are_refused(text: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=f": {wrong}: no such word"):
        Row(text, reads="pointer" if wrong == "pointer" else "")

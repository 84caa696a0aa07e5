"""One opcode as a graph: the fast handler, and the full one that deals with every case.

The *fast* graph of an opcode decides first, then acts: guards make sure that no stack pointer
wraps, no access leaves its page, and no device is concerned; then come its effects. Where a guard
fails nothing has happened yet, and the *full* graph of the same opcode does the whole instruction:
it moves one byte at a time with every index masked, calls devices, and tells the host of stores
to bytes that compiled code was made from. Both run the opcode's one semantic function, which
`jitvm.guest.checker` has found to keep its rules.
"""

from __future__ import annotations

from collections.abc import Callable

from jitvm.engine.ir.graph import Branch, Exit, Goto, Graph, Leave, Value
from jitvm.engine.ir.ops import Op
from jitvm.engine.ir.stacks import VirtualStack, in_range
from jitvm.engine.memory.layout import CODE
from jitvm.guest import Guest, Opcode


class Outcome:
    """Where an instruction goes: `target` if the condition holds (None: always), else on."""

    __slots__ = ("condition", "target")

    def __init__(self, target: Value, condition: Value | None = None) -> None:
        self.target = target
        self.condition = condition


class GraphCore:
    """What the cores that build graphs share: words, operands, and where control goes."""

    def __init__(self, guest: Guest, row: Opcode, graph: Graph) -> None:
        self.guest = guest
        self.row = row
        self.graph = graph
        self.outcome: Outcome | None = None
        self.halted = False

    @property
    def pc(self) -> Value:
        return self.graph.pure(Op.PC, bits=self.guest.pc_bits)

    def address(self, word: Value) -> Value:
        """A word truncated to the program counter."""
        return word & ((1 << self.guest.pc_bits) - 1)

    @property
    def next_pc(self) -> Value:
        return self.address(self.pc + self.row.length)

    def select(self, condition: Value | int, yes: Value | int, no: Value | int) -> Value:
        return self.graph.select(self._word(condition), self._word(yes), self._word(no))

    def signed(self, word: Value | int, size: int) -> Value:
        return self.graph.signed(self._word(word), size)

    def leading_zeros(self, word: Value | int, size: int) -> Value:
        return self.graph.word(Op.CLZ, self._word(word), imm=(size,))

    def trailing_zeros(self, word: Value | int, size: int) -> Value:
        return self.graph.word(Op.CTZ, self._word(word), imm=(size,))

    def swap_bytes(self, word: Value | int, size: int) -> Value:
        return self.graph.word(Op.BSWAP, self._word(word), imm=(size,))

    def divide(self, dividend: Value | int, divisor: Value | int, by_zero: int) -> Value:
        return self.graph.divide(self._word(dividend), self._word(divisor), by_zero)

    def link(self) -> Value:
        return self.next_pc

    def jump(self, target: Value | int) -> None:
        self.outcome = Outcome(self.address(self._word(target)))

    def jump_if(self, condition: Value | int, target: Value | int) -> None:
        self.outcome = Outcome(self.address(self._word(target)), self._word(condition))

    def halt(self) -> None:
        self.halted = True

    def _word(self, word: Value | int) -> Value:
        return word if isinstance(word, Value) else self.graph.const(word)

    def _port(self, port: Value | int) -> Value:
        """A word truncated to the number of a port."""
        return self.graph.truncate(self._word(port), 1)

    def _load(self, space: int, address: Value, size: int, within: int) -> Value:
        imm = (space, size, within)
        return self.graph.add(Op.LOAD, address & (within - 1), imm=imm)


class FastCore(GraphCore):
    """Builds the fast graph of one opcode; effects wait until all guards are placed."""

    def __init__(self, guest: Guest, row: Opcode, graph: Graph, *, checked: bool) -> None:
        super().__init__(guest, row, graph)
        self.checked = checked
        big = guest.byte_order == "big"
        self.stacks = [VirtualStack(graph, i, big) for i in range(len(guest.stacks))]
        self.retry = Exit(self.pc, (0,) * len(self.stacks), kind=Leave.RETRY)
        self.effects: list[Callable[[], None]] = []

    def operand(self, offset: int, size: int) -> Value:
        space, within = self.guest.code_index, self.guest.code_space.size
        return self._load(space, self.pc + (1 + offset), size, within)

    # -- stacks ------------------------------------------------------------------------------

    def pop(self, stack: int, size: int) -> Value:
        return self.stacks[stack].pop(size)

    def peek(self, stack: int, depth: int, size: int) -> Value:
        return self.stacks[stack].peek(depth, size)

    def push(self, stack: int, word: Value | int, size: int) -> None:
        self.stacks[stack].push(self._word(word), size)

    def reserve(self, stack: int, size: int) -> None:
        self.stacks[stack].push(self.graph.const(0), size)

    def put(self, stack: int, word: Value | int, size: int) -> None:
        self.stacks[stack].put(self._word(word), size)

    # -- spaces and ports --------------------------------------------------------------------

    def _whole(self, space: int, address: Value, size: int, within: int) -> Value:
        """The address, once it is sure that the access does not wrap before its end.

        The code space's first bytes are mapped again behind its end, so there it may.
        """
        address = address & (within - 1)
        mirrored = space == self.guest.code_index and within == self.guest.code_space.size
        if size > 1 and not mirrored:
            fits = address <= within - size if size <= within else self.graph.const(0)
            self.graph.guard(fits, self.retry)
        return address

    def load(self, space: int, address: Value, size: int, within: int | None = None) -> Value:
        within = within or self.guest.spaces[space].size
        whole = self._whole(space, self._word(address), size, within)
        return self._load(space, whole, size, within)

    def store(
        self, space: int, address: Value, word: Value | int, size: int, within: int | None = None
    ) -> None:
        within = within or self.guest.spaces[space].size
        graph, value = self.graph, self._word(word)
        whole = self._whole(space, self._word(address), size, within)
        if self.checked and space == self.guest.code_index:
            watched = graph.pure(Op.MAP, whole, imm=(size,))
            code = int.from_bytes(bytes([CODE] * size), "little")
            graph.guard((watched & code) == 0, self.retry)
        self.effects.append(
            lambda: void(graph.add(Op.STORE, whole, value, imm=(space, size, within)))
        )

    def port_in(self, port: Value) -> Value:
        graph, port = self.graph, self._port(port)
        graph.guard(graph.pure(Op.READER, port) == 0, self.retry)
        return graph.add(Op.PAGE, port)

    def port_out(self, port: Value, word: Value | int) -> None:
        graph, port = self.graph, self._port(port)
        byte = graph.truncate(self._word(word), 1)
        graph.guard(graph.pure(Op.WRITER, port) == 0, self.retry)
        self.effects.append(lambda: void(graph.add(Op.SET_PAGE, port, byte)))


class FullCore(GraphCore):
    """Builds the full graph of one opcode: byte by byte, in the order written."""

    def __init__(self, guest: Guest, row: Opcode, graph: Graph) -> None:
        super().__init__(guest, row, graph)
        self.pointers = [
            graph.pure(Op.POINTER, imm=(i,), bits=stack.size.bit_length() - 1)
            for i, stack in enumerate(guest.stacks)
        ]
        self.calls_host = False

    def operand(self, offset: int, size: int) -> Value:
        return self.load(self.guest.code_index, self.pc + (1 + offset), size)

    # -- bytes -------------------------------------------------------------------------------

    def _shift(self, i: int, size: int) -> int:
        return 8 * (size - 1 - i if self.guest.byte_order == "big" else i)

    def _gather(self, size: int, byte: Callable[[int], Value]) -> Value:
        word = byte(0) << self._shift(0, size)
        for i in range(1, size):
            word = word | (byte(i) << self._shift(i, size))
        return word

    def _byte(self, word: Value, i: int, size: int) -> Value:
        return self.graph.truncate(self.graph.truncate(word, size) >> self._shift(i, size), 1)

    # -- stacks ------------------------------------------------------------------------------

    def _mask(self, stack: int) -> int:
        return self.guest.stacks[stack].size - 1

    def _cells(self, stack: int, start: Value, size: int) -> Value:
        return self._gather(
            size,
            lambda i: self.graph.add(Op.CELL, (start + i) & self._mask(stack), imm=(stack,)),
        )

    def _set_cells(self, stack: int, start: Value, word: Value, size: int) -> None:
        for i in range(size):
            index = (start + i) & self._mask(stack)
            self.graph.add(Op.SET_CELL, index, self._byte(word, i, size), imm=(stack,))

    def pop(self, stack: int, size: int) -> Value:
        self.reserve(stack, -size)
        return self._cells(stack, self.pointers[stack], size)

    def peek(self, stack: int, depth: int, size: int) -> Value:
        return self._cells(stack, (self.pointers[stack] - depth) & self._mask(stack), size)

    def push(self, stack: int, word: Value | int, size: int) -> None:
        self._set_cells(stack, self.pointers[stack], self._word(word), size)
        self.reserve(stack, size)

    def reserve(self, stack: int, size: int) -> None:
        self.pointers[stack] = (self.pointers[stack] + size) & self._mask(stack)

    def put(self, stack: int, word: Value | int, size: int) -> None:
        start = (self.pointers[stack] - size) & self._mask(stack)
        self._set_cells(stack, start, self._word(word), size)

    # -- spaces and ports --------------------------------------------------------------------

    def load(self, space: int, address: Value, size: int, within: int | None = None) -> Value:
        limit = within or self.guest.spaces[space].size
        return self._gather(size, lambda i: self._load(space, self._word(address) + i, 1, limit))

    def store(
        self, space: int, address: Value, word: Value | int, size: int, within: int | None = None
    ) -> None:
        limit = within or self.guest.spaces[space].size
        imm = (space, 1, limit)
        addresses = [(self._word(address) + i) & (limit - 1) for i in range(size)]
        for i, at in enumerate(addresses):
            self.graph.add(Op.STORE, at, self._byte(self._word(word), i, size), imm=imm)
        if space == self.guest.code_index:
            self.calls_host = True
            for at in addresses:
                self.graph.add(Op.WRITTEN, at, imm=(1,))

    def port_in(self, port: Value) -> Value:
        byte = self.graph.add(Op.HOST_IN, self._port(port), *self.pointers)
        self._after_host()
        return byte

    def port_out(self, port: Value, word: Value | int) -> None:
        byte = self.graph.truncate(self._word(word), 1)
        self.graph.add(Op.HOST_OUT, self._port(port), byte, *self.pointers)
        self._after_host()

    def _after_host(self) -> None:
        """Devices may have set the pointers."""
        self.calls_host = True
        self.pointers = [
            self.graph.add(Op.HOST_POINTER, imm=(i,), bits=stack.size.bit_length() - 1)
            for i, stack in enumerate(self.guest.stacks)
        ]


def void(_: object) -> None:
    """Drop a result: effects are called for what they do."""


def fast_graph(guest: Guest, row: Opcode, *, checked: bool) -> Graph:
    """The fast graph of an opcode; `checked` guards stores against the code map."""
    graph = Graph(guest.word_bits, row.name)
    body = graph.new_block("body")
    entry, graph.block = graph.block, body
    core = FastCore(guest, row, graph, checked=checked)
    row.semantics(core)
    for effect in core.effects:
        effect()
    slots = tuple(write for stack in core.stacks for write in stack.writes())
    pointers = tuple(stack.top for stack in core.stacks)
    _finish(graph, core, lambda pc, kind: Exit(pc, pointers, slots, kind))
    graph.block = entry
    for stack, declared in zip(core.stacks, guest.stacks, strict=True):
        if (enough := in_range(graph, stack, declared.size)) is not None:
            graph.guard(enough, core.retry)
    entry.end = Goto(body)
    return graph


def full_graph(guest: Guest, row: Opcode) -> Graph:
    """The full graph of an opcode: correct from any state."""
    graph = Graph(guest.word_bits, row.name)
    core = FullCore(guest, row, graph)
    row.semantics(core)

    def leave(pc: Value, kind: Leave) -> Exit:
        if core.calls_host and kind is not Leave.HALT:
            kind = Leave.STOP
        return Exit(pc, tuple(core.pointers), (), kind)

    _finish(graph, core, leave)
    return graph


def _finish(graph: Graph, core: GraphCore, leave: Callable[[Value, Leave], Exit]) -> None:
    """Close the last block with what the instruction does next."""
    on, away = (Leave.HALT, Leave.HALT) if core.halted else (Leave.NEXT, Leave.JUMP)
    if core.outcome is None:
        graph.block.end = leave(core.next_pc, on)
        return
    taken = leave(core.outcome.target, away)
    if core.outcome.condition is None:
        graph.block.end = taken
        return
    graph.block.end = Branch(core.outcome.condition, taken, leave(core.next_pc, on))

"""One opcode as a graph: the fast handler, and the full one that deals with every case.

The *fast* graph of an opcode decides first, then acts: guards make sure that no stack pointer
wraps, no access leaves its page, and no device is involved; then come its effects. If a guard fails
nothing has happened yet, and the *full* graph of the same opcode executes the whole instruction: it
moves one byte at a time with every index masked, calls devices, and reports to the host stores to
bytes that compiled code was made from. Both run the opcode's one semantic function, which
`jitvm.guest.checker` has checked against its rules.
"""

from __future__ import annotations

from jitvm.engine.ir.graph import Branch, Exit, Goto, Graph, Leave, Value
from jitvm.engine.ir.ops import MODULAR, Op
from jitvm.engine.ir.stacks import VirtualStack, in_range
from jitvm.engine.memory.layout import CODE, NEAR
from jitvm.guest import Guest, Opcode
from jitvm.guest.light import copy

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, Self

    Meaning = Callable[[Any], None]


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
        self.sure: set[Value] = set()
        """What is true here, as the instruction expects it or has been guarded."""

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
        if condition in self.sure:
            return self._word(yes)
        return self.graph.select(self._word(condition), self._word(yes), self._word(no))

    def _expects(self, condition: Value | int) -> Value | None:
        """What has to be guarded for a condition to be sure; None if it is."""
        word = self._word(condition)
        if word.constant or word in self.sure:
            return None
        self.sure = {*self.sure, word}
        return word

    def operand(self, offset: int, size: int) -> Value:
        raise NotImplementedError

    def beyond(self, offset: int, size: int) -> Value:
        return self.operand(self.row.operand_size + offset, size)

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

    def return_address(self) -> Value:
        return self.next_pc

    def link(self) -> Value:
        return self.return_address()

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

    # -- windows and large spaces ------------------------------------------------------------

    def _at(self, space: int, address: Value | int) -> Value:
        """A word truncated to an address of a space."""
        return self._word(address) & (self.guest.spaces[space].size - 1)

    def length(self, window: int) -> Value:
        bits = self.guest.spaces[window].size.bit_length()
        bits = bits if bits <= self.graph.word_bits else MODULAR
        return self.graph.pure(Op.LENGTH, imm=(window,), bits=bits)

    def _below_fence(self, window: int, address: Value) -> Value:
        """Whether all that is near an address is inside of a window."""
        bits = self.guest.spaces[window].size.bit_length() - 1
        return address < self.graph.pure(Op.FENCE, imm=(window,), bits=bits)

    def _copy(self, space: int, address: Value, origin: int, source: Value, count: Value) -> Value:
        operands = self._at(space, address), self._at(origin, source), self._word(count)
        return self.graph.add(Op.COPY, *operands, imm=(space, origin))

    def _tell(self, reason: Value | int, place: Value | int) -> Value:
        return self.graph.add(Op.TELL, self._word(reason), self._word(place))


class HandlerCore(GraphCore):
    """What fast and full handlers share: how they end, and how they part into cases."""

    def __init__(self, guest: Guest, row: Opcode, graph: Graph) -> None:
        super().__init__(guest, row, graph)
        self._is_switched = False

    @property
    def opcode(self) -> Value:
        """From memory: rows that mean the same share their handlers."""
        return self.operand(-1, 1)

    def complete(self, semantics: Meaning) -> None:
        """Build the instruction from here to its end."""
        semantics(self)
        if not self._is_switched:
            self._end()

    def switch(self, word: Value | int, cases: Mapping[int, Meaning], otherwise: Meaning) -> None:
        graph, word = self.graph, self._word(word)
        self._is_switched = True
        for number, case in cases.items():
            yes, no = graph.new_block("case"), graph.new_block("test")
            graph.block.end = Branch(word == number, Goto(yes), Goto(no))
            graph.block = yes
            self._twin().complete(case)
            graph.block = no
        self._twin().complete(otherwise)

    def _twin(self) -> Self:
        """A core that goes on from here, whatever other cases do."""
        twin = copy(self)
        twin._is_switched = False
        return twin

    def _end(self) -> None:
        """Close the last block with what the instruction does next."""
        on, away = (Leave.HALT, Leave.HALT) if self.halted else (Leave.NEXT, Leave.JUMP)
        block, outcome = self.graph.block, self.outcome
        if outcome is None:
            block.end = self._leave(self.next_pc, on)
            return
        taken = self._leave(outcome.target, away)
        if outcome.condition is None:
            block.end = taken
            return
        block.end = Branch(outcome.condition, taken, self._leave(self.next_pc, on))

    def _leave(self, pc: Value, kind: Leave) -> Exit:
        raise NotImplementedError


class FastCore(HandlerCore):
    """Builds the fast graph of one opcode; effects wait until all guards are placed."""

    def __init__(self, guest: Guest, row: Opcode, graph: Graph, *, checked: bool) -> None:
        super().__init__(guest, row, graph)
        self.checked = checked
        big = guest.byte_order == "big"
        self.stacks = [VirtualStack(graph, i, big) for i in range(len(guest.stacks))]
        self.retry = Exit(self.pc, (0,) * len(self.stacks), kind=Leave.RETRY)
        self.effects: list[Callable[[], None]] = []
        self.reached = [VirtualStack(graph, i, big) for i in range(len(guest.stacks))]
        """How far some way through the instruction goes into each stack."""

    def _twin(self) -> Self:
        twin = super()._twin()
        twin.stacks = [stack.copy() for stack in self.stacks]
        twin.effects = self.effects.copy()
        return twin

    def _end(self) -> None:
        for effect in self.effects:
            effect()
        for stack, reached in zip(self.stacks, self.reached, strict=True):
            reached.low = min(reached.low, stack.low)
            reached.high = max(reached.high, stack.high)
        super()._end()

    def _leave(self, pc: Value, kind: Leave) -> Exit:
        slots = tuple(write for stack in self.stacks for write in stack.writes())
        return Exit(pc, tuple(stack.top for stack in self.stacks), slots, kind)

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

        The code space's first bytes are mapped again after its end, so there it may. Large spaces
        have memory after their end.
        """
        address = address & (within - 1)
        if self.guest.spaces[space].large:
            return address
        mirrored = space == self.guest.code_index and within == self.guest.code_space.size
        if not (mirrored or never_wraps(address, size, within)):
            fits = address <= within - size if size <= within else self.graph.const(0)
            self.graph.guard(fits, self.retry)
        return address

    def load(self, space: int, address: Value, size: int, within: int | None = None) -> Value:
        if self.guest.spaces[space].window:
            return self._view(space, address, size)
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

    def _view(self, window: int, address: Value, size: int) -> Value:
        near, at = nearby(self._word(address), self.guest.spaces[window].size, size)
        self.near(window, near)
        return self.graph.add(Op.VIEW, at, imm=(window, size))

    def near(self, window: int, address: Value) -> None:
        self.expect(self._below_fence(window, self._at(window, address)))

    def expect(self, condition: Value | int) -> None:
        if (unsure := self._expects(condition)) is not None:
            self.graph.guard(unsure, self.retry)

    def copy(self, space: int, address: Value, origin: int, source: Value, count: Value) -> None:
        self.effects.append(lambda: void(self._copy(space, address, origin, source, count)))

    def stop(self, reason: Value, place: Value) -> None:
        self.effects.append(lambda: void(self._tell(reason, place)))
        self.halted = True

    def port_in(self, port: Value) -> Value:
        graph, port = self.graph, self._port(port)
        graph.guard(graph.pure(Op.READER, port) == 0, self.retry)
        return graph.add(Op.PAGE, port)

    def port_out(self, port: Value, word: Value | int) -> None:
        graph, port = self.graph, self._port(port)
        byte = graph.truncate(self._word(word), 1)
        graph.guard(graph.pure(Op.WRITER, port) == 0, self.retry)
        self.effects.append(lambda: void(graph.add(Op.SET_PAGE, port, byte)))


class FullCore(HandlerCore):
    """Builds the full graph of one opcode: byte by byte, in the order written."""

    def __init__(self, guest: Guest, row: Opcode, graph: Graph) -> None:
        super().__init__(guest, row, graph)
        self.pointers = [
            graph.pure(Op.POINTER, imm=(i,), bits=stack.size.bit_length() - 1)
            for i, stack in enumerate(guest.stacks)
        ]
        self.calls_host = False

    def _twin(self) -> Self:
        twin = super()._twin()
        twin.pointers = self.pointers.copy()
        return twin

    def _leave(self, pc: Value, kind: Leave) -> Exit:
        if self.calls_host and kind is not Leave.HALT:
            kind = Leave.STOP
        return Exit(pc, tuple(self.pointers), (), kind)

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

    def _stack_bytes(self, stack: int, start: Value, size: int) -> Value:
        return self._gather(
            size,
            lambda i: self.graph.add(Op.STACK_BYTE, (start + i) & self._mask(stack), imm=(stack,)),
        )

    def _set_stack_bytes(self, stack: int, start: Value, word: Value, size: int) -> None:
        for i in range(size):
            index = (start + i) & self._mask(stack)
            self.graph.add(Op.SET_STACK_BYTE, index, self._byte(word, i, size), imm=(stack,))

    def pop(self, stack: int, size: int) -> Value:
        self.reserve(stack, -size)
        return self._stack_bytes(stack, self.pointers[stack], size)

    def peek(self, stack: int, depth: int, size: int) -> Value:
        return self._stack_bytes(stack, (self.pointers[stack] - depth) & self._mask(stack), size)

    def push(self, stack: int, word: Value | int, size: int) -> None:
        self._set_stack_bytes(stack, self.pointers[stack], self._word(word), size)
        self.reserve(stack, size)

    def reserve(self, stack: int, size: int) -> None:
        self.pointers[stack] = (self.pointers[stack] + size) & self._mask(stack)

    def put(self, stack: int, word: Value | int, size: int) -> None:
        start = (self.pointers[stack] - size) & self._mask(stack)
        self._set_stack_bytes(stack, start, self._word(word), size)

    # -- spaces and ports --------------------------------------------------------------------

    def load(self, space: int, address: Value, size: int, within: int | None = None) -> Value:
        limit = within or self.guest.spaces[space].size
        first = self._word(address) & (limit - 1)
        if self.guest.spaces[space].window:
            return self._gather(size, lambda i: self._seen(space, first, i, limit))
        if self._is_whole(space, first, size, limit):
            return self._load(space, first, size, limit)
        return self._gather(size, lambda i: self._load(space, first + i, 1, limit))

    def store(
        self, space: int, address: Value, word: Value | int, size: int, within: int | None = None
    ) -> None:
        limit = within or self.guest.spaces[space].size
        graph, first = self.graph, self._word(address) & (limit - 1)
        addresses = [(first + i) & (limit - 1) for i in range(size)]
        if self._is_whole(space, first, size, limit):
            whole = graph.truncate(self._word(word), size)
            graph.add(Op.STORE, first, whole, imm=(space, size, limit))
        else:
            for i, at in enumerate(addresses):
                byte = self._byte(self._word(word), i, size)
                graph.add(Op.STORE, at, byte, imm=(space, 1, limit))
        if space == self.guest.code_index:
            self.calls_host = True
            for at in addresses:
                self.graph.add(Op.WRITTEN, at, imm=(1,))

    def _seen(self, window: int, first: Value, offset: int, limit: int) -> Value:
        """A byte of a window. Where its addresses have all bits of a word the sum may wrap, but
        what is past the last address is zero."""
        may_wrap = limit >> self.graph.word_bits and offset
        at = (first + offset) & (limit - 1) if may_wrap else first + offset
        byte = self.graph.add(Op.PEEK, at, imm=(window,))
        return self.select(at < first, self.graph.const(0), byte) if may_wrap else byte

    def _is_whole(self, space: int, first: Value, size: int, limit: int) -> bool:
        """Whether an access is sure not to wrap before its end."""
        return self.guest.spaces[space].large or never_wraps(first, size, limit)

    def near(self, window: int, address: Value) -> None:
        """Each byte is looked at."""

    def expect(self, condition: Value | int) -> None:
        """What is not expected is done here as well."""

    def copy(self, space: int, address: Value, origin: int, source: Value, count: Value) -> None:
        self._copy(space, address, origin, source, count)

    def stop(self, reason: Value, place: Value) -> None:
        self._tell(reason, place)
        self.halted = True

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


def never_wraps(address: Value, size: int, limit: int) -> bool:
    """Whether an access at an address below the limit is sure to end there as well."""
    constant = address.constant
    furthest = (1 << address.bits) - 1 if constant is None else constant
    return furthest <= limit - size


def nearby(address: Value, space: int, size: int) -> tuple[Value, Value]:
    """A base that a word of a window is near to, and the word's address; both truncated.

        (x + 3) & m    is near x, at x + 3, as nothing wraps if x is below the fence
        x + y:4        is near x, for y is not much

    Args:
        address: of the word, not yet truncated.
        space: bytes of the window.
        size: of the word.
    """
    mask, left, offset = space - 1, NEAR - size, 0
    base = place = _untruncated(address, mask)
    while base.op is Op.ADD:
        rest, term = base.args
        most = _most(term)
        if most > left:
            term, rest = base.args
            most = _most(term)
        if most > left:
            break
        left -= most
        was_place = place is base
        base = _untruncated(rest, mask)
        if was_place and term.constant is not None:
            place, offset = base, offset + most
    if (known := base.constant) is not None:
        known &= mask
        base = base.graph.const(known - (known & NEAR // 2 - 1 if left >= NEAR // 2 else 0))
    place = place & mask
    if offset:
        place = place + offset
        if place.bits == MODULAR:  # words have no more bits than addresses of the window
            place = place & mask
    return base & mask, place


def _untruncated(word: Value, mask: int) -> Value:
    """A word whose bits under a mask are the same."""
    while word.op is Op.AND and (word.args[1].constant or 0) & mask == mask:
        word = word.args[0]
    return word


def _most(word: Value) -> int:
    """The highest number a word can be; no address if nobody knows."""
    if word.constant is not None:
        return word.constant
    return (1 << word.bits) - 1 if word.bits else 1 << 64


def void(_: object) -> None:
    """Drop a result: effects are called for what they do."""


def fast_graph(
    guest: Guest, row: Opcode, *, checked: bool, held: tuple[int, ...] | None = None
) -> Graph:
    """The fast graph of an opcode.

    Args:
        checked: stores are guarded against the code map.
        held: for each stack the bytes that are known to be below its pointer without wrapping.
    """
    graph = Graph(guest.word_bits, row.name)
    body = graph.new_block("body")
    entry, graph.block = graph.block, body
    core = FastCore(guest, row, graph, checked=checked)
    core.complete(row.semantics)
    graph.block = entry
    known = held or (0,) * len(guest.stacks)
    for reached, declared, below in zip(core.reached, guest.stacks, known, strict=True):
        if (enough := in_range(graph, reached, declared.size, below)) is not None:
            graph.guard(enough, core.retry)
    entry.end = Goto(body)
    return graph


def full_graph(guest: Guest, row: Opcode) -> Graph:
    """The full graph of an opcode: correct from any state."""
    graph = Graph(guest.word_bits, row.name)
    FullCore(guest, row, graph).complete(row.semantics)
    return graph

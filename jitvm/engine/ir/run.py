"""An interpreter for region IR on Python integers: what a graph means, without LLVM.

    run(graph, host)  ->  the exit it left through, with the state written back

It reads and writes the same `State` and code map as native code, so a region can run here or there,
and if the two differ the lowering is wrong (or a rule of the IR was broken: what a value promises,
its bits or an address inside its page, is checked as it is computed). Slow and simple; it is the
debugging tier `ir`, and the oracle for passes in tests.

As in native code, stack memory is written by `sync` and by exits only, and stack pointers stay as
they were at entry until then. After the exit of a device call they are what the device left. A slot
may be read where the stack wraps, before the guard that fails because of it, and the exit of that
guard may write it back; no other access wraps.
"""

from __future__ import annotations

from collections.abc import Callable

from jitvm.engine.ir.graph import Block, Branch, Exit, Goto, Graph, Leave, Value
from jitvm.engine.ir.ops import MARKS, MEANS, Op, covered
from jitvm.engine.memory.layout import fence_of
from jitvm.engine.tables.reasons import Reason
from jitvm.guest import Guest, State


class BrokenPromise(AssertionError):
    """A value did not keep what the graph says of it; the message shows the value."""


class Host:
    """What a graph may ask of its surroundings.

    Args:
        state: memory, stacks, ports; `pointers` and `pc` are those at entry.
        code_map: a byte for each byte of code space and WIDEST after it, as
            `jitvm.engine.memory.layout` has it.

    Attributes:
        budget: instructions that may be charged; None for any number.
        is_interrupted: polls leave.
        is_stopped: a device asked to stop.
    """

    def __init__(self, state: State, code_map: memoryview) -> None:
        self.state = state
        self.code_map = code_map
        self.budget: int | None = None
        self.is_interrupted = False
        self.is_stopped = False

    def host_in(self, port: int) -> int:
        """Read a port through its device."""
        return self.state.ports.read(port)

    def host_out(self, port: int, byte: int) -> None:
        """Let the device on a port act on a byte that has been written to it."""
        self.state.ports.writers[port](byte)

    def poll(self) -> bool:
        """Whether somebody interrupted the machine."""
        return self.is_interrupted

    def asks_to_stop(self) -> bool:
        """Whether a device asked to stop."""
        return self.is_stopped

    def report_written(self, address: int) -> None:
        """A store hit a watched byte."""


def run(graph: Graph, guest: Guest, host: Host) -> Exit:
    """Execute a graph from its entry to an exit, and do what the exit says.

    ``host.state`` is then as native code would leave it, `pc` included; for an exit of kind
    `Leave.RETRY` nothing has changed.

    Raises:
        BrokenPromise: the graph breaks a rule of the IR that the verifier cannot see.
    """
    return _Run(graph, guest, host).to_exit()


class _Run:
    """One execution: values by the graph's own objects, numbers modulo the word."""

    def __init__(self, graph: Graph, guest: Guest, host: Host) -> None:
        self.graph = graph
        self.guest = guest
        self.host = host
        self.state = host.state
        self.mask = (1 << graph.word_bits) - 1
        self.entry = tuple(host.state.pointers)
        self.env: dict[Value, int] = {}

    def to_exit(self) -> Exit:
        block = self.graph.blocks[0]
        while True:
            end = self._block(block)
            if isinstance(end, Exit):
                self._leave(end)
                return end
            args = [self.word(arg) for arg in end.args]
            for param, arg in zip(end.block.params, args, strict=True):
                self._let(param, arg)
            block = end.block

    def _block(self, block: Block) -> Goto | Exit:
        for value in block.values:
            exit_ = self._value(value)
            if exit_ is not None:
                return exit_
        end = block.end
        assert end is not None
        if isinstance(end, Branch):
            return end.yes if self.word(end.condition) else end.no
        return end

    def word(self, value: Value) -> int:
        return value.imm[0] if value.op is Op.CONST else self.env[value]

    def _let(self, value: Value, word: int) -> None:
        word &= self.mask
        if value.bits and word >> value.bits:
            raise BrokenPromise(
                f"{self.graph.where}: {value.op} of {value.bits} bits became {word:#x}"
            )
        self.env[value] = word

    def _value(self, value: Value) -> Exit | None:
        """Execute one operation; its exit if it leaves."""
        args = [self.word(arg) for arg in value.args]
        if (means := MEANS.get(value.op)) is not None:
            self._let(value, means(*args, *value.imm))
            return None
        if (compute := _COMPUTE.get(value.op)) is not None:
            self._let(value, compute(self, value, args))
            return None
        effect = _EFFECT[value.op]
        stays = effect(self, value, args)
        return None if stays else value.exit

    # -- bytes -------------------------------------------------------------------------------

    def _read(self, memory: memoryview, at: int, size: int, limit: int) -> int:
        raw = bytes(memory[(at + i) & (limit - 1)] for i in range(size))
        return int.from_bytes(raw, self.guest.byte_order)

    def _write(self, memory: memoryview, at: int, word: int, size: int, limit: int) -> None:
        raw = (word & ((1 << 8 * size) - 1)).to_bytes(size, self.guest.byte_order)
        for i, byte in enumerate(raw):
            memory[(at + i) & (limit - 1)] = byte

    def _whole(self, value: Value, at: int) -> tuple[memoryview, int, int, int]:
        """The bytes, address, size and limit of an access that must stay in its page."""
        space, size, limit = value.imm
        mirrored = self.guest.spaces[space].large or (
            space == self.guest.code_index and limit == self.guest.code_space.size
        )
        if at >= limit or (at + size > limit and not mirrored):
            raise BrokenPromise(
                f"{self.graph.where}: {value.op} of {size} bytes at {at:#x} leaves {limit:#x}"
            )
        cells = self.state.spaces[space]
        return cells, at, size, 2 * limit if self.guest.spaces[space].large else limit

    # -- reads -------------------------------------------------------------------------------

    def slot(self, value: Value, _: list[int]) -> int:
        stack, offset, size = value.imm
        memory = self.state.stacks[stack]
        return self._read(memory, self.entry[stack] + offset, size, len(memory))

    def load(self, value: Value, args: list[int]) -> int:
        return self._read(*self._whole(value, args[0]))

    def length(self, value: Value, _: list[int]) -> int:
        return len(self.state.spaces[value.imm[0]])

    def fence(self, value: Value, _: list[int]) -> int:
        return fence_of(len(self.state.spaces[value.imm[0]]))

    def peek(self, value: Value, args: list[int]) -> int:
        return self._seen(value.imm[0], args[0])

    def _seen(self, window: int, at: int) -> int:
        """A byte of a window, 0 past its end."""
        cells = self.state.spaces[window]
        return cells[at] if at < len(cells) else 0

    def view(self, value: Value, args: list[int]) -> int:
        window, size = value.imm
        cells = self.state.spaces[window]
        if args[0] + size > len(cells):
            raise BrokenPromise(
                f"{self.graph.where}: {value.op} of {size} bytes at {args[0]:#x} leaves the window"
            )
        return int.from_bytes(cells[args[0] : args[0] + size], self.guest.byte_order)

    def map(self, value: Value, args: list[int]) -> int:
        return int.from_bytes(self.host.code_map[args[0] : args[0] + value.imm[0]], "little")

    def watermark(self, _value: Value, _args: list[int]) -> int:
        marks = bytes(self.host.code_map[: self.guest.code_space.size])
        return max(0, len(marks.rstrip(b"\0")) - 1)

    # -- effects: whether the graph goes on --------------------------------------------------

    def store(self, value: Value, args: list[int]) -> bool:
        memory, at, size, limit = self._whole(value, args[0])
        self._write(memory, at, args[1], size, limit)
        return True

    def copy(self, value: Value, args: list[int]) -> bool:
        space, origin = value.imm
        to, source, count = args
        cells, other = self.state.spaces[space], self.guest.spaces[origin]
        there = count if other.window else other.size - source
        for i in range(min(count, self.guest.spaces[space].size - to, there)):
            cells[to + i] = self._seen(origin, source + i)
        return True

    def tell(self, _: Value, args: list[int]) -> bool:
        self.state.reason, self.state.place = args[0] & 0xFFFF_FFFF, args[1]
        return True

    def set_stack_byte(self, value: Value, args: list[int]) -> bool:
        self.state.stacks[value.imm[0]][args[0]] = args[1] & 0xFF
        return True

    def set_page(self, _: Value, args: list[int]) -> bool:
        self.state.ports.page[args[0]] = args[1] & 0xFF
        return True

    def written(self, _: Value, args: list[int]) -> bool:
        if self.host.code_map[args[0]]:
            self.host.report_written(args[0])
        return True

    def host_out(self, _: Value, args: list[int]) -> bool:
        port, byte, *pointers = args
        self._show(pointers)
        self.state.ports.page[port] = byte
        if self.state.ports.is_written_to(port):
            self.host.host_out(port, byte)
        return True

    def host_in(self, _: Value, args: list[int]) -> int:
        port, *pointers = args
        self._show(pointers)
        ports = self.state.ports
        return self.host.host_in(port) if ports.is_read_from(port) else ports.page[port]

    def host_pointer(self, value: Value, _args: list[int]) -> int:
        """A stack pointer that a device may have set, in its stack."""
        (stack,) = value.imm
        return self.state.pointers[stack] & (len(self.state.stacks[stack]) - 1)

    def _show(self, pointers: list[int]) -> None:
        if pointers:
            self.state.pointers[:] = pointers

    def sync(self, value: Value, _: list[int]) -> bool:
        assert value.exit is not None
        self._write_slots(value.exit)
        self.state.pointers[:] = self._pointers(value.exit)
        return True

    def check(self, value: Value, _: list[int]) -> bool:
        assert value.exit is not None
        return not self.host.asks_to_stop() and self.state.pointers == self._pointers(value.exit)

    def charge(self, value: Value, _: list[int]) -> bool:
        budget = self.host.budget
        if budget is not None:
            if budget < value.imm[0]:
                return False
            self.host.budget = budget - value.imm[0]
        return True

    def pointer(self, value: Value, _args: list[int]) -> int:
        """Where a stack pointer was; those of an entry in the middle may be out of range."""
        (stack,) = value.imm
        return self.entry[stack] & (len(self.state.stacks[stack]) - 1)

    # -- leaving -----------------------------------------------------------------------------

    def _leave(self, exit_: Exit) -> None:
        if exit_.kind is Leave.RETRY:
            return
        if self.host.budget is not None:
            self.host.budget += exit_.instructions
        self._write_slots(exit_)
        if exit_.reason != Reason.HOST.name:
            self.state.pointers[:] = self._pointers(exit_)
        self.state.pc = self.word(exit_.pc)

    def _write_slots(self, exit_: Exit) -> None:
        for stack, at, size, value in exit_.slots:
            word = self.word(value) & ((1 << 8 * size) - 1)
            memory, index = self.state.stacks[stack], self.entry[stack] + at
            for i, byte in enumerate(word.to_bytes(size, self.guest.byte_order)):
                if memory[(index + i) % len(memory)] != byte:  # what was read may be written back
                    self._inside(exit_, stack, index + i, len(memory) - 1)
                    memory[index + i] = byte

    def _pointers(self, exit_: Exit) -> list[int]:
        pointers = []
        for stack, (change, at) in enumerate(zip(exit_.pointers, self.entry, strict=True)):
            pointer = at + change if isinstance(change, int) else self.word(change)
            self._inside(exit_, stack, pointer, len(self.state.stacks[stack]) - 1)
            pointers.append(pointer)
        return pointers

    def _inside(self, exit_: Exit, stack: int, index: int, last: int) -> None:
        """Native code does not wrap what the graph says is in range."""
        if not 0 <= index <= last:
            raise BrokenPromise(
                f"{self.graph.where}: exit {exit_.reason or exit_.kind} reaches index {index} of "
                f"stack {stack}"
            )


_COMPUTE: dict[Op, Callable[[_Run, Value, list[int]], int]] = {
    Op.PC: lambda run, _value, _args: run.state.pc,
    Op.POINTER: _Run.pointer,
    Op.HOST_POINTER: _Run.host_pointer,
    Op.SLOT: _Run.slot,
    Op.STACK_BYTE: lambda run, value, args: run.state.stacks[value.imm[0]][args[0]],
    Op.LOAD: _Run.load,
    Op.LENGTH: _Run.length,
    Op.FENCE: _Run.fence,
    Op.PEEK: _Run.peek,
    Op.VIEW: _Run.view,
    Op.MAP: _Run.map,
    Op.WATERMARK: _Run.watermark,
    Op.PAGE: lambda run, _value, args: run.state.ports.page[args[0]],
    Op.READER: lambda run, _value, args: int(run.state.ports.is_read_from(args[0])),
    Op.WRITER: lambda run, _value, args: int(run.state.ports.is_written_to(args[0])),
    Op.HOST_IN: _Run.host_in,
}
_EFFECT: dict[Op, Callable[[_Run, Value, list[int]], bool]] = {
    Op.COPY: _Run.copy,
    Op.TELL: _Run.tell,
    Op.STORE: _Run.store,
    Op.SET_STACK_BYTE: _Run.set_stack_byte,
    Op.SET_PAGE: _Run.set_page,
    Op.WRITTEN: _Run.written,
    Op.HOST_OUT: _Run.host_out,
    Op.COLLECT: _Run.host_out,
    Op.OUT: _Run.host_out,
    Op.SYNC: _Run.sync,
    Op.CHECK: _Run.check,
    **dict.fromkeys(MARKS, lambda _run, _value, _args: True),
    Op.GUARD: lambda _run, _value, args: bool(args[0]),
    Op.CHARGE: _Run.charge,
    Op.POLL: lambda run, _value, _args: not run.host.poll(),
}
covered(__name__, (*MEANS, *_COMPUTE, *_EFFECT))

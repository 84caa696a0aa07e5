"""Tier 0: executes descriptions on Python integers.

This is the oracle that every other tier is compared with, so it is written to be obviously correct:
each primitive of `Core` is a few lines of integer arithmetic, bytes are moved one at a time, and
every index is masked where it is used. It needs nothing outside the standard library.
"""

from __future__ import annotations

from jitvm.guest.arithmetic import Arithmetic
from jitvm.guest.state import Stop

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jitvm.guest.core import Word
    from jitvm.guest.description import Guest
    from jitvm.guest.marks import Marks
    from jitvm.guest.parts import Semantics
    from jitvm.guest.state import State


class ReferenceInterpreter(Arithmetic):
    """Executes a guest's opcodes on a `State`, one instruction at a time.

    `executed` counts instructions since the interpreter was made; `histogram`, where there is
    one, counts them by opcode; `marks`, where there are any, tell what was executed.

    Raises:
        DescriptionError: a semantic function breaks a rule of `jitvm.guest.core`.
    """

    def __init__(self, guest: Guest, state: State) -> None:
        guest.check_semantics()
        self.guest = guest
        self.state = state
        self.pc = 0
        self.next_pc = 0
        self.executed = 0
        self.interrupted = False
        self.histogram: memoryview | None = None
        self.marks: Marks | None = None
        self.breaks: frozenset[int] = frozenset()
        self.break_opcodes: frozenset[int] = frozenset()
        self.judge: Callable[[int], bool] | None = None
        self.watched: frozenset[int] = frozenset()
        self.told: Callable[[int, int], object] | None = None
        self.passes = -1
        self.broke = False
        self._error: BaseException | None = None
        self._halted = False
        self._target = 0
        self._code = state.spaces[guest.code_index]
        self._pc_mask = (1 << guest.pc_bits) - 1
        self._big = guest.byte_order == "big"
        self._attached = tuple(space.is_attached for space in guest.spaces)
        self._rows = tuple((row.semantics, row.length) for row in guest.opcodes)

    # -- running -----------------------------------------------------------------------------

    def run(self, budget: int | None = None) -> Stop:
        """Execute from ``state.pc`` until the guest halts, `budget` instructions are done, or
        `interrupted` is set from elsewhere. Returns why.

        Raises:
            what a host function raised, once its instruction is complete.
        """
        limit = -1 if budget is None else budget
        self.state.reason = self.state.place = 0
        self._wrap_pointers()
        while limit:
            if self.interrupted:
                self.interrupted = False
                return Stop.INTERRUPT
            if not (self.breaks or self.break_opcodes):
                self.passes = -1
            elif self._breaks_here():
                return Stop.BREAK
            self.broke = False
            self.step()
            limit -= 1
            if self._halted:
                return Stop.HALT
            if self.broke:
                return Stop.BREAK
        return Stop.BUDGET

    def _breaks_here(self) -> bool:
        """Whether the next instruction is one to stop at; `passes` is where that was done."""
        pc, self.passes, passed = self.state.pc, -1, self.passes
        if pc not in self.breaks and self._code[pc] not in self.break_opcodes:
            return False
        return pc != passed and (self.judge is None or self.judge(pc))

    def step(self) -> None:
        """Execute the one instruction at ``state.pc``."""
        state = self.state
        self.pc = pc = state.pc
        code = self._code[pc]
        semantics, length = self._rows[code]
        self.next_pc = self._target = (pc + length) & self._pc_mask
        self._halted = False
        if self.marks is not None:
            self.marks.executes(pc, code)
        semantics(self)
        state.pc = self._target
        if self.marks is not None:
            self.marks.went(pc, code, on=self._target == self.next_pc)
        self.executed += 1
        if self.histogram is not None:
            self.histogram[code] += 1
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    # -- bytes -------------------------------------------------------------------------------

    def _read(self, cells: memoryview, address: int, size: int, mask: int) -> int:
        if size == 1:
            return cells[address & mask]
        word = 0
        for i in range(size):
            shift = 8 * (size - 1 - i if self._big else i)
            word |= cells[(address + i) & mask] << shift
        return word

    def _write(self, cells: memoryview, address: int, word: int, size: int, mask: int) -> None:
        for i in range(size):
            shift = 8 * (size - 1 - i if self._big else i)
            cells[(address + i) & mask] = (word >> shift) & 0xFF

    # -- Core --------------------------------------------------------------------------------

    @property
    def opcode(self) -> Word:
        return self._code[self.pc]

    def operand(self, offset: int, size: int) -> Word:
        return self._read(self._code, self.pc + 1 + offset, size, self._pc_mask)

    def beyond(self, offset: int, size: int) -> Word:
        return self._read(self._code, self.next_pc + offset, size, self._pc_mask)

    def pop(self, stack: int, size: int) -> Word:
        cells, pointers = self.state.stacks[stack], self.state.pointers
        mask = len(cells) - 1
        pointers[stack] = pointer = (pointers[stack] - size) & mask
        return self._read(cells, pointer, size, mask)

    def peek(self, stack: int, depth: int, size: int) -> Word:
        cells = self.state.stacks[stack]
        return self._read(cells, self.state.pointers[stack] - depth, size, len(cells) - 1)

    def push(self, stack: int, word: Word, size: int) -> None:
        cells, pointers = self.state.stacks[stack], self.state.pointers
        mask = len(cells) - 1
        self._write(cells, pointers[stack], word, size, mask)
        pointers[stack] = (pointers[stack] + size) & mask

    def reserve(self, stack: int, size: int) -> None:
        pointers = self.state.pointers
        pointers[stack] = (pointers[stack] + size) & (len(self.state.stacks[stack]) - 1)

    def put(self, stack: int, word: Word, size: int) -> None:
        cells = self.state.stacks[stack]
        self._write(cells, self.state.pointers[stack] - size, word, size, len(cells) - 1)

    def _first(self, space: int, address: int) -> int:
        """Where an access to a window or a large space begins; only this wraps."""
        return address & (self.guest.spaces[space].size - 1)

    def _seen(self, window: int, address: int) -> int:
        """A byte of a window."""
        cells = self.state.spaces[window]
        return cells[address] if address < len(cells) else 0

    def load(self, space: int, address: Word, size: int, within: int | None = None) -> Word:
        if self._attached[space]:
            first = self._first(space, address)
            raw = bytes([self._seen(space, first + i) for i in range(size)])
            return int.from_bytes(raw, self.guest.byte_order)
        cells = self.state.spaces[space]
        return self._read(cells, address, size, (within or len(cells)) - 1)

    def store(
        self, space: int, address: Word, word: Word, size: int, within: int | None = None
    ) -> None:
        cells = self.state.spaces[space]
        if self._attached[space]:
            first, low = self._first(space, address), word & ((1 << 8 * size) - 1)
            cells[first : first + size] = low.to_bytes(size, self.guest.byte_order)
            return
        self._write(cells, address, word, size, (within or len(cells)) - 1)
        if self.told is not None and space == self.guest.code_index:
            mask = (within or len(cells)) - 1
            for i in range(size):
                if (at := (address + i) & mask) in self.watched:
                    self.told(at, 1)

    def copy(self, space: int, address: Word, origin: int, source: Word, count: Word) -> None:
        size, other = self.guest.spaces[space].size, self.guest.spaces[origin]
        to, first = address & (size - 1), self._first(origin, source)
        cells = self.state.spaces[space]
        there = count if other.window else other.size - first
        for i in range(min(count, size - to, there)):
            cells[to + i] = self._seen(origin, first + i)

    def near(self, window: int, address: Word) -> None:
        """Nothing."""

    def expect(self, condition: Word) -> None:
        """Nothing."""

    def length(self, window: int) -> Word:
        return len(self.state.spaces[window])

    def port_in(self, port: Word) -> Word:
        pointers = self.state.pointers
        before = pointers[:]
        try:
            return self.state.ports.read(port & 0xFF)
        except BaseException as error:
            self._keep(error)
            return 0
        finally:
            pointers[:] = before

    def port_out(self, port: Word, word: Word) -> None:
        try:
            self.state.ports.write(port & 0xFF, word & 0xFF)
        except BaseException as error:
            self._keep(error)
        self._wrap_pointers()

    def _wrap_pointers(self) -> None:
        """Make what somebody set the stack pointers to places in their stacks."""
        pointers = self.state.pointers
        for i, cells in enumerate(self.state.stacks):
            pointers[i] &= len(cells) - 1

    def _keep(self, error: BaseException) -> None:
        """The instruction is completed first; its first error then comes out of `step`."""
        if self._error is None:
            self._error = error

    def switch(self, word: Word, cases: Mapping[int, Semantics], otherwise: Semantics) -> None:
        cases.get(word, otherwise)(self)

    def return_address(self) -> Word:
        return self.next_pc

    link = return_address

    def jump(self, target: Word) -> None:
        self._target = target & self._pc_mask

    def jump_if(self, condition: Word, target: Word) -> None:
        if condition:
            self._target = target & self._pc_mask

    def halt(self) -> None:
        self._halted = True

    def stop(self, reason: Word, place: Word) -> None:
        self.state.reason = reason & 0xFFFF_FFFF
        self.state.place = place & 0xFFFF_FFFF_FFFF_FFFF
        self._halted = True

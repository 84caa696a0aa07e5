"""One instruction inside a region: the program counter is known, stacks and cells are values.

This is where it is decided what is constant: operands and opcodes are baked in unless the guest is
known to write to them, addresses that fold to constants become *cells*, and ports that fold to
constants become plain storage or calls. Behind a port that does not, a device may be: it is looked
for when the instruction is executed.

Cells: a word of a space at a constant address is loaded once and then lives in a value. Stores to
it also go to memory at once (write-through), so memory is always right for loads through computed
addresses, for devices and at exits. Only stores through computed addresses could change a cell
unseen. In the code space a check of the code map guards against that. Other spaces are written by
the guest's own instructions alone, so such a store just makes all cells of its space unknown. Only
small spaces have cells: register files, whose addresses are constants of instructions.

    number of a cell    0 ... N - 1    N + 8 ...
                        code space     a register file, then the next, with gaps before each

Decide, then act: what an instruction does is emitted in the order written, and when it is complete
everything that decides is moved before the first effect (a read through a device is an effect). So
an exit that leaves before the instruction has nothing to undo. An instruction that decides by what
a device returned or left is not placed: the region leaves before it (`Reason.DEVICE`), as it does
before a `switch` on a word that is not constant (`Reason.SWITCH`).
"""

from __future__ import annotations

from jitvm.engine.interpreter.cores import GraphCore, nearby, never_wraps
from jitvm.engine.ir.graph import Exit, Graph, Leave, Slot, Value
from jitvm.engine.ir.ops import ACTS, CALLS, CHANGED, Op
from jitvm.engine.ir.stacks import Picture, VirtualStack, in_range
from jitvm.engine.memory.layout import CODE, WIDEST
from jitvm.engine.region.world import Assumptions, Headroom, World
from jitvm.engine.tables.reasons import Reason
from jitvm.guest import Guest, Opcode

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from collections.abc import Mapping

    from jitvm.engine.interpreter.cores import Meaning

REGISTER_FILE = 256
"""Bytes of the largest space, other than code, that has cells: a register file, not a memory."""


class RegionState:
    """Stacks and cells as values at one place of a region, and what is sure there."""

    __slots__ = ("cells", "headroom", "stacks")

    def __init__(
        self, stacks: list[VirtualStack], cells: dict[int, tuple[Value, int]], headroom: Headroom
    ) -> None:
        self.stacks = stacks
        self.cells = cells
        self.headroom = headroom

    def copy(self) -> RegionState:
        return RegionState([s.copy() for s in self.stacks], dict(self.cells), self.headroom)


class RegionCore(GraphCore):
    """Runs semantic functions for an `Attempt`; `begin` and `finish` frame one instruction.

    Attributes:
        plain: addresses of instructions that are left for the interpreter where a port that they
            compute has a device.
        computes_port: whether the instruction at hand computes a port that may have one.
        stores_anywhere: whether there was a store to the code space through a computed address.
        refusal: why it cannot be placed.
    """

    def __init__(
        self,
        guest: Guest,
        graph: Graph,
        world: World,
        assumptions: Assumptions,
        plain: frozenset[int] = frozenset(),
    ) -> None:
        super().__init__(guest, guest.opcodes[0], graph)
        self.world = world
        self.assumptions = assumptions
        self.plain = plain
        self.state = RegionState([], {}, ())
        self.address_here = 0
        self._start = 0
        self._before: list[Picture] = []
        self._exits: dict[Reason, Exit] = {}
        self._acts = False
        self._shown: tuple[int, ...] | None = None
        self._is_shown = self._is_moved = False
        self.refusal: Reason | None = None
        self.computes_port = self.stores_anywhere = False
        self.executed = 0
        self.refunds: list[tuple[Exit, int]] = []
        self._big = guest.byte_order == "big"
        self._mask = guest.code_space.size - 1
        self._origins = _origins(guest)

    # -- framing -----------------------------------------------------------------------------

    def begin(self, row: Opcode, address: int, state: RegionState) -> None:
        """Start the instruction at an address; the state is changed in place."""
        self.row = row
        self.address_here = address
        self.state = state
        self.outcome = None
        self.halted = False
        self._acts = False
        self._shown = None
        self._is_shown = self._is_moved = self.computes_port = False
        self.refusal = None
        self._exits = {}
        self.sure = set()
        self._start = len(self.graph.block.values)
        self._before = [stack.picture() for stack in state.stacks]

    def finish(self) -> bool:
        """Put what decides before what acts; False if that cannot be, and nothing is placed.

        `refusal` then says why, and the state is of no use: only `retry` leads on.
        """
        self._guard_headroom()
        if self.refusal is None and self._acts and not self._order():
            self.refusal = Reason.DEVICE
        if self.refusal is None and self._acts and self._has_new_way():
            self.refusal = Reason.BRANCH
        if self.refusal is not None:
            del self.graph.block.values[self._start :]
            return False
        self.executed += 1
        if self._shown is not None:
            self._check_host(self._shown)
        if self._acts:
            self.graph.add(Op.DONE)
        return True

    def _has_new_way(self) -> bool:
        """Whether the instruction is a branch of which a way is yet to be marked."""
        outcome = self.outcome
        if outcome is None or outcome.condition is None:
            return False
        return self.world.has_new_way(self.address_here)

    def _order(self) -> bool:
        """Move after all else what the instruction does, and what depends on devices by that;
        whether no guard does."""
        early, late = [], []
        given: set[Value] = set()
        was_called = False
        values = self.graph.block.values
        for value in values[self._start :]:
            op = value.op
            if op in ACTS:
                late.append(value)
                was_called = was_called or op in CALLS
                if op is Op.HOST_IN:
                    given.add(value)
            elif (was_called and op in CHANGED) or not given.isdisjoint(value.args):
                if op is Op.GUARD:
                    return False
                late.append(value)
                given.add(value)
            else:
                early.append(value)
        values[self._start :] = [*early, Value(self.graph, Op.ACT), *late]
        return True

    def _act(self, op: Op, *args: Value, imm: tuple[int, ...] = ()) -> Value:
        self._acts = True
        return self.graph.add(op, *args, imm=imm)

    def _guard_headroom(self) -> None:
        """Make sure that no stack wraps, if the entry did not make sure of it."""
        for stack, (down, up) in zip(self.state.stacks, self.state.headroom, strict=True):
            if -stack.low > down or stack.high > up:
                break
        else:
            return
        headroom = []
        for stack, declared, (down, up) in zip(
            self.state.stacks, self.guest.stacks, self.state.headroom, strict=True
        ):
            if -stack.low > down or stack.high > up:
                enough = in_range(self.graph, stack, declared.size)
                if enough is not None:
                    self.graph.guard(enough, self.retry(Reason.DEEP))
            headroom.append((max(down, -stack.low), max(up, stack.high)))
        self.state.headroom = tuple(headroom)

    def bake(self, address: int) -> None:
        """Make the region depend on a byte of code."""
        self.assumptions.code[address] = self.world.memory[address]

    def leave(self, state: RegionState, pc: Value, kind: Leave, reason: Reason) -> Exit:
        """An exit that restores a state."""
        return self._leave(state.stacks, pc, kind, reason)

    def _leave(self, stacks: list[VirtualStack], pc: Value, kind: Leave, reason: Reason) -> Exit:
        slots: list[Slot] = []
        for stack in stacks:
            slots += stack.writes()
        pointers = tuple([stack.top for stack in stacks])
        exit_ = Exit(pc, pointers, tuple(slots), kind, reason.name)
        self.refunds.append((exit_, self.executed))
        return exit_

    def begin_block(self) -> None:
        """No instruction of the block at hand is executed yet."""
        self.executed = 0
        self.refunds = []

    def retry(self, reason: Reason) -> Exit:
        """The exit before this instruction: the interpreter executes it in full."""
        if reason not in self._exits:
            here = self.graph.const(self.address_here)
            before = [
                stack.pictured(picture)
                for stack, picture in zip(self.state.stacks, self._before, strict=True)
            ]
            self._exits[reason] = self._leave(before, here, Leave.NEXT, reason)
        return self._exits[reason]

    def retreat(self, kind: Leave) -> Exit:
        """The exit before this instruction, which is placed and does nothing but decide."""
        here = self.graph.const(self.address_here)
        before = [
            stack.pictured(picture)
            for stack, picture in zip(self.state.stacks, self._before, strict=True)
        ]
        self.executed -= 1
        exit_ = self._leave(before, here, kind, Reason.BRANCH)
        self.executed += 1
        return exit_

    # -- Core: words -------------------------------------------------------------------------

    @property
    def pc(self) -> Value:
        return self.graph.const(self.address_here)

    @property
    def following(self) -> int:
        """Address of the next instruction in memory."""
        return (self.address_here + self.row.length) & self._mask

    @property
    def next_pc(self) -> Value:
        return self.graph.const(self.following)

    def return_address(self) -> Value:
        return self.graph.return_address(self.following)

    def continues(self) -> Value:
        """Where control goes after the instruction, whatever it does on the way."""
        outcome = self.outcome
        if outcome is None:
            return self.next_pc
        if outcome.condition is None:
            return outcome.target
        return self.graph.select(outcome.condition, outcome.target, self.next_pc)

    def goes_to(self, target: Value, place: int) -> Value:
        """Whether a computed jump goes to a place; if its target comes from a table in the code,
        by what the entry was chosen by, which is known earlier."""
        table = _table(target, self.guest.code_index)
        if table is None:
            return target == place
        index, first, step, size = table
        mask, found = (1 << self.guest.pc_bits) - 1, []
        for number in range(1 << index.bits):
            at = first + number * step
            entry = range(at, at + size)
            if entry.stop > self._mask + 1 or not self.world.written.isdisjoint(entry):
                continue
            raw = self.world.memory[at : at + size]
            if int.from_bytes(raw, self.guest.byte_order) & mask == place:
                found.append((number, entry))
        if len(found) != 1:
            return target == place
        number, entry = found[0]
        for each in entry:
            self.bake(each)
        return index == number

    def address(self, word: Value) -> Value:
        if word.is_return_address:
            return word
        return super().address(word)

    @property
    def opcode(self) -> Value:
        return self.graph.const(self.row.code)

    def operand(self, offset: int, size: int) -> Value:
        at = (self.address_here + 1 + offset) & self._mask
        if self._shown is not None:
            return self._load(
                self.guest.code_index, self.graph.const(at), size, self.guest.code_space.size
            )
        return self._literal(at, size)

    def _literal(self, at: int, size: int) -> Value:
        """A word of code, of which the guest is known to write some bytes: these are cells."""
        addresses = [(at + i) & self._mask for i in range(size)]
        written = self.world.written
        if written.isdisjoint(addresses):
            raw = bytes([self._baked(each) for each in addresses])
            return self.graph.const(int.from_bytes(raw, self.guest.byte_order))
        if size == 1 or len(written.among(addresses)) == size:
            return self._load_cell(self.guest.code_index, at, size)
        half = size // 2
        parts = self._literal(at, half), self._literal(addresses[half], half)
        high, low = parts if self._big else parts[::-1]
        return self.graph.join(high, low) if size == 2 else high << 8 * half | low

    def _baked(self, address: int) -> int:
        """A byte of code that the region depends on from now on."""
        self.bake(address)
        return self.assumptions.code[address]

    def switch(self, word: Value | int, cases: Mapping[int, Meaning], otherwise: Meaning) -> None:
        constant = self._word(word).constant
        if constant is None:
            self.refusal = Reason.SWITCH
        else:
            cases.get(constant, otherwise)(self)

    # -- Core: stacks ------------------------------------------------------------------------

    def _stack(self, stack: int) -> VirtualStack:
        """A stack to work on, whose pointer is known unless a device may have moved it."""
        self._is_shown = False
        if self._is_moved:
            self.refusal = Reason.DEVICE
        return self.state.stacks[stack]

    def pop(self, stack: int, size: int) -> Value:
        return self._stack(stack).pop(size)

    def peek(self, stack: int, depth: int, size: int) -> Value:
        return self._stack(stack).peek(depth, size)

    def push(self, stack: int, word: Value | int, size: int) -> None:
        self._stack(stack).push(self._word(word), size)

    def reserve(self, stack: int, size: int) -> None:
        self._stack(stack).push(self.graph.const(0), size)

    def put(self, stack: int, word: Value | int, size: int) -> None:
        self._stack(stack).put(self._word(word), size)

    # -- Core: spaces ------------------------------------------------------------------------

    def load(self, space: int, address: Value, size: int, within: int | None = None) -> Value:
        if self.guest.spaces[space].window:
            base, place = nearby(self._word(address), self.guest.spaces[space].size, size)
            self.near(space, base)
            return self.graph.pure(Op.VIEW, place, imm=(space, size))
        limit = within or self.guest.spaces[space].size
        at = self._word(address) & (limit - 1)
        if (constant := at.constant) is not None and constant <= limit - size:
            return self._load_cell(space, constant, size)
        return self._load(space, self._whole(space, at, size, limit), size, limit)

    def _whole(self, space: int, at: Value, size: int, limit: int) -> Value:
        """The address, once it is sure that a wide access does not run over the end.

        There it would reach the first bytes through their second mapping, unknown to LLVM, which
        takes the two for different memory. Large spaces have memory of their own there.
        """
        is_large = self.guest.spaces[space].large
        if size > 1 and not is_large and not never_wraps(at, size, limit):
            fits = at <= limit - size if size <= limit else self.graph.const(0)
            self.graph.guard(fits, self.retry(Reason.WRAP))
        return at

    def _load_cell(self, space: int, at: int, size: int) -> Value:
        """A word at a constant address: from the cells if they have it."""
        origin = self._origins.get(space)
        if origin is None:
            return self._load(space, self.graph.const(at), size, self.guest.spaces[space].size)
        cells, number = self.state.cells, origin + at
        cell = cells.get(number)
        if cell is not None:
            word, width = cell
            if width == size:
                return word
            if width > size:
                return self._part(word, width, 0, size)
        elif (wider := cells.get(number - 1)) is not None and wider[1] == 2 > size:
            return self._part(wider[0], 2, 1, 1)
        word = self._load(space, self.graph.const(at), size, self.guest.spaces[space].size)
        self._remember(number, word, size)
        return word

    def cell(self, state: RegionState, number: int, size: int) -> Value:
        """What a state has in a cell, read from memory if it has nothing."""
        self.state = state
        space, origin = max(
            (each for each in self._origins.items() if each[1] <= number), key=lambda each: each[1]
        )
        return self._load_cell(space, number - origin, size)

    def opcode_cell(self, state: RegionState, pc: int) -> Value:
        """The opcode at an address whose code changes, as the cell it is."""
        return self.cell(state, pc, 1)

    def _part(self, word: Value, width: int, index: int, size: int) -> Value:
        """`size` bytes of a word of `width`, from byte `index` in memory order."""
        shift = 8 * (width - index - size if self._big else index)
        return self.graph.truncate(word >> shift, size)

    def _remember(self, number: int, word: Value, size: int) -> None:
        """Keep a word of a space in a value, unless stores may reach it unseen."""
        cells, code_size = self.state.cells, self._mask + 1
        for i in range(-7, size):
            cell = cells.get(number + i)
            if cell is not None and number + i + cell[1] > number:
                del cells[number + i]
        if number >= code_size:
            cells[number] = (word, size)
            return
        covered = range(number, number + size)
        if number + size <= code_size and self.world.aliased.isdisjoint(covered):
            cells[number] = (word, size)
            self.assumptions.cells.update(covered)

    def _forget(self, space: int) -> None:
        """All that is known of a space that is not code, after a store to an unknown address."""
        origin = self._origins.get(space)
        if origin is not None:
            self._drop_cells(range(origin, origin + self.guest.spaces[space].size))

    def _drop_cells(self, numbers: range) -> None:
        cells = self.state.cells
        for number in [each for each in cells if each in numbers]:
            del cells[number]

    def store(
        self, space: int, address: Value, word: Value | int, size: int, within: int | None = None
    ) -> None:
        limit = within or self.guest.spaces[space].size
        graph = self.graph
        at = self._word(address) & (limit - 1)
        if space != self.guest.code_index or limit != self.guest.code_space.size:
            at = self._whole(space, at, size, limit)
        value = graph.truncate(self._word(word), size)
        constant = at.constant
        if constant is not None and constant <= limit - size:
            self._store_cell(space, constant, value, size)
        elif space == self.guest.code_index:
            self._guard_map(at, size)
            self.stores_anywhere = True
        else:
            self._forget(space)
        self._act(Op.STORE, at, value, imm=(space, size, limit))

    def _store_cell(self, space: int, at: int, value: Value, size: int) -> None:
        if space == self.guest.code_index:
            covered = range(at, at + size)
            code = self.assumptions.code.keys()
            if self.world.watched.isdisjoint(covered) and code.isdisjoint(covered):
                self.assumptions.stores.update(covered)
            else:
                self._guard_map(self.graph.const(at), size, CODE)
        if (origin := self._origins.get(space)) is not None:
            self._remember(origin + at, value, size)

    def _guard_map(self, at: Value, size: int, bits: int | None = None) -> None:
        """Leave before a store to bytes that the code map has (these) bits for."""
        watched = self.graph.pure(Op.MAP, at, imm=(size,))
        if bits is not None:
            watched = watched & int.from_bytes(bytes([bits] * size), "little")
        self.graph.guard(watched == 0, self.retry(Reason.STORE))

    def near(self, window: int, address: Value | int) -> None:
        self._expect(self._below_fence(window, self._at(window, address)), Reason.WINDOW)

    def expect(self, condition: Value | int) -> None:
        self._expect(condition, Reason.EXPECTED)

    def _expect(self, condition: Value | int, reason: Reason) -> None:
        if (unsure := self._expects(condition)) is not None:
            self.graph.guard(unsure, self.retry(reason))

    def copy(self, space: int, address: Value, origin: int, source: Value, count: Value) -> None:
        self._acts = True
        self._forget(space)
        self._copy(space, address, origin, source, count)

    def stop(self, reason: Value, place: Value) -> None:
        self._acts = True
        self._tell(reason, place)
        self.halted = True

    # -- Core: ports -------------------------------------------------------------------------

    def port_in(self, port: Value) -> Value:
        graph, port = self.graph, self._port(port)
        if self._may_be(port, self.world.readers, Op.READER):
            self._show()
            return self._act(Op.HOST_IN, port)
        return graph.add(Op.PAGE, port)

    def port_out(self, port: Value, word: Value | int) -> None:
        graph, port = self.graph, self._port(port)
        byte = graph.truncate(self._word(word), 1)
        op = Op.SET_PAGE
        if port.constant in self.world.collected:
            op = Op.COLLECT
        elif port.constant in self.world.quiet:
            op = Op.OUT
        elif self._may_be(port, self.world.writers, Op.WRITER):
            self._show()
            self._is_moved = True
            op = Op.HOST_OUT
        self._act(op, port, byte)

    def _may_be(self, port: Value, ports: frozenset[int], device: Op) -> bool:
        """Whether a port may be one of some that have a device; of a `plain` instruction it is
        made sure that it is not."""
        if port.constant is not None:
            return port.constant in ports
        if not ports:
            return False
        self.computes_port = True
        if self.address_here not in self.plain:
            return True
        no_device = self.graph.pure(device, port) == 0
        self.graph.guard(no_device, self.retry(Reason.PORT))
        return False

    def _show(self) -> None:
        """Write stacks and pointers to memory, as a device may look at them there, unless they are
        there; and forget what it may change."""
        if not self._is_shown:
            sync = self._act(Op.SYNC)
            sync.exit = self.leave(self.state, self.pc, Leave.NEXT, Reason.HOST)
            self._shown = self._tops()
            self._is_shown = True
        self._drop_cells(range(self._mask + 1))

    def _tops(self) -> tuple[int, ...]:
        return tuple([stack.top for stack in self.state.stacks])

    def _check_host(self, shown: tuple[int, ...]) -> None:
        """Leave if a device did more than answer.

        The exit takes the pointers that the device left, or what the instruction has made of them
        since: pointers that a reader sets are set back.
        """
        pc, tops = self.continues(), self._tops()
        if tops != shown:
            sync = self.graph.add(Op.SYNC)
            sync.exit = Exit(self.pc, tops, (), Leave.NEXT, Reason.HOST.name)
        check = self.graph.add(Op.CHECK)
        kind = Leave.HALT if self.halted else Leave.STOP
        check.exit = self.leave(self.state, pc, kind, Reason.HOST)


def _table(target: Value, code: int) -> tuple[Value, int, int, int] | None:
    """What a word from a table in the code space is chosen by: the number of its entry, the address
    of the first, how far they are apart, and their bytes; None if it is none.

        load[code, size] ((number << c) + first)
    """
    while target.op is Op.AND and target.args[1].constant is not None:
        target = target.args[0]
    if target.op is not Op.LOAD or target.imm[0] != code:
        return None
    number, first, step = target.args[0], 0, 1
    if number.op is Op.ADD:
        for base, other in (number.args, number.args[::-1]):
            if (constant := base.constant) is not None:
                number, first = other, constant
                break
    if number.op is Op.SHL and (distance := number.args[1].constant) is not None:
        number, step = number.args[0], 1 << distance
    return (number, first, step, target.imm[1]) if 0 < number.bits <= 8 else None


def _origins(guest: Guest) -> dict[int, int]:
    """The number of the first cell of each space that has some; see the head of this file."""
    origins, end = {guest.code_index: 0}, guest.code_space.size
    for index, space in enumerate(guest.spaces):
        if not space.code and space.size <= REGISTER_FILE:
            origins[index] = end + WIDEST
            end += WIDEST + space.size
    return origins

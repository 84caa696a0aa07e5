"""Machine code of a region, made here and not by LLVM: for regions that somebody waits for.

LLVM takes 15 ms to be loaded and several for each region, most of what lies between a hot place and
native code; programs that run for a tenth of a second end before it is done. This takes less time
than writing LLVM's text does. It lasts until the full compilation, which is LLVM's.

    graph --Allocation--> places of values --one pass--> code, then what leaves it

A graph with an operation that is not known here is left to LLVM. Exits come after all other code.
They find values where these are everywhere, so one that several guards share is there once. What
they do is described in `jitvm.engine.region.exits`; that some share code saves LLVM's time, so here
each has its own.
"""

from __future__ import annotations

from jitvm.engine.codegen import x86
from jitvm.engine.codegen.direct import DirectOperations
from jitvm.engine.codegen.leaving import HeldSlots, map_look
from jitvm.engine.codegen.places import Unknown, compared, index_of, selected
from jitvm.engine.codegen.registers import Allocation
from jitvm.engine.codegen.table import lowers
from jitvm.engine.codegen.x86 import (
    BELOW,
    EQUAL,
    LEA,
    MOV,
    MOV_TO,
    NONE,
    NOT_BELOW,
    NOT_EQUAL,
    R8,
    R9,
    R10,
    R11,
    R12,
    R13,
    R14,
    RAX,
    RBP,
    RBX,
    RCX,
    RDI,
    RDX,
    RSI,
    RSP,
    Address,
    alu,
    alu_mem,
    move,
    move_number,
    reg_mem,
    reg_reg,
)  # fmt: skip
from jitvm.engine.host.background import BACKGROUND
from jitvm.engine.ir.graph import Block, Branch, Exit, Goto, Graph, Leave, Slot, Value
from jitvm.engine.ir.ops import EFFECTS, MARKS, Op
from jitvm.engine.ir.passes.dominators import reverse_postorder
from jitvm.engine.memory.layout import HIT, RING, Layout
from jitvm.engine.tables.reasons import Reason
from jitvm.engine.tables.status import Status

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import ClassVar

    from jitvm.engine.codegen.table import Lowerings

ARCHITECTURE = "x86_64"
_CALLS = frozenset((Op.HOST_IN, Op.HOST_OUT, Op.OUT, Op.COLLECT))
_CLOBBERED = frozenset((RSI, RDI, R8, R9, R10, R11))
"""Registers with values that a function of C need not leave as they are."""
_EFFECTS = EFFECTS - MARKS


class DirectLowering(DirectOperations):
    """Makes machine code of one region.

    Args:
        layout: where things lie.
        graph: the region, after its passes.
        first_exit: number of the region's first exit counter.
        counter: number of its count of executed instructions.
        report_every: every how many times exits of a reason return to the host; the name of a
            field if that is in the context.

    Attributes:
        exits: in the order of their counters; complete after `code`.

    Raises:
        Unknown: there is something in it that is not known here.
    """

    lowerings: ClassVar[Lowerings] = {**DirectOperations.lowerings}

    def __init__(
        self,
        layout: Layout,
        graph: Graph,
        *,
        first_exit: int,
        report_every: Mapping[str, int | str],
        counter: int = 0,
    ) -> None:
        super().__init__(layout, graph.word_bits)
        self.exits: list[Exit] = []
        self._first_exit = first_exit
        self._executed = layout.executed + 8 * counter
        self._report_every = report_every
        self._exit_words: dict[int, list[Value]] = {}
        self._exit_labels: dict[int, int] = {}
        self._blocks = reverse_postorder(graph)
        self._labels = {block.number: self._asm.label() for block in self._blocks}
        self._held = HeldSlots(self._blocks, len(self._stacks))
        ops = {value.op for block in self._blocks for value in block.values}
        if not ops <= self.lowerings.keys():
            raise Unknown
        spare = [] if Op.PC in ops else [R14]
        plain = [r for r in (RSI, RDI) if r not in self._stacks]
        plain += [R8, R9, R10, R11, RBX, *spare]
        self.allocation = allocation = Allocation(
            self._blocks,
            self._operands,
            self._ends,
            self._leaving,
            self._is_needed,
            [*plain, R13, RBP],
        )
        self._saved = [register for register in (R13, RBP) if register in allocation.used]
        words = allocation.spilled + len(self._saved)
        if ops & _CALLS:
            words += len(_CLOBBERED)
            words += (words + 1) % 2  # when something is called, rsp is a multiple of 16
        self._frame = 8 * words

    # -- what is needed where ----------------------------------------------------------------

    def _of_exit(self, exit_: Exit) -> list[Value]:
        """Words that an exit needs; those of one that several ways lead to are found once."""
        found = self._exit_words.get(id(exit_))
        if found is None:
            found = self._exit_words[id(exit_)] = [slot[3] for slot in self._held.changed(exit_)]
            found.append(exit_.pc)
            found.extend([change for change in exit_.pointers if not isinstance(change, int)])
        return found

    def _is_needed(self, value: Value) -> bool:
        return value.op in _EFFECTS

    def _operands(self, value: Value) -> Iterable[Value]:
        op = value.op
        if op is Op.GUARD:
            return compared(value.args[0])
        if op in (Op.LOAD, Op.MAP, Op.VIEW):
            return (index_of(value.args[0])[0],)
        if op is Op.STORE:
            return index_of(value.args[0])[0], value.args[1]
        if op is Op.SELECT:
            condition, yes, no = value.args
            return [*selected(condition), yes, no]
        return value.args

    def _ends(self, block: Block) -> Iterable[Value]:
        return compared(block.end.condition) if isinstance(block.end, Branch) else ()

    def _leaving(self, where: Value | Block) -> Iterable[Value]:
        if isinstance(where, Value):
            assert where.exit is not None
            found = self._of_exit(where.exit)
            watched = map_look(where)
            return found if watched is None else [*found, index_of(watched.args[0])[0]]
        end = where.end
        ways = (end.yes, end.no) if isinstance(end, Branch) else (end,)
        return [word for way in ways if isinstance(way, Exit) for word in self._of_exit(way)]

    # -- the whole ---------------------------------------------------------------------------

    def code(self, entries: Mapping[int, tuple[int, ...]]) -> tuple[bytes, dict[int, int]]:
        """Machine code, which begins with the region's start, and the offsets of other entries.

        Args:
            entries: addresses, with how far the stack pointers there are from those at the start.
        """
        asm = self._asm
        start = asm.label()
        asm.bind(start)
        if self._frame:
            asm.put(alu(x86.SUB, RSP, self._frame, 8))
            for i, register in enumerate(self._saved):
                asm.put(reg_mem(MOV_TO, register, self._saved_at(i), 8))
        for block, following in zip(self._blocks, [*self._blocks[1:], None], strict=True):
            BACKGROUND.step()
            asm.bind(self._labels[block.number])
            for value in block.values:
                if id(value) in self.allocation.positions:
                    self._value(value)
            self._end(block, following)
        while self._cold:
            todo, self._cold = self._cold, []
            for each in todo:
                each()
        offsets = {}
        for at, tops in entries.items():
            offsets[at] = asm.size if any(tops) else 0
            if any(tops):
                for register, top in zip(self._stacks, tops, strict=True):
                    asm.put(alu(x86.SUB, register, top, 8))
                asm.jump(start)
        return asm.code(), offsets

    def _value(self, value: Value) -> None:
        self.lowerings[value.op](self, value)
        life = self.allocation.lives.get(id(value))
        if life is not None and life.place >= Allocation.MEMORY:
            self._asm.put(reg_mem(MOV_TO, RAX, self._memory(life.place), 8))

    def _saved_at(self, index: int) -> Address:
        return RSP, NONE, 8 * (self.allocation.spilled + index)

    # -- control -----------------------------------------------------------------------------

    def _end(self, block: Block, following: Block | None) -> None:
        end = block.end
        assert end is not None
        if isinstance(end, Branch):
            self._branch(end, following)
        else:
            self._go(end, following)

    def _branch(self, end: Branch, following: Block | None) -> None:
        yes, no = end.yes, end.no
        is_yes_ahead = isinstance(no, Exit) or (isinstance(yes, Goto) and yes.block is following)
        ahead, aside = (yes, no) if is_yes_ahead else (no, yes)
        self._jump(end.condition, self._way(aside), when=not is_yes_ahead)
        self._go(ahead, following)

    def _go(self, way: Goto | Exit, following: Block | None) -> None:
        """Go on in a block, by a jump where it does not follow, or leave."""
        if isinstance(way, Exit):
            self._asm.jump(self._exit_label(way))
            return
        self._move_arguments(way)
        if way.block is not following:
            self._asm.jump(self._labels[way.block.number])

    def _way(self, way: Goto | Exit) -> int:
        """The label of what is jumped to by a condition: the edge's arguments are moved there."""
        if isinstance(way, Exit):
            return self._exit_label(way)
        if not self._moves(way):
            return self._labels[way.block.number]
        label = self._asm.label()

        def edge() -> None:
            self._asm.bind(label)
            self._go(way, None)

        self._cold.append(edge)
        return label

    # -- leaving -----------------------------------------------------------------------------

    def _exit_label(self, exit_: Exit) -> int:
        label = self._exit_labels.get(id(exit_))
        if label is None:
            label = self._exit_labels[id(exit_)] = self._asm.label()
            exit_.number = len(self.exits)
            self.exits.append(exit_)
            self._cold.append(lambda: self._leave(exit_, label))
        return label

    def _leave(self, exit_: Exit, label: int) -> None:
        asm = self._asm
        asm.bind(label)
        if exit_.instructions:
            self._pay(-exit_.instructions)
        number = self._first_exit + exit_.number
        asm.put(reg_mem(x86.GROUP_5, x86.INCREMENT, self._exit_count(number)))
        for slot in self._held.changed(exit_):
            self._write_slot(slot)
        is_by_host = exit_.reason == Reason.HOST.name
        pairs = zip(self._stacks, exit_.pointers, self.layout.pointers, strict=True)
        for index, (register, change, at) in enumerate(pairs):
            if is_by_host:  # the device may have moved the pointers
                asm.put(reg_mem(MOV, register, (R12, NONE, at), 8))
            else:
                self._move_pointer(register, index, change)
        self._into(R14, exit_.pc)
        for i, register in enumerate(self._saved):
            asm.put(reg_mem(MOV, register, self._saved_at(i), 8))
        if self._frame:
            asm.put(reg_mem(LEA, RSP, (RSP, NONE, self._frame), 8))
        self._go_on(exit_, number)

    def _exit_count(self, number: int) -> Address:
        return R12, NONE, self.layout.exits + 4 * number

    def _go_on(self, exit_: Exit, number: int) -> None:
        """Leave for good, with pc and stack pointers where every native function has them."""
        asm, kind = self._asm, exit_.kind
        if kind is Leave.HALT:
            asm.put(reg_mem(x86.GROUP_5, x86.JUMP, self._field("halted")))
            return
        if kind is Leave.JUMP and exit_.reason != Reason.HOST.name:
            pc = exit_.pc.constant
            code = self.layout.code
            if pc is not None and x86.is_short(code + 8 * pc):
                asm.put(reg_mem(x86.GROUP_5, x86.JUMP, (R12, NONE, code + 8 * pc)))
            else:
                asm.put(reg_mem(x86.GROUP_5, x86.JUMP, (R12, R14, code), scale=3))
            return
        if kind is Leave.RETRY:
            raise Unknown
        if kind is Leave.STOP or exit_.reason == Reason.HOST.name:
            self._stop_if_asked()
        elif exit_.reason in self._report_every and all(
            isinstance(change, int) for change in exit_.pointers
        ):
            self._tell(number, self._report_every[exit_.reason])
        asm.put(
            reg_mem(x86.ZERO_BYTE, RAX, (R12, R14, 0)),
            reg_mem(x86.GROUP_5, x86.JUMP, (R13, RAX, 0), scale=3),
        )

    def _move_pointer(self, register: int, index: int, change: int | Value) -> None:
        """Have a stack pointer be what an exit or a `sync` says."""
        if isinstance(change, int):
            if change:
                self._asm.put(alu(x86.ADD, register, change, 8))
            return
        size = self.layout.guest.stacks[index].size
        self._asm.put(alu(x86.AND, register, -size, 8))
        if change.constant is not None:
            self._asm.put(alu(x86.ADD, register, change.constant, 8))
        else:
            self._asm.put(reg_reg(b"\x03", register, self._register(change, RAX), 8))

    def _stop_if_asked(self) -> None:
        """Return to the host if it wants that."""
        go = self._asm.label()
        self._asm.put(alu_mem(x86.CMP, self._field("stop"), 0, 8))
        self._asm.jump_if(EQUAL, go)
        self._save(Status.HOST)
        self._asm.bind(go)

    def _tell(self, number: int, every: int | str) -> None:
        """Return to the host every so many times."""
        asm, go = self._asm, self._asm.label()
        if isinstance(every, str):
            asm.put(reg_mem(MOV, RCX, self._field(every)))
        else:
            asm.put(move_number(RCX, every))
        asm.put(
            reg_mem(MOV, RAX, self._exit_count(number)),
            reg_reg(b"\x33", RDX, RDX),
            reg_reg(x86.GROUP_3, x86.DIVIDE, RCX),
            reg_reg(x86.TEST, RDX, RDX),
        )
        asm.jump_if(NOT_EQUAL, go)
        self._put_number(self._field("exit"), number, 8)
        self._save(Status.HOT_EXIT)
        asm.bind(go)

    def _save(self, status: Status) -> None:
        """Write what registers hold to the context, and return to the host."""
        put = self._asm.put
        put(reg_mem(MOV_TO, R14, self._field("pc"), 8))
        for register, at in zip(self._stacks, self.layout.pointers, strict=True):
            put(reg_mem(MOV_TO, register, (R12, NONE, at), 8))
        self._put_number(self._field("status"), int(status), 8)
        put(x86.RETURN)

    def _write_slot(self, slot: Slot) -> None:
        index, offset, size, word = slot
        self._store_bytes((self._stacks[index], NONE, offset), word, size)

    def _pay(self, instructions: int) -> None:
        """Take instructions off the budget and count them; or the other way round."""
        put = self._asm.put
        put(alu_mem(x86.SUB, self._field("budget"), instructions, 8))
        put(alu_mem(x86.ADD, (R12, NONE, self._executed), instructions, 8))

    # -- guards ------------------------------------------------------------------------------

    @lowers(lowerings, Op.GUARD)
    def _guard(self, value: Value) -> None:
        exit_ = value.exit
        assert exit_ is not None
        label = self._exit_label(exit_)
        watched = map_look(value)
        if watched is not None:
            label = self._hit_label(watched, label)
        self._jump(value.args[0], label, when=False)

    def _hit_label(self, watched: Value, leave: int) -> int:
        """Where the bytes that were looked at are marked before an exit."""
        label, (size,) = self._asm.label(), watched.imm

        def hit() -> None:
            self._asm.bind(label)
            address = self._address(self.layout.code_map, watched.args[0])
            bits = int.from_bytes(bytes([HIT] * size), "little")
            if size == 8:
                self._asm.put(move_number(RAX, bits), reg_mem(b"\x09", RAX, address, 8))
            else:
                head = reg_mem(x86.OR_NUMBER_TO[size], x86.OR, address)
                self._asm.put(head + x86.number_of(bits, size))
            self._asm.jump(leave)

        self._cold.append(hit)
        return label

    @lowers(lowerings, Op.CHARGE)
    def _charge(self, value: Value) -> None:
        assert value.exit is not None
        (instructions,) = value.imm
        self._asm.put(alu_mem(x86.CMP, self._field("budget"), instructions, 8))
        self._asm.jump_if(BELOW, self._exit_label(value.exit))
        self._pay(instructions)

    @lowers(lowerings, Op.POLL)
    def _poll(self, value: Value) -> None:
        assert value.exit is not None
        self._asm.put(alu_mem(x86.CMP, self._field("interrupt"), 0, 8))
        self._asm.jump_if(NOT_EQUAL, self._exit_label(value.exit))

    # -- devices -----------------------------------------------------------------------------

    @lowers(lowerings, Op.SYNC)
    def _sync(self, value: Value) -> None:
        assert value.exit is not None
        for slot in self._held.changed(value.exit):
            self._write_slot(slot)
        for index, at in enumerate(self.layout.pointers):
            self._pointer_after(index, value.exit.pointers[index])
            self._asm.put(reg_mem(MOV_TO, RCX, (R12, NONE, at), 8))

    def _pointer_after(self, index: int, change: int | Value) -> None:
        """A stack pointer as an exit says, in rcx."""
        register = self._stacks[index]
        if isinstance(change, int):
            self._asm.put(reg_mem(LEA, RCX, (register, NONE, change), 8))
        else:
            self._asm.put(move(RCX, register, 8))
            self._move_pointer(RCX, index, change)

    @lowers(lowerings, Op.CHECK)
    def _check(self, value: Value) -> None:
        assert value.exit is not None
        label = self._exit_label(value.exit)
        self._asm.put(alu_mem(x86.CMP, self._field("stop"), 0, 8))
        self._asm.jump_if(NOT_EQUAL, label)
        for index, at in enumerate(self.layout.pointers):
            self._pointer_after(index, value.exit.pointers[index])
            self._asm.put(reg_mem(b"\x3b", RCX, (R12, NONE, at), 8))
            self._asm.jump_if(NOT_EQUAL, label)

    def _call(
        self,
        function: Address,
        value: Value,
        port: Value,
        byte: Value | None,
        missing: int | None = None,
        *,
        has_more: bool = False,
    ) -> None:
        """Call a function of C with base, port and byte. Its result is in rax.

        If there is none, control goes to the label `missing`, if one is given: a port may have
        been computed when the region was formed and be a constant by now. The operation `has_more`
        to do with its operands after the call.
        """
        put = self._asm.put
        at = self.allocation.positions[id(value)]
        kept = _CLOBBERED & {*self.allocation.across(at, with_operands=has_more), *self._stacks}
        first = self.allocation.spilled + len(self._saved)
        places = [(register, (RSP, NONE, 8 * (first + i))) for i, register in enumerate(kept)]
        put(reg_mem(MOV, RCX, function, 8))
        if missing is not None:
            put(alu(x86.CMP, RCX, 0, 8))
            self._asm.jump_if(EQUAL, missing)
        for register, place in places:
            put(reg_mem(MOV_TO, register, place, 8))
        # Arguments come from rax and rdx, as what they are made of may be in their registers.
        self._into(RAX, port)
        if byte is None:
            put(move_number(RDX, 0))
        else:
            self._into(RDX, byte)
        put(move(RSI, RAX, 8), move(RDI, R12, 8), reg_reg(x86.GROUP_5, x86.CALL, RCX))
        for register, place in places:
            put(reg_mem(MOV, register, place, 8))

    @lowers(lowerings, Op.HOST_IN)
    def _host_in(self, value: Value) -> None:
        asm, port = self._asm, value.args[0]
        plain, go_on = asm.label(), asm.label()
        self._call(self._function(self.layout.readers, port), value, port, None, plain)
        asm.put(reg_reg(x86.ZERO_BYTE, self._target(value), RAX))
        asm.bind(go_on)

        def read() -> None:
            asm.bind(plain)
            self._page(value)
            asm.jump(go_on)

        self._cold.append(read)

    @lowers(lowerings, Op.HOST_OUT, Op.OUT)
    def _host_out(self, value: Value) -> None:
        port, byte = value.args
        self._set_page(value)
        plain = self._asm.label()
        self._call(self._function(self.layout.writers, port), value, port, byte, plain)
        self._asm.bind(plain)

    @lowers(lowerings, Op.COLLECT)
    def _collect(self, value: Value) -> None:
        """To the output ring, which the host empties first where it is full."""
        port, byte = value.args
        asm = self._asm
        self._set_page(value)
        drain, go_on = asm.label(), asm.label()
        head = self._field("ring_head")
        asm.put(
            reg_mem(MOV, RAX, head, 8),
            move(RDX, RAX, 8),
            reg_mem(b"\x2b", RDX, self._field("ring_tail"), 8),
            alu(x86.CMP, RDX, RING, 8),
        )
        asm.jump_if(NOT_BELOW, drain)

        def call() -> None:
            asm.bind(drain)
            self._call(self._field("ring_full"), value, port, byte, has_more=True)
            asm.put(reg_mem(MOV, RAX, head, 8))
            asm.jump(go_on)

        self._cold.append(call)
        asm.bind(go_on)
        asm.put(move(RDX, RAX), alu(x86.AND, RDX, RING - 1))
        for word, at in ((byte, self.layout.ring), (port, self.layout.ring + RING)):
            register = self._register(word, RCX)
            asm.put(reg_mem(x86.MOV_BYTE_TO, register, (R12, RDX, at), low=True))
        asm.put(alu(x86.ADD, RAX, 1, 8), reg_mem(MOV_TO, RAX, head, 8))


KNOWN = frozenset(DirectLowering.lowerings)
"""Operations that need no LLVM."""

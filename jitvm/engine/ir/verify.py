"""The rules that region IR keeps between any two passes; `verify` raises for the first broken.

Shape
 1. The first block is the entry; it has no parameters and no edge leads to it. Block numbers
    differ. Every block has a terminator and can be reached.
 2. A value stands once, in one block, and belongs to the graph; constants stand nowhere.
 3. An edge passes as many values as the block has parameters, none wider than its parameter.
Values
 4. A use is dominated by its definition; uses by an exit count where the exit is.
 5. What an operation or a branch uses stands in the same block or one earlier in the list: lowering
    names values in that order. (Edges and exits come last there.)
 6. Each operation has the operands, static attributes and exit that the table below says;
    stacks, spaces, sizes and offsets are ones the guest has.
 7. `bits` is no less than what follows from the operands; words of which only the low bits are
    meant are not compared, shifted right, divided, tested, or used as a place to continue at.
Exits
 8. An exit has an address that fits the program counter, one pointer for each stack, slots that
    do not overlap, and a reason that `jitvm.engine.tables.reasons` lists (none in handlers). One
    that retries the instruction needs nothing.
Effects
 9. What an instruction does stands between its `act` and its `done`, in one block (handlers, one
    instruction each, have no marks); a device is checked upon there as well. Nothing in between
    leaves for the interpreter to execute an instruction: what has been done would be done twice.
    Nor does anything retry behind an effect.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from jitvm.engine.ir.graph import (
    ACTS,
    COMPARISONS,
    MARKS,
    MODULAR,
    Block,
    Branch,
    Exit,
    Goto,
    Graph,
    Leave,
    Op,
    Value,
)
from jitvm.engine.ir.passes.dominators import Dominators, dominators
from jitvm.engine.ir.passes.params import exits_of
from jitvm.engine.ir.text import WITHOUT_RESULT
from jitvm.engine.memory.layout import reach
from jitvm.engine.tables.reasons import Reason
from jitvm.guest import Guest

SIZES = (1, 2, 4, 8)
_BEFORE = frozenset({Leave.NEXT, Leave.RETRY})
"""Ways to leave before an instruction, for it to be executed elsewhere."""


class VerifyError(ValueError):
    """A graph that breaks a rule; the message names graph, block, value and rule."""


@dataclass(frozen=True, slots=True)
class _Shape:
    """What an operation looks like.

    Attributes:
        args: how many operands; `more` allows more.
        imm: what its static attributes are.
        exits: whether it has an exit.
        known: operands whose high bits must be known.
    """

    args: int
    imm: tuple[str, ...] = ()
    exits: bool = False
    known: tuple[int, ...] = ()
    more: bool = False


_SHAPES = {
    **{op: _Shape(2) for op in (Op.ADD, Op.SUB, Op.MUL, Op.AND, Op.OR, Op.XOR)},
    **{op: _Shape(2, known=(0, 1)) for op in (*COMPARISONS, Op.SHR)},
    Op.SHL: _Shape(2, known=(1,)),
    Op.DIV: _Shape(2, ("word",), known=(0, 1)),
    Op.SELECT: _Shape(3, known=(0,)),
    Op.SIGNED: _Shape(1, ("size",)),
    Op.PC: _Shape(0),
    Op.POINTER: _Shape(0, ("stack",)),
    Op.SLOT: _Shape(0, ("stack", "offset", "size")),
    Op.CELL: _Shape(1, ("stack",), known=(0,)),
    Op.LOAD: _Shape(1, ("space", "size", "within"), known=(0,)),
    Op.MAP: _Shape(1, ("size",), known=(0,)),
    Op.WATERMARK: _Shape(0),
    Op.PAGE: _Shape(1, known=(0,)),
    Op.READER: _Shape(1, known=(0,)),
    Op.WRITER: _Shape(1, known=(0,)),
    Op.STORE: _Shape(2, ("space", "size", "within"), known=(0,)),
    Op.SET_CELL: _Shape(2, ("stack",), known=(0,)),
    Op.SET_PAGE: _Shape(2, known=(0,)),
    Op.WRITTEN: _Shape(1, ("size",), known=(0,)),
    Op.HOST_IN: _Shape(1, known=(0,), more=True),
    Op.HOST_OUT: _Shape(2, known=(0, 1), more=True),
    Op.COLLECT: _Shape(2, known=(0, 1)),
    Op.HOST_POINTER: _Shape(0, ("stack",)),
    Op.SYNC: _Shape(0, exits=True),
    Op.CHECK: _Shape(0, exits=True),
    Op.GUARD: _Shape(1, exits=True, known=(0,)),
    Op.CHARGE: _Shape(0, ("instructions",), exits=True),
    Op.POLL: _Shape(0, exits=True),
    Op.ACT: _Shape(0),
    Op.DONE: _Shape(0),
}


def verify(graph: Graph, guest: Guest) -> None:
    """Check every rule at the head of this file.

    Raises:
        VerifyError: one is broken.
    """
    _Verifier(graph, guest).check()


class _Verifier:
    def __init__(self, graph: Graph, guest: Guest) -> None:
        self.graph = graph
        self.guest = guest
        self._block = graph.blocks[0] if graph.blocks else None
        self._home: dict[Value, tuple[Block, int]] = {}
        self._position = {block: at for at, block in enumerate(graph.blocks)}

    def check(self) -> None:
        self._shape()
        tree = dominators(self.graph)
        for block in self.graph.blocks:
            self._block = block
            self._require(block in tree.index, "cannot be reached")
            for param in block.params:
                self._require(param.op is Op.PARAM and not param.args, "a parameter is no param")
                self._bits(param, 1)
            for at, value in enumerate(block.values):
                self._value(value)
                self._dominated(tree, block, at, value.args, value.op)
                self._named(block, value.args, value.op)
                if value.exit is not None:
                    self._exit(value.exit)
                    self._dominated(tree, block, at, _uses(value.exit), f"exit of {value.op}")
            self._end(tree, block)
        self._block = None
        if self._is_handler():
            self._retries(tree)
        else:
            for block in self.graph.blocks:
                self._block = block
                self._acts(block)

    def _require(self, fine: bool, message: str) -> None:
        if not fine:
            where = "" if self._block is None else f" b{self._block.number}:"
            raise VerifyError(f"{self.graph.where}:{where} {message}")

    # -- shape -------------------------------------------------------------------------------

    def _shape(self) -> None:
        blocks = self.graph.blocks
        self._require(bool(blocks), "no blocks")
        self._require(not blocks[0].params, "the entry has parameters")
        numbers = [block.number for block in blocks]
        self._require(len(set(numbers)) == len(numbers), "two blocks have one number")
        for block in blocks:
            self._block = block
            self._require(block.end is not None, "no terminator")
            for at, value in enumerate((*block.params, *block.values)):
                self._require(value not in self._home, f"a value stands twice ({value.op})")
                self._require(value.graph is self.graph, f"{value.op} is of another graph")
                self._home[value] = block, at - len(block.params)
            for goto in block.targets():
                self._require(goto.block in self._position, "an edge leads out of the graph")
                self._require(goto.block is not blocks[0], "an edge leads to the entry")
                self._edge(goto)

    def _edge(self, goto: Goto) -> None:
        params, target = goto.block.params, f"b{goto.block.number}"
        self._require(
            len(params) == len(goto.args),
            f"the edge to {target} passes {len(goto.args)} values for {len(params)} parameters",
        )
        for param, arg in zip(params, goto.args, strict=True):
            self._require(
                MODULAR < arg.bits <= param.bits,
                f"the edge to {target} passes {arg.op}:{arg.bits} for a parameter of "
                f"{param.bits} bits",
            )

    # -- values ------------------------------------------------------------------------------

    def _dominated(
        self, tree: Dominators, block: Block, at: int, values: Iterable[Value], by: str
    ) -> None:
        for value in values:
            if value.op is Op.CONST:
                continue
            self._require(value in self._home, f"{by} uses a {value.op} that stands nowhere")
            self._require(value.op not in WITHOUT_RESULT, f"{by} uses the result of {value.op}")
            home, place = self._home[value]
            fine = place < at if home is block else tree.dominates(
                tree.index[home], tree.index[block]
            )  # fmt: skip
            self._require(fine, f"{by} uses a {value.op} of b{home.number} that may not be there")

    def _named(self, block: Block, values: Iterable[Value], by: str) -> None:
        for value in values:
            if value.op is not Op.CONST:
                home, _ = self._home[value]
                self._require(
                    self._position[home] <= self._position[block],
                    f"{by} uses a {value.op} of b{home.number}, which stands later in the list",
                )

    def _value(self, value: Value) -> None:
        op, shape = value.op, _SHAPES.get(value.op)
        self._require(shape is not None, f"{op} stands among values")
        assert shape is not None
        right = len(value.args) == shape.args or (shape.more and len(value.args) > shape.args)
        self._require(right, f"{op} takes {shape.args} operands, not {len(value.args)}")
        self._require(
            len(value.imm) == len(shape.imm),
            f"{op} takes static attributes {list(shape.imm)}, not {list(value.imm)}",
        )
        self._require(
            shape.exits == (value.exit is not None),
            f"{op} has {'no exit' if shape.exits else 'an exit'}",
        )
        for index in shape.known:
            self._known(value.args[index], f"operand {index} of {op}")
        self._static(value, dict(zip(shape.imm, value.imm, strict=True)))
        if op not in WITHOUT_RESULT:
            self._bits(value, least_bits(value, self.guest))
        if op in (Op.SHL, Op.SHR):
            self._distance(value)

    def _known(self, value: Value, what: str) -> None:
        self._require(value.bits != MODULAR, f"{what} is a word whose high bits are not known")

    def _distance(self, value: Value) -> None:
        distance = value.args[1]
        most = distance.imm[0] if distance.op is Op.CONST else (1 << distance.bits) - 1
        self._require(
            most < self.graph.word_bits,
            f"{value.op} by up to {most} bits of a {self.graph.word_bits}-bit word",
        )

    def _static(self, value: Value, given: dict[str, int]) -> None:
        guest, op = self.guest, value.op
        if (stack := given.get("stack")) is not None:
            self._require(0 <= stack < len(guest.stacks), f"{op}: there is no stack {stack}")
            offset = given.get("offset", 0)
            self._require(
                abs(offset) <= reach(guest.stacks[stack]), f"{op}: offset {offset} leaves the stack"
            )
        if (space := given.get("space")) is not None:
            self._require(0 <= space < len(guest.spaces), f"{op}: there is no space {space}")
            within = given["within"]
            limit = guest.spaces[space].size
            self._require(
                0 < within <= limit and within & (within - 1) == 0,
                f"{op}: an access within {within} of {limit} bytes",
            )
        if (size := given.get("size")) is not None:
            self._require(
                size in SIZES and 8 * size <= self.graph.word_bits, f"{op}: a word of {size} bytes"
            )
        for name in ("word", "instructions"):
            number = given.get(name, 0)
            self._require(self.graph.holds(number), f"{op}: {name} {number} is out of range")

    def _bits(self, value: Value, least: int) -> None:
        words = self.graph.word_bits
        self._require(value.bits <= words, f"{value.op} of {value.bits} bits in {words}-bit words")
        fine = value.bits == MODULAR or (least != MODULAR and value.bits >= least)
        need = f"at least {least}" if least else "none that are sure"
        self._require(fine, f"{value.op} has {value.bits} bits, {need} follow from its operands")

    # -- effects -----------------------------------------------------------------------------

    def _is_handler(self) -> bool:
        """Handlers give no reasons for what they leave by."""
        exits = exits_of(self.graph)
        return bool(exits) and not any(exit_.reason for exit_ in exits)

    def _acts(self, block: Block) -> None:
        """Whether a block of a region decides before it acts, instruction by instruction."""
        acting = False
        for value in block.values:
            op, exit_ = value.op, value.exit
            if op in MARKS:
                self._require(acting == (op is Op.DONE), f"{op} does not alternate with the other")
                acting = op is Op.ACT
            elif op in ACTS or op is Op.CHECK:
                self._require(acting, f"{op} stands outside of what an instruction does")
            elif acting and exit_ is not None:
                self._require(
                    exit_.kind not in _BEFORE,
                    f"{op} leaves ({exit_.reason}) behind effects of the same instruction",
                )
        self._require(not acting, "an instruction is not done at the end of the block")

    def _retries(self, tree: Dominators) -> None:
        """Whether what retries the instruction stands before all that it does."""
        acted: set[Block] = set()
        for at, block in enumerate(tree.order):
            self._block = block
            has_acted = any(tree.order[other] in acted for other in tree.predecessors[at])
            for value in block.values:
                retries = value.exit is not None and value.exit.kind is Leave.RETRY
                self._require(not (has_acted and retries), f"{value.op} retries behind effects")
                has_acted = has_acted or value.op in ACTS
            if has_acted:
                acted.add(block)

    # -- where blocks end --------------------------------------------------------------------

    def _end(self, tree: Dominators, block: Block) -> None:
        last = len(block.values)
        ends: list[Goto | Exit] = []
        if isinstance(block.end, Branch):
            self._known(block.end.condition, "the condition of a branch")
            self._dominated(tree, block, last, [block.end.condition], "branch")
            self._named(block, [block.end.condition], "branch")
            ends = [block.end.yes, block.end.no]
        elif block.end is not None:
            ends = [block.end]
        for end in ends:
            if isinstance(end, Goto):
                self._dominated(tree, block, last, end.args, "an edge")
            else:
                self._exit(end)
                self._dominated(tree, block, last, _uses(end), "an exit")

    def _exit(self, exit_: Exit) -> None:
        if exit_.kind is Leave.RETRY:
            return
        guest, name = self.guest, f"exit {exit_.reason or exit_.kind}"
        bits = exit_.pc.bits
        self._require(MODULAR < bits <= guest.pc_bits, f"{name}: its address has {bits} bits")
        self._require(
            not exit_.reason or exit_.reason in Reason.__members__, f"{name}: no such reason"
        )
        self._require(exit_.instructions >= 0, f"{name}: {exit_.instructions} instructions")
        self._require(
            len(exit_.pointers) == len(guest.stacks), f"{name}: not one pointer for each stack"
        )
        for pointer, stack in zip(exit_.pointers, guest.stacks, strict=True):
            if isinstance(pointer, int):
                fine = abs(pointer) <= reach(stack)
            else:
                fine = MODULAR < pointer.bits < stack.size.bit_length()
            self._require(fine, f"{name}: a pointer that leaves stack {stack.name}")
        self._slots(exit_, name)

    def _slots(self, exit_: Exit, name: str) -> None:
        ends: dict[int, int] = {}
        for stack, at, size, _ in sorted(exit_.slots, key=lambda slot: slot[:2]):
            self._require(0 <= stack < len(self.guest.stacks), f"{name}: no stack {stack}")
            self._require(size in SIZES, f"{name}: a slot of {size} bytes")
            limit = reach(self.guest.stacks[stack])
            self._require(abs(at) <= limit, f"{name}: a slot at {at} leaves the stack")
            self._require(at >= ends.get(stack, at), f"{name}: slots overlap at {at}")
            ends[stack] = at + size


def _uses(exit_: Exit) -> Iterator[Value]:
    """The values an exit needs."""
    if exit_.kind is Leave.RETRY:
        return
    yield exit_.pc
    yield from (word for _, _, _, word in exit_.slots)
    yield from (pointer for pointer in exit_.pointers if isinstance(pointer, Value))


def least_bits(value: Value, guest: Guest) -> int:
    """The bits a result has at least, by its operands alone; MODULAR where nothing is sure."""
    op, imm = value.op, value.imm
    if op in (Op.SLOT, Op.LOAD, Op.MAP):
        return 8 * imm[-1 if op in (Op.SLOT, Op.MAP) else 1]
    if op in (Op.PAGE, Op.CELL, Op.HOST_IN):
        return 8
    if op in (Op.POINTER, Op.HOST_POINTER):
        return guest.stacks[imm[0]].size.bit_length() - 1
    if op is Op.PC:
        return guest.pc_bits
    if op is Op.WATERMARK:
        return (guest.code_space.size - 1).bit_length()
    if op in COMPARISONS or op in (Op.READER, Op.WRITER):
        return 1
    if op is Op.SELECT:
        return _widest(value.args[1:])
    if op is Op.DIV:
        return max(value.args[0].bits, imm[0].bit_length())
    return _arithmetic(value)


def _widest(values: Iterable[Value]) -> int:
    bits = [value.bits for value in values]
    return max(bits) if all(bits) else MODULAR


def _arithmetic(value: Value) -> int:
    op, words = value.op, value.graph.word_bits
    if op in (Op.SUB, Op.SIGNED):
        return MODULAR
    a, b = value.args
    if op is Op.AND:
        return min((v.bits for v in (a, b) if v.bits), default=MODULAR)
    if op is Op.SHR:
        return max(a.bits - (b.constant or 0), 1)
    if not (a.bits and b.bits):
        return MODULAR
    bits = {
        Op.ADD: max(a.bits, b.bits) + 1,
        Op.MUL: a.bits + b.bits,
        Op.OR: max(a.bits, b.bits),
        Op.XOR: max(a.bits, b.bits),
        Op.SHL: a.bits + ((1 << b.bits) - 1 if b.constant is None else b.constant),
    }[op]
    return bits if bits <= words else MODULAR

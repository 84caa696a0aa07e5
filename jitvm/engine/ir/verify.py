"""The invariants of region IR between any two passes; `verify` raises for the first one broken.

Shape
 1. The first block is the entry; it has no parameters and no incoming edges. Block numbers are
    unique. Every block has a terminator and is reachable.
 2. A value appears once, in one block, and belongs to the graph; constants are in no block.
 3. An edge passes as many values as the block has parameters, none wider than its parameter.
Values
 4. Definitions dominate uses; an exit uses its operands where it is used.
 5. What an operation or a branch uses is defined in the same block or in one earlier in the list:
    lowering names values in that order. (Edges and exits come last there.)
 6. Each operation has the operands, static attributes and exit that its row (`ops.py`) requires;
    stacks, spaces, sizes and offsets exist in the guest.
 7. `bits` is no less than what follows from the operands; words of which only the low bits are
    meaningful are not compared, shifted right, divided, tested, or used as an address to continue
    at.
Exits
 8. An exit has an address that fits the program counter, one pointer for each stack, slots that do
    not overlap, and a reason that `jitvm.engine.tables.reasons` lists (none in handlers). One that
    retries the instruction needs nothing.
Effects
 9. The effects of an instruction lie between its `act` and its `done`, in one block (handlers, one
    instruction each, have no markers); a device is checked on there as well. Nothing in between
    leaves for the interpreter to execute an instruction, since what has been done would be done
    twice. Nor does anything retry after an effect.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from jitvm.engine.ir.graph import Block, Branch, Exit, Goto, Graph, Leave, Value
from jitvm.engine.ir.ops import ACTS, MARKS, MODULAR, WITHOUT_RESULT, Op
from jitvm.engine.ir.passes.dominators import Dominators, dominators
from jitvm.engine.ir.passes.params import exits_of
from jitvm.engine.memory.layout import reach
from jitvm.engine.tables.reasons import Reason
from jitvm.guest import Guest

SIZES = (1, 2, 4, 8)
_BEFORE = frozenset({Leave.NEXT, Leave.RETRY})
"""Ways to leave before an instruction, for it to be executed elsewhere."""


class VerifyError(ValueError):
    """A graph that breaks a rule; the message names graph, block, value and rule."""


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
        op, row = value.op, value.op.row
        self._require(row.stands, f"{op} stands among values")
        count = len(row.operands)
        right = len(value.args) == count or (row.has_more and len(value.args) > count)
        self._require(right, f"{op} takes {count} operands, not {len(value.args)}")
        self._require(
            len(value.imm) == len(row.attributes),
            f"{op} takes static attributes {list(row.attributes)}, not {list(value.imm)}",
        )
        self._require(
            row.exits == (value.exit is not None),
            f"{op} has {'no exit' if row.exits else 'an exit'}",
        )
        for index, kind in enumerate(row.operands):
            if kind != "word":
                self._known(value.args[index], f"operand {index} of {op}")
            if kind == "distance":
                self._distance(op, value.args[index])
        self._static(value, dict(zip(row.attributes, value.imm, strict=True)))
        if row.has_result:
            self._bits(value, least_bits(value, self.guest))

    def _known(self, value: Value, what: str) -> None:
        self._require(value.bits != MODULAR, f"{what} is a word whose high bits are not known")

    def _distance(self, op: Op, distance: Value) -> None:
        most = distance.imm[0] if distance.op is Op.CONST else (1 << distance.bits) - 1
        self._require(
            most < self.graph.word_bits,
            f"{op} by up to {most} bits of a {self.graph.word_bits}-bit word",
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
            limit = guest.spaces[space].size
            within = given.get("within", limit)
            self._require(
                0 < within <= limit and within & (within - 1) == 0,
                f"{op}: an access within {within} of {limit} bytes",
            )
        if (window := given.get("window")) is not None:
            is_there = 0 <= window < len(guest.spaces) and guest.spaces[window].window
            self._require(is_there, f"{op}: there is no window {window}")
        if (origin := given.get("origin")) is not None:
            is_there = 0 <= origin < len(guest.spaces) and guest.spaces[origin].is_attached
            self._require(is_there, f"{op}: space {origin} is neither a window nor a large space")
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
    """The bits a result has at least, by its operands alone; MODULAR if nothing is sure."""
    bits = value.op.row.least_bits(value.args, value.imm, guest)
    return bits if bits <= value.graph.word_bits else MODULAR

"""If-conversion: unpredictable branches become selects if both ways are short and meet again.

    b1: toss %c, b2, b3            b1: %x = ...
    b2: %x = ...                       %v = select %c, %x, %y
        store #32, %x           =      store #32, %v
        goto b4(%x)                    goto b4(%v)
    b3: store #32, %y
        goto b4(%y)

A processor predicts which way a branch goes. If both are taken about equally often, as the
recording shows, it mispredicts again and again, which costs more than executing a few operations
too many.

Both ways may hold what has no effect, and stores to constant addresses; the stores are moved after
them and store the value of the way taken. An address that only one way writes keeps the value it
had, if the block above says which (cells are written through, so it often does).

Source of the idea: if-conversion, Allen, Kennedy, Porterfield and Warren, Conversion of Control
Dependence to Data Dependence (1983); the profile decides, as in hyperblocks (Mahlke et al., 1992).
"""

from __future__ import annotations

from jitvm.engine.ir.graph import Block, Branch, Goto, Graph, Value
from jitvm.engine.ir.ops import MARKS, READS_MEMORY, SPECULATED, TOUCHES, Op
from jitvm.engine.ir.passes.blocks import absorb, count_edges
from jitvm.engine.ir.passes.dominators import reverse_postorder
from jitvm.engine.ir.passes.params import substitute_merged

Place = tuple[int, int, int]
"""A space, a constant address in it, and bytes."""


class _Arm:
    """One way from a branch to the block in which both meet.

    Attributes:
        target: where it leads.
        args: what it passes there.
        values: what it does, without its stores.
        stores: its last store to each place, in order.
    """

    def __init__(self, way: Goto, block: Block | None) -> None:
        end = way
        self.values: list[Value] = []
        self.stores: dict[Place, Value] = {}
        if block is not None:
            assert isinstance(block.end, Goto)
            end = block.end
            for value in block.values:
                if value.op is Op.STORE:
                    place = _place(value)
                    assert place is not None
                    self.stores.pop(place, None)
                    self.stores[place] = value
                elif value.op not in MARKS:
                    self.values.append(value)
        self.target = end.block
        self.args = end.args


def select_arms(graph: Graph) -> None:
    """Turn even branches into selections, the innermost and last first."""
    reached = count_edges(graph)
    replaced: dict[Value, Value] = {}
    for block in reversed(reverse_postorder(graph)):
        if isinstance(block.end, Branch) and block.end.is_even:
            _try(graph, block, block.end, reached, replaced)
    graph.blocks = reverse_postorder(graph)
    substitute_merged(graph, replaced)


def _try(
    graph: Graph,
    block: Block,
    branch: Branch,
    reached: dict[Block, int],
    replaced: dict[Value, Value],
) -> None:
    """Select between the ways of one branch, if they allow it."""
    if not isinstance(branch.yes, Goto) or not isinstance(branch.no, Goto):
        return
    yes, no = (_arm(way, reached, graph.params.arms) for way in (branch.yes, branch.no))
    if yes is None or no is None or yes.target is not no.target or yes.target is block:
        return
    models = {**yes.stores, **no.stores}
    if _overlap(list(models)):
        return
    stored: list[tuple[Value, Value, Value]] = []
    for place, model in models.items():
        left, right = (
            arm.stores[place].args[1] if place in arm.stores else _content(block, place)
            for arm in (yes, no)
        )
        if left is None or right is None:
            return
        stored.append((model, left, right))
    block.values += yes.values + no.values
    select = _Selection(graph, block, branch.condition)
    stores = [
        Value(graph, Op.STORE, (model.args[0], select(left, right)), model.imm)
        for model, left, right in stored
    ]
    if stores:
        block.values += [Value(graph, Op.ACT), *stores, Value(graph, Op.DONE)]
    passed = [select(left, right) for left, right in zip(yes.args, no.args, strict=True)]
    join = yes.target
    reached[join] -= 1
    if reached[join] > 1:
        block.end = Goto(join, passed)
    else:
        absorb(block, join, passed, replaced)


def _arm(way: Goto, reached: dict[Block, int], longest: int) -> _Arm | None:
    """A way of few operations, if all it does may be done in vain; a way straight to the join does
    nothing."""
    block = way.block
    if reached[block] > 1:
        return _Arm(way, None)
    if way.args or block.weight > longest or not isinstance(block.end, Goto):
        return None
    has_stored = False
    for value in block.values:
        if value.op is Op.STORE:
            if _place(value) is None:
                return None
            has_stored = True
        elif value.op in MARKS:
            continue
        elif value.op not in SPECULATED or (has_stored and value.op in READS_MEMORY):
            return None
    return _Arm(way, block)


def _place(access: Value) -> Place | None:
    """The place of a load or store; None if its address is computed or it wraps."""
    space, size, within = access.imm
    at = access.args[0].constant
    return None if at is None or at + size > within else (space, at, size)


def _overlap(places: list[Place]) -> bool:
    bytes_of = [(space, at + i) for space, at, size in places for i in range(size)]
    return len(bytes_of) != len(set(bytes_of))


def _content(block: Block, place: Place) -> Value | None:
    """What a place holds at the end of a block, if the block itself shows it."""
    for value in reversed(block.values):
        if value.op in (Op.STORE, Op.LOAD):
            other = _place(value)
            if other == place:
                return value.args[1] if value.op is Op.STORE else value
            if value.op is Op.STORE and (other is None or _overlap([place, other])):
                return None
        elif value.op in TOUCHES:
            return None
    return None


class _Selection:
    """Selections on one condition at the end of a block, equal ones shared."""

    def __init__(self, graph: Graph, block: Block, condition: Value) -> None:
        self._graph = graph
        self._block = block
        self._condition = condition
        self._made: dict[tuple[int, int], Value] = {}

    def __call__(self, yes: Value, no: Value) -> Value:
        if yes is no or (yes.constant is not None and yes.constant == no.constant):
            return yes
        made = self._made.get((id(yes), id(no)))
        if made is None:
            args = (self._condition, yes, no)
            made = Value(self._graph, Op.SELECT, args, (), self._graph.bits(Op.SELECT, args, ()))
            self._made[id(yes), id(no)] = made
            self._block.values.append(made)
        return made

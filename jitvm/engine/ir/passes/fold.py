"""Operations are rebuilt now that more is known of their operands, and equal ones are shared.

When a region is formed, whatever a loop carries is a parameter; once `remove_trivial_params` has
replaced most of them by values, sums of constants, masks and comparisons fold that could not
before. Every operation goes through the builder again and then through the rules below; branches
and guards on constants are folded, and unreachable blocks removed.

    walk the dominator tree from the entry; at each operation
      operands      replaced by what they became
      rules         may give a simpler value
      sharing       the same operation in a dominating block is used instead
    then put the blocks in reverse postorder

Sharing is valid for operations that always give the same result: arithmetic, stack slots (the
memory under them is not written before an exit), pointers, and the code map, whose bits are set
only outside native code. Source: Briggs, Cooper and Simpson, Value Numbering (1997), the
dominator-based form.
"""

from __future__ import annotations

from jitvm.engine.ir.graph import Block, Branch, Exit, Goto, Graph, Value
from jitvm.engine.ir.ops import BINARY, MODULAR, SHARED, WORDS, Op
from jitvm.engine.ir.passes.dominators import dominators, reverse_postorder
from jitvm.engine.ir.rules import combine, rebuild, simplify, truth


def fold(graph: Graph) -> None:
    """Fold, share, decide branches, drop what is unreachable, and order the blocks."""
    _Folder(graph).walk()
    graph.blocks = reverse_postorder(graph)
    for block in graph.blocks:
        block.pure = {}


class _Folder:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.became: dict[Value, Value] = {}
        self.known = _Scope()

    def walk(self) -> None:
        tree = dominators(self.graph)
        below = tree.children()
        todo = [(0, 0)]
        while todo:
            at, depth = todo.pop()
            self.known.leave(depth)
            self._block(tree.order[at])
            deeper = self.known.depth()
            todo += [(child, deeper) for child in below[at]]

    def _block(self, block: Block) -> None:
        values, block.values, block.pure = block.values, [], self.known
        self.graph.block = block
        became = self.became
        for value in values:
            changed = not became.keys().isdisjoint(value.args)
            if changed:
                value.args = tuple(became.get(arg, arg) for arg in value.args)
            if value.op in SHARED:
                self._value(block, value, changed)
            elif value.op is not Op.GUARD:
                if value.exit is not None:
                    self._exit(value.exit)
                block.values.append(value)
            elif not self._guard(block, value):
                return
        self._end(block)

    def _of(self, value: Value) -> Value:
        return self.became.get(value, value)

    # -- operations --------------------------------------------------------------------------

    def _value(self, block: Block, value: Value, changed: bool) -> None:
        simpler = self._simpler(value, changed)
        if simpler is None:
            key = _key(value)
            simpler = self.known.get(key)
            if simpler is None:
                self.known[key] = value
                block.values.append(value)
                return
            _narrow(simpler, value.bits)
        elif simpler.op is value.op and _key(simpler) == _key(value):
            _narrow(simpler, value.bits)
        self.became[value] = simpler

    def _simpler(self, value: Value, changed: bool) -> Value | None:
        """What an operation folds to; what the builder has seen already it need not see again."""
        graph, op = self.graph, value.op
        if op in BINARY:
            a, b = value.args
            changed = changed or (a.constant is not None and b.constant is not None)
            return combine(graph, op, a, b) if changed else simplify(graph, op, a, b)
        return rebuild(graph, op, value.args, value.imm) if changed and op in WORDS else None

    # -- control -----------------------------------------------------------------------------

    def _guard(self, block: Block, guard: Value) -> bool:
        """Keep, drop or make certain a guard; whether what follows can be reached."""
        assert guard.exit is not None
        condition = truth(guard.args[0])
        if condition.constant:
            return True
        self._exit(guard.exit)
        if condition.constant == 0:
            block.end = guard.exit
            return False
        guard.args = (condition,)
        block.values.append(guard)
        return True

    def _exit(self, exit_: Exit) -> None:
        of = self._of
        exit_.pc = of(exit_.pc)
        exit_.slots = tuple((i, at, size, of(word)) for i, at, size, word in exit_.slots)
        exit_.pointers = tuple(p if isinstance(p, int) else of(p) for p in exit_.pointers)

    def _end(self, block: Block) -> None:
        end = block.end
        if isinstance(end, Branch):
            end.condition = truth(self._of(end.condition))
            constant = end.condition.constant
            if constant is not None:
                block.end = end.yes if constant else end.no
        ways = [block.end.yes, block.end.no] if isinstance(block.end, Branch) else [block.end]
        for way in ways:
            if isinstance(way, Exit):
                self._exit(way)
            elif isinstance(way, Goto):
                way.args = [self._of(arg) for arg in way.args]


def _key(value: Value) -> tuple[object, ...]:
    """Equal for operations that give the same result."""
    return (value.op, *map(id, value.args), *value.imm)


def _narrow(value: Value, bits: int) -> None:
    """Of two bounds of one result, which may be from before its operands were known, the narrower
    holds."""
    if bits != MODULAR and (value.bits == MODULAR or value.bits > bits):
        value.bits = bits


class _Scope(dict[tuple[object, ...], Value]):
    """Operations of the blocks that dominate the one at hand."""

    def __init__(self) -> None:
        super().__init__()
        self._log: list[tuple[object, ...]] = []

    def __setitem__(self, key: tuple[object, ...], value: Value) -> None:
        self._log.append(key)
        super().__setitem__(key, value)

    def depth(self) -> int:
        return len(self._log)

    def leave(self, depth: int) -> None:
        """Forget what was added since the scope had this depth."""
        for key in self._log[depth:]:
            del self[key]
        del self._log[depth:]

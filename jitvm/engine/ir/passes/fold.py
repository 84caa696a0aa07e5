"""Operations are built anew now that their operands are known better, and equal ones are shared.

When a region is formed, what a loop carries is a parameter; once `remove_trivial_params` has put
values in the place of most of them, sums of constants, masks and comparisons fold that could not
before. Every operation goes through the builder again and then through the rules below; branches
and guards on constants are decided, and what cannot be reached any more goes.

    walk the dominator tree from the entry; at each operation
      operands      replaced by what they became
      rules         may give a simpler value
      sharing       the same operation in a dominating block is taken instead
    then put the blocks in reverse postorder

Sharing holds for operations that always give the same: arithmetic, stack slots (memory under them
is not written before an exit), pointers, and the code map, in which bits are set only outside of
native code. Source: Briggs, Cooper and Simpson, Value Numbering (1997), the dominator form.
"""

from __future__ import annotations

from collections.abc import Callable

from jitvm.engine.ir.graph import COMPARISONS, Block, Branch, Exit, Goto, Graph, Op, Value
from jitvm.engine.ir.passes.dominators import dominators, reverse_postorder

Rule = Callable[[Graph, Value, Value], Value | None]

_BINARY = frozenset({
    Op.ADD, Op.SUB, Op.MUL, Op.AND, Op.OR, Op.XOR, Op.SHL, Op.SHR, *COMPARISONS,
})  # fmt: skip
_SHARED = _BINARY | {Op.SELECT, Op.SIGNED, Op.DIV, Op.PC, Op.POINTER, Op.SLOT, Op.MAP}
_COMMUTES = frozenset({Op.ADD, Op.MUL, Op.AND, Op.OR, Op.XOR, Op.EQ, Op.NE})
_CANCELS = {Op.SUB: 0, Op.XOR: 0, Op.EQ: 1, Op.NE: 0, Op.LT: 0, Op.LE: 1}


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
            if value.op in _SHARED:
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
            key = (value.op, *map(id, value.args), *value.imm)
            simpler = self.known.get(key)
            if simpler is None:
                self.known[key] = value
                block.values.append(value)
                return
        self.became[value] = simpler

    def _simpler(self, value: Value, changed: bool) -> Value | None:
        """What an operation folds to; what the builder has seen already it need not see again."""
        graph, op = self.graph, value.op
        if op in _BINARY:
            a, b = value.args
            return combine(graph, op, a, b) if changed else simplify(graph, op, a, b)
        if not changed:
            return None
        if op is Op.SELECT:
            condition, yes, no = value.args
            return select(graph, condition, yes, no)
        if op is Op.DIV:
            dividend, divisor = value.args
            return graph.divide(dividend, divisor, value.imm[0])
        return graph.signed(value.args[0], value.imm[0]) if op is Op.SIGNED else None

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
            known = end.condition.constant
            if known is not None:
                block.end = end.yes if known else end.no
        ways = [block.end.yes, block.end.no] if isinstance(block.end, Branch) else [block.end]
        for way in ways:
            if isinstance(way, Exit):
                self._exit(way)
            elif isinstance(way, Goto):
                way.args = [self._of(arg) for arg in way.args]


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


# -- rules ---------------------------------------------------------------------------------------


def combine(graph: Graph, op: Op, a: Value, b: Value) -> Value:
    """Build ``a op b`` by the builder and the rules of this file."""
    simpler = simplify(graph, op, a, b)
    return graph.binary(op, a, b) if simpler is None else simpler


def simplify(graph: Graph, op: Op, a: Value, b: Value) -> Value | None:
    """What ``a op b`` is by the rules of this file alone.

    x - x  =  0        x & x  =  x        c + x  =  x + c
    """
    if a is b and op in _CANCELS:
        return graph.const(_CANCELS[op])
    if a is b and op in (Op.AND, Op.OR):
        return a
    if op in COMPARISONS and (decided := by_range(op, a, b)) is not None:
        return graph.const(decided)
    if a.op is Op.CONST and b.op is not Op.CONST and op in _COMMUTES:
        return combine(graph, op, b, a)
    rule = _RULES.get(op)
    return None if rule is None else rule(graph, a, b)


def by_range(op: Op, a: Value, b: Value) -> int | None:
    """A comparison that the bits of its operands decide.

    x:8 < 256  =  1        x:8 == 256  =  0        0 <= x  =  1
    """
    low_a, high_a = bounds(a)
    low_b, high_b = bounds(b)
    if op in (Op.LT, Op.LE):
        equal = op is Op.LE
        if high_a < low_b or (equal and high_a == low_b):
            return 1
        return 0 if high_b < low_a or (not equal and high_b == low_a) else None
    if high_a < low_b or high_b < low_a:
        return int(op is Op.NE)
    return None


def bounds(value: Value) -> tuple[int, int]:
    """The lowest and the highest number a value can be, by its bits."""
    known = value.constant
    if known is not None:
        return known, known
    return 0, (1 << (value.bits or value.graph.word_bits)) - 1


def truth(condition: Value) -> Value:
    """A value that is zero exactly where the condition is.

    ne(x, 0)  =  x
    """
    while condition.op is Op.NE and condition.args[1].constant == 0:
        condition = condition.args[0]
    return condition


def _add(graph: Graph, a: Value, b: Value) -> Value | None:
    """(x + c) + d  =  x + (c + d)        (x - c) + d  =  x + (d - c)

    A sum whose high bits are known stays one: c + d may have a bit more than either.
    """
    if b.constant is None or a.op not in (Op.ADD, Op.SUB):
        return None
    x, inner = a.args
    if inner.constant is None:
        return None
    step = inner.constant if a.op is Op.ADD else -inner.constant
    total = graph.const(b.constant + step)
    if a.bits and max(a.bits, b.bits) < graph.word_bits <= max(x.bits, total.bits):
        return None
    return graph.binary(Op.ADD, x, total)


def _subtract(graph: Graph, a: Value, b: Value) -> Value | None:
    """(x + c) - d  =  x + (c - d)"""
    if b.constant is None or a.op is not Op.ADD or a.args[1].constant is None:
        return None
    return graph.binary(Op.ADD, a.args[0], graph.const(a.args[1].constant - b.constant))


def _and(graph: Graph, a: Value, b: Value) -> Value | None:
    """((x & m) + c) & n  =  (x + c) & n        where n keeps no more low bits than m"""
    mask = b.constant
    if mask is None or mask & (mask + 1) or a.op not in (Op.ADD, Op.SUB):
        return None
    x, step = a.args
    if step.constant is None or x.op is not Op.AND or (inner := x.args[1].constant) is None:
        return None
    if inner & mask != mask:
        return None
    return graph.binary(Op.AND, combine(graph, a.op, x.args[0], step), b)


def _or(graph: Graph, a: Value, b: Value) -> Value | None:
    """((x >> 8) << 8) | (x & 255)  =  x"""
    if a.op is Op.SHL and a.args[1].constant == 8 and a.args[0].op is Op.SHR:
        joined = graph.join(a.args[0], b)
        return joined if joined is a.args[0].args[0] else None
    return None


def _shift_right(graph: Graph, a: Value, b: Value) -> Value | None:
    """(x >> c) >> d  =  x >> (c + d)        (x << c) >> c  =  x, where x << c loses nothing"""
    if b.constant is None or a.op not in (Op.SHR, Op.SHL) or a.args[1].constant is None:
        return None
    x, distance = a.args[0], a.args[1].constant
    if a.op is Op.SHL:
        return x if a.bits and distance == b.constant else None
    if distance + b.constant >= x.bits:
        return graph.const(0)
    return graph.binary(Op.SHR, x, graph.const(distance + b.constant))


_INVERSE = {Op.EQ: Op.NE, Op.NE: Op.EQ}


def _equal(graph: Graph, a: Value, b: Value) -> Value | None:
    """(x < y) == 0  =  y <= x        (x + c) & m == d  =  x == (d - c) & m, where x fits m"""
    if b.constant is None:
        return None
    if a.bits == 1:
        return a if b.constant == 1 else _not(graph, a)
    return _solved(graph, Op.EQ, a, b.constant)


def _differs(graph: Graph, a: Value, b: Value) -> Value | None:
    """x:1 != 0  =  x        x:1 != 1  =  not x        (x + c) & m != d  =  x != (d - c) & m"""
    if b.constant is None:
        return None
    if a.bits == 1:
        return a if b.constant == 0 else _not(graph, a)
    return _solved(graph, Op.NE, a, b.constant)


def _not(graph: Graph, flag: Value) -> Value | None:
    """not (x < y)  =  y <= x        not (x == y)  =  x != y"""
    if flag.op not in COMPARISONS:
        return None
    x, y = flag.args
    if flag.op in _INVERSE:
        return graph.binary(_INVERSE[flag.op], x, y)
    return graph.binary(Op.LE if flag.op is Op.LT else Op.LT, y, x)


def _solved(graph: Graph, op: Op, a: Value, number: int) -> Value | None:
    if a.op is Op.AND and (mask := a.args[1].constant) is not None and not mask & (mask + 1):
        total = a.args[0]
    else:
        total, mask = a, (1 << graph.word_bits) - 1
    if total.op is not Op.ADD or (step := total.args[1].constant) is None:
        return None
    x = total.args[0]
    if not x.bits or (1 << x.bits) - 1 > mask:
        return None
    return combine(graph, op, x, graph.const((number - step) & mask))


def select(graph: Graph, condition: Value, yes: Value, no: Value) -> Value:
    """select(x:1, 1, 0)  =  x"""
    condition = truth(condition)
    if condition.bits == 1 and yes.constant == 1 and no.constant == 0:
        return condition
    return graph.select(condition, yes, no)


_RULES: dict[Op, Rule] = {
    Op.ADD: _add,
    Op.SUB: _subtract,
    Op.AND: _and,
    Op.OR: _or,
    Op.SHR: _shift_right,
    Op.EQ: _equal,
    Op.NE: _differs,
}

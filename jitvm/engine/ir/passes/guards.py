"""Guards and branches that an earlier guard or branch has already decided are removed.

    guard lt %1, #10 -> x0
    ...
    guard lt %1, #20 -> x1        always holds here: removed
    branch eq %1, #30, b1, b2     never holds here: goto b2

What is known of a value is an interval. A guard that held, or the edge of a branch into a block
with no other predecessor, narrows it for everything that it dominates:

    x < c    x <= c    x == c    x != c (at an end of the interval)    and the same with c first
    (x + c) & m in an interval, if x fits m and nothing wraps:    x in the shifted interval

The last is how bounds of stack pointers are written. Conditions are also tracked as such, so a
value guarded twice is found without looking at what it compares. If a conjunction holds, so do its
parts; if a disjunction does not, neither do these.

What an edge passes on is that side of a selection which the same facts decide:

    branch %1, b1, b2
    b1: goto b3(select %1, %2, %3)        passes %2
"""

from __future__ import annotations

from jitvm.engine.ir.graph import Block, Branch, Goto, Graph, Value
from jitvm.engine.ir.ops import COMPARISONS, Op
from jitvm.engine.ir.passes.dominators import Dominators, dominators, reverse_postorder
from jitvm.engine.ir.rules import bounds

Interval = tuple[int, int]
_Shifted = tuple[Value, int, int]
"""A value that is ``(base + step) & mask``, as these three."""


def remove_known_guards(graph: Graph) -> None:
    """Remove guards and decide branches whose outcome is known; drop what is unreachable."""
    tree = dominators(graph)
    below = tree.children()
    facts = Facts()
    todo = [(0, 0)]
    while todo:
        at, depth = todo.pop()
        facts.leave(depth)
        _learn_edge(facts, tree, at)
        block = tree.order[at]
        block.values = [value for value in block.values if not _holds(facts, value)]
        _decide(facts, block)
        _settle(facts, block)
        deeper = facts.depth()
        todo += [(child, deeper) for child in below[at]]
    graph.blocks = reverse_postorder(graph)


def _learn_edge(facts: Facts, tree: Dominators, at: int) -> None:
    """What the branch into a block says, if its edge is the only one."""
    if len(tree.predecessors[at]) != 1:
        return
    end = tree.order[tree.predecessors[at][0]].end
    if isinstance(end, Branch):
        yes = isinstance(end.yes, Goto) and end.yes.block is tree.order[at]
        facts.learn(end.condition, yes)


def _holds(facts: Facts, value: Value) -> bool:
    """Whether a value is a guard that always holds; learns from one that may not."""
    if value.op is not Op.GUARD:
        return False
    condition = value.args[0]
    if facts.decided(condition):
        return True
    facts.learn(condition, True)
    return False


def _decide(facts: Facts, block: Block) -> None:
    end = block.end
    if isinstance(end, Branch):
        decided = facts.decided(end.condition)
        if decided is not None:
            block.end = end.yes if decided else end.no


def _settle(facts: Facts, block: Block) -> None:
    """Pass on the sides of selections that are decided."""
    end = block.end
    if isinstance(end, Goto):
        end.args = [_side(facts, arg) for arg in end.args]
    elif isinstance(end, Branch):
        depth = facts.depth()
        for way, holds in ((end.yes, True), (end.no, False)):
            if isinstance(way, Goto) and way.args:
                facts.learn(end.condition, holds)
                way.args = [_side(facts, arg) for arg in way.args]
                facts.leave(depth)


def _side(facts: Facts, value: Value) -> Value:
    """A value, or what it is sure to be."""
    while value.op is Op.SELECT and (decided := facts.decided(value.args[0])) is not None:
        value = value.args[1 if decided else 2]
    return value


class Facts:
    """Intervals of values where control is, and a log to forget them by."""

    def __init__(self) -> None:
        self._known: dict[Value, Interval] = {}
        self._log: list[tuple[Value, Interval | None]] = []

    def depth(self) -> int:
        return len(self._log)

    def leave(self, depth: int) -> None:
        """Forget what was learned since the log had this length."""
        while len(self._log) > depth:
            value, before = self._log.pop()
            if before is None:
                del self._known[value]
            else:
                self._known[value] = before

    # -- asking ------------------------------------------------------------------------------

    def interval(self, value: Value) -> Interval:
        low, high = self._known.get(value) or bounds(value)
        shifted = _shifted(value)
        if shifted is not None:
            base, step, mask = shifted
            base_low, base_high = self.interval(base)
            start = (base_low + step) & mask
            end = start + base_high - base_low
            if end <= mask:
                return max(low, start), min(high, end)
        return low, high

    def decided(self, condition: Value) -> bool | None:
        """Whether a condition is true here, or None."""
        low, high = self.interval(condition)
        if low > 0 or high == 0:
            return low > 0
        if condition.op not in COMPARISONS:
            return None
        a, b = (self.interval(arg) for arg in condition.args)
        if condition.op is Op.LT:
            return True if a[1] < b[0] else False if b[1] <= a[0] else None
        if condition.op is Op.LE:
            return True if a[1] <= b[0] else False if b[1] < a[0] else None
        apart = a[1] < b[0] or b[1] < a[0]
        same = a == b and a[0] == a[1]
        return (condition.op is Op.NE) == apart if apart or same else None

    # -- learning ----------------------------------------------------------------------------

    def learn(self, condition: Value, holds: bool) -> None:
        """A condition is known to hold, or not to."""
        low, high = self.interval(condition)
        self._narrow(condition, (max(low, 1), high) if holds else (0, 0))
        if condition.op is (Op.AND if holds else Op.OR) and condition.bits == 1:
            for part in condition.args:
                if part.bits == 1:
                    self.learn(part, holds)
        if condition.op not in COMPARISONS:
            return
        a, b = condition.args
        (a_low, a_high), (b_low, b_high) = self.interval(a), self.interval(b)
        op = condition.op
        if op in (Op.LT, Op.LE):
            strict = int((op is Op.LT) == holds)
            if holds:
                self._narrow(a, (a_low, min(a_high, b_high - strict)))
                self._narrow(b, (max(b_low, a_low + strict), b_high))
            else:
                self._narrow(b, (b_low, min(b_high, a_high - strict)))
                self._narrow(a, (max(a_low, b_low + strict), a_high))
        elif (op is Op.EQ) == holds:
            both = max(a_low, b_low), min(a_high, b_high)
            self._narrow(a, both)
            self._narrow(b, both)
        elif b_low == b_high:
            self._narrow(a, (a_low + (a_low == b_low), a_high - (a_high == b_low)))

    def _narrow(self, value: Value, interval: Interval) -> None:
        """Note an interval; one that is empty stands where control cannot be, and says nothing."""
        old = self._known.get(value)
        low, high = interval
        if value.op is Op.CONST or low > high or interval == (old or bounds(value)):
            return
        self._log.append((value, old))
        self._known[value] = interval
        shifted = _shifted(value)
        if shifted is not None:
            self._unshift(shifted, interval)

    def _unshift(self, shifted: _Shifted, interval: Interval) -> None:
        """An interval of a sum as one of what was added to, if it does not wrap in between."""
        base, step, mask = shifted
        low = (interval[0] - step) & mask
        high = low + interval[1] - interval[0]
        if high <= mask:
            base_low, base_high = self.interval(base)
            self._narrow(base, (max(base_low, low), min(base_high, high)))


def _shifted(value: Value) -> _Shifted | None:
    """A value as a sum under a mask, if what is added to fits the mask."""
    if value.op is not Op.AND or (mask := value.args[1].constant) is None or mask & (mask + 1):
        return None
    total = value.args[0]
    if total.op is not Op.ADD or (step := total.args[1].constant) is None:
        return None
    base = total.args[0]
    if not base.bits or (1 << base.bits) - 1 > mask:
        return None
    return base, step & mask, mask

"""Rewrite rules: operations on words that simplify, each rule under its equation.

    AT_ONCE    applied by `Graph.binary` and `Graph.word` whenever an operation is built
    FOLDED     applied by the passes as well, when more is known about the operands

    x, y, z    words            x:8    a word of 8 bits
    c, d, m    numbers          signs, `select` and names of operations as semantic functions have
                                them, modulo the word

A rule is tried when its operation is built, in the order of this file. It returns the simplified
value, or None if the equation does not match. What follows an equation (`where ...`) says when it
holds. Rules may build further operations; they may not lose bits that are known of a word, since
its uses were built on them (`bits`). Operations on constants alone are folded by the meaning of the
operation.

`tests/ir/test_rules.py` reads the equations: each must hold for all numbers of a few bits, and some
must be found by the rule they belong to. It also tries all pairs of operations, whether or not
there is a rule for them.
"""

from __future__ import annotations

from jitvm.engine.ir.ops import BINARY, COMPARISONS, Op, denied

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from jitvm.engine.ir.graph import Graph, Value

    Rule = Callable[..., Value | None]
    """Called with the graph, the operation, its operands, and its attributes."""
    Table = dict[Op, tuple[Rule, ...]]

AT_ONCE: Table = {}
FOLDED: Table = {}

# Members of enumerations are slow to get at, and rules are tried by thousands.
_ADD, _AND, _EQ, _SHL, _SHR = Op.ADD, Op.AND, Op.EQ, Op.SHL, Op.SHR
_SUMS = frozenset((Op.ADD, Op.SUB))
_SHIFTS = frozenset((Op.SHL, Op.SHR))


def _rule(table: Table, *ops: Op) -> Callable[[Rule], Rule]:
    """Put a rule into a table, after those that are there for the same operations."""

    def put(rule: Rule) -> Rule:
        for op in ops:
            table[op] = (*table.get(op, ()), rule)
        return rule

    return put


# -- when an operation is built ------------------------------------------------------------------
# Of operations with two operands only what has a number, or the same operand twice, comes here.


@_rule(AT_ONCE, Op.ADD, Op.OR, Op.XOR)
def _nothing_more(_graph: Graph, _op: Op, a: Value, b: Value) -> Value | None:
    """x + 0  =  x        x | 0  =  x        x ^ 0  =  x
    0 + x  =  x        0 | x  =  x        0 ^ x  =  x"""
    if b.constant == 0:
        return a
    return b if a.constant == 0 else None


@_rule(AT_ONCE, Op.SUB)
def _nothing_less(graph: Graph, _op: Op, a: Value, b: Value) -> Value | None:
    """x - 0  =  x        x - x  =  0"""
    if b.constant == 0:
        return a
    return graph.const(0) if a is b else None


@_rule(AT_ONCE, Op.MUL)
def _times_nothing_or_one(graph: Graph, _op: Op, a: Value, b: Value) -> Value | None:
    """x * 0  =  0        x * 1  =  x
    0 * x  =  0        1 * x  =  x"""
    if b.constant is None:
        a, b = b, a
    if b.constant == 0:
        return graph.const(0)
    return a if b.constant == 1 else None


@_rule(AT_ONCE, Op.AND)
def _masked(graph: Graph, op: Op, a: Value, b: Value) -> Value | None:
    """x & 0  =  0        0 & x  =  0        x:3 & 7  =  x
    ((x << 8) | y:8) & 255  =  y        ((c << 8) | y:8) & 255  =  y
    (x << 8) & 255  =  0        (x & c) & m  =  x & (c & m)"""
    mask = b.constant
    if mask is None:
        return graph.const(0) if a.constant == 0 else None
    if mask == 0:
        return graph.const(0)
    if a.bits and mask & ((1 << a.bits) - 1) == (1 << a.bits) - 1:
        return a
    if mask == 0xFF and (parts := graph.halves(a)) is not None:
        return parts[1]
    if a.op is op and (inner := a.args[1].constant) is not None:
        return graph.binary(op, a.args[0], graph.const(inner & mask))
    return None


@_rule(AT_ONCE, Op.SHL, Op.SHR)
def _not_shifted(_graph: Graph, _op: Op, a: Value, b: Value) -> Value | None:
    """x << 0  =  x        x >> 0  =  x"""
    return a if b.constant == 0 else None


@_rule(AT_ONCE, Op.SHR)
def _shifted_out(graph: Graph, _op: Op, a: Value, b: Value) -> Value | None:
    """x:2 >> 3  =  0        ((x:8 << 8) | y:8) >> 8  =  x"""
    if b.constant is None:
        return None
    if a.bits <= b.constant:
        return graph.const(0)
    if b.constant == 8 and (parts := graph.halves(a)) is not None:
        return parts[0]
    return None


@_rule(AT_ONCE, Op.SELECT)
def _selected(_graph: Graph, _op: Op, flag: Value, yes: Value, no: Value) -> Value | None:
    """select(1, x, y)  =  x        select(0, x, y)  =  y        select(x, y, y)  =  y"""
    if flag.constant is not None:
        return yes if flag.constant else no
    return yes if yes is no else None


@_rule(AT_ONCE, Op.BSWAP)
def _swapped_back(graph: Graph, op: Op, word: Value, size: int) -> Value | None:
    """bswap(x, 1)  =  x & 255        bswap(bswap(x:16, 2), 2)  =  x"""
    if size == 1:
        return graph.truncate(word, 1)
    if word.op is op and word.imm == (size,) and 0 < word.args[0].bits <= 8 * size:
        return word.args[0]
    return None


# -- when more is known --------------------------------------------------------------------------


@_rule(FOLDED, Op.SUB, Op.XOR, Op.NE, Op.LT)
def _nothing(graph: Graph, _op: Op, a: Value, b: Value) -> Value | None:
    """x - x  =  0        x ^ x  =  0        x != x  =  0        x < x  =  0"""
    return graph.const(0) if a is b else None


@_rule(FOLDED, Op.EQ, Op.LE)
def _surely(graph: Graph, _op: Op, a: Value, b: Value) -> Value | None:
    """x == x  =  1        x <= x  =  1"""
    return graph.const(1) if a is b else None


@_rule(FOLDED, Op.AND, Op.OR)
def _twice(_graph: Graph, _op: Op, a: Value, b: Value) -> Value | None:
    """x & x  =  x        x | x  =  x"""
    return a if a is b else None


@_rule(FOLDED, *sorted(COMPARISONS))
def _decided(graph: Graph, op: Op, a: Value, b: Value) -> Value | None:
    """x:3 < 8  =  1        x:3 == 8  =  0        0 <= x:3  =  1        x:3 != 8  =  1"""
    decided = by_range(op, a, b)
    return None if decided is None else graph.const(decided)


@_rule(FOLDED, *[op for op in sorted(BINARY) if op.row.commutes])
def _swapped(graph: Graph, op: Op, a: Value, b: Value) -> Value | None:
    """c + x  =  x + c        c * x  =  x * c        c == x:3  =  x == c"""
    return combine(graph, op, b, a) if a.constant is not None and b.constant is None else None


@_rule(FOLDED, Op.ADD)
def _sum_of_sum(graph: Graph, op: Op, a: Value, b: Value) -> Value | None:
    """(x + c) + d  =  x + (c + d)        (x - c) + d  =  x + (d - c)

    A sum whose high bits are known stays one: c + d may have a bit more than either.
    """
    if b.constant is None or a.op not in _SUMS:
        return None
    x, inner = a.args
    if inner.constant is None:
        return None
    step = inner.constant if a.op is op else -inner.constant
    total = graph.const(b.constant + step)
    if a.bits and max(a.bits, b.bits) < graph.word_bits <= max(x.bits, total.bits):
        return None
    return graph.binary(op, x, total)


@_rule(FOLDED, Op.SUB)
def _less_of_sum(graph: Graph, _op: Op, a: Value, b: Value) -> Value | None:
    """(x + c) - d  =  x + (c - d)"""
    if b.constant is None or a.op is not _ADD or a.args[1].constant is None:
        return None
    return graph.binary(_ADD, a.args[0], graph.const(a.args[1].constant - b.constant))


@_rule(FOLDED, Op.AND)
def _masked_sum(graph: Graph, op: Op, a: Value, b: Value) -> Value | None:
    """((x & c) + d) & m  =  (x + d) & m        ((x & c) - d) & m  =  (x - d) & m

    if m keeps no more low bits than c.
    """
    mask = b.constant
    if mask is None or mask & (mask + 1) or a.op not in _SUMS:
        return None
    x, step = a.args
    if step.constant is None or x.op is not op or (inner := x.args[1].constant) is None:
        return None
    if inner & mask != mask:
        return None
    return graph.binary(op, combine(graph, a.op, x.args[0], step), b)


@_rule(FOLDED, Op.OR)
def _joined(graph: Graph, _op: Op, a: Value, b: Value) -> Value | None:
    """((x >> 8) << 8) | (x & 255)  =  x"""
    if a.op is _SHL and a.args[1].constant == 8 and a.args[0].op is _SHR:
        joined = graph.join(a.args[0], b)
        return joined if joined is a.args[0].args[0] else None
    return None


@_rule(FOLDED, Op.SHR)
def _shifted_twice(graph: Graph, op: Op, a: Value, b: Value) -> Value | None:
    """(x >> c) >> d  =  x >> (c + d)        (x:2 << c) >> c  =  x

    The second if x << c loses nothing.
    """
    if b.constant is None or a.op not in _SHIFTS or a.args[1].constant is None:
        return None
    x, distance = a.args[0], a.args[1].constant
    if a.op is _SHL:
        return x if a.bits and distance == b.constant else None
    if distance + b.constant >= x.bits:
        return graph.const(0)
    return graph.binary(op, x, graph.const(distance + b.constant))


@_rule(FOLDED, Op.EQ, Op.NE)
def _flag_compared(graph: Graph, op: Op, a: Value, b: Value) -> Value | None:
    """x:1 == 1  =  x        (x:3 < y:3) == 0  =  y <= x
    x:1 != 0  =  x        (x:3 == y:3) != 1  =  x != y"""
    if b.constant is None or a.bits != 1:
        return None
    if (b.constant == 1) == (op is _EQ):
        return a
    return graph.binary(*denied(a.op, *a.args)) if a.op in COMPARISONS else None


@_rule(FOLDED, Op.EQ, Op.NE)
def _solved(graph: Graph, op: Op, a: Value, b: Value) -> Value | None:
    """((x:3 + c) & 7) == d  =  x == ((d - c) & 7)
    ((x:3 + c) & 7) != d  =  x != ((d - c) & 7)"""
    number = b.constant
    if number is None or a.bits == 1:
        return None
    if a.op is _AND and (mask := a.args[1].constant) is not None and not mask & (mask + 1):
        total = a.args[0]
    else:
        total, mask = a, (1 << graph.word_bits) - 1
    if total.op is not _ADD or (step := total.args[1].constant) is None:
        return None
    x = total.args[0]
    if not x.bits or (1 << x.bits) - 1 > mask or number > mask:
        return None
    return combine(graph, op, x, graph.const((number - step) & mask))


@_rule(FOLDED, Op.SELECT)
def _flag_itself(graph: Graph, op: Op, flag: Value, yes: Value, no: Value) -> Value | None:
    """select(x:1, 1, 0)  =  x        select(x != 0, y, z)  =  select(x, y, z)"""
    tested = truth(flag)
    if tested.bits == 1 and yes.constant == 1 and no.constant == 0:
        return tested
    return None if tested is flag else graph.word(op, tested, yes, no)


# -- applying them -------------------------------------------------------------------------------


def first(table: Table, graph: Graph, op: Op, operands: Iterable[Any]) -> Value | None:
    """What the first rule of a table gives that gives something."""
    for rule in table.get(op, ()):
        found = rule(graph, op, *operands)
        if found is not None:
            return found
    return None


def simplify(graph: Graph, op: Op, a: Value, b: Value) -> Value | None:
    """What ``a op b`` is by FOLDED alone."""
    for rule in FOLDED.get(op, ()):
        found = rule(graph, op, a, b)
        if found is not None:
            return found
    return None


def combine(graph: Graph, op: Op, a: Value, b: Value) -> Value:
    """Build ``a op b`` by all rules."""
    simpler = simplify(graph, op, a, b)
    return graph.binary(op, a, b) if simpler is None else simpler


def rebuild(graph: Graph, op: Op, args: tuple[Value, ...], imm: tuple[int, ...]) -> Value:
    """Build an operation on words by all rules."""
    simpler = first(FOLDED, graph, op, (*args, *imm))
    return graph.word(op, *args, imm=imm) if simpler is None else simpler


# -- what is known of words ----------------------------------------------------------------------


def bounds(value: Value) -> tuple[int, int]:
    """The lowest and the highest number a value can be, by its bits."""
    constant = value.constant
    if constant is not None:
        return constant, constant
    return 0, (1 << (value.bits or value.graph.word_bits)) - 1


def by_range(op: Op, a: Value, b: Value) -> int | None:
    """What a comparison gives, if the bits of its operands decide it."""
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


def truth(condition: Value) -> Value:
    """A value that is zero exactly when the condition is: x for ``x != 0``."""
    while condition.op is Op.NE and condition.args[1].constant == 0:
        condition = condition.args[0]
    return condition

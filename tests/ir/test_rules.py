"""Every rule that makes an operation simpler, tried on all numbers of a few bits.

The equations that rules stand under are read from there, and must hold and be found.

An expression is built as it is written and by the rules, and both are interpreted for every value
of what it depends on. Words have five bits, so that they wrap, numbers come from all of them, and
variables have fewer bits, or all; where the rules claim bits for a result, it must have no more.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import product

import pytest

from jitvm.engine.ir.graph import Graph, Value
from jitvm.engine.ir.ops import BINARY, BY_NAME, COMPARISONS, MEANS, MODULAR, Op
from jitvm.engine.ir.passes.guards import Facts
from jitvm.engine.ir.rules import AT_ONCE, FOLDED, combine, rebuild, simplify, truth
from jitvm.engine.ir.verify import least_bits
from jitvm.guest import DescriptionError
from jitvm.guests.uxn import UXN

WORD = 5
ALL = range(1 << WORD)
SOME = (0, 1, 2, 3, 4, 7, 8, 11, 15, 16, 28, 30, 31)
FEW = (0, 1, 3, 7, 8, 15, 30, 31)
OPS = tuple(sorted(BINARY))
COMPARED = tuple(sorted(COMPARISONS))
INNER = (Op.ADD, Op.SUB, Op.AND, Op.SHL, Op.SHR)

Env = dict[Value, int]
Built = tuple[Value, Value]
"""An expression as it is written, and by the rules."""


def states(*variables: Value) -> list[Env]:
    """All values that some variables can have."""
    ranges = [range(1 << (each.bits or each.graph.word_bits)) for each in variables]
    return [dict(zip(variables, words, strict=True)) for words in product(*ranges)]


class Results:
    """What values of a graph are in some states; none is computed twice."""

    def __init__(self, graph: Graph, states: list[Env]) -> None:
        self._states = states
        self._mask = (1 << graph.word_bits) - 1
        self._known: dict[Value, list[int]] = {
            each: [state[each] for state in states] for each in states[0]
        }

    def of(self, value: Value) -> list[int]:
        """One number for each state; a value keeps what it claims of its bits."""
        known = self._known.get(value)
        if known is None:
            if value.constant is not None:
                known = [value.constant] * len(self._states)
            else:
                operands = zip(*(self.of(arg) for arg in value.args), strict=True)
                means, mask = MEANS[value.op], self._mask
                known = [means(*args, *value.imm) & mask for args in operands]
            assert not value.bits or not max(known) >> value.bits, f"{value.op} of {value.bits}"
            self._known[value] = known
        return known


def written(graph: Graph, op: Op, *args: Value, imm: tuple[int, ...] = ()) -> Value | None:
    """An operation as it stands in a graph before the passes; None where the IR has none."""
    for kind, operand in zip(op.row.operands, args, strict=True):
        if kind != "word" and operand.bits == MODULAR:
            return None
        if kind == "distance":
            constant = operand.constant
            if ((1 << operand.bits) - 1 if constant is None else constant) >= graph.word_bits:
                return None
    value = Value(graph, op, args, imm)
    value.bits = least_bits(value, UXN)
    return value


def built(graph: Graph, op: Op, a: Built, b: Built) -> Built | None:
    """An operation on expressions, both ways."""
    as_written = written(graph, op, a[0], b[0])
    if as_written is None:
        return None
    try:
        return as_written, combine(graph, op, a[1], b[1])
    except DescriptionError:
        raise AssertionError(f"the rules made an operand of {op} less known") from None


def same(results: Results, built: Built) -> None:
    """Both ways of an expression give the same, and what one step alone makes of it as well."""
    as_written, by_rules = built
    expected = results.of(as_written)
    a, b = as_written.args
    at_once = simplify(as_written.graph, as_written.op, a, b)
    assert results.of(by_rules) == expected, as_written.op
    assert at_once is None or results.of(at_once) == expected, as_written.op


def variable(graph: Graph, bits: int) -> Value:
    return Value(graph, Op.PARAM, bits=bits)


def numbers(graph: Graph, some: Iterable[int]) -> list[Built]:
    return [(graph.const(each), graph.const(each)) for each in some]


def sides(a: Built, b: Built) -> tuple[tuple[Built, Built], tuple[Built, Built]]:
    return (a, b), (b, a)


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("bits", [MODULAR, 3, WORD])
def test_a_variable_and_a_number_twice(op: Op, bits: int) -> None:
    """op(inner(x, c), d) with either side first."""
    count = 0
    for inner in OPS:
        graph = Graph(WORD)
        x = variable(graph, bits)
        results = Results(graph, states(x))
        for c in numbers(graph, ALL if inner in INNER else SOME):
            for first in sides((x, x), c):
                once = built(graph, inner, *first)
                if once is None:
                    continue
                same(results, once)
                for d in numbers(graph, SOME):
                    for second in sides(once, d):
                        twice = built(graph, op, *second)
                        if twice is not None:
                            same(results, twice)
                            count += 1
    assert count > 100


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("bits", [3, 4])
def test_a_variable_and_a_number_three_times(op: Op, bits: int) -> None:
    """op(middle(inner(x, c), d), e): sums under masks, equations, shifts of shifts."""
    for inner, middle in product(INNER, INNER):
        graph = Graph(WORD)
        x = variable(graph, bits)
        results = Results(graph, states(x))
        for c, d, e in product(numbers(graph, FEW), repeat=3):
            once = built(graph, inner, (x, x), c)
            twice = built(graph, middle, once, d) if once else None
            thrice = built(graph, op, twice, e) if twice else None
            if thrice is not None:
                same(results, thrice)


@pytest.mark.parametrize("op", OPS)
def test_two_variables(op: Op) -> None:
    """op(inner(x, y), c) and op(inner(x, x), y), for widths that differ."""
    for inner, bits in product(OPS, [(3, 3), (2, 4), (1, 1)]):
        graph = Graph(WORD)
        x, y = (variable(graph, each) for each in bits)
        results = Results(graph, states(x, y))
        for pair in (((x, x), (y, y)), ((x, x), (x, x))):
            once = built(graph, inner, *pair)
            if once is None:
                continue
            same(results, once)
            for other in (*numbers(graph, FEW), (x, x), (y, y), once):
                for second in sides(once, other):
                    twice = built(graph, op, *second)
                    if twice is not None:
                        same(results, twice)


@pytest.mark.parametrize("bits", [9, 12, 16])
def test_words_that_are_split_and_joined(bits: int) -> None:
    """Either half of a word, put together as either half of the same or of another."""
    graph = Graph(32)
    x, y, z = variable(graph, bits), variable(graph, 8), variable(graph, 3)
    results = Results(graph, [
        {x: a & ((1 << bits) - 1), y: b, z: c}
        for a in (0, 1, 255, 256, 257, 0x1234, 0xFF00, 0xFFFF)
        for b in (0, 1, 128, 255)
        for c in (0, 7)
    ])  # fmt: skip
    halves = [(Op.SHR, 8), (Op.AND, 255), (Op.SHR, 7), (Op.AND, 511)]

    def cut(word: Built, op: Op, number: int) -> Built:
        got = built(graph, op, word, (graph.const(number), graph.const(number)))
        assert got is not None
        return got

    whole: list[Built] = [(x, x), (y, y), (z, z)]
    parts = [*whole, *(cut(word, op, number) for word in whole for op, number in halves)]
    for high, low in product(parts, repeat=2):
        for distance in (7, 8):
            shifted = cut(high, Op.SHL, distance)
            for first in sides(shifted, low):
                joined = built(graph, Op.OR, *first)
                assert joined is not None
                same(results, joined)
                for op, number in halves:
                    same(results, cut(joined, op, number))


def test_selections_divisions_and_signs() -> None:
    graph = Graph(16)
    x, y = variable(graph, 2), variable(graph, 3)
    results = Results(graph, states(x, y))
    conditions = [graph.binary(op, x, graph.const(c)) for op in COMPARED for c in range(5)]
    words = [x, y, *map(graph.const, (0, 1, 2, 300))]
    for condition, yes, no in product([x, *conditions], words, words):
        as_written = Value(graph, Op.SELECT, (condition, yes, no))
        assert results.of(graph.select(condition, yes, no)) == results.of(as_written)
        by_rules = rebuild(graph, Op.SELECT, (condition, yes, no), ())
        assert results.of(by_rules) == results.of(as_written)
    for a, b, by_zero in product(words, words, (0, 1, 5, 999)):
        as_written = Value(graph, Op.DIV, (a, b), (by_zero,))
        assert results.of(graph.divide(a, b, by_zero)) == results.of(as_written)
    for number in (0, 1, 127, 128, 255, 256, 0x7FFF, 0x8000, 0xFFFF):
        for size in (1, 2):
            word = graph.const(number)
            as_written = Value(graph, Op.SIGNED, (word,), (size,))
            assert results.of(graph.signed(word, size)) == results.of(as_written)


@pytest.mark.parametrize("size", [1, 2])
def test_zeros_and_bytes(size: int) -> None:
    """Of all words of nine bits, and of numbers, by their digits."""

    def leading(digits: str) -> int:
        return len(digits) - len(digits.lstrip("0"))

    def trailing(digits: str) -> int:
        return len(digits) - len(digits.rstrip("0"))

    def swapped(digits: str) -> int:
        return int("".join(digits[i : i + 8] for i in range(8 * size - 8, -1, -8)), 2)

    graph = Graph(16)
    x = variable(graph, 9)
    results = Results(graph, states(x))
    digits = [f"{word:016b}"[-8 * size :] for word in range(1 << 9)]
    for op, count in ((Op.CLZ, leading), (Op.CTZ, trailing), (Op.BSWAP, swapped)):
        expected = [count(each) for each in digits]
        assert results.of(graph.word(op, x, imm=(size,))) == expected
        assert [
            graph.word(op, graph.const(word), imm=(size,)).constant for word in range(1 << 9)
        ] == expected
        again = graph.word(op, graph.word(op, x, imm=(size,)), imm=(size,))
        as_written = Value(graph, op, (Value(graph, op, (x,), (size,)),), (size,))
        assert results.of(again) == results.of(as_written)


def test_what_is_true_where_a_condition_is() -> None:
    graph = Graph(WORD)
    x, zero = variable(graph, 3), graph.const(0)
    condition = x
    for op in (Op.NE, Op.NE, Op.EQ, Op.NE, Op.NE, Op.LT):
        sides = (zero, condition) if op is Op.LT else (condition, zero)
        condition = Value(graph, op, sides, bits=1)
        results = Results(graph, states(x))
        is_true = [bool(word) for word in results.of(condition)]
        assert [bool(word) for word in results.of(truth(condition))] == is_true


# -- equations -----------------------------------------------------------------------------------

_SIGNS: dict[type[ast.AST], Op] = {
    ast.Add: Op.ADD, ast.Sub: Op.SUB, ast.Mult: Op.MUL, ast.BitAnd: Op.AND, ast.BitOr: Op.OR,
    ast.BitXor: Op.XOR, ast.LShift: Op.SHL, ast.RShift: Op.SHR, ast.Eq: Op.EQ, ast.NotEq: Op.NE,
    ast.Lt: Op.LT, ast.LtE: Op.LE,
}  # fmt: skip
_WORD = re.compile(r"\b([xyz]):(\d+)")
_TRIED = (0, 1, 2, 3, 4, 7, 8, 9, 13)
"""Values of the numbers of an equation."""


def equations(rule: Callable[..., object]) -> list[tuple[str, str]]:
    """Both sides of each equation that a rule stands under."""
    parts = re.split(r"\s{4,}|\n", (rule.__doc__ or "").strip())
    found = [part.strip().split("  =  ") for part in parts if "  =  " in part]
    return [(left, right) for left, right in found]


class Reading:
    """Builds an expression as it is written, for some values of its numbers.

    Operations that the IR does not have (`written`) raise `Unwritten`.
    """

    def __init__(self, graph: Graph, names: dict[str, Value]) -> None:
        self.graph = graph
        self.names = names

    def value(self, text: str) -> Value:
        return self._of(ast.parse(_WORD.sub(r"\1", text), mode="eval").body)

    def _of(self, node: ast.expr) -> Value:
        if isinstance(node, ast.Name):
            return self.names[node.id]
        if isinstance(node, ast.Constant):
            assert isinstance(node.value, int)
            return self.graph.const(node.value)
        if isinstance(node, ast.Call):
            assert isinstance(node.func, ast.Name)
            op = BY_NAME[node.func.id]
            return self._made(op, *map(self._of, node.args))
        if isinstance(node, ast.Compare):
            return self._made(
                _SIGNS[type(node.ops[0])], self._of(node.left), self._of(node.comparators[0])
            )
        assert isinstance(node, ast.BinOp)
        return self._made(_SIGNS[type(node.op)], self._of(node.left), self._of(node.right))

    def _made(self, op: Op, *args: Value) -> Value:
        count = len(op.row.operands)
        imm = tuple(arg.imm[0] for arg in args[count:])
        made = written(self.graph, op, *args[:count], imm=imm)
        if made is None:
            raise Unwritten
        return made


class Unwritten(Exception):
    """The IR has no such operation on such words."""


def readings(left: str, right: str) -> Iterator[tuple[Value, Value, Results]]:
    """Both sides of an equation as they are written, for words of several widths and numbers."""
    widths = dict(_WORD.findall(left))
    words = sorted(set(re.findall(r"\b[xyz]\b", left)))
    numbers = sorted(set(re.findall(r"\b[cdm]\b", left)))
    needed = 16 if re.search(r"\b(8|16|255)\b", left) else WORD
    for bits in product(*[[int(widths[w])] if w in widths else [MODULAR, 3] for w in words]):
        graph = Graph(needed)
        named = {word: variable(graph, each) for word, each in zip(words, bits, strict=True)}
        tried = states(*named.values()) if needed == WORD else some_states(named)
        for values in product(_TRIED, repeat=len(numbers)):
            constants = {n: graph.const(v) for n, v in zip(numbers, values, strict=True)}
            reading = Reading(graph, {**named, **constants})
            try:
                sides = reading.value(left), reading.value(right)
            except Unwritten:
                continue
            yield *sides, Results(graph, tried)


def some_states(named: dict[str, Value]) -> list[Env]:
    """Some values of words that are too wide for all."""
    some = [(0, 1, 3, 255, 256, 0x1234, 0xFFFF)] * len(named)
    return [
        {
            word: each & ((1 << (word.bits or 16)) - 1)
            for word, each in zip(named.values(), row, strict=True)
        }
        for row in product(*some)
    ]


RULES = [
    pytest.param(table, rule, id=rule.__name__)
    for table in (AT_ONCE, FOLDED)
    for rule in dict.fromkeys(rule for rules in table.values() for rule in rules)
]


@pytest.mark.parametrize(("table", "rule"), RULES)
def test_equations_hold_and_are_found(
    table: dict[Op, tuple[Callable[..., Value | None], ...]], rule: Callable[..., Value | None]
) -> None:
    ops = {op for op, rules in table.items() if rule in rules}
    assert equations(rule)
    for left, right in equations(rule):
        found = 0
        for whole, part, results in readings(left, right):
            assert whole.op in ops
            simpler = rule(whole.graph, whole.op, *whole.args, *whole.imm)
            if simpler is not None:
                found += 1
                assert results.of(simpler) == results.of(whole) == results.of(part), left
        assert found, f"{left} is not found"


# -- guards --------------------------------------------------------------------------------------


def _conditions(graph: Graph, words: list[Value]) -> list[Value]:
    """Comparisons of words with numbers, either first, and with each other."""
    pairs = [
        pair
        for word in words
        for number in (0, 1, 6, 7, 14, 15)
        for pair in ((word, graph.const(number)), (graph.const(number), word))
    ]
    pairs += [(a, b) for a in words for b in words if a is not b]
    return [
        *words,
        *(Value(graph, op, pair, bits=1) for op in COMPARED for pair in pairs),
    ]


def _sets(results: Results, conditions: list[Value]) -> list[int]:
    """For each condition, the states in which it holds, a bit each."""
    return [
        sum(bool(word) << number for number, word in enumerate(results.of(condition)))
        for condition in conditions
    ]


def _shifted(graph: Graph, x: Value, step: int, mask: int) -> Value:
    """(x + step) & mask, as bounds of pointers are written."""
    total = Value(graph, Op.ADD, (x, graph.const(step)))
    return Value(graph, Op.AND, (total, graph.const(mask)), bits=mask.bit_length())


def _one_variable(bits: int, mask: int) -> Callable[[Graph], tuple[list[Value], list[Value]]]:
    def make(graph: Graph) -> tuple[list[Value], list[Value]]:
        x = variable(graph, bits)
        steps = (1, 5, (1 << graph.word_bits) - 3)
        return [x], [x, *(_shifted(graph, x, step, mask) for step in steps)]

    return make


def _two_variables(graph: Graph) -> tuple[list[Value], list[Value]]:
    x, y = variable(graph, 3), variable(graph, 4)
    return [x, y], [x, y, _shifted(graph, x, 2, 15)]


@pytest.mark.parametrize(
    "make",
    [_one_variable(4, 15), _one_variable(3, 15), _one_variable(4, 7), _two_variables],
    ids=["fits", "narrower", "cut", "two"],
)
def test_what_guards_tell(make: Callable[[Graph], tuple[list[Value], list[Value]]]) -> None:
    """One condition or two are known to hold, or not to; nothing else is decided wrongly."""
    graph = Graph(8)
    variables, words = make(graph)
    conditions = _conditions(graph, words)
    results = Results(graph, states(*variables))
    sets = _sets(results, conditions)
    everywhere = (1 << len(states(*variables))) - 1
    asked = range(len(conditions))
    decided = 0

    def check(facts: Facts, possible: int, asked: range) -> None:
        nonlocal decided
        for i in asked:
            answer = facts.decided(conditions[i])
            if answer is not None and possible:
                decided += 1
                wrong = possible & (~sets[i] if answer else sets[i])
                assert not wrong, (conditions[i].op, answer)

    for i, holds in product(asked, (True, False)):
        facts = Facts()
        possible = everywhere & (sets[i] if holds else ~sets[i])
        facts.learn(conditions[i], holds)
        check(facts, possible, asked)
        depth = facts.depth()
        for j in asked[i % 31 :: 31]:
            facts.learn(conditions[j], bool(i & 2))
            check(facts, possible & (sets[j] if i & 2 else ~sets[j]), asked[j % 9 :: 9])
            facts.leave(depth)
    assert decided > 1000

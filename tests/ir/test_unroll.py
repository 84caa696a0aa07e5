"""Random loops of one block mean the same when they go several rounds at a time.

A loop has a counter of a byte or a short, which rises or falls by a number or by a value from
outside, and ends where a comparison says so; its addresses are the counter with offsets. Starts,
ends and offsets are near each other and near the ends of memory, so that everything wraps now and
then.
"""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from jitvm.engine.ir.passes.unroll import unroll_counted
from jitvm.engine.ir.text import parse, show
from jitvm.engine.ir.verify import verify
from jitvm.guests.uxn import UXN
from tests.ir.states import look

_EDGES = (0, 1, 2, 7, 20, 127, 128, 200, 250, 255)
_WIDE_EDGES = (*_EDGES, 256, 500, 32767, 32768, 40000, 65280, 65500, 65530, 65535)


class _Loop:
    """Writes the text of a random loop."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.bits = self.rng.choice((8, 16, 16))
        self.mask = (1 << self.bits) - 1
        self.lines: list[str] = []
        self.count = 5
        self.sum = "%5"

    def value(self, bits: int, text: str) -> str:
        """An operation of the loop; its name."""
        self.count += 1
        self.lines.append(f"  %{self.count}:{bits} = {text}")
        return f"%{self.count}"

    def near(self) -> int:
        """A number at one of the places where something may wrap."""
        edges = _EDGES if self.bits == 8 else _WIDE_EDGES
        return self.rng.choice(edges) & self.mask

    def moved(self, word: str, number: str, op: str) -> str:
        """A sum that wraps where the counter does."""
        total = self.value(0 if op == "sub" else self.bits + 1, f"{op} {word}, {number}")
        return self.value(self.bits, f"and {total}, #{self.mask}")

    def address(self) -> str:
        rng = self.rng
        if rng.random() < 0.3:
            return "%4"
        return self.moved("%4", f"#{self.near() or 3}", rng.choice(("add", "add", "sub")))

    def access(self) -> None:
        """A load that is summed up, or a store that looks at the code map; perhaps a range."""
        rng, address, size = self.rng, self.address(), self.rng.choice((1, 2))
        if rng.random() < 0.4:
            limit = rng.choice((self.mask - size + 1, self.near()))
            self.lines.append(f"  guard {self.value(1, f'le {address}, #{limit}')} -> x1")
        if rng.random() < 0.5:
            watched = self.value(8 * size, f"map[{size}] {address}")
            self.lines.append(f"  guard {self.value(1, f'eq {watched}, #0')} -> x1")
            store = f"store[0,{size},65536] {address}, {self.sum}"
            self.lines += ["  act", f"  {store}", "  done"]
        else:
            word = self.value(8 * size, f"load[0,{size},65536] {address}")
            total = self.value(17, f"add {self.sum}, {word}")
            self.sum = self.value(16, f"and {total}, #65535")

    def text(self) -> str:
        rng, bits, start = self.rng, self.bits, self.near()
        step = rng.choice((1, 1, 1, 2, 3, 16, 64))
        op, by = rng.choice(("add", "sub")), f"#{step}"
        if rng.random() < 0.2:
            op, by = "add", "%3"
        for _ in range(rng.randint(1, 3)):
            self.access()
        following = self.moved("%4", by, op)
        sign = 1 if op == "add" else -1
        end = start + sign * step * rng.choice((1, 5, 9, 20, 33)) + rng.choice((0, 0, 1, -1))
        until = rng.choice((f"#{end & self.mask}", f"#{end & self.mask}", "%2"))
        tested = rng.choice((following, following, "%4", self.address()))
        sides = [tested, until]
        if rng.random() < 0.4:
            sides.reverse()
        compare = rng.choice(("ne", "ne", "lt", "le", "eq"))
        condition = self.value(1, f"{compare} {', '.join(sides)}")
        if until == "#0" and rng.random() < 0.5:
            condition = tested
        ways = [f"b1({following}, {self.sum})", "b2"]
        if rng.random() < 0.2:
            ways.reverse()
        return "\n".join([
            'graph "random loop" words 32',
            "b0 entry:",
            "  %0:8 = slot[0,-1,1]",
            "  %1:5 = and %0, #31",
            f"  %2:{bits} = or %1, #{end & self.mask & ~31}",
            f"  %3:4 = and %0, #{rng.choice((1, 3, 15))}",
            f"  goto b1(#{start}, #0)",
            f"b1 join(%4:{bits}, %5:16):",
            "  poll -> x0",
            *self.lines,
            f"  branch {condition}, {', '.join(ways)}",
            "b2:",
            "  leave x2",
            "x0: next POLL pc #256 pointers +0 +0",
            "x1: next STORE pc #257 pointers +0 +0 slots 0@-2:2=%4 1@-2:2=%5",
            f"x2: jump BRANCH pc #258 pointers +0 +0 slots 0@-2:2={following} 1@-2:2={self.sum}",
            "",
        ])  # fmt: skip


@settings(max_examples=120)
@given(seed=st.integers(0, 1 << 40))
def test_random_loops_mean_the_same(seed: int) -> None:
    text = _Loop(seed).text()
    graph = parse(text)
    verify(graph, UXN)
    unroll_counted(graph)
    verify(graph, UXN)
    unrolled = show(graph)
    for state in range(seed, seed + 6):
        before, after = (look(parse(each), state, (100, 7)) for each in (text, unrolled))
        # Rounds that are not polled do not count for the end that polls have.
        assert "POLL" in (before.reason, after.reason) or before == after


def test_many_random_loops_are_unrolled() -> None:
    graphs = [parse(_Loop(seed).text()) for seed in range(200)]
    for graph in graphs:
        unroll_counted(graph)
    assert sum(len(graph.blocks) > 3 for graph in graphs) > 50

"""Passes: what they make of the golden inputs, and that no state can tell the difference."""

from __future__ import annotations

from pathlib import Path

import pytest

from jitvm.engine.ir.passes import PASSES
from jitvm.engine.ir.text import parse, show
from jitvm.engine.ir.verify import verify
from jitvm.guests.uxn import UXN
from tests.ir.formed import SEEDS, graphs
from tests.ir.golden import files, read
from tests.ir.states import Seen, look

FILES = files("passes")


def _unless_polled(got: Seen, before: Seen) -> Seen:
    """What was got; what was before where a poll ended either."""
    return before if "POLL" in (got.reason, before.reason) else got


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_golden(path: Path) -> None:
    golden = read(path)
    assert tuple(show(golden.result()).splitlines()) == golden.expected


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_golden_means_the_same(path: Path) -> None:
    golden = read(path)
    verify(golden.graph(), UXN)
    verify(golden.result(), UXN)
    for seed in range(30):
        assert look(golden.graph(), seed, (100, 7)) == look(golden.result(), seed, (100, 7))


def test_every_pass_has_golden_tests() -> None:
    assert {name for path in FILES for name in read(path).passes} == set(PASSES)


@pytest.mark.parametrize("seed", SEEDS)
def test_regions_mean_the_same_after_each_pass(seed: int) -> None:
    states = 10 * seed
    for formed, _ in graphs(seed)[:4]:
        expected = [look(parse(formed), states + i) for i in range(4)]
        graph = parse(formed)
        for name, run in PASSES.items():
            run(graph)
            verify(graph, UXN)
            text = show(graph)
            got = [look(parse(text), states + i) for i in range(4)]
            before = expected
            if name == "unroll":  # polls less often, so what a poll ends is ended elsewhere
                expected, got = got, list(map(_unless_polled, got, before))
            assert got == before, f"{name} changed what {graph.where} does"

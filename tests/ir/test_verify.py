"""Every rule of region IR, broken once; and graphs that break none."""

from __future__ import annotations

from pathlib import Path

import pytest

from jitvm.engine.interpreter.cores import fast_graph, full_graph
from jitvm.engine.ir.text import parse
from jitvm.engine.ir.verify import VerifyError, verify
from jitvm.guests.uxn import UXN
from tests.ir.formed import SEEDS, graphs
from tests.ir.golden import files, read


@pytest.mark.parametrize("path", files("broken"), ids=lambda path: path.stem)
def test_a_broken_rule_is_told(path: Path) -> None:
    golden = read(path)
    with pytest.raises(VerifyError) as caught:
        verify(golden.graph(), UXN)
    assert golden.error in str(caught.value)


@pytest.mark.parametrize("seed", SEEDS)
def test_regions_keep_the_rules(seed: int) -> None:
    assert graphs(seed)
    for texts in graphs(seed):
        for text in texts:
            verify(parse(text), UXN)


def test_handlers_keep_the_rules() -> None:
    for row in UXN.opcodes:
        verify(fast_graph(UXN, row, checked=True), UXN)
        verify(full_graph(UXN, row), UXN)

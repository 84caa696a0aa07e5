"""Some hundred mutated inputs for each parser, the same ones every time."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.fuzz.inputs.mutate import mutate
from tests.fuzz.inputs.targets import TARGETS
from tests.fuzz.inputs.worker import check


@pytest.mark.parametrize("name", TARGETS)
def test_mutated_inputs_raise_what_is_documented(name: str, tmp_path: Path) -> None:
    rng = random.Random(7)
    # Following a ROM of many bytes takes a tenth of a second.
    for _ in range(40 if name == "rom" else 200):
        data = mutate(rng, TARGETS[name].seeds)
        check(TARGETS[name], data, tmp_path)


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_are_whole(name: str, tmp_path: Path) -> None:
    for seed in TARGETS[name].seeds:
        check(TARGETS[name], seed, tmp_path)

"""Messages of messages: what is kept and dropped, at every tier, judged by upb."""

from __future__ import annotations

from functools import cache
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jitvm.guests.wire.project.instructions import NUMBERS, guest
from tests.wire.emulated import emulated
from tests.wire.oracle import fill, judged, messages, mutated
from tests.wire.pair import PARAMS
from tests.wire.schemas import MESSAGES, generated, message
from tests.wire.selected import Bench, check_meaning, selected
from tests.wire.sound import all_are_sound

TIERS = ("reference", "interpreter")


@cache
def some(name: str) -> tuple[bytes, ...]:
    return tuple(messages(name, message(name), 60, seed=5))


def odd(name: str, seed: int, count: int) -> list[bytes]:
    random, base = Random(seed), some(name)
    return [
        mutated(random.choice(base), random) if random.random() < 0.7 else random.choice(base)
        for _ in range(count)
    ]


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("name", MESSAGES)
def test_native_and_plain_agree(name: str, tier: str) -> None:
    is_slow = tier == "reference"
    for seed in range(1 if is_slow else 2):
        random = Random(seed)
        bench = Bench(name, tier, delimited=random.random() < 0.3, **selected(name, random))
        bench.agree(list(some(name))[: 10 if is_slow else None])
        for _ in range(1 if is_slow else 2):
            bench.choose(random)
            bench.agree(odd(name, seed, 20 if is_slow else 60))


@pytest.mark.parametrize("tier", ["jit", "ir"])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("kinds.Leaf", {"drop": ["number"]}),
        ("kinds.Repeated", {"drop": ["u32", "text"]}),
    ],
)
def test_compiled_programs_do_the_same(name: str, tier: str, options: dict[str, Any]) -> None:
    bench = Bench(name, tier, **options)
    bench.choose(Random(1))
    bench.agree(list(some(name)) * 4)
    bench.agree(odd(name, 1, 60))
    (machine,) = bench.native.machines()
    assert machine.jit is not None
    assert machine.jit.statistics.installed
    assert not machine.jit.statistics.errors
    bench.choose(Random(2))
    bench.agree(list(some(name)) * 4)


@pytest.mark.parametrize("tier", ["aarch64", "aarch64 jit"])
def test_aarch64(tier: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench("kinds.Nested", tier, drop=["one.number", "many.name", "tail"])
    params = PARAMS if tier == "aarch64 jit" else None
    with emulated(guest(), bench.native, params, monkeypatch):
        bench.agree(list(some("kinds.Nested"))[:30])
        bench.agree(odd("kinds.Nested", 1, 20))


def test_every_instruction_is_sound_and_none_is_missing() -> None:
    all_are_sound(guest(), NUMBERS)


@settings(max_examples=20, deadline=None)
@given(name=st.sampled_from(MESSAGES), seed=st.integers(0, 1 << 32))
def test_what_is_left_means_what_it_meant(name: str, seed: int) -> None:
    random = Random(seed)
    bench = Bench(name, **selected(name, random))
    data = []
    for _ in range(6):
        made = generated(name)()
        fill(made, message(name), random)
        data.append(made.SerializePartialToString())
    data += [mutated(each, random) for each in data]
    for each in data:
        found, _ = bench.agree([each])
        for ours in found:
            check_meaning(bench, each, ours)
        if not found:
            assert judged(name, each) is None

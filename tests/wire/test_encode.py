"""Messages that are written of columns: to the byte what Protobuf's own package writes."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jitvm.engine.machine.machine import Tier
from jitvm.guests.wire.buffers import layout
from jitvm.guests.wire.encode import staging
from jitvm.guests.wire.encode.bound import Bound
from jitvm.guests.wire.encode.encoder import OUTPUT_SIZE, Encoder
from jitvm.guests.wire.encode.fitting import Fitter
from jitvm.guests.wire.encode.instructions import NUMBERS, guest
from jitvm.guests.wire.encode.node import imported
from jitvm.guests.wire.encode.operands import COLUMNS, OUTPUT
from jitvm.guests.wire.encode.staging import Stage
from jitvm.guests.wire.encode.writing import END, STARTS, Writer
from jitvm.guests.wire.pool import POOL
from jitvm.guests.wire.protobuf.columns import tree
from jitvm.guests.wire.reading import Reader
from tests.wire.emulated import emulated
from tests.wire.oracle import fill, messages
from tests.wire.pair import PARAMS
from tests.wire.schemas import MESSAGES, generated, message
from tests.wire.sound import all_are_sound

ROWS, BYTES = 4096, 1 << 20


@cache
def some(name: str) -> tuple[bytes, ...]:
    return tuple(messages(name, message(name), 60, seed=5))


class Bench:
    """An encoder of a type at some tier, with whatever instructions."""

    def __init__(self, name: str, tier: str = "interpreter", **options: Any) -> None:
        self.tree = tree(message(name), **options)
        placed = layout(self.tree, ROWS, BYTES)
        kind = Tier.REFERENCE if tier.startswith("aarch64") else Tier(tier)
        self.encoder = Encoder(self.tree, placed, tier=kind, params=PARAMS)
        self.stage = Stage(self.tree, placed, POOL.take(placed.size))
        self.reader = Reader(message(name), **options)

    def choose(self, random: Random) -> None:
        """Any variants of instructions: they write whatever there is."""
        for site in self.encoder.program.sites:
            self.encoder.choose(site, random.choice(site.variants))

    def written(self, data: list[bytes], batch: int = ROWS) -> list[bytes]:
        """Messages read to columns, and written again, so many at a time."""
        table, out = self.reader.read(data), POOL.take(OUTPUT_SIZE)
        (node,) = imported(table)
        columns = Fitter(self.tree).fit(node)
        cursor, starts, place = END, STARTS, len(data)
        with self.encoder.running(self.stage.space) as run:
            while place:
                count = min(batch, place)
                self.stage.put(columns, place - count, count)
                starts -= 4 * count
                most = self.encoder.bound.of(self.stage.counts, self.stage.texts)
                before = cursor
                cursor = run.encode(self.stage.counts, out, starts, cursor)
                assert before - cursor <= most
                place -= count
        words = np.frombuffer(out.buffer(starts, 4 * (len(data) + 1)), "<u4").tolist()
        raw = bytes(out.buffer(cursor, END - cursor))
        return [raw[a - cursor : b - cursor] for a, b in pairwise(words)]


@pytest.mark.parametrize("tier", ["reference", "interpreter"])
@pytest.mark.parametrize("name", MESSAGES)
def test_what_was_read_is_written_as_it_was(name: str, tier: str) -> None:
    bench = Bench(name, tier)
    data = list(some(name))[: 12 if tier == "reference" else None]
    assert bench.written(data) == data
    for seed in range(1 if tier == "reference" else 3):
        bench.choose(Random(seed))
        assert bench.written(data, batch=7) == data


@pytest.mark.parametrize("tier", ["jit", "ir"])
@pytest.mark.parametrize("name", ["kinds.Leaf", "kinds.Repeated", "kinds.Nested"])
def test_compiled_programs_do_the_same(name: str, tier: str) -> None:
    bench = Bench(name, tier)
    bench.choose(Random(1))
    data = list(some(name)) * 4
    assert bench.written(data) == data
    (machine,) = bench.encoder.machines()
    assert machine.jit is not None
    assert machine.jit.statistics.installed
    assert not machine.jit.statistics.errors
    if name == "kinds.Leaf":
        bench.choose(Random(2))
        assert bench.written(data) == data


def shares(bench: Bench, there: int, of: int) -> set[str]:
    """How fields are looked for after a batch in which they are in so many messages of some."""
    full = generated("kinds.Optional")(i64=5, text="some text", flag=True).SerializeToString()
    data = [full if i % of < there else b"" for i in range(240)]
    assert bench.written(data) == data
    return {
        site.chosen for site in bench.encoder.program.sites
        if site.stem == "look" and site.column.path in ("i64", "text", "flag")
    }  # fmt: skip


def test_what_seldom_is_there_is_looked_for_before_it_is_written() -> None:
    bench = Bench("kinds.Optional", "jit")  # batches 1, 2, 4, 8 are looked at
    assert shares(bench, 1, 4) == {"often"}
    assert shares(bench, 1, 8) == {"seldom"}
    assert shares(bench, 1, 2) == {"seldom"}
    assert shares(bench, 1, 4) == {"seldom"}
    for _ in range(4):
        found = shares(bench, 1, 2)
    assert found == {"often"}


def test_what_seldom_is_there_is_told_from_what_is_in_nothing() -> None:
    """Where it stands in messages that seldom are there, these count."""
    bench = Bench("kinds.Nested", "jit")
    cls = generated("kinds.Nested")
    data = [cls(one={"name": "leaf"} if i % 10 == 0 else None) for i in range(240)]
    raw = [each.SerializeToString() for each in data]
    assert bench.written(raw) == raw
    (site,) = [
        site for site in bench.encoder.program.sites
        if site.stem == "look" and site.column.path == "one.name"
    ]  # fmt: skip
    assert site.chosen == "often"


@pytest.mark.parametrize("has_kernel", [True, False])
def test_columns_without_values_leave_nothing_of_those_before(
    has_kernel: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not has_kernel:
        monkeypatch.setattr(staging, "_kernel", lambda: None)
    for name in ("kinds.Nested", "kinds.Optional", "kinds.Maps", "kinds.Choice", "old.Old"):
        bench, cls = Bench(name), generated(name)
        bare = next((each for each in some(name) if cls.FromString(each) == cls()), None)
        empty = [b"" if bare is None else bare] * 50
        if name == "old.Old":
            empty = [min(some(name), key=len)] * 50
        for seed, data in enumerate((list(some(name)), empty, list(some(name)), empty)):
            bench.choose(Random(seed))
            assert bench.written(data) == data


@pytest.mark.parametrize("tier", ["aarch64", "aarch64 jit"])
def test_aarch64(tier: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench("kinds.Leaf", tier)
    params = PARAMS if tier == "aarch64 jit" else None
    with emulated(guest(), bench.encoder, params, monkeypatch):
        data = list(some("kinds.Leaf"))
        assert bench.written(data) == data


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("kinds.Known", {"wrappers": False}),
        ("kinds.Recursive", {"depth": 1}),
        ("kinds.Nested", {"large_offsets": True}),
        ("old.Old", {"depth": 2}),
        ("kinds.Scalars", {"unknown": True}),
        ("kinds.Leaf", {"unknown": True}),
    ],
)
def test_columns_as_they_are_asked_for(name: str, options: dict[str, Any]) -> None:
    bench = Bench(name, **options)
    assert bench.written(list(some(name))) == list(some(name))


def test_unknown_fields_come_behind_the_others() -> None:
    bench = Bench("kinds.Nested", unknown=True)
    cls, unknown = generated("kinds.Nested"), bytes.fromhex("d83e05") + b"\xda\x3e\x02ab"
    data = []
    for each in some("kinds.Nested"):
        made = cls.FromString(each + unknown)
        made.one.MergeFromString(unknown)
        data.append(made.SerializeToString())
    assert bench.written(data) == data


def test_every_instruction_is_sound_and_none_is_missing() -> None:
    all_are_sound(guest(), NUMBERS)


@settings(max_examples=40, deadline=None)
@given(name=st.sampled_from(MESSAGES), seed=st.integers(0, 1 << 32), count=st.integers(1, 9))
def test_any_messages(name: str, seed: int, count: int) -> None:
    random = Random(seed)
    data = []
    for _ in range(count):
        made = generated(name)()
        fill(made, message(name), random)
        data.append(made.SerializePartialToString())
    found = writer(name).write(reader(name).read(data))
    assert found.to_list() == data
    assert list(found) == data


@cache
def writer(name: str) -> Writer:
    return Writer(message(name))


@cache
def reader(name: str) -> Reader:
    return Reader(message(name))


def test_the_bound_is_that_of_the_longest_values() -> None:
    """Each number as long as it can be: there is room, and not much more."""
    cls = generated("kinds.Scalars")
    longest: dict[str, object] = {}
    for field in message("kinds.Scalars").fields:
        kind = field.kind.name
        if kind in ("STRING", "BYTES"):
            longest[field.name] = "x" * 300 if kind == "STRING" else b"x" * 300
        elif kind in ("BOOL", "DOUBLE", "FLOAT"):
            longest[field.name] = True if kind == "BOOL" else 1.5
        elif kind == "ENUM":
            longest[field.name] = -3
        elif kind.startswith(("U", "FIXED")):
            longest[field.name] = (1 << (64 if kind.endswith("64") else 32)) - 1
        else:
            longest[field.name] = -(1 << (63 if kind.endswith("64") else 31))
    data = [cls(**longest).SerializeToString()] * 10
    bench = Bench("kinds.Scalars")
    assert bench.written(data) == data
    counts, texts = [10], 10 * 600
    size = sum(map(len, data))
    assert size <= Bound(bench.tree).of(counts, texts) <= 2 * size


def test_machines_hold_on_to_no_memory() -> None:
    bench = Bench("kinds.Leaf")
    bench.written(list(some("kinds.Leaf")))
    (machine,) = bench.encoder.machines()
    for space in (COLUMNS, OUTPUT):
        assert not hasattr(machine.state.spaces[space].obj, "space")


@pytest.mark.parametrize("name", ["kinds.Nested", "kinds.Repeated", "kinds.Maps", "kinds.Optional"])
@pytest.mark.parametrize("large", [False, True])
def test_columns_are_staged_with_and_without_a_kernel(
    name: str, large: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    staging.KERNELS.wait()
    assert staging._kernel() is not None
    data = list(some(name))
    assert Bench(name, large_offsets=large).written(data, batch=7) == data
    monkeypatch.setattr(staging, "_kernel", lambda: None)
    assert Bench(name, large_offsets=large).written(data, batch=7) == data


@pytest.mark.parametrize("has_kernel", [True, False])
def test_what_is_too_much_for_a_batch_is_told(
    has_kernel: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    staging.KERNELS.wait()
    if not has_kernel:
        monkeypatch.setattr(staging, "_kernel", lambda: None)
    bench = Bench("kinds.Leaf")
    cls = generated("kinds.Leaf")
    texts = [cls(name="x" * (BYTES // 2)).SerializeToString() for _ in range(3)]
    many = [cls(more=[1] * (BYTES // 2)).SerializeToString()] * 3
    for data in ([cls().SerializeToString()] * (ROWS + 1), texts, many):
        (node,) = imported(bench.reader.read(data))
        columns = Fitter(bench.tree).fit(node)
        with pytest.raises(staging.TooMuch):
            bench.stage.put(columns, 0, len(data))
        bench.stage.put(columns, 1, 1)
        assert bench.stage.counts[0] == 1


@settings(max_examples=30, deadline=None)
@given(
    name=st.sampled_from(MESSAGES),
    cuts=st.lists(st.integers(0, 60), max_size=4),
    first=st.integers(0, 59),
)
def test_any_parts_of_tables(name: str, cuts: list[int], first: int) -> None:
    """Slices and chunks of Arrow's arrays, whose offsets begin anywhere."""
    data = list(some(name))
    table = reader(name).read(data).to_arrow()
    places = sorted({first, 60, *(each for each in cuts if each > first)})
    parts = [table.slice(a, b - a) for a, b in pairwise(places)]
    found = writer(name).write(pa.concat_tables(parts))
    assert found.to_list() == data[first:]

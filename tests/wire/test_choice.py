"""Instructions are chosen by what messages look like, and chosen again when these change."""

from __future__ import annotations

from array import array
from contextlib import AbstractContextManager, nullcontext
from random import Random
from typing import Any

import pytest

from jitvm.engine.codegen.native import Compiler
from jitvm.engine.machine.machine import Tier
from jitvm.guests.wire.buffers import layout
from jitvm.guests.wire.decoder import Decoder
from jitvm.guests.wire.instructions import guest
from jitvm.guests.wire.pool import POOL
from jitvm.guests.wire.protobuf.columns import tree
from tests.engine.emulated import EmulatedMachine
from tests.jit.emulated import emulated_jit
from tests.wire.oracle import judged, row, rows_of
from tests.wire.pair import PARAMS, Pair
from tests.wire.schemas import generated, message


def decoded(decoder: Decoder, name: str, messages: list[Any]) -> None:
    """Decode messages, and see that it is right."""
    out = POOL.take(decoder.layout.size)
    data = [each.SerializeToString() for each in messages]
    offsets = array("q", [0])
    for each in data:
        offsets.append(offsets[-1] + len(each))
    batch = decoder.decode(memoryview(b"".join(data)), memoryview(offsets), 0, len(data), out)
    expected = [row(judged(name, each), decoder.tree.root) for each in data]
    assert rows_of(decoder.tree, batch.rows, out) == expected


def chosen(decoder: Decoder) -> dict[str, str]:
    return {site.column.path: site.chosen for site in decoder.program.sites}


def decoder_of(name: str) -> Decoder:
    made = tree(message(name))
    return Decoder(made, layout(made, 1000, 1 << 20), tier=Tier.INTERPRETER)


@pytest.mark.parametrize(
    ("values", "variant"),
    [
        ([5] * 100, "1"),
        ([300] * 100, "2"),
        ([5, 300] * 50, "1-2"),
        ([300] * 99 + [1 << 40], "2"),
        ([5] * 40 + [300] * 960, "1-2"),  # values of all of a batch count, not those of its end
        ([1 << 60] * 100, "10"),
        ([-1] * 100, "10"),
        ([0] * 100, "10"),  # absent: nothing is known
    ],
)
def test_varints(values: list[int], variant: str) -> None:
    decoder = decoder_of("kinds.Scalars")
    decoded(decoder, "kinds.Scalars", [generated("kinds.Scalars")(i64=each) for each in values])
    assert chosen(decoder)["i64"] == variant


@pytest.mark.parametrize(
    ("values", "variant"),
    [([5, 100], "1"), ([300, 16000], "2"), ([5, 300], "1-2"), ([5, 1 << 20], "8"), ([-1], "10")],
)
def test_elements(values: list[int], variant: str) -> None:
    decoder = decoder_of("kinds.Repeated")
    made = generated("kinds.Repeated")(i64=values * 7)
    decoded(decoder, "kinds.Repeated", [made] * 20)
    assert chosen(decoder)["i64"] == variant


@pytest.mark.parametrize(
    ("value", "variant"), [(-1, "1"), (63, "1"), (-64, "1"), (64, "2"), (-65, "2"), (9000, "8")]
)
def test_zigzag(value: int, variant: str) -> None:
    decoder = decoder_of("kinds.Scalars")
    decoded(decoder, "kinds.Scalars", [generated("kinds.Scalars")(z64=value, z32=value)] * 40)
    assert chosen(decoder)["z64"] == chosen(decoder)["z32"] == variant


@pytest.mark.parametrize(
    ("length", "variant"), [(5, "16"), (16, "16"), (17, "32"), (33, "64"), (65, "any")]
)
def test_texts(length: int, variant: str) -> None:
    decoder = decoder_of("kinds.Nested")
    leaf = {"number": 7, "name": "x" * length, "more": [1, -2]}
    made = generated("kinds.Nested")(many=[leaf] * 3)
    decoded(decoder, "kinds.Nested", [made] * 40)
    assert chosen(decoder)["many.name"] == variant
    assert chosen(decoder)["many.more"] == "1"


def test_messages() -> None:
    """By the longest there may be: it costs more to leave the usual order than to read a length."""
    decoder = decoder_of("kinds.Nested")
    short, long = {"name": "x" * 20}, {"name": "x" * 200}
    made = generated("kinds.Nested")(one=short, many=[short] * 9 + [long])
    decoded(decoder, "kinds.Nested", [made] * 40)
    assert chosen(decoder)["one"] == "1"
    assert chosen(decoder)["many"] == "10"


def test_another_is_chosen_when_it_fits_too_few() -> None:
    name, decoder = "kinds.Scalars", decoder_of("kinds.Scalars")
    made = generated(name)
    decoded(decoder, name, [made(i64=5)] * 100)
    assert chosen(decoder)["i64"] == "1"
    few = [made(i64=300 if i % 60 == 0 else 5) for i in range(96)]
    decoded(decoder, name, few)
    assert chosen(decoder)["i64"] == "1"
    decoded(decoder, name, [made(i64=300)] * 100)  # the third batch is not looked at
    assert chosen(decoder)["i64"] == "1"
    decoded(decoder, name, [made(i64=300)] * 100)
    assert chosen(decoder)["i64"] == "2"


def in_no_order(name: str, random: Random, **values: Any) -> bytes:
    """A message with its fields in any order."""
    parts = [generated(name)(**{key: value}) for key, value in values.items()]
    random.shuffle(parts)
    return b"".join(each.SerializeToString() for each in parts)


def numbers(random: Random) -> dict[str, Any]:
    return {
        "f64": random.random(), "f32": 1.5, "i64": random.randrange(1, 1 << 20), "flag": True,
        "u64": random.randrange(1, 99), "i32": random.randrange(1, 9), "x64": 3, "u32": 7,
        "x32": random.getrandbits(30) + 1, "text": "some text"[: random.randrange(1, 9)],
    }  # fmt: skip


def ways(decoder: Decoder) -> dict[str, str]:
    return {
        site.column.path: site.chosen
        for site in decoder.program.sites if site.stem in ("next", "way")
    }  # fmt: skip


def run_by(pair: Pair, tier: str, monkeypatch: pytest.MonkeyPatch) -> AbstractContextManager[Any]:
    """A scope in which the native decoder of a pair runs as AArch64, where that is the tier."""
    if not tier.startswith("aarch64"):
        return nullcontext()
    machine = EmulatedMachine(guest())
    code = pair.native.program.code
    machine.memory[: len(code)] = code
    monkeypatch.setattr(Decoder, "machine", lambda *_: machine)
    return emulated_jit(machine, PARAMS, Compiler("aarch64"))


@pytest.mark.parametrize("tier", ["interpreter", "jit", "ir", "aarch64 jit"])
def test_fields_in_no_order(tier: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """They begin with all defaults as soon as that was seen, and in order again when they do."""
    random, name = Random(3), "kinds.Scalars"
    pair = Pair(name, tier=tier)
    ordered = [generated(name)(**numbers(random)).SerializeToString() for _ in range(40)]
    count = 40 if tier == "ir" else 200
    mixed = [in_no_order(name, random, **numbers(random)) for _ in range(count)]
    with run_by(pair, tier, monkeypatch):
        for data, way in ((ordered, "order"), (mixed, "any"), (ordered, "order")):
            pair.native._batches = 1  # it is curious
            pair.agree(data)
            assert ways(pair.native)[""] == way
            pair.agree(data)


def test_messages_in_messages_have_ways_of_their_own() -> None:
    random, pair = Random(4), Pair("kinds.Choice", tier="interpreter")
    leaf = {"number": 7, "name": "x"}
    data = []
    for _ in range(40):
        inner = in_no_order("kinds.Nested", random, one=leaf, many=[leaf] * 2, tail="t", middle={})
        data.append(b"\x08\x01\x52" + bytes([len(inner)]) + inner)
    pair.agree(data)
    assert ways(pair.native)[""] == "order"
    assert ways(pair.native)["nested"] == "any"
    pair.agree([*data, b"\x52\x00", b"", data[0][:2] + b"\x52\x02\x1a\x00"])

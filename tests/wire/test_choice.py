"""Instructions are chosen by what messages look like, and chosen again when these change."""

from __future__ import annotations

from array import array
from typing import Any

import pytest

from jitvm.engine.machine.machine import Tier
from jitvm.guests.wire.columns import layout, tree
from jitvm.guests.wire.decoder import Decoder
from jitvm.guests.wire.pool import POOL
from tests.wire.oracle import judged, row, rows_of
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
    few = [made(i64=300 if i % 40 == 0 else 5) for i in range(96)]
    decoded(decoder, name, few)
    assert chosen(decoder)["i64"] == "1"
    decoded(decoder, name, [made(i64=300)] * 100)  # the third batch is not looked at
    assert chosen(decoder)["i64"] == "1"
    decoded(decoder, name, [made(i64=300)] * 100)
    assert chosen(decoder)["i64"] == "2"

"""Plain fields that are read by a table: whatever they have in them, and whatever comes between."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from jitvm.guests.wire.anew import varint
from jitvm.guests.wire.buffers import layout
from jitvm.guests.wire.listing import WirePlatform, listing
from jitvm.guests.wire.program import make
from jitvm.guests.wire.protobuf.columns import tree
from jitvm.guests.wire.vm.fields import MOST
from tests.wire.pair import Pair
from tests.wire.schemas import message

UNKNOWN = [bytes.fromhex(text) for text in ("ca3e0161", "d33ed43e", "c83e01", "f81f05")]
ODD = [
    bytes.fromhex(text)
    for text in (
        "4002", "48808080808080808001", "18ffffffffffffffffff01", "880001", "5001", "3001", "0d00",
    )
]  # fmt: skip
"""Values that are not as usual: a flag of 2, numbers of nine and ten bytes, tags of more bytes than
they need, wire types of others."""


def pieces(name: str) -> list[bytes]:
    """Each field of a type, with some values that are as usual and some that are not."""
    found = []
    for field in message(name).by_number.values():
        head = varint(field.tag)
        values: dict[int, list[bytes]] = {
            0: [b"\0", b"\1", b"\x7f", b"\x80\1", b"\xff" * 4 + b"\x7f", b"\xff" * 9 + b"\1"],
            1: [bytes(range(8))], 5: [bytes(range(4))],
            2: [bytes((n,)) + b"x" * n for n in (0, 1, MOST - 1, MOST, MOST + 1, 100)],
        }  # fmt: skip
        found += [head + value for value in values.get(field.tag & 7, [])]
    return found


def mixed(name: str, random: Random, count: int) -> list[bytes]:
    known, found = pieces(name), []
    for _ in range(count):
        some = [*known, *random.sample([*UNKNOWN, *ODD], 2)]
        found.append(b"".join(random.choices(some, k=random.randrange(14))))
    return found


@pytest.mark.parametrize("tier", ["reference", "interpreter", "jit", "ir"])
@pytest.mark.parametrize("name", ["kinds.Scalars", "kinds.Optional"])
def test_any_fields_in_any_order(name: str, tier: str) -> None:
    random, pair = Random(11), Pair(name, tier=tier)
    for site in pair.native.program.sites:
        if site.stem in ("next", "way"):
            pair.native.choose(site, "any")
    pair.native._has_chosen = True
    for _ in range(1 if tier == "reference" else 3):
        assert pair.agree(mixed(name, random, 300 if tier == "interpreter" else 40)).rows


@pytest.mark.parametrize("options", [{"fields": ["text", "z32"]}, {"utf8": False}])
def test_what_is_not_asked_for_is_passed_over(options: dict[str, Any]) -> None:
    random, pair = Random(12), Pair("kinds.Scalars", **options)
    for _ in range(3):
        pair.agree(mixed("kinds.Scalars", random, 300))


def test_few_fields_have_no_table() -> None:
    for name, has_one in (("kinds.Scalars", True), ("kinds.Leaf", False)):
        columns = tree(message(name))
        layout(columns, 100, 10_000)
        program = make(columns)
        assert (
            " simple" in listing(program, name, WirePlatform(Pair(name).native.guest))
        ) == has_one

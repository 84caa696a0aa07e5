"""Canonical form, equality by meaning, and digests: held to Protobuf's own package."""

from __future__ import annotations

import subprocess
import sys
from hashlib import blake2b
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jitvm import wire
from jitvm.guests.wire.anew import varint
from jitvm.guests.wire.project.passing import Bad
from jitvm.guests.wire.project.plain import PlainProjection
from jitvm.guests.wire.project.projecting import Projector
from tests.wire.oracle import fill, judged, mutated
from tests.wire.schemas import MESSAGES, PROTOS, generated, message
from tests.wire.selected import prune, selected
from tests.wire.test_project import some

Maps, Nested, Leaf, Scalars = (
    generated(f"kinds.{name}") for name in ("Maps", "Nested", "Leaf", "Scalars")
)


MAPPED = ("kinds.Maps", "kinds.Recursive", "kinds.Known", "edition.Edition", "old.Old")
"""Types with maps, which Protobuf's package puts in an order of its own."""


def made_at_random(name: str, random: Random, count: int) -> list[bytes]:
    found = []
    for _ in range(count):
        made = generated(name)()
        fill(made, message(name), random)
        found.append(made.SerializePartialToString())
    return found


def canonical(made: Any) -> bytes:
    """The form that Protobuf's package writes, but for unknown fields."""
    found: bytes = made.SerializePartialToString(deterministic=True)
    return found


@pytest.mark.parametrize("name", MESSAGES)
def test_the_form_is_that_of_protobuf(name: str) -> None:
    data = list(some(name))
    random = Random(3)
    odd = [mutated(each, random) for each in data for _ in range(3)]
    odd = [each for each in odd if judged(name, each) is not None]
    projector = Projector(message(name), canonical=True, unknown=False, errors="null")
    for each, ours in zip([*data, *odd], projector.project([*data, *odd]), strict=True):
        theirs = generated(name).FromString(each)
        theirs.DiscardUnknownFields()
        if ours is None:  # strings of proto2 may be anything, for Protobuf
            assert name.startswith("old.")
            continue
        mine = generated(name)()
        mine.MergeFromString(ours)
        assert canonical(mine) == canonical(theirs), each.hex()
        assert len(ours) == len(canonical(theirs))
        assert name in MAPPED or ours == canonical(theirs), each.hex()


@settings(max_examples=20, deadline=None)
@given(name=st.sampled_from(MESSAGES), seed=st.integers(0, 1 << 32))
def test_in_bulk_and_one_by_one_it_is_the_same(name: str, seed: int) -> None:
    random = Random(seed)
    options = selected(name, random)
    projector = Projector(message(name), canonical=True, errors="null", **options)
    plain = PlainProjection(projector.selection, is_canonical=True)
    data = made_at_random(name, random, 4)
    data += [mutated(each, random) for each in data]
    found = projector.project(data)
    for at, (each, ours) in enumerate(zip(data, found, strict=True)):
        fault = next((error.fault for error in found.errors if error.row == at), None)
        wrong = None
        try:
            expected = plain.projected(memoryview(each))
        except Bad as bad:
            expected, wrong = None, bad.fault
        assert (ours, fault) == (expected, wrong), each.hex()
        if (theirs := judged(name, each)) is not None and ours is not None:
            prune(theirs, projector.selection.root)
            theirs.DiscardUnknownFields()
            mine = generated(name)()
            mine.MergeFromString(ours)
            mine.DiscardUnknownFields()
            assert canonical(mine) == canonical(theirs)


@settings(max_examples=20, deadline=None)
@given(name=st.sampled_from(MESSAGES), seed=st.integers(0, 1 << 32))
def test_what_means_the_same_is_the_same(name: str, seed: int) -> None:
    random = Random(seed)
    (one,) = made_at_random(name, random, 1)
    again = shuffled(one, random)
    assert wire.same(one, again, generated(name), unknown=True) == (
        canonical(generated(name).FromString(one)) == canonical(generated(name).FromString(again))
    )
    (other,) = made_at_random(name, random, 1)
    is_same = canonical(judged(name, one)) == canonical(judged(name, other))
    assert wire.same(one, other, generated(name)) == is_same
    digests = wire.digest([one, other, one], generated(name))
    assert digests[0] == digests[2]
    assert (digests[0] == digests[1]) == is_same
    whole = blake2b(canonical(judged(name, one)), digest_size=16).digest()
    assert name in MAPPED or digests[0] == whole


def shuffled(data: bytes, random: Random) -> bytes:
    """The fields of a message in another order, but those of one number."""
    from jitvm.guests.wire.project.passing import past, tag_at

    view, place = memoryview(data), 0
    fields: dict[int, list[bytes]] = {}
    while place < len(data):
        tag, begin = tag_at(view, place, len(data))
        behind = past(view, begin, len(data), tag, 100)
        fields.setdefault(tag >> 3, []).append(data[place:behind])
        place = behind
    order = list(fields)
    random.shuffle(order)
    return b"".join(b"".join(fields[number]) for number in order)


@pytest.mark.parametrize(
    ("name", "one", "other", "is_same"),
    [
        ("Repeated", "2a020102", "28012802", True),  # packed or not
        ("Leaf", "0800", "", True),  # a default that is there
        ("Optional", "2800", "", False),  # one that has a presence
        ("Leaf", "0805", "08070805", True),  # the last value counts
        ("Leaf", "0805", "88800005", True),  # a tag of more bytes than it needs
        ("Leaf", "0805", "08858000", True),  # a number of more bytes
        ("Scalars", "090000000000000080", "", False),  # -0.0 is not 0.0
        ("Scalars", "09010000000000f87f", "09020000000000f87f", False),  # NaNs by their bits
        ("Scalars", "09010000000000f87f", "09010000000000f87f", True),
        ("Scalars", "2801", "288180808010", True),  # an int32 of 33 bits
        ("Scalars", "4001", "4002", True),  # a flag is true
        ("Nested", "0a0208050a03120161", "0a050805120161", True),  # in pieces
        ("Leaf", "c03e01c03e02c83e01", "c83e01c03e01c03e02", True),  # unknown ones by number
        ("Leaf", "c03e01c03e02", "c03e02c03e01", False),
    ],
)  # fmt: skip
def test_what_is_the_same(name: str, one: str, other: str, is_same: bool) -> None:
    cls = generated(f"kinds.{name}")
    assert wire.same(bytes.fromhex(one), bytes.fromhex(other), cls) is is_same


def test_unknown_fields_count_if_asked_for() -> None:
    strange = b"\xd8\x3e\x05"
    assert not wire.same(b"\x08\x05", b"\x08\x05" + strange, Leaf)
    assert wire.same(b"\x08\x05", b"\x08\x05" + strange, Leaf, unknown=False)
    assert wire.digest([strange], Leaf) != wire.digest([b""], Leaf)
    assert wire.digest([strange], Leaf, unknown=False) == wire.digest([b""], Leaf)


def test_maps_are_in_the_order_of_their_keys() -> None:
    projector = Projector(message("kinds.Maps"), canonical=True)
    keys = ["", "a", "ab", "a" * 8, "a" * 8 + "b", "a" * 8 + "a", "b", "ü", "a\0", "a" * 9]
    random, entries = Random(1), {}
    for key in keys:
        raw = b"\x0a" + varint(len(key.encode())) + key.encode() + b"\x12\x01x"
        entries[key.encode()] = b"\x0a" + varint(len(raw)) + raw
    expected = b"".join(entries[key] for key in sorted(entries))
    for _ in range(20):
        random.shuffle(keys)
        data = b"".join(entries[key.encode()] for key in keys)
        assert projector.project([data]).to_list() == [expected]
    sums, levels = {-1: 1.0, 5: 2.0, 0: 3.0}, {True: 1, False: 0}
    numbers = Maps(sums=sums, blobs={-1: b"a", 1: b"b"}, levels=levels)
    found = projector.project([numbers.SerializeToString()])
    single: list[dict[str, Any]] = [{"sums": {key: sums[key]}} for key in (-1, 0, 5)]
    single += [{"levels": {key: levels[key]}} for key in (False, True)]
    single += [{"blobs": {-1: b"a"}}, {"blobs": {1: b"b"}}]
    assert found.to_list() == [b"".join(Maps(**each).SerializeToString() for each in single)]


def test_types_in_themselves_are_understood_however_deep() -> None:
    Recursive = generated("kinds.Recursive")
    made = Recursive()
    for value in range(20):
        made = Recursive(value=value, next=made, named={"b": {"value": 1}, "a": {"value": 2}})
    data = made.SerializeToString()
    odd = b"\x12" + varint(len(data) + 4) + b"\x08\x02\x08\x03" + data
    projector = Projector(message("kinds.Recursive"), canonical=True)
    found = projector.project([data, odd])
    expected = [
        Recursive.FromString(each).SerializeToString(deterministic=True) for each in (data, odd)
    ]
    assert found.to_list() == expected
    bad = b"\x12\x05\x12\x03\x12\x01\x08"
    projector = Projector(message("kinds.Recursive"), canonical=True, errors="skip")
    deep = b"\x12" + varint(len(bad)) + bad
    found = projector.project([data, b"\x12" + varint(len(deep)) + deep, odd])
    assert found.to_list() == expected
    assert [error.row for error in found.errors] == [1]


def test_what_is_wrong_is_told_with_its_row() -> None:
    good, bad = Leaf(number=5).SerializeToString(), b"\x08\x05\x12\x01\xff"
    with pytest.raises(wire.DecodeError) as info:
        wire.digest([good, bad], Leaf)
    assert (info.value.error.row, info.value.error.fault) == (1, wire.Fault.UTF8)
    assert wire.digest([bad, good, None], Leaf, errors="null") == [
        None, *wire.digest([good], Leaf), None,
    ]  # fmt: skip
    projector = wire.projector(Leaf, canonical=True, errors="skip", where="number == 5")
    found = projector.project([good, bad, good, b"", None])
    assert found.to_list() == [good, good]
    assert [(each.row, each.fault) for each in found.errors] == [
        (1, wire.Fault.UTF8), (4, wire.Fault.NULL),
    ]  # fmt: skip


def test_digests_are_the_same_in_every_process() -> None:
    data = Maps(labels={"a": "b", "c": "d"}, sums={1: 0.5}).SerializeToString()
    (digest,) = wire.digest([data], Maps)
    assert digest is not None
    code = (
        "import sys; from jitvm import wire; "
        "print(wire.digest([bytes.fromhex(sys.argv[1])], sys.argv[2])[0].hex())"
    )
    command = [sys.executable, "-c", code, data.hex(), f"{PROTOS / 'kinds.proto'}:Maps"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    assert done.stdout.strip() == digest.hex()
    assert wire.digest([b"\x08\x05"], Leaf)[0] == blake2b(b"\x08\x05", digest_size=16).digest()

"""The wire VM against the plain decoder, which is held to Protobuf's own package: at every tier,
whatever instructions are chosen, on messages that are right, odd and wrong."""

from __future__ import annotations

import re
from functools import cache
from random import Random
from typing import Any

import pytest
from google.protobuf import descriptor_pb2

from jitvm import wire
from jitvm.guests.wire.anew import written
from jitvm.guests.wire.buffers import layout
from jitvm.guests.wire.decoder import Decoder
from jitvm.guests.wire.instructions import NUMBERS, guest
from jitvm.guests.wire.program import spread
from jitvm.guests.wire.protobuf.columns import tree
from jitvm.guests.wire.writer import ProgramError
from tests.wire.emulated import emulated
from tests.wire.oracle import messages, mutated
from tests.wire.pair import BYTES, PARAMS, ROWS, Pair
from tests.wire.schemas import MESSAGES, message
from tests.wire.sound import all_are_sound

UNKNOWN = ("kinds.Leaf", "kinds.Nested", "kinds.Choice", "kinds.Scalars")
"""Types whose unknown fields are kept natively."""


@cache
def some(name: str) -> list[bytes]:
    return messages(name, message(name), 60, seed=5)


def odd(name: str, seed: int, count: int) -> list[bytes]:
    random = Random(seed)
    base = some(name)
    return [
        mutated(random.choice(base), random) if random.random() < 0.7 else random.choice(base)
        for _ in range(count)
    ]


@pytest.mark.parametrize("tier", ["reference", "interpreter"])
@pytest.mark.parametrize("name", MESSAGES)
def test_messages_are_read_as_the_plain_decoder_does(name: str, tier: str) -> None:
    pair = Pair(name, tier=tier)
    is_large = name == "edition.Edition"
    pair.agree(some(name)[: 20 if is_large else None])
    for seed in range(1 if tier == "reference" else 2 if is_large else 6):
        pair.choose(Random(seed))
        assert pair.agree(odd(name, seed, 30 if is_large else 60)).mistakes


@pytest.mark.parametrize("tier", ["jit", "ir"])
@pytest.mark.parametrize("name", ["kinds.Leaf", "kinds.Repeated"])
def test_compiled_programs_do_the_same(name: str, tier: str) -> None:
    pair = Pair(name, tier=tier)
    pair.choose(Random(1))
    pair.agree(some(name) * 2)
    pair.agree(odd(name, 1, 60))
    (machine,) = pair.native.machines()
    assert machine.jit is not None
    assert machine.jit.statistics.installed
    assert not machine.jit.statistics.errors


@pytest.mark.parametrize("tier", ["aarch64", "aarch64 jit"])
def test_aarch64(tier: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = Pair("kinds.Leaf", tier=tier)
    params = PARAMS if tier == "aarch64 jit" else None
    with emulated(guest(), pair.native, params, monkeypatch):
        pair.agree(some("kinds.Leaf"))
        pair.agree(odd("kinds.Leaf", 1, 60))


@pytest.mark.parametrize("name", MESSAGES)
@pytest.mark.parametrize("errors", ["raise", "null"])
def test_what_is_done_about_mistakes(name: str, errors: str) -> None:
    pair = Pair(name, errors=errors)
    for seed in range(2):
        pair.agree(odd(name, seed, 40))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("kinds.Scalars", {"fields": ["i64", "text", "farthest"]}),
        ("kinds.Nested", {"fields": ["many.name", "middle.leaf.more", "tail"]}),
        ("kinds.Choice", {"fields": ["number", "leaf.number", "after"]}),
        ("kinds.Maps", {"utf8": False}),
        ("kinds.Known", {"wrappers": False}),
        ("kinds.Recursive", {"depth": 1}),
        ("kinds.Nested", {"large_offsets": True}),
        ("old.Old", {"utf8": False, "depth": 2}),
    ],
)
def test_columns_as_they_are_asked_for(name: str, options: dict[str, Any]) -> None:
    pair = Pair(name, **options)
    pair.agree(some(name))
    for seed in range(4):
        pair.choose(Random(seed))
        pair.agree(odd(name, seed, 60))


def test_groups_that_are_no_columns_are_passed_over_wherever_they_are() -> None:
    """Fields behind one have defaults, and it unsets those of its oneof."""
    part, third = b"\x23\x28\x05\x24", b"\x6b\x6c"
    many, one = b"\x30\x01", b"\x58\x01"
    pair = Pair("old.Old", fields=["many", "one", "plain"])
    pair.agree([many * 3 + b"\x48\x09", part + many, part, third + many, part + one])
    pair.agree([one + third, one + many + third, third + one, one + b"\x08\x01" + third + many])
    for round in range(40):
        random = Random(round)
        pieces = [part, third, many, one, b"\x08\x01", b"\x48\x09", b"\x62\x01a"]
        pair.agree([b"".join(random.choices(pieces, k=random.randrange(6))) for _ in range(20)])


@pytest.mark.parametrize(
    "where",
    [
        "i64 > 100",
        "i64 <= -1",
        "u64 >= 1099511627776",
        "u32 != 0 and i32 < 5",
        "f64 == 1.5",
        "f32 > 0 or not flag",
        "not f64 > 1",
        "not (f64 <= 2 and flag)",
        "z64 in [0, 1, -300]",
        "level == HIGH",
        "f32 >= -2.25",
        "x32 > 7",
    ],
)
def test_conditions(where: str) -> None:
    pair = Pair("kinds.Scalars", where=where)
    batch = pair.agree(some("kinds.Scalars") * 3)
    assert 0 < batch.rows < 180
    pair.agree(odd("kinds.Scalars", 3, 100))


@pytest.mark.parametrize(
    "where", ["i64 is None", "text is not None and i32 < 7", "not flag", "level is None or u32 > 9"]
)
def test_conditions_on_what_may_be_absent(where: str) -> None:
    pair = Pair("kinds.Optional", where=where, errors="null")
    pair.agree(some("kinds.Optional") * 2)
    pair.agree(odd("kinds.Optional", 3, 100))


def test_a_batch_ends_where_it_is_full() -> None:
    pair = Pair("kinds.Leaf")
    pair.agree([b"\x08\x01"] * (ROWS + 5))
    large = b"\x12" + written_length(BYTES - 100) + b"x" * (BYTES - 100)
    assert pair.agree([large, large, b""]).next == 1
    assert pair.agree([large + large, b"\x08\x01"]).mistakes


def test_packed_fixed_numbers_are_whole_and_may_come_in_pieces() -> None:
    pair = Pair("kinds.Repeated")
    field = next(each for each in pair.tree.message.fields if each.wire_type == 1)
    tag, numbers = written_length(field.packed_tag or 0), bytes(range(40))
    whole = tag + b"\x28" + numbers
    assert pair.agree([whole, b"", tag + b"\x08" + numbers[:8] + tag + b"\0" + whole]).rows == 3
    mistakes = pair.agree([tag + b"\x27" + numbers[:39], whole, tag + b"\x29" + numbers]).mistakes
    assert [row for row, *_ in mistakes] == [0, 2]


def test_closed_enums_may_have_numbers_that_are_far_apart() -> None:
    cls = descriptor_pb2.FileDescriptorProto
    reader = wire.reader(cls, fields=["edition"])
    known = descriptor_pb2.Edition.values()
    assert max(known) - min(known) > 1 << 30
    numbers = sorted({each + more for each in known for more in (0, 1) if each < 1 << 31 - more})
    data = [b"\x70" + written_length(each) for each in numbers if each < 1 << 31]
    data.append(b"\x70" + written_length((1 << 64) - 1))
    rows = [cls.FromString(each) for each in data]
    expected = [each.edition if each.HasField("edition") else None for each in rows]
    assert None in expected
    assert reader.read(data)["edition"].to_pylist() == expected


@pytest.mark.parametrize("count", [1, 2, 3, 100, 4096])
def test_numbers_that_follow_each_other_need_no_more_places(count: int) -> None:
    factor, shift = spread(list(range(count)), "An.Enum")
    assert 1 << 32 - shift <= max(2 * count, 2)
    assert factor == 1 << shift


def test_too_many_numbers_that_are_far_apart_are_refused() -> None:
    with pytest.raises(ProgramError, match=r"An\.Enum has too many numbers"):
        spread([each * each * 1000 for each in range(2000)], "An.Enum")


def written_length(number: int) -> bytes:
    from jitvm.guests.wire.anew import varint

    return varint(number)


@pytest.mark.parametrize("name", MESSAGES)
def test_messages_written_anew_mean_the_same(name: str) -> None:
    pair = Pair(name)
    for each in some(name):
        view = memoryview(each)
        state = pair.plain.parsed(view, 0, len(view))
        again = memoryview(written(pair.tree, state))
        found, expected = (
            re.sub(r"\b0\.0\b", "0", str(each))
            for each in (pair.plain.parsed(again, 0, len(again)), state)
        )
        assert found == expected


def test_what_the_vm_does_not_do_is_told() -> None:
    made = tree(message("old.Old"), unknown=True)
    with pytest.raises(ProgramError, match="unknown fields"):
        Decoder(made, layout(made, 10, 1000))


def test_every_instruction_is_sound_and_none_is_missing() -> None:
    all_are_sound(guest(), NUMBERS)


@pytest.mark.parametrize(
    ("name", "tier"),
    [
        *((name, "interpreter") for name in UNKNOWN), ("kinds.Leaf", "reference"),
        ("kinds.Leaf", "jit"), ("kinds.Leaf", "ir"),
    ],
)  # fmt: skip
def test_unknown_fields_are_kept(name: str, tier: str) -> None:
    """Fields of other types, in messages and in messages in them, groups among them."""
    pair, random = Pair(name, tier=tier, unknown=True), Random(7)
    others = [*some("kinds.Scalars"), *some("old.Old"), *some("kinds.Repeated"), *STRANGE]
    count = 200 if tier == "interpreter" else 12
    data = [b"".join(random.sample([*some(name)[:30], *others], 3)) for _ in range(count)]
    pair.agree(data)
    pair.choose(random)
    pair.agree([mutated(each, random) for each in data])
    if tier == "interpreter":
        pair.agree(data)
        pair.agree(odd(name, 3, 60))


STRANGE = [
    bytes.fromhex(text)
    for text in (
        "c83e05d33ed43e", "d33ec83e07db3ee03e01dc3ed43e", "d3be8000c83e07d43e", "c8be800005",
        "d33ec8be800005d4be8000", "c83e8580808000", "ca3e83008000", "ca3e8300616263",
        "0a050801c83e07", "12070801c83e07c83e08", "d33e", "d43e", "d33ed33ed43e",
    )
]  # fmt: skip
"""Fields of unknown numbers: with tags, lengths and values of more bytes than they need, in groups;
some of them are wrong."""

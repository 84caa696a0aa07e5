"""Projectors as people use them: conditions, oneofs, errors, unknown fields, forms of messages."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import polars
import pyarrow as pa
import pytest

from jitvm import wire
from jitvm.guests.wire.anew import varint
from jitvm.guests.wire.reading import Reader
from tests.wire.oracle import messages
from tests.wire.schemas import generated, message
from tests.wire.selected import Bench
from tests.wire.test_project import odd, some

Leaf, Nested, Scalars = (generated(f"kinds.{name}") for name in ("Leaf", "Nested", "Scalars"))
CONDITIONS = {
    "kinds.Scalars": [
        "i64 > 0", "u64 > 5", "i32 < 0", "f64 > 1", "not f32 < 1", "flag", "level == HIGH",
        "z32 < 0 or z64 in (1, -2, 300)", "x32 >= 128 and s64 != 0", "s32 < 0", "u32 > 100",
        "farthest is not None", "f64 != 1.5",
    ],
    "kinds.Optional": ["i64 is None", "text is not None and not i32 < 0", "level is None or flag"],
    "kinds.Nested": ["one.number > 0", "middle.leaf.name is None", "middle.last", "one is None"],
    "kinds.Choice": ["number > 0", "text is not None", "leaf.number < 0", "nested is not None"],
    "kinds.Known": ["i64 > 0", "text is not None", "at.seconds < 0", "flag", "f32 > 0 or i64 == 0"],
    "old.Old": ["closed == LEAST", "part.size > 0 or level is None", "id > 0", "one is None"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "tier"),
    [
        *product(CONDITIONS, ("reference", "interpreter")),
        ("kinds.Choice", "jit"),
    ],
)
def test_conditions_mean_what_they_do_for_readers(name: str, tier: str) -> None:
    few = 12 if tier == "reference" else 60
    dropped = [each for each in message(name).fields if not each.is_required][-3:]
    for where in CONDITIONS[name][: 2 if tier == "jit" else None]:
        bench = Bench(name, tier, where=where, drop=[each.name for each in dropped])
        kept, _ = bench.agree(list(some(name))[:few])
        reader = Reader(message(name), where=where)
        assert len(kept) == len(reader.read(list(some(name))[:few])), where
        bench.agree(odd(name, 3, few))


def test_of_a_oneof_of_which_members_are_dropped_the_last_one_counts() -> None:
    Choice = generated("kinds.Choice")
    number, text = (Choice(**each).SerializeToString() for each in ({"number": 5}, {"text": "a"}))
    projector = wire.projector(Choice, drop=["text"])
    data = [number, text, number + text, text + number, number + text + number, b""]
    assert projector.project(data).to_list() == [number, b"", b"", number, number, b""]
    leaf = Choice(leaf=Leaf(number=1, name="a")).SerializeToString()
    parted = wire.projector(Choice, keep=["leaf.number"]).project([leaf + text, text + leaf])
    assert parted.to_list() == [b"", Choice(leaf=Leaf(number=1)).SerializeToString()]
    merged = [leaf + text + leaf, leaf + leaf]
    for ours, theirs in zip(wire.project(merged, Choice, drop=["text"]), merged, strict=True):
        expected = Choice.FromString(theirs)
        expected.ClearField("text")
        assert Choice.FromString(ours or b"") == expected


def test_conditions_see_what_oneofs_unset() -> None:
    Choice = generated("kinds.Choice")
    number, text = (Choice(**each).SerializeToString() for each in ({"number": 5}, {"text": "a"}))
    projector = wire.projector(Choice, where="number == 5")
    assert len(projector.project([number, number + text, text + number])) == 2


def test_a_message_becomes_shorter_with_its_length() -> None:
    """Lengths of one byte, two and three, that need less when something is gone."""
    projector = wire.projector(Nested, drop=["one.name", "middle.leaf.name"])
    for size in (0, 1, 100, 126, 127, 128, 300, 16_383, 16_384, 20_000, 3_000_000):
        for more in (0, 1, 60, 130, 9000):
            leaf = Leaf(number=-1, name="x" * size, more=range(more))
            made = Nested(one=leaf, middle=Nested.Middle(leaf=leaf, last=True), tail="end")
            found = projector.project([made.SerializeToString()] * 3).to_list()
            made.one.ClearField("name")
            made.middle.leaf.ClearField("name")
            assert found == [made.SerializeToString()] * 3


def test_fields_that_are_dropped_are_dropped_by_their_number() -> None:
    field = message("kinds.Leaf").fields[1]
    assert field.name == "name"
    shapes = [b"\x00", bytes(8), b"\x03abc", b"\x10\x01\x14", None, bytes(4)]
    wire_types = [
        varint(field.number << 3 | at) + raw for at, raw in enumerate(shapes) if raw is not None
    ]
    for each in wire_types:
        assert (
            wire.project([b"\x08\x05" + each], Leaf, drop=["name"], unknown=True)[0] == b"\x08\x05"
        )


@pytest.mark.parametrize("unknown", [None, True, False])
def test_unknown_fields_are_kept_or_not(unknown: bool | None) -> None:
    strange = bytes.fromhex("d83e05") + b"\xda\x3e\x02ab" + b"\xdb\x3e\x08\x01\xdc\x3e"
    made = Nested(tail="end")
    made.one.MergeFromString(b"\x08\x05" + strange)
    whole = made.SerializeToString() + strange
    cases: list[tuple[dict[str, Any], bool]] = [
        ({"drop": ["tail"]}, True),
        ({"keep": ["one"]}, False),
    ]
    for options, keeps in cases:
        found = wire.project([whole], Nested, unknown=unknown, **options)[0] or b""
        kept = Nested.FromString(found)
        inner = kept.one.SerializeToString()
        kept.ClearField("one")
        is_kept = keeps if unknown is None else unknown
        assert kept.SerializeToString() == (strange if is_kept else b"")
        assert inner == b"\x08\x05" + (b"" if unknown is False else strange)


def test_what_is_wrong_is_told() -> None:
    good = Nested(one=Leaf(number=1), many=[Leaf(name="a")], tail="x").SerializeToString()
    bad = b"\x0a\x04\x08\x01\x12\x09" + good
    projector = wire.projector(Nested, drop=["one.number"])
    with pytest.raises(wire.DecodeError) as info:
        projector.project([good, bad])
    error = info.value.error
    assert (error.row, error.offset, error.path) == (1, 5, "one.name")
    assert error.fault is wire.Fault.LENGTH
    less = Nested.FromString(good)
    less.one.ClearField("number")
    expected = less.SerializeToString()
    skipped = wire.projector(Nested, drop=["one.number"], errors="skip").project([good, bad, None])
    assert skipped.to_list() == [expected]
    assert [(each.row, each.fault) for each in skipped.errors] == [
        (1, wire.Fault.LENGTH), (2, wire.Fault.NULL),
    ]  # fmt: skip
    null = wire.projector(Nested, drop=["one.number"], errors="null").project([bad, good, None])
    assert null.to_list() == list(null) == [None, expected, None]
    assert null[0] is None
    assert null[-2] == expected
    assert null.to_arrow().to_pylist() == [None, expected, None]
    with pytest.raises(IndexError):
        null[3]


def test_every_form_of_messages_is_taken_and_given() -> None:
    data = list(some("kinds.Leaf"))
    joined, lengths = b"".join(data), np.array([len(each) for each in data])
    projector = wire.projector(Leaf, drop=["name"])
    expected = projector.project(data).to_list()
    assert [Leaf.FromString(each or b"").name for each in expected] == [""] * len(data)
    behind = b"".join(varint(len(each)) + each for each in data)
    framed = [b"\0\0\0\0\7\0" + each for each in data]
    arrow = pa.array(data, pa.binary())
    for source, more in (
        (joined, {"lengths": lengths}), (behind, {}), (arrow, {}), (iter(data), {}),
        (pa.chunked_array([arrow[:7], arrow[7:]]), {}), (polars.Series(data), {}),
        (arrow.cast(pa.binary_view()), {}), (framed, {"framing": "confluent"}),
    ):  # fmt: skip
        assert projector.project(source, **more).to_list() == expected
    found = projector.project(data)
    assert found.lengths.tolist() == [len(each or b"") for each in expected]
    assert bytes(found.data) == b"".join(each or b"" for each in expected)
    assert found.to_arrow().to_pylist() == polars.Series(found).to_list() == expected
    delimited = projector.project(data, delimited=True)
    assert bytes(delimited.data) == b"".join(
        varint(len(each or b"")) + (each or b"") for each in expected
    )
    assert len(projector.project([])) == 0


def test_streams_are_saved(tmp_path: Path) -> None:
    data = messages("kinds.Nested", message("kinds.Nested"), 300, seed=9)
    source = tmp_path / "events.pb"
    source.write_bytes(b"".join(varint(len(each)) + each for each in data))
    projector = wire.projector(Nested, drop=["one.number", "tail"], where="one is not None")
    seen: list[int] = []
    rows, errors = projector.save(
        source, tmp_path / "less.pb.gz", progress=lambda state: seen.append(state.messages)
    )
    expected = projector.project(data).to_list()
    assert (rows, errors, seen[-1]) == (len(expected), [], 300)
    table = wire.reader(Nested).read(expected)
    (again,) = wire.reader(Nested).stream(tmp_path / "less.pb.gz")
    assert again.to_pylist() == table.to_pylist()
    cut = io.BytesIO(source.read_bytes()[:-1])
    with pytest.raises(wire.StreamError, match="message 299"):
        projector.save(cut, tmp_path / "never.pb")
    assert not (tmp_path / "never.pb").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"keep": ["on"]}, "did you mean 'one'"),
        ({"drop": ["one.nothing"]}, "has no field 'nothing'"),
        ({"drop": ["tail.x"]}, "tail is no message"),
        ({"keep": "one"}, "lists of paths"),
        ({"errors": "none"}, "choose from raise, null, skip"),
    ],
)
def test_what_cannot_be_projected_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises((wire.ColumnError, TypeError, ValueError), match=said):
        wire.projector(Nested, **options)


def test_required_fields_and_keys_stay() -> None:
    with pytest.raises(wire.ColumnError, match="id is required"):
        wire.projector(generated("old.Old"), drop=["id"])
    with pytest.raises(wire.ColumnError, match="key of a map"):
        wire.projector(generated("kinds.Maps"), drop=["leaves.key"])
    Maps = generated("kinds.Maps")
    made = Maps(labels={"a": "b"}, leaves={"x": Leaf(number=1, name="n")})
    data = [made.SerializeToString()]
    kept = Maps.FromString(wire.project(data, Maps, keep=["leaves.value.name"])[0] or b"")
    assert kept == Maps(leaves={"x": Leaf(name="n")})
    less = Maps.FromString(wire.project(data, Maps, drop=["labels.value"])[0] or b"")
    assert less == Maps(labels={"a": ""}, leaves={"x": Leaf(number=1, name="n")})


def test_recursive_types_are_gone_through_as_deep_as_they_are() -> None:
    Recursive = generated("kinds.Recursive")

    def nested(depth: int) -> Any:
        made = Recursive(value=1)
        for _ in range(depth):
            made = Recursive(value=1, next=made)
        return made

    strange = b"\xd8\x3e\x05"
    for depth in (0, 1, 30, 95):
        made = nested(depth)
        inner = made
        for _ in range(depth):
            inner = inner.next
        inner.MergeFromString(strange)
        found = wire.project([made.SerializeToString()], Recursive, unknown=False)
        assert found.to_list() == [nested(depth).SerializeToString()]
    deep = b""
    for _ in range(101):
        deep = b"\x12" + varint(len(deep)) + deep
    with pytest.raises(wire.DecodeError, match="nested too deep"):
        wire.project([deep], Recursive, unknown=False)
    two = wire.project([nested(3).SerializeToString()], Recursive, drop=["next.next.value"])
    made = nested(3)
    made.next.next.ClearField("value")
    assert two.to_list() == [made.SerializeToString()]


def test_offsets_that_fall_end_what_can_be_read() -> None:
    data = b"\x08\x05" * 4
    offsets = pa.py_buffer(np.array([0, 2, 4, 3, 8], np.int32))
    array = pa.Array.from_buffers(pa.binary(), 4, [None, offsets, pa.py_buffer(data)])
    with pytest.raises(wire.DecodeError) as info:
        wire.project(array, Leaf, drop=["name"], errors="skip")
    assert info.value.error.fault is wire.Fault.FRAME
    assert info.value.error.row == 2


def test_projectors_are_shared_and_sent() -> None:
    projector = wire.projector(Nested, drop=["one.number"], where="one is not None", errors="skip")
    data = list(some("kinds.Nested")) * 10
    expected = projector.project(data).to_list()
    again = pickle.loads(pickle.dumps(projector))
    assert repr(again) == repr(projector)
    assert again.project(data).to_list() == expected
    with ThreadPoolExecutor(4) as executor:
        for found in executor.map(projector.project, [data] * 8):
            assert found.to_list() == expected


def test_results_outlive_what_made_them() -> None:
    first = wire.project([b"\x08\x05"], Leaf, drop=["name"])
    shown = np.frombuffer(first.data, np.uint8)
    del first
    for _ in range(3):
        wire.project([b"\x08\x07"], Leaf, drop=["name"])
    assert shown.tolist() == [8, 5]


@pytest.mark.parametrize("make", [lambda data: data[:1], lambda _: []])
def test_few_messages_are_enough(make: Callable[[list[bytes]], list[bytes]]) -> None:
    data = make(list(some("kinds.Leaf")))
    assert len(wire.project(data, Leaf, drop=["more"])) == len(data)


def test_more_than_one_batch_and_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    from jitvm.guests.wire.project import projecting

    monkeypatch.setattr(projecting, "ROWS", 7)
    monkeypatch.setattr(projecting, "BYTES", 300)
    data = list(some("kinds.Leaf"))
    whole = wire.project(data, Leaf, drop=["name"]).to_list()
    monkeypatch.setattr(projecting, "MAX_NARROW", 1000)
    found = wire.project(data, Leaf, drop=["name"])
    assert len(found.pieces) > 1
    assert found.to_list() == whole
    assert [found[at] for at in range(len(data))] == whole
    assert Random(1).choice(found.lengths.tolist()) >= 0

"""The plain decoder against Protobuf's own package: the same rows, and the same refused."""

from __future__ import annotations

from array import array
from random import Random
from typing import Any

import pytest

from jitvm.guests.wire.batch import Batch
from jitvm.guests.wire.buffers import Layout, layout
from jitvm.guests.wire.columns import Tree
from jitvm.guests.wire.faults import Fault
from jitvm.guests.wire.plain import PlainDecoder
from jitvm.guests.wire.pool import POOL, OutputSpace
from jitvm.guests.wire.protobuf.columns import tree
from jitvm.guests.wire.where import parse
from tests.wire.oracle import judged, messages, mutated, row, rows_of
from tests.wire.pair import reaches_raw
from tests.wire.schemas import MESSAGES, message


class Bench:
    """A decoder, and memory for what it makes."""

    def __init__(self, name: str, **options: Any) -> None:
        errors = options.pop("errors", "raise")
        where = options.pop("where", None)
        rows, size = options.pop("rows", 4096), options.pop("bytes", 1 << 22)
        self.tree: Tree = tree(message(name), null_rows=errors == "null", **options)
        self.layout: Layout = layout(self.tree, rows, size)
        condition = None if where is None else parse(where, self.tree.message)
        self.decoder = PlainDecoder(self.tree, self.layout, errors=errors, where=condition)
        self.out: OutputSpace = POOL.take(self.layout.size)

    def batch(self, data: list[bytes]) -> Batch:
        offsets = array("q", [0])
        for each in data:
            offsets.append(offsets[-1] + len(each))
        joined = memoryview(b"".join(data))
        return self.decoder.decode(joined, memoryview(offsets), 0, len(data), self.out)

    def rows(self, data: list[bytes]) -> list[Any]:
        return rows_of(self.tree, self.batch(data).rows, self.out)

    def mistake(self, data: bytes) -> tuple[Fault, str, int] | None:
        found = self.batch([data]).mistakes
        if not found:
            return None
        _, offset, fault, index = found[0]
        return Fault(fault), self.tree.columns[index].path, offset


@pytest.mark.parametrize("name", MESSAGES)
def test_rows_are_what_protobuf_says(name: str) -> None:
    bench = Bench(name, depth=4)
    data = messages(name, message(name), 120, seed=7)
    expected = [row(judged(name, each), bench.tree.root) for each in data]
    assert bench.rows(data) == expected
    assert any(any(each.values()) for each in expected)


@pytest.mark.parametrize("name", MESSAGES)
def test_mutated_messages_are_read_or_refused_alike(name: str) -> None:
    bench = Bench(name, depth=4)
    random = Random(11)
    data = messages(name, message(name), 40, seed=3)
    refused = 0
    for round in range(150 if name == "edition.Edition" else 400):
        each = mutated(random.choice(data), random)
        theirs = judged(name, each)
        ours = bench.batch([each])
        rows = rows_of(bench.tree, ours.rows, bench.out)
        if rows and reaches_raw(bench.tree.root, rows[0]):
            continue  # what is not decoded is not looked at
        if theirs is None:
            assert ours.mistakes, (round, each.hex())
            refused += 1
        elif ours.mistakes:
            # Strings of proto2 may be anything, for Protobuf; Arrow's may not.
            assert ours.mistakes[0][2] == Fault.UTF8, (round, each.hex(), ours.mistakes)
            assert name.startswith("old.")
        else:
            assert rows == [row(theirs, bench.tree.root)], (round, each.hex())
    assert 40 < refused < 360


@pytest.mark.parametrize(
    ("hex", "fault", "path", "offset"),
    [
        ("18", Fault.TRUNCATED, "i64", 1),
        ("18" + "ff" * 10 + "01", Fault.VARINT, "i64", 1),
        ("0801", None, "", 0),  # another wire type: unknown
        ("0d0102", Fault.TRUNCATED, "", 0),
        ("4a0561", Fault.LENGTH, "text", 1),
        ("4a01ff", Fault.UTF8, "text", 1),
        ("0005", Fault.NUMBER, "", 0),
        ("0e", Fault.WIRE_TYPE, "", 0),
        ("0c", Fault.GROUP, "", 0),
        ("5b0801", Fault.GROUP, "", 0),
        ("5b00055c", Fault.NUMBER, "", 1),  # which upb lets pass
        ("5b" * 101 + "5c" * 101, Fault.DEPTH, "", 100),
    ],
)
def test_faults_have_a_place(hex: str, fault: Fault | None, path: str, offset: int) -> None:
    bench = Bench("kinds.Scalars")
    found = bench.mistake(bytes.fromhex(hex))
    assert found == (None if fault is None else (fault, path, offset))


def test_faults_in_messages_have_the_path_of_their_field() -> None:
    bench = Bench("kinds.Nested")
    assert bench.mistake(bytes.fromhex("1206 1a04 0105ff".replace(" ", ""))) == (
        Fault.LENGTH, "many", 1
    )  # fmt: skip
    assert bench.mistake(bytes.fromhex("12041a02ff80")) == (Fault.TRUNCATED, "many.more", 3)
    assert bench.mistake(bytes.fromhex("1a050a030801ff")) == (
        Fault.TRUNCATED, "middle.leaf", 6
    )  # fmt: skip


GOOD, BAD = bytes.fromhex("0807"), bytes.fromhex("08ff")


def test_errors_end_skip_or_null() -> None:
    data = [GOOD, BAD, GOOD, BAD, BAD, GOOD]
    bench = Bench("kinds.Leaf")
    done = bench.batch(data)
    assert (done.rows, done.next, len(done.mistakes)) == (1, 2, 1)
    bench = Bench("kinds.Leaf", errors="skip")
    done = bench.batch(data)
    assert (done.rows, done.next) == (3, 6)
    assert [each[0] for each in done.mistakes] == [1, 3, 4]
    bench = Bench("kinds.Leaf", errors="null")
    assert [each and each["number"] for each in bench.rows(data)] == [7, None, 7, None, None, 7]


def test_conditions_leave_rows_out() -> None:
    data = [b"", b"\x08\x01", b"\x08\x05", b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"]
    for where, kept in (
        ("number > 0", [1, 5]), ("not number > 0", [0, -1]), ("number", [1, 5, -1]),
        ("number in (1, -1)", [1, -1]), ("name is None", [0, 1, 5, -1]), ("name is not None", []),
        ("-1 <= number < 2", [0, 1, -1]), ("number == 1.5", []), ("number < 1e30", [0, 1, 5, -1]),
    ):  # fmt: skip
        bench = Bench("kinds.Leaf", where=where)
        assert [each["number"] for each in bench.rows(data)] == kept, where


def test_what_is_absent_compares_with_nothing() -> None:
    data = [b"", b"\x0a\x00", b"\x0a\x02\x08\x05"]  # no leaf, an empty one, one with a number
    for where, kept in (
        ("one.number == 0", [1]), ("one.number != 0", [2]), ("not one.number == 0", [2]),
        ("one is None", [0]), ("one.number is None", [0]), ("one is None or one.number", [0, 2]),
    ):  # fmt: skip
        bench = Bench("kinds.Nested", where=where)
        expected = [row(judged("kinds.Nested", data[each]), bench.tree.root) for each in kept]
        assert bench.rows(data) == expected, where


def test_members_of_oneofs_without_a_column_unset_the_others() -> None:
    bench = Bench("kinds.Choice", fields=["number", "leaf.number"])
    assert bench.rows([b"\x10\x05", b"\x10\x05\x1a\x01a", b"\x10\x05\x22\x02\x08\x03"]) == [
        {"number": 5, "leaf": None}, {"number": None, "leaf": None},
        {"number": None, "leaf": {"number": 3}},
    ]  # fmt: skip
    assert bench.rows([b"\x22\x02\x08\x03\x1a\x01a\x22\x00"])[0]["leaf"] == {"number": 0}


def test_a_oneof_may_be_asked_for_alone() -> None:
    bench = Bench("kinds.Choice", fields=["choice"])
    assert bench.rows([b"\x10\x05", b"", b"\x10\x05\x1a\x01a"]) == [
        {"choice": "number"}, {"choice": None}, {"choice": "text"},
    ]  # fmt: skip


def test_unknown_fields_are_kept_on_request() -> None:
    bench = Bench("kinds.Nested", unknown=True)
    (found,) = bench.rows([bytes.fromhex("c83e050a050801c83e07d33ed43e")])
    assert found["_unknown"] == bytes.fromhex("c83e05d33ed43e")
    assert found["one"]["_unknown"] == bytes.fromhex("c83e07")


def test_batches_end_where_the_bytes_do() -> None:
    bench = Bench("kinds.Leaf", bytes=5)
    done = bench.batch([GOOD] * 5)
    assert (done.rows, done.next) == (2, 2)
    done = bench.batch([b"\x12\x0a0123456789"])
    assert done.mistakes == [(0, 0, Fault.SIZE, 0)]

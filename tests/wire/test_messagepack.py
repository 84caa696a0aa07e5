"""MessagePack to columns: each type, keys in any order, what is refused, sources, all tiers."""

from __future__ import annotations

import pickle
import struct
from itertools import chain
from pathlib import Path
from random import Random
from typing import Any

import msgpack
import numpy as np
import pyarrow as pa
import pytest

from jitvm import wire
from jitvm.guests.wire.faults import Fault
from jitvm.guests.wire.messagepack.instructions import MESSAGEPACK
from jitvm.guests.wire.messagepack.order import orders
from jitvm.guests.wire.messagepack.types import parsed
from tests.fuzz.layout.case import LayoutCase
from tests.fuzz.messagepack.case import MessagePackCase
from tests.fuzz.records.work import decode
from tests.wire.messagepacks import MessagePackJudge, Values
from tests.wire.sound import all_are_sound


def rows(schema: Any, values: list[Any], **options: Any) -> Any:
    data = [each if isinstance(each, bytes) else msgpack.packb(each) for each in values]
    table = wire.msgpack.reader(schema, **options).read(data)
    table.to_arrow().validate(full=True)
    return table.to_pylist()


def fault(schema: Any, data: bytes) -> tuple[Fault, int, str]:
    with pytest.raises(wire.DecodeError) as caught:
        rows(schema, [data])
    return caught.value.error.fault, caught.value.error.offset, caught.value.error.path


def test_instructions_are_sound() -> None:
    all_are_sound(MESSAGEPACK.guest(), MESSAGEPACK.table)


# -- each type -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint64"])
def test_whole_numbers(kind: str) -> None:
    """In every width that they can be written in."""
    info = np.iinfo(kind)
    edges = {0, 1, 127, 128, 255, -1, -32, -33, -128, int(info.min), int(info.max)}
    data, expected = [], []
    for number in edges | {info.min - 1, info.max + 1}:
        ways = [struct.pack(">B", number)] if 0 <= number < 128 else []
        ways += [struct.pack(">b", number)] if -32 <= number < 0 else []
        for head, code in zip(range(0xCC, 0xD4), "BHIQbhiq", strict=True):
            size = 8 * struct.calcsize(f">{code}")
            low = 0 if code.isupper() else -(1 << size - 1)
            if low <= number < low + (1 << size):
                ways.append(bytes((head,)) + struct.pack(f">{code}", number))
        data += ways
        expected += [number if info.min <= number <= info.max else None] * len(ways)
    table = wire.msgpack.reader(kind, errors="null").read(data)
    assert table["value"].to_pylist() == expected
    assert {each.fault for each in table.errors} == {Fault.RANGE}


def test_floats() -> None:
    """Of what they are made of else the nearest."""
    random = Random(4)
    numbers = [0.0, -0.0, 1.5, float("inf"), float("-inf"), 3.4e38, 3.5e38, 1e-45, 7e-46, 1e-320]
    numbers += [struct.unpack("<d", random.randbytes(8))[0] for _ in range(200)]
    numbers += [random.uniform(-1, 1) * 2.0 ** random.randint(-150, 130) for _ in range(500)]
    data = [msgpack.packb(each) for each in numbers]
    got = wire.msgpack.reader("float32").read(data)["value"].to_numpy()
    with np.errstate(over="ignore", invalid="ignore"):
        np.testing.assert_array_equal(got, np.array(numbers).astype("<f4"))
        short = np.array(numbers).astype("<f4").tolist()
    data = [msgpack.packb(each, use_single_float=True) for each in short]
    got = wire.msgpack.reader("float64").read(data)["value"].to_numpy()
    np.testing.assert_array_equal(got, np.array(short))
    whole = [0, 5, -5, (1 << 53) + 1, (1 << 64) - 1, -(1 << 63), (1 << 24) + 1, (1 << 24) + 3]
    assert rows(["float64"], [whole]) == [{"value": [float(each) for each in whole]}]
    assert rows(["float32"], [whole])[0]["value"] == [
        float(np.float32(np.longdouble(each))) for each in whole
    ]


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("bool", True, True),
        ("bool", False, False),
        ("string", "", ""),
        *(("string", "x" * size, "x" * size) for size in (15, 16, 17, 31, 32, 255, 256, 70000)),
        ("string", "κόσμε", "κόσμε"),
        *(("binary", bytes(size), bytes(size)) for size in (0, 255, 256, 70000)),
        ("binary", "text", b"text"),
        ("any", {"a": [1, {}]}, msgpack.packb({"a": [1, {}]})),
        (["int8"], [], []),
        (["int8"], list(range(40)), list(range(40))),
        (["int8"], [1] * 70000, [1] * 70000),
        ([["string"]], [["a"], None, []], [["a"], None, []]),
        ({"*": "int8"}, {"a": 1, "b": None}, {"a": 1, "b": None}),
        ({"*": ["int8"]}, {f"k{i}": [i] for i in range(30)}, {f"k{i}": [i] for i in range(30)}),
    ],
)
def test_values(kind: Any, value: Any, expected: Any) -> None:
    data = [msgpack.packb(each) for each in (value, None)]
    assert rows(kind, data) == [{"value": expected}, {"value": None}]


def test_timestamps() -> None:
    seconds = [0, 1, (1 << 32) - 1, 1 << 32, (1 << 34) - 1, 1 << 34, -1, -(10**9)]
    data = [msgpack.packb(msgpack.Timestamp(each, 123_456_789)) for each in seconds]
    data += [msgpack.packb(msgpack.Timestamp(each, 0)) for each in seconds]
    for unit, digits in (("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9)):
        table = wire.msgpack.reader(f"timestamp[{unit}]", errors="null").read(data)
        assert table.schema["value"] == f"timestamp[{unit}, UTC]"
        got = table["value"].to_numpy().astype("<i8").tolist()
        fits = [abs(each * digits) < (1 << 63) - digits for each in seconds]
        parts = [123_456_789 // (10**9 // digits)] * len(seconds) + [0] * len(seconds)
        assert [n for n, ok in zip(got, fits * 2, strict=True) if ok] == [
            each * digits + part
            for each, part, ok in zip(seconds * 2, parts, fits * 2, strict=True) if ok
        ]  # fmt: skip
        assert len(table.errors) == 2 * fits.count(False)
    assert fault("timestamp", b"\xd7\xff" + b"\xff" * 8)[0] is Fault.RANGE
    assert fault("timestamp", b"\xd6\x05" + bytes(4))[0] is Fault.KIND
    assert fault("timestamp", b"\xd6\xff\0")[0] is Fault.TRUNCATED


# -- records -------------------------------------------------------------------------------------

SPAN: dict[str, Any] = {
    "ts": "int64", "name": "string", "at": {"x": "float64", "y": "float64"},
    "place": [["street", "string"], ["number", "uint16"]], "tags": ["string"],
    "attrs": [{"key": "string", "value": "int32"}],
    "a name that has more bytes than a word": "bool", "k" * 40: "int8",
}  # fmt: skip
VALUE: dict[str, Any] = {
    "ts": 5, "name": "GET", "at": {"x": 0.5, "y": -1.0}, "place": ["High Street", 7],
    "tags": ["a", "b"], "attrs": [{"key": "k", "value": 1}, {"value": 2, "key": "l"}],
    "a name that has more bytes than a word": True, "k" * 40: -3,
}  # fmt: skip
SHOWN = {**VALUE, "place": {"street": "High Street", "number": 7}}
NOTHING = dict.fromkeys(SPAN)


def test_keys_come_in_any_order() -> None:
    random = Random(1)
    items = list(VALUE.items())
    found = []
    for _ in range(50):
        random.shuffle(items)
        found.append(dict(items))
    assert rows(SPAN, [VALUE, *found, VALUE]) == [SHOWN] * 52


def test_keys_that_are_missing_unknown_or_there_twice() -> None:
    few: dict[Any, Any] = {"name": "x", "attrs": [{}, None]}
    expected = {**NOTHING, "name": "x", "attrs": [{"key": None, "value": None}, None]}
    more: dict[Any, Any] = {"what": [1, {"z": {}}], 5: 6, **VALUE, "ts2": "t"}
    assert rows(SPAN, [few, {}, more]) == [expected, NOTHING, SHOWN]
    pairs: tuple[Any, ...] = ({"ts": 1, "tags": ["a", "b"]}, {"ts": 2, "tags": []})
    first, last = (msgpack.packb(each)[1:] for each in pairs)
    assert rows(SPAN, [b"\x84" + first + last, b"\x84" + last + first]) == [
        {**NOTHING, "ts": 2, "tags": []}, {**NOTHING, "ts": 1, "tags": ["a", "b"]},
    ]  # fmt: skip


def test_keys_with_longer_heads_than_they_need() -> None:
    data = b"\x82\xd9\x02ts\x05\xda\0\x04name\xa1x"
    for options in ({}, {"fields": ["name", "ts"]}, {"fields": ["ts"]}):
        got = rows(SPAN, [data, msgpack.packb(VALUE)], **options)[0]
        assert {key: each for key, each in got.items() if each is not None} == {
            key: each for key, each in {"ts": 5, "name": "x"}.items()
            if key in options.get("fields", SPAN)
        }  # fmt: skip


def test_places_that_are_missing_or_more() -> None:
    schema = [["a", "int8"], ["b", "string"], ["c", ["int8"]]]
    values: list[Any] = [[], [1], [1, "x"], [1, "x", [2]], [1, "x", [2], "more", {}], [None] * 3]
    assert [list(row.values()) for row in rows(schema, values)] == [
        [None] * 3, [1, None, None], [1, "x", None], [1, "x", [2]], [1, "x", [2]], [None] * 3,
    ]  # fmt: skip
    assert rows(schema, values, fields=["b"])[3] == {"b": "x"}


def test_some_columns_and_rows() -> None:
    values = [{**VALUE, "ts": n, "at": None if n % 3 else VALUE["at"]} for n in range(30)]
    assert rows(SPAN, values, fields=["at.x", "attrs.key"], where="ts >= 20 and ts < 22") == [
        {"at": None, "attrs": [{"key": "k"}, {"key": "l"}]},
        {"at": {"x": 0.5}, "attrs": [{"key": "k"}, {"key": "l"}]},
    ]
    assert len(rows(SPAN, values, where="at is None")) == 20
    assert len(rows(SPAN, values, where="at.x > 0.2 and place.number in [7]")) == 10
    few = [{"a": n, "b": n % 100} for n in range(-128, 128)]
    assert len(rows({"a": "int8", "b": "uint8"}, few, where="a < -100 or a == 300")) == 28
    with pytest.raises(wire.WhereError, match="has no field"):
        wire.msgpack.reader(SPAN, where="nobody > 5")
    with pytest.raises(wire.ColumnError, match="nobody"):
        wire.msgpack.reader(SPAN, fields=["nobody"])


def test_the_order_of_keys_is_learned() -> None:
    records = [msgpack.packb(each) for each in (
        {"b": 1, "z": 0, "a": {"y": 1, "x": 2}}, {"c": 1, "b": 1, "a": [1]}, 5, b"",
    )]  # fmt: skip
    type = parsed({"a": {"x": "int8", "y": "int8"}, "b": "int8", "c": "int8"})
    assert orders(type, [*records, b"\xc1", b"\x82", b"\xdf\xff\xff\xff\xff"]) == {
        (): ["c", "b", "a"], ("a",): ["y", "x"],
    }  # fmt: skip
    reader = wire.msgpack.reader({"a": "int8", "b": "int8"})
    reader.read([msgpack.packb({"b": 1, "a": 2})])
    listing = reader.listing()
    assert listing.index("@b") < listing.index("@a")


# -- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schema", "data", "expected"),
    [
        ("int8", b"", (Fault.TRUNCATED, 0, "value")),
        ("int8", b"\xc1", (Fault.KIND, 0, "value")),
        ("int8", b"\xa0", (Fault.KIND, 0, "value")),
        ("int8", b"\x01\x02", (Fault.REST, 1, "")),
        ("int32", b"\xd2\0", (Fault.TRUNCATED, 0, "value")),
        ("string", b"\xa2a", (Fault.LENGTH, 0, "value")),
        ("string", b"\xda\0", (Fault.TRUNCATED, 0, "value")),
        ("string", b"\xc4\x01a", (Fault.KIND, 0, "value")),
        ("string", b"\xa1\xff", (Fault.UTF8, 0, "value")),
        ("binary", b"\xc4\x02a", (Fault.LENGTH, 0, "value")),
        ("bool", b"\x01", (Fault.KIND, 0, "value")),
        ("any", b"\x91", (Fault.TRUNCATED, 0, "value")),
        ("any", b"\x91\xc1", (Fault.KIND, 1, "value")),
        (["int8"], b"\x80", (Fault.KIND, 0, "value")),
        (["int8"], b"\x92\x01", (Fault.COUNT, 0, "value")),
        (["int8"], b"\x92\x01\xa0", (Fault.KIND, 2, "value")),
        ({"a": "int8"}, b"\xc0", (Fault.KIND, 0, "")),
        ({"a": "int8"}, b"\x81\xa1a", (Fault.TRUNCATED, 3, "a")),
        ({"a": "int8"}, b"\x82\xa1a\x01", (Fault.COUNT, 0, "")),
        ({"a": {"b": "int8"}}, b"\x81\xa1a\x81\xa1b\xa1c", (Fault.KIND, 6, "a.b")),
        ({"*": "int8"}, b"\x81\x05\x05", (Fault.KIND, 1, "value")),
    ],
)
def test_faults(schema: Any, data: bytes, expected: tuple[Fault, int, str]) -> None:
    assert fault(schema, data) == expected


@pytest.mark.parametrize("before", [b"\xa1x", b"\xd9\x40" + b"x" * 64])
def test_a_fault_does_not_depend_on_what_was_read_before(before: bytes) -> None:
    """By which instructions are chosen, for all readers of a schema."""
    reader = wire.msgpack.reader("string")
    for _ in range(3):
        reader.read([before] * 1000)
    assert fault("string", b"\xa2a") == (Fault.LENGTH, 0, "value")
    beside = wire.msgpack.reader("string", errors="skip").read([b"\xa3a", b"\xff\xff"])
    assert beside.errors[0].fault is Fault.LENGTH
    assert fault("string", b"\xda\0") == (Fault.TRUNCATED, 0, "value")
    assert fault("string", b"") == (Fault.TRUNCATED, 0, "value")


def test_what_becomes_of_bad_values() -> None:
    good = msgpack.packb(VALUE)
    data = [good, b"\x81\xa2ts\xa1x", good, b"\x81", good]
    assert len(wire.msgpack.reader(SPAN, errors="skip").read(data)) == 3
    table = wire.msgpack.reader(SPAN, errors="null").read(data)
    assert table.to_pylist() == [SHOWN, NOTHING, SHOWN, NOTHING, SHOWN]
    assert [(each.row, each.path) for each in table.errors] == [(1, "ts"), (3, "")]


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ("int7", "'int7' is no type"),
        (5, "5 is no type"),
        ([], "is no type"),
        ({}, "without fields"),
        ({"a": {"b": "x"}}, "a.b: 'x' is no type"),
        ({"a.b": "int8"}, "has a dot"),
        ({"a": "int8", "*": "int8"}, "name of a field"),
        ([["a", "int8"], ["a", "int8"]], "twice"),
        ({"k" * 63: "int8"}, "more than 62 bytes"),
        ("{", "is no JSON"),
        ("missing.json", "cannot read missing.json"),
    ],
)
def test_declarations_that_are_refused(schema: Any, said: str) -> None:
    with pytest.raises(wire.SchemaError, match=said):
        wire.msgpack.reader(schema)
    nested: Any = "int8"
    for _ in range(60):
        nested = [nested]
    with pytest.raises(wire.SchemaError, match="in each other"):
        wire.msgpack.reader(nested)


# -- sources -------------------------------------------------------------------------------------


def test_values_one_behind_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = [msgpack.packb({"a": n, "s": "x" * (n % 90)}) for n in range(300)]
    path = tmp_path / "values.msgpack"
    path.write_bytes(b"".join(values))
    schema = tmp_path / "schema.json"
    schema.write_text('{"a": "int32", "s": "string"}')
    reader: wire.msgpack.MessagePackReader = pickle.loads(pickle.dumps(wire.msgpack.reader(schema)))
    expected = list(range(300))
    data = path.read_bytes()
    for source in (data, path, values, pa.array(values, pa.binary())):
        assert reader.read(source)["a"].to_numpy().tolist() == expected
    assert reader.read(data, [len(each) for each in values])["a"].to_numpy().tolist() == expected
    monkeypatch.setattr("jitvm.guests.wire.records.splitting.PIECE", 64)  # less than a value
    assert reader.read(data)["a"].to_numpy().tolist() == expected
    for source in (path, iter(values)):
        streamed = [each["a"].to_numpy().tolist() for each in reader.stream(source, rows=7)]
        assert list(chain.from_iterable(streamed)) == expected
        assert max(map(len, streamed)) <= 7
    assert len(reader.read(b"")) == len(reader.read([])) == 0


def test_a_file_that_is_cut_off_or_broken(tmp_path: Path) -> None:
    path = tmp_path / "values.msgpack"
    good = msgpack.packb(VALUE)
    path.write_bytes(good * 3 + good[:-1])
    reader = wire.msgpack.reader(SPAN, errors="skip")
    for source in (path, path.read_bytes()):
        with pytest.raises(wire.StreamError, match="in the middle of a value, behind value 3"):
            reader.read(source)
    path.write_bytes(good * 2 + b"\x91\xc1" + good)
    with pytest.raises(wire.DecodeError, match="message 2"):
        reader.read(path)
    path.write_bytes(good + b"\x81\xa2ts\xa1x" + good)  # whole, but of another type
    table = reader.read(path)
    assert (len(table), [each.row for each in table.errors]) == (2, [1])


# -- all tiers -----------------------------------------------------------------------------------


@pytest.mark.parametrize("tier", ["reference", "ir", "interpreter", "jit"])
def test_tiers_agree_with_the_package(tier: str) -> None:
    random = Random(7)
    schema = {
        **{name: SPAN[name] for name in ("ts", "at", "place", "tags", "attrs")},
        "t": "timestamp",
    }
    judge = MessagePackJudge(schema, tier=tier)
    values = Values(random)
    few = tier in ("reference", "ir")
    records = [values.packed(judge.type) for _ in range(10 if few else 400)]
    for _ in range(1 if few else 3):
        judge.agree(records)
        judge.choose(random)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("make", [MessagePackCase, LayoutCase])
def test_a_share_of_the_fuzzer(make: Any, seed: int) -> None:
    case = make(seed)
    case.tier, case.is_hasty = "interpreter", False
    counts = dict.fromkeys(("messages", "mistakes", "judged", "batches", "regions"), 0)
    decode(case, case.judge(), counts, 0.2)
    assert counts["judged"]

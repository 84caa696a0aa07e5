"""Records of layouts: of struct, NumPy, ctypes and declared ones, to columns and back."""

from __future__ import annotations

import ctypes
import pickle
import runpy
import struct
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from jitvm import wire
from tests.wire.judging import mutated
from tests.wire.layouts import LIKELY, LayoutJudge

FORMATS = {
    "<IHhq": ["a", "b", "c", "d"],
    ">BbxH?d4sf": ["a", "b", "c", "d", "e", "f", "g"],
    "@bIqHd": ["a", "b", "c", "d", "e"],
    "!3H2s2xi": ["a", "b", "c", "d", "e"],
}


def numbers(format: str, random: Random) -> tuple[Any, ...]:
    """Values of a format string at random."""
    raw = bytearray(random.randbytes(struct.calcsize(format)))
    values = struct.unpack(format, raw)
    found = [random.uniform(-1, 1) if isinstance(each, float) else each for each in values]
    return tuple(struct.unpack(format, struct.pack(format, *found)))


@pytest.mark.parametrize("format", FORMATS)
def test_formats_of_struct(format: str) -> None:
    random, names = Random(5), FORMATS[format]
    rows = [numbers(format, random) for _ in range(200)]
    data = b"".join(struct.pack(format, *row) for row in rows)
    layout = wire.layout(format, names)
    assert layout.size == struct.calcsize(format)
    table = layout.read(data)
    table.to_arrow().validate(full=True)
    assert [tuple(row.values()) for row in table.to_pylist()] == rows
    assert layout.write(table) == data
    assert layout.write(table.to_arrow()) == data
    assert layout.write(table.to_pylist()) == data
    again: wire.Layout = pickle.loads(pickle.dumps(layout))
    assert again.read(data)["a"].to_pylist() == [row[0] for row in rows]


def test_types_of_numpy() -> None:
    inner = np.dtype([("x", "<f4"), ("y", ">i2")])
    dtype = np.dtype(
        [
            ("id", ">u8"),
            ("at", inner),
            ("raw", "S5"),
            ("three", "<u2", (3,)),
            ("grid", "i1", (2, 2)),
        ],
        align=True,
    )
    records = np.zeros(50, dtype)
    records["id"] = np.arange(50) * 10**15
    records["at"]["y"] = -np.arange(50)
    records["raw"] = b"abc"
    records["three"] = np.arange(150).reshape(50, 3)
    records["grid"] = -5
    layout = wire.layout(dtype)
    table = layout.read(records)
    assert table.schema["at"] == "struct<x: float, y: int16>"
    assert table["id"].to_numpy().tolist() == records["id"].tolist()
    assert table["at.y"].to_pylist() == records["at"]["y"].tolist()
    assert table["three"].to_pylist() == records["three"].tolist()
    assert table["grid"].to_pylist() == records["grid"].tolist()
    assert table["raw"].to_pylist()[0] == b"abc\0\0"
    table.to_arrow().validate(full=True)
    assert layout.write(table) == records.tobytes()


def test_structures_of_ctypes() -> None:
    class Point(ctypes.Structure):
        _fields_ = (("x", ctypes.c_int16), ("y", ctypes.c_int32))

    class Head(ctypes.Structure):
        _fields_ = (
            ("version", ctypes.c_uint8, 4), ("kind", ctypes.c_uint8, 3),
            ("length", ctypes.c_uint32), ("points", Point * 2), ("name", ctypes.c_char * 6),
            ("real", ctypes.c_double),
        )  # fmt: skip

    heads = (Head * 20)()
    for number, head in enumerate(heads):
        head.version, head.kind, head.length = number % 16, number % 8, number * 1000
        head.points[1].y, head.name, head.real = -number, b"abc", number / 3
    layout = wire.layout(Head)
    table = layout.read(bytes(heads))
    assert layout.size == ctypes.sizeof(Head)
    assert table["version"].to_pylist() == [n % 16 for n in range(20)]
    assert table["kind"].to_pylist() == [n % 8 for n in range(20)]
    assert table["points"].to_pylist()[3][1] == {"x": 0, "y": -3}
    assert table["real"].to_pylist() == [n / 3 for n in range(20)]
    assert layout.write(table) == bytes(heads)


PACKET: list[Any] = [
    ("ts", "u4"),
    ("flag:1 kind:3 rest:4", "u1"),
    ("name", "text:u1"),
    (None, "pad 1"),
    ("points", ([("x", "f4"), ("label", ">i2")], "u2")),
    ("maybe", ">u4?"),
    ("sizes", ("u1", 3)),
    ("body", ">bytes:u4"),
    ("words", (">text:u2", "u1")),
]


def packet(random: Random) -> tuple[bytes, dict[str, Any]]:
    """A record of `PACKET`, and its values."""
    name = random.choice(["", "a", "κόσμε", "x" * 100])
    points = [(float(random.randrange(100)), -i) for i in range(random.randrange(4))]
    maybe = random.choice([None, random.getrandbits(32)])
    body = random.randbytes(random.choice((0, 5, 70)))
    words = [random.choice(["", "ab", "w" * 40]) for _ in range(random.randrange(3))]
    ts, bits, sizes = random.getrandbits(32), random.getrandbits(8), list(random.randbytes(3))
    data = struct.pack("<IBB", ts, bits, len(name.encode())) + name.encode() + b"\0"
    data += struct.pack("<H", len(points)) + b"".join(
        struct.pack("<f", x) + struct.pack(">h", y) for x, y in points
    )
    data += b"\0" if maybe is None else b"\1" + struct.pack(">I", maybe)
    data += bytes(sizes) + struct.pack(">I", len(body)) + body + bytes([len(words)])
    data += b"".join(struct.pack(">H", len(word)) + word.encode() for word in words)
    return data, {
        "ts": ts, "flag": bits & 1, "kind": bits >> 1 & 7, "rest": bits >> 4, "name": name,
        "points": [{"x": x, "label": y} for x, y in points], "maybe": maybe, "sizes": sizes,
        "body": body, "words": words,
    }  # fmt: skip


def test_counted_parts() -> None:
    random = Random(3)
    made = [packet(random) for _ in range(500)]
    records, rows = [data for data, _ in made], [row for _, row in made]
    layout = wire.layout(PACKET)
    assert layout.size is None
    for form in (
        (b"".join(records),), (records,), (pa.array(records, pa.binary()),),
        (b"".join(records), [len(each) for each in records]),
    ):  # fmt: skip
        table = layout.read(*form)
        assert table.to_pylist() == rows
    table.to_arrow().validate(full=True)
    for again in (table, table.to_arrow(), rows):
        assert layout.write(again) == b"".join(records)
    few = wire.layout(PACKET, fields=["kind", "body"]).read(b"".join(records))
    assert few.to_pylist() == [{"kind": row["kind"], "body": row["body"]} for row in rows]
    assert len(layout.read(b"")) == 0


def test_a_record_that_is_wrong() -> None:
    data = [packet(Random(seed))[0] for seed in range(5)]
    wrong = [*data[:2], data[2][:-1], b"", data[3] + b"x", *data[4:]]
    with pytest.raises(wire.DecodeError, match="message 2, byte"):
        wire.layout(PACKET).read(wrong)
    table = wire.layout(PACKET, errors="skip").read(wrong)
    assert len(table) == 3
    assert [each.row for each in table.errors] == [2, 3, 4]
    assert len(wire.layout(PACKET, errors="null").read(wrong)) == 6
    side = wire.layout(PACKET, errors="skip").read(b"".join(data)[:-1])
    assert len(side) == 4
    assert [each.row for each in side.errors] == [4]
    fixed = wire.layout("<IH", ["a", "b"], errors="skip").read(bytes(13))
    assert (len(fixed), fixed.errors[0].row, fixed.errors[0].offset) == (2, 2, 1)
    with pytest.raises(wire.DecodeError):
        wire.layout("<IH", ["a", "b"]).read(bytes(13))


def test_conditions_and_paths() -> None:
    random = Random(4)
    made = [packet(random) for _ in range(300)]
    records, rows = [data for data, _ in made], [row for _, row in made]
    layout = wire.layout(
        PACKET, fields=["name", "points.x"], where="kind in [1, 5] and maybe is not None"
    )
    expected = [
        {"name": row["name"], "points": [{"x": each["x"]} for each in row["points"]]}
        for row in rows if row["kind"] in (1, 5) and row["maybe"] is not None
    ]  # fmt: skip
    for source in (records, b"".join(records)):
        assert layout.read(source).to_pylist() == expected
    again: wire.Layout = pickle.loads(pickle.dumps(layout))
    assert again.read(records).to_pylist() == expected
    fixed = wire.layout("<bBhq", ["a", "b", "c", "d"], where="a < -100 or b == 300 or c >= 32000")
    data = [(a, b, c, -a) for a in range(-128, 128, 7) for b in (0, 44) for c in (-32768, 32000)]
    kept = [each for each in data if each[0] < -100 or each[2] >= 32000]
    whole = b"".join(struct.pack("<bBhq", *each) for each in data)
    assert [tuple(row.values()) for row in fixed.read(whole).to_pylist()] == kept
    few = wire.layout("<bB", ["a", "b"], fields=["b"], where="a == -1")
    assert few.read(b"\xff\1\0\2").to_pylist() == [{"b": 1}]
    for where in ("name == 'a'", "points.x > 5", "nobody > 1"):
        with pytest.raises(wire.WhereError):
            wire.layout(PACKET, where=where)
    with pytest.raises(wire.ColumnError, match="nobody"):
        wire.layout(PACKET, fields=["points.nobody"])


COUNTED: list[Any] = [
    ("size", "u2"), ("count", ">u1"), ("at", "i4"),
    ("inner", [("n", "u1"), ("text", "text:n")]),
    ("body", "bytes:size"), ("points", ([("x", "i2"), ("m", "u1"), ("y", "bytes:m")], "count")),
]  # fmt: skip


def test_numbers_that_count_what_comes_later(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {
            "size": n % 5, "count": n % 3, "at": -n, "inner": {"n": n % 4, "text": "x" * (n % 4)},
            "body": bytes(n % 5),
            "points": [{"x": i, "m": i, "y": b"y" * i} for i in range(n % 3)],
        }
        for n in range(60)
    ]  # fmt: skip
    layout = wire.layout(COUNTED)
    data = layout.write(rows)
    assert layout.read(data).to_pylist() == rows
    assert layout.write(layout.read(data)) == data
    path = tmp_path / "records.bin"
    path.write_bytes(data)
    assert [r for table in layout.stream(path, rows=9) for r in table.to_pylist()] == rows
    for fields in (["at"], ["inner.text"], ["points.y", "at"], ["count"]):
        some = wire.layout(COUNTED, fields=fields)
        table = some.read(path)
        expected = [{key: row[key] for key in table.schema} for row in rows]
        if fields == ["inner.text"]:
            expected = [{"inner": {"text": row["inner"]["text"]}} for row in rows]
        elif fields[0] == "points.y":
            expected = [
                {"at": row["at"], "points": [{"y": each["y"]} for each in row["points"]]}
                for row in rows
            ]
        assert table.to_pylist() == expected
    wrong = [*rows[:2], {**rows[2], "size": 9}]
    with pytest.raises(wire.EncodeError) as caught:
        layout.write(wrong)
    assert (caught.value.error.row, caught.value.error.path) == (2, "body")


def test_files_and_streams(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    random = Random(5)
    made = [packet(random) for _ in range(200)]
    counted, fixed = tmp_path / "counted.bin", tmp_path / "fixed.bin"
    counted.write_bytes(b"".join(data for data, _ in made))
    numbers = [(n, -n) for n in range(200)]
    fixed.write_bytes(b"".join(struct.pack("<Ih", *each) for each in numbers))
    monkeypatch.setattr("jitvm.guests.wire.records.splitting.PIECE", 64)
    monkeypatch.setattr("jitvm.guests.wire.layout.reading.PIECE", 64)
    for layout, path, rows in (
        (wire.layout(PACKET), counted, [row for _, row in made]),
        (wire.layout("<Ih", ["a", "b"]), fixed, [{"a": a, "b": b} for a, b in numbers]),
        (wire.layout("<Ih", ["a", "b"], where="a >= 100"), fixed,
         [{"a": a, "b": b} for a, b in numbers[100:]]),
    ):  # fmt: skip
        assert layout.read(path).to_pylist() == rows
        told: list[int] = []
        tables = list(
            layout.stream(path, rows=7, progress=lambda state, told=told: told.append(state.rows))  # type: ignore[misc]
        )
        assert max(map(len, tables)) <= 7
        assert [row for table in tables for row in table.to_pylist()] == rows
        assert told[-1] == len(rows)
    one = list(wire.layout(PACKET).stream((data for data, _ in made), rows=50))
    assert [len(table) for table in one] == [50] * 4


def test_files_that_are_cut_off_or_broken(tmp_path: Path) -> None:
    path, good = tmp_path / "records.bin", packet(Random(1))[0]
    path.write_bytes(good * 3 + good[:-1])
    with pytest.raises(wire.StreamError, match="in the middle of a value, behind value 3"):
        list(wire.layout(PACKET, errors="skip").stream(path))
    maybe = wire.layout([("a", "u4?"), ("b", "text:u1")], errors="skip")
    path.write_bytes(b"\0\1x" * 2 + b"\2" + b"\0\1x" * 100)
    with pytest.raises(wire.DecodeError, match="message 2"):
        list(maybe.stream(path))
    path.write_bytes(b"\0\1x" + b"\0\1\xff" + b"\0\1y")
    (table,) = maybe.stream(path)
    assert [row["b"] for row in table.to_pylist()] == ["x", "y"]
    assert table.errors[0].fault is wire.Fault.UTF8
    path.write_bytes(bytes(13))
    with pytest.raises(wire.DecodeError):
        list(wire.layout("<IH", ["a", "b"]).stream(path))
    tables = list(wire.layout("<IH", ["a", "b"], errors="skip").stream(path))
    assert (sum(map(len, tables)), tables[-1].errors[0].row) == (2, 2)


@pytest.mark.parametrize("tier", ["reference", "ir", "interpreter", "jit"])
def test_tiers_agree_with_struct(tier: str) -> None:
    random = Random(8)
    judge = LayoutJudge(PACKET, tier=tier)
    few = tier in ("reference", "ir")
    records = [packet(random)[0] for _ in range(6 if few else 300)]
    for _ in range(1 if few else 3):
        judge.agree([*records, *(mutated(records[0], random, LIKELY) for _ in range(3))])


def test_values_as_a_whole() -> None:
    layout = wire.layout([("a", "u1"), (None, "align 4"), ("b", ">u4")])
    one, other = b"\1\0\0\0\0\0\0\2", b"\1xyz\0\0\0\2"
    assert layout.same(one, other)
    assert layout.digest(one) == layout.digest(other)
    assert layout.copied(other) == one
    assert not layout.same(one, b"\2\0\0\0\0\0\0\2")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: wire.layout("<IP"), "no column|bad char"),
        (lambda: wire.layout("<I", ["a", "b"]), "1 values, and there are 2 names"),
        (lambda: wire.layout(np.dtype("f8")), "no fields"),
        (lambda: wire.layout([("a", "u3")]), "no kind"),
        (lambda: wire.layout([("a", "u1"), ("a", "u2")]), "two parts 'a'"),
        (lambda: wire.layout([("a", ("u1", "f4"))]), "counts nothing"),
        (lambda: wire.layout([("a:9", "u1")]), "more bits"),
        (lambda: wire.layout([("a", "text:u1"), (None, "align 4")]), "use 'pad'"),
        (lambda: wire.layout([("a", "bytes:n"), ("n", "u1")]), "comes before it"),
        (lambda: wire.layout([("n", "u1?"), ("a", "bytes:n")]), "may be absent"),
        (lambda: wire.layout([("n", "i2"), ("a", ("u1", "n"))]), "comes before it"),
        (lambda: wire.layout([("n", "u1"), ("a", ("bytes:n", 2))]), "no part 'n' before them"),
        (lambda: wire.layout(5), "5 is no layout"),
    ],
)
def test_what_is_no_layout(make: Callable[[], object], said: str) -> None:
    with pytest.raises(wire.SchemaError, match=said):
        make()


@pytest.mark.parametrize(
    ("row", "misfit"),
    [
        ({"a": 300, "b": b"xy", "c": [1]}, wire.Misfit.RANGE),
        ({"a": 1, "b": b"xyz", "c": [1]}, wire.Misfit.SIZE),
        ({"a": None, "b": b"xy", "c": [1]}, wire.Misfit.REQUIRED),
        ({"a": 1, "b": b"xy", "c": [1] * 300}, wire.Misfit.SIZE),
    ],
)
def test_values_that_do_not_fit(row: dict[str, Any], misfit: wire.Misfit) -> None:
    layout = wire.layout([("a", "u1"), ("b", "bytes 2"), ("c", ("u2", "u1"))])
    good = {"a": 1, "b": b"xy", "c": [5]}
    assert layout.write([good]) == b"\1xy\1\5\0"
    with pytest.raises(wire.EncodeError) as caught:
        layout.write([good, row])
    assert (caught.value.error.row, caught.value.error.misfit) == (1, misfit)


def test_the_examples(capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path(__file__).parents[2] / "examples"
    for name, said in (
        ("packets", "20000 packets, 20000 of them IPv4"),
        ("sensor_log", "50 restarts, the last at 3430.0 s"),
        ("old_database", "2700 of 3000 records are not deleted"),
    ):
        main = runpy.run_path(str(folder / f"{name}.py"))["main"]
        main(*([[]] if name != "sensor_log" else []))
        assert said in capsys.readouterr().out

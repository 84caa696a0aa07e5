"""Readers of Avro: files of all codecs, bare records, schemas of who reads, conditions, errors."""

from __future__ import annotations

import io
import pickle
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

import fastavro
import pyarrow as pa
import pytest

from jitvm import wire
from jitvm.guests.wire.avro import container
from tests.wire.avros import Schemas, Values, as_theirs, encoded, same

EVENT: dict[str, Any] = {
    "type": "record",
    "name": "Event",
    "namespace": "shop",
    "fields": [
        {"name": "ts", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "id", "type": "int"},
        {"name": "name", "type": "string"},
        {"name": "price", "type": ["null", "double"]},
        {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["NEW", "OLD"]}},
        {"name": "tags", "type": {"type": "array", "items": "string"}},
    ],
}
EVENTS: list[dict[str, Any]] = [
    {
        "ts": 1_700_000_000_000 + i,
        "id": i,
        "name": f"event {i % 7}",
        "price": None if i % 3 else i / 4,
        "kind": ("NEW", "OLD")[i & 1],
        "tags": [f"t{j}" for j in range(i % 4)],
    }
    for i in range(1000)
]


def written(codec: str = "null", **options: Any) -> bytes:
    file = io.BytesIO()
    fastavro.writer(file, EVENT, EVENTS, sync_interval=3000, codec="null", **options)
    if codec == "null":
        return file.getvalue()
    return recoded(file.getvalue(), codec)


def recoded(data: bytes, codec: str) -> bytes:
    """A file with its blocks compressed, made here: fastavro needs another library for each."""
    import bz2
    import lzma
    import zlib

    import cramjam
    import zstandard

    def deflated(block: bytes) -> bytes:
        stream = zlib.compressobj(9, zlib.DEFLATED, -15)
        return stream.compress(block) + stream.flush()

    def snapped(block: bytes) -> bytes:
        return bytes(cramjam.snappy.compress_raw(block)) + zlib.crc32(block).to_bytes(4, "big")

    compress: Callable[[bytes], bytes] = {
        "deflate": deflated, "snappy": snapped, "zstandard": zstandard.ZstdCompressor().compress,
        "bzip2": bz2.compress, "xz": lzma.compress,
    }[codec]  # fmt: skip
    view = memoryview(data)
    header = container.header_of(view)
    found = data[: header.size].replace(b"\x08null", number(len(codec)) + codec.encode())
    blocks, _ = container.Container(header, True).blocks(view, header.size, 1 << 30)
    table = list(blocks.table)
    for first, last, count in zip(table[::3], table[1::3], table[2::3], strict=True):
        block = compress(data[first:last])
        found += number(count) + number(len(block)) + block + header.sync
    return found


def number(value: int) -> bytes:
    """A zigzag varint."""
    value <<= 1
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*found, value))


def expected(data: bytes) -> list[Any]:
    return list(fastavro.reader(io.BytesIO(data)))


@pytest.mark.parametrize("codec", container.CODECS)
def test_files_of_all_codecs(codec: str, tmp_path: Path) -> None:
    data = written(codec)
    theirs = expected(written())
    path = tmp_path / "events.avro"
    path.write_bytes(data)
    reader = wire.avro.reader()
    for source in (data, bytearray(data), path, str(path), io.BytesIO(data)):
        table = reader.read(source)
        assert table.to_pylist() == theirs
    table.to_arrow().validate(full=True)
    assert table.schema["ts"] == "timestamp[ms, UTC]"
    assert table.schema["kind"] == "dictionary<string>"
    parts = list(reader.stream(path, rows=300))
    assert [row for part in parts for row in part.to_pylist()] == theirs
    assert max(map(len, parts)) <= 300


def test_files_that_are_read_little_by_little(monkeypatch: pytest.MonkeyPatch) -> None:
    for size in (1, 100, 5000):
        monkeypatch.setattr(container, "PIECE", size)
        monkeypatch.setattr(container.Streamed.__init__, "__defaults__", (size,))
        data = written("deflate")
        assert wire.avro.reader().read(io.BytesIO(data)).to_pylist() == expected(data)
        assert wire.avro.reader().read(data).to_pylist() == expected(data)


def test_records_of_a_schema_that_was_given() -> None:
    records = [encoded(EVENT, each) for each in EVENTS]
    theirs = expected(written())
    reader = wire.avro.reader(EVENT)
    assert reader.schema["price"] == "double"
    forms: list[tuple[Any, ...]] = [
        (records,), (pa.array(records, pa.binary()),),
        (b"".join(records), [len(each) for each in records]),
    ]  # fmt: skip
    for form in forms:
        assert reader.read(*form).to_pylist() == theirs
    assert [len(part) for part in reader.stream(iter(records), rows=400)] == [400, 400, 200]
    again: wire.avro.AvroReader = pickle.loads(pickle.dumps(reader))
    assert again.read(records).to_pylist() == theirs
    assert len(again.read([])) == 0


def test_headers_in_front_of_records() -> None:
    record = encoded(EVENT, EVENTS[5])
    mark = struct.pack("<HQ", 0x01C3, wire.avro.fingerprint(EVENT))
    form = fastavro.schema.to_parsing_canonical_form(fastavro.parse_schema(EVENT))
    assert mark[2:].hex() == fastavro.schema.fingerprint(form, "CRC-64-AVRO")
    assert wire.avro.canonical(EVENT) == form
    reader = wire.avro.reader(EVENT, errors="skip")
    table = reader.read([mark + record, record, mark[:9] + b"\0" + record], framing="single")
    assert table["id"].to_pylist() == [5]
    assert [each.fault for each in table.errors] == [wire.Fault.CONSTANT] * 2
    table = reader.read([b"\0\0\0\0\7" + record, b"\1\0\0\0\7" + record], framing="confluent")
    assert table["id"].to_pylist() == [5]
    with pytest.raises(wire.MessagesError, match="single, confluent"):
        reader.read([record], framing="varint")


def test_nulls_among_records() -> None:
    record = encoded(EVENT, EVENTS[0])
    table = wire.avro.reader(EVENT, errors="null").read([record, None, record])
    assert table["id"].to_pylist() == [0, None, 0]
    assert [each.fault for each in table.errors] == [wire.Fault.NULL]


def test_fields_and_conditions() -> None:
    data = written()
    reader = wire.avro.reader(fields=["name"], where="kind == OLD and price > 100")
    wanted = [
        {"name": each["name"]}
        for each in EVENTS
        if each["kind"] == "OLD" and each["price"] is not None and each["price"] > 100
    ]
    assert reader.read(data).to_pylist() == wanted
    assert wire.avro.reader(where="price is None").read(data)["price"].null_count == 666
    with pytest.raises(wire.ColumnError, match="did you mean 'name'"):
        wire.avro.reader(EVENT, fields=["nam"])
    with pytest.raises(wire.WhereError, match="is a string"):
        wire.avro.reader(EVENT, where="name == 5")


# -- schemas of who reads --------------------------------------------------------------------------

PAIRS: list[tuple[Any, Any]] = [
    ("int", "long"), ("int", "float"), ("int", "double"), ("long", "float"), ("long", "double"),
    ("float", "double"), ("string", "bytes"), ("bytes", "string"), ("int", ["null", "int"]),
    (["null", "int"], ["null", "long"]), (["null", "int"], ["null", "double"]),
    (["int", "null"], ["null", "int"]), (["int", "string"], ["null", "string", "long"]),
    ("int", ["string", "double"]), (["null", "string"], ["string", "null"]),
    ({"type": "array", "items": "int"}, {"type": "array", "items": "double"}),
    ({"type": "map", "values": "float"}, {"type": "map", "values": ["null", "double"]}),
]  # fmt: skip


def pair(a: Any, b: Any) -> tuple[Any, Any]:
    return tuple(  # type: ignore[return-value]
        {"type": "record", "name": "R", "fields": [{"name": "v", "type": each}]} for each in (a, b)
    )


@pytest.mark.parametrize("types", PAIRS, ids=str)
def test_values_are_promoted(types: tuple[Any, Any]) -> None:
    write, read = pair(*types)
    theirs = fastavro.parse_schema(write)
    parsed = wire.avro.reader(write)._written
    assert parsed is not None
    random = Random(repr(types))
    values = [{"v": Values(random).of(parsed.fields[0].type)} for _ in range(60)]
    if types[0] == "bytes":
        values = [{"v": f"text {i}".encode()} for i in range(60)]
    records = [encoded(theirs, each) for each in values]
    reader = wire.avro.reader(write, reader_schema=read)
    shape = wire.avro.reader(read)._written
    assert shape is not None
    for row, record in zip(reader.read(records).to_pylist(), records, strict=True):
        wanted: Any = fastavro.schemaless_reader(io.BytesIO(record), theirs, read)
        found = as_theirs(shape, row)
        if "float" in str(types[1]):
            assert found["v"] == pytest.approx(wanted["v"], rel=1e-6)
        else:
            assert same(found, wanted)


def test_whole_numbers_become_the_nearest_floats() -> None:
    write, read = pair("long", "double")
    numbers = [0, 1, -1, 2**53 + 1, 2**53 + 3, -(2**63), 2**63 - 1, 2**62 + 2**9, 10**17 + 7]
    records = [encoded(fastavro.parse_schema(write), {"v": each}) for each in numbers]
    found = wire.avro.reader(write, reader_schema=read).read(records)
    assert found["v"].to_pylist() == [float(each) for each in numbers]
    write, read = pair("float", "double")
    floats = [0.0, -0.0, 1.5, -(2.0**-149), 2.0**-130, 3.4e38, float("inf"), -float("inf")]
    records = [struct.pack("<f", each) for each in floats] + [struct.pack("<I", 0x7FC00001)]
    found = wire.avro.reader(write, reader_schema=read).read(records)
    assert list(map(repr, found["v"].to_pylist())) == [
        *(repr(struct.unpack("<f", struct.pack("<f", each))[0]) for each in floats), "nan",
    ]  # fmt: skip


def test_fields_that_come_and_go() -> None:
    read: dict[str, Any] = {
        "type": "record",
        "name": "Event",
        "fields": [
            {"name": "tags", "type": {"type": "array", "items": "string"}},
            {"name": "title", "type": "string", "aliases": ["name"]},
            {"name": "id", "type": "long"},
            {"name": "note", "type": "string", "default": "none of the kind, said at length"},
            {"name": "rate", "type": ["null", "double"], "default": None},
            {"name": "level", "type": "int", "default": -7},
            {"name": "few", "type": {"type": "array", "items": "int"}, "default": [1, 2, 3]},
            {"name": "map", "type": {"type": "map", "values": "string"}, "default": {"a": "b"}},
            {
                "name": "inner",
                "type": {
                    "type": "record",
                    "name": "Inner",
                    "fields": [
                        {"name": "x", "type": "float", "default": 1.5},
                        {"name": "b", "type": "bytes", "default": "\u00ff\u0001"},
                        {"name": "u", "type": ["string", "int"], "default": "u"},
                    ],
                },
                "default": {"x": 2.5},
            },
        ],
    }
    data = written()
    theirs: list[Any] = list(fastavro.reader(io.BytesIO(data), read))
    table = wire.avro.reader(reader_schema=read).read(data)
    table.to_arrow().validate(full=True)
    rows = table.to_pylist()
    for row, wanted in zip(rows, theirs, strict=True):
        row["inner"]["u"] = row["inner"]["u"]["string"]
        wanted["inner"] = {"x": 2.5, "b": b"\xff\x01", "u": "u"}  # which fastavro leaves as it is
    assert rows == theirs


def test_symbols_of_who_reads() -> None:
    def schema(symbols: list[str], **more: Any) -> Any:
        enum = {"type": "enum", "name": "E", "symbols": symbols, **more}
        return {"type": "record", "name": "R", "fields": [{"name": "v", "type": enum}]}

    write = fastavro.parse_schema(schema(["A", "B", "C"]))
    records = [encoded(write, {"v": each}) for each in "ABCA"]
    read = schema(["C", "A", "Z"], default="Z")
    found = wire.avro.reader(write, reader_schema=read).read(records)
    assert found["v"].to_pylist() == ["A", "Z", "C", "A"]
    table = wire.avro.reader(write, reader_schema=schema(["C", "A"]), errors="skip").read(records)
    assert table["v"].to_pylist() == ["A", "C", "A"]
    assert [each.fault for each in table.errors] == [wire.Fault.SYMBOL]


@pytest.mark.parametrize(
    ("write", "read", "said"),
    [
        ("long", "int", "v: long was written, which cannot be read as int"),
        ("string", ["null", "int"], "no branch for it"),
        ({"type": "array", "items": "null"}, {"type": "array", "items": "null"}, "have no bytes"),
    ],
)
def test_schemas_that_do_not_fit(write: Any, read: Any, said: str) -> None:
    a, b = pair(write, read)
    with pytest.raises(wire.SchemaError, match=said):
        wire.avro.reader(a, reader_schema=b)


def test_a_field_without_default_has_to_be_written() -> None:
    read = {"type": "record", "name": "R", "fields": [{"name": "w", "type": "int"}]}
    with pytest.raises(wire.SchemaError, match=r"R\.w: was not written, and has no default"):
        wire.avro.reader(pair("int", "int")[0], reader_schema=read)


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ("{", "no JSON"), ({"type": "record", "name": "R"}, "no list of fields"),
        ("Nobody", "no type 'Nobody'"),
        ({"type": "enum", "name": "1", "symbols": ["A"]}, "no name"),
        (["null", "null"], "null twice"), ([["int"], "null"], "holds another one"),
        ({"type": "fixed", "name": "F", "size": -1}, "no number of bytes"), (5, "5 is no type"),
        ("nowhere.avsc", "cannot read nowhere.avsc"),
    ],
)  # fmt: skip
def test_what_is_no_schema(schema: Any, said: str) -> None:
    with pytest.raises(wire.SchemaError, match=said):
        wire.avro.reader(schema)


# -- what is damaged -------------------------------------------------------------------------------


def test_a_record_that_is_wrong_takes_its_block_with_it() -> None:
    data = bytearray(written())
    at = data.index(b"event 6", 4000)
    data[at - 1] = 0x03  # a length below 0
    sizes = [block.num_records for block in fastavro.block_reader(io.BytesIO(written()))]
    with pytest.raises(wire.DecodeError, match="field name: a length reaches past") as caught:
        wire.avro.reader().read(bytes(data))
    row = caught.value.error.row
    block = next(i for i in range(len(sizes)) if sum(sizes[: i + 1]) > row)
    behind = sum(sizes[: block + 1])
    table = wire.avro.reader(errors="skip").read(bytes(data))
    assert table["id"].to_pylist() == [*range(row), *range(behind, 1000)]
    assert [each.row for each in table.errors] == list(range(row, behind))
    assert {each.fault for each in table.errors[1:]} == {wire.Fault.LOST}
    nulls = wire.avro.reader(errors="null").read(bytes(data))
    assert len(nulls) == 1000
    assert nulls["id"].null_count == behind - row
    nulls.to_arrow().validate(full=True)


def test_files_that_are_damaged() -> None:
    data = written()
    reader = wire.avro.reader(errors="skip")
    for cut in (2, 30, 200, 5000):
        with pytest.raises((wire.StreamError, wire.DecodeError), match="middle of"):
            reader.read(data[:cut] if cut > 4 else io.BytesIO(data[:cut]))
    with pytest.raises(wire.StreamError, match="no Avro container file"):
        reader.read(io.BytesIO(b"PAR1" + data))
    with pytest.raises(wire.SchemaError, match="do not tell their schema"):
        reader.read([data])
    header = container.header_of(memoryview(data))
    wrong = bytearray(data)
    wrong[-1] ^= 1
    with pytest.raises(wire.DecodeError, match="what frames"):
        reader.read(bytes(wrong))
    wrong = bytearray(written("deflate"))
    wrong[header.size + 40] ^= 0xFF
    with pytest.raises(wire.DecodeError):
        reader.read(bytes(wrong))
    with pytest.raises(wire.StreamError, match="codec 'nul0' is unknown"):
        reader.read(data.replace(b"\x08null", b"\x08nul0"))


def test_strings_that_are_not_utf8_in_a_file() -> None:
    data = written().replace(b"event 3", b"event \xff")
    wrong = [i for i in range(1000) if i % 7 == 3]
    table = wire.avro.reader(errors="skip").read(data)
    assert table["id"].to_pylist() == [i for i in range(1000) if i % 7 != 3]
    assert [each.row for each in table.errors] == wrong
    assert {(each.fault, each.path) for each in table.errors} == {(wire.Fault.UTF8, "name")}
    table = wire.avro.reader(errors="null").read(data)
    assert [i for i, each in enumerate(table["id"].to_pylist()) if each is None] == wrong
    table.to_arrow().validate(full=True)
    with pytest.raises(wire.DecodeError, match=r"message 3, byte 7, field name: .*UTF-8"):
        wire.avro.reader().read(data)
    kept = wire.avro.reader(errors="skip", where="id >= 500").read(data)
    assert kept["id"].to_pylist() == [i for i in range(500, 1000) if i % 7 != 3]
    assert [each.row for each in kept.errors] == [i for i in wrong if i >= 500]


def test_records_that_are_nested_in_themselves() -> None:
    schema: dict[str, Any] = {
        "type": "record",
        "name": "Node",
        "fields": [
            {"name": "value", "type": "int"},
            {"name": "next", "type": ["null", "Node"]},
            {"name": "many", "type": {"type": "array", "items": "Node"}},
        ],
    }

    def node(depth: int) -> dict[str, Any]:
        more = node(depth - 1) if depth else None
        return {"value": depth, "next": more, "many": [more] * min(depth, 1)}

    parsed = fastavro.parse_schema(schema)
    records = [encoded(parsed, node(depth)) for depth in range(6)]
    deep = wire.avro.reader(schema, depth=10).read(records).to_pylist()
    assert [as_theirs(wire.avro.reader(schema)._written or 0, row) for row in deep] == [  # type: ignore[arg-type]
        node(depth) for depth in range(6)
    ]
    table = wire.avro.reader(schema, depth=2).read(records)
    row = table.to_pylist()[3]
    assert row["next"]["next"] == encoded(parsed, node(1))
    assert row["many"][0]["many"] == [encoded(parsed, node(1))]
    assert wire.avro.reader(schema, fields=["value"]).read(records)["value"].to_pylist() == [
        *range(6)
    ]
    chain = b"\x02\x02" * 3000 + b"\x02\x00" + b"\x00" * 3001
    table = wire.avro.reader(schema, fields=["value"], errors="skip").read([chain])
    assert [each.fault for each in table.errors] == [wire.Fault.DEPTH]


@pytest.mark.parametrize("seed", range(6))
def test_files_of_any_schema(seed: int) -> None:
    random = Random(seed)
    schema = Schemas(random, True).record()
    reader = wire.avro.reader(schema, depth=10)
    assert reader._written is not None
    values = Values(random)
    rows = [values.of(reader._written) for _ in range(200)]
    file = io.BytesIO()
    fastavro.writer(file, fastavro.parse_schema(schema), rows, sync_interval=1000)
    data = file.getvalue()
    table = wire.avro.reader(depth=10).read(data)
    table.to_arrow().validate(full=True)
    for ours, theirs in zip(table.to_pylist(), expected(data), strict=True):
        assert same(as_theirs(reader._written, ours), theirs)


def test_readers_on_several_threads() -> None:
    reader = wire.avro.reader()
    parts = [written(), recoded(written(), "deflate")] * 4
    with ThreadPoolExecutor(4) as executor:
        tables = list(executor.map(reader.read, parts))
    assert all(each.to_pylist() == expected(written()) for each in tables)


def test_programs_are_listed_and_explained() -> None:
    reader = wire.avro.reader()
    assert reader.listing() == ""
    with pytest.raises(ValueError, match="nothing was read natively"):
        wire.explain(reader)
    reader.read(written())
    text = reader.listing()
    for line in ("@name:careful", "@tags", "  text.16", "@blank"):
        assert line in text
    assert repr(reader) == "<AvroReader of files, errors='raise'>"
    known = wire.avro.reader(EVENT, fields=["id"], where="id > 3")
    assert repr(known) == (
        "<AvroReader of shop.Event, fields=('id',), where='id > 3', errors='raise'>"
    )
    assert list(known.columns()) == [("id", "int32", False)]
    assert pa.schema(known).names == ["id"]


def test_what_is_passed_over_is_not_looked_into() -> None:
    """But for where it ends: lists that say how long they are, others, and all kinds in them."""
    inner = {
        "type": "record",
        "name": "Inner",
        "fields": [
            {"name": "a", "type": {"type": "map", "values": {"type": "array", "items": "bytes"}}},
            {"name": "b", "type": ["null", "float", {"type": "fixed", "name": "F", "size": 3}]},
        ],
    }
    fields = [
        {"name": "skipped", "type": {"type": "array", "items": inner}},
        {"name": "nothing", "type": {"type": "array", "items": "null"}},
        {"name": "kept", "type": "int"},
    ]
    schema = {"type": "record", "name": "R", "fields": fields}
    plain = {"skipped": [{"a": {"k": [b"x", b"yz"]}, "b": b"abc"}] * 3, "nothing": [None] * 9}
    records = [encoded(fastavro.parse_schema(schema), {**plain, "kept": 5})]
    sized = bytes.fromhex("0304 ffff 00") + b"\x13\x02\x00\x00" + b"\x0e"
    reader = wire.avro.reader(schema, fields=["kept"])
    assert reader.read([*records, sized[:0] + records[0]])["kept"].to_pylist() == [5, 5]
    assert reader.read([sized])["kept"].to_pylist() == [7]
    with pytest.raises(wire.DecodeError, match="skipped: a list has more elements"):
        reader.read([bytes.fromhex("03f0 ffff 00")])

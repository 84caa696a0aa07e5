"""Writers of Avro: what they write fastavro reads, and the reader here; what does not fit."""

from __future__ import annotations

import io
import json
import pickle
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import fastavro
import numpy as np
import polars
import pyarrow as pa
import pytest

from jitvm import wire
from jitvm.guests.wire.avro import container
from tests.wire.avros import Schemas, Values, as_theirs, encoded, same
from tests.wire.test_avro_reader import EVENT, EVENTS, expected, written


def table() -> wire.Table:
    return wire.avro.reader().read(written())


@pytest.mark.parametrize("codec", container.CODECS)
def test_files_are_what_fastavro_reads(codec: str, tmp_path: Path) -> None:
    path = tmp_path / "again.avro"
    writer = wire.avro.writer(EVENT)
    assert writer.save(table(), path, codec=codec, metadata={"origin": b"here"}) == 1000
    assert wire.avro.reader().read(path).to_pylist() == expected(written())
    if codec in ("null", "deflate", "bzip2", "xz"):
        reader = fastavro.reader(io.BytesIO(path.read_bytes()))
        assert list(reader) == expected(written())
        assert reader.metadata["origin"] == "here"
    assert json.loads(wire.avro.schema_of(path)) == EVENT


def test_tables_of_all_kinds() -> None:
    theirs = [encoded(EVENT, each) for each in EVENTS]
    writer: wire.avro.AvroWriter = pickle.loads(pickle.dumps(wire.avro.writer(EVENT)))
    ours = table()
    for form in (
        ours,
        ours.to_arrow(),
        ours.to_polars(),
        ours.to_pandas(),
        EVENTS,
        expected(written()),
    ):
        assert writer.write(form).to_list() == theirs
    columns = {name: [each[name] for each in EVENTS] for name in EVENTS[0]}
    assert writer.write(columns).to_list() == theirs
    columns["id"] = np.arange(1000)  # type: ignore[assignment]
    assert writer.write(columns).to_list() == theirs
    less = polars.DataFrame(ours).drop("price")
    assert wire.avro.reader(EVENT).read(writer.write(less).to_list())["price"].null_count == 1000


def test_streams_become_files(tmp_path: Path) -> None:
    (tmp_path / "events.avro").write_bytes(written())
    parts = wire.avro.reader().stream(tmp_path / "events.avro", rows=300)
    file = io.BytesIO()
    assert wire.avro.writer(EVENT).save(parts, file) == 1000
    assert expected(file.getvalue()) == expected(written())


def test_headers_in_front_of_records() -> None:
    writer, reader = wire.avro.writer(EVENT), wire.avro.reader(EVENT)
    for framing in ("none", "single", "confluent"):
        records = writer.write(EVENTS[:5], framing=framing, schema_id=7).to_list()
        assert reader.read(records, framing=framing)["id"].to_pylist() == [*range(5)]
    assert records[0][:5] == b"\0\0\0\0\7"
    with pytest.raises(wire.MessagesError, match="none, single, confluent"):
        writer.write(EVENTS, framing="varint")


@pytest.mark.parametrize("seed", range(20))
def test_records_of_any_schema(seed: int) -> None:
    """What is read here is written, and fastavro reads the same of it."""
    random = Random(seed)
    schema = Schemas(random, seed % 2 == 0).record()
    parsed = fastavro.parse_schema(schema)
    reader, writer = wire.avro.reader(schema, depth=9), wire.avro.writer(schema)
    assert reader._written is not None
    values = Values(random)
    rows = [values.of(reader._written) for _ in range(50)]
    records = [encoded(parsed, row) for row in rows]
    read = reader.read(records)
    again = writer.write(read).to_list()
    for mine, row in zip(again, read.to_pylist(), strict=True):
        theirs = fastavro.schemaless_reader(io.BytesIO(mine), parsed, None)
        assert same(as_theirs(reader._written, row), theirs)
    objects = writer.write(read.to_pylist()).to_list()
    assert objects == again


def schema(type: Any) -> Any:
    return {"type": "record", "name": "R", "fields": [{"name": "v", "type": type}]}


@pytest.mark.parametrize(
    ("type", "values", "misfit", "row"),
    [
        ("int", [1, 1 << 31], wire.Misfit.RANGE, 1),
        ("long", [1, None], wire.Misfit.REQUIRED, 1),
        ({"type": "array", "items": "int"}, [[1], [2, -(1 << 40)]], wire.Misfit.RANGE, 1),
        ({"type": "enum", "name": "E", "symbols": ["A"]}, ["A", "A", "B"], wire.Misfit.NAME, 2),
        ({"type": "fixed", "name": "F", "size": 2}, [b"ab", b"abc"], wire.Misfit.SIZE, 1),
        ("string", ["a", "\ud800"], wire.Misfit.UTF8, 1),
        (["int", "string"], [{"int": 1}, {"int": 1, "string": "a"}], wire.Misfit.ONEOF, 1),
    ],
)
def test_values_that_do_not_fit(type: Any, values: Any, misfit: wire.Misfit, row: int) -> None:
    with pytest.raises(wire.EncodeError) as caught:
        wire.avro.writer(schema(type)).write([{"v": each} for each in values])
    assert (caught.value.error.row, caught.value.error.misfit) == (row, misfit)
    assert caught.value.error.path.startswith("v")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"w": [1]}, "no such field"),
        ({}, "no column 'v'"),
        ({"v": ["a"]}, "'a' is no long"),
        ({"v": pa.array(["a"])}, "the column is string"),
        ({"v": [1.5]}, "1.5 is no long"),
        (5, "int is no table"),
    ],
)
def test_tables_that_do_not_fit(given: Any, said: str) -> None:
    with pytest.raises(wire.TableError, match=said):
        wire.avro.writer(schema("long")).write(given)


def test_times_of_other_units_and_decimals() -> None:
    moment = datetime(2024, 5, 6, 7, 8, 9, 123000, tzinfo=UTC)
    kind = {"type": "long", "logicalType": "timestamp-millis"}
    for unit in ("ms", "us", "ns"):
        column = pa.array([moment], pa.timestamp(unit, "UTC"))
        record = wire.avro.writer(schema(kind)).write({"v": column}).to_list()[0]
        assert fastavro.schemaless_reader(io.BytesIO(record), schema(kind), None) == {"v": moment}
    kinds = {"type": "bytes"}, {"type": "fixed", "name": "F", "size": 16}
    wide = {"logicalType": "decimal", "precision": 38, "scale": 2}
    small = {"type": "fixed", "name": "G", "size": 5, **wide, "precision": 9}
    for decimal in (*({**kind, **wide} for kind in kinds), small):
        numbers = [Decimal("0"), Decimal("-1.28"), Decimal("1.28"), Decimal("-9999999.99")]
        rows = [{"v": each} for each in numbers]
        records = wire.avro.writer(schema(decimal)).write(rows).to_list()
        theirs = [fastavro.schemaless_reader(io.BytesIO(r), schema(decimal), None) for r in records]
        assert [each["v"] for each in theirs] == numbers  # type: ignore[index,call-overload]
        assert wire.avro.reader(schema(decimal)).read(records).to_pylist() == rows

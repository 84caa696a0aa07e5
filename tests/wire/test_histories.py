"""What is wrong with a record is told the same whatever was read before: instructions are chosen by
what values of the schema looked like, for all its readers."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import fastavro
import msgpack
import pytest

from jitvm import wire

Make = Callable[[], Any]
PACKED = {
    "n": "int64", "s": "string", "t": ["string"], "f": "float64", "b": "binary", "z": "string",
    "r": {"u": "uint16", "v": "string"}, "m": {"*": "int32"},
}  # fmt: skip
AVRO = {
    "type": "record", "name": "Whole", "fields": [
        {"name": "n", "type": "long"}, {"name": "s", "type": "string"},
        {"name": "t", "type": {"type": "array", "items": "string"}},
        {"name": "f", "type": "double"}, {"name": "b", "type": "bytes"},
        {"name": "z", "type": ["null", "string"]},
        {"name": "r", "type": {"type": "record", "name": "Part", "fields": [
            {"name": "u", "type": "int"}, {"name": "v", "type": "string"}]}},
        {"name": "m", "type": {"type": "map", "values": "int"}},
    ],
}  # fmt: skip


def records(random: Random, longest: int, greatest: int) -> Iterator[dict[str, Any]]:
    """Endless ones, whose strings and numbers are so large at most."""

    def text() -> str:
        return "x" * random.choice((0, 1, longest // 2, longest))

    while True:
        yield {
            "n": random.randrange(-greatest, greatest), "s": text(),
            "t": [text() for _ in range(random.randrange(4))], "f": random.random(),
            "b": text().encode(), "z": random.choice((None, text())),
            "r": {"u": random.randrange(200), "v": text()},
            "m": {text(): random.randrange(9) for _ in range(random.randrange(3))},
        }  # fmt: skip


def mutated(random: Random, data: bytes) -> bytes:
    """A record that is cut off, or has other bytes in it."""
    at = random.randrange(len(data))
    some = bytes(random.randrange(256) for _ in range(random.randrange(1, 4)))
    return random.choice((data[:at], data[:at] + some + data[at + 1 :], data + some))


def as_avro(record: dict[str, Any]) -> bytes:
    written = io.BytesIO()
    fastavro.schemaless_writer(written, fastavro.parse_schema(dict(AVRO)), record)
    return written.getvalue()


@pytest.mark.parametrize(
    ("encode", "make"),
    [
        (msgpack.packb, lambda: wire.msgpack.reader(PACKED, errors="skip")),
        (as_avro, lambda: wire.avro.reader(AVRO, errors="skip")),
    ],
    ids=["MessagePack", "Avro"],
)
def test_faults_are_the_same(encode: Callable[[dict[str, Any]], bytes], make: Make) -> None:
    random = Random(11)
    short, long = (
        [encode(record) for record, _ in zip(records(random, *limits), range(300), strict=False)]
        for limits in ((8, 60), (200, 1 << 40))
    )
    bad = [mutated(random, random.choice((*short, *long))) for _ in range(100)]
    bad += [data[:at] for data in short[:2] for at in range(len(data))]
    found = []
    for before in ([], short, long):
        reader = make()
        for _ in range(3):
            reader.read(before)
        errors = reader.read(bad).errors
        found.append([(each.row, each.fault, each.offset, each.path) for each in errors])
    assert len(found[0]) > 100
    for others in found[1:]:
        assert others == found[0]

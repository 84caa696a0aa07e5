"""Avro for tests: schemas and values at random, what fastavro says of their bytes, and decoders of
any tier beside it."""

from __future__ import annotations

import io
import math
import struct
from array import array
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from random import Random
from typing import Any
from uuid import UUID

import fastavro

from jitvm.engine.machine.machine import Tier
from jitvm.engine.tables.params import Parameters
from jitvm.guests.wire.avro.columns import only, tree
from jitvm.guests.wire.avro.program import make
from jitvm.guests.wire.avro.schema import Type, parsed
from jitvm.guests.wire.buffers import layout
from jitvm.guests.wire.columns import Tree
from jitvm.guests.wire.faults import Fault
from jitvm.guests.wire.pool import POOL
from jitvm.guests.wire.records.decoder import Decoded, Place, RecordDecoder
from jitvm.guests.wire.table import Chunk, Table

BYTES, ROWS = 1 << 20, 4096
SCALARS = ("boolean", "int", "long", "float", "double", "bytes", "string")
LOGICAL: tuple[dict[str, Any], ...] = (
    {"type": "int", "logicalType": "date"},
    {"type": "int", "logicalType": "time-millis"},
    {"type": "long", "logicalType": "time-micros"},
    {"type": "long", "logicalType": "timestamp-millis"},
    {"type": "long", "logicalType": "timestamp-micros"},
    {"type": "long", "logicalType": "local-timestamp-millis"},
    {"type": "long", "logicalType": "local-timestamp-micros"},
    {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 3},
    {"type": "bytes", "logicalType": "decimal", "precision": 38, "scale": 0},
    {"type": "string", "logicalType": "uuid"},
)
LENIENT = frozenset(
    {Fault.RANGE, Fault.SYMBOL, Fault.FLAG, Fault.VARINT, Fault.BRANCH, Fault.COUNT, Fault.DEPTH}
)
"""What is refused though fastavro takes it; docs/avro.md says why."""
TEXTS = (
    "",
    "a",
    "name",
    "äöü",
    "κόσμε",
    "x" * 15,
    "y" * 16,
    "z" * 17,
    "w" * 33,
    "v" * 64,
    "u" * 200,
)


class Schemas:
    """Schemas at random.

    Args:
        random: what decides.
        are_logical: whether there are logical types.
    """

    def __init__(self, random: Random, are_logical: bool = False) -> None:
        self.random = random
        self.are_logical = are_logical
        self.count = 0

    def name(self) -> str:
        self.count += 1
        return f"T{self.count}"

    def record(self, depth: int = 0) -> dict[str, Any]:
        name = self.name()
        fields = [
            {"name": f"f{i}", "type": self.type(depth + 1)}
            for i in range(self.random.randint(1, 5 if depth else 9))
        ]
        if self.random.random() < 0.1:
            fields.append({"name": "again", "type": ["null", name]})
        return {"type": "record", "name": name, "fields": fields}

    def type(self, depth: int) -> Any:
        random = self.random
        kind = random.random()
        if kind < 0.45 or depth > 3:
            return self.scalar()
        if kind < 0.62:
            inner = self.type(depth + 1)
            if isinstance(inner, list) or inner == "null":
                return inner
            return ["null", inner] if random.random() < 0.7 else [inner, "null"]
        if kind < 0.76:
            return {"type": "array", "items": self.type(depth + 1)}
        if kind < 0.84:
            return {"type": "map", "values": self.type(depth + 1)}
        if kind < 0.93:
            return self.record(depth + 1)
        branches: list[Any] = random.sample(["null", "boolean", "long", "double", "string"], 3)
        if random.random() < 0.5:
            branches.append(self.record(depth + 2))
        return branches

    def scalar(self) -> Any:
        kind = self.random.random()
        if self.are_logical and kind < 0.4:
            return dict(self.random.choice(LOGICAL))
        if kind < 0.9:
            return self.random.choice(SCALARS)
        if kind < 0.95:
            return {
                "type": "fixed",
                "name": self.name(),
                "size": self.random.choice((1, 4, 16, 20)),
            }
        return {"type": "enum", "name": self.name(), "symbols": ["A", "B", "C"]}


class Values:
    """Values of a schema at random, as fastavro takes them."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def of(self, type: Type, depth: int = 0) -> Any:
        random, kind = self.random, type.kind
        if type.logical:
            return self.logical(type)
        if kind == "null":
            return None
        if kind == "boolean":
            return random.random() < 0.5
        if kind in ("int", "long"):
            bits = random.randint(1, 31 if kind == "int" else 63)
            return random.getrandbits(bits) - (1 << bits - 1)
        if kind == "float":
            return struct.unpack("<f", struct.pack("<f", random.uniform(-1e6, 1e6)))[0]
        if kind == "double":
            return random.choice((random.uniform(-1, 1), math.inf, 0.0, 1e300))
        if kind == "string":
            return random.choice(TEXTS)
        if kind == "bytes":
            return random.randbytes(random.choice((0, 1, 15, 16, 17, 40, 100)))
        if kind == "fixed":
            return random.randbytes(type.size)
        if kind == "enum":
            return random.choice(type.symbols)
        few = random.choice((0, 1, 2, 5)) if depth < 6 else 0
        if kind == "array":
            assert type.item is not None
            return [self.of(type.item, depth + 1) for _ in range(few)]
        if kind == "map":
            assert type.item is not None
            return {f"k{i}": self.of(type.item, depth + 1) for i in range(few)}
        if kind == "record":
            return {each.name: self.of(each.type, depth + 1) for each in type.fields}
        branches = type.branches
        if depth > 5 and any(each.kind == "null" for each in branches):
            return None
        return self.of(random.choice(branches), depth + 1)

    def logical(self, type: Type) -> Any:
        random, logical = self.random, type.logical
        if logical == "date":
            return date(1970, 1, 1) + timedelta(days=random.randint(-9000, 30000))
        if logical.startswith("time-"):
            unit = 1000 if logical.endswith("millis") else 1
            return time(random.randrange(24), 59, 3, random.randrange(1000) * unit)
        if logical.startswith(("timestamp", "local")):
            unit = 1000 if logical.endswith("millis") else 1
            moment = datetime(1970, 1, 1) + timedelta(
                seconds=random.randint(-(10**9), 4 * 10**9),
                microseconds=random.randrange(999) * unit,
            )
            return moment if logical.startswith("local") else moment.replace(tzinfo=UTC)
        if logical == "decimal":
            digits = random.randint(1, type.precision)
            return Decimal(random.randrange(-(10**digits) + 1, 10**digits)).scaleb(-type.scale)
        assert logical == "uuid"
        return UUID(int=random.getrandbits(128))


def encoded(schema: Any, value: Any) -> bytes:
    """A record as fastavro writes it."""
    file = io.BytesIO()
    fastavro.schemaless_writer(file, schema, value)
    return file.getvalue()


def judged(schema: Any, data: bytes, reader_schema: Any = None) -> tuple[Any, int] | None:
    """What fastavro reads of a record, and how many bytes it has; None where it refuses it."""
    file = io.BytesIO(data)
    try:
        value = fastavro.schemaless_reader(file, schema, reader_schema)
    except (OverflowError, MemoryError, RecursionError):
        raise
    except Exception:  # it has many kinds
        return None
    return value, file.tell()


def as_theirs(type: Type, value: Any) -> Any:
    """A value of a row as fastavro has it."""
    type = only(type)
    inner = type.nullable
    if value is None:
        return None
    if inner is not None:
        return as_theirs(inner, value)
    if type.kind == "union":
        return as_theirs(
            next(each for each in type.branches if each.short_name == value["type"]),
            value[value["type"]],
        )
    if type.kind == "record":
        return {each.name: as_theirs(each.type, value[each.name]) for each in type.fields}
    if type.kind == "array":
        assert type.item is not None
        return [as_theirs(type.item, each) for each in value]
    if type.kind == "map":
        assert type.item is not None
        return {key: as_theirs(type.item, each) for key, each in value.items()}
    if type.logical == "uuid":
        return UUID(value) if type.kind == "string" else UUID(bytes=value)
    return value


def same(ours: Any, theirs: Any) -> bool:
    """Whether values are equal, NaN with itself."""
    return repr(_plain(ours)) == repr(_plain(theirs))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in sorted(value.items())}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value


class Judge:
    """A decoder of a schema at some tier, with fastavro beside it."""

    def __init__(
        self, schema: Any, *, tier: str = "interpreter", errors: str = "skip",
        params: Parameters | None = None,
    ) -> None:  # fmt: skip
        self.schema = fastavro.parse_schema(schema)
        self.type = parsed(schema)
        self.errors = errors
        self.tree: Tree = tree(self.type, depth=12, null_rows=errors == "null")
        write = partial(make, written=self.type, read=self.type)
        layout(self.tree, 16, 4096)
        self.layout = layout(self.tree, ROWS, BYTES)
        self.decoder = RecordDecoder(
            self.tree, self.layout, write(self.tree), errors=errors, tier=Tier(tier), params=params
        )
        self.out = POOL.take(self.layout.size)

    def choose(self, random: Random) -> None:
        """Any variants of instructions: they read whatever comes."""
        for site in self.decoder.program.sites:
            self.decoder.choose(site, random.choice(site.variants))

    def decode(
        self, data: list[bytes], put: Callable[[bytes], memoryview] = memoryview
    ) -> tuple[Decoded, list[Any]]:
        """Decode records, each with a length of its own; what was found, and rows."""
        table = array("q")
        at = 0
        for each in data:
            table.extend((at, at + len(each), 1))
            at += len(each)
        blocks = memoryview(table)
        done = self.decoder.decode(
            put(b"".join(data)), blocks, Place(0, 0, 0), len(data), self.out, ROWS
        )
        return done, self.rows(done)

    def rows(self, done: Decoded) -> list[Any]:
        """Rows of what was decoded last."""
        rows = Table(self.tree, [Chunk(self.tree, done.rows, self.out)], []).to_pylist()
        return rows if self.type.kind == "record" else [row["value"] for row in rows]

    def agree(self, data: list[bytes], put: Callable[[bytes], memoryview] = memoryview) -> Decoded:
        """Decode records and compare each with what fastavro says of it."""
        done, rows = self.decode(data, put)
        faults = {each.row: each for each in done.mistakes}
        kept = iter(rows)
        assert done.seen == len(data)
        for number, each in enumerate(data):
            theirs = judged(self.schema, each)
            fault = faults.get(number)
            if fault is None or self.errors == "null":
                row = next(kept)
            if fault is not None:
                assert 0 <= fault.offset <= len(each), (each.hex(), fault)
                assert theirs is None or theirs[1] != len(each) or fault.fault in LENIENT, (
                    each.hex(),
                    fault,
                    theirs,
                )
                continue
            assert theirs is not None, (each.hex(), row)
            assert theirs[1] == len(each), (each.hex(), row, theirs)
            assert same(as_theirs(self.type, row), theirs[0]), (each.hex(), row, theirs)
        assert next(kept, None) is None
        return done


def mutated(data: bytes, random: Random) -> bytes:
    """A record with something else in it."""
    found = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 4))):
        at = random.randrange(len(found) + 1)
        kind = random.random()
        if kind < 0.4 and at < len(found):
            found[at] = random.choice((0, 1, 2, 3, 0x7F, 0x80, 0xFF, random.randrange(256)))
        elif kind < 0.6:
            del found[at : at + random.choice((1, 1, 4))]
        elif kind < 0.8:
            found[at:at] = random.randbytes(random.choice((1, 1, 3, 10)))
        else:
            del found[at:]
    return bytes(found)

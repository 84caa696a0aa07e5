"""How fast values of MessagePack become columns.

    python -m bench.wire.messagepack [--values 100000]

Nanoseconds of a value, the median of the later calls, of the processor, all in turns: a list of
bytes, or one buffer, to a table by jitvm; and a list by the package msgpack and pyarrow's
`Table.from_pylist` with the same schema. `flat`: twelve numbers, flags and short strings. `span`:
strings, a nested map, lists. `shuffled`: the first with its keys in no order. `sparse`: the first
with a third of its keys.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from random import Random
from typing import Any

import msgpack
import pyarrow as pa

from bench.wire.layouts import timed
from jitvm import wire

FLAT = {
    "ts": "int64", "device": "uint32", "x": "float64", "y": "float64", "z": "float64",
    "a": "int32", "b": "int32", "ok": "bool", "kind": "uint8", "name": "string", "c": "int64",
    "d": "int16",
}  # fmt: skip
SPAN = {
    "trace": "binary", "name": "string", "start": "int64", "end": "int64",
    "status": {"code": "int32", "text": "string"}, "tags": ["string"],
    "attrs": [{"key": "string", "value": "string"}],
}  # fmt: skip


def flat(random: Random) -> dict[str, Any]:
    return {
        "ts": 1_700_000_000_000 + random.randrange(10**6), "device": random.randrange(10**5),
        "x": random.random(), "y": random.random(), "z": random.random(),
        "a": random.randrange(-100, 100), "b": random.randrange(10**6), "ok": True,
        "kind": random.randrange(9), "name": random.choice(("north", "south-2", "roof")),
        "c": random.getrandbits(40), "d": random.randrange(-300, 300),
    }  # fmt: skip


def span(random: Random) -> dict[str, Any]:
    start = 1_700_000_000_000 + random.randrange(10**6)
    return {
        "trace": random.randbytes(16), "name": random.choice(("GET /", "POST /orders", "query")),
        "start": start, "end": start + random.randrange(1000),
        "status": {"code": random.randrange(3), "text": "ok"}, "tags": ["prod", "eu-west"],
        "attrs": [
            {"key": f"http.{n}", "value": "v" * random.randrange(20)}
            for n in range(random.randrange(4))
        ],
    }  # fmt: skip


def shuffled(random: Random) -> dict[str, Any]:
    items = list(flat(random).items())
    random.shuffle(items)
    return dict(items)


def sparse(random: Random) -> dict[str, Any]:
    return {key: value for key, value in flat(random).items() if random.random() < 1 / 3}


KINDS: tuple[tuple[Any, Any], ...] = (
    (flat, FLAT), (span, SPAN), (shuffled, FLAT), (sparse, FLAT),
)  # fmt: skip


def measured(make: Any, schema: Any, count: int, rounds: int) -> str:
    """What is said of values that a function makes."""
    random = Random(1)
    values = [msgpack.packb(make(random)) for _ in range(count)]
    whole = b"".join(values)
    reader = wire.msgpack.reader(schema)
    arrow = reader.read(values[:1]).to_arrow().schema

    def by_package() -> object:
        return pa.Table.from_pylist([msgpack.unpackb(each) for each in values], schema=arrow)

    assert reader.read(values).to_arrow().equals(by_package())
    runs: dict[str, Any] = {
        "list": lambda: reader.read(values), "buffer": lambda: reader.read(whole),
        "msgpack": by_package,
    }  # fmt: skip
    found = timed(runs, count, rounds)
    said = ", ".join(f"{name} {each:.0f}" for name, each in found.items())
    ratio = found["msgpack"] / found["list"]
    return f"{make.__name__:9} {len(whole) / count:.0f} bytes: {said} ns; {ratio:.0f} times msgpack"


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.wire.messagepack", description=__doc__)
    parser.add_argument("--values", type=int, default=100_000, help="default: %(default)s")
    parser.add_argument("--rounds", type=int, default=5, help="default: %(default)s")
    arguments = parser.parse_args(argv)
    for make, schema in KINDS:
        print(measured(make, schema, arguments.values, arguments.rounds))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""How fast files of Avro become columns.

    python -m bench.wire.avro [--only sensor,span] [--codec deflate] [--megabytes 4]

The records are those of `bench.wire`, with the same fields, in container files that fastavro
writes. Nanoseconds of a record, the median of the later calls of each runner: of the processor, of
all threads of the process. All runners take turns, in one process, and end with an Arrow table, but
for `fastavro`, which ends with a list of dicts.
"""

from __future__ import annotations

import argparse
import io
import math
import sys
from collections.abc import Callable, Sequence
from statistics import median
from time import perf_counter, process_time
from typing import Any

from bench.wire.kinds import message_class, messages
from jitvm import wire
from jitvm.guests.wire.columns import Column, Shape

KINDS = ("sensor", "span", "log", "metric", "tick", "write", "tile", "features", "wide", "sparse")
PAIRS = (("jitvm", "fastavro"), ("jitvm", "fastavro-arrow"), ("jitvm", "polars"))
"""Which runners are compared in the end."""
SLOW = ("fastavro", "fastavro-arrow")
"""Runners that take few turns."""
FEW = 2
_TYPES = {
    "g": "double", "f": "float", "l": "long", "L": "long", "i": "int", "I": "long", "b": "boolean",
    "u": "string", "z": "bytes",
}  # fmt: skip


def schema_of(column: Column) -> Any:
    """Avro's schema of a column of Protobuf."""
    if column.shape is Shape.STRUCT:
        fields = [
            {"name": each.name, "type": _field(each)}
            for each in column.children
            if each.shape is not Shape.ONEOF
        ]
        return {"type": "record", "name": f"R{column.index}", "fields": fields}
    if column.shape is Shape.LIST:
        return {"type": "array", "items": schema_of(column.children[0])}
    if column.shape is Shape.MAP:
        return {"type": "map", "values": schema_of(column.children[0].children[1])}
    return _TYPES[column.format]


def _field(column: Column) -> Any:
    made = schema_of(column)
    return ["null", made] if column.is_nullable else made


def container(kind: str, size: int, codec: str) -> tuple[bytes, int]:
    """A file of a kind, of messages with so many bytes, and how many records it has."""
    import fastavro

    reader = wire.reader(message_class(kind), depth=2)
    rows = [_narrow(row) for row in reader.read(messages(kind, size)).to_pylist()]
    file = io.BytesIO()
    fastavro.writer(file, fastavro.parse_schema(schema_of(reader._tree.root)), rows, codec=codec)
    return file.getvalue(), len(rows)


def _narrow(value: Any) -> Any:
    """Whole numbers of 64 bits without the highest, which Avro has no place for."""
    if isinstance(value, dict):
        return {name: _narrow(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_narrow(each) for each in value]
    return value & ((1 << 63) - 1) if isinstance(value, int) and value >> 63 > 0 else value


def _ours(data: bytes) -> Callable[[], object]:
    reader = wire.avro.reader(depth=2)
    return lambda: reader.read(data).to_arrow()


def _fastavro(data: bytes) -> Callable[[], object]:
    import fastavro

    return lambda: list(fastavro.reader(io.BytesIO(data)))


def _fastavro_arrow(data: bytes) -> Callable[[], object]:
    import fastavro
    import pyarrow as pa

    return lambda: pa.Table.from_pylist(list(fastavro.reader(io.BytesIO(data))))


def _polars(data: bytes) -> Callable[[], object]:
    import polars

    return lambda: polars.read_avro(io.BytesIO(data)).to_arrow()


RUNNERS = {
    "jitvm": _ours, "fastavro": _fastavro, "fastavro-arrow": _fastavro_arrow, "polars": _polars,
}  # fmt: skip


def measure(kind: str, size: int, codec: str, rounds: int, warm: float) -> dict[str, float]:
    """Nanoseconds of a record for each runner; those that cannot read the file are left out."""
    data, count = container(kind, size, codec)
    runs: dict[str, Callable[[], object]] = {}
    for name, make in RUNNERS.items():
        run = make(data)
        try:
            end = perf_counter() + (warm if name not in SLOW else 0)
            run()
            while perf_counter() < end:
                run()
        except BaseException as error:  # polars panics where it lacks something
            if isinstance(error, KeyboardInterrupt):
                raise
            continue
        runs[name] = run
    times: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(rounds):
        for name, run in runs.items():
            if name in SLOW and turn >= FEW:
                continue
            begin = process_time()
            run()
            times[name].append(1e9 * (process_time() - begin) / count)
    return {name: median(taken) for name, taken in times.items()}


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.wire.avro",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", default=",".join(KINDS), help="kinds of records")
    parser.add_argument("--codec", default="null", help="default: %(default)s")
    parser.add_argument("--megabytes", type=float, default=4.0, help="default: %(default)g")
    parser.add_argument("--rounds", type=int, default=9, help="default: %(default)s")
    parser.add_argument("--warm", type=float, default=2.0, help="seconds; default: %(default)g")
    arguments = parser.parse_args(argv)
    figures: dict[str, dict[str, float]] = {}
    print("| kind | " + " | ".join(RUNNERS) + " |")
    print("|---|" + "---:|" * len(RUNNERS))
    for kind in arguments.only.split(","):
        size = int(arguments.megabytes * 1e6)
        found = measure(kind, size, arguments.codec, arguments.rounds, arguments.warm)
        figures[kind] = found
        cells = [f"{found[name]:.0f}" if name in found else "" for name in RUNNERS]
        print(f"| {kind} | " + " | ".join(cells) + " |", flush=True)
    for ours, theirs in PAIRS:
        ratios = {kind: row[theirs] / row[ours] for kind, row in figures.items() if theirs in row}
        if ratios:
            mean = math.exp(sum(map(math.log, ratios.values())) / len(ratios))
            least = min(ratios, key=lambda kind: ratios[kind])
            print(f"{ours}: {mean:.1f} times {theirs}; least {ratios[least]:.1f}, {least}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

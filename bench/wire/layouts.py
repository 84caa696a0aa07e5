"""How fast records of a layout become columns.

    python -m bench.wire.layouts [--records 200000]

Nanoseconds of a record, the median of the later calls, of the processor. `fixed`: twelve fields of
one size each, against NumPy's copies of the same fields to new arrays. `counted`: a text and a list
behind their numbers, against `struct.iter_unpack` and `struct.unpack_from` into lists of Python.
"""

from __future__ import annotations

import argparse
import struct
import sys
from collections.abc import Callable, Sequence
from random import Random
from statistics import median
from time import process_time
from typing import Any

import numpy as np

from jitvm import wire

FIXED = np.dtype(
    [
        ("time", "<u8"), ("device", "<u4"), ("x", "<f8"), ("y", "<f8"), ("z", "<f4"), ("a", "<i2"),
        ("b", "<u2"), ("flag", "?"), ("kind", "u1"), ("c", ">u4"), ("d", "<i8"), ("e", "<i4"),
    ]
)  # fmt: skip
COUNTED: list[Any] = [
    ("time", "u4"), ("kind", "u2"), ("name", "text:u1"),
    ("points", ([("x", "f4"), ("y", "i2")], "u2")),
]  # fmt: skip


def counted(count: int) -> bytes:
    """Records of the second kind."""
    random = Random(1)
    found = []
    for number in range(count):
        name = random.choice((b"north", b"south-2", b"roof"))
        points = [(random.random(), random.randrange(99)) for _ in range(random.randrange(5))]
        found.append(struct.pack("<IHB", number, number % 9, len(name)) + name)
        found.append(struct.pack("<H", len(points)))
        found += [struct.pack("<fh", *point) for point in points]
    return b"".join(found)


def by_struct(data: bytes) -> dict[str, list[Any]]:
    """The same columns by Python: heads by `unpack_from`, points by `iter_unpack`."""
    columns: dict[str, list[Any]] = {"time": [], "kind": [], "name": [], "points": []}
    times, kinds, names, lists = columns.values()
    head, count, point = struct.Struct("<IHB"), struct.Struct("<H"), struct.Struct("<fh")
    at = 0
    while at < len(data):
        time, kind, size = head.unpack_from(data, at)
        at += head.size
        names.append(data[at : at + size].decode())
        at += size
        (some,) = count.unpack_from(data, at)
        at += count.size
        end = at + some * point.size
        lists.append(list(point.iter_unpack(data[at:end])))
        at = end
        times.append(time)
        kinds.append(kind)
    return columns


def timed(runs: dict[str, Callable[[], object]], count: int, rounds: int) -> dict[str, float]:
    """Nanoseconds of a record, all runs in turns."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(2 * rounds):
        for name, run in runs.items():
            if name == "struct" and turn >= rounds:
                continue
            begin = process_time()
            run()
            times[name].append(1e9 * (process_time() - begin) / count)
    return {name: median(taken[len(taken) // 2 :]) for name, taken in times.items()}


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.wire.layouts", description=__doc__)
    parser.add_argument("--records", type=int, default=200_000, help="default: %(default)s")
    parser.add_argument("--rounds", type=int, default=9, help="default: %(default)s")
    arguments = parser.parse_args(argv)
    records = np.frombuffer(bytes(arguments.records * FIXED.itemsize), FIXED)
    raw, layout = records.tobytes(), wire.layout(FIXED)
    assert FIXED.names is not None
    names = FIXED.names
    found = timed(
        {
            "jitvm": lambda: layout.read(raw),
            "numpy": lambda: [
                records[name].astype(FIXED[name].newbyteorder("=")) for name in names
            ],
        },
        arguments.records,
        arguments.rounds,
    )
    print(f"fixed: {found}, {found['jitvm'] / found['numpy']:.2f} of numpy")
    data, varying = counted(arguments.records), wire.layout(COUNTED)
    assert len(varying.read(data)) == arguments.records
    found = timed(
        {"jitvm": lambda: varying.read(data), "struct": lambda: by_struct(data)},
        arguments.records,
        arguments.rounds,
    )
    print(f"counted: {found}, {found['struct'] / found['jitvm']:.1f} times struct")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""First calls: what a new process takes until it has its first messages as an Arrow table.

    python -m bench.wire --first
    python -m bench.wire.first warm|measured KIND WAY COUNT       one process; prints JSON

Each way is a process of its own, as imports are what takes longest, and all of them take turns. An
earlier process has read the same kind for a while, so native code is kept: `WARM` twice, as what is
compiled thoroughly comes when the first one has been quiet.

    ours       import jitvm.wire, make a reader, read a list of bytes, make an Arrow table of it
    ptars      the same by ptars
    one        as ours, but one message and no Arrow: until kept native code has decoded something
    reader     for a type of a hundred fields, `hundred`: until there is a reader

Messages and their class, which both need, are there before the clock starts.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from statistics import median
from time import perf_counter, process_time
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from bench.wire.kinds import message_class, messages

COUNT = 10_000
"""Messages of a first call."""
SIZE = 100_000
"""Bytes of those that are made, which come again until there are enough."""
WARM = 3.0
"""Seconds for which a process reads before it is measured what another one has of it."""
FIELDS = 100
"""Fields of a large type."""


def measure(kinds: Sequence[str], rounds: int) -> dict[str, dict[str, dict[str, float]]]:
    """Milliseconds by kind, way and what was timed; the median of some processes."""
    figures: dict[str, dict[str, dict[str, float]]] = {}
    for kind in kinds:
        for _ in range(2):
            _child("warm", kind, "ours", COUNT)
        ways = (("ours", COUNT), ("ptars", COUNT), ("one", 1))
        figures[kind] = _in_turns(kind, ways, rounds)
    figures["hundred"] = _in_turns("hundred", (("reader", 0),), rounds)
    return figures


def _in_turns(
    kind: str, ways: Sequence[tuple[str, int]], rounds: int
) -> dict[str, dict[str, float]]:
    taken: dict[str, list[dict[str, float]]] = {who: [] for who, _ in ways}
    for _ in range(rounds):
        for who, count in ways:
            found = _child("measured", kind, who, count)
            if found:
                taken[who].append(found)
    return {
        who: {name: median(each[name] for each in some) for name in some[0]}
        for who, some in taken.items() if some
    }  # fmt: skip


def _child(how: str, kind: str, who: str, count: int) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.wire.first", how, kind, who, str(count)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def show(figures: dict[str, dict[str, dict[str, float]]]) -> None:
    """Print a table of them."""
    print("| kind | way | import | reader | first call | together | of the processor |")
    print("|---|---|---:|---:|---:|---:|---:|")
    for kind, ways in figures.items():
        for who, found in ways.items():
            cells = [f"{found[name]:.1f}" for name in ("import", "reader", "call", "all", "busy")]
            print(f"| {kind} | {who} | " + " | ".join(cells) + " |")
    for name in ("all", "busy"):
        ratios = [
            ways["ours"][name] / ways["ptars"][name] for ways in figures.values() if "ptars" in ways
        ]
        if ratios:
            what = "time" if name == "all" else "processor time"
            print(f"ours: {median(ratios):.2f} of the {what} of ptars (median of the kinds)")


# -- in the process that is measured -------------------------------------------------------------


def hundred() -> Any:
    """A class of a hundred fields."""
    types = (3, 4, 5, 9, 12, 1, 8, 17)
    file = descriptor_pb2.FileDescriptorProto(name="hundred.proto", package="bench")
    made = file.message_type.add(name="Hundred")
    for i in range(FIELDS):
        made.field.add(name=f"f{i}", number=i + 1, label=1, type=types[i % len(types)])
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("bench.Hundred"))


def _data(kind: str, count: int) -> list[bytes]:
    some = messages(kind, SIZE)
    return [bytes(memoryview(each)) for each in (some * (count // len(some) + 1))[:count]]


def _measured(kind: str, who: str, count: int) -> dict[str, float]:
    cls = hundred() if kind == "hundred" else message_class(kind)
    data = _data(kind, count) if count else []
    marks = [perf_counter()]
    busy = process_time()
    try:
        make = _imported(who)
        marks.append(perf_counter())
        call = make(cls)
        marks.append(perf_counter())
        kept = call(data)
        marks.append(perf_counter())
    except ModuleNotFoundError:
        return {}
    spent = process_time() - busy
    del kept
    names = ("import", "reader", "call")
    found = {name: 1e3 * (b - a) for name, a, b in zip(names, marks, marks[1:], strict=False)}
    return {**found, "all": 1e3 * (marks[-1] - marks[0]), "busy": 1e3 * spent}


def _imported(who: str) -> Callable[[Any], Callable[[list[bytes]], object]]:
    """What makes a reader of a class, which makes a table of messages."""
    if who == "ptars":
        import ptars

        def handler(cls: Any) -> Callable[[list[bytes]], object]:
            pool = ptars.HandlerPool([cls.DESCRIPTOR.file])
            made: Callable[[list[bytes]], object]
            made = pool.get_for_message(cls.DESCRIPTOR).list_to_record_batch
            return made

        return handler
    from jitvm import wire

    def reader(cls: Any) -> Callable[[list[bytes]], object]:
        made = wire.reader(cls)
        if who == "reader":
            return lambda _: made
        return lambda data: made.read(data) if who == "one" else made.read(data).to_arrow()

    return reader


def _warm(kind: str, count: int) -> None:
    """Read for a while, so that native code is made and kept."""
    from jitvm import wire

    data, reader = _data(kind, count), wire.reader(message_class(kind))
    end = perf_counter() + WARM
    while perf_counter() < end:
        reader.read(data)


def main(how: str, kind: str, who: str, count: str) -> None:
    """What a child does."""
    if how == "warm":
        _warm(kind, int(count))
        print("{}")
    else:
        print(json.dumps(_measured(kind, who, int(count))))


if __name__ == "__main__":
    main(*sys.argv[1:])

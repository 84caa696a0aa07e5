"""The messages that are measured on: types of our own, made with a fixed seed.

sensor       rows of twelve fields, in order
shuffled     the same, the fields of each in another order
span         spans of a trace: bytes, strings, two levels of lists, a oneof
log          log records: text, and attributes
metric       metrics: packed lists of fixed numbers
tick         changes of an order book: lists of small messages of varints
write        remote write of metrics: labels and samples
tile         features of a map: packed zigzag deltas
features     a map to packed floats
descriptor   descriptors of files, deeply nested and recursive
wide         forty optional fields, all there
sparse       the same, one in ten there
scattered    the same, every other one there, in no order
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from jitvm.guests.wire.protobuf.reader import varint
from jitvm.guests.wire.protobuf.sources import compiled

SEED = 20261129
DISTINCT = 4000
"""Messages that are made; they are repeated up to the bytes that are asked for."""


@cache
def _pool() -> Any:
    pool = descriptor_pool.DescriptorPool()
    described = compiled(Path(__file__).parent / "bench.proto")
    for file in descriptor_pb2.FileDescriptorSet.FromString(described).file:
        pool.Add(file)
    return pool


@cache
def message_class(name: str) -> Any:
    """Protobuf's class for a kind."""
    if name == "descriptor":
        return descriptor_pb2.FileDescriptorProto
    type = {"shuffled": "Sensor", "sparse": "Wide", "scattered": "Wide", "log": "LogRecord"}.get(
        name, name.title()
    )
    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(f"bench.{type}"))


def messages(name: str, size: int) -> list[bytes]:
    """Messages of a kind, of so many bytes together or a little more; each is an object of its own,
    as messages are when they come from somewhere."""
    random = Random(SEED)
    make = KINDS[name]
    found = [make(message_class(name), random, number) for number in range(DISTINCT)]
    total = sum(map(len, found))
    times = max(1, -(-size // total))
    count = max(1, len(found) * times * size // (total * times))
    return [bytes(memoryview(each)) for each in (found * times)[:count]]


def _sensor(cls: Any, random: Random, number: int) -> bytes:
    made: bytes = cls(
        time=1_700_000_000_000_000 + number * 1000, device=random.randrange(200),
        site=random.choice(("north", "south-2", "roof", "lab-17")),
        temperature=random.gauss(20, 5), humidity=random.random(), voltage=random.gauss(3.3, 0.1),
        offset=random.randrange(-50, 50), sequence=number, charging=random.random() < 0.3,
        status=random.choice((0, 1, 1, 2)), firmware=f"1.{number % 7}.2",
        checksum=random.getrandbits(32),
    ).SerializeToString()  # fmt: skip
    return made


def _shuffled(cls: Any, random: Random, number: int) -> bytes:
    fields = _split(_sensor(cls, random, number))
    random.shuffle(fields)
    return b"".join(fields)


def _split(data: bytes) -> list[bytes]:
    """The fields of a message, each with its tag."""
    fields, place = [], 0
    while place < len(data):
        start = place
        tag, place = varint(data, place)
        if tag & 7 == 0:
            place = varint(data, place)[1]
        elif tag & 7 == 2:
            length, place = varint(data, place)
            place += length
        else:
            place += 8 if tag & 7 == 1 else 4
        fields.append(data[start:place])
    return fields


KEYS = (
    "http.method", "http.status_code", "http.route", "net.peer.name", "service.version", "user",
)  # fmt: skip


def _attributes(made: Any, random: Random, count: int) -> None:
    for key in random.sample(KEYS, count):
        one = made.add(key=key)
        if key == "http.status_code":
            one.value.number = random.choice((200, 200, 200, 404, 500))
        elif key == "user":
            one.value.number = random.getrandbits(40)
        else:
            one.value.text = random.choice(("GET", "POST", "/api/v1/items", "db-3.internal"))


def _span(cls: Any, random: Random, number: int) -> bytes:
    start = 1_700_000_000_000_000_000 + number * 10_000
    made = cls(
        trace_id=random.randbytes(16), span_id=random.randbytes(8),
        name=random.choice(("GET /items", "query", "render", "cache.lookup")),
        kind=random.randrange(4), start=start, end=start + random.randrange(10_000_000),
    )  # fmt: skip
    if random.random() < 0.8:
        made.parent_span_id = random.randbytes(8)
    _attributes(made.attributes, random, random.randrange(2, 5))
    if random.random() < 0.2:
        event = made.events.add(time=start + 5000, name="exception")
        _attributes(event.attributes, random, 1)
    if random.random() < 0.1:
        made.status.code = 2
        made.status.message = "deadline exceeded"
    data: bytes = made.SerializeToString()
    return data


WORDS = ("request", "user", "connection", "timeout", "accepted", "from", "retry", "queue", "flush")


def _log(cls: Any, random: Random, number: int) -> bytes:
    made = cls(
        time=1_700_000_000_000_000_000 + number * 5000, severity=9, severity_text="INFO",
        body=" ".join(random.choices(WORDS, k=random.randrange(4, 20))),
        trace_id=random.randbytes(16),
    )  # fmt: skip
    _attributes(made.attributes, random, random.randrange(4))
    data: bytes = made.SerializeToString()
    return data


def _metric(cls: Any, random: Random, number: int) -> bytes:
    made = cls(name="http.server.duration", unit="ms")
    for _ in range(random.randrange(1, 4)):
        buckets = [random.randrange(1000) for _ in range(12)]
        point = made.points.add(
            start=number, time=number + 10_000, count=sum(buckets), sum=random.random() * 1e5,
            buckets=buckets, bounds=[float(1 << each) for each in range(11)],
        )  # fmt: skip
        _attributes(point.attributes, random, 2)
    data: bytes = made.SerializeToString()
    return data


def _tick(cls: Any, random: Random, number: int) -> bytes:
    made = cls(
        time=1_700_000_000_000 + number * 3, sequence=number,
        symbol=random.choice(("ABC", "XYZ", "JITV", "QQ")),
    )  # fmt: skip
    for side in (made.bids, made.asks):
        for _ in range(random.randrange(1, 6)):
            side.add(
                price=random.randrange(-500, 500), size=random.choice((100, 200, 1500)),
                orders=random.randrange(1, 9),
            )  # fmt: skip
    data: bytes = made.SerializeToString()
    return data


def _write(cls: Any, random: Random, number: int) -> bytes:
    made = cls()
    for _ in range(random.randrange(2, 8)):
        series = made.series.add()
        for name, value in (
            ("__name__", "node_cpu_seconds_total"), ("cpu", str(random.randrange(64))),
            ("instance", f"host-{random.randrange(900)}:9100"), ("mode", "idle"),
        ):  # fmt: skip
            series.labels.add(name=name, value=value)
        series.samples.add(value=random.random() * 1e6, time=1_700_000_000_000 + number * 15_000)
    data: bytes = made.SerializeToString()
    return data


def _tile(cls: Any, random: Random, number: int) -> bytes:
    made: bytes = cls(
        id=number, type=random.randrange(1, 4),
        tags=[random.randrange(300) for _ in range(2 * random.randrange(1, 8))],
        geometry=[random.choice((1, -1)) * random.randrange(90) for _ in range(150)],
    ).SerializeToString()  # fmt: skip
    return made


def _features(cls: Any, random: Random, number: int) -> bytes:
    made = cls(id=number)
    for name in ("age", "clicks", "embedding", "price"):
        count = 32 if name == "embedding" else 1
        made.features[name].values.extend(random.random() for _ in range(count))
    data: bytes = made.SerializeToString(deterministic=True)
    return data


def _descriptor(cls: Any, random: Random, number: int) -> bytes:
    made = cls(name=f"file{number}.proto", package="some.package", syntax="proto3")
    for at in range(random.randrange(1, 5)):
        message = made.message_type.add(name=f"Message{at}")
        for field in range(random.randrange(3, 12)):
            one = message.field.add(
                name=f"field_{field}", number=field + 1, label=1, type=random.randrange(1, 9),
                json_name=f"field{field}",
            )  # fmt: skip
            if random.random() < 0.1:
                one.options.deprecated = True
        if random.random() < 0.3:
            message.nested_type.add(name="Inner").field.add(name="it", number=1, label=3, type=9)
    data: bytes = made.SerializeToString()
    return data


def _wide(cls: Any, random: Random, number: int) -> bytes:
    return _some(cls, random, number, 1.0)


def _sparse(cls: Any, random: Random, number: int) -> bytes:
    return _some(cls, random, number, 0.1)


def _scattered(cls: Any, random: Random, number: int) -> bytes:
    fields = _split(_some(cls, random, number, 0.5))
    random.shuffle(fields)
    return b"".join(fields)


def _some(cls: Any, random: Random, number: int, share: float) -> bytes:
    values: dict[str, Callable[[], object]] = {
        "a": lambda: random.randrange(1 << 20) + number, "b": random.random,
        "c": lambda: random.choice(WORDS), "d": lambda: random.randrange(300),
        "e": lambda: random.randrange(-80, 80), "f": lambda: random.random() < 0.5,
        "g": lambda: random.getrandbits(64), "h": random.random,
    }  # fmt: skip
    made: bytes = cls(**{
        field.name: values[field.name[0]]()
        for field in cls.DESCRIPTOR.fields
        if random.random() < share
    }).SerializeToString()  # fmt: skip
    return made


KINDS: dict[str, Callable[[Any, Random, int], bytes]] = {
    "sensor": _sensor, "shuffled": _shuffled, "span": _span, "log": _log, "metric": _metric,
    "tick": _tick, "write": _write, "tile": _tile, "features": _features,
    "descriptor": _descriptor, "wide": _wide, "sparse": _sparse,
    "scattered": _scattered,
}  # fmt: skip
"""What makes a message of each kind."""

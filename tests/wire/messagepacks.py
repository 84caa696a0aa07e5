"""MessagePack for tests: types and values at random, what the package `msgpack` says of bytes, and
decoders of any tier beside it."""

from __future__ import annotations

from datetime import UTC
from functools import partial
from random import Random
from typing import Any

import msgpack
import numpy as np

from jitvm.guests.wire.messagepack.columns import tree
from jitvm.guests.wire.messagepack.program import make
from jitvm.guests.wire.messagepack.types import MOMENTS, REAL, UNITS, WHOLE, Type, parsed
from jitvm.guests.wire.records.decoder import Decoded
from tests.wire.judging import Judge, Refused, Unknown

TEXTS = ("", "a", "name", "äöü", "x" * 16, "y" * 17, "z" * 31, "w" * 32, "v" * 33, "u" * 300)
NAMES = ("a", "id", "name", "seconds", "temperature", "ö", "k" * 31, "k" * 32, "k" * 62)


class Pairs(list[Any]):
    """A map: pairs of keys and values, in their order."""


class Extended:
    """A value of a type that an application has."""

    def __init__(self, code: int, data: bytes) -> None:
        self.code = code
        self.data = data

    def __repr__(self) -> str:
        return f"Extended({self.code}, {self.data!r})"


def unpacked(data: bytes) -> Any:
    """What the package reads.

    Raises:
        Refused: it does not.
        Unknown: it cannot judge: it looks at timestamps that nobody asked for, and has a limit of
            its own for what is in each other.
    """
    try:
        return msgpack.unpackb(
            data, raw=False, strict_map_key=False, unicode_errors="surrogateescape",
            object_pairs_hook=Pairs, ext_hook=Extended,
        )  # fmt: skip
    except msgpack.StackError:
        raise Unknown from None
    except ValueError as error:
        if "imestamp" in str(error) or "nanoseconds" in str(error):
            raise Unknown from None
        raise Refused from None


def declared(type: Type, value: Any) -> Any:
    """A value that was read as a row has it.

    Raises:
        Refused: it is none of the type.
    """
    kind = type.kind
    if value is None:
        return None
    if kind in WHOLE:
        width, is_signed = WHOLE[kind]
        low = -(1 << 8 * width - 1) if is_signed else 0
        if not _is_whole(value) or not low <= value < low + (1 << 8 * width):
            raise Refused
        return value
    if kind in REAL:
        if not (isinstance(value, float) or _is_whole(value)):
            raise Refused
        if kind == "float64":
            return float(value)
        with np.errstate(over="ignore"):
            return float(np.float32(np.longdouble(value)))
    if kind == "bool":
        return _of(bool, value)
    if kind == "string":
        return _text(value)
    if kind == "binary":
        data = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
        return _of(bytes, data)
    if kind in MOMENTS:
        return _moment(_of(msgpack.Timestamp, value), MOMENTS[kind])
    if kind == "list":
        assert type.item is not None
        if isinstance(value, Pairs):
            raise Refused
        return [declared(type.item, each) for each in _of(list, value)]
    if kind == "map":
        assert type.item is not None
        return {_text(key): declared(type.item, each) for key, each in _of(Pairs, value)}
    if kind == "record":
        return _record(type, value)
    return value


def _record(type: Type, value: Any) -> dict[str, Any]:
    found: dict[str, Any] = dict.fromkeys(type.fields)
    if type.is_by_place:
        if isinstance(value, Pairs):
            raise Refused
        pairs = list(zip(type.fields, _of(list, value), strict=False))
    else:
        pairs = [pair for pair in _of(Pairs, value) if isinstance(pair[0], str)]
    for key, each in pairs:
        if key in found:
            found[key] = declared(type.fields[key], each)
    return found


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _of(kind: Any, value: Any) -> Any:
    if not isinstance(value, kind):
        raise Refused
    return value


def _text(value: Any) -> str:
    text: str = _of(str, value)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Refused from None
    return text


def _moment(value: Any, unit: str) -> Any:
    units = UNITS[unit]
    if not -(((1 << 63) - 1) // units) <= value.seconds < ((1 << 63) - 1) // units:
        raise Refused
    number = value.seconds * units + value.nanoseconds // (1_000_000_000 // units)
    if unit == "ns":
        return number
    moment = np.array([number], f"<M8[{unit}]").tolist()[0]
    return moment if isinstance(moment, int) else moment.replace(tzinfo=UTC)


def judged(type: Type, data: bytes) -> Any:
    """The row that a value becomes.

    Raises:
        Refused, Unknown: none, or nobody knows.
    """
    value = unpacked(data)
    if value is None and type.kind == "record":  # there would be no row that could be null
        raise Refused
    return declared(type, value)


def _plain(type: Type, value: Any) -> Any:
    """A value of a row, with what is kept as bytes as the package reads it."""
    if value is None:
        return None
    if type.kind == "any":
        return unpacked(value)
    if type.kind == "record":
        return {name: _plain(each, value[name]) for name, each in sorted(type.fields.items())}
    if type.kind == "list":
        assert type.item is not None
        return [_plain(type.item, each) for each in value]
    if type.kind == "map":
        assert type.item is not None
        return {key: _plain(type.item, each) for key, each in sorted(value.items())}
    return value


def same(type: Type, ours: Any, theirs: Any) -> bool:
    """Whether rows are equal, NaN with itself."""
    return repr(_plain(type, ours)) == repr(_ordered(theirs))


def _ordered(value: Any) -> Any:
    if isinstance(value, Pairs):
        return value
    if isinstance(value, dict):
        return {key: _ordered(each) for key, each in sorted(value.items())}
    if isinstance(value, list):
        return [_ordered(each) for each in value]
    return value


# -- at random -----------------------------------------------------------------------------------


KINDS = (*WHOLE, *REAL, "float64", "bool", "string", "string", "binary", *MOMENTS, "any")
FLOATS = (0.1, float("inf"), 1e300, 1e-41, 7, -(1 << 62))


class Schemas:
    """Declarations at random."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def record(self, depth: int = 0) -> Any:
        random = self.random
        names = random.sample(NAMES, random.randint(1, 4 if depth else len(NAMES)))
        pairs = [(name, self.type(depth + 1)) for name in names]
        return dict(pairs) if random.random() < 0.7 else pairs

    def type(self, depth: int) -> Any:
        random = self.random
        kind = random.random()
        if kind < 0.6 or depth > 3:
            kinds = (
                *WHOLE,
                *REAL,
                "float64",
                "bool",
                "string",
                "string",
                "binary",
                *MOMENTS,
                "any",
            )
            return random.choice(kinds)
        if kind < 0.75:
            return [self.type(depth + 1)]
        if kind < 0.85:
            return {"*": self.type(depth + 1)}
        return self.record(depth + 1)


class Values:
    """Values of a type at random, as the package takes them; some of other types."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def of(self, type: Type) -> Any:
        random, kind = self.random, type.kind
        chance = random.random()
        if chance < 0.08:
            return None
        if chance < 0.1:
            return self.anything()
        if kind in WHOLE:
            width, is_signed = WHOLE[kind]
            bits = random.randint(1, 8 * width)
            return random.getrandbits(bits) - ((1 << bits - 1) if is_signed else 0)
        if kind in REAL:
            return random.choice(
                (random.uniform(-1e6, 1e6), float("inf"), 1e300, 1e-41, 7, -(1 << 62))
            )
        if kind == "bool":
            return chance < 0.5
        if kind == "string":
            return random.choice(TEXTS)
        if kind == "binary":
            return random.randbytes(random.choice((0, 1, 31, 32, 300)))
        if kind in MOMENTS:
            seconds = random.choice((5, -5, 1 << 33, 1 << 35, -(1 << 40)))
            return msgpack.Timestamp(seconds, random.choice((0, 1, 999_999_999)))
        if kind == "any":
            return self.anything()
        few = random.choice((0, 1, 2, 5))
        if kind == "list":
            assert type.item is not None
            return [self.of(type.item) for _ in range(few)]
        if kind == "map":
            assert type.item is not None
            return {f"k{i}": self.of(type.item) for i in range(few)}
        if type.is_by_place:
            values = [self.of(inner) for inner in type.fields.values()]
            return values[: random.randint(0, len(values))] if chance < 0.2 else values
        found = {name: self.of(inner) for name, inner in type.fields.items()}
        if chance < 0.4:
            items: list[tuple[Any, Any]] = [
                (key, each) for key, each in found.items() if random.random() < 0.8
            ]
            if random.random() < 0.5:
                items.append((random.choice(("b", "nama", 5, "k" * 40)), self.anything()))
            random.shuffle(items)
            return dict(items)
        return found

    def anything(self) -> Any:
        """A value of any type."""
        return self.random.choice(
            (1, -1.5, "text", b"bytes", [1, [2, {}]], {"x": {"y": [None]}}, True,
             msgpack.ExtType(5, b"ext"), 1 << 40, "t" * 70)
        )  # fmt: skip

    def packed(self, type: Type) -> bytes:
        """Its bytes, written in one way or another."""
        value = self.of(type)
        data: bytes
        try:
            data = msgpack.packb(value, use_single_float=self.random.random() < 0.3)
        except OverflowError:  # a float is too large
            data = msgpack.packb(value)
        return data


LIKELY = bytes((0xC0, 0xC1, 0xD9, 0x81, 0x91, 0xA1))
"""Bytes that mutations have more often than others."""


class MessagePackJudge(Judge):
    """A decoder of a declaration at some tier, with the package beside it."""

    def __init__(self, schema: Any, **options: Any) -> None:
        self.type = parsed(schema)
        super().__init__(
            lambda null_rows: tree(self.type, null_rows=null_rows),
            partial(make, type=self.type), **options,
        )  # fmt: skip

    def judged(self, data: bytes) -> Any:
        return judged(self.type, data)

    def same(self, row: Any, theirs: Any) -> bool:
        return same(self.type, row, theirs)

    def rows(self, done: Decoded) -> list[Any]:
        rows = super().rows(done)
        return rows if self.type.kind == "record" else [row["value"] for row in rows]

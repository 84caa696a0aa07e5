"""From a seed to something nearly right: the same for the same random numbers."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from typing import Any

from tests.fuzz.inputs.targets.target import Target

NUMBERS = (
    b"-1",
    b"0",
    b"65536",
    b"4294967296",
    b"18446744073709551616",
    b"1e999",
    b"NaN",
    b"9" * 400,
    b"9" * 5000,
)
VALUES: tuple[Any, ...] = (
    None, True, False, -1, 0, 1, 255, 65536, 2**32, 2**53 + 1, 10**30, 10**400, -0.5, 1e308,
    float("nan"), float("inf"), "", "a", "\ud800", "\0", "0" * 5000, [], {}, [[]], [0], {"a": 0},
)  # fmt: skip
"""What may stand in the place of a value of JSON; 10**400 is more than a float holds."""
MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


def _place(rng: random.Random, data: bytes) -> int:
    return rng.randrange(len(data) + 1)


def _flip(rng: random.Random, data: bytes, _: bytes) -> bytes:
    changed = bytearray(data)
    for _each in range(rng.randint(1, 4)):
        if changed:
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _cut(rng: random.Random, data: bytes, _: bytes) -> bytes:
    begin, end = sorted((_place(rng, data), _place(rng, data)))
    return data[:begin] if rng.random() < 0.5 else data[:begin] + data[end:]


def _splice(rng: random.Random, data: bytes, other: bytes) -> bytes:
    at = _place(rng, data)
    begin, end = sorted((_place(rng, other), _place(rng, other)))
    return data[:at] + other[begin:end] + data[at:]


def _number(rng: random.Random, data: bytes, _: bytes) -> bytes:
    found = list(re.finditer(rb"-?\d+", data))
    if not found:
        return data + rng.choice(NUMBERS)
    old = rng.choice(found)
    return data[: old.start()] + rng.choice(NUMBERS) + data[old.end() :]


def _nest(rng: random.Random, data: bytes, _: bytes) -> bytes:
    at = _place(rng, data)
    return data[:at] + rng.choice((b"[", b'{"a":', b"{ ", b"( ", b"(")) * 20_000 + data[at:]


def _mark(rng: random.Random, data: bytes, _: bytes) -> bytes:
    return rng.choice(MARKS) + data


def _insert(rng: random.Random, data: bytes, _: bytes) -> bytes:
    at = _place(rng, data)
    return (
        data[:at]
        + rng.choice((b"\0", b"\n", b"\x1b[2J", b"\xff", b"null", b"[]", b"{}"))
        + data[at:]
    )


WAYS: tuple[Callable[[random.Random, bytes, bytes], bytes], ...] = (
    _flip, _flip, _cut, _splice, _number, _number, _insert, _insert, _mark,
)  # fmt: skip


# -- JSON ----------------------------------------------------------------------------------------


def _values(value: Any) -> list[tuple[Any, Any]]:
    """Every value inside of one, as its container and the key or index there."""
    keys = (
        value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    )
    found = [(value, key) for key in keys]
    return [*found, *(each for _, key in found for each in _values(value[key]))]


def _change(rng: random.Random, places: list[tuple[Any, Any]]) -> None:
    """Change the value in one of these places, by another one's or by a number near it."""
    container, key = rng.choice(places)
    value = container[key]
    chance = rng.random()
    if chance < 0.15:
        del container[key]
    elif chance < 0.3 and isinstance(container, list):
        container.insert(rng.randint(0, len(container)), value)
    elif chance < 0.5 and type(value) is int:
        container[key] = value + rng.choice((-1, 1, 255, 256, -value))
    elif chance < 0.6 and isinstance(value, str):
        container[key] = _flip(rng, value.encode("utf-8", "replace"), b"").decode("latin-1")
    elif chance < 0.8:
        other, name = rng.choice(places)
        # A copy: a value that holds itself has no text.
        container[key] = json.loads(
            json.dumps(other.get(name) if isinstance(other, dict) else None)
        )
    else:
        container[key] = rng.choice(VALUES)


def _structure(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Change values in one of the lines, or a whole line."""
    rows = data.split(b"\n")
    if rng.random() < 0.15:
        rows.insert(rng.randrange(len(rows)), rng.choice([*rows, *other.split(b"\n")]))
        return b"\n".join(rows)
    at = rng.randrange(len(rows))
    try:
        row = [json.loads(rows[at])]
        for _ in range(rng.randint(1, 3)):
            places = _values(row)
            if places:
                _change(rng, places)
        rows[at] = json.dumps(row[0]).encode() if row else b""
    except (ValueError, RecursionError):  # it is no JSON any more, or nested too deep
        return _splice(rng, data, other)
    return b"\n".join(rows)


# -- all -----------------------------------------------------------------------------------------


def mutate(rng: random.Random, target: Target, data: bytes | None = None) -> bytes:
    """One of a target's seeds, or this, changed one to four times.

    Of JSON three quarters of the changes are to its values. Deep nesting is rare, because it is
    slow.
    """
    seeds = target.seeds()
    if data is None:
        data = rng.choice(seeds)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 4))):
        chance, other = rng.random(), rng.choice(seeds)
        if chance < 0.005:
            data = _nest(rng, data, other)
        elif target.is_json and chance < 0.75:
            data = _structure(rng, data, other)
        elif target.words and chance < 0.4:
            at = _place(rng, data)
            data = data[:at] + rng.choice(target.words) + data[at:]
        else:
            data = rng.choice(WAYS)(rng, data, other)
    return data[: target.longest]

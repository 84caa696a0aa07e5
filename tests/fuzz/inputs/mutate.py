"""From a seed to something nearly right: the same for the same random numbers."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

NUMBERS = (
    b"-1",
    b"0",
    b"65536",
    b"4294967296",
    b"18446744073709551616",
    b"1e999",
    b"NaN",
    b"9" * 5000,
)
MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
LONGEST = 1 << 17


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


def mutate(rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    """One of the seeds, changed one to four times; deep nesting is rare, because it is slow."""
    data = rng.choice(seeds)
    for _ in range(rng.randint(1, 4)):
        way = _nest if rng.random() < 0.005 else rng.choice(WAYS)
        data = way(rng, data, rng.choice(seeds))
    return data[:LONGEST]

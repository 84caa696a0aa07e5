"""The kernel that looks for keys that come twice, against Python."""

from __future__ import annotations

from itertools import accumulate
from random import Random

import numpy as np
import pytest

from jitvm import wire
from jitvm.guests.wire import maps
from jitvm.guests.wire.data import Data
from jitvm.guests.wire.maps import KERNELS, _has_no_doubles
from tests.wire.schemas import generated

COLUMN = next(
    column
    for column in wire.reader(generated("kinds.Maps"))._tree.columns
    if column.path == "labels"
)
NAMES = ("", "a", "b", "ab", "sevenby", "eight by", "eight bx", "nine byte", "nine bytf")
LONG = ("x" * 40, "x" * 39 + "y", "y" + "x" * 39, "x" * 41, "x" * 20 + "z" + "x" * 19)
"""The last differs from the first in its middle only: that is not to be told apart."""


def has_none(rows: list[list[object]], width: int) -> bool:
    """What the kernel says of maps with such keys."""
    KERNELS.wait()
    assert KERNELS.address("doubled") is not None
    offsets = np.array([0, *accumulate(map(len, rows))], "<i4")
    keys = [each for row in rows for each in row]
    entries, key = Data(COLUMN, len(keys)), Data(COLUMN, len(keys))
    if width:
        key.values = np.array(keys, f"<i{width}")
    else:
        texts = [str(each).encode() for each in keys]
        key.offsets = np.array([0, *accumulate(map(len, texts))], "<i4")
        key.values = np.frombuffer(b"".join(texts) + bytes(8), np.uint8)
    entries.children = [key]
    return _has_no_doubles(Data(COLUMN, len(rows), offsets=offsets, children=[entries]))


@pytest.mark.parametrize("width", [0, 1, 4, 8])
def test_keys_that_come_twice_are_found(width: int) -> None:
    random = Random(width)
    for _ in range(300):
        known: list[object] = [*NAMES, *LONG[:-1]] if not width else [0, 1, -1, 100, -128, 127]
        rows = [
            random.sample(known, random.randrange(min(len(known), 7)))
            for _ in range(random.randrange(6))
        ]
        assert has_none(rows, width)
        if any(rows):
            row = random.choice([row for row in rows if row])
            row.insert(random.randrange(len(row) + 1), random.choice(row))
            assert not has_none(rows, width)


def test_what_it_is_not_made_for_is_looked_at_by_numpy() -> None:
    assert has_none([list(range(32))], 8)
    assert not has_none([list(range(33))], 8)
    assert not has_none([[LONG[0], LONG[-1]]], 0)


@pytest.mark.parametrize("is_native", [True, False])
def test_the_last_of_each_key_counts(is_native: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    KERNELS.wait()
    if not is_native:
        monkeypatch.setattr(maps, "_has_no_doubles", lambda _: False)
    made = generated("kinds.Maps")
    once = made(labels=dict.fromkeys((*NAMES, LONG[0], LONG[-1]), "1")).SerializeToString()
    again = made(labels={"eight by": "2", "": "2"}).SerializeToString()
    table = wire.reader(generated("kinds.Maps")).read([once, once + again, b"", again])
    first, second, third, fourth = table["labels"].to_pylist()
    assert len(first) == 11
    assert set(first.values()) == {"1"}
    assert second == {**first, "eight by": "2", "": "2"}
    assert (third, fourth) == ({}, {"eight by": "2", "": "2"})

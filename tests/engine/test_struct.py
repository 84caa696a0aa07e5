"""Classes declared by their fields."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from typing import ClassVar

import pytest

from jitvm.engine.tables.struct import Struct, fresh
from tests.clock import HANGS


class Point(Struct, frozen=True):
    x: int
    y: int = 2


class Named(Point, frozen=True):
    kind: ClassVar[str] = "named"

    name: str = "n"


class Bag(Struct):
    items: list[int] = fresh(list)
    counts: Counter[str] = fresh(Counter)


def test_fields_by_place_by_name_and_by_default() -> None:
    assert Point(1).row() == {"x": 1, "y": 2}
    assert Point(y=5, x=4).values() == (4, 5)
    assert Named(1, 2, "z").row() == {"x": 1, "y": 2, "name": "z"}
    assert Named.kind == "named"
    assert repr(Named(1)) == "Named(x=1, y=2, name='n')"


def test_defaults_are_not_shared() -> None:
    one, other = Bag(), Bag()
    one.items.append(1)
    one.counts["a"] += 1
    assert (other.items, other.counts) == ([], Counter())


def test_equal_by_class_and_fields() -> None:
    assert Point(1) == Point(1, 2) != Point(1, 3)
    assert hash(Point(1)) == hash(Point(1, 2))
    assert Point(1) != Named(1)
    assert Point(1).but(y=3) == Point(1, 3)


@pytest.mark.parametrize(
    ("values", "named", "message"),
    [
        ((), {}, "Point needs x"),
        ((1, 2, 3), {}, "Point has 2 fields, not 3"),
        ((1,), {"x": 1}, "x given twice"),
        ((1,), {"z": 1}, "Point has no z"),
    ],
)
def test_wrong_fields(values: tuple[int, ...], named: dict[str, int], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        Point(*values, **named)


def test_frozen_and_slotted() -> None:
    with pytest.raises(AttributeError, match="frozen"):
        Point(1).x = 2  # type: ignore[misc]
    with pytest.raises(AttributeError):
        Bag().other = 1  # type: ignore[attr-defined]


def test_the_jit_is_imported_without_what_makes_that_slow() -> None:
    code = (
        "import sys, jitvm.engine.jit.jit\n"
        "print({'dataclasses', 'inspect', 'ast'} & {*sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=HANGS, check=True
    )
    assert done.stdout == "set()\n"

"""Which regions go together into an image, and what it says of them."""

from __future__ import annotations

from array import array
from types import SimpleNamespace
from typing import Any

import pytest

from jitvm.engine.jit.image import Image, decode
from jitvm.engine.jit.imagewriter import Settings, encode
from jitvm.engine.machine.machine import Machine
from jitvm.engine.memory.cache import CachedCode
from jitvm.engine.memory.layout import CELL, CODE
from jitvm.guests.uxn import UXN

SPACE = 0x10000
HOT = 50


def region(
    start: int, code: dict[int, int], stores: set[int] | None = None,
    cells: set[int] | None = None, entries: dict[int, int] | None = None,
) -> Any:  # fmt: skip
    """A compiled region as far as an image looks at it."""
    assumptions = SimpleNamespace(code=code, stores=stores or set(), cells=cells or set())
    made = SimpleNamespace(start=start, assumptions=assumptions)
    return SimpleNamespace(region=made, entries=entries or {})


def image(*regions: Any, **more: Any) -> Image:
    """The image of regions, whose code is 16 bytes each."""
    found = decode(written(*regions, **more), SPACE)
    assert found is not None
    return found


def written(*regions: Any, **more: Any) -> CachedCode:
    """A file with such an image."""
    settings = Settings(**{
        "charging": False, "hot": HOT, "patience": 9, "milliseconds": 0, "armed": {}, "inner": {},
        **more,
    })  # fmt: skip
    code = bytes(16 * len(regions))
    stream = encode([(each, 16 * i) for i, each in enumerate(regions)], [[], [], [], []], settings)
    whole = code + stream
    return CachedCode(whole, {"image": len(code), "numbers": len(whole)})


def entries(found: Image) -> dict[int, int]:
    return dict(zip(*found._entries, strict=True))


A = {0x100: 1, 0x101: 2, 0x102: 3}


@pytest.mark.parametrize(
    ("other", "together"),
    [
        (region(0x200, {0x200: 1}), True),
        (region(0x200, {0x200: 1, 0x101: 2}), True),
        (region(0x200, {0x200: 1, 0x101: 9}), False),
        (region(0x200, {0x200: 1}, stores={0x102}), False),
        (region(0x200, {0x200: 1}, stores={0x103}), True),
        (region(0x200, {0x150: 1}), False),
        (region(0x200, {0x151: 1}), True),
    ],
)
def test_regions_that_change_each_other_are_not_in_one_image(other: Any, together: bool) -> None:
    first = region(0x100, A, stores={0x150})
    assert entries(image(first, other)) == ({0x100: 0, 0x200: 16} if together else {0x100: 0})


def test_marks_are_those_of_all_its_regions() -> None:
    found = image(
        region(0x100, A, cells={0x102, 0x103}), region(0x200, {0x103: 4}, cells={0x101, 0x20})
    )
    marks = {
        at: mark
        for start, size, mark in zip(*found._marked, found._marks, strict=True)
        for at in range(start, start + size)
    }
    both = CODE | CELL
    assert marks == {0x20: CELL, 0x100: CODE, 0x101: both, 0x102: both, 0x103: both}
    assert found.fits(memoryview(bytes(0x100) + bytes([1, 2, 3, 4]) + bytes(SPACE - 0x104)))
    assert not found.fits(memoryview(bytes(0x100) + bytes([1, 2, 3, 5]) + bytes(SPACE - 0x104)))


def test_other_entries_are_those_that_are_entered() -> None:
    made = region(0x100, A, entries={0x180: 4, 0x190: 8})
    other = region(0x200, {0x200: 1}, entries={0x190: 12})
    found = image(made, other, inner={0x180: 0x100, 0x190: 0x200})
    assert entries(found) == {0x100: 0, 0x180: 4, 0x200: 16, 0x190: 28}


def test_what_does_not_fit_is_left_out() -> None:
    found = image(region(0x100, A), region(0x200, {0x101: 9}), aside=frozenset((0x100,)))
    assert entries(found) == {0x200: 16}


def test_counters_begin_as_they_should() -> None:
    machine = Machine(UXN, jit=True, cache=None)
    assert machine.native
    counted = machine.native.handlers.address("counted")
    found = image(region(0x100, A, cells={0x30}), armed={0x300: 7, 0x302: 900})
    assert found.install(machine.block, counted)
    code = machine.block.words(machine.layout.code, SPACE)
    assert code[0x300] == code[0x302] == counted != code[0x100]
    counts = array("H", machine.block.view(machine.layout.counters, 2 * SPACE).tobytes())
    assert (counts[0x300], counts[0x302], counts[0x304]) == (7, 900, HOT)
    assert machine.block.words(machine.layout.fields["watermark"], 1)[0] == 0x102
    assert machine.block.words(machine.layout.fields["patience"], 1)[0] == 9


NUMBERS = {"charging": 1, "hot": 2, "patience": 3, "milliseconds": 4}
"""Where an image has numbers that may be any."""


def test_an_image_is_whole_and_inside_of_memory_or_none() -> None:
    """A number that is too large, wherever it is, and a file that ends early."""
    cached = written(region(0x100, A, cells={0x30}), armed={0x300: 7})
    begin, end = cached.symbols["image"], cached.symbols["numbers"]
    numbers = array("I", cached.machine_code[begin:end])
    bytes_at = len(numbers) - 1  # three bytes that regions were made from

    def remade(numbers: array[int]) -> CachedCode:
        whole = cached.machine_code[:begin] + numbers.tobytes()
        return CachedCode(whole, {"image": begin, "numbers": len(whole)})

    assert decode(remade(numbers), SPACE)
    behind = numbers[:]
    behind[numbers.index(0x100)] = SPACE  # an entry
    assert decode(remade(behind), SPACE) is None
    for at in range(bytes_at):
        if at in NUMBERS.values():
            continue
        for wrong in (0x7FFF_FFFF, 0xFFFF_FFFF):
            changed = numbers[:]
            changed[at] = wrong
            assert decode(remade(changed), SPACE) is None, at
    for size in range(bytes_at + 1):
        assert decode(remade(numbers[:size]), SPACE) is None, size


@pytest.mark.parametrize("lists", ["bytes", "marks"])
def test_a_range_ends_with_memory(lists: str) -> None:
    last = SPACE - 1
    cached = written(region(0x100, {last: 1}))
    begin = cached.symbols["image"]
    numbers = array("I", cached.machine_code[begin:])
    alone = [1, last, 1, 1]  # where ranges begin, and how long they are
    places = [at for at in range(len(numbers)) if numbers[at : at + 4].tolist() == alone]
    assert len(places) == 2
    numbers[places[lists == "marks"] + 3] = 2
    whole = cached.machine_code[:begin] + numbers.tobytes()
    assert decode(cached, SPACE)
    assert decode(CachedCode(whole, {"image": begin, "numbers": len(whole)}), SPACE) is None

"""Where columns lie: no buffer may ever run into the next, whatever a batch has."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import descriptor_pb2

from jitvm import wire
from jitvm.guests.wire import buffers, pool, reading
from jitvm.guests.wire.buffers import HUGE, SLACK, layout
from jitvm.guests.wire.columns import Shape, Tree
from jitvm.guests.wire.pool import Pool
from jitvm.guests.wire.protobuf.columns import tree
from jitvm.guests.wire.vm.operands import UNIT
from tests.wire.schemas import MESSAGES, generated, message

LEAF = generated("kinds.Leaf")


def reserved(tree: Tree, size: int) -> Iterator[tuple[int, int]]:
    """Address and most bytes of each buffer, by what the head of `columns.py` says."""
    for column in tree.columns:
        rows = column.space.capacity
        for place, most in (
            (column.validity, rows),
            (column.offsets, (rows + 1) * tree.offset_width),
            (column.values, size if column.shape is Shape.BYTES else rows * column.width),
        ):
            if place is not None:
                yield place, most


@pytest.mark.parametrize("name", MESSAGES)
@pytest.mark.parametrize(("rows", "size"), [(1, 1), (1000, 1 << 20), (1 << 18, 8 << 20)])
def test_buffers_lie_apart(name: str, rows: int, size: int) -> None:
    made = tree(message(name))
    placed = layout(made, rows, size)
    buffers = sorted(reserved(made, size))
    ends = [place + most + SLACK for place, most in buffers]
    places = [place for place, _ in buffers]
    assert all(end <= place for end, place in zip(ends, places[1:], strict=False))
    assert ends[-1] <= placed.size
    assert all(place % UNIT == 0 for place in places)


def test_capacities_hold_the_shortest_elements() -> None:
    made = tree(message("kinds.Nested"))
    layout(made, 10, 1000)
    many = made.column("many")
    assert many is not None
    assert many.children[0].space.capacity == 500, "a tag and a length each"


def flags_at(address: int) -> set[str]:
    """Flags of the mapping that an address is in."""
    inside, found = False, ""
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if (bounds := re.match(r"([0-9a-f]+)-([0-9a-f]+) ", line)) is not None:
            inside = int(bounds[1], 16) <= address < int(bounds[2], 16)
        elif inside and line.startswith("VmFlags:"):
            found = line
    return set(found.split()[1:])


@pytest.mark.skipif(
    not Path("/sys/kernel/mm/transparent_hugepage").exists() or sys.platform != "linux",
    reason="no huge pages here",
)
def test_large_buffers_have_huge_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    some, placed = Pool(), object()
    extents = [(0, 1.0), (8 * HUGE + 64, HUGE / 90), (16 * HUGE, 0.5), (40 * HUGE, float(HUGE))]
    places = (0, 8 * HUGE, 9 * HUGE, 16 * HUGE, 40 * HUGE, 139 * HUGE, 141 * HUGE)
    space = some.take(1 << 30)
    space.expect(placed, 100, extents)
    huge = [place // HUGE for place in places if "hg" in flags_at(space.address + place)]
    assert huge == [8, 9, 40, 139], "as far as it goes, and no small buffer"
    assert some.free == 0
    del space
    assert some.free >= 100 * HUGE, "what was expected counts"
    monkeypatch.setattr(pool, "MAX_RANGES", 0)
    space = some.take(1 << 33)
    space.expect(placed, 100, extents)
    assert not any("hg" in flags_at(space.address + place) for place in places)


def test_trees_with_many_columns_have_many_addresses() -> None:
    small, large = wire.reader(LEAF), wire.reader(descriptor_pb2.FileDescriptorProto)
    for reader, least in ((small, 32 << 20), (large, reading.ENOUGH_BYTES)):
        assert reader._batch_bytes >= least


def test_few_addresses_do_where_there_are_not_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit of virtual memory, or a system that commits all that is mapped."""
    made: Any = pool._Mapping.__init__

    def refused(self: Any, size: int) -> None:
        if size > 1 << 34:
            raise wire.PoolError("no")
        made(self, size)

    monkeypatch.setattr(pool._Mapping, "__init__", refused)
    monkeypatch.setattr(reading, "ENOUGH_BYTES", buffers.MAX_NARROW)
    monkeypatch.setattr(reading, "BATCH_BYTES", 1 << 30)
    data = [LEAF(number=n, name="x" * (n % 50)).SerializeToString() for n in range(1000)]
    reader = wire.reader(LEAF)
    before = reader._batch_bytes
    pool.POOL.trim()  # what other tests have left there is large enough
    table = reader.read(data)
    assert table["number"].to_pylist() == list(range(1000))
    assert reader._batch_bytes < before
    monkeypatch.setattr(pool._Mapping, "__init__", lambda self, _: refused(self, 1 << 40))
    pool.POOL.trim()
    with pytest.raises(wire.PoolError):
        reader.read(data)

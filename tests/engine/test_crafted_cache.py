"""Files of the code cache with a right checksum and wrong content are as good as none."""

from __future__ import annotations

from array import array
from pathlib import Path
from typing import Any

import pytest

from jitvm.engine.jit import kept
from jitvm.engine.jit.shelf import Shelf
from jitvm.engine.memory import cache
from jitvm.engine.memory.cache import CachedCode, CodeCache
from jitvm.engine.memory.layout import EXITS, MOST_EXITS, REGIONS
from jitvm.engine.tables.params import Parameters
from jitvm.guests.uxn import UXN
from tests.engine.keptexample import (
    COUNTS,
    SETTINGS,
    SPACE,
    before_numbers,
    compiled,
    encoded,
    example,
    numbers_of,
)


def decoded(what: kept.Kept) -> kept.Kept | None:
    return kept.decode(encoded(what), SPACE)


@pytest.mark.parametrize("offset", [-1, 5, 1 << 70])
def test_offsets_outside_the_code_are_refused(offset: int) -> None:
    assert cache._decode("k", cache._encode("k", CachedCode(b"code", {"f": offset}))) is None
    assert cache._decode("k", cache._encode("k", CachedCode(b"code", {"f": 4}))) is not None


@pytest.mark.parametrize("numbers", [b"", b"\xff", b"\xff" * 4, b"\0" * 4, b"\xff" * 400])
def test_what_is_no_description_is_refused(numbers: bytes) -> None:
    assert kept.decode(CachedCode(b"code" + numbers, {"numbers": 4}), SPACE) is None
    assert kept.decode(CachedCode(b"code" + numbers, {}), SPACE) is None


def test_all_that_is_kept_comes_back() -> None:
    found, was = decoded(example(compiled(), compiled(300))), example()
    assert found is not None
    for name in ("ports", "charging", "next_exit", "next_counter", "no_headroom"):
        assert getattr(found, name) == getattr(was, name)
    assert (found.learned.edges, found.learned.opcodes) == COUNTS
    assert (found.learned.written, found.learned.aliased) == ({32}, set())
    (first, is_full), (second, _) = found.regions
    assert is_full
    assert second.region.start == 300
    for name in ("machine_code", "exits", "first_exit", "counter", "entries"):
        assert getattr(first, name) == getattr(compiled(), name)
    assert dict(first.edges) == compiled().edges
    for name in ("start", "nodes", "limits", "cuts", "returns", "assumptions"):
        assert getattr(first.region, name) == getattr(compiled().region, name)


def test_counts_beyond_what_a_file_holds_are_the_largest() -> None:
    found = decoded(example(compiled(nodes={256: 1 << 70}), counts=({1: {2: 1 << 40}}, {})))
    assert found is not None
    assert found.regions[0][0].region.nodes == {256: kept.MOST - 1}
    assert found.learned.travel(1) == kept.MOST - 1


@pytest.mark.parametrize(
    "changes",
    [
        {"start": SPACE},
        {"machine_code": b""},
        {"exits": [("BRANCH", SPACE)]},
        {"first_exit": EXITS - 1},
        {"counter": REGIONS},
        {"entries": {260: 4}},
        {"entries": {SPACE: 0}},
        {"nodes": {SPACE: 1}},
        {"code": {256: 256}},
        {"code": {SPACE: 1}},
        {"cells": {SPACE}},
        {"stores": {SPACE}},
        {"edges": {SPACE: frozenset()}},
        {"edges": {256: frozenset((SPACE,))}},
    ],
)
def test_regions_with_numbers_out_of_range_are_refused(changes: dict[str, Any]) -> None:
    assert decoded(example(compiled())) is not None
    assert decoded(example(compiled(**changes))) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"charging": 2},
        {"next_exit": EXITS - MOST_EXITS},
        {"next_counter": REGIONS},
        {"no_headroom": [SPACE]},
        {"written": {SPACE}},
        {"aliased": {SPACE}},
        {"counts": ({SPACE: {1: 1}}, {})},
        {"counts": ({1: {SPACE: 1}}, {})},
        {"counts": ({}, {1: {256: 1}})},
    ],
)
def test_numbers_out_of_range_are_refused(changes: dict[str, Any]) -> None:
    assert decoded(example(**changes)) is None


def test_two_regions_of_one_start_are_refused() -> None:
    assert decoded(example(compiled(), compiled())) is None


def test_streams_of_another_length_are_refused() -> None:
    code = encoded(example())
    numbers = numbers_of(code)
    for wrong in (*(numbers[:end] for end in range(len(numbers))), numbers + array("I", [0])):
        file = CachedCode(before_numbers(code) + wrong.tobytes(), code.symbols)
        assert kept.decode(file, SPACE) is None
    assert kept.decode(CachedCode(code.machine_code[:-1], code.symbols), SPACE) is None


def test_whatever_number_is_another_what_is_taken_can_be_kept() -> None:
    code = encoded(example(compiled(), compiled(300)))
    numbers, refused = numbers_of(code), 0
    for at, right in enumerate(numbers):
        for wrong in {0, 1, 2, 255, 65535, 65536, kept.MOST - 1, right + 1} - {right}:
            numbers[at] = wrong
            file = CachedCode(before_numbers(code) + numbers.tobytes(), code.symbols)
            found = kept.decode(file, SPACE)
            if found is None:
                refused += 1
            else:
                assert decoded(found) is not None
        numbers[at] = right
    assert refused > len(numbers)


def test_a_shelf_says_so_and_the_file_is_replaced(tmp_path: Path) -> None:
    said: list[str] = []
    shelf = Shelf(CodeCache(tmp_path, said.append), UXN, 7)
    params = Parameters()
    shelf.store(params, example(), SETTINGS)
    [path] = tmp_path.glob("uxn-regions-*")
    key = shelf._key(params, charging=False)
    assert key is not None
    path.write_bytes(cache._encode(key, encoded(example(next_counter=1 << 20))))
    assert shelf.load(params, charging=False) is None
    assert len(said) == 1
    assert said[0].startswith(f"{path}: damaged")
    shelf.store(params, example(), SETTINGS)
    assert shelf.load(params, charging=False) is not None

"""Files of the code cache with a right checksum and wrong content are as good as none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jitvm.engine.jit import kept
from jitvm.engine.memory import cache
from jitvm.engine.memory.cache import CachedCode, CodeCache
from jitvm.engine.tables.params import Parameters
from jitvm.guests.uxn import UXN

SPACE = 65536
REGION: dict[str, Any] = {
    "start": 256,
    "size": 4,
    "is_full": False,
    "exits": [["BRANCH", 300], ["TARGET", None]],
    "first_exit": 0,
    "counter": 0,
    "entries": [[260, 2]],
    "edges": {"256": [260]},
    "nodes": [[256, 1], [260, 1]],
    "limits": {"NODES": 3},
    "code": [[256, 128]],
    "cells": [16],
    "stores": [18],
}
ABOUT: dict[str, Any] = {
    "format": kept.FORMAT,
    "ports": [[1], [2], []],
    "charging": False,
    "next_exit": 2,
    "next_counter": 1,
    "no_headroom": [256],
    "edges": {"256": [[260, 5]]},
    "opcodes": {"256": [[128, 5]]},
    "written": [32],
    "aliased": [],
    "regions": [REGION],
}
WRONG: tuple[Any, ...] = (
    -1, 1 << 70, 1.5, "x", None, True, [], {}, [[]], [-1], [1 << 70], [[1]], [[1, 2, 3]],
)  # fmt: skip


def file_of(about: Any) -> CachedCode:
    return CachedCode(b"code" + json.dumps(about).encode(), {"about": 4})


@pytest.mark.parametrize("offset", [-1, 5, 1 << 70])
def test_offsets_outside_the_code_are_refused(offset: int) -> None:
    assert cache._decode("k", cache._encode("k", CachedCode(b"code", {"f": offset}))) is None
    assert cache._decode("k", cache._encode("k", CachedCode(b"code", {"f": 4}))) is not None


@pytest.mark.parametrize("about", [b"[" * 100_000, b"[]", b"", b"\xff", b"{}"])
def test_what_is_no_description_is_refused(about: bytes) -> None:
    assert kept.decode(CachedCode(b"code" + about, {"about": 4}), SPACE) is None


def test_the_example_is_right() -> None:
    found = kept.decode(file_of(ABOUT), SPACE)
    assert found is not None
    assert found.regions[0][0].entries == {260: 2}


@pytest.mark.parametrize("name", ABOUT)
def test_wrong_descriptions_are_refused(name: str) -> None:
    lists: tuple[Any, ...] = ([], [[]], [[1]], [[1, 2, 3]])
    right: dict[str, tuple[Any, ...]] = {"ports": lists, "charging": (True,)}
    right |= dict.fromkeys(("no_headroom", "written", "aliased"), ([],))
    right |= dict.fromkeys(("edges", "opcodes"), ({},))
    for wrong in WRONG:
        if not any(wrong is each or wrong == each != 1 for each in right.get(name, ())):
            assert kept.decode(file_of({**ABOUT, name: wrong}), SPACE) is None, wrong


@pytest.mark.parametrize("name", REGION)
def test_wrong_regions_are_refused(name: str) -> None:
    lists = ("exits", "entries", "nodes", "code", "cells", "stores")
    empty: dict[str, Any] = {each: [] for each in lists}
    empties = {**empty, "edges": {}, "limits": {}}
    for wrong in WRONG:
        if (name == "is_full" and wrong is True) or wrong == empties.get(name, "none"):
            continue
        row = {**REGION, name: wrong}
        assert kept.decode(file_of({**ABOUT, "regions": [row]}), SPACE) is None, wrong


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("start", SPACE),
        ("size", 5),
        ("size", 3),
        ("size", 0),
        ("exits", [["NOWHERE", 300]]),
        ("exits", [["BRANCH", SPACE]]),
        ("first_exit", 65535),
        ("counter", 16384),
        ("entries", [[260, 4]]),
        ("entries", [[SPACE, 0]]),
        ("nodes", [[SPACE, 1]]),
        ("code", [[256, 256]]),
        ("cells", [SPACE]),
        ("edges", {"65536": []}),
    ],
)
def test_numbers_out_of_range_are_refused(name: str, wrong: Any) -> None:
    row = {**REGION, name: wrong}
    assert kept.decode(file_of({**ABOUT, "regions": [row]}), SPACE) is None


def test_two_regions_of_one_start_are_refused() -> None:
    rows = [{**REGION, "size": 2, "entries": []}] * 2
    assert kept.decode(file_of({**ABOUT, "regions": rows}), SPACE) is None


def test_a_shelf_says_so_and_the_file_is_replaced(tmp_path: Path) -> None:
    said: list[str] = []
    shelf = kept.Shelf(CodeCache(tmp_path, said.append), UXN, 7)
    good = kept.decode(file_of(ABOUT), SPACE)
    assert good is not None
    params = Parameters()
    shelf.store(params, good)
    [path] = tmp_path.glob("uxn-regions-*")
    key = shelf._key(params, charging=False)
    assert key is not None
    path.write_bytes(cache._encode(key, file_of({**ABOUT, "next_counter": 1 << 40})))
    assert shelf.load(params, charging=False) is None
    assert len(said) == 1
    assert said[0].startswith(f"{path}: damaged")
    shelf.store(params, good)
    assert shelf.load(params, charging=False) is not None

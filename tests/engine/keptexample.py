"""An example of what is kept of a run."""

from __future__ import annotations

from array import array
from typing import Any

from jitvm.engine.ir.graph import Graph
from jitvm.engine.jit import kept
from jitvm.engine.jit.compiled import Compiled
from jitvm.engine.jit.imagewriter import Settings
from jitvm.engine.memory.cache import CachedCode
from jitvm.engine.region.region import Region
from jitvm.engine.region.world import Assumptions
from jitvm.engine.tables.reasons import Reason

SPACE = 65536
COUNTS = {256: {260: 5}}, {256: {128: 5}}


def compiled(start: int = 256, **changes: Any) -> Compiled:
    """An example of a region; `changes` are fields of it, of its region or of what it assumes."""
    row: dict[str, Any] = {
        "machine_code": b"code",
        "exits": [("BRANCH", 300), ("TARGET", None)],
        "first_exit": 0,
        "counter": 0,
        "entries": {260: 2},
        "edges": {256: frozenset((260, 261)), 260: frozenset((256,))},
        "nodes": {256: 1, 260: 1},
        "limits": {Reason.NODES: 3},
        "cuts": {264: 3},
        "returns": {263},
        "code": {256: 128},
        "cells": {16},
        "stores": {18},
        **changes,
    }
    assumptions = Assumptions(row.pop("code"), row.pop("cells"), row.pop("stores"))
    formed = {name: row.pop(name) for name in ("nodes", "limits", "cuts", "returns")}
    region = Region(start, Graph(32, "an example"), assumptions, **formed)
    return Compiled(region, row.pop("machine_code"), seconds=(0.0, 0.0, 0.0), epoch=0, **row)


def example(*regions: Compiled, counts: Any = COUNTS, **changes: Any) -> kept.Kept:
    """An example of all that is kept; `changes` are fields of it, or of what was learned."""
    row: dict[str, Any] = {
        "ports": [[1], [2], [], []],
        "charging": False,
        "next_exit": 2,
        "next_counter": 1,
        "no_headroom": [256],
        "failures": {270: 2},
        "written": {32},
        "aliased": set(),
        **changes,
    }
    learned = kept.Learned(lambda: counts, row.pop("written"), row.pop("aliased"))
    return kept.Kept([(each, True) for each in regions or (compiled(),)], learned, **row)


SETTINGS = Settings(False, 400, 256, 1000, {270: 1600}, {260: 256})
"""What the image of the example says beside its regions."""


def encoded(what: kept.Kept) -> CachedCode:
    """The file of what is kept."""
    return kept.encode(what, SETTINGS)


def before_numbers(code: CachedCode) -> bytes:
    """What is in a file before its numbers: machine code and the image."""
    return code.machine_code[: code.symbols["numbers"]]


def numbers_of(code: CachedCode) -> array[int]:
    """The numbers in a file."""
    return array("I", code.machine_code[code.symbols["numbers"] :])

"""Files of the code cache with a right checksum and wrong content are as good as none."""

from __future__ import annotations

import json

import pytest

from jitvm.engine import cache, kept
from jitvm.engine.cache import CachedCode


@pytest.mark.parametrize("offset", [-1, 5, 1 << 70])
def test_offsets_outside_the_code_are_refused(offset: int) -> None:
    assert cache._decode("k", cache._encode("k", CachedCode(b"code", {"f": offset}))) is None
    assert cache._decode("k", cache._encode("k", CachedCode(b"code", {"f": 4}))) is not None


@pytest.mark.parametrize(
    "about",
    [
        b"[" * 100_000,
        b"[]",
        json.dumps({"format": kept.FORMAT, "regions": [{"size": 9}]}).encode(),
        json.dumps({"format": kept.FORMAT, "regions": [{"size": -1}]}).encode(),
        json.dumps({"format": kept.FORMAT, "regions": [], "edges": []}).encode(),
    ],
)
def test_crafted_regions_are_refused(about: bytes) -> None:
    assert kept.decode(CachedCode(b"code" + about, {"about": 4})) is None

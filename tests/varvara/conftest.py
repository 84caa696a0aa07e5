"""Computers made from Uxntal, at every tier."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jitvm.engine.machine.machine import Tier
from jitvm.guests.uxn.assembler import assemble
from jitvm.guests.uxn.varvara import Computer

DEVICES = """
|00 @System &vector $2 &expansion $2 &wst $1 &rst $1 &metadata $2 &r $2 &g $2 &b $2
    &debug $1 &state $1
|10 @Console &vector $2 &read $1 $4 &type $1 &write $1 &error $1
|a0 @File &vector $2 &success $2 &stat $2 &delete $1 &append $1 &name $2 &length $2
    &read $2 &write $2
|c0 @DateTime &year $2 &month $1 &day $1 &hour $1 &minute $1 &second $1 &dotw $1 &doty $2
    &isdst $1
|0100
"""

Make = Callable[..., Computer]


@pytest.fixture(params=list(Tier), ids=str)
def tier(request: pytest.FixtureRequest) -> Tier:
    return Tier(request.param)


@pytest.fixture
def make(tier: Tier, tmp_path: Path) -> Make:
    """A computer of a Uxntal program; its files are in a fresh folder."""

    def build(source: str, **options: Any) -> Computer:
        options.setdefault("sandbox", tmp_path)
        rom = assemble(DEVICES + source, name="test.tal").rom
        return Computer(rom, tier=tier, **options)

    return build

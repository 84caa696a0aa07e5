"""Graphs of regions as the JIT forms them from random programs, before and after the passes."""

from __future__ import annotations

from functools import cache
from unittest import mock

from jitvm.engine.ir.text import show
from jitvm.engine.jit.maker import RegionMaker
from jitvm.engine.machine.machine import Tier
from jitvm.engine.region.region import Region
from jitvm.engine.tables.params import Parameters
from tests.fuzz.case import Case
from tests.fuzz.generate import PROFILES, generate
from tests.fuzz.lab import Lab

SEEDS = (
    6, 11, 13, 16, 43, 55, 62, 75, 83, 86, 94, 96, 105, 123, 136, 142, 150, 160, 176, 202, 206,
    212, 215, 222, 225, 232, 234, 240, 243, 257, 263, 282, 293, 294, 307, 318, 323, 340, 358, 400,
)  # fmt: skip
"""Seeds of programs that regions are formed of, of all profiles; most give several."""


class FreeLab(Lab):
    """A lab whose programs run without a budget: with one, nothing becomes hot."""

    def _left(self, case: Case) -> int | None:  # noqa: ARG002  as in `Lab`
        return None


def program(seed: int) -> tuple[Case, bytes] | None:
    """A random program that halts soon, and its bytes; None where the seed gives none."""
    case = generate(seed, list(PROFILES)[seed % len(PROFILES)])
    rom = case.rom()
    counted = Lab(Tier.INTERPRETER)
    counted.machine.counting = True
    ends = counted.run(case, rom).stop in ("halt", "fault in event")
    return (case, rom) if ends and counted.machine.executed < 20_000 else None


def parameters(case: Case) -> Parameters:
    """Parameters of a case, compiling while it waits."""
    return Parameters().changed({**case.params, "background": 0})


@cache
def graphs(seed: int) -> tuple[tuple[str, str], ...]:
    """Texts of the graphs of each region of a program, as formed and after the passes."""
    found = program(seed)
    if found is None:
        return ()
    case, rom = found
    texts: list[str] = []

    def keep(_: RegionMaker, region: Region) -> None:
        texts.append(show(region.graph))

    with mock.patch.object(RegionMaker, "_verify", keep):
        FreeLab(Tier.IR, parameters(case)).run(case, rom)
    return tuple(zip(texts[::2], texts[1::2], strict=True))

"""From a seed to a case: a guest, some programs, and the JIT's parameters for each."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace

from tests.fuzz.guests.case import GuestCase
from tests.fuzz.guests.describe import describe
from tests.fuzz.guests.program import write_program

PROGRAMS = 6

_PARAMS: Mapping[str, tuple[int, ...]] = {
    "window": (64, 128, 300),
    "nodes": (8, 40, 200, 800),
    "recursion": (0, 1, 4),
    "inline": (0, 1, 12),
    "ways": (1, 2, 32),
    "table": (4, 8, 256),
    "depth": (8, 16, 64),
    "cells": (0, 1, 8, 24),
    "aliases": (1, 2, 16),
    "exit_hot": (1, 2, 16),
    "link": (1, 10, 60),
    "quick": (8, 40, 500),
    "entries": (0, 1, 12),
    "growth": (0, 1, 12),
    "invalidations": (1, 2, 16),
}


def generate_guest(seed: int) -> GuestCase:
    """The case of a seed; the same one each time."""
    rng = random.Random(f"guest {seed}")
    described = describe(rng)
    programs = []
    for _ in range(PROGRAMS):
        program = write_program(rng, described)
        params = {"hot": rng.choice((1, 1, 2, 8)), "background": 0, "verify": 1, "window": 64}
        share = rng.choice((0.0, 0.2, 0.6))
        params |= {n: rng.choice(of) for n, of in _PARAMS.items() if rng.random() < share}
        params |= rng.choice(({}, {"speed": rng.choice((1, 2, 3))}, {"speed": 0, "quick": 100}))
        programs.append(replace(program, params=params))
    return GuestCase(
        described.shape, tuple(described.rows), tuple(programs), emulated=seed % 4 == 0
    )

"""How many moving sprites a frame holds: examples/sprites.tal at each tier, and where time goes.

    python -m bench.sprites [--count N] [--frames N] [--json FILE]

The program draws N balls a frame; the guest moves and bounces them. What a frame takes is split in
three: the drawing kernel (what is saved when the sprite port does nothing), composing the picture
(timed by itself), and the guest's own instructions (the rest). "Sprites a frame" is how many there
could be at 60 frames a second, as what a frame takes grows with their number.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter

from jitvm.engine.machine import Tier
from jitvm.facade import load

PROGRAM = Path(__file__).parent.parent / "examples" / "sprites.tal"
SPRITE_PORT = 0x2F
FRAME = 1 / 60
WARM = 4.0
"""Seconds of frames before anything is timed, for the JIT to settle."""


@dataclass(frozen=True, slots=True)
class Figures:
    """One tier: milliseconds a frame and its parts, and sprites a frame at 60 a second."""

    tier: str
    count: int
    frame_ms: float
    guest_ms: float
    kernel_ms: float
    compose_ms: float
    sprites: int


def measure(tier: Tier, count: int, frames: int) -> Figures:
    """Time frames of the program at a tier."""
    computer = load(PROGRAM, args=(str(count),), tier=tier, sandbox=None)
    computer.boot()
    end = perf_counter() + WARM
    while perf_counter() < end:
        computer.frame()
    with_kernel, composing = _frames(computer, frames)
    native = computer.machine._native
    assert native is not None
    nothing = ctypes.cast(ctypes.CDLL(None).labs, ctypes.c_void_p).value
    native._writers[SPRITE_PORT] = nothing or 0
    without, composing_less = _frames(computer, frames)
    kernel = max(with_kernel - composing - (without - composing_less), 0.0)
    return Figures(
        tier.value,
        count,
        1e3 * with_kernel,
        1e3 * (with_kernel - composing - kernel),
        1e3 * kernel,
        1e3 * composing,
        int(count * FRAME / with_kernel),
    )


def _frames(computer: object, frames: int) -> tuple[float, float]:
    """Median seconds of a frame, and of composing its picture."""
    whole, composing = [], []
    screen = computer.screen  # type: ignore[attr-defined]
    compose = screen.compose

    def timed() -> bool:
        begin = perf_counter()
        changed = compose()
        composing.append(perf_counter() - begin)
        return bool(changed)

    screen.compose = timed
    try:
        for _ in range(frames):
            begin = perf_counter()
            computer.frame()  # type: ignore[attr-defined]
            whole.append(perf_counter() - begin)
    finally:
        del screen.compose
    return statistics.median(whole), statistics.median(composing) if composing else 0.0


def main(argv: Sequence[str] | None = None) -> int:
    """Measure both tiers and print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.sprites", description=__doc__)
    parser.add_argument("--count", type=int, default=4000, help="sprites (default: %(default)s)")
    parser.add_argument("--frames", type=int, default=240, help="timed (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="write the figures to a file")
    arguments = parser.parse_args(argv)
    rows = [
        measure(tier, arguments.count, arguments.frames)
        for tier in (Tier.INTERPRETER, Tier.JIT)
    ]
    names = ("tier", "frame ms", "guest", "kernel", "compose", "sprites a frame at 60")
    print("".join(f"{name:>12}" for name in names))
    for row in rows:
        parts = (row.frame_ms, row.guest_ms, row.kernel_ms, row.compose_ms)
        print(f"{row.tier:>12}" + "".join(f"{part:12.3f}" for part in parts) + f"{row.sprites:>12}")
    print(f"the JIT draws {rows[1].sprites / rows[0].sprites:.1f} times as many")
    if arguments.json is not None:
        arguments.json.write_text(json.dumps([asdict(row) for row in rows]) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

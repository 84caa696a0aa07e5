"""How many moving sprites a frame holds: examples/sprites.tal at two tiers, and where time goes.

    python -m bench.sprites [--count N] [--frames N] [--rounds N] [--json FILE]

The program draws balls in a room; the guest moves and bounces them. It is timed with N balls and
with half of them: what N/2 more balls take says what one takes, and the rest is what a frame takes
without any (the room, the numbers, composing the picture). "Sprites a frame" is how many fit into
a sixtieth of a second; above 4096 balls the program also moves them between banks, for which
nothing is added, at either tier.

What a ball takes is split in two: the drawing kernel (what is saved when the sprite port does
nothing) and the guest's own instructions (the rest). Composing is timed by itself.

Tiers take turns, and of each figure the best round counts: other work on the machine only ever
makes a round slower.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import TypeVar

from jitvm.engine.machine.machine import Tier
from jitvm.facade import load

Result = TypeVar("Result")

PROGRAM = Path(__file__).parent.parent / "examples" / "sprites.tal"
SPRITE_PORT = 0x2F
FRAME = 1 / 60
WARM = 3.0
"""Seconds of frames before anything is timed, for the JIT to settle."""


@dataclass(frozen=True, slots=True)
class Figures:
    """One tier: nanoseconds a sprite, milliseconds a frame, sprites a frame at 60 a second.

    Attributes:
        guest_ns, kernel_ns: what a sprite takes, in the guest and in the drawing kernel.
        frame_ms: a frame with all of them; compose_ms of it for the picture.
        sprites: how many would fit into a frame.
    """

    tier: str
    count: int
    guest_ns: float
    kernel_ns: float
    frame_ms: float
    compose_ms: float
    sprites: int


class Crowd:
    """A computer with so many balls, and what was timed of it: seconds, one a round.

    Attributes:
        drawn: a frame; undrawn: a frame in which the sprite port does nothing.
        composed: composing the picture of a frame.
    """

    def __init__(self, tier: Tier, count: int) -> None:
        self._computer = load(PROGRAM, args=(str(count),), tier=tier, sandbox=None)
        self.drawn: list[float] = []
        self.undrawn: list[float] = []
        self.composed: list[float] = []
        end = perf_counter() + WARM
        while perf_counter() < end:
            self._computer.frame()

    def measure(self, frames: int) -> None:
        """Time some frames as they are, and without drawing."""
        screen, native = self._computer.screen, self._computer.machine.native
        assert native is not None
        composing: list[float] = []
        compose = screen.compose
        screen.compose = lambda: _timed(compose, composing)  # type: ignore[method-assign]
        self.drawn.append(self._frame(frames))
        self.composed.append(statistics.median(composing))
        del screen.compose
        draw, native.ports.writers[SPRITE_PORT] = native.ports.writers[SPRITE_PORT], _nothing()
        self.undrawn.append(self._frame(frames))
        native.ports.writers[SPRITE_PORT] = draw

    def _frame(self, times: int) -> float:
        """The median of so many frames."""
        taken: list[float] = []
        for _ in range(times):
            _timed(self._computer.frame, taken)
        return statistics.median(taken)


def _timed(work: Callable[[], Result], taken: list[float]) -> Result:
    begin = perf_counter()
    result = work()
    taken.append(perf_counter() - begin)
    return result


def _nothing() -> int:
    """The address of a C function that does nothing with its arguments."""
    return ctypes.cast(ctypes.CDLL(None).labs, ctypes.c_void_p).value or 0


def measure(count: int, frames: int, rounds: int) -> list[Figures]:
    """Time frames of the program at both tiers."""
    crowds = {
        (tier, number): Crowd(tier, number)
        for tier in (Tier.INTERPRETER, Tier.JIT)
        for number in (count // 2, count)
    }
    for _ in range(rounds):
        for crowd in crowds.values():
            crowd.measure(frames)
    return [
        _figures(tier, count, crowds[tier, count // 2], crowds[tier, count])
        for tier in (Tier.INTERPRETER, Tier.JIT)
    ]


def _figures(tier: Tier, count: int, half: Crowd, whole: Crowd) -> Figures:
    more, frame = count - count // 2, min(whole.drawn)
    sprite = (frame - min(half.drawn)) / more
    kernel = (frame - min(whole.undrawn)) / count
    return Figures(
        tier.value,
        count,
        guest_ns=1e9 * (sprite - kernel),
        kernel_ns=1e9 * kernel,
        frame_ms=1e3 * frame,
        compose_ms=1e3 * min(whole.composed),
        sprites=count + int((FRAME - frame) / sprite),
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Measure both tiers and print a table."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.sprites",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--count", type=int, default=60000, help="sprites (default: %(default)s)")
    parser.add_argument(
        "--frames", type=int, default=8, help="timed in a round (default: %(default)s)"
    )
    parser.add_argument("--rounds", type=int, default=6, help="default: %(default)s")
    parser.add_argument("--json", type=Path, help="write the figures to a file")
    arguments = parser.parse_args(argv)
    rows = measure(arguments.count, arguments.frames, arguments.rounds)
    names = ("tier", "guest ns", "kernel ns", "frame ms", "compose", "sprites a frame at 60")
    print("".join(f"{name:>12}" for name in names))
    for row in rows:
        times = f"{row.guest_ns:12.1f}{row.kernel_ns:12.1f}{row.frame_ms:12.3f}"
        print(f"{row.tier:>12}{times}{row.compose_ms:12.3f}{row.sprites:>12}")
    print(f"the JIT draws {rows[1].sprites / rows[0].sprites:.1f} times as many")
    if arguments.json is not None:
        arguments.json.write_text(json.dumps([asdict(row) for row in rows]) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

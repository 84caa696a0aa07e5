"""How fast CHIP-8 runs: examples/life.xo8.hex8 at two tiers.

    python -m bench.chip8 [--instructions N] [--rounds N]

Processor time of a frame of so many instructions, the least of some rounds at each tier; the JIT
once it installs nothing more.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from jitvm.engine.machine.machine import Tier
from jitvm.guests.chip8.platform import PLATFORM

PROGRAM = Path(__file__).parent.parent / "examples" / "life.xo8.hex8"
WARM = 3.0
"""Seconds of frames before anything is timed, for the JIT to settle."""


def measure(tier: Tier, instructions: int, rounds: int) -> float:
    """Nanoseconds an instruction."""
    program = PLATFORM.load(str(PROGRAM))
    computer = PLATFORM.computer(program, tier=tier, speed=instructions)
    end = time.perf_counter() + WARM
    while time.perf_counter() < end:
        computer.frame()
    taken = []
    for _ in range(rounds):
        begin = time.process_time()
        computer.frame()
        taken.append(time.process_time() - begin)
    return 1e9 * min(taken) / instructions


def main(argv: Sequence[str] | None = None) -> int:
    """Measure both tiers and print a table."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.chip8",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--instructions", type=int, default=5_000_000, help="of a frame (default: %(default)s)"
    )
    parser.add_argument("--rounds", type=int, default=8, help="default: %(default)s")
    arguments = parser.parse_args(argv)
    figures = {
        tier: measure(tier, arguments.instructions, arguments.rounds)
        for tier in (Tier.INTERPRETER, Tier.JIT)
    }
    for tier, figure in figures.items():
        print(f"{tier:>12} {figure:8.3f} ns an instruction")
    print(f"the JIT is {figures[Tier.INTERPRETER] / figures[Tier.JIT]:.1f} times as fast")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The example of docs/from-slow-to-fast.md: what it prints, and the counts it names."""

from __future__ import annotations

from pathlib import Path

import jitvm

PROGRAMS = Path(__file__).parents[2] / "docs" / "primes"
SECOND = 0xC6


def clock_reads(name: str, instructions: int) -> tuple[int, str]:
    """Reads of the clock within so many instructions, and what was printed, dots left out."""
    computer = jitvm.load(PROGRAMS / name)
    with jitvm.profile(computer, mode="exact") as profile:
        computer.run_console(max_instructions=instructions)
    reads = sum(row.calls for row in profile.host if (row.port, row.kind) == (SECOND, "read"))
    return reads, computer.stdout.decode().replace(".", "")


def test_the_fast_program_asks_the_clock_once_a_number() -> None:
    assert clock_reads("fast.tal", 100_000_000) == (65534, "6542\n")


def test_the_slow_program_asks_it_once_a_divisor() -> None:
    reads, _ = clock_reads("slow.tal", 2_000_000)
    assert reads > 30_000

"""The command: decodes mutated messages of all types at all tiers, each case in a child process."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Protocol

from tests.fuzz.wire.case import WireCase

SECONDS = 12.0
"""For which a case is decoded."""
PATIENCE = 600.0
"""Seconds a child process may take."""
TELLING = 60.0
"""Seconds between lines that tell how far it is."""


class Case(Protocol):
    """What a seed stands for.

    Attributes:
        name, tier: what is decoded, and by what.
    """

    name: str
    tier: str


def main(package: str = "tests.fuzz.wire", make: Callable[[int], Case] = WireCase) -> int:
    """Run; 1 where something was wrong.

    Args:
        package: whose module `worker` decodes a case.
        make: the case of a seed.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {package}", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--runs", type=int, help="cases at most")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for each case")
    parser.add_argument("--seed", type=int, default=1, help="of the first case")
    args = parser.parse_args()
    end = time.monotonic() + 60 * args.minutes
    by_tier: dict[str, Counter[str]] = {}
    types: set[str] = set()
    failed = runs = 0
    told = time.monotonic()
    while time.monotonic() < end and (args.runs is None or runs < args.runs):
        seed = args.seed + runs
        case = make(seed)
        runs += 1
        found = _worker(package, seed, args.seconds)
        if isinstance(found, str):
            failed += 1
            print(f"seed {seed}, {case}: {found}", flush=True)
            continue
        types.add(case.name)
        by_tier.setdefault(case.tier, Counter()).update({**found, "cases": 1})
        if time.monotonic() - told >= TELLING:
            told = time.monotonic()
            print(f"so far: {_said(sum(by_tier.values(), Counter()))}", file=sys.stderr, flush=True)
    for tier, counts in sorted(by_tier.items()):
        print(f"{tier:12} {_said(counts)}")
    total = sum(by_tier.values(), Counter())
    print(f"{'all':12} {_said(total)}; {len(types)} types, {failed} failures")
    return bool(failed)


def _worker(package: str, seed: int, seconds: float) -> dict[str, int] | str:
    """Counts of a child process, or what went wrong with it."""
    command = [sys.executable, "-m", f"{package}.worker", f"--seed={seed}"]
    try:
        done = subprocess.run(
            [*command, f"--seconds={seconds}"],
            capture_output=True, text=True, check=False, timeout=PATIENCE,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return "hangs"
    if done.returncode:
        return f"status {done.returncode}\n{done.stderr[-3000:]}"
    counts: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return counts


def _said(counts: Counter[str]) -> str:
    return ", ".join(
        f"{counts[name]:,} {name}"
        for name in ("cases", "batches", "messages", "mistakes", "judged", "regions", "seconds")
        if counts[name]
    )


if __name__ == "__main__":
    sys.exit(main())

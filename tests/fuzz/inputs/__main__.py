"""The command: gives every parser, or every command, mutated inputs."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.fuzz.inputs import processes
from tests.fuzz.inputs.targets import TARGETS

RUNS = 100_000
BATCH = 2_000
PATIENCE = 3600.0
"""Seconds a batch may take."""
FAILURES = Path("build/fuzz-inputs")


@dataclass
class Sum:
    """What came of the inputs of one parser; the largest peak in bytes and time in seconds."""

    tried: int = 0
    taken: int = 0
    failed: int = 0
    peak: int = 0
    slowest: float = 0.0
    seconds: float = 0.0

    def __str__(self) -> str:
        return (
            f"{self.tried:7} inputs, {self.taken:7} taken, {self.failed} failures, at most "
            f"{self.peak >> 20} MiB and {self.slowest:.2f} s; {self.seconds:.0f} s in all"
        )


def main() -> int:
    """Run; 1 where something was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.inputs", description=__doc__)
    parser.add_argument("--target", choices=TARGETS, action="append", help="these parsers alone")
    parser.add_argument("--runs", type=int, default=RUNS, help="inputs over all parsers")
    parser.add_argument("--minutes", type=float, help="go on for so long instead")
    parser.add_argument("--processes", type=int, help="so many whole commands instead")
    parser.add_argument("--unguided", action="store_true", help="do without atheris")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    if args.processes:
        return processes.run(args.processes, args.seed, FAILURES)
    sums = {name: Sum() for name in args.target or TARGETS}
    end = None if args.minutes is None else time.monotonic() + 60 * args.minutes
    share = -(-args.runs // len(sums)) if end is None else -1
    seed = args.seed
    while True:
        for name, each in sums.items():
            runs = BATCH if end is not None else min(BATCH, share - each.tried)
            if runs > 0 and not each.failed:
                _worker(name, runs, seed, each, unguided=args.unguided)
                print(f"{name:10} {each}", flush=True)
        seed += 1
        is_late = end is not None and time.monotonic() >= end
        if is_late or all(each.failed or 0 <= share <= each.tried for each in sums.values()):
            break
    tried, failed = (sum(getattr(each, of) for each in sums.values()) for of in ("tried", "failed"))
    print(
        f"{tried} inputs, {failed} failures, at most {max(e.peak for e in sums.values()) >> 20} MiB"
    )
    return bool(failed)


def _worker(name: str, runs: int, seed: int, into: Sum, *, unguided: bool) -> None:
    """One child process with so many inputs."""
    with TemporaryDirectory() as folder:
        scratch = Path(folder)
        command = [sys.executable, "-m", "tests.fuzz.inputs.worker", name, f"--runs={runs}"]
        command += [f"--seed={seed}", f"--scratch={scratch}", *["--unguided"] * unguided]
        begin = time.monotonic()
        try:
            done = subprocess.run(command, capture_output=True, check=False, timeout=PATIENCE)
            status, said = f"status {done.returncode}", done.stderr
            is_right = not done.returncode
        except subprocess.TimeoutExpired as late:
            status, said, is_right = "hangs", late.stderr or b"", False
        into.seconds += time.monotonic() - begin
        if is_right:
            figures = json.loads(done.stdout.splitlines()[-1])
            into.tried += figures["tried"]
            into.taken += figures["taken"]
            into.peak = max(into.peak, figures["peak"])
            into.slowest = max(into.slowest, figures["slowest"])
            return
        into.failed += 1
        print(f"{name}, seed {seed}: {status}", flush=True)
        for line in said.decode(errors="replace").splitlines()[-40:]:
            print(f"  {line}", flush=True)
        if (scratch / "input").exists():
            FAILURES.mkdir(parents=True, exist_ok=True)
            kept = FAILURES / f"{name}-{seed}"
            kept.write_bytes((scratch / "input").read_bytes())
            print(f"kept as {kept}", flush=True)


if __name__ == "__main__":
    sys.exit(main())

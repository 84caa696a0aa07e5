"""The command: gives every parser, or every command, mutated inputs."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

from tests.fuzz.inputs import processes
from tests.fuzz.inputs.targets import TARGETS

RUNS = 100_000
BATCH = 2_000
FAILURES = Path("build/fuzz-inputs")


def main() -> int:
    """Run; 1 where something was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.inputs", description=__doc__)
    parser.add_argument("--target", choices=TARGETS, action="append", help="these parsers alone")
    parser.add_argument("--runs", type=int, default=RUNS, help="inputs over all parsers")
    parser.add_argument("--minutes", type=float, help="go on for so long instead")
    parser.add_argument("--processes", type=int, help="so many whole commands instead")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    if args.processes:
        return processes.run(args.processes, args.seed, FAILURES)
    names = args.target or list(TARGETS)
    end = None if args.minutes is None else time.monotonic() + 60 * args.minutes
    done, failed, seed = 0, 0, args.seed
    while done < args.runs if end is None else time.monotonic() < end:
        for name in names:
            runs = BATCH if end is not None else max(1, min(BATCH, args.runs // len(names)))
            failed += not _worker(name, runs, seed)
            done += runs
        seed += 1
        print(f"{done} inputs, {failed} failures", flush=True)
    return bool(failed)


def _worker(name: str, runs: int, seed: int) -> bool:
    command = [sys.executable, "-m", "tests.fuzz.inputs.worker", name, f"--runs={runs}"]
    command += [f"--seed={seed}", f"--failures={FAILURES}"]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        print(f"{name}, seed {seed}: status {done.returncode}", flush=True)
        print(done.stderr.decode(errors="replace")[-1500:], flush=True)
    return not done.returncode


if __name__ == "__main__":
    sys.exit(main())

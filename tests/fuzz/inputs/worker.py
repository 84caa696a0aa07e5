"""A child process that gives one parser mutated inputs: `python -m tests.fuzz.inputs.worker`.

What is wrong ends it: an exception that is not documented, over LIMIT bytes of memory, SECONDS for
one input, files beside the input. The input is then in the folder `--failures`.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import os
import random
import resource
import signal
import sys
import tempfile
import traceback
from pathlib import Path
from types import FrameType
from typing import Any

from tests.fuzz.inputs.mutate import LONGEST, mutate
from tests.fuzz.inputs.targets import TARGETS, Target

LIMIT = 1 << 30
SECONDS = 10


class Hangs(BaseException):
    """One input took too long."""


def _hangs(_number: int, _frame: FrameType | None) -> None:
    raise Hangs


def check(target: Target, data: bytes, folder: Path) -> None:
    """Give one input to a parser.

    Raises:
        BaseException: what was wrong.
    """
    try:
        target.read(data, folder)
    except target.raises as error:
        str(error).encode("utf-8", "surrogateescape")
    left = {path.name for path in folder.iterdir()} - {"input"}
    assert not left, f"left behind: {left}"


def main() -> int:
    """Run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--runs", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--failures", type=Path, required=True)
    args = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_DATA, (LIMIT, LIMIT))
    signal.signal(signal.SIGALRM, _hangs)
    target = TARGETS[args.target]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        def one(data: bytes) -> None:
            signal.alarm(SECONDS)
            try:
                check(target, data, folder)
            except BaseException:
                traceback.print_exc()
                args.failures.mkdir(parents=True, exist_ok=True)
                at = args.failures / f"{args.target}-{hashlib.sha256(data).hexdigest()[:12]}"
                at.write_bytes(data)
                print(f"kept as {at}", file=sys.stderr, flush=True)
                os._exit(1)
            finally:
                signal.alarm(0)

        if importlib.util.find_spec("atheris"):
            _guided(args.runs, args.seed, target, one)
        rng = random.Random(args.seed)
        for _ in range(args.runs):
            one(mutate(rng, target.seeds))
    return 0


def _guided(runs: int, seed: int, target: Target, one: Any) -> None:
    """Let atheris choose, from the seeds and our own mutations of them; it ends the process."""
    import atheris

    corpus = Path(tempfile.mkdtemp())
    for number, each in enumerate(target.seeds):
        (corpus / str(number)).write_bytes(each)

    def own(data: bytes, longest: int, mutation: int) -> bytes:
        if mutation % 2:
            return bytes(atheris.Mutate(data, longest))
        return mutate(random.Random(mutation), (data, *target.seeds))[:longest]

    atheris.instrument_all()
    options = [
        f"-runs={runs}",
        f"-seed={seed}",
        f"-max_len={LONGEST}",
        "-verbosity=0",
        "-rss_limit_mb=0",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], one, custom_mutator=own)
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())

"""A child process that gives one parser mutated inputs: `python -m tests.fuzz.inputs.worker`.

What is wrong ends it: an exception that is not documented, over LIMIT bytes of memory, SECONDS of
processor time for one input or WAIT by the clock, files beside the input. The input is in the file
`input` of the scratch folder before it is tried, so that it is there whatever ends the process.

With atheris, inputs are chosen by what code they ran in jitvm, of which the PARSERS are observed.
"""

from __future__ import annotations

import argparse
import faulthandler
import gc
import importlib.util
import json
import os
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from jitvm.engine.tables.names import shown

if TYPE_CHECKING:
    from tests.fuzz.inputs.targets.target import Target

LIMIT = 1 << 30
SECONDS = 10
WAIT = 300
"""Far above SECONDS: other processes may keep the machine busy."""
COLLECTED = 4
"""Inputs after which garbage is collected: computers are, and each reserves tens of megabytes."""
PARSERS = (
    "jitvm.cli.explain", "jitvm.cli.options", "jitvm.cli.parser", "jitvm.cli.values",
    "jitvm.dashboard.computer", "jitvm.dashboard.guard", "jitvm.dashboard.saved",
    "jitvm.dashboard.server", "jitvm.dashboard.session", "jitvm.dashboard.shapes",
    "jitvm.engine.ir.text", "jitvm.engine.ir.verify", "jitvm.engine.jit.kept",
    "jitvm.engine.memory.cache", "jitvm.engine.tables.params", "jitvm.guests.chip8.listing",
    "jitvm.guests.uxn.assembler",
    "jitvm.guests.uxn.disassembler", "jitvm.guests.uxn.symbols", "jitvm.guests.uxn.varvara",
    "jitvm.platform", "jitvm.profiling.explanation", "jitvm.terminal.abilities",
    "jitvm.terminal.keyboard",
)  # fmt: skip
"""What atheris observes."""


class Hangs(BaseException):
    """One input took too long."""


def _hangs(_number: int, _frame: FrameType | None) -> None:
    raise Hangs


def limit(*, reserves: bool = False) -> None:
    """Give this process the memory and time that an input may take; see `Target.reserves`."""
    if not reserves:
        resource.setrlimit(resource.RLIMIT_DATA, (LIMIT, LIMIT))
    signal.signal(signal.SIGPROF, _hangs)


def check(target: Target, data: bytes, folder: Path) -> bool:
    """Give one input to a parser; whether it was taken.

    Raises:
        BaseException: what was wrong.
    """
    taken = True
    try:
        target.read(data, folder)
    except target.raises as error:
        taken = False
        shown(str(error)).encode()  # as the command line tells it
    left = {path.name for path in folder.iterdir()} - set(target.files)
    assert not left, f"left behind: {left}"
    return taken


class Trial:
    """Tries inputs, and ends the process after so many.

    Args:
        target: the parser.
        runs: how many.
        scratch: a folder for the input that is tried, and one for the parser.
    """

    def __init__(self, target: Target, runs: int, scratch: Path) -> None:
        self._target, self._runs = target, runs
        self._folder = scratch / "folder"
        self._folder.mkdir()
        self._input = os.open(scratch / "input", os.O_RDWR | os.O_CREAT, 0o600)
        self._tried = self._taken = 0
        self._slowest = 0.0

    def __call__(self, data: bytes) -> None:
        """Try one."""
        os.pwrite(self._input, data, 0)
        os.ftruncate(self._input, len(data))
        begin = time.process_time()
        faulthandler.dump_traceback_later(WAIT, exit=True)
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        try:
            self._taken += check(self._target, data, self._folder)
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        self._slowest = max(self._slowest, time.process_time() - begin)
        self._tried += 1
        if not self._tried % COLLECTED:
            gc.collect()
        if self._tried == self._runs:
            self._report()

    def _report(self) -> None:
        """Say what there was, and end; atheris has no way to end but this."""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
        figures = {
            "tried": self._tried, "taken": self._taken, "peak": peak, "slowest": self._slowest,
        }  # fmt: skip
        print(json.dumps(figures), flush=True)
        os._exit(int(peak > LIMIT))


def main() -> None:
    """Run; ends the process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target")
    parser.add_argument("--runs", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scratch", type=Path, required=True, help="an empty folder")
    parser.add_argument("--unguided", action="store_true", help="even where atheris is installed")
    args = parser.parse_args()
    guided = not args.unguided and importlib.util.find_spec("atheris") is not None
    if guided:
        import atheris

        with atheris.instrument_imports(include=[*PARSERS]):
            from tests.fuzz.inputs.targets import TARGETS
    else:
        from tests.fuzz.inputs.targets import TARGETS
    target = TARGETS[args.target]
    with tempfile.TemporaryDirectory() as name:
        for seed in target.seeds():  # compiles an interpreter where the cache has none yet
            check(target, seed, Path(name))
    limit(reserves=target.reserves)
    gc.freeze()
    trial = Trial(target, args.runs, args.scratch)
    if guided:
        _guided(args.seed, target, trial, args.scratch / "corpus")
    rng = random.Random(args.seed)
    while True:
        from tests.fuzz.inputs.mutate import mutate

        trial(mutate(rng, target))


def _guided(seed: int, target: Target, one: Callable[[bytes], None], corpus: Path) -> None:
    """Let atheris choose, from the seeds and our own mutations; does not return."""
    import atheris

    from tests.fuzz.inputs.mutate import mutate

    corpus.mkdir()
    for number, each in enumerate(target.seeds()):
        (corpus / str(number)).write_bytes(each)

    def changed(data: bytes, longest: int, number: int) -> bytes:
        rng = random.Random(number)
        if rng.random() < 0.3:
            return bytes(atheris.Mutate(data, longest))
        return mutate(rng, target, data if rng.random() < 0.7 else None)[:longest]

    options = [
        "-runs=-1", f"-seed={seed}", f"-max_len={target.longest}", "-len_control=0", "-verbosity=0",
        "-rss_limit_mb=0", f"-timeout={100 * WAIT}", f"-artifact_prefix={corpus}/",
    ]  # fmt: skip
    atheris.Setup([sys.argv[0], *options, str(corpus)], one, custom_mutator=changed)
    atheris.Fuzz()


if __name__ == "__main__":
    try:
        main()
    except BaseException:  # such as of a mutation; atheris has no way to end but this
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)

"""The tiers of jitvm as runners. Each session has a worker process of its own (see worker.py).

Processes keep runners apart: a machine that crashes, an arena full of another program's code, or
a module that somebody has already imported cannot change what the next one measures. `jit-cold`
takes this further and has a new process for every run.

Native code that jitvm keeps between processes would make cold runs warm, so runners of the JIT do
not see the user's cache: each session, and each cold run, gets a copy of a cache that holds what
all programs share and no regions.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from bench.catalogue import Program
from bench.runners import (
    Job,
    RunError,
    Sample,
    Session,
    Unsuitable,
    environment,
    kill,
    last_line,
    time_limit,
)
from jitvm.guests.uxn.assembler import assemble

SHORT = 50_000_000
"""Instructions the reference interpreter is given at most: about two minutes' worth."""

PRELOADED = (
    "LLVM was loaded before the clock started: the code cache does not work, "
    "or jitvm's sources changed meanwhile"
)

_DRAWING = """|0100 ;on #20 DEO2 BRK
@on #00f8 #08 DEO2 ;on #2c DEO2 #012e DEO #812e DEO #012f DEO #812f DEO #800f DEO BRK"""
"""Draws a pixel, a rectangle and two sprites, and ends: far too short for the JIT."""


class Worker:
    """A worker process, seen from here.

    Args:
        job: the program it loads.
        tier: name of the tier that runs it.
        cache: the folder of its code cache; None for the user's.

    Raises:
        RunError: it did not come up.
    """

    def __init__(self, job: Job, tier: str, cache: Path | None = None) -> None:
        self._timeout = job.timeout
        sandbox = "-" if job.sandbox is None else str(job.sandbox)
        given = (str(job.rom), str(job.stdin), sandbox, str(job.program.frames))
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  closed by `close`
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.worker", tier, *given, *job.program.args],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=environment(**({} if cache is None else {"JITVM_CACHE": str(cache)})),
            start_new_session=True,
        )
        try:
            self.llvm_loaded: bool = self._answer()["llvm_loaded"]
        except BaseException:
            self.close()
            raise

    def ask(self, request: str) -> dict[str, Any]:
        """Send a request and wait for its answer.

        Raises:
            RunError: the worker died, or the timeout passed.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(request.encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise RunError(self._last_words()) from None
        return self._answer()

    def run(self) -> Sample:
        """One timed run."""
        answer = self.ask("run")
        return Sample(answer["ms"], answer["output_sha256"])

    def leave(self) -> None:
        """Let the process end by itself, so that it keeps what it has compiled; then close."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        with time_limit(self._process, self._timeout):
            self._process.wait()
        self.close()

    def close(self) -> None:
        """End the process."""
        kill(self._process)
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            if stream is not None:
                stream.close()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        with time_limit(self._process, self._timeout):
            line = self._process.stdout.readline()
            if not line:
                raise RunError(self._last_words())
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _last_words(self) -> str:
        status = self._process.wait()
        self._errors.seek(0)
        said = last_line(self._errors.read())
        how = f"signal {-status}" if status < 0 else f"status {status}"
        return f"the worker ended with {how}" + (f": {said}" if said else "")


def count(job: Job) -> tuple[int, str]:
    """Run a program on the interpreter: its number of instructions and its output's digest.

    Raises:
        RunError: it failed.
    """
    worker = Worker(job, "interpreter")
    try:
        answer = worker.ask("count")
    finally:
        worker.close()
    return answer["instructions"], answer["output_sha256"]


# -- runners -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _WorkerSession:
    """Runs in one worker that stays."""

    worker: Worker
    note: str = ""

    def run(self) -> Sample:
        return self.worker.run()

    def close(self) -> None:
        self.worker.close()


@dataclass(frozen=True, slots=True)
class ReferenceRunner:
    """Tier 0, for short programs."""

    name: str = "reference"
    about: str = f"the reference interpreter; programs of up to {SHORT:,} instructions"
    is_compared: bool = True

    def open(self, job: Job) -> Session:
        """Start a worker."""
        if job.instructions > SHORT:
            raise Unsuitable(f"it would take minutes: more than {SHORT:,} instructions")
        return _WorkerSession(Worker(job, "reference"))


@dataclass(frozen=True, slots=True)
class InterpreterRunner:
    """Tier 1."""

    name: str = "interpreter"
    about: str = "the tail-call interpreter; one untimed run before"
    is_compared: bool = True

    def open(self, job: Job) -> Session:
        """Start a worker and run the program once."""
        worker = Worker(job, "interpreter")
        return _WorkerSession(_prepared(worker, "run")[0])


def _run_at_every_tier(job: Job, cache: Path) -> None:
    for tier in ("interpreter", "jit"):
        worker, _ = _prepared(Worker(job, tier, cache), "run")
        worker.leave()


class ColdCache:
    """A code cache without any program's regions, made at first use, and copies of it.

    It holds what all programs share: the interpreter and the devices' native code.

    Args:
        folder: where to make them.
        fill: runs a short program that uses a screen, with that cache.
    """

    def __init__(
        self, folder: Path, fill: Callable[[Job, Path], None] = _run_at_every_tier
    ) -> None:
        self._folder = folder
        self._fill = fill
        self._original: Path | None = None
        self._copies = 0

    def copy(self, timeout: float) -> Path:
        """A new copy; the caller may change and delete it.

        Raises:
            RunError: jitvm does not start.
        """
        if self._original is None:
            drawing = Program("drawing", assemble(_DRAWING).rom, frames=2)
            job = Job(drawing, 1, self._folder / "drawing", None, timeout)
            job.write_files()
            original = self._folder / "original"
            self._fill(job, original)
            self._original = original
        self._copies += 1
        copy = self._folder / f"copy-{self._copies}"
        shutil.copytree(self._original, copy)
        return copy


@dataclass(frozen=True, slots=True)
class JitRunner:
    """Tier 2 in its steady state."""

    caches: ColdCache
    name: str = "jit"
    about: str = "the JIT, steady: after runs that installed no new region"
    is_compared: bool = True

    def open(self, job: Job) -> Session:
        """Start a worker and warm it up."""
        worker = Worker(job, "jit", self.caches.copy(job.timeout))
        worker, answer = _prepared(worker, "warm")
        note = "" if answer["steady"] else f"still installing regions after {answer['runs']} runs"
        return _WorkerSession(worker, note)


@dataclass(frozen=True, slots=True)
class ColdJitRunner:
    """Tier 2 in a new process each time: compiling, and loading LLVM, are part of the run."""

    caches: ColdCache
    name: str = "jit-cold"
    about: str = "the JIT in a new process each run: compiling and loading LLVM included"
    is_compared: bool = True

    def open(self, job: Job) -> Session:
        """Remember the program; every run does the rest."""
        return _ColdSession(job, self.caches)


@dataclass(slots=True)
class _ColdSession:
    """Starts a worker a run, before the clock does."""

    job: Job
    caches: ColdCache
    note: str = field(default="", init=False)

    def run(self) -> Sample:
        cache = self.caches.copy(self.job.timeout)
        try:
            worker = Worker(self.job, "jit", cache)
            try:
                if worker.llvm_loaded:
                    self.note = PRELOADED
                return worker.run()
            finally:
                worker.close()
        finally:
            shutil.rmtree(cache, ignore_errors=True)

    def close(self) -> None:
        """Nothing is held between runs."""


@dataclass(frozen=True, slots=True)
class AgainJitRunner:
    """Tier 2 in a new process each time, after one that has kept its regions."""

    caches: ColdCache
    name: str = "jit-again"
    about: str = "the JIT in a new process each run, with the regions that one before has kept"
    is_compared: bool = True

    def open(self, job: Job) -> Session:
        """Run the program until nothing new is compiled, and keep that."""
        cache = self.caches.copy(job.timeout)
        worker, _ = _prepared(Worker(job, "jit", cache), "warm")
        worker.leave()
        return _AgainSession(job, cache)


@dataclass(frozen=True, slots=True)
class _AgainSession:
    """Starts a worker a run, all with one cache."""

    job: Job
    cache: Path
    note: str = ""

    def run(self) -> Sample:
        worker = Worker(self.job, "jit", self.cache)
        try:
            return worker.run()
        finally:
            worker.close()

    def close(self) -> None:
        shutil.rmtree(self.cache, ignore_errors=True)


def _prepared(worker: Worker, request: str) -> tuple[Worker, dict[str, Any]]:
    """A worker after an untimed request, and its answer; closes it if that fails."""
    try:
        return worker, worker.ask(request)
    except BaseException:
        worker.close()
        raise

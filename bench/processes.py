"""Runners that are commands: node with uxn.wasm, emulators of others; and what they are made of."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter_ns, sleep

from bench.catalogue import FOLDER
from bench.runners import (
    Job,
    RunError,
    Sample,
    Session,
    Unsuitable,
    digest,
    environment,
    kill,
    last_line,
    time_limit,
)

UXN_WASM = FOLDER / "uxn_wasm.mjs"
INSTALLER = "bench/install_uxn_wasm.py"
ROM = "{rom}"
REST = 5_000_000_000
"""Nanoseconds for which the rest of a command is waited for."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A process that has ended: milliseconds from before it was started to after it ended."""

    ms: float
    status: int
    stdout: bytes
    stderr: bytes


def run_process(command: list[str], job: Job, **variables: str) -> Finished:
    """Run a command with the job's standard input.

    Outputs go to files: a pipe would have this process work, on another core, while the clock runs.

    Args:
        variables: of its environment, in addition to those of `environment`.

    Raises:
        RunError: it does not start, dies of a signal, or takes longer than the job's timeout.
    """
    with (
        job.stdin.open("rb") as stdin,
        tempfile.TemporaryFile() as stdout,
        tempfile.TemporaryFile() as stderr,
    ):
        begin = perf_counter_ns()
        try:
            process = subprocess.Popen(
                command,
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                cwd=job.sandbox or job.folder,
                env=environment(**variables),
                start_new_session=True,
            )
        except OSError as error:
            raise RunError(f"{command[0]}: {error.strerror}") from error
        try:
            with time_limit(process, job.timeout):
                status = process.wait()
                end = perf_counter_ns()
        finally:
            kill(process)
        _wait_for_rest(process.pid)
        stdout.seek(0)
        stderr.seek(0)
        finished = Finished((end - begin) / 1e6, status, stdout.read(), stderr.read())
    if status < 0:
        said = last_line(finished.stderr)
        how = f"{command[0]} ended with signal {-status}"
        raise RunError(f"{how}: {said}" if said else how)
    return finished


def _wait_for_rest(group: int) -> None:
    """Wait until nothing is left of a process group: `jitvm run` may leave a child that finishes
    what it was compiling, and what is timed next would run beside it."""
    end = perf_counter_ns() + REST
    while perf_counter_ns() < end and _is_at_work(group):
        sleep(0.005)


def _is_at_work(group: int) -> bool:
    """Whether a process of a group is there, and has not ended: those nobody asks for stay."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _, its_group = stat.read_text().rpartition(")")[2].split()[:3]
            if int(its_group) == group and state not in "ZX":
                return True
    return False


@dataclass(frozen=True, slots=True)
class CommandSession:
    """A command for each run, timed as a whole."""

    job: Job
    command: list[str]
    note: str = ""

    def run(self) -> Sample:
        done = run_process(self.command, self.job)
        return Sample(done.ms, digest(done.stdout), last_line(done.stderr))

    def close(self) -> None:
        """Nothing is held between runs."""


@dataclass(frozen=True, slots=True)
class CommandRunner:
    """Any command that runs a ROM: another emulator.

    Args:
        command: its words; ``{rom}`` in them stands for the file. The program's arguments follow.
    """

    name: str
    command: tuple[str, ...]
    is_compared: bool = True

    @property
    def about(self) -> str:
        """What a time covers."""
        return f"`{' '.join(self.command)}`, the whole process"

    def open(self, job: Job) -> Session:
        """Put the file's name into the command."""
        words = [word.replace(ROM, str(job.rom)) for word in self.command]
        return CommandSession(job, [*words, *job.program.args])


# -- uxn.wasm ------------------------------------------------------------------------------------


def uxn_wasm_folder() -> Path:
    """Where the package uxn.wasm is looked for unless told: in the user's cache."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "jitvm-bench"


@dataclass(frozen=True, slots=True)
class UxnWasmRunner:
    """npm's uxn.wasm under node; a new process each run, timed inside (see uxn_wasm.mjs)."""

    folder: Path
    name: str = "uxn.wasm"
    about: str = "npm's uxn.wasm on node, warmed up; timed inside its process"
    is_compared: bool = True

    def open(self, job: Job) -> Session:
        """Look for node and the package."""
        node = shutil.which("node")
        if node is None:
            raise Unsuitable("no node on the PATH")
        if not (self.folder / "node_modules" / "uxn.wasm").is_dir():
            raise Unsuitable(f"not installed; run `python {INSTALLER} {self.folder}`")
        if job.program.frames:
            raise Unsuitable("it has no screen here")
        if job.program.args or job.sandbox is not None:
            raise Unsuitable("its console has neither arguments nor files")
        stdin = str(job.stdin) if job.program.stdin else "-"
        words = [node, str(UXN_WASM), str(self.folder.resolve()), str(job.rom), stdin, "1"]
        return _UxnWasmSession(job, words)


@dataclass(frozen=True, slots=True)
class _UxnWasmSession:
    job: Job
    command: list[str]
    note: str = ""

    def run(self) -> Sample:
        done = run_process(self.command, self.job)
        if done.status:
            raise RunError(f"node ended with status {done.status}: {last_line(done.stderr)}")
        answer = json.loads(done.stdout)
        return Sample(min(answer["times_ms"]), answer["output_sha256"])

    def close(self) -> None:
        """Nothing is held between runs."""

"""The C twins as a runner: compiled with the system's compiler, timed from inside.

A twin's ``main`` is compiled under the name ``twin_main`` and called by twin_timer.c, which takes
the time around it. So a time covers what a run of the Uxntal program covers: the work, its input
and its output, but neither the loader nor the start of a process. Every run is a new process.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench.catalogue import FOLDER
from bench.processes import run_process
from bench.runners import Job, RunError, Sample, Session, Unsuitable, digest, last_line

TIMER = FOLDER / "twin_timer.c"
FLAGS = ("-std=c99", "-O2")


def find_compiler() -> list[str] | None:
    """The command of the C compiler: ``$CC``, else cc, gcc or clang on the PATH."""
    for candidate in (os.environ.get("CC", ""), "cc", "gcc", "clang"):
        command = shlex.split(candidate)
        if command and shutil.which(command[0]):
            return command
    return None


@dataclass(frozen=True, slots=True)
class TwinRunner:
    """The twin of a program, where it has one."""

    name: str = "c-O2"
    about: str = "the same work in C, `cc -O2`; timed inside its process"
    is_compared: bool = True

    def open(self, job: Job) -> Session:
        """Compile the twin."""
        if job.program.twin is None:
            raise Unsuitable("no twin in C")
        compiler = find_compiler()
        if compiler is None:
            raise Unsuitable("no C compiler: put cc on the PATH or set CC")
        return _TwinSession(job, _compile(compiler, job.program.twin, job.folder))


@dataclass(frozen=True, slots=True)
class _TwinSession:
    job: Job
    binary: Path
    note: str = ""

    def run(self) -> Sample:
        result = run_process([str(self.binary)], self.job)
        if result.status:
            raise RunError(f"the twin ended with status {result.status}")
        return Sample(float(result.stderr) / 1e6, digest(result.stdout))

    def close(self) -> None:
        """Nothing is held between runs."""


def _compile(compiler: list[str], twin: Path, folder: Path) -> Path:
    binary, part = folder / "twin", folder / "twin.o"
    steps = (
        [*compiler, *FLAGS, "-Dmain=twin_main", "-c", "-o", str(part), str(twin)],
        [*compiler, *FLAGS, "-o", str(binary), str(TIMER), str(part)],
    )
    for command in steps:
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode:
            raise RunError(f"{twin.name} does not compile: {last_line(done.stderr)}")
    return binary

"""What a runner is: something that runs a program from its reset vector to its end, timed.

    runner.open(job)    makes a session: compiles, starts, warms up; none of it is timed
    session.run()       one timed run, from a fresh state; returns a Sample
    session.close()

All sessions of a program are open at the same time and take turns, so that what the machine does
besides (other load, heat) meets all runners alike. An open session uses no processor between runs.
"""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench.catalogue import FOLDER, Program


class Unsuitable(Exception):
    """A runner cannot run a program here; the message says why, or how it could."""


class RunError(Exception):
    """A run failed."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One run.

    Attributes:
        ms: milliseconds it took.
        output_sha256: hexadecimal digest of what it wrote to standard output.
        complaint: the last line it wrote to standard error, where that is known.
    """

    ms: float
    output_sha256: str
    complaint: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """A program laid out in files, and how it is to be run.

    Attributes:
        instructions: how many it executes, counted.
        folder: a folder of this job's own, for a runner's temporary files.
        sandbox: where its files are; None: it has none.
        timeout: seconds after which a run is given up.
    """

    program: Program
    instructions: int
    folder: Path
    sandbox: Path | None
    timeout: float

    @property
    def rom(self) -> Path:
        """The file that holds the program."""
        return self.folder / "program.rom"

    @property
    def stdin(self) -> Path:
        """The file that holds its standard input, which may be empty."""
        return self.folder / "stdin"

    def write_files(self) -> None:
        """Make `rom` and `stdin`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.rom.write_bytes(self.program.rom)
        self.stdin.write_bytes(self.program.stdin)


class Session(Protocol):
    """A runner with a program loaded."""

    @property
    def note(self) -> str:
        """What a reader of its times should know; empty for nothing."""

    def run(self) -> Sample:
        """Run the program once.

        Raises:
            RunError: it crashed, or took too long.
        """

    def close(self) -> None:
        """Free what it holds. May be called twice."""


class Runner(Protocol):
    """Something that runs programs."""

    @property
    def name(self) -> str:
        """What it is called on the command line and in the table."""

    @property
    def about(self) -> str:
        """What a time of it covers, in one line."""

    @property
    def is_compared(self) -> bool:
        """Whether it is expected to write what the program writes."""

    def open(self, job: Job) -> Session:
        """Get ready to run a program.

        Raises:
            Unsuitable: it cannot run this one, or anything on this machine.
            RunError: it failed to.
        """


def digest(output: bytes) -> str:
    """The hexadecimal SHA-256 of an output."""
    return hashlib.sha256(output).hexdigest()


def last_line(text: bytes) -> str:
    """The last line that is not blank, at most 200 characters of it."""
    lines = text.decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:200] if lines else ""


# -- child processes -----------------------------------------------------------------------------


def environment(**changes: str) -> dict[str, str]:
    """The environment of children.

    They find this checkout's packages before any installed, and Python keeps their bytecode as it
    does for most people: without it, start-up times are those of compiling jitvm's sources.
    """
    paths = [str(FOLDER.parent), os.environ.get("PYTHONPATH", "")]
    kept = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), **changes}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return kept


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a child that was started in a session of its own, and its children."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def time_limit(process: subprocess.Popen[bytes], seconds: float) -> Iterator[None]:
    """Kill a child if the block takes longer, then raise RunError.

    `Popen.wait(timeout)` would not do: it polls, with pauses of up to 50 ms, which is in the time.
    """
    expired = threading.Event()

    def expire() -> None:
        expired.set()
        kill(process)

    timer = threading.Timer(seconds, expire)
    timer.daemon = True
    timer.start()
    try:
        yield
    except RunError:
        if not expired.is_set():
            raise
    finally:
        timer.cancel()
    if expired.is_set():
        raise RunError(f"given up after {seconds:g} s; see --timeout")

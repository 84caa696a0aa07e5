"""`jitvm run` as a whole, from before its process begins to after it ends: what people wait for.

    python-pass   `python -c pass`, below which no process of Python gets
    run-hello     the greeting: what any run takes, its *start*
    run-no-jit    the interpreter alone
    run-first     the first run of a program on this machine
    run-second    the next one, which begins with what the first has kept

Every run gets a cache of its own, a copy of one that holds what all programs share: the
interpreter and the devices' native code. A second run is a first one, untimed, with what its child
finishes, and the timed one. Programs with a screen run headless for their number of frames.

Beside `jit`, the steady state inside a process, `Summary` says what that comes to.
"""

from __future__ import annotations

import math
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, TypeVar

from bench import catalogue
from bench.measure import Row
from bench.processes import CommandSession, run_process
from bench.runners import Job, Sample, Session, digest, last_line
from bench.tiers import ColdCache

if TYPE_CHECKING:
    from rich.table import Table

Figure = TypeVar("Figure")

PASS, HELLO, NO_JIT, FIRST, SECOND = (
    "python-pass",
    "run-hello",
    "run-no-jit",
    "run-first",
    "run-second",
)
STEADY = "jit"
WHOLE = (PASS, HELLO, NO_JIT, FIRST, SECOND, STEADY)

COUNTED_MS = 30.0
"""Programs belong to the means if the interpreter takes so long, its start not counted."""

LONG_MS = 500.0
"""Programs on which it takes so long have means of their own."""

NOTICED = 0.97
"""A first run is slower than the interpreter where it is less than so many times as fast."""


# -- runners -------------------------------------------------------------------------------------


class RunCache(ColdCache):
    """A cache for `jitvm run`: also what that itself keeps for its next start is there.

    Args:
        folder: where to make it and its copies.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, _run_both_ways)


def _run_both_ways(job: Job, cache: Path) -> None:
    for options in (("--no-jit",), ("--jit",)) * 2:
        run_process(_command(job, options), job, JITVM_CACHE=str(cache))


@dataclass(frozen=True, slots=True)
class JitvmRunner:
    """``jitvm run`` with some options.

    Args:
        before: untimed runs before the timed one, with the same cache.
    """

    caches: ColdCache
    name: str
    about: str
    options: tuple[str, ...] = ()
    before: int = 0
    is_compared: bool = True

    def open(self, job: Job) -> Session:
        """Make the command."""
        return JitvmSession(job, self.caches, _command(job, self.options), self.before)


@dataclass(frozen=True, slots=True)
class JitvmSession:
    """A command for each run, with a cache of its own."""

    job: Job
    caches: ColdCache
    command: list[str]
    before: int
    note: str = ""

    def run(self) -> Sample:
        """The untimed runs, then the timed one."""
        cache = self.caches.copy(self.job.timeout)
        try:
            for _ in range(self.before):
                run_process(self.command, self.job, JITVM_CACHE=str(cache))
            done = run_process(self.command, self.job, JITVM_CACHE=str(cache))
        finally:
            shutil.rmtree(cache, ignore_errors=True)
        return Sample(done.ms, digest(done.stdout), last_line(done.stderr))

    def close(self) -> None:
        """Nothing is held between runs."""


@dataclass(frozen=True, slots=True)
class HelloRunner:
    """``jitvm run`` of the greeting, beside every program, whose name it takes no notice of."""

    caches: ColdCache
    name: str = HELLO
    about: str = "`jitvm run` of the program hello, the whole process: the start"
    is_compared: bool = False

    def open(self, job: Job) -> Session:
        """Lay the greeting out in files."""
        hello = catalogue.load("hello")
        job = replace(job, program=hello, folder=job.folder / "hello", sandbox=None)
        job.write_files()
        return JitvmSession(job, self.caches, _command(job, ()), 0)


@dataclass(frozen=True, slots=True)
class PythonRunner:
    """``python -c pass``, the measure of start-up."""

    name: str = PASS
    about: str = "`python -c pass`"
    is_compared: bool = False

    def open(self, job: Job) -> Session:
        """Nothing to get ready."""
        return CommandSession(job, [sys.executable, "-c", "pass"])


def runners(caches: ColdCache) -> list[JitvmRunner | HelloRunner | PythonRunner]:
    """All of this file."""
    whole = "`jitvm run`, the whole process:"
    return [
        PythonRunner(),
        HelloRunner(caches),
        JitvmRunner(caches, NO_JIT, "`jitvm run --no-jit`, the whole process", ("--no-jit",)),
        JitvmRunner(caches, FIRST, f"{whole} a program's first run, with the interpreter cached"),
        JitvmRunner(caches, SECOND, f"{whole} its second, with what the first has kept", before=1),
    ]


def _command(job: Job, options: Sequence[str]) -> list[str]:
    program = job.program
    files = ["--no-files"] if job.sandbox is None else ["--sandbox", str(job.sandbox)]
    screen = ["--headless", "--frames", str(program.frames)] if program.frames else []
    return [*_jitvm(), "run", *options, *files, *screen, str(job.rom), *program.args]


def _jitvm() -> list[str]:
    """The installed command of this Python, else the module."""
    script = shutil.which("jitvm", path=os.path.dirname(sys.executable))
    return [script] if script else [sys.executable, "-m", "jitvm"]


# -- what it comes to ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Whole:
    """The figures of a program that has all of them, in milliseconds."""

    program: str
    python: float
    hello: float
    no_jit: float
    first: float
    second: float
    steady: float

    @classmethod
    def of(cls, row: Row) -> Whole | None:
        """Those of a row; None where one is missing or wrong."""
        cells = [row.cells.get(name) for name in WHOLE]
        medians = [cell.median_ms for cell in cells if cell is not None and not cell.problem]
        figures = [figure for figure in medians if figure is not None]
        return cls(row.program, *figures) if len(figures) == len(WHOLE) else None

    @property
    def interpreter(self) -> float:
        """What the interpreter takes without its start."""
        return self.no_jit - self.hello

    @property
    def times_first(self) -> float:
        """How many times as fast as the interpreter the first run is, starts included."""
        return self.no_jit / self.first

    @property
    def times_second(self) -> float:
        """The same of the second."""
        return self.no_jit / self.second

    @property
    def over_least(self) -> float:
        """The second run as a multiple of a start and a run in the steady state."""
        return self.second / (self.hello + self.steady)


def print_whole(rows: Sequence[Row], stream: TextIO) -> None:
    """Print a table of whole processes and what they come to."""
    from rich.console import Console

    console = Console(file=stream, highlight=False, markup=False)
    if not console.is_terminal:
        console = Console(file=stream, highlight=False, markup=False, width=10_000)
    console.print(_table(rows, is_terminal=console.is_terminal))
    for line in summary([whole for row in rows if (whole := Whole.of(row))]):
        print(line, file=stream)


def _table(rows: Sequence[Row], *, is_terminal: bool) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE if is_terminal else box.MARKDOWN)
    table.add_column("program", no_wrap=True)
    titles = ("M instr.", "python -c pass", "hello", "--no-jit", "first run", "second run")
    for title in (*titles, "steady", "first", "second", "of least"):
        table.add_column(title, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*_line(row))
    return table


def _line(row: Row) -> list[str]:
    whole = Whole.of(row)
    name, count = row.program, f"{row.instructions / 1e6:.1f}" if row.instructions else ""
    if whole is None:
        return [name, count, "FAILED"]
    times = (whole.python, whole.hello, whole.no_jit, whole.first, whole.second, whole.steady)
    ratios = (whole.times_first, whole.times_second, whole.over_least)
    return [name, count, *(f"{ms:.1f}" for ms in times), *(f"{times:.2f}" for times in ratios)]


def summary(figures: Sequence[Whole]) -> Iterator[str]:
    """What the programs come to together, in sentences."""
    yield (
        "Milliseconds. first, second: how many times as fast as --no-jit. of least: the second "
        "run as a multiple of hello and the steady state together."
    )
    if not figures:
        return
    starts = mean(figures, lambda whole: whole.hello / whole.python)
    yield f"hello: {starts:.2f} times python -c pass"
    for least in (COUNTED_MS, LONG_MS):
        counted = [whole for whole in figures if whole.interpreter >= least]
        which = f"--no-jit takes {least:g} ms or more beyond hello"
        yield f"{len(counted)} of {len(figures)} programs, on which {which}:"
        if counted:
            yield from _means(counted)


def _means(counted: Sequence[Whole]) -> Iterator[str]:
    slower = [whole.program for whole in counted if whole.times_first < NOTICED]
    worst = max(counted, key=lambda whole: whole.over_least)
    names = f": {', '.join(slower)}" if slower else ""
    yield (
        f"  first run: {mean(counted, lambda whole: whole.times_first):.2f} times as fast; "
        f"below {NOTICED:g} are {len(slower)} of {len(counted)}{names}"
    )
    yield (
        f"  second run: {mean(counted, lambda whole: whole.times_second):.2f} times as fast, "
        f"{mean(counted, lambda whole: whole.over_least):.2f} times hello and the steady state, "
        f"at most {worst.over_least:.2f} ({worst.program})"
    )


def mean(figures: Sequence[Figure], what: Callable[[Figure], float]) -> float:
    """The geometric mean of something that each has."""
    return math.exp(sum(math.log(what(figure)) for figure in figures) / len(figures))

"""Running programs on runners: in turns, round by round, outputs compared.

    program 1:  count, open all sessions
                round 1: runner 1, runner 2, ...
                round 2: runner 1, runner 2, ...
    program 2:  ...

What a program should write is what the list of programs says, or what the counting run wrote.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Protocol

from bench.catalogue import Program
from bench.runners import Job, RunError, Runner, Sample, Session, Unsuitable
from bench.tiers import count


@dataclass(frozen=True, slots=True)
class Conditions:
    """How to measure.

    Attributes:
        rounds: timed runs of each program on each runner.
        folder: for temporary files.
        sandbox: where the programs' files are; None: they have none.
        timeout: seconds a run may take.
    """

    rounds: int
    folder: Path
    sandbox: Path | None = None
    timeout: float = 300.0


@dataclass(frozen=True, slots=True)
class Cell:
    """What one runner made of one program.

    Attributes:
        times_ms: of the rounds, in order; empty where there is no figure.
        output_sha256: digest of what it wrote, of the first run that wrote something unexpected
            if one did.
        problem: what went wrong; empty for nothing.
        absent: why it was not run; empty where it was.
        note: what a reader of the times should know.
    """

    times_ms: tuple[float, ...] = ()
    output_sha256: str = ""
    problem: str = ""
    absent: str = ""
    note: str = ""

    @property
    def median_ms(self) -> float | None:
        """The median of the times."""
        return median(self.times_ms) if self.times_ms else None


@dataclass(frozen=True, slots=True)
class Row:
    """One program on all runners, by name. `problem`: why it was not run at all."""

    program: str
    instructions: int = 0
    cells: dict[str, Cell] = field(default_factory=dict)
    problem: str = ""

    def ratio(self, runner: str, baseline: str) -> float | None:
        """How many times as fast as the baseline; None unless both have a figure and no problem."""
        time, base = self._median(runner), self._median(baseline)
        return base / time if time and base else None

    def ns_per_instruction(self, runner: str) -> float | None:
        """Nanoseconds an instruction of the program."""
        time = self._median(runner)
        return time * 1e6 / self.instructions if time and self.instructions else None

    def _median(self, runner: str) -> float | None:
        cell = self.cells.get(runner, Cell())
        return None if cell.problem else cell.median_ms

    def problems(self) -> Iterator[str]:
        """All that went wrong, a line each."""
        if self.problem:
            yield f"{self.program}: {self.problem}"
        for runner, cell in self.cells.items():
            if cell.problem:
                yield f"{self.program} on {runner}: {cell.problem}"


class Progress(Protocol):
    """Is told how far the measurement is."""

    def step(self, what: str) -> None:
        """One run begins; `what` it is."""

    def finished(self, row: Row) -> None:
        """A program is done."""


def measure(
    programs: Iterable[Program],
    runners: Sequence[Runner],
    conditions: Conditions,
    progress: Progress,
) -> list[Row]:
    """Measure every program on every runner.

    Problems are in the rows; nothing is raised for what a program or a runner does.
    """
    rows = []
    for program in programs:
        row = _measure_program(program, runners, conditions, progress)
        progress.finished(row)
        rows.append(row)
    return rows


def _measure_program(
    program: Program, runners: Sequence[Runner], conditions: Conditions, progress: Progress
) -> Row:
    folder = conditions.folder / program.name
    job = Job(program, 0, folder, conditions.sandbox, conditions.timeout)
    job.write_files()
    progress.step(f"{program.name}: counting")
    try:
        instructions, output = count(job)
    except RunError as error:
        return Row(program.name, problem=str(error))
    if program.instructions not in (None, instructions):
        what = f"executed {instructions:,} instructions; expected are {program.instructions:,}"
        return Row(program.name, instructions, problem=what)
    job = Job(program, instructions, folder, conditions.sandbox, conditions.timeout)
    expected = program.output_sha256 or output
    cells = _take_turns(job, runners, expected, conditions.rounds, progress)
    shutil.rmtree(folder, ignore_errors=True)
    problem = "" if output == expected else _difference(output, expected, "")
    return Row(program.name, instructions, cells, problem)


# -- one program ---------------------------------------------------------------------------------


@dataclass(slots=True)
class _Turn:
    """A runner and what it did so far. Without a session it is out."""

    runner: Runner
    session: Session | None = None
    samples: list[Sample] = field(default_factory=list)
    problem: str = ""
    absent: str = ""

    def open(self, job: Job) -> None:
        try:
            self.session = self.runner.open(job)
        except Unsuitable as reason:
            self.absent = str(reason)
        except RunError as error:
            self.problem = str(error)

    def run(self) -> None:
        if self.session is None:
            return
        try:
            self.samples.append(self.session.run())
        except RunError as error:
            self.problem = str(error)
            self.close()
            self.session = None

    def close(self) -> None:
        if self.session is not None:
            self.session.close()

    def cell(self, expected: str) -> Cell:
        """The outcome; a runner that failed has no times."""
        note = "" if self.session is None else self.session.note
        wrong = [sample for sample in self.samples if sample.output_sha256 != expected]
        shown = (wrong if self.runner.is_compared else []) or self.samples
        problem = self.problem
        if wrong and self.runner.is_compared and not problem:
            problem = _difference(wrong[0].output_sha256, expected, wrong[0].complaint)
        times = () if self.problem else tuple(sample.ms for sample in self.samples)
        output = shown[0].output_sha256 if shown else ""
        return Cell(times, output, problem, self.absent, note)


def _take_turns(
    job: Job, runners: Sequence[Runner], expected: str, rounds: int, progress: Progress
) -> dict[str, Cell]:
    turns = [_Turn(runner) for runner in runners]
    with ExitStack() as stack:
        for turn in turns:
            progress.step(f"{job.program.name}: getting {turn.runner.name} ready")
            stack.callback(turn.close)
            turn.open(job)
        for number in range(rounds):
            for turn in turns:
                what = f"round {number + 1} of {rounds} on {turn.runner.name}"
                progress.step(f"{job.program.name}: {what}")
                turn.run()
        return {turn.runner.name: turn.cell(expected) for turn in turns}


def _difference(found: str, expected: str, complaint: str) -> str:
    said = f"; it said: {complaint}" if complaint else ""
    return f"wrote other output: SHA-256 {found[:12]} instead of {expected[:12]}{said}"


def steps(programs: int, runners: int, rounds: int) -> int:
    """How often `Progress.step` will be called."""
    return programs * (1 + runners * (1 + rounds))

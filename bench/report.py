"""The table, the progress and the JSON of a measurement.

A cell of the table is the median in milliseconds, how many times as fast as the baseline that is,
and nanoseconds an instruction. On a terminal the runners are split over several tables where they
do not fit beside each other; anywhere else the table is one of Markdown, however wide.
"""

from __future__ import annotations

import json
import math
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from bench.measure import Cell, Row
from bench.runners import Runner

if TYPE_CHECKING:
    from rich.table import Table

LONG_MS = 500.0
"""Programs on which the baseline takes so long have a mean of their own."""

TINY_MS = 1.0
"""Programs on which the baseline is faster are in no mean: most of it is not the guest's time."""

_LEFT_WIDTH = 24
_CELL_WIDTH = 28


# -- the table -----------------------------------------------------------------------------------


def print_report(
    rows: Sequence[Row], runners: Sequence[Runner], baseline: str, stream: TextIO
) -> None:
    """Print the table, the geometric means and what explains them."""
    from rich.console import Console

    console = Console(file=stream, highlight=False, markup=False)
    if not console.is_terminal:
        console = Console(file=stream, highlight=False, markup=False, width=10_000)
    print(conditions_line(), file=stream)
    fits = max(1, (console.width - _LEFT_WIDTH) // _CELL_WIDTH)
    for start in range(0, len(runners), fits):
        names = [runner.name for runner in runners[start : start + fits]]
        console.print(_table(rows, names, baseline, is_terminal=console.is_terminal))
    for line in _legend(rows, runners, baseline):
        print(line, file=stream)


def conditions_line() -> str:
    """What was measured on what."""
    from jitvm import __version__

    python = f"{platform.python_implementation()} {platform.python_version()}"
    system = f"{platform.system()} {platform.machine()}"
    return f"jitvm {__version__}, {python}, {system}, {_processor()}"


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return f"{os.cpu_count()} x {line.partition(':')[2].strip()}"
    except OSError:
        pass  # not Linux: a count alone has to do
    return f"{os.cpu_count()} processors"


def _table(rows: Sequence[Row], names: Sequence[str], baseline: str, *, is_terminal: bool) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE if is_terminal else box.MARKDOWN, show_footer=False)
    table.add_column("program", no_wrap=True)
    table.add_column("M instr.", justify="right", no_wrap=True)
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        count = f"{row.instructions / 1e6:.1f}" if row.instructions else ""
        table.add_row(row.program, count, *(_cell(row, name, baseline) for name in names))
    table.add_section()
    for title, belongs in _MEANS.items():
        cells = [_mean_cell(rows, name, baseline, belongs) for name in names]
        if any(cells):
            table.add_row(title, "", *cells)
    return table


def _cell(row: Row, name: str, baseline: str) -> str:
    cell = row.cells.get(name, Cell(problem=row.problem))
    if cell.problem:
        return "FAILED" if cell.median_ms is None else "DIFFERS"
    if cell.median_ms is None:
        return "-"
    ratio, ns = row.ratio(name, baseline), row.ns_per_instruction(name)
    times = "-" if ratio is None else f"{_figures(ratio)}x"
    per = "-" if ns is None or ns >= 1e5 else f"{ns:.3f}"
    return f"{_figures(cell.median_ms)} {times:>8} {per:>8}"


def _figures(number: float) -> str:
    """Three significant figures or all digits before the point."""
    digits = max(0, 2 - math.floor(math.log10(number))) if number > 0 else 0
    return f"{number:.{min(digits, 4)}f}"


def _legend(rows: Sequence[Row], runners: Sequence[Runner], baseline: str) -> Iterator[str]:
    yield f"A cell: the median in ms, how many times as fast as {baseline}, ns an instruction."
    tiny = [row.program for row in rows if _baseline_ms(row, baseline) < TINY_MS]
    if tiny:
        why = f"{baseline} takes less than {TINY_MS:g} ms"
        yield f"not in the means, because {why}: {', '.join(tiny)}"
    yield from _about(rows, runners)


def print_about(rows: Sequence[Row], runners: Sequence[Runner], stream: TextIO) -> None:
    """Print what the runners' times cover, and what there is to know of some."""
    for line in _about(rows, runners):
        print(line, file=stream)


def _about(rows: Sequence[Row], runners: Sequence[Runner]) -> Iterator[str]:
    for runner in runners:
        yield f"{runner.name}: {runner.about}"
        reasons: dict[str, list[str]] = {}
        for row in rows:
            cell = row.cells.get(runner.name, Cell())
            for reason in filter(None, (cell.absent, cell.note)):
                reasons.setdefault(reason, []).append(row.program)
        for reason, programs in reasons.items():
            which = "all" if len(programs) == len(rows) else ", ".join(programs)
            yield f"  {which}: {reason}"


# -- means ---------------------------------------------------------------------------------------


def _baseline_ms(row: Row, baseline: str) -> float:
    median_ms = row.cells[baseline].median_ms if baseline in row.cells else None
    return math.inf if median_ms is None else median_ms


_MEANS: dict[str, Callable[[float], bool]] = {
    "geometric mean": lambda ms: ms >= TINY_MS,
    f"  from {LONG_MS:g} ms up": lambda ms: ms >= LONG_MS,
}
"""Each mean and which baseline times belong to it."""


def geometric_mean(
    rows: Sequence[Row],
    name: str,
    baseline: str,
    belongs: Callable[[float], bool] = lambda ms: ms >= TINY_MS,
) -> tuple[float, int] | None:
    """The mean of a runner's ratios and how many programs are in it; None without any.

    Args:
        belongs: whether a program is in it whose baseline takes so many milliseconds.
    """
    ratios = [
        ratio
        for row in rows
        if (ratio := row.ratio(name, baseline)) is not None and belongs(_baseline_ms(row, baseline))
    ]
    if not ratios:
        return None
    return math.exp(sum(map(math.log, ratios)) / len(ratios)), len(ratios)


def _mean_cell(
    rows: Sequence[Row], name: str, baseline: str, belongs: Callable[[float], bool]
) -> str:
    mean = geometric_mean(rows, name, baseline, belongs)
    return "" if mean is None else f"{_figures(mean[0])}x {f'of {mean[1]}':>8}"


# -- JSON ----------------------------------------------------------------------------------------


def json_rows(rows: Sequence[Row]) -> list[dict[str, str | int | float]]:
    """One object for each program and runner that has times, even of a wrong output."""
    return [
        {
            "program": row.program,
            "runner": runner,
            "median_ms": cell.median_ms,
            "min_ms": min(cell.times_ms),
            "instructions": row.instructions,
            "output_sha256": cell.output_sha256,
        }
        for row in rows
        for runner, cell in row.cells.items()
        if cell.median_ms is not None
    ]


def write_json(rows: Sequence[Row], path: Path) -> None:
    """Write the rows, all or nothing.

    Raises:
        OSError: the folder is not there, or cannot be written.
    """
    descriptor, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(json_rows(rows), file, indent=1)
            file.write("\n")
        os.replace(beside, path)
    except BaseException:
        os.unlink(beside)
        raise


# -- progress ------------------------------------------------------------------------------------


class Lines:
    """Progress where there is no terminal: a line for each program, on standard error."""

    def step(self, what: str) -> None:
        """Nothing is shown for a single run."""

    def finished(self, row: Row) -> None:
        """Tell the medians."""
        medians = ", ".join(
            f"{name} {_figures(cell.median_ms)} ms"
            for name, cell in row.cells.items()
            if cell.median_ms is not None
        )
        print(f"{row.program}: {medians or 'no figures'}", file=sys.stderr, flush=True)


class Bar:
    """Progress on a terminal: a bar on standard error.

    Args:
        total: how many steps there will be.
    """

    def __init__(self, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        # A bar that redraws itself would run beside what is timed.
        self._progress = Progress(
            BarColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}", markup=False),
            console=Console(stderr=True),
            auto_refresh=False,
            transient=True,
        )
        self._task = self._progress.add_task("", total=total)
        self._progress.start()

    def step(self, what: str) -> None:
        """Show what is being run."""
        self._progress.update(self._task, advance=1, description=what, refresh=True)

    def finished(self, row: Row) -> None:
        """Nothing more to show: the table will."""

    def close(self) -> None:
        """Take the bar away."""
        self._progress.stop()

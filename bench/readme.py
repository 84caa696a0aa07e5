"""Writes the figures of a measurement into the README, between its markers.

    python -m bench --runners NAMES --json figures.json
    python -m bench.readme figures.json --on 'two cores of an AMD EPYC'

NAMES are `RUNNERS` below, with commas. The table shows `SHOWN`; what is said below it is over all
programs. Without uxn.wasm or twins their columns are empty.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from bench.catalogue import FOLDER
from bench.measure import Cell, Row
from bench.report import TINY_MS, geometric_mean
from bench.whole import COUNTED_MS, LONG_MS, NOTICED, WHOLE, Whole, mean

README = FOLDER.parent / "README.md"
BEGIN, END = "<!-- bench -->\n", "<!-- /bench -->\n"

INTERPRETER, JIT, WASM, TWIN = "interpreter", "jit", "uxn.wasm", "c-O2"
RUNNERS = tuple(dict.fromkeys((INTERPRETER, JIT, WASM, TWIN, *WHOLE)))
COLUMNS = {
    INTERPRETER: "interpreter",
    JIT: "JIT",
    WASM: "uxn.wasm",
    TWIN: "C, `-O2`",
    "run-no-jit": "`--no-jit`",
    "run-first": "first run",
    "run-second": "second run",
}
SHOWN = (
    *("fib", "tak", "primes16", "mandelbrot", "crc32", "sha256", "queens", "quicksort", "life"),
    *("lz", "bytecode", "selfmod", "wordcount", "assembler", "julia", "swarm", "cube", "cqueens"),
    *("chip8", "branches", "change", "unpack", "fermat"),
)


def figures(path: Path) -> list[Row]:
    """The rows of a file that `python -m bench --json` has written."""
    rows: dict[str, Row] = {}
    for found in json.loads(path.read_text(encoding="utf-8")):
        row = rows.setdefault(found["program"], Row(found["program"], found["instructions"]))
        row.cells[found["runner"]] = Cell((found["median_ms"],))
    return list(rows.values())


def section(rows: Sequence[Row], machine: str) -> str:
    """The text between the markers."""
    paragraphs = [_prose(_heading(machine)), _table(rows), _prose(_steady(rows))]
    return "\n\n".join(filter(None, [*paragraphs, _prose(_whole(rows))])) + "\n"


# -- its paragraphs ------------------------------------------------------------------------------


def _prose(parts: Iterable[str]) -> str:
    return textwrap.fill(" ".join(parts), 100, break_long_words=False, break_on_hyphens=False)


def _heading(machine: str) -> Iterator[str]:
    yield f"Milliseconds, medians of one run, on {machine}. Interpreter, JIT, uxn.wasm and C:"
    yield "inside a process; the JIT in its steady state, after runs that installed nothing new."
    yield "`--no-jit`, first and second run: `jitvm run` as a whole, from before its process begins"
    yield "to after it ends."


def _table(rows: Sequence[Row]) -> str:
    there = {row.program: row for row in rows}
    lines = [
        f"| {name} | {' | '.join(_figure(there[name], runner) for runner in COLUMNS)} |"
        for name in SHOWN
        if name in there
    ]
    head = [f"| program | {' | '.join(COLUMNS.values())} |", f"|---|{'---:|' * len(COLUMNS)}"]
    return "\n".join([*head, *lines])


def _figure(row: Row, runner: str) -> str:
    ms = _ms(row, runner)
    if ms is None:
        return ""
    return f"{ms:.1f}" if ms < 99.95 else f"{ms:.0f}"


def _steady(rows: Sequence[Row]) -> Iterator[str]:
    counted = [row for row in rows if (_ms(row, INTERPRETER) or 0) >= TINY_MS]
    wasm = geometric_mean(rows, WASM, INTERPRETER)
    jit = geometric_mean(rows, JIT, INTERPRETER)
    twins = [row for row in rows if _ms(row, TWIN) and _ms(row, JIT)]
    yield f"Geometric means over all {len(counted)} programs but hello: the interpreter takes"
    yield f"{_ns(counted, INTERPRETER):.2f} ns an instruction, the JIT {_ns(counted, JIT):.3f}."
    if wasm is not None:
        yield f"The interpreter is {1 / wasm[0]:.1f} times as fast as npm's uxn.wasm on node."
    if jit is not None:
        yield f"The JIT is {jit[0]:.1f} times as fast as the interpreter."
    if twins:
        slower = mean(twins, lambda row: (_ms(row, JIT) or 1) / (_ms(row, TWIN) or 1))
        yield f"For the {len(twins)} programs that have a twin in C, it takes {slower:.1f} times as"
        yield "long as the twin."


def _whole(rows: Sequence[Row]) -> Iterator[str]:
    found = [whole for row in rows if (whole := Whole.of(row))]
    if not found:
        return
    hello = mean(found, lambda whole: whole.hello)
    python = mean(found, lambda whole: whole.python)
    yield f"Whole processes: a greeting takes {hello:.0f} ms, {hello / python:.1f} times"
    yield "`python -c pass`."
    if busy := [whole for whole in found if whole.interpreter >= COUNTED_MS]:
        slower = sum(whole.times_first < NOTICED for whole in busy)
        first, second = _means(busy)
        yield f"The {len(busy)} programs that keep the interpreter busy for {COUNTED_MS / 1e3:g} s"
        yield f"or more run {first} times as fast in their first run as with `--no-jit`"
        yield f"({slower} are slower), and {second} times in the next, which starts with what the"
        yield "first one kept."
    if long := [whole for whole in found if whole.interpreter >= LONG_MS]:
        first, second = _means(long)
        yield f"Of those that do so for {LONG_MS / 1e3:g} s or more ({len(long)}), the mean is"
        yield f"{first} and {second}."


def _means(figures: Sequence[Whole]) -> tuple[str, str]:
    """How many times as fast as the interpreter first and second runs are."""
    first = mean(figures, lambda whole: whole.times_first)
    second = mean(figures, lambda whole: whole.times_second)
    return f"{first:.1f}", f"{second:.1f}"


def _ms(row: Row, runner: str) -> float | None:
    return row.cells.get(runner, Cell()).median_ms


def _ns(rows: Sequence[Row], runner: str) -> float:
    """The geometric mean of a runner's nanoseconds an instruction."""
    each = [ns for row in rows if (ns := row.ns_per_instruction(runner))]
    return mean(each, float) if each else math.nan


# -- the file ------------------------------------------------------------------------------------


def put_in(text: str, middle: str) -> str:
    """A page with another text between its markers.

    Raises:
        ValueError: it has no markers.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{BEGIN.strip()} or {END.strip()} is missing")
    return f"{before}{begin}{middle}{end}{after}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the section."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.readme",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("figures", type=Path, help="what `python -m bench --json` wrote")
    parser.add_argument("--on", metavar="MACHINE", required=True, help="what it was measured on")
    options = parser.parse_args(arguments)
    middle = section(figures(options.figures), options.on)
    README.write_text(put_in(README.read_text(encoding="utf-8"), middle), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

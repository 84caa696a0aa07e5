"""Coverage as a table for people, with columns as coverage.py has them."""

from __future__ import annotations

from collections.abc import Iterator

from jitvm.coverage.results import Coverage, FileCoverage, Totals

HEADS = ("lines", "missed", "ways", "missed", "cover")
OPCODES = 256


def table(coverage: Coverage, *, missing: bool = False) -> str:
    """A row a file, one for all, and how many opcodes were executed.

    Args:
        coverage: what was executed.
        missing: whether lines that were not are listed.
    """
    rows = [(name, file.totals, _missing(file) if missing else "") for name, file in _of(coverage)]
    width = max([len(name) for name, _, _ in rows] + [len("source"), len("total")])
    heads = " ".join(f"{head:>7}" for head in HEADS)
    lines = [f"{'source':{width}} {heads}{'   not executed' if missing else ''}"]
    lines += [f"{name:{width}} {_numbers(totals)}   {more}".rstrip() for name, totals, more in rows]
    lines.append(f"{'total':{width}} {_numbers(coverage.totals)}")
    for guest, opcodes in sorted(coverage.opcodes.items()):
        lines.append(f"{len(opcodes)} of {OPCODES} opcodes of {guest} were executed")
    return "\n".join(lines) + "\n"


def _of(coverage: Coverage) -> list[tuple[str, FileCoverage]]:
    return coverage.by_name()


def _numbers(totals: Totals) -> str:
    numbers = (
        totals.lines, totals.lines - totals.hit_lines,
        totals.ways, totals.ways - totals.hit_ways,
    )  # fmt: skip
    return " ".join([*(f"{number:7}" for number in numbers), f"{percent(totals):>7}"])


def percent(totals: Totals) -> str:
    """The share that was executed: never 100% or 0% where that is not exact."""
    share = 100 * totals.share
    if 0 < share < 1:
        share = 1
    return f"{int(share)}%"


def _missing(file: FileCoverage) -> str:
    return ", ".join(_ranges(file))


def _ranges(file: FileCoverage) -> Iterator[str]:
    for first, last in file.missing():
        yield str(first) if first == last else f"{first}-{last}"

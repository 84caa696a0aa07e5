"""The content of a profile's summary: a headline, notes, and tables of words. It prints nothing.

`jitvm.profiling.text` renders it as plain text, `jitvm.profiling.richtext` in colour.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jitvm.profiling.routines import OTHERS, call_rows, routine_rows
from jitvm.profiling.rows import Method

if TYPE_CHECKING:
    from jitvm.profiling.measured import Measured
    from jitvm.profiling.rows import StackRow

TOP = 10
"""Rows of a table, unless asked for more."""
MOST_NAMES = 2
"""Callers, and callees, that a row has."""
BAR = 24
"""Characters of a bar for the total."""
_MARKS = {Method.SAMPLED: "~", Method.ESTIMATED: "≈", Method.EXACT: "", Method.MEASURED: ""}
LEGEND = "no mark: exact or measured    ≈ estimated    ~ sampled"


@dataclass(frozen=True, slots=True)
class Table:
    """A table as text. `bars` are shares from 0 to 1 for the last column, or empty."""

    title: str
    heads: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    bars: list[float]
    hidden: int = 0


def headline(profile: Measured) -> str:
    """The one number."""
    share = profile.native_share
    if share is None:
        if profile.is_exact:
            return "nothing was executed"
        interpreted = _count(profile.interpreted, "instruction")
        return f"no sample fell into guest code; {interpreted} interpreted, native ones not counted"
    if profile.is_exact:
        (native, *_) = profile.tiers
        return (
            f"{percent(share)} of all instructions were executed in native code: "
            f"{native.instructions:,} of {profile.instructions:,}"
        )
    return f"{percent(share)} of the time in guest code was spent in native code (~ sampled)"


def notes(profile: Measured) -> Iterator[str]:
    """What else is to be known before the tables."""
    active = [row for row in profile.regions if not row.removed]
    compiles = profile.compiles
    yield (
        f"{profile.seconds:.3f} s watched, {_count(profile.samples, 'sample')}; "
        f"{_count(len(active), 'region')} installed, {_count(profile.code_bytes, 'byte')} of code; "
        f"{_count(len(compiles), 'compilation')} took {profile.compile_seconds:.3f} s"
    )
    if profile.was_short:
        yield "it ended before the first sample of guest code: instructions were counted instead"
    elif 0 < profile.samples < 100:
        yield "few samples: take sampled numbers for hints, or run it longer"
    if profile.is_exact and profile.recorded:
        yield f"{profile.recorded:,} of the interpreted instructions were recorded"


def tables(profile: Measured, top: int = TOP) -> Iterator[Table]:
    """All tables that have something to say."""
    makers = (
        _states,
        _labels,
        _lines,
        _routines,
        _regions,
        _exits,
        _aborts,
        _opcodes,
        _compiles,
        _host,
        _memory,
    )
    for maker in makers:
        table = maker(profile, top)
        if table.rows:
            yield table


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"


def percent(share: float) -> str:
    """A share for people; never rounded up to all or down to nothing."""
    text = f"{100 * share:.1f}%"
    if text == "100.0%" and share < 1:
        return ">99.9%"
    return "<0.1%" if text == "0.0%" and share > 0 else text


def _marked(share: float, method: Method) -> str:
    return f"{_MARKS[method]}{percent(share)}"


def _states(profile: Measured, _top: int) -> Table:
    rows = [row for row in profile.states if row.seconds > 0]
    return Table(
        "time of the guest's thread",
        ("state", "seconds", "share"),
        [(row.state, f"{row.seconds:.3f}", _marked(row.share, row.method)) for row in rows],
        [row.share for row in rows],
    )


def _labels(profile: Measured, top: int) -> Table:
    rows = profile.labels
    counted = profile.is_exact
    cells = [
        (
            row.label,
            f"{row.file}:{row.line}" if row.file else f"{row.address:04x}",
            f"{row.instructions:,}" if row.instructions is not None else f"{row.seconds:.3f} s",
            _marked(row.share, row.method),
        )
        for row in rows[:top]
    ]
    heads = ("label", "at", "instructions" if counted else "time", "share")
    bars = [row.share for row in rows[:top]]
    return Table("by label", heads, cells, bars, max(0, len(rows) - top))


def _lines(profile: Measured, top: int) -> Table:
    rows = profile.lines
    cells = [
        (
            f"{row.file}:{row.line}",
            row.label,
            f"{row.instructions:,}" if row.instructions is not None else f"{row.seconds:.3f} s",
            _marked(row.share, row.method),
        )
        for row in rows[:top]
    ]
    heads = ("line", "label", "instructions" if profile.is_exact else "time", "share")
    bars = [row.share for row in rows[:top]]
    return Table("by line of source", heads, cells, bars, max(0, len(rows) - top))


def _routines(profile: Measured, top: int) -> Table:
    """Routines with their callers and callees; none where no call was seen."""
    return routines_table(profile.stacks, top)


def routines_table(stacks: list[StackRow], top: int) -> Table:
    """The same of call stacks."""
    calls = call_rows(stacks)
    rows = [row for row in routine_rows(stacks) if row.routine != OTHERS] if calls else []
    callers: dict[str, list[str]] = {}
    callees: dict[str, list[str]] = {}
    for call in calls:
        share = percent(call.share)
        callers.setdefault(call.callee, []).append(f"{call.caller} {share}")
        callees.setdefault(call.caller, []).append(f"{call.callee} {share}")
    cells = [
        (
            row.routine,
            _some(callers.get(row.routine, [])),
            _some(callees.get(row.routine, [])),
            _marked(row.total_share, Method.SAMPLED),
            _marked(row.share, Method.SAMPLED),
        )
        for row in rows[:top]
    ]
    heads = ("routine", "called by", "calls", "total", "self")
    bars = [row.share for row in rows[:top]]
    return Table("by routine, with what it calls", heads, cells, bars, max(0, len(rows) - top))


def _some(names: list[str]) -> str:
    """The first few of them."""
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f", {more} more" if more > 0 else "")


def _regions(profile: Measured, top: int) -> Table:
    rows = profile.regions
    method = Method.EXACT if profile.is_exact else Method.SAMPLED
    cells = [
        (
            f"#{row.number}{' gone' if row.removed else ''}",
            row.label,
            f"{row.nodes:,}",
            f"{row.code_bytes:,}",
            f"{row.exits:,}",
            f"{row.instructions:,}" if row.instructions is not None else f"{row.seconds:.3f} s",
            _marked(row.share, method),
        )
        for row in rows[:top]
    ]
    did = "instructions" if profile.is_exact else "time"
    heads = ("region", "starts at", "nodes", "bytes", "left", did, "share")
    bars = [row.share for row in rows[:top]]
    return Table("regions", heads, cells, bars, max(0, len(rows) - top))


def _exits(profile: Measured, top: int) -> Table:
    rows = profile.exits
    cells = [
        (f"{row.times:,}", f"#{row.region} {row.label}", row.reason, row.target_label, row.advice)
        for row in rows[:top]
    ]
    heads = ("times", "region", "reason", "to", "what to do")
    return Table("exits", heads, cells, [], max(0, len(rows) - top))


def _aborts(profile: Measured, top: int) -> Table:
    rows = profile.aborts
    cells = [(f"{row.times:,}", row.label, row.reason, row.advice) for row in rows[:top]]
    heads = ("times", "at", "reason", "what to do")
    return Table("not compiled, or thrown away", heads, cells, [], max(0, len(rows) - top))


def _opcodes(profile: Measured, top: int) -> Table:
    rows = profile.opcodes
    cells = [
        (
            row.name,
            "" if row.executed is None else f"{row.executed:,}",
            _marked(row.share, row.method),
        )
        for row in rows[:top]
    ]
    bars = [row.share for row in rows[:top]]
    heads = ("opcode", "executed", "share")
    return Table("opcodes", heads, cells, bars, max(0, len(rows) - top))


def _compiles(profile: Measured, top: int) -> Table:
    rows = sorted(profile.compiles, key=lambda row: -row.seconds)
    cells = [
        (
            f"{row.at:.3f} s",
            row.label,
            f"{row.nodes:,}",
            *(f"{1e3 * part:.1f}" for part in (row.forming, row.lowering, row.compiling)),
            "full" if row.thorough else "quick",
        )
        for row in rows[:top]
    ]
    heads = ("at", "of", "nodes", "forming ms", "lowering ms", "LLVM ms", "how")
    return Table("compilations", heads, cells, [], max(0, len(rows) - top))


def _host(profile: Measured, top: int) -> Table:
    rows = profile.host
    cells = [
        (
            f"{row.port:02x} {row.kind}",
            f"{_MARKS[row.method]}{row.calls:,}",
            f"{row.seconds:.3f} s",
        )
        for row in rows[:top]
    ]
    heads = ("port", "calls", "≈ time")
    return Table("Python devices", heads, cells, [], max(0, len(rows) - top))


def _memory(profile: Measured, top: int) -> Table:
    rows = sorted(profile.memory, key=lambda row: (-row.executed, -row.reads - row.writes))
    cells = [
        (
            f"{row.address:04x}", row.label, f"{row.code}", f"{row.cells}", f"{row.reads}",
            f"{row.writes}", f"{row.modified}", f"{row.changed}",
            _marked(row.executed, row.method),
        )
        for row in rows[:top]
    ]  # fmt: skip
    heads = (
        "page", "label", "code", "in registers", "reads", "writes", "self-modified", "changed",
        "executed",
    )  # fmt: skip
    bars = [row.executed for row in rows[:top]]
    return Table("memory, by 256 bytes", heads, cells, bars, max(0, len(rows) - top))


def is_number(cells: Sequence[str]) -> bool:
    """Whether a column holds numbers, which are set to the right."""
    return all(cell.lstrip("~≈<>-")[:1].isdigit() for cell in cells if cell) and any(cells)

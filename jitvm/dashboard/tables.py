"""Tables made from all regions: exits by count, links between regions, refusals, heat of memory.

Each takes a pass over all regions or all of memory, so they are computed at the pace of the
sampler's slow beat, once for all viewers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from heapq import nlargest
from typing import TYPE_CHECKING

from jitvm.dashboard.target import line_of
from jitvm.engine.machine.inspect import CELL, CODE
from jitvm.engine.tables.reasons import Reason
from jitvm.profiling.flame import flame_trace, tree

if TYPE_CHECKING:
    from jitvm.dashboard.journal import Journal
    from jitvm.dashboard.regions import RegionTable
    from jitvm.engine.machine.inspect import Counters, Inspector
    from jitvm.engine.tables.place import Naming
    from jitvm.profiling.rows import StackRow

EXITS_SHOWN = 200
ABORTS_SHOWN = 200
GRAPH_NODES = 40
GRAPH_EDGES = 120
BOXES = 500
"""Of call stacks; a browser takes a tenth of a second for so many."""

AVOIDABLE = {each.name for each in Reason if not each.value.advice.startswith("nothing")}
"""Reasons with something to do about them."""

HEAT_CODE, HEAT_CELL, HEAT_VARIABLE, HEAT_OVERWRITTEN = 1, 2, 4, 8
"""Low bits of a byte's heat. Bits 4 to 6: 0 to 7, a rank of how often it was seen executed; bit 7:
it is not zero."""
_HEAT_SHIFT, _NOT_ZERO = 4, 0x80
_FROM_MAP = bytes(
    (HEAT_CODE if bits & CODE else 0) | (HEAT_CELL if bits & CELL else 0) for bits in range(256)
)
_FROM_MEMORY = bytes(_NOT_ZERO if byte else 0 for byte in range(256))


def exits(table: RegionTable, counters: Counters, naming: Naming) -> list[list[object]]:
    """The most taken exits: region, reason, target or None, times, the target's label and line."""
    taken = (
        (times, row.region.number, reason, target)
        for row in table.rows.values()
        if row.left
        for (reason, target), times in zip(
            row.region.exits, counters.exits(row.region), strict=True
        )
        if times
    )
    top = nlargest(EXITS_SHOWN, taken, key=lambda each: each[0])
    return [
        [number, reason, target, times, *_named(target, naming, "computed")]
        for times, number, reason, target in top
    ]


def calls(samples: int, stacks: list[StackRow]) -> dict[str, object]:
    """Call stacks as a chart, and how many samples they are made of."""
    return {"samples": samples, "trace": flame_trace(tree(stacks), BOXES) if stacks else None}


def exit_reasons(table: RegionTable, counters: Counters) -> dict[str, int]:
    """How often exits were taken, by reason; of the regions that are installed now."""
    reasons: Counter[str] = Counter()
    for row in table.rows.values():
        if row.left:
            for (reason, _), times in zip(
                row.region.exits, counters.exits(row.region), strict=True
            ):
                reasons[reason] += times
    return dict(reasons)


def graph(table: RegionTable, counters: Counters, inner: Mapping[int, int]) -> dict[str, object]:
    """The regions that matter most, and how often control went from one into another.

    An edge is [from, to, times]; `to` is 0 for the interpreter, where nothing is compiled. `inner`
    has the start of the region that is entered at an address where none begins.
    """
    rows = nlargest(GRAPH_NODES, table.rows.values(), key=lambda row: (row.executed, row.left))
    number_of = {row.region.start: row.region.number for row in table.rows.values()}
    shown = {row.region.number for row in rows}
    edges: Counter[tuple[int, int]] = Counter()
    for row in rows:
        for (_, target), times in zip(row.region.exits, counters.exits(row.region), strict=True):
            to = 0 if target is None else number_of.get(inner.get(target, target), 0)
            if times and (to in shown or to == 0):
                edges[row.region.number, to] += times
    return {
        "nodes": [row.region.number for row in rows],
        "edges": [[a, b, times] for (a, b), times in edges.most_common(GRAPH_EDGES)],
        "hidden": len(table.rows) - len(rows),
    }


def aborts(
    table: RegionTable, counters: Counters, journal: Journal, naming: Naming
) -> list[list[object]]:
    """What was refused, overwritten, failing, left or cut: kind, reason, address or -1, times,
    label, line."""
    refused, overwritten, failing = journal.places()
    rows: list[list[object]] = [
        ["refused", reason, at, times] for (reason, at), times in refused.items()
    ]
    rows += [["overwritten", "OVERWRITTEN", at, times] for at, times in overwritten.items()]
    rows += [["failing", reason, at, times] for (reason, at), times in failing.items()]
    rows += [
        ["limit", reason, row.region.start, travel]
        for row in table.rows.values()
        for reason, travel in row.region.limits.items()
    ]
    rows += [
        ["left", reason, at, times] for (reason, at), times in _helped(table, counters).items()
    ]
    top = nlargest(ABORTS_SHOWN, rows, key=_number)
    places = [at if (at := _number(row, 2)) >= 0 else None for row in top]
    return [[*row, *_named(at, naming, "elsewhere")] for row, at in zip(top, places, strict=True)]


def _helped(table: RegionTable, counters: Counters) -> Counter[tuple[str, int]]:
    """How often native code was left for reasons that the program can avoid, by where it went."""
    taken: Counter[tuple[str, int]] = Counter()
    for row in table.rows.values():
        if row.left:
            region = row.region
            for (reason, target), times in zip(region.exits, counters.exits(region), strict=True):
                if times and reason in AVOIDABLE:
                    taken[reason, region.start if target is None else target] += times
    return taken


def _named(address: int | None, naming: Naming, otherwise: str) -> tuple[str, str]:
    """Label and line of an address that may not be known."""
    if address is None:
        return otherwise, ""
    place = naming(address)
    return str(place), line_of(place)


def _number(row: list[object], column: int = 3) -> int:
    value = row[column]
    assert isinstance(value, int)
    return value


def heat(look: Inspector, overwritten: dict[int, int]) -> bytes:
    """One byte per byte of code space: see `HEAT_CODE` and the bits after it."""
    memory = bytes(look.machine.memory)
    flags = look.code_map.translate(_FROM_MAP)
    known = memory.translate(_FROM_MEMORY)
    both = int.from_bytes(flags, "little") | int.from_bytes(known, "little")
    cells = bytearray(both.to_bytes(len(memory), "little"))
    for at in look.variables:
        cells[at] |= HEAT_VARIABLE
    for at in overwritten:
        if at >= 0:
            cells[at] |= HEAT_OVERWRITTEN
    for at, rank in _executed(look, memory).items():
        cells[at] |= rank << _HEAT_SHIFT
    return bytes(cells)


def _executed(look: Inspector, memory: bytes) -> dict[int, int]:
    """A rank of 1 to 7 for each byte of recorded instructions: four times as often, one more."""
    ranks: dict[int, int] = {}
    lengths = look.machine.guest.lengths
    for pc, travel in look.travelled().items():
        rank = min(7, 1 + travel.bit_length() // 2)
        for at in range(pc, pc + lengths[memory[pc]]):
            at %= len(memory)
            ranks[at] = max(rank, ranks.get(at, 0))
    return ranks

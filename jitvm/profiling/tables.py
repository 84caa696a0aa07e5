"""Tables of a profile, computed from collected data by pure functions.

The work of guest code is first distributed over addresses (`Work`): each region's instructions or
time, in the proportions seen while recording; for the interpreter, by its stops. Labels, lines,
opcodes and memory are sums over addresses.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from jitvm.engine.machine.inspect import CELL, CODE
from jitvm.engine.tables import events
from jitvm.engine.tables.place import Naming, Place
from jitvm.engine.tables.reasons import Reason
from jitvm.profiling.clock import state_rows
from jitvm.profiling.collector import Collector, Mode
from jitvm.profiling.regions import Watched
from jitvm.profiling.rows import (
    GUEST_STATES,
    AbortRow,
    CompileRow,
    ExitRow,
    LabelRow,
    LineRow,
    MemoryRow,
    Method,
    OpcodeRow,
    RegionRow,
    State,
    TierRow,
)

PAGE = 256
Key = TypeVar("Key")


# -- tiers ---------------------------------------------------------------------------------------


def tier_rows(collector: Collector) -> list[TierRow]:
    """Instructions by tier; while sampling, the share of time in guest code instead."""
    executed, native = collector.executed, collector.native
    if executed is None or native is None:
        share = native_share(collector)
        other = None if share is None else 1 - share
        return [
            TierRow("native", None, share, Method.SAMPLED),
            TierRow("interpreted", None, other, Method.SAMPLED),
        ]
    return [
        TierRow("native", native, native / executed if executed else None, Method.EXACT),
        TierRow(
            "interpreted",
            executed - native,
            (executed - native) / executed if executed else None,
            Method.EXACT,
        ),
    ]


def native_share(collector: Collector) -> float | None:
    """The one number: of instructions where they are counted, else of the time in guest code."""
    executed, native = collector.executed, collector.native
    if executed is not None and native is not None:
        return native / executed if executed else None
    seconds = _guest_seconds(collector)
    inside = sum(seconds.values())
    return seconds[State.NATIVE] / inside if inside else None


def _guest_seconds(collector: Collector) -> dict[State, float]:
    return {row.state: row.seconds for row in state_rows(collector) if row.state in GUEST_STATES}


def _seconds_a_sample(watched: Iterable[Watched], seconds: dict[State, float]) -> float:
    """How much time in native code one sample in a region represents."""
    samples = sum(region.samples for region in watched)
    return seconds[State.NATIVE] / samples if samples else 0.0


# -- work by address -----------------------------------------------------------------------------


@dataclass(slots=True)
class Work:
    """What was done at an address, or in a group of addresses.

    `native` and `interpreted` are instructions where they are counted (fractions, as they may be
    estimates); `seconds` is time. `methods` say how each part was found.
    """

    native: float = 0.0
    interpreted: float = 0.0
    seconds: float = 0.0
    methods: set[Method] = field(default_factory=set)

    def add(self, other: Work) -> None:
        """Take another's work on."""
        self.native += other.native
        self.interpreted += other.interpreted
        self.seconds += other.seconds
        self.methods |= other.methods

    @property
    def instructions(self) -> float:
        return self.native + self.interpreted

    @property
    def method(self) -> Method:
        """The least sure one."""
        for method in (Method.SAMPLED, Method.ESTIMATED):
            if method in self.methods:
                return method
        return Method.EXACT


def work_by_region(collector: Collector) -> Iterator[tuple[Watched | None, int, Work]]:
    """What was done at each address of each region, and of the interpreter (None)."""
    seconds = _guest_seconds(collector)
    watched = collector.watched()
    executed, native = collector.executed, collector.native
    each = _seconds_a_sample(watched, seconds)
    method = Method.SAMPLED if executed is None else Method.ESTIMATED
    for region in watched:
        for pc, part in region.parts():
            spent = part * region.samples * each
            yield region, pc, Work(part * region.instructions, 0.0, spent, {method})
    stops = collector.interpreted_at.copy()
    total = stops.total()
    interpreted = (executed or 0) - (native or 0)
    spent = seconds[State.INTERPRETING] + seconds[State.RECORDING]
    for pc, count in stops.items():
        part = count / total
        yield None, pc, Work(0.0, part * interpreted, part * spent, {Method.SAMPLED})


def work_by_address(collector: Collector) -> dict[int, Work]:
    """What was done at each address of the guest."""
    work: dict[int, Work] = defaultdict(Work)
    for _, address, each in work_by_region(collector):
        work[address].add(each)
    return work


def _grouped(work: dict[int, Work], key: Callable[[int], Key | None]) -> dict[Key, Work]:
    groups: dict[Key, Work] = defaultdict(Work)
    for address, each in work.items():
        group = key(address)
        if group is not None:
            groups[group].add(each)
    return groups


class _Shares:
    """Shares of all work: of instructions where they are counted, else of time."""

    def __init__(self, collector: Collector, work: Iterable[Work]) -> None:
        executed = collector.executed
        self.counted = executed is not None
        self._all = executed or sum(map(self._amount, work)) or 1.0

    def _amount(self, work: Work) -> float:
        return work.instructions if self.counted else work.seconds

    def of(self, work: Work) -> float:
        """The share of some work."""
        return self._amount(work) / self._all

    def count(self, number: float) -> int | None:
        """Instructions, where they are counted."""
        return round(number) if self.counted else None


# -- labels, lines, opcodes ----------------------------------------------------------------------


def label_rows(collector: Collector, naming: Naming) -> list[LabelRow]:
    """What was executed by label, the most first.

    Exact where all of a label's work was done in regions that belong to it alone.
    """
    work = work_by_address(collector)
    shares = _Shares(collector, work.values())
    groups = _grouped(work, lambda at: naming(at).group)
    first: dict[str, Place] = {}
    for at in sorted(work):
        first.setdefault(naming(at).group, naming(at))
    alone = _labels_alone(collector, naming)
    rows = []
    for label, each in groups.items():
        place = first[label]
        exact = shares.counted and label in alone and Method.SAMPLED not in each.methods
        rows.append(
            LabelRow(
                label, place.address - (place.offset if place.label else 0),
                place.file, place.line,
                shares.count(each.instructions), shares.count(each.native),
                shares.count(each.interpreted), each.seconds, shares.of(each),
                Method.EXACT if exact else each.method,
            )
        )  # fmt: skip
    return sorted(rows, key=lambda row: -row.share)


def _labels_alone(collector: Collector, naming: Naming) -> set[str]:
    """Labels that share no region that was executed with another label."""
    labels: set[str] = set()
    shared: set[str] = set()
    for region in collector.watched():
        if region.instructions:
            inside = {naming(pc).group for pc in region.travel}
            labels |= inside
            if len(inside) > 1:
                shared |= inside
    return labels - shared


def line_rows(collector: Collector, naming: Naming) -> list[LineRow]:
    """What was executed by line of source, the most first; empty without a source."""
    work = work_by_address(collector)
    shares = _Shares(collector, work.values())

    def line(at: int) -> tuple[str, int, str] | None:
        place = naming(at)
        return (place.file, place.line, place.group) if place.file else None

    rows = [
        LineRow(*key, shares.count(each.instructions), each.seconds, shares.of(each), each.method)
        for key, each in _grouped(work, line).items()
    ]
    return sorted(rows, key=lambda row: -row.share)


def opcode_rows(collector: Collector) -> list[OpcodeRow]:
    """The opcode mix: counted in the opcodes mode, else from what is known of addresses."""
    names = {row.code: row.name for row in collector.machine.guest.opcodes}
    if collector.mode is Mode.OPCODES:
        histogram = collector.reading().histogram
        counts = {code: count for code, count in enumerate(histogram) if count}
        total = sum(counts.values())
        rows = [
            OpcodeRow(code, names.get(code, f"{code:02x}"), count, count / total, Method.EXACT)
            for code, count in counts.items()
        ]
    else:
        work = work_by_address(collector)
        shares = _Shares(collector, work.values())
        memory = collector.reading().memory
        rows = [
            OpcodeRow(
                code, names.get(code, f"{code:02x}"), shares.count(each.instructions),
                shares.of(each), each.method,
            )
            for code, each in _grouped(work, lambda at: memory[at]).items()
        ]  # fmt: skip
    return sorted(rows, key=lambda row: -row.share)


# -- regions, exits, aborts, compiles ------------------------------------------------------------


def region_rows(collector: Collector, naming: Naming) -> list[RegionRow]:
    """All regions there were, those that did most first."""
    watched = collector.watched()
    executed = collector.executed
    seconds = _guest_seconds(collector)
    each = _seconds_a_sample(watched, seconds)
    inside = sum(seconds.values())
    rows = []
    for region in watched:
        view = region.region
        place, spent = naming(region.start), region.samples * each
        if executed is not None:
            share = region.instructions / executed if executed else 0.0
        else:
            share = spent / inside if inside else 0.0
        rows.append(
            RegionRow(
                region.number, region.start, str(place), place.file, place.line,
                view.size, view.code_bytes,
                None if executed is None else region.instructions,
                spent, share, sum(region.times), *view.seconds,
                view.is_kept, view.is_full, region.is_removed,
                tuple(view.limits),
            )
        )  # fmt: skip
    return sorted(rows, key=lambda row: (-row.share, -row.exits, row.number))


def exit_rows(collector: Collector, naming: Naming) -> list[ExitRow]:
    """Exits that were taken, the most taken first; those of regions that are gone, too."""
    rows = []
    for region in collector.watched():
        label = str(naming(region.start))
        for (name, target), times in zip(region.region.exits, region.times, strict=False):
            if times:
                reason = Reason[name].value
                to = "computed" if target is None else str(naming(target))
                rows.append(
                    ExitRow(
                        region.number, region.start, label, name, target, to, times,
                        reason.what, reason.advice,
                    )
                )  # fmt: skip
    return sorted(rows, key=lambda row: -row.times)


def abort_rows(collector: Collector, naming: Naming) -> list[AbortRow]:
    """What was not made, or thrown away, and why; the most frequent first."""
    rows = []
    for (name, address), times in collector.aborts.most_common():
        reason = Reason[name].value
        label = str(naming(address))
        rows.append(AbortRow(name, address, label, times, reason.what, reason.advice))
    return rows


def compile_rows(collector: Collector, naming: Naming) -> list[CompileRow]:
    """Compilations in the order they ended."""
    return [
        CompileRow(
            each.at, event.address, str(naming(event.address)), event.nodes, event.exits,
            event.size, event.forming, event.lowering, event.compiling, event.thorough,
        )
        for each in list(collector.happened)
        if isinstance(event := each.event, events.Compiled)
    ]  # fmt: skip


# -- memory --------------------------------------------------------------------------------------


def memory_rows(collector: Collector, naming: Naming) -> list[MemoryRow]:
    """The code space in pages of 256 bytes; those without data are left out."""
    machine = collector.machine
    work = work_by_address(collector)
    shares = _Shares(collector, work.values())
    executed = _grouped(work, lambda at: at // PAGE)
    reads, writes = _accesses(collector.watched(), machine.guest.code_index)
    reading = collector.reading()
    code_map, modified = reading.code_map, reading.modified
    memory, before = reading.memory, collector.memory_before
    rows = []
    for page in range(machine.guest.code_space.size // PAGE):
        start, end = page * PAGE, (page + 1) * PAGE
        row = MemoryRow(
            start,
            str(naming(start)),
            shares.of(executed[page]) if page in executed else 0.0,
            sum(1 for bits in code_map[start:end] if bits & CODE),
            sum(1 for bits in code_map[start:end] if bits & CELL),
            reads[page],
            writes[page],
            sum(1 for at in modified if start <= at < end),
            sum(a != b for a, b in zip(memory[start:end], before[start:end], strict=True)),
            Method.ESTIMATED if shares.counted else Method.SAMPLED,
        )
        if row.executed or row.code or row.cells or row.reads or row.writes or row.changed:
            rows.append(row)
    return rows


def _accesses(watched: Iterable[Watched], space: int) -> tuple[Counter[int], Counter[int]]:
    """Places in compiled code that read and write each page at a constant address."""
    reads: Counter[int] = Counter()
    writes: Counter[int] = Counter()
    for region in watched:
        for address, is_written in region.region.accesses(space):
            (writes if is_written else reads)[address // PAGE] += 1
    return reads, writes

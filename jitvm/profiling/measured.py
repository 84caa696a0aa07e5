"""A collector's data as numbers and tables.

Computed on demand, so they may be read from another thread while the machine runs.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from jitvm.engine.tables.names import shown
from jitvm.engine.tables.place import Naming, nameless
from jitvm.profiling.collector import Collector, Happened, Mode
from jitvm.profiling.rows import (
    AbortRow,
    CallRow,
    CompileRow,
    ExitRow,
    HostRow,
    LabelRow,
    LineRow,
    MemoryRow,
    OpcodeRow,
    RegionRow,
    RoutineRow,
    StackRow,
    StateRow,
    TierRow,
)

if TYPE_CHECKING:
    from jitvm.profiling.regions import Watched

TABLES = (
    "tiers", "states", "labels", "lines", "routines", "calls", "stacks", "regions",
    "exits", "aborts", "opcodes", "compiles", "host", "memory",
)  # fmt: skip
"""Names of the tables, in the order people read them."""


class ProfileError(RuntimeError):
    """A profile cannot be had; the message says why and what to do."""


class Measured:
    """Numbers and tables of one machine.

    Args:
        collector: what was collected; None while there is no machine.
        mode: what is counted; see `Mode`.
        naming: turns addresses into places people know.
        title: what was measured.
    """

    def __init__(
        self,
        collector: Collector | None,
        *,
        mode: Mode = Mode.SAMPLED,
        naming: Naming = nameless,
        title: str = "",
    ) -> None:
        self.mode = mode
        self.naming = naming
        self.title = shown(title)
        self._collector = collector

    @property
    def collector(self) -> Collector:
        """What tables are made of.

        Raises:
            ProfileError: there was no machine.
        """
        if self._collector is None:
            raise ProfileError("no machine was made inside the profile; make it there or pass it")
        return self._collector

    # -- numbers -----------------------------------------------------------------------------

    @property
    def native_share(self) -> float | None:
        """Part of the guest that was native, 0 to 1.

        Of all instructions in the exact modes, to the instruction; while sampling, of the time
        spent in guest code. None if nothing is known yet.
        """
        from jitvm.profiling.tables import native_share

        return native_share(self.collector)

    @property
    def is_exact(self) -> bool:
        """Whether instructions are counted, each and every one."""
        return self.collector.executed is not None

    @property
    def instructions(self) -> int | None:
        """Instructions executed; None where nobody counted."""
        return self.collector.executed

    @property
    def was_short(self) -> bool:
        """Whether a sampled run ended before its first sample: it was counted instead."""
        return self.collector.was_short

    @property
    def interpreted(self) -> int:
        """Instructions that were counted: all, or while sampling those outside of regions."""
        return self.collector.interpreted

    @property
    def seconds(self) -> float:
        """How long was watched."""
        return self.collector.now

    @property
    def samples(self) -> int:
        """How many samples sampled numbers rest on."""
        return self.collector.spots.total() or self.collector.stops.total()

    @property
    def stack_samples(self) -> int:
        """How many samples call stacks rest on."""
        return self.collector.stacks.taken

    @property
    def recorded(self) -> int:
        """Interpreted instructions that were recorded, in recordings that ended."""
        return self.collector.recorded

    @property
    def compile_seconds(self) -> float:
        """Spent compiling, most of it beside the guest on a thread of its own."""
        return sum(row.seconds for row in self.compiles)

    @property
    def code_bytes(self) -> int:
        """Machine code of the regions that are installed."""
        return sum(row.code_bytes for row in self.regions if not row.removed)

    @property
    def events(self) -> list[Happened]:
        """Events with the second they came in; the last hundred thousand."""
        return list(self.collector.happened)

    @property
    def event_counts(self) -> Counter[str]:
        """All events by kind."""
        return Counter(self.collector.kinds)

    @property
    def watched(self) -> list[Watched]:
        """Regions with their counts, for exporters."""
        return self.collector.watched()

    # -- tables ------------------------------------------------------------------------------

    @property
    def tiers(self) -> list[TierRow]:
        """Instructions by what executed them."""
        from jitvm.profiling.tables import tier_rows

        return tier_rows(self.collector)

    @property
    def states(self) -> list[StateRow]:
        """Seconds by what the guest's thread did."""
        from jitvm.profiling.clock import state_rows

        return state_rows(self.collector)

    @property
    def labels(self) -> list[LabelRow]:
        """What was executed, by label."""
        from jitvm.profiling.tables import label_rows

        return label_rows(self.collector, self.naming)

    @property
    def lines(self) -> list[LineRow]:
        """What was executed, by line of source."""
        from jitvm.profiling.tables import line_rows

        return line_rows(self.collector, self.naming)

    @property
    def routines(self) -> list[RoutineRow]:
        """Labels with all below them, by the call stacks of samples."""
        from jitvm.profiling.routines import routine_rows

        return routine_rows(self.stacks)

    @property
    def calls(self) -> list[CallRow]:
        """Who called whom, by the call stacks of samples."""
        from jitvm.profiling.routines import call_rows

        return call_rows(self.stacks)

    @property
    def stacks(self) -> list[StackRow]:
        """Call stacks of samples."""
        from jitvm.profiling.routines import stack_rows

        return stack_rows(self.collector, self.naming)

    @property
    def regions(self) -> list[RegionRow]:
        """Regions, also those that are gone."""
        from jitvm.profiling.tables import region_rows

        return region_rows(self.collector, self.naming)

    @property
    def exits(self) -> list[ExitRow]:
        """Exits that were taken."""
        from jitvm.profiling.tables import exit_rows

        return exit_rows(self.collector, self.naming)

    @property
    def aborts(self) -> list[AbortRow]:
        """What was not compiled or thrown away, and why."""
        from jitvm.profiling.tables import abort_rows

        return abort_rows(self.collector, self.naming)

    @property
    def opcodes(self) -> list[OpcodeRow]:
        """The opcode mix."""
        from jitvm.profiling.tables import opcode_rows

        return opcode_rows(self.collector)

    @property
    def compiles(self) -> list[CompileRow]:
        """Compilations."""
        from jitvm.profiling.tables import compile_rows

        return compile_rows(self.collector, self.naming)

    @property
    def host(self) -> list[HostRow]:
        """Calls of Python devices."""
        return self.collector.host.rows()

    @property
    def memory(self) -> list[MemoryRow]:
        """Pages of the code space."""
        from jitvm.profiling.tables import memory_rows

        return memory_rows(self.collector, self.naming)

    # -- all of it ---------------------------------------------------------------------------

    def summary(self) -> dict[str, Any]:
        """The numbers that are not tables."""
        return {
            "title": self.title,
            "mode": self.mode.value,
            "native_share": self.native_share,
            "native_share_is_of": "instructions" if self.is_exact else "time in guest code",
            "instructions": self.instructions,
            "recorded": self.recorded,
            "seconds": self.seconds,
            "samples": self.samples,
            "stack_samples": self.stack_samples,
            "compile_seconds": self.compile_seconds,
            "code_bytes": self.code_bytes,
            "events": dict(self.event_counts),
        }

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain data: the summary's numbers, and each table under its name."""
        from dataclasses import asdict

        tables = {name: [asdict(row) for row in getattr(self, name)] for name in TABLES}
        return {**self.summary(), **tables}

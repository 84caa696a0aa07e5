"""What `jitvm top` shows: a live run as a line, three small tables and the end of its output.

    Session --look--> View --tables--> text or rich

A view is a copy: it can be drawn while the run continues.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from jitvm.dashboard.figures import totals
from jitvm.dashboard.runner import OVER, Activity
from jitvm.engine.tables.reasons import Reason
from jitvm.profiling.summary import Table, percent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jitvm.dashboard.looked import LookedAt
    from jitvm.dashboard.sampler import Run
    from jitvm.dashboard.series import Sample
    from jitvm.dashboard.source import Message

RECENT = 1.0
"""Seconds that "now" means."""
TAIL = 4096
"""Characters of output a view has."""


@dataclass(frozen=True, slots=True)
class View:
    """A run at one moment.

    Attributes:
        seconds: since it began.
        activity: what the guest's thread does.
        native_share: of the last second, 0 to 1; of instructions where all are counted, else of
            the time in guest code, estimated. None: no guest code ran.
        speed: instructions a second that are counted, in the last second.
        states: shares of the last second by what it was spent with.
        figures: counts of the whole run, as `jitvm.dashboard.figures.totals` has them.
        regions: label, instructions, bytes, times left, instructions executed (0: not counted).
        exits: label of the region, reason, label of the target, times.
        output: the end of what the program wrote.
        trouble: why it failed, or empty.
    """

    name: str
    seconds: float
    activity: Activity
    native_share: float | None
    speed: float
    states: dict[str, float]
    figures: Message
    regions: list[tuple[str, int, int, int, int]]
    exits: list[tuple[str, str, str, int]]
    output: str
    trouble: str

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.activity in OVER

    def row(self) -> Message:
        """It as a JSON object."""
        return {
            "name": self.name,
            "seconds": round(self.seconds, 3),
            "activity": self.activity.value,
            "native_share": None if self.native_share is None else round(self.native_share, 4),
            "instructions_a_second": round(self.speed),
            "states": {name: round(share, 4) for name, share in self.states.items()},
            "figures": self.figures,
            "regions": [list(row) for row in self.regions],
            "exits": [list(row) for row in self.exits],
            "trouble": self.trouble,
        }

    def headline(self) -> str:
        """The one line to look at first."""
        share = "no guest code yet" if self.native_share is None else (
            f"{'' if self.figures['counting'] else '~'}{percent(self.native_share)} native"
        )  # fmt: skip
        counted = "" if self.figures["counting"] else " interpreted"
        return (
            f"{self.name}: {self.activity.value}, {self.seconds:.1f} s, {share}, "
            f"{self.speed / 1e6:,.1f} million{counted} instructions a second"
        )

    def tables(self) -> Iterator[Table]:
        """Where the last second went, regions, exits."""
        states = sorted(self.states.items(), key=lambda item: -item[1])
        rows = [(name, percent(share)) for name, share in states]
        yield Table("the last second", ("", "share"), rows, [share for _, share in states])
        counting = self.figures["counting"]
        heads = ("region", "instr.", "bytes", "left", *(("executed",) if counting else ()))
        yield Table(
            f"regions: {self.figures['regions']:,} installed, {self.figures['bytes']:,} bytes",
            heads,
            [tuple(_cell(value) for value in row[: len(heads)]) for row in self.regions],
            [],
            max(int(self.figures["regions"]) - len(self.regions), 0),
        )
        yield Table(
            "exits taken most",
            ("region", "reason", "to", "times", "what to do"),
            [
                (region, reason, to, f"{times:,}", Reason[reason].value.advice)
                for region, reason, to, times in self.exits
            ],
            [],
        )


def _cell(value: str | int) -> str:
    return value if isinstance(value, str) else f"{value:,}"


def look(session: LookedAt, top: int) -> View | None:
    """The run of a session as it is now; None before there is one.

    Args:
        top: regions and exits at the most.
    """
    sampler, runner = session.sampler, session.runner
    with sampler.lock:
        run = sampler.run
        if run is None:
            return None
        figures = totals(run, runner, sampler.viewers)
        recent = _recent(run)
        regions = _regions(run, top)
        exits = _exits(run, top)
        seconds = run.now if not run.series.samples else run.series.samples[-1].end
    _, _, output = session.transcript.since(session.transcript.total - TAIL)
    states, share, speed = _rates(recent, counting=runner.counting)
    return View(
        session.target.name, seconds, runner.activity, share, speed, states, figures, regions,
        exits, output, runner.trouble,
    )  # fmt: skip


def _recent(run: Run) -> list[Sample]:
    """Samples of the last second; of longer ones, the last."""
    found: list[Sample] = []
    span = 0.0
    for sample in reversed(run.series.samples):
        if found and span + sample.span > RECENT:
            break
        found.append(sample)
        span += sample.span
    return found


def _rates(
    samples: list[Sample], *, counting: bool
) -> tuple[dict[str, float], float | None, float]:
    """Shares of time by state, the native share, and instructions a second."""
    span = sum(each.span for each in samples) or 1.0
    native = sum(each.native for each in samples)
    interpreted = sum(each.interpreted for each in samples)
    devices = sum(each.devices for each in samples)
    guest = sum(each.running for each in samples) - devices
    in_native = sum(each.in_native for each in samples)
    times = {
        "native code, hand-over": in_native,
        "interpreting": sum(each.interpreting for each in samples),
        "recording": sum(each.recording for each in samples),
        "Python devices": devices,
        "waiting": sum(each.waiting for each in samples),
        "paused or over": sum(each.paused for each in samples),
        "compiling, beside": sum(each.compiling for each in samples),
    }
    share: float | None = None
    if counting:
        share = native / (native + interpreted) if native + interpreted else None
    elif guest > 0:
        share = in_native / guest
    shares = {name: min(time / span, 1.0) for name, time in times.items()}
    return shares, share, (native + interpreted) / span


def _regions(run: Run, top: int) -> list[tuple[str, int, int, int, int]]:
    rows = sorted(run.regions.rows.values(), key=lambda row: (-row.executed, -row.left))
    return [
        (
            f"{row.place} #{row.region.number}",
            row.region.size,
            row.region.code_bytes,
            row.left,
            row.executed,
        )
        for row in rows[:top]
    ]


def _exits(run: Run, top: int) -> list[tuple[str, str, str, int]]:
    labels = {number: str(row.place) for number, row in run.regions.rows.items()}
    return [
        (labels.get(number, ""), reason, label or "computed", times)
        for number, reason, _, times, label, *_ in islice(run.slow["exits"], top)
    ]

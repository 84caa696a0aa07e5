"""What a profile knows of each region, from its installation to its end.

A region owns its counters only while it is installed, so their values are copied when it is
removed, and their values at the start of the profile are subtracted.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING

from jitvm.engine.tables.reasons import Reason

if TYPE_CHECKING:
    from jitvm.engine.machine.inspect import Inspector, RegionView


@dataclass(slots=True)
class Watched:
    """One region and its counts; `instructions` and `times` are since the profile began."""

    region: RegionView
    first_instructions: int
    first_times: list[int]
    instructions: int = 0
    times: list[int] = field(default_factory=list)
    travel: dict[int, int] = field(default_factory=dict)
    samples: int = 0
    is_removed: bool = False

    @property
    def number(self) -> int:
        return self.region.number

    @property
    def start(self) -> int:
        return self.region.start

    def update(self, look: Inspector) -> None:
        """Copy the counters; for a region that is installed."""
        self.instructions = look.executed_in(self.region) - self.first_instructions
        self.times = [
            now - first
            for now, first in zip(look.times_left(self.region), self.first_times, strict=True)
        ]
        self.travel = {pc: max(1, look.travel(pc)) for pc in self.region.instructions}

    def parts(self) -> list[tuple[int, float]]:
        """Addresses of its instructions, and what part of its work each is thought to be.

        A loop body that was seen a thousand times while recording, beside a way through that was
        seen once, gets a thousand times as much.
        """
        total = sum(self.travel.values())
        return [(pc, count / total) for pc, count in self.travel.items()]


class Regions:
    """All regions of one machine since a profile began."""

    def __init__(self) -> None:
        self._all: dict[int, Watched] = {}
        self._spans: list[tuple[int, int, Watched]] = []
        self._polls: dict[int, list[tuple[Watched, int]]] = {}
        self._polled: dict[int, int] = {}
        self._is_stale = False

    def begin(self, look: Inspector) -> None:
        """Note what counters say now."""
        self._is_stale = True
        for region in look.regions():
            first, times = look.executed_in(region), look.times_left(region)
            self._all[region.number] = Watched(region, first, times)

    def installed(self, look: Inspector, start: int) -> None:
        """A region was installed."""
        region = look.region(start)
        assert region is not None
        self._all[region.number] = Watched(region, 0, [0] * len(region.exits))
        self._is_stale = True

    def removed(self, look: Inspector, number: int) -> None:
        """A region is about to go."""
        watched = self._all.get(number)
        if watched is not None:
            watched.update(look)
            watched.is_removed = self._is_stale = True

    def update(self, look: Inspector | None) -> list[Watched]:
        """All of them, counts as they are now, or as they were last where nobody looks."""
        everything = list(self._all.values())
        for watched in everything:
            if look is not None and not watched.is_removed:
                watched.update(look)
        return everything

    # -- whose code, whose poll --------------------------------------------------------------

    def at(self, pointer: int) -> Watched | None:
        """The region whose machine code an instruction pointer is in."""
        if self._is_stale:
            self._index()
        index = bisect_right(self._spans, pointer, key=lambda span: span[0]) - 1
        if index < 0:
            return None
        _, end, watched = self._spans[index]
        return watched if pointer < end else None

    def polled(self, look: Inspector, pc: int) -> Watched | None:
        """The region that came back from a loop at `pc`, if since the last call one did."""
        if self._is_stale:
            self._index()
        for watched, exit_ in self._polls.get(pc, ()):
            count = look.times_left(watched.region)[exit_]
            if count != self._polled.get(watched.number << 16 | exit_, 0):
                self._polled[watched.number << 16 | exit_] = count
                return watched
        return None

    def _index(self) -> None:
        self._is_stale = False
        living = [each for each in list(self._all.values()) if not each.is_removed]
        self._spans = _spans(living)
        self._polls = {}
        for watched in living:
            for index, (reason, target) in enumerate(watched.region.exits):
                if reason == Reason.POLL.name and target is not None:
                    self._polls.setdefault(target, []).append((watched, index))


def _spans(living: Iterable[Watched]) -> list[tuple[int, int, Watched]]:
    in_order = sorted(living, key=attrgetter("region.address"))
    return [(each.region.address, each.region.end, each) for each in in_order]

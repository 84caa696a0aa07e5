"""The installed regions of a machine, as a table whose changes can be queried.

Every change gets a *version*; a reader remembers the last version it has seen and gets what came
after it: new rows, numbers of removed regions, counters that changed. A reader that is further
behind than the table remembers gets the whole table.

Looking for new regions is cheap and done often (`refresh`); reading all counters is done as often
as the sampler can afford (`count`).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jitvm.dashboard.target import line_of

if TYPE_CHECKING:
    from jitvm.engine.machine.inspect import Counters, Inspector, RegionView
    from jitvm.engine.tables.place import Naming, Place

REMEMBERED = 8192
"""Removed regions that are remembered."""


@dataclass(slots=True)
class Row:
    """A region of the table.

    Attributes:
        added, counted: versions when it came, and when its counters last moved.
        left: how often it was left, through any exit.
        executed: instructions it has executed; 0 where these are not counted.
    """

    region: RegionView
    place: Place
    born: float
    added: int
    counted: int = 0
    left: int = 0
    executed: int = 0

    def facts(self) -> dict[str, object]:
        """What does not change."""
        region = self.region
        return {
            "number": region.number,
            "start": region.start,
            "label": str(self.place),
            "line": line_of(self.place),
            "size": region.size,
            "bytes": region.code_bytes,
            "exits": len(region.exits),
            "ms": [round(1000 * seconds, 2) for seconds in region.seconds],
            "kept": region.is_kept,
            "limits": list(region.limits),
            "born": round(self.born, 4),
        }

    def counters(self) -> list[int]:
        """What does: number, left, executed, whether its full compilation is done."""
        return [self.region.number, self.left, self.executed, int(self.region.is_full)]


class RegionTable:
    """Regions by number. One thread refreshes it; readers hold the same lock as that.

    Attributes:
        version: rises with every change.
        code_bytes: machine code of all of them.
    """

    def __init__(self, naming: Naming) -> None:
        self._naming = naming
        self.rows: dict[int, Row] = {}
        self.version = 0
        self.code_bytes = 0
        self._removed: deque[tuple[int, int]] = deque(maxlen=REMEMBERED)
        self._forgotten = 0

    def refresh(self, look: Inspector, now: float) -> None:
        """Look which regions came and went."""
        if self.rows.keys() == look.region_numbers():
            return
        present = {each.number: each for each in look.regions()}
        gone = self.rows.keys() - present.keys()
        fresh = present.keys() - self.rows.keys()
        if not gone and not fresh:
            return
        self.version += 1
        for number in gone:
            self.code_bytes -= self.rows.pop(number).region.code_bytes
            if len(self._removed) == REMEMBERED:
                self._forgotten = self._removed[0][0]
            self._removed.append((self.version, number))
        for number in sorted(fresh):
            region = present[number]
            place = self._naming(region.start)
            self.code_bytes += region.code_bytes
            self.rows[number] = Row(region, place, now, self.version)

    def count(self, counters: Counters) -> None:
        """Read all counters."""
        version = self.version + 1
        for row in self.rows.values():
            left = sum(counters.exits(row.region))
            executed = counters.executed(row.region)
            if left != row.left or executed != row.executed:
                row.left, row.executed, row.counted = left, executed, version
                self.version = version

    def since(self, version: int) -> dict[str, object]:
        """What changed after a version; everything, marked as such, if that is too long ago."""
        whole = version < self._forgotten or version == 0
        rows = self.rows.values()
        known = 0 if whole else version
        removed = [] if whole else [number for at, number in self._removed if at > known]
        return {
            "whole": whole,
            "added": [row.facts() for row in rows if row.added > known],
            "removed": removed,
            "counts": [row.counters() for row in rows if max(row.counted, row.added) > known],
        }

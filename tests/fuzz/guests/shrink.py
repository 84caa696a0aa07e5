"""Takes out of a failing case what its failure does not need.

Programs first, then lines of the program that is left, rows, lines of rows, and parameters; big
pieces before small ones. A row that is gone halts, a label that is gone is the program's end, and
what no longer describes a guest is no failure: so anything may be taken out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from tests.fuzz.guests.case import GuestCase, Row
from tests.fuzz.judge import Verdict

Part = TypeVar("Part")


class GuestShrinker:
    """Shrinks one failing case.

    Args:
        judge: decides whether a smaller case still fails.
        verdict: how the case failed.
        seconds: when to stop.
    """

    def __init__(
        self, judge: Callable[[GuestCase], Verdict], verdict: Verdict, seconds: float = 120.0
    ) -> None:
        self.judge = judge
        self.kind = _kind_of(verdict)
        self.tried = 0
        self._end = time.monotonic() + seconds

    def shrink(self, case: GuestCase) -> GuestCase:
        """The smallest case found; a failure that does not repeat comes back as it was."""
        if not self._fails(case):
            return case
        case = self._fewer(case, case.programs, lambda parts: replace(case, programs=parts))
        case = self._unused(case)
        before = None
        while before != case and time.monotonic() < self._end:
            before = case
            case = self._unused(self._programs(case))
            case = self._rows(case)
        return case

    def _fails(self, case: GuestCase) -> bool:
        self.tried += 1
        verdict = self.judge(case)
        return verdict.kind == "fail" and _kind_of(verdict) == self.kind

    def _fewer(
        self,
        case: GuestCase,
        parts: Sequence[Part],
        build: Callable[[tuple[Part, ...]], GuestCase],
    ) -> GuestCase:
        """Take out runs of parts, from halves down to single ones."""
        kept, size = tuple(parts), max(len(parts) // 2, 1)
        while size:
            at = 0
            while at < len(kept) and time.monotonic() < self._end:
                fewer = kept[:at] + kept[at + size :]
                smaller = build(fewer)
                if self._fails(smaller):
                    case, kept = smaller, fewer
                else:
                    at += size
            size //= 2
        return case

    def _programs(self, case: GuestCase) -> GuestCase:
        for number in range(len(case.programs)):
            case = self._program(case, number)
        return case

    def _program(self, case: GuestCase, number: int) -> GuestCase:
        def with_(**changes: Any) -> GuestCase:
            programs = list(case.programs)
            programs[number] = replace(programs[number], **changes)
            return replace(case, programs=tuple(programs))

        program = case.programs[number]
        case = self._fewer(case, program.lines, lambda lines: with_(lines=lines))
        case = self._fewer(case, program.pieces, lambda pieces: with_(pieces=pieces))
        rows = [row for row in program.params.items() if row[0] != "background"]
        return self._fewer(case, rows, lambda rows: with_(params={**dict(rows), "background": 0}))

    def _unused(self, case: GuestCase) -> GuestCase:
        """Take out all rows that no program names: most of what a guest takes to be compiled."""
        named = {line.split()[0] for program in case.programs for line in program.lines}
        fewer = replace(case, rows=tuple(row for row in case.rows if row.name in named))
        return fewer if self._fails(fewer) else case

    def _rows(self, case: GuestCase) -> GuestCase:
        case = self._fewer(case, case.rows, lambda rows: replace(case, rows=rows))
        for row in case.rows:
            case = self._lines(case, row)
        return case

    def _lines(self, case: GuestCase, row: Row) -> GuestCase:
        def build(lines: tuple[str, ...]) -> GuestCase:
            changed = replace(row, lines=lines)
            rows = (changed if each.name == row.name else each for each in case.rows)
            return replace(case, rows=tuple(rows))

        return self._fewer(case, row.lines, build)


def _kind_of(verdict: Verdict) -> str:
    """What counts as the same failure: at which tier, or what was raised."""
    return verdict.detail.split(":")[0].split(",")[0]

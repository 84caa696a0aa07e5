"""Makes a failing case small: fewer settings, fewer lines, fewer words, smaller numbers.

Delta debugging over the text: pieces are taken out, big ones first, and what still fails in the
same way stays out. A label goes once nothing refers to it, so loops dissolve by themselves. Source
of the idea: Zeller and Hildebrandt, Simplifying and Isolating Failure-Inducing Input (2002).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace

from tests.fuzz.case import Case
from tests.fuzz.judge import Verdict

Judge = Callable[[Case], Verdict]


class Shrinker:
    """Shrinks one failing case.

    Args:
        judge: decides whether a smaller case still fails.
        verdict: how the case failed.
        seconds: when to stop.
    """

    def __init__(self, judge: Judge, verdict: Verdict, seconds: float = 120.0) -> None:
        self.judge = judge
        self.kind = _kind_of(verdict)
        self.tried = 0
        self._end = time.monotonic() + seconds

    def shrink(self, case: Case) -> Case:
        """The smallest case found; a failure that does not repeat comes back as it was."""
        if not self._fails(case):
            return case
        before = None
        while before != case and not self._late():
            before = case
            case = self._settings(case)
            case = self._pieces(case, case.source.splitlines(), "\n")
            case = self._words(case)
            case = self._numbers(case)
        return case

    def _late(self) -> bool:
        return time.monotonic() > self._end

    def _fails(self, case: Case) -> bool:
        self.tried += 1
        verdict = self.judge(case)
        return verdict.kind == "fail" and _kind_of(verdict) == self.kind

    def _settings(self, case: Case) -> Case:
        """Leave out settings, then single parameters."""
        bare = {"wst": 0, "rst": 0, "pieces": (), "events": b"", "interrupts": 0, "repeat": 1}
        for name, value in bare.items():
            if getattr(case, name) != value:
                case = self._better(case, replace(case, **{name: value}))  # type: ignore[arg-type]
        for name in case.params:
            if name != "background":
                less = {row: n for row, n in case.params.items() if row != name}
                case = self._better(case, replace(case, params=less))
        return case

    def _better(self, case: Case, smaller: Case) -> Case:
        return smaller if not self._late() and self._fails(smaller) else case

    def _pieces(self, case: Case, parts: list[str], joint: str) -> Case:
        """Take out runs of lines or words, from halves down to single ones."""
        size = max(len(parts) // 2, 1)
        while size:
            at = 0
            while at < len(parts) and not self._late():
                fewer = parts[:at] + parts[at + size :]
                smaller = replace(case, source=joint.join(fewer) + "\n")
                if self._fails(smaller):
                    case, parts = smaller, fewer
                else:
                    at += size
            size //= 2
        return case

    def _words(self, case: Case) -> Case:
        """Take out words of each line."""
        lines = case.source.splitlines()
        for number in range(len(lines)):
            words = lines[number].split()
            at = 0
            while at < len(words) > 1 and not self._late():
                fewer = words[:at] + words[at + 1 :]
                lines[number] = " ".join(fewer)
                smaller = replace(case, source="\n".join(lines) + "\n")
                if self._fails(smaller):
                    case, words = smaller, fewer
                else:
                    at += 1
            lines[number] = " ".join(words)
        return case

    def _numbers(self, case: Case) -> Case:
        """Make literals zero or one, one at a time."""
        for found in reversed(list(re.finditer(r"#([0-9a-f]{2,4})\b", case.source))):
            for number in (0, 1):
                digits = f"#{number:0{len(found[1])}x}"
                if found[0] <= digits or self._late():
                    break
                source = case.source[: found.start()] + digits + case.source[found.end() :]
                smaller = replace(case, source=source)
                if self._fails(smaller):
                    case = smaller
                    break
        return case


def is_late(verdict: Verdict) -> bool:
    """Whether the JIT was still running when its time was up."""
    return verdict.detail.endswith("got late")


def _kind_of(verdict: Verdict) -> str:
    """What counts as the same failure: what was raised, or that outcomes differ at a tier."""
    if is_late(verdict):
        return "endless"
    first = verdict.detail.split(":")[0]
    told_apart = first in ("interpreter", "hangs", "crash", "refused") or "Error" in first
    return first if told_apart else "differs"

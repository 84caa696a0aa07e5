"""From a seed to a case: a declaration, a tier, batches of records."""

from __future__ import annotations

from tests.fuzz.records.case import RecordCase
from tests.wire.judging import mutated
from tests.wire.layouts import LIKELY, LayoutJudge, Layouts, Records


class LayoutCase(RecordCase):
    """What a seed stands for."""

    def __init__(self, seed: int) -> None:
        super().__init__("layout", seed)
        self.declaration = Layouts(self._random).declared()
        self.name = f"{self.declaration}"

    def judge(self) -> LayoutJudge:
        return LayoutJudge(self.declaration, **self.options)

    def record(self, judge: LayoutJudge) -> bytes:
        return Records(self._random).of(judge.parts)

    def mutated(self, data: bytes) -> bytes:
        return mutated(data, self._random, LIKELY)

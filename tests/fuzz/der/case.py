"""From a seed to a case: an ASN.1 type, a tier, batches of values."""

from __future__ import annotations

from jitvm.guests.wire.der.types import Type
from tests.fuzz.records.case import RecordCase
from tests.wire.ders import LIKELY, DerJudge, Types, Values, written
from tests.wire.judging import mutated


class DerCase(RecordCase):
    """What a seed stands for."""

    def __init__(self, seed: int) -> None:
        super().__init__("der", seed)
        self.type = Types(self._random).of()
        self.name = _said(self.type)

    def judge(self) -> DerJudge:
        return DerJudge(self.type, **self.options)

    def record(self, judge: DerJudge) -> bytes:
        return written(judge.type, Values(self._random).of(judge.type))

    def mutated(self, data: bytes) -> bytes:
        return mutated(data, self._random, LIKELY)


def _said(type: Type) -> str:
    """A type with all that is in it."""
    inside = [f"{name}={_said(each)}" for name, each in type.fields.items()]
    if type.item is not None:
        inside.append(_said(type.item))
    tags = "".join(tag.name for tag in type.tags if "[" in tag.name)
    return f"{tags}{type.kind}({', '.join(inside)})"

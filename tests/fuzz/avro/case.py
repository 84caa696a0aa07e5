"""From a seed to a case: a schema, a tier, batches of records."""

from __future__ import annotations

from tests.fuzz.records.case import RecordCase
from tests.wire.avros import Judge, Schemas, Values, encoded, mutated
from tests.wire.pair import PARAMS


class AvroCase(RecordCase):
    """What a seed stands for."""

    def __init__(self, seed: int) -> None:
        super().__init__("avro", seed)
        self.is_hasty = False
        self.schema = Schemas(self._random).record()
        self.name = f"{self.schema}"

    def judge(self) -> Judge:
        return Judge(self.schema, tier=self.tier, errors=self.errors, params=PARAMS)

    def record(self, judge: Judge) -> bytes:
        return encoded(judge.schema, Values(self._random).of(judge.type))

    def mutated(self, data: bytes) -> bytes:
        return mutated(data, self._random)

"""From a seed to a case: a declaration, a tier, batches of values."""

from __future__ import annotations

from tests.fuzz.records.case import RecordCase
from tests.wire.judging import mutated
from tests.wire.messagepacks import LIKELY, MessagePackJudge, Schemas, Values


class MessagePackCase(RecordCase):
    """What a seed stands for."""

    def __init__(self, seed: int) -> None:
        super().__init__("messagepack", seed)
        schemas = Schemas(self._random)
        self.schema = schemas.record() if self._random.random() < 0.9 else schemas.type(1)
        self.name = f"{self.schema}"

    def judge(self) -> MessagePackJudge:
        return MessagePackJudge(self.schema, **self.options)

    def record(self, judge: MessagePackJudge) -> bytes:
        return Values(self._random).packed(judge.type)

    def mutated(self, data: bytes) -> bytes:
        return mutated(data, self._random, LIKELY)

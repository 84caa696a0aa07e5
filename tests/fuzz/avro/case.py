"""From a seed to a case: a schema, a tier, batches of records."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from tests.wire.avros import Judge, Schemas, Values, encoded, mutated
from tests.wire.pair import PARAMS

TIERS = {"jit": 8, "interpreter": 6, "reference": 1, "ir": 1}
"""What decodes, and how often of all."""
BATCH = {"jit": 150, "interpreter": 150, "reference": 20, "ir": 20}
"""Records of a batch."""
BASE = 60
"""Records that are mutated."""


class AvroCase:
    """What a seed stands for.

    Attributes:
        tier: what decodes.
        name: the tier and what becomes of mistakes, for people.
    """

    def __init__(self, seed: int) -> None:
        self._random = random = Random(f"avro {seed}")
        self.tier = random.choices(list(TIERS), list(TIERS.values()))[0]
        self.errors = random.choice(("skip", "null"))
        self.schema = Schemas(random).record()
        self.name = f"a schema of {len(str(self.schema))} letters"

    def judge(self) -> Judge:
        """A decoder of the schema."""
        return Judge(self.schema, tier=self.tier, errors=self.errors, params=PARAMS)

    def batches(self, judge: Judge) -> Iterator[list[bytes]]:
        """Records: some right, some odd, some wrong; without end."""
        random, values = self._random, Values(self._random)
        base = [encoded(judge.schema, values.of(judge.type)) for _ in range(BASE)]
        while True:
            share = random.choice((0.0, 0.1, 0.5, 0.9))
            yield [
                mutated(random.choice(base), random)
                if random.random() < share
                else random.choice(base)
                for _ in range(random.randint(1, BATCH[self.tier]))
            ]

    def choices(self) -> Random:
        """What decides about instructions."""
        return Random(self._random.random())

    def __str__(self) -> str:
        return f"by {self.tier}, errors={self.errors!r}: {self.schema}"

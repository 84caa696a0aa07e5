"""From a seed to a case: a type, a tier, batches of records."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from tests.wire.pair import PARAMS

TIERS = {"jit": 1, "interpreter": 10, "reference": 1, "ir": 1}
"""What decodes, and how often of all."""
BATCH = {"jit": 150, "interpreter": 150, "reference": 20, "ir": 20}
"""Records of a batch."""
HASTY = 1500
"""Records of a batch that is decoded natively, and not asked what is wrong."""
BASE = 60
"""Records that are mutated."""


class RecordCase:
    """What a seed stands for; a format says which types there are, and what records.

    Args:
        format: the name of the format.
        seed: which.

    Attributes:
        tier: what decodes.
        name: of the type, for people.
        is_hasty: whether nobody asks what is wrong with records.
        options: of the judge.
    """

    name: str

    def __init__(self, format: str, seed: int) -> None:
        self._random = random = Random(f"{format} {seed}")
        self.tier = random.choices(list(TIERS), list(TIERS.values()))[0]
        self.errors = random.choice(("skip", "null"))
        self.is_hasty = self.tier in ("jit", "interpreter") and random.random() < 0.8

    @property
    def options(self) -> dict[str, Any]:
        return {
            "tier": self.tier, "errors": self.errors, "params": PARAMS, "is_hasty": self.is_hasty,
        }  # fmt: skip

    def judge(self) -> Any:
        """A decoder of the type, with the oracle."""
        raise NotImplementedError

    def record(self, judge: Any) -> bytes:
        """A record that is right, or nearly."""
        raise NotImplementedError

    def mutated(self, data: bytes) -> bytes:
        """One with something else in it."""
        raise NotImplementedError

    def batches(self, judge: Any) -> Iterator[list[bytes]]:
        """Records: some right, some odd, some wrong; without end."""
        random = self._random
        base = [self.record(judge) for _ in range(BASE)]
        most = HASTY if self.is_hasty else BATCH[self.tier]
        while True:
            share = random.choice((0.0, 0.1, 0.5, 0.9, 0.9, 0.9))
            yield [
                self.mutated(random.choice(base))
                if random.random() < share
                else random.choice(base)
                for _ in range(random.randint(1, most))
            ]

    def choices(self) -> Random:
        """What decides about instructions."""
        return Random(self._random.random())

    def __str__(self) -> str:
        return f"{self.name} by {self.tier}, errors={self.errors!r}, hasty: {self.is_hasty}"

"""From a seed to a case: a message type, a tier, options of the columns, batches of messages."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from random import Random
from typing import Any

from tests.wire.oracle import messages, mutated
from tests.wire.pair import BYTES
from tests.wire.schemas import MESSAGES, message
from tests.wire.selected import selected

TYPES = (*MESSAGES, "kinds.Leaf")
TIERS = {"jit": 8, "interpreter": 4, "reference": 2, "ir": 1, "aarch64": 1}
"""What decodes, and how often of all."""
BATCH = {"jit": 150, "interpreter": 150, "reference": 40, "ir": 40, "aarch64": 8}
"""Messages of a batch."""
HASTY = ("jit", "interpreter")
MANY = 1000
"""Messages of a batch of which it is only looked at which are refused."""

KEEPING = ("kinds.Scalars", "kinds.Optional", "kinds.Repeated", "kinds.Nested", "kinds.Choice")
"""Types whose unknown fields are kept natively."""


class WireCase:
    """What a seed stands for.

    Attributes:
        name, tier: what is decoded, and by what.
        is_hasty: whether it is only looked at which messages are refused, as Protobuf's package
            refuses them: so a case has a hundred times as many.
        options: of `Pair`.
        is_whole: whether rows have all that Protobuf's package looks at.
        is_projection: whether messages become messages; `options` are of `Bench` then.
    """

    def __init__(self, seed: int) -> None:
        self._random = random = Random(f"wire {seed}")
        self.name = random.choice(TYPES)
        self.tier = random.choices(list(TIERS), list(TIERS.values()))[0]
        self.is_whole = random.random() < 0.7
        self.options: dict[str, Any] = {"depth": random.choice((1, 2, 3, 4))}
        self.options["errors"] = "null" if self.is_whole else random.choice(("skip", "raise"))
        if not self.is_whole:
            names = [field.name for field in message(self.name).fields]
            if random.random() < 0.5:
                self.options["fields"] = random.sample(names, random.randint(1, len(names)))
            self.options["utf8"] = random.random() < 0.5
            self.options["wrappers"] = random.random() < 0.5
        self.options["large_offsets"] = random.random() < 0.2
        self._base = messages(self.name, message(self.name), 60, seed)
        self.is_projection = random.random() < 0.3
        self.is_hasty = self.is_whole and not self.is_projection and self.tier in HASTY
        self.is_hasty = self.is_hasty and random.random() < 0.7
        if self.is_projection:
            self.options = selected(self.name, random)
            self.options["delimited"] = random.random() < 0.3
            return
        if not self.is_whole and self.name in KEEPING and random.random() < 0.5:
            self.options["unknown"] = True
            other = random.choice(TYPES)
            strange = messages(other, message(other), 60, seed)
            self._base += [each + random.choice(strange) for each in self._base]

    def batches(self) -> Iterator[list[bytes]]:
        """Messages: some right, some odd, some wrong; without end."""
        random, base = self._random, self._base
        while True:
            share = random.choice((0.0, 0.1, 0.5, 0.9))
            few = random.sample(base, random.choice((1, 3, len(base))))
            made = [
                mutated(random.choice(base), random)
                if random.random() < share
                else random.choice(few)
                for _ in range(MANY if self.is_hasty else random.randint(1, BATCH[self.tier]))
            ]
            sizes = accumulate(map(len, made))
            yield [each for each, size in zip(made, sizes, strict=True) if size <= BYTES]

    def choices(self) -> Random:
        """What decides about instructions."""
        return Random(self._random.random())

    def __str__(self) -> str:
        said = ", ".join(f"{name}={value!r}" for name, value in self.options.items())
        return f"{self.name} by {self.tier}, {said}"

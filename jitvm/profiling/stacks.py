"""Who was at work, and who had called it, in the order of time.

    pacer    every 20 ms in which the guest's thread worked    `worked`: what the spotter saw
    guest    when native code next comes back                  `sample`: the return addresses

A sample has the weight of the work since the one before it: so many spots in guest code. Samples
are taken where native code comes back, at the head of a loop or between two regions. What a region
has between two of its loops' heads is divided later, see `routines`.

Invariants
 1. A stack is a tuple of addresses, the outermost first: calls, and the instruction at hand.
 2. There are at most `MOST_STACKS` different ones; the weight of others is counted as `other`.
 3. The last `MOST_SAMPLES` are kept in order. The sums have all of them.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jitvm.engine.machine.inspect import Machine
    from jitvm.platform.callstacks import Walker
    from jitvm.profiling.regions import Watched

MOST_STACKS = 20_000
MOST_SAMPLES = 100_000

Addresses = tuple[int, ...]


class Spot(StrEnum):
    """Where the processor was."""

    INTERPRETING = "interpreting"
    RECORDING = "recording"
    NATIVE = "native"
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True)
class Sample:
    """A stack, and the time it stands for.

    Attributes:
        begin, end: seconds of the profile.
        state: what the thread did for most of that time; None if nobody saw.
        weight: how much of it was in guest code.
        stack: addresses, the outermost first.
    """

    begin: float
    end: float
    state: Spot | None
    weight: int
    stack: Addresses


class Stacks:
    """The call stacks of one machine's samples.

    Attributes:
        weights: all stacks, each with the number of the region that came back from a loop there, or
            0, and how much work was seen in it.
        in_order: the last samples.
        targets: calls in stacks and regions, and where they lead; None where that is computed.
        taken: samples in guest code.
        other: weight of stacks that were too many to keep.
    """

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._walker: Walker | None = None
        self._seen: dict[Spot, int] = {}
        self._since: float | None = None
        self._regions: set[int] = set()
        self.weights: Counter[tuple[Addresses, int]] = Counter()
        self.in_order: deque[Sample] = deque(maxlen=MOST_SAMPLES)
        self.targets: dict[int, int | None] = {}
        self.taken = self.other = 0

    def begin(self) -> None:
        """Find out how the guest calls; takes some milliseconds."""
        from jitvm.platform.callstacks import Walker

        self._walker = Walker(self._machine.guest)

    @property
    def sees_calls(self) -> bool:
        """Whether the guest says where it keeps return addresses."""
        return self._walker is not None and self._walker.sees_calls

    def worked(self, now: float, seconds: float, seen: Mapping[Spot, int]) -> None:
        """The thread has been at work for some time: what it was seen at, by `Spot`."""
        mine = self._seen
        for spot, count in seen.items():
            mine[spot] = mine.get(spot, 0) + count
        if self._since is None:
            self._since = max(0.0, now - seconds)

    def sample(self, now: float, pc: int, region: Watched | None = None) -> None:
        """On the guest's thread: it is at an address, and its state is current; `region` has come
        back from a loop there."""
        since, seen = self._since, self._seen
        if since is None or self._walker is None:
            return
        self._since, self._seen = None, {}
        stack = self._walker.addresses(self._machine.state, pc)
        for call in stack[:-1]:
            if call not in self.targets:  # found once: code that changes keeps its first answer
                self.targets[call] = self._walker.target(self._machine.state, call)
        number = 0 if region is None else region.number
        if region is not None and number not in self._regions:
            self._regions.add(number)
            for call in self._walker.calls_among(self._machine.state, region.region.instructions):
                self.targets[call] = self._walker.target(self._machine.state, call)
        weight = (sum(seen.values()) - seen.get(Spot.ELSEWHERE, 0)) if seen else 1
        state = max(seen, key=seen.__getitem__) if seen else None
        if len(self.in_order) and self.in_order[-1].stack == stack:
            stack = self.in_order[-1].stack  # one tuple for both
        self.in_order.append(Sample(since, now, state, weight, stack))
        if not weight:
            return
        self.taken += 1
        if (stack, number) in self.weights or len(self.weights) < MOST_STACKS:
            self.weights[stack, number] += weight
        else:
            self.other += weight

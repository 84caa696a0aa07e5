"""Call stacks as people read them: routines, who calls whom, and whole stacks.

A routine is what `Place.routine` says: a label with all that is inside of it. Weights of stacks are
turned into seconds by the time in guest code, so all of them together are that time. Time in
stacks that were too many to keep is in the sums of nobody, and `StackRow` has it as `(others)`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jitvm.profiling.clock import state_rows
from jitvm.profiling.rows import GUEST_STATES, CallRow, RoutineRow, StackRow

if TYPE_CHECKING:
    from jitvm.engine.tables.place import Naming
    from jitvm.profiling.collector import Collector
    from jitvm.profiling.stacks import Addresses, Stacks

OTHERS = "(others)"
HOST = "(host)"
"""Python devices and what is around the guest."""
WAITING = "(waiting)"

Names = tuple[str, ...]


class Named:
    """Names of stacks; each address is looked up once.

    A number beside return addresses may look like one (`jitvm.platform.callstacks`). In programs
    with labels a call leads to a label, so what looks like a call to another place is left out.
    """

    def __init__(self, stacks: Stacks, naming: Naming) -> None:
        self._targets = stacks.targets
        self._naming = naming
        self._known: dict[int, str] = {}
        self._calls: dict[int, bool] = {}

    def stack(self, addresses: Addresses) -> Names:
        """The routines of a stack."""
        *outer, last = addresses
        return (*[self._name(at) for at in outer if self._is_call(at)], self._name(last))

    def _name(self, address: int) -> str:
        if address not in self._known:
            self._known[address] = self._naming(address).routine
        return self._known[address]

    def _is_call(self, address: int) -> bool:
        if address not in self._calls:
            target = self._targets.get(address)
            is_named = bool(self._naming(address).label)
            self._calls[address] = (
                not is_named or target is None or self._naming(target).offset == 0
            )
        return self._calls[address]


def guest_seconds(collector: Collector) -> float:
    """Time of the guest's thread in guest code."""
    return sum(row.seconds for row in state_rows(collector) if row.state in GUEST_STATES)


def stack_rows(collector: Collector, naming: Naming) -> list[StackRow]:
    """Whole stacks, the most time first."""
    stacks = collector.stacks
    named, weights = Named(stacks, naming), Counter[Names]()
    for addresses, weight in stacks.weights.copy().items():
        weights[named.stack(addresses)] += weight
    if stacks.other:
        weights[OTHERS,] += stacks.other
    total, seconds = weights.total(), guest_seconds(collector)
    return [
        StackRow(frames, seconds * weight / total, weight / total)
        for frames, weight in weights.most_common()
    ]


def routine_rows(stacks: Iterable[StackRow]) -> list[RoutineRow]:
    """Routines by their own time and by all time below them, a recursive one counted once."""
    own, all_ = Counter[str](), Counter[str]()
    shares, all_shares = Counter[str](), Counter[str]()
    for row in stacks:
        own[row.frames[-1]] += row.seconds  # type: ignore[assignment]
        shares[row.frames[-1]] += row.share  # type: ignore[assignment]
        for name in set(row.frames):
            all_[name] += row.seconds  # type: ignore[assignment]
            all_shares[name] += row.share  # type: ignore[assignment]
    rows = [
        RoutineRow(name, own[name], seconds, shares[name], all_shares[name])
        for name, seconds in all_.items()
    ]
    return sorted(rows, key=lambda row: (-row.share, -row.total_share, row.routine))


def call_rows(stacks: Iterable[StackRow]) -> list[CallRow]:
    """Who calls whom, and the time below the call; each pair counts once in a stack."""
    seconds, shares = dict[tuple[str, str], float](), dict[tuple[str, str], float]()
    for row in stacks:
        for pair in set(zip(row.frames, row.frames[1:], strict=False)):
            seconds[pair] = seconds.get(pair, 0.0) + row.seconds
            shares[pair] = shares.get(pair, 0.0) + row.share
    rows = [CallRow(*pair, seconds[pair], share) for pair, share in shares.items()]
    return sorted(rows, key=lambda row: (-row.share, row.caller, row.callee))


# -- in order of time ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some seconds of a run with the stack that stands for them, the outermost first."""

    begin: float
    end: float
    frames: Names


def in_order(collector: Collector, naming: Naming) -> Iterator[Stretch]:
    """All of the time that samples are kept of, without gaps; equal neighbours are one."""
    named, last = Named(collector.stacks, naming), Stretch(0.0, 0.0, ())
    for stretch in _stretches(collector, named):
        if stretch.frames == last.frames:
            last = Stretch(last.begin, stretch.end, last.frames)
            continue
        if last.end > last.begin:
            yield last
        last = stretch
    if last.end > last.begin:
        yield last


def _stretches(collector: Collector, named: Named) -> Iterator[Stretch]:
    samples = list(collector.stacks.in_order)
    is_cut = len(samples) == collector.stacks.in_order.maxlen
    at = samples[0].begin if is_cut else 0.0
    for sample in samples:
        if sample.begin > at:
            yield Stretch(at, sample.begin, (WAITING,))
        frames = named.stack(sample.stack) if sample.weight else (HOST,)
        yield Stretch(max(at, sample.begin), sample.end, frames)
        at = sample.end
    if samples and collector.now > at:
        yield Stretch(at, collector.now, (WAITING,))

"""Call stacks as people read them: routines, who calls whom, and whole stacks.

A routine is what `Place.routine` says: a label with all that is inside of it. Weights of stacks are
turned into seconds by the time in guest code, so all of them together are that time. Time in
stacks that were too many to keep is in the sums of nobody, and `StackRow` has it as `(others)`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jitvm.profiling.clock import state_rows
from jitvm.profiling.rows import GUEST_STATES, CallRow, RoutineRow, StackRow

if TYPE_CHECKING:
    from jitvm.engine.tables.place import Naming
    from jitvm.profiling.collector import Collector
    from jitvm.profiling.regions import Watched
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


class Inside:
    """What a region has of routines, each as a part of its work, and their calls of each other.

    A region holds whole calls, and comes back only at heads of loops: a leaf without a loop would
    never be seen. So the time of a sample that a region came back from is divided among its
    routines as it was while recording, like the time of labels and lines.
    """

    def __init__(
        self,
        parts: Iterable[tuple[int, float]],
        targets: Mapping[int, int | None],
        naming: Naming,
    ) -> None:
        self._parts: dict[str, float] = {}
        self._calls: dict[str, set[str]] = {}
        for address, part in parts:
            name = naming(address).routine
            self._parts[name] = self._parts.get(name, 0.0) + part
            if (target := targets.get(address)) is not None:
                self._calls.setdefault(name, set()).add(naming(target).routine)

    def divided(self, names: Names) -> Iterator[tuple[Names, float]]:
        """Stacks that a stack stands for, and the part of its weight that each has."""
        for name, part in self._parts.items():
            yield self._with(names, name), part

    def _with(self, names: Names, name: str) -> Names:
        """The stack with a routine at work: cut to it, or with the calls that lead to it."""
        if name in names:
            last = len(names) - 1 - names[::-1].index(name)
            return names[: last + 1]
        for depth in range(len(names), 0, -1):
            if path := self._path(names[depth - 1], name):
                return (*names[:depth], *path)
        return (*names, name)

    def _path(self, start: str, goal: str) -> Names:
        """The shortest way by calls, without its start; empty if there is none."""
        ways: dict[str, Names] = {start: ()}
        todo = [start]
        for name in todo:
            for callee in sorted(self._calls.get(name, ())):
                if callee not in ways:
                    ways[callee] = (*ways[name], callee)
                    todo.append(callee)
        return ways.get(goal, ())


def guest_seconds(collector: Collector) -> float:
    """Time of the guest's thread in guest code."""
    return sum(row.seconds for row in state_rows(collector) if row.state in GUEST_STATES)


def stack_rows(collector: Collector, naming: Naming) -> list[StackRow]:
    """Whole stacks, the most time first."""
    seconds = guest_seconds(collector)
    return rows_of(collector.stacks, collector.watched(), naming, seconds)


def rows_of(
    stacks: Stacks, regions: Iterable[Watched], naming: Naming, seconds: float
) -> list[StackRow]:
    """Whole stacks, the most time first, which is so many seconds for all of them together."""
    named, weights = Named(stacks, naming), dict[Names, float]()
    watched = {region.number: region for region in regions}
    insides: dict[int, Inside] = {}
    for (addresses, number), weight in stacks.weights.copy().items():
        names = named.stack(addresses)
        if number in watched and number not in insides:
            insides[number] = Inside(watched[number].parts(), stacks.targets, naming)
        inside = insides.get(number)
        for frames, part in [(names, 1.0)] if inside is None else inside.divided(names):
            weights[frames] = weights.get(frames, 0.0) + weight * part
    if stacks.other:
        weights[OTHERS,] = float(stacks.other)
    total = sum(weights.values())
    rows = [
        StackRow(frames, seconds * weight / total, weight / total)
        for frames, weight in weights.items()
    ]
    return sorted(rows, key=lambda row: (-row.share, row.frames))


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

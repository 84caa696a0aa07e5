"""What the guest's thread did, in the order of time.

    |-- on-frame ------------------------|  (waiting)  |-- on-frame, 12 events ------|
       |-- write 2f --|  |- compile -|                     |- write 18 -|

Vectors, and in them calls of devices and compilations that the guest waited for, are as the clock
had them: entries are all there, calls as far as they are timed (all of them in the exact modes, one
in 32 otherwise). What is between vectors is Python around the guest or waiting. Samples tell which:
as they come while the thread works, a time that is much longer than the distance between two is
waiting where there are none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jitvm.engine.tables import events
from jitvm.profiling.collector import STOP_INTERVAL
from jitvm.profiling.routines import HOST, WAITING, in_order

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jitvm.profiling.entries import Entry
    from jitvm.profiling.measured import Measured
    from jitvm.profiling.routines import Stretch

SHORTEST_GAP = 1e-3
"""Seconds between vectors that are shown."""


@dataclass(frozen=True, slots=True)
class Span:
    """Some time of the guest's thread.

    Attributes:
        name: for people.
        kind: "vector", "device", "compiling", "host" or "waiting".
        begin, end: seconds of the profile.
        details: more about it.
        inner: what happened in it, in order; nothing overlaps.
    """

    name: str
    kind: str
    begin: float
    end: float
    details: dict[str, Any] = field(default_factory=dict)
    inner: tuple[Span, ...] = ()


def spans(profile: Measured) -> Iterator[Span]:
    """All that is kept, in order; nothing overlaps."""
    collector = profile.collector
    inner = sorted([*_calls(profile), *_compilations(profile)], key=lambda span: span.begin)
    stretches = list(in_order(collector, profile.naming))
    at, next_ = 0.0, 0
    for entry in collector.entries.told(collector.began):
        if entry.begin - at > SHORTEST_GAP:
            yield _gap(at, entry.begin, stretches)
        while next_ < len(inner) and inner[next_].begin < entry.begin:
            next_ += 1
        first = next_
        while next_ < len(inner) and inner[next_].begin < entry.end:
            next_ += 1
        yield _vector(profile, entry, inner[first:next_])
        at = entry.end
    if collector.now - at > SHORTEST_GAP:
        yield _gap(at, collector.now, stretches)


def _vector(profile: Measured, entry: Entry, inner: list[Span]) -> Span:
    name = "(the rest)" if entry.address is None else profile.naming(entry.address).routine
    if entry.events > 1:
        name += f", {entry.events} events"
    kept: list[Span] = []
    at = entry.begin
    for span in inner:
        begin, end = max(at, span.begin), min(span.end, entry.end)
        if end >= begin:
            kept.append(Span(span.name, span.kind, begin, end, span.details))
            at = end
    details = {"events": entry.events}
    return Span(name, "vector", entry.begin, entry.end, details, tuple(kept))


def _calls(profile: Measured) -> Iterator[Span]:
    began = profile.collector.began
    for begin, end, port, kind in profile.collector.host.told.copy():
        details = {"port": port, "kind": kind}
        yield Span(f"{kind} {port:02x}", "device", begin - began, end - began, details)


def _compilations(profile: Measured) -> Iterator[Span]:
    for happened in profile.events:
        event = happened.event
        if isinstance(event, events.Compiled) and happened.on_guest_thread:
            name = f"compile {profile.naming(event.address)}"
            begin = max(0.0, happened.at - event.took)
            yield Span(name, "compiling", begin, happened.at, event.row())


def _gap(begin: float, end: float, stretches: list[Stretch]) -> Span:
    """Between two vectors."""
    seen = waited = 0.0
    for stretch in stretches:
        both = min(end, stretch.end) - max(begin, stretch.begin)
        if both > 0:
            seen += both
            waited += both if stretch.frames == (WAITING,) else 0.0
    unseen = end - begin - seen
    if unseen > 2 * STOP_INTERVAL:
        waited += unseen
    is_waiting = 2 * waited > end - begin
    name, kind = (WAITING, "waiting") if is_waiting else (HOST, "host")
    return Span(name, kind, begin, end)

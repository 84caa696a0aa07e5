"""Seconds of the guest's thread by state, from spots, clocks and counts.

    total time     = processor time of the thread + waiting
    processor time = spots in regions, handlers (by dispatch table), and elsewhere
    elsewhere      = devices + compiling, measured by clocks, + Python around the guest

Shares of processor time come from spots and their sum from the thread's clock, so the states always
add up to the total time.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable

from jitvm.profiling.collector import Collector
from jitvm.profiling.rows import Method, State, StateRow
from jitvm.profiling.stacks import Spot


def state_rows(collector: Collector) -> list[StateRow]:
    """Seconds by state; without a spotter guest code is divided by stops, which say less."""
    total = collector.now
    cpu = min(collector.cpu_now, total)
    seconds: dict[State, float] = dict.fromkeys(State, 0.0)
    seconds[State.WAITING] = total - cpu
    if collector.has_spotter:
        rest = _by_spots(collector, cpu, seconds)
    else:
        rest = _by_stops(collector, cpu, seconds)
    compiling = min(collector.compiled_on_guest_thread, rest)
    seconds[State.COMPILING] = compiling
    devices = min(collector.host.seconds, rest - compiling)
    seconds[State.DEVICES] += devices
    seconds[State.HOST] = rest - compiling - devices
    return [
        StateRow(state, spent, spent / total if total else 0.0, _METHODS[state])
        for state, spent in seconds.items()
    ]


_METHODS = {
    State.INTERPRETING: Method.SAMPLED,
    State.NATIVE: Method.SAMPLED,
    State.RECORDING: Method.SAMPLED,
    State.COMPILING: Method.MEASURED,
    State.DEVICES: Method.MEASURED,
    State.HOST: Method.SAMPLED,
    State.WAITING: Method.MEASURED,
}


def _by_spots(collector: Collector, cpu: float, seconds: dict[State, float]) -> float:
    """Divide processor time; returns what was neither in guest code nor in native devices."""
    each = cpu / max(1, collector.spots.total())
    seconds[State.INTERPRETING] = each * collector.spots[Spot.INTERPRETING]
    seconds[State.RECORDING] = each * collector.spots[Spot.RECORDING]
    seconds[State.NATIVE] = each * collector.spots[Spot.NATIVE]
    elsewhere = collector.spots[Spot.ELSEWHERE]
    devices = each * _nameless(collector.elsewhere)
    seconds[State.DEVICES] = devices
    return max(0.0, cpu - devices - each * (collector.spots.total() - elsewhere))


def _by_stops(collector: Collector, cpu: float, seconds: dict[State, float]) -> float:
    """All that is not known to be something else is guest code; stops divide it."""
    guest = max(0.0, cpu - collector.host.seconds - collector.compiled_on_guest_thread)
    stops = collector.stops
    if not stops:
        return cpu
    for spot, state in ((Spot.NATIVE, State.NATIVE), (Spot.INTERPRETING, State.INTERPRETING)):
        seconds[state] = guest * stops[spot] / stops.total()
    return cpu - guest


def _nameless(pointers: Counter[int]) -> int:
    """How many of the instruction pointers are in code that is in no file: native devices."""
    if not pointers:
        return 0
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as lines:
            ranges = sorted(_ranges(lines))
    except OSError:
        return 0
    starts = [start for start, _ in ranges]

    def is_nameless(pointer: int) -> bool:
        index = bisect_right(starts, pointer) - 1
        return index >= 0 and pointer < ranges[index][1]

    return sum(count for pointer, count in pointers.items() if is_nameless(pointer))


def _ranges(lines: Iterable[str]) -> Iterable[tuple[int, int]]:
    for line in lines:
        fields = line.split()
        if len(fields) == 5 and "x" in fields[1]:
            start, end = fields[0].split("-")
            yield int(start, 16), int(end, 16)

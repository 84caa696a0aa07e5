"""Profiles in formats that other tools read.

| format       | read by                             | the format's document                |
|--------------|-------------------------------------|--------------------------------------|
| chrome-trace | Perfetto, chrome://tracing          | "Trace Event Format" (Google)        |
| speedscope   | speedscope.app                      | its `file-format-spec.ts`            |
| collapsed    | flamegraph.pl, inferno, speedscope  | `frame;frame weight`, one per line   |
| jsonl        | jq, pandas                          | below, at `jsonl`                    |
| openmetrics  | Prometheus                          | OpenMetrics 1.0                      |
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import takewhile
from typing import Any

from jitvm.engine.tables import events
from jitvm.engine.tables.place import Place
from jitvm.profiling.measured import TABLES, Measured
from jitvm.profiling.routines import in_order
from jitvm.profiling.rows import GUEST_STATES, State
from jitvm.profiling.tables import Work, work_by_region
from jitvm.profiling.timeline import Span, spans
from jitvm.version import __version__

Frame = Place | str


@dataclass(frozen=True, slots=True)
class Stack:
    """Work and its location, from the outside in: state, region, place."""

    frames: tuple[Frame, ...]
    seconds: float
    instructions: float


def stacks(profile: Measured) -> Iterator[Stack]:
    """All of a profile's time and, in the exact modes, instructions."""
    naming = profile.naming
    for region, address, work in work_by_region(profile.collector):
        if work.seconds <= 0 and work.instructions <= 0:
            continue
        place = naming(address)
        if region is None:
            yield _stack((State.INTERPRETING.value, place), work)
        else:
            inside = f"region #{region.number} {naming(region.start)}"
            yield _stack((State.NATIVE.value, inside, place), work)
    if not profile.collector.interpreted_at:  # there are no samples of where it was
        interpreted = (profile.collector.executed or 0) - (profile.collector.native or 0)
        yield Stack((State.INTERPRETING.value,), 0.0, interpreted)
    for row in profile.states:
        if row.state not in GUEST_STATES and row.seconds > 0:
            yield Stack((row.state.value,), row.seconds, 0.0)


def _stack(frames: tuple[Frame, ...], work: Work) -> Stack:
    return Stack(frames, work.seconds, work.instructions)


# -- collapsed -----------------------------------------------------------------------------------


def collapsed(profile: Measured) -> str:
    """Call stacks with microseconds, and the other states; in the exact modes, and where there is
    no call stack, instructions or microseconds by state, region and label."""
    weights: Counter[str] = Counter()
    rows = [] if profile.is_exact else profile.stacks
    for row in rows:
        names = (name.replace(";", ",").replace("\n", " ") for name in row.frames)
        weights[";".join(names)] += round(1e6 * row.seconds)
    if rows:
        for state in profile.states:
            if state.state not in GUEST_STATES:
                weights[f"({state.state.value})"] += round(1e6 * state.seconds)
        return _lines(weights)
    for stack in stacks(profile):
        weight = stack.instructions if profile.is_exact else 1e6 * stack.seconds
        names = (_group(frame).replace(";", ",").replace("\n", " ") for frame in stack.frames)
        weights[";".join(names)] += round(weight)
    return _lines(weights)


def _lines(weights: Counter[str]) -> str:
    return "".join(f"{stack} {weight}\n" for stack, weight in weights.items() if weight > 0)


def _group(frame: Frame) -> str:
    return frame.group if isinstance(frame, Place) else frame


# -- speedscope ----------------------------------------------------------------------------------


def speedscope(profile: Measured) -> str:
    """Time by state, region and line, the same of instructions in the exact modes, and in the order
    of time call stacks, and vectors with the devices that they call."""
    frames: dict[tuple[str, str, int], int] = {}

    def index(frame: Frame) -> int:
        place = frame if isinstance(frame, Place) else None
        key = (str(frame), "", 0) if place is None else (place.group, place.file, place.line)
        return frames.setdefault(key, len(frames))

    everything = [(tuple(map(index, stack.frames)), stack) for stack in stacks(profile)]
    title = profile.title or "guest"
    profiles = [
        _speedscope_profile(
            f"{title}: time", "seconds", [(at, stack.seconds) for at, stack in everything]
        )
    ]
    if profile.is_exact:
        profiles.append(
            _speedscope_profile(
                f"{title}: instructions", "none",
                [(at, float(round(stack.instructions))) for at, stack in everything],
            )
        )  # fmt: skip
    stretches = [
        (tuple(map(index, stretch.frames)), stretch.end - stretch.begin)
        for stretch in in_order(profile.collector, profile.naming)
    ]
    if stretches:
        title_in_order = f"{title}: call stacks in order of time"
        profiles.append(_speedscope_profile(title_in_order, "seconds", stretches))
    profiles.append(
        {
            "type": "evented",
            "name": f"{title}: vectors and devices in order of time",
            "unit": "seconds",
            "startValue": 0,
            "endValue": profile.seconds,
            "events": [
                {"type": kind, "frame": index(name), "at": at}
                for span in spans(profile)
                for kind, name, at in _opened(span)
            ],
        }
    )
    shared = [
        {"name": name, "file": file, "line": line} if file else {"name": name}
        for name, file, line in frames
    ]
    return json.dumps(
        {
            "$schema": "https://www.speedscope.app/file-format-schema.json",
            "exporter": f"jitvm@{__version__}",
            "name": title,
            "activeProfileIndex": 0,
            "shared": {"frames": shared},
            "profiles": profiles,
        }
    )


def _opened(span: Span) -> Iterator[tuple[str, str, float]]:
    """A span opens, what is in it does, and it closes."""
    yield "O", span.name, span.begin
    for each in span.inner:
        yield from _opened(each)
    yield "C", span.name, span.end


def _speedscope_profile(
    name: str, unit: str, weighed: list[tuple[tuple[int, ...], float]]
) -> dict[str, Any]:
    kept = [(stack, weight) for stack, weight in weighed if weight > 0]
    return {
        "type": "sampled",
        "name": name,
        "unit": unit,
        "startValue": 0,
        "endValue": sum(weight for _, weight in kept),
        "samples": [stack for stack, _ in kept],
        "weights": [weight for _, weight in kept],
    }


# -- Chrome trace --------------------------------------------------------------------------------

_GUEST, _COMPILER, _STACKS, _VECTORS = 1, 2, 3, 4
"""Thread numbers in a trace."""


def chrome_trace(profile: Measured) -> str:
    """Recordings, compilations and what became of them, call stacks, and vectors with the devices
    that they call, on a timeline."""
    naming, title = profile.naming, profile.title or "guest"
    rows: list[dict[str, Any]] = [
        _meta("process_name", 0, title),
        _meta("thread_name", _GUEST, "guest"),
        _meta("thread_name", _COMPILER, "compiler"),
        _meta("thread_name", _STACKS, "call stacks (sampled)"),
        _meta("thread_name", _VECTORS, "vectors and devices"),
        *_call_spans(profile),
        *(row for span in spans(profile) for row in _rows_of(span)),
    ]
    hot: float | None = None
    sizes: dict[int, int] = {}
    for each in profile.events:
        event, at = each.event, each.at
        name, details = str(naming(event.address)), event.row()
        if isinstance(event, events.Hot):
            hot = at
        elif isinstance(event, events.Recorded):
            begin = at if hot is None else hot
            rows.append(_span(f"record {name}", "recording", begin, at, _GUEST, details))
            hot = None
        elif isinstance(event, events.Compiled):
            thread = _GUEST if each.on_guest_thread else _COMPILER
            begin = max(0.0, at - event.took)
            rows.append(_span(f"compile {name}", "compiling", begin, at, thread, details))
        else:
            rows.append(
                {
                    "name": f"{event.kind} {name}", "cat": event.kind, "ph": "i", "s": "t",
                    "ts": 1e6 * at, "pid": 1, "tid": _GUEST, "args": details,
                }
            )  # fmt: skip
        if isinstance(event, events.Installed):
            sizes[event.number] = event.size
            rows.append(_counter(at, sizes))
        elif isinstance(event, events.Removed):
            sizes.pop(event.number, None)
            rows.append(_counter(at, sizes))
    other = {key: value for key, value in profile.summary().items() if key != "events"}
    return json.dumps({"traceEvents": rows, "displayTimeUnit": "ms", "otherData": other})


def _call_spans(profile: Measured) -> Iterator[dict[str, Any]]:
    """Frames as spans: one lasts as long as samples that follow each other have it."""
    open_: list[tuple[str, float]] = []
    end = 0.0

    def closed(depth: int) -> Iterator[dict[str, Any]]:
        while len(open_) > depth:
            name, begin = open_.pop()
            yield _span(name, "call", begin, end, _STACKS, {})

    for stretch in in_order(profile.collector, profile.naming):
        known = zip(open_, stretch.frames, strict=False)
        same = takewhile(lambda pair: pair[0][0] == pair[1], known)
        yield from closed(sum(1 for _ in same))
        open_ += [(name, stretch.begin) for name in stretch.frames[len(open_) :]]
        end = stretch.end
    yield from closed(0)


def _rows_of(span: Span) -> Iterator[dict[str, Any]]:
    yield _span(span.name, span.kind, span.begin, span.end, _VECTORS, span.details)
    for each in span.inner:
        if each.kind != "compiling":  # all compilations are elsewhere
            yield from _rows_of(each)


def _meta(name: str, thread: int, value: str) -> dict[str, Any]:
    return {"name": name, "ph": "M", "pid": 1, "tid": thread, "args": {"name": value}}


def _span(
    name: str, category: str, begin: float, end: float, thread: int, details: dict[str, Any]
) -> dict[str, Any]:
    return {
        "name": name, "cat": category, "ph": "X", "ts": 1e6 * begin, "dur": 1e6 * (end - begin),
        "pid": 1, "tid": thread, "args": details,
    }  # fmt: skip


def _counter(at: float, sizes: dict[int, int]) -> dict[str, Any]:
    values = {"regions": len(sizes), "bytes": sum(sizes.values())}
    return {"name": "native code", "ph": "C", "ts": 1e6 * at, "pid": 1, "args": values}


# -- JSON lines ----------------------------------------------------------------------------------


def jsonl(profile: Measured) -> str:
    """One object a line: the summary, then events, then rows of tables.

    ``kind`` is "profile", an event's kind, or "row" with the table's name in ``table``; events
    have the label of their address, and ``at``, seconds since the profile began.
    """
    lines: list[dict[str, Any]] = [
        {"kind": "profile", "format": 1, "jitvm": __version__, **profile.summary()}
    ]
    for each in profile.events:
        label = str(profile.naming(each.event.address))
        lines.append({**each.event.row(), "at": each.at, "label": label})
    for table in TABLES:
        rows = getattr(profile, table)
        lines += ({"kind": "row", "table": table, **asdict(row)} for row in rows)
    return "".join(json.dumps(line) + "\n" for line in lines)


# -- OpenMetrics ---------------------------------------------------------------------------------


def openmetrics(profile: Measured) -> str:
    """Counters and gauges in the text format of Prometheus."""
    lines: list[str] = []

    def family(
        name: str, kind: str, about: str, samples: list[tuple[dict[str, object], float]],
        unit: str = "",
    ) -> None:  # fmt: skip
        if not samples:
            return
        lines.append(f"# TYPE {name} {kind}")
        if unit:
            lines.append(f"# UNIT {name} {unit}")
        lines.append(f"# HELP {name} {about}")
        suffix = "_total" if kind == "counter" else ""
        lines.extend(f"{name}{suffix}{_labels(labels)} {value}" for labels, value in samples)

    share = profile.native_share
    of = "instructions" if profile.is_exact else "time"
    family(
        "jitvm_native_ratio",
        "gauge",
        "Part of the guest that was native.",
        [] if share is None else [({"of": of}, share)],
        "ratio",
    )
    family(
        "jitvm_instructions",
        "counter",
        "Guest instructions by tier.",
        [({"tier": t.tier}, t.instructions) for t in profile.tiers if t.instructions is not None],
    )
    family(
        "jitvm_state_seconds",
        "counter",
        "Time of the guest's thread by state.",
        [({"state": row.state.value}, max(0.0, row.seconds)) for row in profile.states],
        "seconds",
    )
    regions = [row for row in profile.regions if not row.removed]
    family("jitvm_regions", "gauge", "Regions that are installed.", [({}, len(regions))])
    family(
        "jitvm_code_bytes",
        "gauge",
        "Machine code of installed regions.",
        [({}, sum(row.code_bytes for row in regions))],
        "bytes",
    )
    compiles = profile.compiles
    family("jitvm_compiles", "counter", "Compilations.", [({}, len(compiles))])
    family(
        "jitvm_compile_seconds", "counter", "Time spent compiling by stage.",
        [
            ({"stage": stage}, sum(getattr(row, stage) for row in compiles))
            for stage in ("forming", "lowering", "compiling")
        ],
        "seconds",
    )  # fmt: skip
    exits: Counter[str] = Counter()
    for row in profile.exits:
        exits[row.reason] += row.times
    family(
        "jitvm_exits",
        "counter",
        "Exits taken out of regions by reason.",
        [({"reason": reason}, times) for reason, times in exits.items()],
    )
    aborts: Counter[str] = Counter()
    for abort in profile.aborts:
        aborts[abort.reason] += abort.times
    family(
        "jitvm_aborts",
        "counter",
        "What was not compiled or thrown away by reason.",
        [({"reason": reason}, times) for reason, times in aborts.items()],
    )
    family(
        "jitvm_events",
        "counter",
        "Events of the JIT by kind.",
        [({"event": kind}, times) for kind, times in profile.event_counts.items()],
    )
    host = profile.host
    family(
        "jitvm_device_calls",
        "counter",
        "Calls of Python devices by port.",
        [({"port": f"{row.port:02x}", "kind": row.kind}, row.calls) for row in host],
    )
    family(
        "jitvm_device_seconds",
        "counter",
        "Time in Python devices by port.",
        [({"port": f"{row.port:02x}", "kind": row.kind}, row.seconds) for row in host],
        "seconds",
    )
    return "\n".join([*lines, "# EOF", ""])


def _labels(labels: dict[str, object]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: object) -> str:
    return str(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


FORMATS: dict[str, Callable[[Measured], str]] = {
    "chrome-trace": chrome_trace,
    "speedscope": speedscope,
    "collapsed": collapsed,
    "jsonl": jsonl,
    "openmetrics": openmetrics,
}
"""Text of a profile by the format's name."""

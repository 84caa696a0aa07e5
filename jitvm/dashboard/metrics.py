"""A run's figures for Prometheus, in its text format 0.0.4."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jitvm.dashboard.runner import Activity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_TOTALS = (
    ("regions", "gauge", "regions", "Regions that can be entered."),
    ("code_bytes", "gauge", "bytes", "Machine code of these regions."),
    ("viewers", "gauge", "viewers", "Pages that show this run."),
    ("recordings_total", "counter", "recordings", "Recordings of hot code."),
    ("installed_total", "counter", "installed", "Regions installed."),
    ("invalidated_total", "counter", "invalidated", "Regions thrown away because of overwrites."),
    ("compile_seconds_total", "counter", "compile_seconds", "Time spent compiling."),
)


def exposition(
    totals: Mapping[str, Any],
    exits: Mapping[str, int],
    activity: Activity,
    refused: Mapping[str, int],
) -> str:
    """The figures as text; what is not known yet is left out."""
    lines: list[str] = []
    if "executed" in totals:
        native, executed = totals["native"], totals["executed"]
        by_tier = [("native", native), ("interpreter", executed - native)]
        about = "Guest instructions; native ones only while all are counted."
        lines += _family("instructions_total", "counter", about, "tier", by_tier)
        if totals["counted"]:
            share = native / max(executed, 1)
            lines += _single("native_ratio", "gauge", "Share of them in native code.", share)
    for name, kind, key, about in _TOTALS:
        if key in totals:
            lines += _single(name, kind, about, totals[key])
    if totals:
        kinds = totals["kinds"].items()
        lines += _family("events_total", "counter", "What the JIT told.", "kind", kinds)
    lines += _family("refused_total", "counter", "Not compiled.", "reason", refused.items())
    lines += _family("exits", "gauge", "Exits of regions.", "reason", exits.items())
    states = [(each.value, int(each is activity)) for each in Activity]
    lines += _family("activity", "gauge", "What the guest does.", "state", states)
    return "".join(f"{line}\n" for line in lines)


def _family(
    name: str, kind: str, about: str, label: str, rows: Iterable[tuple[str, float]]
) -> list[str]:
    body = [f'jitvm_{name}{{{label}="{each}"}} {value}' for each, value in rows]
    return [*_head(name, kind, about), *body] if body else []


def _single(name: str, kind: str, about: str, value: float) -> list[str]:
    return [*_head(name, kind, about), f"jitvm_{name} {value}"]


def _head(name: str, kind: str, about: str) -> list[str]:
    return [f"# HELP jitvm_{name} {about}", f"# TYPE jitvm_{name} {kind}"]

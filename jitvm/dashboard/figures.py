"""Figures for a live run as a whole, and the position of a paused guest, for the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jitvm.dashboard.runner import Activity
from jitvm.dashboard.target import line_of

if TYPE_CHECKING:
    from jitvm.dashboard.runner import Worker
    from jitvm.dashboard.sampler import Run
    from jitvm.dashboard.source import Message
    from jitvm.dashboard.target import Seen

DEVICES_SHOWN = 4


def totals(run: Run, runner: Worker, viewers: int) -> Message:
    """Figures of a run as a whole; with the sampler's lock held."""
    statistics = run.look.statistics
    totals: Message = {
        "counting": runner.counting,
        "wanted": runner.wants_counting,
        "counted": run.is_counted,
        "executed": run.executed,
        "native": run.native,
        "regions": len(run.regions.rows),
        "bytes": run.regions.code_bytes,
        "events": run.journal.total,
        "kinds": run.journal.totals(),
        "viewers": viewers,
        "devices": _devices(runner),
    }
    if statistics is not None:
        totals |= {
            "recordings": statistics.recordings,
            "installed": statistics.installed,
            "kept": statistics.kept,
            "invalidated": statistics.invalidated,
            "rejected": statistics.rejected,
            "compile_seconds": round(run.compile_seconds, 4),
            "errors": list(statistics.errors[-5:]),
        }
    return totals


def _devices(runner: Worker) -> list[list[object]]:
    """Ports whose Python devices took longest: port, kind, calls, seconds."""
    rows = [] if runner.host is None else runner.host.rows()[:DEVICES_SHOWN]
    return [[row.port, row.kind, row.calls, round(row.seconds, 6)] for row in rows]


def standing(run: Run, runner: Worker, target: Seen) -> Message | None:
    """The state of a paused guest: next instruction and stacks; None while it runs."""
    if runner.activity is not Activity.PAUSED:
        return None
    state = run.machine.state
    pc = state.pc
    place = target.place(pc)
    text, _ = target.spell(run.machine.memory, pc)
    stacks = []
    for stack, pointer, about in zip(
        state.stacks, state.pointers, run.machine.guest.stacks, strict=True
    ):
        live = [stack[at % about.size] for at in range(max(pointer - 8, 0), pointer)]
        stacks.append({"pointer": pointer, "top": live})
    return {
        "pc": pc, "label": str(place), "line": line_of(place), "text": text, "stacks": stacks,
    }  # fmt: skip

"""One region at every stage, with counts: guest code, exits, region IR, LLVM IR, assembly.

Guest lines carry the line of source they are from, how often they were seen while hot code was
recorded, and how often the region was left at them. Lines of region IR that lead out carry the
count of their exit: the text numbers exits in an order of its own, so they are matched by reason
and address.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from jitvm.dashboard.target import line_of
from jitvm.engine.ir.text import show
from jitvm.engine.machine.explain import assembly_lines

if TYPE_CHECKING:
    from jitvm.dashboard.regions import Counters
    from jitvm.dashboard.target import Target
    from jitvm.engine.jit.jit import Jit
    from jitvm.engine.jit.regions import Installed

_EXIT_LINE = re.compile(r"^(x\d+): (?:next|jump|leave|\w+) (\w+) pc (?:#(\d+))?")
_EXIT_NAME = re.compile(r"\bx\d+\b")


def detail(target: Target, jit: Jit, installed: Installed, counters: Counters) -> dict[str, object]:
    """Everything of a region but its assembly, as plain data for the page."""
    compiled = installed.compiled
    times = counters.exits(installed)
    exits = [
        {"reason": reason, "target": to, "times": count, "label": _label(target, to)}
        for (reason, to), count in zip(compiled.exits, times, strict=True)
    ]
    taken: Counter[tuple[str, int | None]] = Counter()
    for exit_, count in zip(compiled.exits, times, strict=True):
        taken[exit_] += count
    region = compiled.region
    guest = _guest_lines(target, jit, installed, taken)
    return {
        "number": installed.number,
        "start": region.start,
        "label": str(target.place(region.start)),
        "guest": guest,
        "source": _source(target, guest),
        "exits": sorted(exits, key=lambda each: -int(str(each["times"]))),
        "entries": [str(target.place(at)) for at in jit.planner.entries_of(installed)],
        "limits": [[reason.name, travel] for reason, travel in region.limits.items()],
        "ir": _ir_lines(show(region.graph), taken),
        "llvm": compiled.llvm.splitlines(),
    }


def assembly(installed: Installed) -> list[str]:
    """The machine code of a region as lines of assembly; empty where its text was not kept.

    Raises:
        NativeError: LLVM refused its text.
    """
    compiled = installed.compiled
    return assembly_lines(compiled.llvm, compiled.speed) if compiled.llvm else []


def _label(target: Target, address: int | None) -> str:
    return "computed" if address is None else str(target.place(address))


def _guest_lines(
    target: Target, jit: Jit, installed: Installed, taken: Counter[tuple[str, int | None]]
) -> list[dict[str, object]]:
    memory = bytes(jit.state.spaces[jit.guest.code_index])
    nodes = installed.compiled.region.nodes
    leaving: Counter[int] = Counter()
    for (_, to), count in taken.items():
        if to is not None:
            leaving[to] += count
    lines: list[dict[str, object]] = []
    following = -1
    for address in sorted(nodes):
        text, size = target.spell(memory, address)
        place = target.place(address)
        lines.append(
            {
                "address": address,
                "text": text,
                "label": "" if place.offset else place.label,
                "line": line_of(place),
                "gap": following >= 0 and address != following,
                "copies": nodes[address],
                "seen": jit.travel(address),
                "left": leaving[address],
            }
        )
        following = address + size
    return lines


def _source(target: Target, guest: list[dict[str, object]]) -> dict[str, str]:
    """Text of the lines of source that instructions are from, by ``file:line``."""
    lines: dict[str, str] = {}
    for place in {target.place(int(str(each["address"]))) for each in guest if each["line"]}:
        source = target.source(place.file)
        if place.line <= len(source):
            lines[line_of(place)] = source[place.line - 1].strip()
    return lines


def _ir_lines(text: str, taken: Counter[tuple[str, int | None]]) -> list[list[object]]:
    """Lines with the count of the exits they name; None where they name none."""
    lines = text.splitlines()
    counts: dict[str, int] = {}
    for line in lines:
        match = _EXIT_LINE.match(line)
        if match is not None:
            to = None if match[3] is None else int(match[3])
            counts[match[1]] = taken[match[2], to]
    return [
        [line, sum(counts.get(name, 0) for name in names) if names else None]
        for line in lines
        for names in [_EXIT_NAME.findall(line)]
    ]

"""One region at every stage, with counts: guest code, exits, region IR, LLVM IR, assembly.

Guest lines carry their source line, how often they were seen while hot code was recorded, and how
often the region was left there. Lines of region IR with an exit carry its count; as the text
numbers exits in its own order, they are matched by reason and address.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from jitvm.dashboard.target import line_of

if TYPE_CHECKING:
    from jitvm.dashboard.target import Seen
    from jitvm.engine.machine.inspect import Inspector, RegionView

_EXIT_LINE = re.compile(r"^(x\d+): (?:next|jump|leave|\w+) (\w+) pc (?:#(\d+))?")
_EXIT_NAME = re.compile(r"\bx\d+\b")


def detail(target: Seen, look: Inspector, region: RegionView) -> dict[str, object]:
    """Everything of a region but its assembly, as plain data for the page."""
    times = look.times_left(region)
    exits = [
        {"reason": reason, "target": to, "times": count, "label": _label(target, to)}
        for (reason, to), count in zip(region.exits, times, strict=True)
    ]
    taken: Counter[tuple[str, int | None]] = Counter()
    for exit_, count in zip(region.exits, times, strict=True):
        taken[exit_] += count
    guest = _guest_lines(target, look, region, taken)
    return {
        "number": region.number,
        "start": region.start,
        "label": str(target.place(region.start)),
        "guest": guest,
        "source": _source(target, guest),
        "exits": sorted(exits, key=lambda each: -int(str(each["times"]))),
        "entries": [str(target.place(at)) for at in look.entries_of(region)],
        "limits": [[reason, travel] for reason, travel in region.limits.items()],
        "ir": _ir_lines(region.ir(), taken),
        "llvm": region.llvm.splitlines(),
    }


def _label(target: Seen, address: int | None) -> str:
    return "computed" if address is None else str(target.place(address))


def _guest_lines(
    target: Seen, look: Inspector, region: RegionView, taken: Counter[tuple[str, int | None]]
) -> list[dict[str, object]]:
    memory = bytes(look.machine.memory)
    nodes = region.instructions
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
                "seen": look.travel(address),
                "left": leaving[address],
            }
        )
        following = address + size
    return lines


def _source(target: Seen, guest: list[dict[str, object]]) -> dict[str, str]:
    """Text of the lines of source that instructions are from, by ``file:line``."""
    lines: dict[str, str] = {}
    for place in {target.place(int(str(each["address"]))) for each in guest if each["line"]}:
        source = target.source(place.file)
        if place.line <= len(source):
            lines[line_of(place)] = source[place.line - 1].strip()
    return lines


def _ir_lines(text: str, taken: Counter[tuple[str, int | None]]) -> list[list[object]]:
    """Lines with the count of the exits they name; None if they name none."""
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

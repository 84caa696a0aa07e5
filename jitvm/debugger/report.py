"""What a debugger shows, as lines of text: where it stands, code, memory, stacks, frames."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jitvm.engine.tables.names import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jitvm.debugger.breakpoints import Breakpoint
    from jitvm.debugger.debugger import Debugger
from jitvm.debugger.stopped import Stopped

WIDTH = 16
"""Bytes in a line of memory."""
REASONS = {
    "ended": "the program has ended",
    "input": "the program waits for input: give it some with `input TEXT`, or end it with `eof`",
    "pause": "interrupted",
    "start": "this is the start; nothing is before it",
}


def where(debugger: Debugger) -> list[str]:
    """The next instruction, and the line it comes from."""
    if not debugger.history.is_running:
        return []
    pc = debugger.state.pc
    text, _ = debugger.spell(pc)
    lines = [f"{debugger.name(pc)}  {text}"]
    if (line := debugger.line(pc)) is not None:
        lines.append(f"{os.path.basename(line[0])}:{line[1]}  {source_line(debugger, *line)}")
    return lines


def source_line(debugger: Debugger, file: str, line: int) -> str:
    """A line of source; empty if it cannot be read."""
    rows = debugger.program.source(file)
    return shown(rows[line - 1].expandtabs(4).strip()) if 0 < line <= len(rows) else ""


def stopped(debugger: Debugger, stop: Stopped) -> list[str]:
    """Why it stands still, and where."""
    return [*why(debugger, stop), *where(debugger)]


def why(debugger: Debugger, stop: Stopped) -> list[str]:
    """Why it stands still."""
    lines = [REASONS[stop.reason]] if stop.reason in REASONS else []
    for number in stop.breakpoints:
        row = debugger.table.rows.get(number)
        lines.append(f"breakpoint {number}" + (f", {row.what}" if row else ""))
    return [*lines, *stop.notes]


def stacks(debugger: Debugger) -> list[str]:
    """The bytes of each stack, the top last."""
    state, rows = debugger.state, []
    for stack, cells, pointer in zip(
        debugger.guest.stacks, state.stacks, state.pointers, strict=True
    ):
        live = bytes(cells[max(pointer - WIDTH, 0) : pointer]).hex(" ")
        more = "... " if pointer > WIDTH else ""
        rows.append(f"{stack.name} ({pointer:3}) {more}{live}".rstrip())
    return rows


def memory(cells: memoryview, start: int, count: int) -> list[str]:
    """Bytes as numbers and as text."""
    size, lines = len(cells), []
    for at in range(start, start + count, WIDTH):
        part = bytes(cells[(at + i) % size] for i in range(min(WIDTH, start + count - at)))
        text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in part)
        lines.append(f"{at % size:04x}  {part.hex(' '):{3 * WIDTH}} {text}")
    return lines


@dataclass(frozen=True, slots=True)
class Instruction:
    """An instruction: its address, its bytes in hexadecimal, its text, the label on it or none."""

    address: int
    raw: str
    text: str
    label: str


def instructions(debugger: Debugger, start: int, count: int) -> Iterator[Instruction]:
    """So many instructions from an address on."""
    size, memory = debugger.guest.code_space.size, debugger.machine.memory
    at = start % size
    for _ in range(count):
        text, length = debugger.spell(at)
        length = max(length, 1)
        raw = bytes(memory[(at + i) % size] for i in range(length)).hex()
        place = debugger.program.place(at)
        yield Instruction(at, raw, text, "" if place.offset else place.label)
        at = (at + length) % size


def addresses_before(debugger: Debugger, end: int, count: int) -> list[int]:
    """Addresses of at most so many instructions that come before one."""
    found: list[int] = []
    end = min(end, debugger.guest.code_space.size)
    at = max(end - 4 * count, 0)  # instructions find their places after a few
    while at < end:
        found.append(at)
        at += max(debugger.spell(at)[1], 1)
    return found[-count:]


def code(debugger: Debugger, start: int, count: int) -> list[str]:
    """Instructions from an address on."""
    lines, breaks = [], debugger.table.spans()
    for each in instructions(debugger, start, count):
        is_next = each.address == debugger.state.pc and debugger.history.is_running
        mark, stop = ">" if is_next else " ", "*" if each.address in breaks else " "
        label = f"  {each.label}:" if each.label else ""
        lines.append(f"{mark}{stop}{each.address:04x}  {each.raw:8} {each.text}{label}")
    return lines


def around(debugger: Debugger, start: int, skipped: int, count: int) -> list[int | None]:
    """Addresses of instructions, so many before or behind one; None outside of memory."""
    size = debugger.guest.code_space.size
    before = addresses_before(debugger, start, -skipped) if skipped < 0 else []
    found: list[int | None] = [None] * (max(-skipped, 0) - len(before))
    found += before
    at, ahead = start, max(skipped, 0)
    while len(found) < count + ahead:
        found.append(at if 0 <= at < size else None)
        at += max(debugger.spell(at)[1], 1) if 0 <= at < size else 1
    return found[ahead : ahead + count]


def source(debugger: Debugger, file: str, line: int, count: int) -> list[str]:
    """Lines of source around one."""
    rows = debugger.program.source(file)
    first = max(min(line - count // 2, len(rows) - count + 1), 1)
    here = debugger.line()
    lines = []
    for number, text in enumerate(rows[first - 1 : first - 1 + count], first):
        mark = ">" if here == (file, number) else " "
        lines.append(f"{mark}{number:5}  {shown(text.expandtabs(4))}")
    return lines


def frames(debugger: Debugger) -> list[str]:
    """Who has called whom."""
    lines = []
    for number, frame in enumerate(debugger.frames()):
        line = debugger.line(frame.pc)
        file = f"  {os.path.basename(line[0])}:{line[1]}" if line else ""
        lines.append(f"#{number}  {debugger.name(frame.pc)}{file}")
    return lines


def breakpoint(row: Breakpoint) -> str:
    """One breakpoint in a line."""
    words = [f"{row.number}: {row.kind.value} {row.what}"]
    if row.condition is not None:
        words.append(f"if {row.condition.text}")
    if row.log is not None:
        words.append(f"log {row.log!r}")
    if row.ignore:
        words.append(f"after {row.ignore} hits")
    if row.is_temporary:
        words.append("once")
    if not row.is_enabled:
        words.append("disabled")
    words.append(f"hit {row.hits} time{'' if row.hits == 1 else 's'}")
    return ", ".join(words)

"""What there is to see of a program that stands still: a `Look`, which stays as it is.

It is taken by the thread that runs the program, and may be read by any other.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jitvm.debugger import report
from jitvm.debugger.breakpoints import Kind

if TYPE_CHECKING:
    from jitvm.debugger.commands import Commands
    from jitvm.debugger.debugger import Debugger
    from jitvm.debugger.report import Instruction
    from jitvm.platform.screen import Pixels

MOST_COPIED = 1 << 20
"""Bytes of the largest space that is copied; larger ones are shown as they are when looked at."""
MOST_BEFORE, MOST_CODE = 100, 400
"""Instructions before a place that are shown, and all together."""

Line = tuple[str, int]
"""A file and a line in it, from 1 on."""


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack's name and bytes, the top last."""

    name: str
    live: bytes


@dataclass(frozen=True, slots=True)
class Space:
    """A space's name and bytes."""

    name: str
    cells: bytes | memoryview


@dataclass(frozen=True, slots=True)
class Call:
    """A frame of the call stack: its address and line, and how it is called."""

    pc: int
    line: Line | None
    text: str


@dataclass(frozen=True, slots=True)
class Stop:
    """A breakpoint: its number, text, whether it is enabled; addresses and lines, if it has any."""

    number: int
    text: str
    is_enabled: bool
    addresses: frozenset[int]
    lines: frozenset[Line]


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a program.

    Attributes:
        time, horizon: instructions from the start, and the latest time that is known.
        pc, line: of the next instruction; None where there is none.
        where: the next instruction as text, or empty.
        stacks, spaces, ports: their bytes.
        calls: the innermost first.
        stops: breakpoints, by number.
        displays: what is shown at each stop.
        picture: what the program shows; None if it has no screen.
    """

    time: int
    horizon: int
    pc: int | None
    line: Line | None
    where: str
    stacks: tuple[Stack, ...]
    spaces: tuple[Space, ...]
    ports: bytes
    calls: tuple[Call, ...]
    stops: tuple[Stop, ...]
    displays: tuple[str, ...]
    picture: Pixels | None


def take(commands: Commands) -> Look:
    """Look at the program of a debugger."""
    debugger = commands.debugger
    state, history = debugger.state, debugger.history
    pc = state.pc if history.is_running else None
    return Look(
        time=history.time,
        horizon=history.horizon,
        pc=pc,
        line=None if pc is None else debugger.line(pc),
        where="" if pc is None else f"{debugger.name(pc)}  {debugger.spell(pc)[0]}",
        stacks=tuple(
            Stack(stack.name, bytes(cells[:pointer]))
            for stack, cells, pointer in zip(
                debugger.guest.stacks, state.stacks, state.pointers, strict=True
            )
        ),
        spaces=tuple(
            Space(space.name, bytes(cells) if len(cells) <= MOST_COPIED else cells)
            for space, cells in zip(debugger.guest.spaces, state.spaces, strict=True)
        ),
        ports=bytes(debugger.machine.page),
        calls=tuple(_calls(debugger)),
        stops=tuple(_stops(debugger)),
        displays=tuple(commands.displays()),
        picture=picture(debugger),
    )


def _calls(debugger: Debugger) -> list[Call]:
    if not debugger.history.is_running:
        return []
    calls = []
    for frame in debugger.frames():
        line = debugger.line(frame.pc)
        file = f"  {os.path.basename(line[0])}:{line[1]}" if line else ""
        calls.append(Call(frame.pc, line, f"{debugger.program.place(frame.pc)}{file}"))
    return calls


def _stops(debugger: Debugger) -> list[Stop]:
    stops = []
    for row in debugger.table.rows.values():
        addresses = row.spans if row.kind is Kind.CODE else frozenset[int]()
        lines = frozenset(
            line for address in addresses if (line := debugger.line(address)) is not None
        )
        stops.append(Stop(row.number, report.breakpoint(row), row.is_enabled, addresses, lines))
    return stops


def picture(debugger: Debugger) -> Pixels | None:
    """What the program shows now; None if it has no screen, or has not set it up."""
    computer = debugger.computer
    if not computer.has_screen or not computer.is_graphical:
        return None
    computer.screen.compose()
    return computer.screen.pixels.copy()


def code(debugger: Debugger, address: int) -> list[Instruction]:
    """Instructions around an address, at which one begins."""
    before = report.addresses_before(debugger, address, MOST_BEFORE)
    rows = list(report.instructions(debugger, before[0], len(before))) if before else []
    while rows and rows[-1].address >= address:
        rows.pop()
    for each in report.instructions(debugger, address, MOST_CODE - len(rows)):
        if each.address < address:
            break  # behind the end of memory is its beginning
        rows.append(each)
    return rows

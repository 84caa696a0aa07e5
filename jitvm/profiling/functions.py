"""Native code under names that people know, for tools that see nothing but addresses.

    machine --handlers, regions--> Function --announced--> Book: perf map, jitdump, GDB

A region is a function under its guest label; the interpreter's handlers are functions under the
names of their opcodes. A book takes down what there is, what comes, and what goes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from jitvm.engine.memory.layout import HANDLER_TABLES, TABLES
from jitvm.engine.tables import events
from jitvm.engine.tables.place import Naming, nameless
from jitvm.profiling.listening import listening

if TYPE_CHECKING:
    from jitvm.engine.jit.regions import Installed
    from jitvm.engine.machine.machine import Machine

_WAYS_IN = ("enter", "step", "deliver")
_STUBS = tuple(name for name in TABLES if name not in HANDLER_TABLES)


@dataclass(frozen=True, slots=True)
class Function:
    """Native code with a name, and the source it is from, as far as that is known."""

    address: int
    size: int
    name: str
    file: str = ""
    line: int = 0


class Book(Protocol):
    """What functions are written down in."""

    def add(self, functions: list[Function]) -> None:
        """Functions that are there from now on."""

    def remove(self, function: Function) -> None:
        """One that is there no more; its bytes may soon be another's."""

    def close(self) -> None:
        """No more are to come."""


@contextmanager
def announced(machine: Machine, book: Book, naming: Naming = nameless) -> Iterator[None]:
    """Keep a book of a machine's native code while a ``with`` block lasts, and close it then."""
    regions: dict[int, Function] = {}

    def add(installed: list[Installed]) -> list[Function]:
        fresh = {each.number: _region(each, naming) for each in installed}
        regions.update(fresh)
        return list(fresh.values())

    def on_event(event: events.Event) -> None:
        if machine.jit is None:
            return
        if isinstance(event, events.Installed):
            book.add(add([machine.jit.regions[event.address]]))
        elif isinstance(event, events.Removed) and event.number in regions:
            book.remove(regions.pop(event.number))

    try:
        present = [] if machine.jit is None else list(machine.jit.regions.values())
        book.add([*_handlers(machine), *add(present)])
        with listening(machine, on_event):
            yield
    finally:
        book.close()


def _region(each: Installed, naming: Naming) -> Function:
    place = naming(each.start)
    size = len(each.compiled.text)
    return Function(each.span.address, size, f"{place} #{each.number}", place.file, place.line)


def _handlers(machine: Machine) -> Iterator[Function]:
    """Functions of the interpreter by address; each ends where the next one starts."""
    if machine.native is None:
        return
    handlers = machine.native.handlers
    names = {handlers.address(name): f"interpreter {name}" for name in (*_WAYS_IN, *_STUBS)}
    for row in machine.guest.opcodes:
        for table in HANDLER_TABLES:
            at = 8 * row.code
            address = int.from_bytes(handlers.tables[table][at : at + 8], sys.byteorder)
            names.setdefault(address, f"interpreter {row.name}")
    starts = sorted(names)
    ends = [*starts[1:], handlers.span.address + handlers.span.size]
    for start, end in zip(starts, ends, strict=True):
        yield Function(start, end - start, names[start])

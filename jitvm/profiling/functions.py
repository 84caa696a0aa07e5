"""Names for native code, for tools that see only addresses.

    machine --handlers, regions--> Function --announced--> Book: perf map, jitdump, GDB

A region is a function named by its guest label; the interpreter's handlers are functions named by
their opcodes. A book records the existing functions and those that are added and removed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from jitvm.engine.machine.inspect import Inspector
from jitvm.engine.tables import events
from jitvm.engine.tables.place import Naming, nameless
from jitvm.profiling.listening import listening

if TYPE_CHECKING:
    from jitvm.engine.machine.inspect import Machine, RegionView


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
    look = Inspector(machine)
    regions: dict[int, Function] = {}

    def add(installed: list[RegionView]) -> list[Function]:
        fresh = {each.number: _region(each, naming) for each in installed}
        regions.update(fresh)
        return list(fresh.values())

    def on_event(event: events.Event) -> None:
        if isinstance(event, events.Installed):
            region = look.region(event.address)
            assert region is not None
            book.add(add([region]))
        elif isinstance(event, events.Removed) and event.number in regions:
            book.remove(regions.pop(event.number))

    try:
        book.add([*_handlers(look), *add(look.regions())])
        with listening(machine, on_event):
            yield
    finally:
        book.close()


def _region(each: RegionView, naming: Naming) -> Function:
    place = naming(each.start)
    name = f"{place} #{each.number}"
    return Function(each.address, each.code_bytes, name, place.file, place.line)


def _handlers(look: Inspector) -> Iterator[Function]:
    """Functions of the interpreter by address; each ends where the next one starts."""
    for address, size, name in look.interpreter_functions():
        yield Function(address, size, f"interpreter {name}")

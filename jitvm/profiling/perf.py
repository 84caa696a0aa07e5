"""Names of native code for Linux perf: the perf map and the jitdump.

    perf map   /tmp/perf-PID.map, a text line a function: START SIZE name (hexadecimal)
    jitdump    jit-PID.dump, binary: header, then LOAD records with the code itself, so that
               `perf inject --jit` and then `perf annotate` show instructions; before each LOAD a
               DEBUG_INFO record with the line of source where the region starts

Both are written while the program runs, as regions are installed, under their guest labels; the
interpreter's handlers are in them from the start, under the names of their opcodes. perf finds a
jitdump because it was mapped executable.

Formats: tools/perf/Documentation/jit-interface.txt and jitdump-specification.txt of Linux.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import struct
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from jitvm.engine import events
from jitvm.engine.layout import HANDLER_TABLES
from jitvm.engine.place import Naming, nameless
from jitvm.profiling.listening import Listening

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from jitvm.engine.installed import Installed
    from jitvm.engine.machine import Machine

MAGIC = 0x4A695444
"""Also tells the byte order: "JiTD" or "DTiJ"."""
VERSION = 1
HEADER = struct.Struct("=IIIIIIQQ")
"""magic, version, size of this, ELF machine, 0, process, time, flags"""
RECORD = struct.Struct("=IIQ")
"""kind, size of the whole record, time"""
LOAD = struct.Struct("=IIQQQQ")
"""process, thread, virtual address, address of the code, its size, number; then name, 0, code"""
DEBUG_INFO = struct.Struct("=QQ")
"""address of the code, number of entries"""
DEBUG_ENTRY = struct.Struct("=QII")
"""address, line, discriminator; then file name, 0"""
CODE_LOAD, CODE_DEBUG_INFO, CODE_CLOSE = 0, 2, 3
ELF_MACHINES = {"x86_64": 62, "aarch64": 183}


class Function(NamedTuple):
    """Native code with a name, and the source it is from, as far as that is known."""

    address: int
    size: int
    name: str
    file: str = ""
    line: int = 0


class PerfMap:
    """Writes the perf map of this process, from `begin` to `end` or in a ``with`` block.

    Args:
        machine: whose code is named.
        naming: turns guest addresses into places.
        path: default: where perf looks.

    Raises:
        OSError: the file cannot be written.
    """

    def __init__(
        self, machine: Machine, naming: Naming = nameless, path: str | Path | None = None
    ) -> None:
        self._machine = machine
        self._naming = naming
        self._file = open(path or f"/tmp/perf-{os.getpid()}.map", "a", encoding="utf-8")  # noqa: SIM115
        self._listening = Listening(machine, self._on_event)

    def __enter__(self) -> Self:
        self.begin()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    def begin(self) -> None:
        """Write what there is, and listen."""
        for function in present(self._machine, self._naming):
            self._write(function)
        self._listening.begin()

    def end(self) -> None:
        """Listen no more; the file stays, perf reads it later."""
        self._listening.end()
        self._file.close()

    def _on_event(self, event: events.Event) -> None:
        function = installed(self._machine, self._naming, event)
        if function is not None:
            self._write(function)

    def _write(self, function: Function) -> None:
        name = function.name.replace("\n", " ")
        self._file.write(f"{function.address:x} {function.size:x} {name}\n")
        self._file.flush()


class JitDump:
    """Writes a jitdump of this process, from `begin` to `end` or in a ``with`` block.

    Args:
        machine: whose code is dumped.
        naming: turns guest addresses into places.
        folder: where the file goes; it is called ``jit-PID.dump``, as perf asks for.

    Raises:
        OSError: the file cannot be written.
    """

    def __init__(
        self, machine: Machine, naming: Naming = nameless, folder: str | Path = "."
    ) -> None:
        self.path = Path(folder) / f"jit-{os.getpid()}.dump"
        self._machine = machine
        self._naming = naming
        self._file = self.path.open("wb+")
        self._number = 0
        self._marker: mmap.mmap | None = None
        self._listening = Listening(machine, self._on_event)

    def __enter__(self) -> Self:
        self.begin()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    def begin(self) -> None:
        """Write the header and what there is, have perf notice the file, and listen."""
        machine = ELF_MACHINES.get(os.uname().machine, 0)
        self._file.write(
            HEADER.pack(MAGIC, VERSION, HEADER.size, machine, 0, os.getpid(), _now(), 0)
        )
        for function in present(self._machine, self._naming):
            self._load(function)
        self._file.flush()
        protection = mmap.PROT_READ | mmap.PROT_EXEC
        self._marker = mmap.mmap(self._file.fileno(), 0, mmap.MAP_PRIVATE, protection)
        self._listening.begin()

    def end(self) -> None:
        """Write the closing record."""
        self._listening.end()
        self._record(CODE_CLOSE, b"")
        if self._marker is not None:
            self._marker.close()
        self._file.close()

    def _on_event(self, event: events.Event) -> None:
        function = installed(self._machine, self._naming, event)
        if function is not None:
            self._load(function)

    def _load(self, function: Function) -> None:
        if function.file:
            entry = DEBUG_ENTRY.pack(function.address, function.line, 0)
            entry += function.file.encode() + b"\0"
            self._record(CODE_DEBUG_INFO, DEBUG_INFO.pack(function.address, 1) + entry)
        self._number += 1
        address, size = function.address, function.size
        load = LOAD.pack(
            os.getpid(), threading.get_native_id(), address, address, size, self._number
        )
        code = ctypes.string_at(address, size)
        self._record(CODE_LOAD, load + function.name.encode() + b"\0" + code)

    def _record(self, kind: int, body: bytes) -> None:
        self._file.write(RECORD.pack(kind, RECORD.size + len(body), _now()) + body)
        self._file.flush()


def _now() -> int:
    """Nanoseconds of the clock that ``perf record -k 1`` uses."""
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)


# -- what there is -------------------------------------------------------------------------------


def present(machine: Machine, naming: Naming) -> Iterator[Function]:
    """The interpreter's handlers, and the regions that are installed."""
    yield from _handlers(machine)
    for each in [] if machine.jit is None else list(machine.jit.regions.values()):
        yield _region(each, naming)


def installed(machine: Machine, naming: Naming, event: events.Event) -> Function | None:
    """The region an event says was installed."""
    if not isinstance(event, events.Installed) or machine.jit is None:
        return None
    return _region(machine.jit.regions[event.address], naming)


def _region(each: Installed, naming: Naming) -> Function:
    place, span = naming(each.start), each.span
    size = len(each.compiled.text)
    return Function(span.address, size, f"{place} #{each.number}", place.file, place.line)


def _handlers(machine: Machine) -> Iterator[Function]:
    """Handlers by address; each ends where the next one starts."""
    if machine.native is None:
        return
    handlers = machine.native.handlers
    names: dict[int, str] = {}
    for row in machine.guest.opcodes:
        for table in HANDLER_TABLES:
            at = 8 * row.code
            address = int.from_bytes(handlers.tables[table][at : at + 8], sys.byteorder)
            names.setdefault(address, f"interpreter {row.name}")
    starts = sorted(names)
    ends = [*starts[1:], handlers.span.address + handlers.span.size]
    for start, end in zip(starts, ends, strict=True):
        yield Function(start, end - start, names[start])

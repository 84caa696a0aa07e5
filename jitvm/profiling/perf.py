"""Names of native code for Linux perf: the perf map and the jitdump.

    perf map   /tmp/perf-PID.map, a line per function: START SIZE name (hexadecimal)
    jitdump    jit-PID.dump, binary: header, then LOAD records with the code itself, so that
               `perf inject --jit` and then `perf annotate` show instructions; before each LOAD a
               DEBUG_INFO record with the line of source where the region starts

Both are books of `jitvm.profiling.functions`, written while the program runs; neither format can
express that code was removed. perf finds a jitdump because it was mapped executable.

    with announced(machine, PerfMap(), naming):
        machine.run(0x100)

Formats: tools/perf/Documentation/jit-interface.txt and jitdump-specification.txt of Linux.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import struct
import threading
import time
from pathlib import Path

from jitvm.profiling.functions import Function

MAGIC = 0x4A695444
"""Also indicates the byte order: "JiTD" or "DTiJ"."""
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


class PerfMap:
    """The perf map of this process.

    Args:
        path: default: where perf looks.

    Raises:
        OSError: the file cannot be written.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        # Anybody may make a link in /tmp; it is not followed.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
        descriptor = os.open(path or f"/tmp/perf-{os.getpid()}.map", flags, 0o600)
        self._file = os.fdopen(descriptor, "a", encoding="utf-8")

    def add(self, functions: list[Function]) -> None:
        """A line each."""
        for each in functions:
            name = each.name.replace("\n", " ")
            self._file.write(f"{each.address:x} {each.size:x} {name}\n")
        self._file.flush()

    def remove(self, function: Function) -> None:
        """Lines stay; whatever replaces it gets a line after them."""

    def close(self) -> None:
        """Let go of the file; it stays, perf reads it later."""
        self._file.close()


class JitDump:
    """A jitdump of this process.

    Args:
        folder: where the file goes; it is called ``jit-PID.dump``, as perf asks for.

    Raises:
        OSError: the file cannot be written.
    """

    def __init__(self, folder: str | Path = ".") -> None:
        self.path = Path(folder) / f"jit-{os.getpid()}.dump"
        self._number = 0
        self._file = self.path.open("wb+")
        machine = ELF_MACHINES.get(os.uname().machine, 0)
        head = HEADER.pack(MAGIC, VERSION, HEADER.size, machine, 0, os.getpid(), _now(), 0)
        self._file.write(head)
        self._file.flush()
        protection = mmap.PROT_READ | mmap.PROT_EXEC
        self._marker = mmap.mmap(self._file.fileno(), 0, mmap.MAP_PRIVATE, protection)

    def add(self, functions: list[Function]) -> None:
        """A record each, with its code, and one before it with its line of source."""
        for each in functions:
            self._load(each)
        self._file.flush()

    def remove(self, function: Function) -> None:
        """Records stay; what comes in its place has a later one."""

    def close(self) -> None:
        """Write the closing record."""
        self._record(CODE_CLOSE, b"")
        self._marker.close()
        self._file.close()

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


def _now() -> int:
    """Nanoseconds of the clock that ``perf record -k 1`` uses."""
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)

"""The twins in C as runners of this group: `c`, each field where it is expected, and `c-switch`.

They are compiled when they are asked for, read the messages in place as `decode` does, into columns
of the same layout that are used again and again, and their first result has to be that of `decode`.
What is timed is the decoding alone, and that strings are text, here as there.
"""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path
from typing import Any

from bench.ctwin import find_compiler
from jitvm.guests.wire.buffers import layout
from jitvm.guests.wire.columns import Column
from jitvm.guests.wire.decoder import Decoder
from jitvm.guests.wire.feed import Feed
from jitvm.guests.wire.messages import taken
from jitvm.guests.wire.pool import POOL, OutputSpace
from jitvm.guests.wire.protobuf.columns import tree
from jitvm.guests.wire.protobuf.sources import message_of

SOURCE = Path(__file__).parent / "twins.c"
FLAGS = ("-std=c11", "-O3", "-shared", "-fPIC")
SLACK = 64
"""Bytes behind the messages that may be read."""


class NoTwin(Exception):
    """There is none, and why."""


class Twin:
    """One twin, with its messages and columns.

    Args:
        name: its function.
        cls: the type of the messages.
        folder: where it is compiled.

    Raises:
        NoTwin: there is no such function, or no compiler.
    """

    def __init__(self, name: str, cls: Any, messages: list[bytes], folder: Path) -> None:
        if f"long {name}(" not in SOURCE.read_text():
            raise NoTwin("no twin in C")
        self._function = _compiled(folder)[name]
        self._function.restype = ctypes.c_long
        self._columns = tree(message_of(cls))
        self._count = len(messages)
        feed = Feed(len(messages), sum(map(len, messages)))
        (piece,) = taken(messages, feed=feed)
        self._layout = layout(self._columns, len(messages), len(piece.data))
        self._out = POOL.take(self._layout.size)
        self._data = bytes(piece.data) + bytes(SLACK)
        offsets = (ctypes.c_int64 * (len(messages) + 1))(*piece.offsets)
        pointers = [
            None if place is None else self._out.address + place
            for column in self._columns.columns
            for place in (column.validity, column.offsets, column.values)
        ]
        buffers = (ctypes.c_void_p * len(pointers))(*pointers)
        self._arguments = self._data, offsets, ctypes.c_long(len(messages)), buffers
        self()
        self._check(piece.data, piece.offsets)

    def __call__(self) -> None:
        if self._function(*self._arguments) != self._count:
            raise RuntimeError(f"a twin stopped at one of {self._count} messages")

    def _check(self, data: memoryview, offsets: memoryview) -> None:
        """Our columns have to be the same."""
        ours = POOL.take(self._layout.size)
        batch = Decoder(self._columns, self._layout).decode(data, offsets, 0, self._count, ours)
        if batch.rows != self._count:
            raise RuntimeError("messages that do not fit one batch")
        for column in self._columns.columns:
            for place, size in _buffers(column, self._count, ours):
                if bytes(ours.buffer(place, size)) != bytes(self._out.buffer(place, size)):
                    raise RuntimeError(f"a twin reads {column!r} differently")


def _rows(column: Column, count: int, out: OutputSpace) -> int:
    """How many rows a column has."""
    counted = column.space.counted_by
    if counted is None:
        return count
    assert counted.offsets is not None
    return _last(counted, _rows(counted, count, out), out)


def _last(column: Column, rows: int, out: OutputSpace) -> int:
    """Its last offset."""
    assert column.offsets is not None
    return int.from_bytes(bytes(out.buffer(column.offsets + 4 * rows, 4)), "little")


def _buffers(column: Column, count: int, out: OutputSpace) -> list[tuple[int, int]]:
    """Where the buffers of a column are, and how many bytes they have."""
    rows = _rows(column, count, out)
    found = []
    if column.validity is not None:
        found.append((column.validity, rows))
    if column.offsets is not None:
        found.append((column.offsets, 4 * (rows + 1)))
        if column.values is not None:
            found.append((column.values, _last(column, rows, out)))
    elif column.values is not None:
        found.append((column.values, column.width * rows))
    return found


def _compiled(folder: Path) -> ctypes.CDLL:
    compiler = find_compiler()
    if compiler is None:
        raise NoTwin("no C compiler: put cc on the PATH or set CC")
    library = folder / "twins.so"
    subprocess.run([*compiler, *FLAGS, "-o", str(library), str(SOURCE)], check=True)
    return ctypes.CDLL(str(library))

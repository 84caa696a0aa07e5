"""Lengths of many `bytes` objects, without a call for each.

    list ── items ──> object ── type (at 8), size (at 16) ──> bytes

Where messages are small, asking each for its length takes longer than decoding it. In CPython the
length of an object is a word of its memory, so NumPy can gather all of them: memory is an array of
words, and addresses are places in it. That the words mean this is tried out once, on objects whose
lengths are known; elsewhere `len` is asked.
"""

from __future__ import annotations

import ctypes
import sys
from functools import cache

import numpy as np

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from typing import Any

WORD = 8
ITEMS, TYPE, SIZE = 24, 8, 16
"""Where a list has the address of its items, an object its type, bytes their size."""


def lengths_of(messages: list[Any]) -> Any:
    """The length of each message, as an array of int64; `messages` belongs to the caller alone."""
    if _can_be_gathered():
        found = _gathered(messages)
        if found is not None:
            return found
    return np.array([memoryview(each).nbytes for each in messages], np.int64)


@cache
def _can_be_gathered() -> bool:
    """Whether objects lie in memory as this file says."""
    if sys.implementation.name != "cpython" or sys.maxsize >> 32 == 0:
        return False
    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        return False
    sample = [b"", b"abc", bytes(300), bytes(70_000)]
    items = ctypes.c_uint64.from_address(id(sample) + ITEMS).value
    known = (ctypes.c_uint64 * 8)(*map(id, sample))
    if ctypes.string_at(items, 8 * len(sample)) != bytes(known)[: 8 * len(sample)]:
        return False
    return bool(np.array_equal(_gathered(sample), list(map(len, sample))))


def _gathered(messages: list[Any]) -> Any:
    """Lengths of messages that are all `bytes`, or None where some are not."""
    if not messages:
        return np.empty(0, np.int64)
    memory = _memory()
    items = ctypes.c_uint64.from_address(id(messages) + ITEMS).value
    listed: Any = (ctypes.c_int64 * len(messages)).from_address(items)
    addresses = np.frombuffer(listed, np.int64)
    places = addresses // WORD - 1
    if not (memory[places + TYPE // WORD] == id(bytes)).all():
        return None
    return memory[places + SIZE // WORD]


@cache
def _memory() -> Any:
    """All memory as an array of words, from the address 8 on: NumPy takes no array at 0."""
    words: Any = (ctypes.c_int64 * ((1 << 44) - 1)).from_address(WORD)
    return np.frombuffer(words, np.int64)

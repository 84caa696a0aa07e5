"""Maps in which a key comes again in the same row: only its last entry counts.

    map ──kernel──> no row has a key twice: as it is
            └─ some may ──NumPy──> pairs of entries of one row with the same key ──> made anew

The kernel (`maps.ll`) is there for nearly all maps, which have each key once. Where there is no
native code, or not yet, NumPy looks.
"""

from __future__ import annotations

import ctypes
import os
from functools import cache

import numpy as np

from jitvm.engine.codegen.kernels import Kernels
from jitvm.guests.wire.data import Data

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from jitvm.guests.wire.data import Array

FEW = 16
"""Entries of a map up to which keys are compared with each other by NumPy, not sorted."""
KERNELS = Kernels("wire-maps", os.path.join(os.path.dirname(__file__), "maps.ll"))


def _has_no_doubles(map: Data) -> bool:
    """Whether a kernel finds no key twice in any row; it may not be there, or be in doubt."""
    address = KERNELS.address("doubled")
    offsets = map.offsets
    assert offsets is not None
    if address is None or offsets.itemsize != 4:
        return False
    key = map.children[0].children[0]
    assert key.values is not None
    ends, width = (key.offsets, 0) if key.offsets is not None else (None, key.values.itemsize)
    arrays = [0 if each is None else each.ctypes.data for each in (offsets, ends, key.values)]
    found: int = _callable(address)(arrays[0], map.length, arrays[1], arrays[2], width)
    return found == map.length


@cache
def _callable(address: int) -> Callable[..., Any]:
    """The kernel for Python."""
    word, pointer = ctypes.c_int64, ctypes.c_void_p
    return ctypes.CFUNCTYPE(word, pointer, word, pointer, pointer, word)(address)


def last_of_each_key(map: Data) -> Data:
    """A map without the entries of which the key comes again in the same row."""
    if _has_no_doubles(map):
        return map
    assert map.offsets is not None
    lengths = np.diff(map.offsets)
    longest = int(lengths.max(initial=0))
    if longest < 2:
        return map
    entries = map.children[0]
    key = entries.children[0]
    rows = np.repeat(np.arange(map.length, dtype="<i4"), lengths)
    find = _found_among_few if longest <= FEW else _found_by_sorting
    doubles = find(key, rows, longest)
    lost = np.zeros(entries.length, bool)
    for earlier, later in doubles:
        if _key(key, earlier) == _key(key, later):
            lost[earlier] = True
    if not lost.any():
        return map
    before = np.concatenate(([0], np.cumsum(~lost)))
    offsets = before[map.offsets].astype(map.offsets.dtype)
    only = kept(entries, ~lost)
    return Data(map.column, map.length, map.validity, offsets, None, [only])


def _glances(key: Data) -> Array:
    """A few bits of each key, equal where keys are, and else mostly not: what is looked at first,
    because it takes little."""
    assert key.values is not None
    if key.offsets is None:
        return key.values
    if not len(key.values):
        return np.zeros(key.length, "<u4")
    lengths = np.diff(key.offsets).astype("<u4")
    first = key.values.take(key.offsets[:-1], mode="clip")
    last = key.values.take(key.offsets[1:] - 1, mode="clip")
    glances = lengths << np.uint32(16)
    glances |= first
    glances |= last.astype("<u4") << np.uint32(8)
    glances[lengths == 0] = 0
    return glances


def _digests(key: Data, places: Array) -> Array:
    """64 bits of some keys, equal where keys are, and seldom else."""
    assert key.values is not None
    if key.offsets is None:
        values = key.values[places]
        return values.view(f"u{values.itemsize}").astype("u8")
    starts, ends = key.offsets[places], key.offsets[places + 1]
    lengths = (ends - starts).astype("u8")
    padded = np.zeros(len(key.values) + 16, np.uint8)  # so that words behind the end can be read
    padded[8 : 8 + len(key.values)] = key.values
    words = np.ndarray((len(padded) - 7,), "<u8", padded, strides=(1,))
    bits = 8 * (8 - np.minimum(lengths, 8))
    is_empty = lengths == 0
    first = np.where(is_empty, 0, words[starts + 8] << bits)
    last = np.where(is_empty, 0, words[ends] >> bits)
    mixed: Array = (first * np.uint64(0x9E3779B97F4A7C15)) ^ (last * np.uint64(0xC2B2AE3D27D4EB4F))
    mixed ^= lengths << np.uint64(56)
    return mixed


def _found_among_few(key: Data, rows: Array, longest: int) -> list[tuple[int, int]]:
    """Pairs of entries of one row with equal digests, where rows have few."""
    found: list[tuple[int, int]] = []
    glances = _glances(key)
    for distance in range(1, longest):
        equal = (glances[distance:] == glances[:-distance]) & (rows[distance:] == rows[:-distance])
        places = np.flatnonzero(equal)
        if len(places):
            places = places[_digests(key, places) == _digests(key, places + distance)]
            found += [(at, at + distance) for at in places.tolist()]
    return found


def _found_by_sorting(key: Data, rows: Array, _: int) -> list[tuple[int, int]]:
    """The same where rows have many; each with the next of its digest."""
    digests = _digests(key, np.arange(key.length))
    order = np.lexsort((digests, rows))  # stable: those that are equal stay in their order
    digests, rows = digests[order], rows[order]
    equal = (digests[1:] == digests[:-1]) & (rows[1:] == rows[:-1])
    return [(int(order[at]), int(order[at + 1])) for at in np.flatnonzero(equal)]


def _key(key: Data, at: int) -> bytes:
    assert key.values is not None
    if key.offsets is None:
        return bytes(key.values[at : at + 1].tobytes())
    return bytes(key.values[key.offsets[at] : key.offsets[at + 1]].tobytes())


def kept(data: Data, mask: Array) -> Data:
    """The values for which a mask is true, and what is below them."""
    length = int(np.count_nonzero(mask))
    it = Data(data.column, length)
    it.names = data.names
    if data.validity is not None:
        it.validity = data.validity[mask]
    if data.offsets is None:
        if data.values is not None:
            it.values = data.values[mask]
        it.children = [kept(child, mask) for child in data.children]
        return it
    lengths = np.diff(data.offsets)
    offsets = np.concatenate(([0], np.cumsum(lengths[mask])))
    it.offsets = offsets.astype(data.offsets.dtype)
    inner = np.repeat(mask, lengths)
    first = int(data.offsets[0])
    if data.values is not None:
        it.values = data.values[first : first + len(inner)][inner]
    it.children = [kept(child, inner) for child in data.children]
    return it

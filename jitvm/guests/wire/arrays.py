"""Arrow's arrays of binary values, as others hand them over: by the C data interface.

    pyarrow, polars, nanoarrow, duckdb --capsules--> Array: length, nulls, addresses of buffers

Nothing is copied. An `Array` holds on to what owns its memory.
"""

from __future__ import annotations

import ctypes

from jitvm.guests.wire.faults import MessagesError

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, TypeVar

    Schema = TypeVar("Schema")

OFFSETS = {"z": "<i4", "u": "<i4", "Z": "<i8", "U": "<i8"}
"""Types of offsets of binary arrays, by format."""
VIEWS = ("vz", "vu")
"""Formats of views: 16 bytes a value, which have it or say where it is."""
_WORDS = 10
_LENGTH, _NULLS, _START, _COUNT, _BUFFERS, _RELEASE = 0, 1, 2, 3, 5, 8
"""Words of Arrow's struct."""

_pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
_pointer_of.restype = ctypes.c_void_p
_pointer_of.argtypes = [ctypes.py_object, ctypes.c_char_p]


class Array:
    """One array.

    Attributes:
        format: Arrow's, a key of `OFFSETS` or one of `VIEWS`.
        length: values.
        start: where its values begin in its buffers.
        buffers: their addresses: validity, offsets or views, data, and of views the sizes of data.
    """

    def __init__(self, format: str, words: Any, owner: object) -> None:
        self.format = format
        self.length = int(words[_LENGTH])
        self.start = int(words[_START])
        self.buffers: list[int] = list(
            (ctypes.c_uint64 * words[_COUNT]).from_address(words[_BUFFERS])
        )
        self._has_nulls = bool(words[_NULLS] and self.buffers[0])
        self._owner = owner

    def bytes_at(self, address: int, size: int) -> Any:
        """Bytes at an address, as a buffer that keeps their owner."""
        found: Any = (ctypes.c_ubyte * size).from_address(address)
        found.owner = self
        return found

    def absent(self) -> Any:
        """Which values are null."""
        import numpy as np

        if not self._has_nulls:
            return np.empty(0, np.int64)
        size = (self.start + self.length + 7) // 8
        bits = np.frombuffer(self.bytes_at(self.buffers[0], size), np.uint8)
        valid = np.unpackbits(bits, bitorder="little")[self.start : self.start + self.length]
        return np.flatnonzero(valid == 0).astype(np.int64, copy=False)


class _Struct:
    """An array that came out of a stream: to be released by us."""

    def __init__(self) -> None:
        self.words: Any = (ctypes.c_uint64 * _WORDS)()

    def __del__(self) -> None:
        if self.words[_RELEASE]:
            release = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(self.words[_RELEASE])
            release(ctypes.addressof(self.words))


def arrays(source: Any) -> Iterator[Array]:
    """The arrays of an object of one of Arrow's libraries, but for empty ones.

    Raises:
        MessagesError: they are of another type, or the stream of them fails.
    """
    for format, words, owner in exported(source, _format):
        if words[_LENGTH]:
            yield Array(format, words, owner)


def exported(source: Any, read: Callable[[int], Schema]) -> Iterator[tuple[Schema, Any, object]]:
    """What an object of one of Arrow's libraries exports: what is read of its schema, at an address
    of which nothing is to be kept, the words of each array, and what owns these.

    Raises:
        MessagesError: the stream of them fails.
    """
    if hasattr(source, "__arrow_c_array__"):
        capsule_of_schema, capsule = source.__arrow_c_array__()
        schema = read(_pointer_of(capsule_of_schema, b"arrow_schema"))
        words = (ctypes.c_uint64 * _WORDS).from_address(_pointer_of(capsule, b"arrow_array"))
        yield schema, words, capsule
        return
    capsule = source.__arrow_c_stream__()
    stream = (ctypes.c_uint64 * 5).from_address(_pointer_of(capsule, b"arrow_array_stream"))
    called = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
    schema_words = (ctypes.c_uint64 * 9)()
    if called(stream[0])(ctypes.addressof(stream), ctypes.addressof(schema_words)):
        raise MessagesError("the stream of Arrow arrays has no schema")
    try:
        schema = read(ctypes.addressof(schema_words))
    finally:
        if schema_words[7]:
            release = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(schema_words[7])
            release(ctypes.addressof(schema_words))
    while True:
        owner = _Struct()
        if called(stream[1])(ctypes.addressof(stream), ctypes.addressof(owner.words)):
            raise MessagesError("the stream of Arrow arrays failed")
        if not owner.words[_RELEASE]:
            return
        yield schema, owner.words, owner


def _format(pointer: int) -> str:
    words = (ctypes.c_uint64 * 2).from_address(pointer)
    format = ctypes.string_at(words[0]).decode()
    if format not in OFFSETS and format not in VIEWS:
        raise MessagesError(
            f"the Arrow data has the format {format!r}, which holds no messages; give a column of "
            "binary values"
        )
    return format

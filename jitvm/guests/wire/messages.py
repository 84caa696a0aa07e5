"""Messages as people have them, as bytes and offsets: what a decoder takes.

    list of bytes              joined, lengths gathered
    buffer and lengths         as it is: bytes, bytearray, memoryview, NumPy array; of a memory map
                               copies, batch by batch (see `mapped.py`)
    buffer alone               likewise, each message behind its length (a varint)
    Arrow array, or chunks     as it is: binary, large binary, strings; by the C data interface

Nulls of an Arrow array, and None in a list, are messages that cannot be decoded: `NULL` stands in
their place, so that what becomes of them is what `errors` says.
"""

from __future__ import annotations

import ctypes

import numpy as np

from jitvm.guests.wire.faults import FRAMINGS, MessagesError
from jitvm.guests.wire.lengths import lengths_of
from jitvm.guests.wire.mapped import copied, map_of

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

NULL = b"\x00"
"""A message that nobody can decode: field number 0."""
_ARRAY_WORDS = 10
_CONFLUENT = 5
"""Bytes in front of the indexes of a message in its schema: a zero, the number of the schema."""


class Messages:
    """Messages in memory.

    Attributes:
        data: all bytes.
        offsets: int64, where message i begins at [i] and ends at [i + 1]; None: lengths are in the
            data.
        nulls: which messages are null.
        owner: what the bytes belong to.
        is_mapped: whether they are those of a file, which are to be copied before they are read.
    """

    __slots__ = ("data", "is_mapped", "nulls", "offsets", "owner")

    def __init__(
        self,
        data: memoryview,
        offsets: memoryview | None,
        owner: object = None,
        nulls: frozenset[int] = frozenset(),
    ) -> None:
        self.data = data
        self.offsets = offsets
        self.owner = owner
        self.nulls = nulls
        self.is_mapped = map_of(data) is not None

    @property
    def last(self) -> int:
        """The message behind the last; without offsets the end of the data."""
        return len(self.data) if self.offsets is None else len(self.offsets) - 1


def taken(messages: Any, lengths: Any = None, framing: str | None = None) -> list[Messages]:
    """Messages, in one or more pieces.

    Args:
        messages: see the head of this file.
        lengths: of each message in a buffer.
        framing: what is in front of each message; None: lengths in a buffer that comes without
            any, else nothing.

    Raises:
        MessagesError: the lengths do not fit, or the framing is another.
        TypeError: this is nothing that holds messages.
    """
    if framing is not None and framing not in FRAMINGS:
        raise MessagesError(f"framing {framing!r}: choose from {', '.join(FRAMINGS)}")
    if lengths is not None:
        found = [_with_lengths(messages, lengths)]
    elif hasattr(messages, "__arrow_c_array__") or hasattr(messages, "__arrow_c_stream__"):
        found = list(_of_arrow(messages))
    elif isinstance(messages, str):
        raise TypeError("a str holds no messages; to read a file: reader.stream(path)")
    elif _is_buffer(messages):
        if framing not in (None, "varint"):
            raise MessagesError(
                f"a buffer without lengths cannot have the framing {framing!r}; give lengths"
            )
        return [Messages(_bytes_of(messages), None, messages)]
    elif hasattr(messages, "__iter__"):
        found = [_joined(list(messages))]
    else:
        raise TypeError(
            f"{type(messages).__name__} holds no messages; give a list of bytes, a buffer, or an "
            "Arrow array"
        )
    if framing == "confluent":
        return [_without_header(each) for each in found]
    if framing == "varint":
        raise MessagesError("the framing 'varint' is for one buffer or a stream; leave it out")
    return found


def _is_buffer(thing: object) -> bool:
    try:
        memoryview(thing).release()  # type: ignore[arg-type]
    except TypeError:
        return False
    return True


def _bytes_of(buffer: Any) -> memoryview:
    view = memoryview(buffer)
    if not view.c_contiguous:
        raise MessagesError("the buffer does not lie in one piece; copy it")
    return view.cast("B") if view.nbytes else memoryview(b"")


def _offsets(lengths: Any) -> memoryview:
    offsets = np.empty(len(lengths) + 1, np.int64)
    offsets[0] = 0
    np.cumsum(lengths, out=offsets[1:])
    return memoryview(offsets)  # type: ignore[arg-type]  # NumPy's stubs lack the protocol


def _joined(messages: list[Any], nulls: frozenset[int] = frozenset()) -> Messages:
    try:
        data = b"".join(messages)
    except TypeError:
        nulls = frozenset(at for at, each in enumerate(messages) if each is None)
        if nulls:
            return _joined([NULL if each is None else each for each in messages], nulls)
        at, wrong = next((at, each) for at, each in enumerate(messages) if not _is_buffer(each))
        raise TypeError(
            f"message {at} is {type(wrong).__name__}, not bytes"
            + ("; serialize it" if hasattr(wrong, "SerializeToString") else "")
        ) from None
    return Messages(memoryview(data), _offsets(lengths_of(messages)), data, nulls)


def _with_lengths(messages: Any, lengths: Any) -> Messages:
    data = _bytes_of(messages)
    sizes = np.asarray(lengths)
    if sizes.ndim != 1 or (len(sizes) and sizes.dtype.kind not in "iu"):
        raise MessagesError("lengths are a list of integers, one for each message")
    if len(sizes) and sizes.dtype.kind == "i" and int(sizes.min()) < 0:
        raise MessagesError(f"message {int(sizes.argmin())} has the length {int(sizes.min())}")
    offsets = _offsets(sizes.astype(np.int64))
    if offsets[-1] != len(data) or int(np.asarray(offsets).min()) < 0:
        raise MessagesError(
            f"the lengths come to {offsets[-1]} bytes, but the buffer has {len(data)}"
        )
    return Messages(data, offsets, messages)


# -- Confluent -----------------------------------------------------------------------------------


def _without_header(messages: Messages) -> Messages:
    """The same without the header of each."""
    if messages.is_mapped:
        messages = Messages(copied(messages.data, 0, len(messages.data)), messages.offsets)
    size = _header(messages)
    offsets = np.asarray(messages.offsets)
    keep = np.ones(len(messages.data), bool)
    for place in range(size):
        keep[offsets[:-1] + place] = False
    data = np.asarray(messages.data)[keep]
    shown: Any = data
    return Messages(memoryview(shown), _offsets(np.diff(offsets) - size), data)


def _header(messages: Messages) -> int:
    """Bytes of the header that all messages have: a zero, a schema's number, indexes in it."""
    assert messages.offsets is not None
    offsets = np.asarray(messages.offsets)
    data = np.asarray(messages.data)
    rows = np.arange(len(offsets) - 1)
    if messages.nulls:
        raise MessagesError("messages with Confluent's header cannot be null; leave them out")
    if not len(rows):
        return 0
    first = bytes(data[offsets[0] : offsets[1]])
    size = _CONFLUENT + _index_bytes(first)
    wrong = np.diff(offsets) < size
    if not wrong.any():
        for place in (0, *range(_CONFLUENT, size)):  # not the number: schemas grow
            wrong |= data[offsets[:-1] + place] != first[place]
    if wrong.any() or first[0]:
        row = int(rows[wrong][0]) if wrong.any() else 0
        raise MessagesError(
            f"message {row} does not begin with Confluent's header, or is of another message type"
        )
    return size


def _index_bytes(message: bytes) -> int:
    """Bytes of the indexes behind the schema's number: how many (0: one, which is 0), and each."""
    from jitvm.guests.wire.protobuf.reader import WireError, varint

    try:
        count, place = varint(message, _CONFLUENT)
        for _ in range(min(count >> 1, len(message))):  # zigzag
            _, place = varint(message, place)
    except WireError:
        return 1
    return place - _CONFLUENT


# -- Arrow ---------------------------------------------------------------------------------------

_pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
_pointer_of.restype = ctypes.c_void_p
_pointer_of.argtypes = [ctypes.py_object, ctypes.c_char_p]
_FORMATS = {"z": "<i4", "u": "<i4", "Z": "<i8", "U": "<i8"}
"""Types of offsets of binary arrays, by format."""


class _Words:
    """A struct of Arrow's whose owner lives as long as this."""

    def __init__(self, words: Any, owner: object) -> None:
        self.words = words
        self.owner = owner


class _Streamed:
    """An array that came out of a stream: to be released by us."""

    def __init__(self) -> None:
        self.words: Any = (ctypes.c_uint64 * _ARRAY_WORDS)()

    def __del__(self) -> None:
        if self.words[8]:
            release = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(self.words[8])
            release(ctypes.addressof(self.words))


def _of_arrow(source: Any) -> Iterator[Messages]:
    """Messages in the arrays of an object of one of Arrow's libraries."""
    if hasattr(source, "__arrow_c_array__"):
        schema, array = source.__arrow_c_array__()
        format = _format(_pointer_of(schema, b"arrow_schema"))
        words = (ctypes.c_uint64 * _ARRAY_WORDS).from_address(_pointer_of(array, b"arrow_array"))
        yield from _of_array(format, words, array, source)
        return
    capsule = source.__arrow_c_stream__()
    stream = (ctypes.c_uint64 * 5).from_address(_pointer_of(capsule, b"arrow_array_stream"))
    called = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
    schema_words = (ctypes.c_uint64 * 9)()
    if called(stream[0])(ctypes.addressof(stream), ctypes.addressof(schema_words)):
        raise MessagesError("the stream of Arrow arrays has no schema")
    format = _format(ctypes.addressof(schema_words))
    if schema_words[7]:
        ctypes.CFUNCTYPE(None, ctypes.c_void_p)(schema_words[7])(ctypes.addressof(schema_words))
    if format not in _FORMATS:
        yield from _of_array(format, None, None, source)
        return
    while True:
        owner = _Streamed()
        if called(stream[1])(ctypes.addressof(stream), ctypes.addressof(owner.words)):
            raise MessagesError("the stream of Arrow arrays failed")
        if not owner.words[8]:
            return
        yield from _of_array(format, owner.words, owner, source)


def _format(pointer: int) -> str:
    words = (ctypes.c_uint64 * 2).from_address(pointer)
    return ctypes.string_at(words[0]).decode()


def _of_array(format: str, words: Any, owner: object, source: Any) -> Iterator[Messages]:
    if format in ("vz", "vu"):
        yield _of_views(source)
        return
    if format not in _FORMATS:
        raise MessagesError(
            f"the Arrow data has the format {format!r}, which holds no messages; give a column of "
            "binary values"
        )
    length, nulls, start = words[0], words[1], words[2]
    if not length:
        yield Messages(memoryview(b""), _offsets([]))
        return
    held = _Words(words, owner)
    buffers = (ctypes.c_uint64 * 3).from_address(words[5])
    dtype = np.dtype(_FORMATS[format])
    found = _at(buffers[1] + start * dtype.itemsize, (length + 1) * dtype.itemsize, held)
    offsets = np.frombuffer(found, dtype).astype(np.int64, copy=False)
    data = memoryview(_at(buffers[2], int(offsets[-1]), held)) if offsets[-1] else memoryview(b"")
    if nulls and buffers[0]:
        bits = np.frombuffer(_at(buffers[0], (start + length + 7) // 8, held), np.uint8)
        valid = np.unpackbits(bits, bitorder="little")[start : start + length]
        if not valid.all():
            cuts = zip(offsets[:-1].tolist(), offsets[1:].tolist(), valid.tolist(), strict=True)
            yield _joined([bytes(data[a:b]) if is_valid else None for a, b, is_valid in cuts])
            return
    yield Messages(data.cast("B") if len(data) else data, memoryview(offsets), held)  # type: ignore[arg-type]


def _at(address: int, size: int, owner: object) -> Any:
    """Bytes at an address, as a buffer that keeps their owner."""
    found: Any = (ctypes.c_ubyte * size).from_address(address)
    found.owner = owner
    return found


def _of_views(source: Any) -> Messages:
    """Messages of an array of views, whose bytes lie anywhere: they are gathered."""
    if hasattr(source, "to_list"):
        return _joined(_encoded(source.to_list()))
    if hasattr(source, "to_pylist"):
        return _joined(_encoded(source.to_pylist()))
    raise MessagesError("views of binary values are taken from polars and pyarrow only; cast them")


def _encoded(values: list[Any]) -> list[Any]:
    return [each.encode() if isinstance(each, str) else each for each in values]

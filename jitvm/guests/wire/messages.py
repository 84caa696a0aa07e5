"""Messages as people have them, and how they become bytes and offsets: what a decoder takes.

    list of bytes              gathered in a feed (`feed.py`)
    any other iterable         likewise, some at a time
    stream                     read, each message behind its length, framed in a feed
    buffer and lengths         as it is: bytes, bytearray, memoryview, NumPy array
    buffer alone               each message lies behind its length (a varint): framed in a feed
    memory map                 as other buffers, but copied, piece by piece (see `mapped.py`)
    Arrow array, or chunks     as it is: binary, large binary, strings; by the C data interface

What comes with Confluent's headers goes through a second feed, which leaves them out.

Nulls of an Arrow array, and None in a list, are messages that cannot be decoded: `NULL` stands in
their place, so that what becomes of them is what `errors` says.
"""

from __future__ import annotations

import ctypes
from array import array
from bisect import bisect_right
from itertools import islice

from jitvm.guests.wire.faults import FRAMINGS, MessagesError
from jitvm.guests.wire.feed import (
    LONGEST,
    NULL,
    BrokenFraming,
    CutOff,
    framed,
    is_buffer,
)
from jitvm.guests.wire.mapped import copied, map_of

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from jitvm.guests.wire.feed import Feed, Objects
    from jitvm.guests.wire.streams import Source

PIECE = 1 << 20
"""Bytes of a stream that are read at a time: they stay in the processor's cache until they are
framed."""
FIRST_SIZE, LEAST_SIZE, MOST_SIZE = 1 << 20, 1 << 16, 8 << 20
"""Bytes of the first batch of a stream, and of any, as `Pace` has it."""
COLUMNS_SIZE = 24 << 20
"""Bytes of columns of a batch of a stream. Two of them are there at a time, as who reads a stream
has one while the next is decoded."""
_SOME = 1 << 16
"""Messages that are taken out of an iterable at a time."""
_ARRAY_WORDS = 10
_CONFLUENT, _LONGEST_HEAD = 5, 256
"""Bytes in front of the indexes of a message in its schema (a zero, the number of the schema), and
with them, at most."""


class Messages:
    """Messages in memory, until the next ones are asked for.

    Attributes:
        data: all bytes.
        offsets: int64, where message i begins at [i] and ends at [i + 1].
        nulls: which messages are null.
        owner: what the bytes belong to.
    """

    __slots__ = ("data", "nulls", "offsets", "owner")

    def __init__(
        self,
        data: memoryview,
        offsets: memoryview,
        nulls: frozenset[int] = frozenset(),
        owner: object = None,
    ) -> None:
        self.data = data
        self.offsets = offsets
        self.nulls = nulls
        self.owner = owner


def taken(
    messages: Any, lengths: Any = None, framing: str | None = None, *, feed: Feed
) -> Iterator[Messages]:
    """Messages, piece by piece.

    Args:
        messages: see the head of this file.
        lengths: of each message in a buffer.
        framing: what is in front of each message; None: lengths in a buffer that comes without
            any, else nothing.
        feed: where to put those that do not lie side by side.

    Raises:
        MessagesError: the lengths do not fit, or the framing is another.
        BrokenFraming: what is in a buffer behind the messages so far is none.
        TypeError: this is nothing that holds messages.
    """
    if framing is not None and framing not in FRAMINGS:
        raise MessagesError(f"framing {framing!r}: choose from {', '.join(FRAMINGS)}")
    if lengths is not None:
        found = _with_lengths(messages, lengths, feed)
    elif hasattr(messages, "__arrow_c_array__") or hasattr(messages, "__arrow_c_stream__"):
        found = _of_arrow(messages, feed)
    elif isinstance(messages, str):
        raise TypeError("a str holds no messages; to read a file: reader.stream(path)")
    elif getattr(getattr(messages, "dtype", None), "kind", None) == "O":  # of NumPy, pandas
        found = listed(messages.tolist(), feed)
    elif is_buffer(messages):
        if framing not in (None, "varint"):
            raise MessagesError(
                f"a buffer without lengths cannot have the framing {framing!r}; give lengths"
            )
        return _framed(_bytes_of(messages), feed)
    elif hasattr(messages, "__iter__"):
        found = listed(messages, feed)
    else:
        raise TypeError(
            f"{type(messages).__name__} holds no messages; give a list of bytes, a buffer, or an "
            "Arrow array"
        )
    if framing == "varint":
        raise MessagesError("the framing 'varint' is for one buffer or a stream; leave it out")
    return without_headers(found, feed) if framing == "confluent" else found


def _bytes_of(buffer: Any) -> memoryview:
    view = memoryview(buffer)
    if not view.c_contiguous:
        raise MessagesError("the buffer does not lie in one piece; copy it")
    return view.cast("B") if view.nbytes else memoryview(b"")


def _alone(message: memoryview) -> Messages:
    """A message that is too large for a feed, where it is."""
    return Messages(message, memoryview(array("q", (0, len(message)))))


def _in(feed: Feed) -> Iterator[Messages]:
    """What is in a feed, if there is anything, which is emptied then."""
    if feed.count:
        yield Messages(*feed.messages)
        feed.clear()


# -- objects -------------------------------------------------------------------------------------


def listed(messages: Any, feed: Feed, rows: int | None = None) -> Iterator[Messages]:
    """Messages of a list, a tuple, or whatever gives one after the other; a list that changes
    meanwhile is read as a `for` loop would.

    Raises:
        TypeError: one is no message.
    """
    if type(messages) in (list, tuple):
        yield from _gathered(messages, feed, rows or feed.rows)
        return
    rest, seen = iter(messages), 0
    while some := list(islice(rest, rows or min(_SOME, feed.rows))):
        yield from _gathered(some, feed, feed.rows, seen)
        seen += len(some)


def _gathered(messages: Objects, feed: Feed, rows: int, before: int = 0) -> Iterator[Messages]:
    """Messages of a list; `before` are those that people count before it."""
    at = 0
    feed.clear()
    while True:
        at = feed.gather(messages, at, rows, before)
        if feed.count:
            yield from _in(feed)
        elif large := messages[at : at + 1]:
            yield _alone(_bytes_of(large[0]))
            at += 1
        else:
            return


# -- buffers -------------------------------------------------------------------------------------


def _with_lengths(messages: Any, lengths: Any, feed: Feed) -> Iterator[Messages]:
    """Messages that lie side by side in a buffer, given the length of each."""
    data = _bytes_of(messages)
    offsets = _offsets(_integers(lengths))
    if offsets[-1] != len(data):
        raise MessagesError(
            f"the lengths come to {offsets[-1]} bytes, but the buffer has {len(data)}"
        )
    found = Messages(data, offsets, owner=messages)
    return iter([found]) if map_of(data) is None else _copied(found, feed)


def _integers(lengths: Any) -> Any:
    import numpy as np

    wrong = MessagesError("lengths are a list of integers, one for each message")
    if isinstance(lengths, list | tuple):  # NumPy takes three times as long
        try:
            lengths = array("q", lengths)
        except (TypeError, OverflowError):
            raise wrong from None
    sizes = np.asarray(lengths)
    if sizes.ndim != 1 or (len(sizes) and sizes.dtype.kind not in "iu"):
        raise wrong
    if len(sizes) and int(sizes.max()) >= 1 << 63:
        raise wrong
    if len(sizes) and int(sizes.min()) < 0:
        raise MessagesError(f"message {int(sizes.argmin())} has the length {int(sizes.min())}")
    return sizes


def _offsets(lengths: Any) -> memoryview:
    import numpy as np

    offsets = np.empty(len(lengths) + 1, np.int64)
    offsets[0] = 0
    np.cumsum(lengths, out=offsets[1:])
    if int(offsets.min()) < 0:
        raise MessagesError("the lengths come to more bytes than there can be")
    return memoryview(offsets)  # type: ignore[arg-type]  # NumPy's stubs lack the protocol


def _copied(messages: Messages, feed: Feed) -> Iterator[Messages]:
    """The same messages, copied out of a memory map."""
    import numpy as np

    data, offsets = messages.data, messages.offsets
    at, last = 0, len(offsets) - 1
    while at < last:
        begin = offsets[at]
        end = bisect_right(offsets, begin + feed.size, at, min(last, at + feed.rows) + 1) - 1
        end = max(end, at + 1)
        shifted: Any = np.asarray(offsets[at : end + 1]) - begin
        yield Messages(copied(data, begin, offsets[end], feed.room), memoryview(shifted))
        at = end


def _framed(data: memoryview, feed: Feed) -> Iterator[Messages]:
    """Messages of a buffer, each behind its length.

    Raises:
        BrokenFraming: something else is behind those that were given.
    """
    at, last = 0, len(data)
    is_mapped = map_of(data) is not None
    feed.clear()
    while at < last:
        if is_mapped:
            end = min(at + feed.size, last)
            at += feed.frame(copied(data, at, end, feed.other.room), 0, end - at, feed.rows)
        else:
            at = feed.frame(data, at, last, feed.rows)
        if feed.count:
            yield from _in(feed)
            continue
        behind = min(at + LONGEST, last)
        head = copied(data, at, behind) if is_mapped else data[at:behind]
        found = framed(head, 0, len(head))
        if found is None or at + found[1] > last:
            raise BrokenFraming
        begin, end = at + found[0], at + found[1]
        yield _alone(copied(data, begin, end) if is_mapped else data[begin:end])
        at = end


class Pace:
    """How large the batches of a stream are: so large that their columns take as much as is good.

    Attributes:
        rows: messages of a batch at most.
        size: bytes of input of a batch at most.
    """

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.size = FIRST_SIZE
        self._batches = 0

    @property
    def is_curious(self) -> bool:
        """Whether the next batch is to be looked at: the first, the second, the fourth ..."""
        self._batches += 1
        return self._batches & (self._batches - 1) == 0

    def see(self, given: int, made: int) -> None:
        """Learn that columns of so many bytes were made of a batch."""
        self.size = min(max(given * COLUMNS_SIZE // max(made, 1), LEAST_SIZE), MOST_SIZE)


def streamed(source: Source, feed: Feed, pace: Pace) -> Iterator[Messages]:
    """Messages of a stream, each behind its length. Where more may come later, those that are there
    are given as soon as nothing more is at the moment.

    Raises:
        CutOff: the stream ends within a message.
        BrokenFraming: something else is behind those that were given.
        StreamError, OSError: it cannot be read.
    """
    buffer, at, filled = memoryview(bytearray(PIECE)), 0, 0
    feed.clear()
    while True:
        filled += source.fill(buffer[filled:])
        while True:
            at, found = feed.frame(buffer, at, filled, pace.rows, pace.size), None
            if feed.count < pace.rows:
                try:
                    found = framed(buffer, at, filled)
                except BrokenFraming:
                    yield from _in(feed)
                    raise
                if found is None or found[1] > filled:
                    break
            if feed.count:
                yield from _in(feed)
            elif found is not None:
                yield _alone(buffer[found[0] : found[1]])
                at = found[1]
        if filled < len(buffer):
            yield from _in(feed)
        if source.is_at_end:
            if at < filled:
                raise CutOff
            return
        buffer, filled = _moved(buffer, at, filled)
        at = 0


def _moved(buffer: memoryview, at: int, filled: int) -> tuple[memoryview, int]:
    """The buffer with what is left in it at its begin, and how much that is; a larger one where it
    is full of that."""
    rest = bytes(buffer[at:filled])
    if len(rest) == len(buffer):
        buffer = memoryview(bytearray(2 * len(buffer)))
    buffer[: len(rest)] = rest
    return buffer, len(rest)


# -- Confluent -----------------------------------------------------------------------------------


def without_headers(found: Iterator[Messages], feed: Feed) -> Iterator[Messages]:
    """The same messages, of which some come in a feed, without the header of each.

    Raises:
        MessagesError: one has none, or another than the first.
    """
    seen, head, feed = 0, b"", feed.other
    for piece in found:
        head = head or _head(piece, seen)
        _check_heads(piece, head, seen)
        at, last = 0, len(piece.offsets) - 1
        feed.clear()
        while at < last:
            at = feed.strip(piece.data, piece.offsets, at, len(head))
            if at in piece.nulls and feed.put_null():
                at += 1
            elif feed.count:
                yield from _in(feed)
            elif at < last:
                begin, end = piece.offsets[at] + len(head), piece.offsets[at + 1]
                yield _alone(piece.data[begin:end])
                at += 1
        yield from _in(feed)
        seen += last


def _head(messages: Messages, seen: int) -> bytes:
    """The header of the first message: a zero, a schema's number, indexes in it."""
    from jitvm.guests.wire.protobuf.reader import WireError, varint

    offsets = messages.offsets
    rows = (at for at in range(len(offsets) - 1) if at not in messages.nulls)
    if (row := next(rows, None)) is None:
        return b""
    message = bytes(messages.data[offsets[row] : offsets[row + 1]][:_LONGEST_HEAD])
    try:
        count, place = varint(message, _CONFLUENT)  # 0: one index, which is 0
        for _ in range(min(count >> 1, len(message))):  # zigzag
            _, place = varint(message, place)
    except WireError:
        raise _no_header(seen + row) from None
    return message[:place]


def _check_heads(messages: Messages, head: bytes, seen: int) -> None:
    """Make sure that all have a header, which but for the schema's number is this one: schemas
    grow."""
    import numpy as np

    data, offsets = np.asarray(messages.data), np.asarray(messages.offsets)
    begins, ends = offsets[:-1], offsets[1:]
    rows = np.arange(len(begins))
    if messages.nulls:
        rows = np.delete(rows, list(messages.nulls))
        begins, ends = begins[rows], ends[rows]
    wrong = (ends - begins < len(head)) | (begins < 0) | (ends > len(data))
    if not wrong.any():
        for place in (0, *range(_CONFLUENT, len(head))):
            wrong |= data[begins + place] != (head[place] if place else 0)
    if wrong.any():
        raise _no_header(seen + int(rows[wrong.argmax()]))


def _no_header(row: int) -> MessagesError:
    return MessagesError(
        f"message {row} does not begin with Confluent's header, or is of another message type"
    )


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


def _of_arrow(source: Any, feed: Feed) -> Iterator[Messages]:
    """Messages in the arrays of an object of one of Arrow's libraries."""
    if hasattr(source, "__arrow_c_array__"):
        schema, array = source.__arrow_c_array__()
        format = _format(_pointer_of(schema, b"arrow_schema"))
        words = (ctypes.c_uint64 * _ARRAY_WORDS).from_address(_pointer_of(array, b"arrow_array"))
        yield from _of_array(format, words, array, source, feed)
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
        yield from _of_array(format, None, None, source, feed)
        return
    while True:
        owner = _Streamed()
        if called(stream[1])(ctypes.addressof(stream), ctypes.addressof(owner.words)):
            raise MessagesError("the stream of Arrow arrays failed")
        if not owner.words[8]:
            return
        yield from _of_array(format, owner.words, owner, source, feed)


def _format(pointer: int) -> str:
    words = (ctypes.c_uint64 * 2).from_address(pointer)
    return ctypes.string_at(words[0]).decode()


def _of_array(
    format: str, words: Any, owner: object, source: Any, feed: Feed
) -> Iterator[Messages]:
    import numpy as np

    if format in ("vz", "vu"):
        yield from listed(_values(source), feed)
        return
    if format not in _FORMATS:
        raise MessagesError(
            f"the Arrow data has the format {format!r}, which holds no messages; give a column of "
            "binary values"
        )
    length, nulls, start = words[0], words[1], words[2]
    if not length:
        return
    held = _Words(words, owner)
    buffers = (ctypes.c_uint64 * 3).from_address(words[5])
    dtype = np.dtype(_FORMATS[format])
    found = _at(buffers[1] + start * dtype.itemsize, (length + 1) * dtype.itemsize, held)
    offsets = np.frombuffer(found, dtype).astype(np.int64, copy=False)
    data = memoryview(_at(buffers[2], int(offsets[-1]), held)) if offsets[-1] else memoryview(b"")
    data = data.cast("B")
    absent = np.empty(0, np.int64)
    if nulls and buffers[0]:
        bits = np.frombuffer(_at(buffers[0], (start + length + 7) // 8, held), np.uint8)
        valid = np.unpackbits(bits, bitorder="little")[start : start + length]
        absent = np.flatnonzero(valid == 0).astype(np.int64, copy=False)
    if not len(absent):
        yield Messages(data, memoryview(offsets), owner=held)  # type: ignore[arg-type]
    elif (offsets[absent] == offsets[absent + 1]).all():
        yield _with_nulls(np.asarray(data), offsets, absent)
    else:  # bytes that are none of a message
        cuts = zip(offsets[:-1].tolist(), offsets[1:].tolist(), valid.tolist(), strict=True)
        yield from listed([bytes(data[a:b]) if there else None for a, b, there in cuts], feed)


def _with_nulls(data: Any, offsets: Any, absent: Any) -> Messages:
    """Messages of which some are null, and have no bytes: each gets those of `NULL`."""
    import numpy as np

    first = int(offsets[0])
    full: Any = np.insert(data[first:], offsets[absent] - first, NULL[0])
    before = np.zeros(len(offsets), np.int64)
    before[absent + 1] = 1
    moved: Any = offsets - first + np.cumsum(before)
    return Messages(memoryview(full), memoryview(moved), frozenset(absent.tolist()))


def _at(address: int, size: int, owner: object) -> Any:
    """Bytes at an address, as a buffer that keeps their owner."""
    found: Any = (ctypes.c_ubyte * size).from_address(address)
    found.owner = owner
    return found


def _values(source: Any) -> list[Any]:
    """The values of an array of views, whose bytes lie anywhere."""
    for name in ("to_list", "to_pylist"):  # of polars, of pyarrow
        if hasattr(source, name):
            values = getattr(source, name)()
            return [each.encode() if isinstance(each, str) else each for each in values]
    raise MessagesError("views of binary values are taken from polars and pyarrow only; cast them")

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

    from jitvm.guests.wire.arrays import Array
    from jitvm.guests.wire.feed import Feed, Objects
    from jitvm.guests.wire.pace import Pace
    from jitvm.guests.wire.streams import Source

PIECE = 1 << 20
"""Bytes of a stream that are read at a time: they stay in the processor's cache until they are
framed."""
_SOME = 1 << 16
"""Messages that are taken out of an iterable at a time."""
_FEW = 1 << 13
"""Messages of an Arrow array that is put together with the next."""
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
            if at == len(messages):
                return
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
            source.check_end()
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


def _of_arrow(source: Any, feed: Feed) -> Iterator[Messages]:
    """Messages in Arrow's arrays; those of small arrays together, as each batch costs something."""
    from jitvm.guests.wire.arrays import VIEWS, arrays

    feed.clear()
    for each in arrays(source):
        if each.format in VIEWS:
            yield from _in(feed)
            yield from _viewed(each, feed)
            continue
        piece = _of_array(each)
        is_small = each.length <= _FEW and not piece.nulls
        at = feed.strip(piece.data, piece.offsets, 0, 0) if is_small else 0
        if at < each.length:
            yield from _in(feed)
            yield Messages(piece.data, piece.offsets[at:], piece.nulls, piece)
    yield from _in(feed)


def _of_array(array: Array) -> Messages:
    """Messages of an array, where they are; but copied where some are null."""
    import numpy as np

    from jitvm.guests.wire.arrays import OFFSETS

    dtype = np.dtype(OFFSETS[array.format])
    place = array.buffers[1] + array.start * dtype.itemsize
    found = array.bytes_at(place, (array.length + 1) * dtype.itemsize)
    offsets: Any = np.frombuffer(found, dtype).astype(np.int64, copy=False)
    size = int(offsets[-1])
    data = memoryview(array.bytes_at(array.buffers[2], size) if size else b"").cast("B")
    absent = array.absent()
    if len(absent):
        return _with_nulls(np.asarray(data), offsets, absent)
    return Messages(data, memoryview(offsets), owner=array)


def _with_nulls(data: Any, offsets: Any, absent: Any) -> Messages:
    """Messages of which some are null: of these, `NULL` is all that is left."""
    import numpy as np

    sizes = np.diff(offsets)
    if sizes[absent].any():  # bytes that are none of a message
        keep = np.ones(len(sizes), bool)
        keep[absent] = False
        data = data[int(offsets[0]) : int(offsets[-1])][np.repeat(keep, sizes)]
        sizes[absent] = 0
        offsets = np.concatenate(([0], np.cumsum(sizes)))
    first = int(offsets[0])
    full: Any = np.insert(data[first:], offsets[absent] - first, NULL[0])
    sizes[absent] = 1
    return Messages(memoryview(full), _offsets(sizes), frozenset(absent.tolist()))


def _viewed(array: Array, feed: Feed) -> Iterator[Messages]:
    """Messages of an array of views, whose bytes lie anywhere."""
    import numpy as np

    place = array.buffers[1] + 16 * array.start
    views: Any = np.frombuffer(array.bytes_at(place, 16 * array.length), "<u4").reshape(-1, 4)
    absent = array.absent()
    if len(absent):
        views = views.copy()
        views[absent] = len(NULL), NULL[0], 0, 0
    data = array.buffers[2:-1]
    sizes = list((ctypes.c_int64 * len(data)).from_address(array.buffers[-1])) if data else []
    at = 0
    while at < len(views):
        behind = feed.view(views, data, sizes, at)
        if feed.count:
            nulls = frozenset((absent[(absent >= at) & (absent < behind)] - at).tolist())
            shown, offsets, _ = feed.messages
            yield Messages(shown, offsets, nulls)
            feed.clear()
            at = behind
            continue
        size, _, index, begin = map(int, views[at])
        if index >= len(data) or begin + size > sizes[index]:
            raise MessagesError(f"view {at} of the Arrow data shows nothing that is there")
        yield _alone(memoryview(array.bytes_at(data[index] + begin, size)).cast("B"))
        at += 1

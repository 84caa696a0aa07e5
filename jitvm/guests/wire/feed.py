"""Feeds: memory in which messages lie side by side, as the decoder takes them.

    list of bytes           --gather-->  ┌────────────────┐
    bytes behind lengths    --frame--->  │ data, offsets  │ --> a batch, then the next in its place
    bytes behind a header   --strip--->  └────────────────┘
    Arrow's views           --view--->

For small messages this costs as much as decoding them if Python does it, so they are kernels
(`feed.ll`). Where there is no native code, or not yet, Python does the same.

`gather` reads CPython's objects where they lie, without a call and without a reference: it has the
interpreter lock all the time, so nobody changes the list, and nothing in it goes away. That memory
means what it takes it for is looked at once, on objects that are known; see `_objects_are_known`.

Invariants
 1. A kernel reads nothing outside of the bytes it is given or the objects, and writes nothing
    outside of the feed.
 2. Messages of a feed hold until it is filled again.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import sys
from array import array
from bisect import bisect_right
from functools import cache
from itertools import accumulate

from jitvm.engine.codegen.kernels import Kernels
from jitvm.engine.memory.shown import address_of
from jitvm.guest.light import cached_property
from jitvm.guests.wire.buffers import MAX_NARROW
from jitvm.guests.wire.pool import PoolError

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    Objects = list[Any] | tuple[Any, ...]

SIZE = 16 << 20
"""Bytes that a feed holds; a larger message is taken where it is."""
NULL = b"\x00"
"""What stands for a message that is None: nobody can decode the field number 0."""
FEW = 256
"""Messages that are joined at a time where they are not gathered."""
_WORD = 8
_WORDS = (
    "source", "first", "last", "out", "room", "written", "offsets", "count", "most", "nulls",
    "null count", "bytes", "none", "objects", "starts", "skip", "limit",
)  # fmt: skip
"""What kernels are told, in this order; see `feed.ll`."""
_AT = {name: at for at, name in enumerate(_WORDS)}
_BEHIND = 64
"""Bytes behind a feed's that kernels may write."""
_TYPE, _LENGTH, _ITEMS = 8, 16, 24
"""Where an object of CPython has its type, its length, and, if it is a list, its items' address."""
_SHORT = 12
"""Bytes that lie in a view of Arrow's itself."""
LONGEST = 5
"""Bytes of a length."""

KERNELS = Kernels("wire-feed", os.path.join(os.path.dirname(__file__), "feed.ll"))


class BrokenFraming(Exception):
    """Bytes that no message begins with, nor its length."""


class CutOff(BrokenFraming):
    """The end of a stream in the middle of a message."""


class Feed:
    """Messages side by side, and ways to put some there; of one thread at a time.

    Args:
        rows: messages at most.
        size: bytes at most.

    Attributes:
        rows, size: the same.
    """

    def __init__(self, rows: int, size: int) -> None:
        self.rows = rows
        self.size = size
        try:
            offsets, nulls = (mmap.mmap(-1, _WORD * (rows + 1), mmap.MAP_PRIVATE) for _ in "ab")
            data = mmap.mmap(-1, size + _BEHIND, mmap.MAP_PRIVATE)
        except OSError as error:
            raise PoolError(f"no memory for messages: {error.strerror}") from None
        self._data = memoryview(data)
        self._offsets = memoryview(offsets).cast("q")
        self._nulls = memoryview(nulls).cast("q")
        self._memory = (ctypes.c_int64 * len(_WORDS))()
        self._words = memoryview(self._memory).cast("B").cast("q")
        self._own_address = ctypes.addressof(self._memory)
        for name, value in (
            ("out", address_of(self._data)), ("room", size), ("bytes", id(bytes)),
            ("offsets", address_of(self._offsets)), ("nulls", address_of(self._nulls)),
            ("none", id(None)),
        ):  # fmt: skip
            self._words[_AT[name]] = value

    @property
    def count(self) -> int:
        """Messages that are there."""
        return self._words[_AT["count"]]

    @property
    def messages(self) -> tuple[memoryview, memoryview, frozenset[int]]:
        """Their bytes, int64 offsets in them, and which are null."""
        words = self._words
        nulls = frozenset(self._nulls[: words[_AT["null count"]]])
        return self._data[: words[_AT["written"]]], self._offsets[: self.count + 1], nulls

    @property
    def room(self) -> memoryview:
        """All its bytes, for somebody who fills it otherwise."""
        return self._data[: self.size]

    @cached_property
    def other(self) -> Feed:
        """Another one of the same size."""
        return Feed(self.rows, self.size)

    def clear(self) -> None:
        """Take all out."""
        self._words[_AT["room"]] = self.size
        for name in ("count", "written", "null count"):
            self._words[_AT[name]] = 0

    # -- objects ---------------------------------------------------------------------------------

    def gather(self, messages: Objects, first: int, most: int, before: int = 0) -> int:
        """Put some of a list or tuple here.

        Args:
            messages: bytes, None, or other buffers.
            first: the first to take.
            most: how many may be here then.
            before: how many messages people have seen before those, for errors.

        Returns:
            The one behind the last that was taken: others are no more, too many, or too large.

        Raises:
            TypeError: one is no message.
        """
        while True:
            first = self._gathered(messages, first, most)
            some = messages[first : first + min(FEW, most - self.count)]
            if not some or (is_native() and type(some[0]) is bytes):
                return first
            taken = self._joined(some, before + first)
            first += taken
            if not taken:
                return first

    def _gathered(self, messages: Objects, first: int, most: int) -> int:
        """The same, of bytes and None alone, where there is native code."""
        kernel = _kernel("gather") if _objects_are_known() else None
        if kernel is None:
            return first
        if isinstance(messages, tuple):
            items = ctypes.c_int64(id(messages) + tuple.__basicsize__)
            source = ctypes.addressof(items)
        else:
            source = id(messages) + _ITEMS
        return self._run(kernel, source, first, sys.maxsize, most, objects=id(messages) + _LENGTH)

    def _joined(self, some: Sequence[Any], first: int) -> int:
        """Put a few messages here, whatever they are; how many there was room for."""
        full = [NULL if each is None else each for each in some]
        try:
            data = b"".join(full)
        except (TypeError, BufferError):
            raise _no_message(full, first) from None
        written = self._words[_AT["written"]]
        ends = array("q", accumulate(_sizes(full), initial=written))
        count = bisect_right(ends, written + self._left) - 1
        for at in range(count):
            if some[at] is None:
                self._note_null(self.count + at)
        self._put(data, ends[: count + 1])
        return count

    def put_null(self) -> bool:
        """Put a message that is None here; whether there is room."""
        return self.count < self.rows and self._joined([None], 0) == 1

    def _note_null(self, row: int) -> None:
        count = self._words[_AT["null count"]]
        self._nulls[count] = row
        self._words[_AT["null count"]] = count + 1

    def _put(self, data: Any, ends: array[int]) -> None:
        """Put messages here that lie side by side already, given where the first begins here, and
        where each ends."""
        words, count, written = self._words, self.count, ends[0]
        self._offsets[count : count + len(ends)] = memoryview(ends)
        self._data[written : ends[-1]] = memoryview(data)[: ends[-1] - written]
        words[_AT["count"]], words[_AT["written"]] = count + len(ends) - 1, ends[-1]

    def _put_one(self, data: memoryview) -> None:
        written = self._words[_AT["written"]]
        self._put(data, array("q", (written, written + len(data))))

    # -- bytes -----------------------------------------------------------------------------------

    def frame(
        self, data: memoryview, first: int, last: int, most: int, size: int | None = None
    ) -> int:
        """Put messages here that lie behind their lengths.

        Args:
            data: bytes.
            first, last: which of them.
            most: how many messages may be here then.
            size: bytes that they may have; None: all that there is room for.

        Returns:
            Where the first begins that was not taken: it is not whole, too large, or none.
        """
        kernel = _kernel("frame")
        self._words[_AT["room"]] = self.size if size is None else min(size, self.size)
        if kernel is not None:
            return self._run(kernel, address_of(data), first, last, most)
        while self.count < most:
            try:
                found = framed(data, first, last)
            except BrokenFraming:
                break
            if found is None or found[1] > last or found[1] - found[0] > self._left:
                break
            self._put_one(data[found[0] : found[1]])
            first = found[1]
        return first

    def strip(self, data: memoryview, offsets: memoryview, first: int, skip: int) -> int:
        """Put messages here without the first bytes of each.

        Args:
            data, offsets: messages side by side.
            first: the first to take.
            skip: bytes that are left out.

        Returns:
            The one behind the last that was taken: others are no more, too large, or too short.
        """
        last = len(offsets) - 1
        kernel = _kernel("strip")
        if kernel is not None:
            return self._run(
                kernel, address_of(data), first, last, self.rows,
                starts=address_of(offsets), skip=skip, limit=len(data),
            )  # fmt: skip
        while first < last and self.count < self.rows:
            begin, end = offsets[first] + skip, offsets[first + 1]
            if not skip <= begin <= end <= len(data) or end - begin > self._left:
                break
            self._put_one(data[begin:end])
            first += 1
        return first

    def view(self, views: Any, data: Sequence[int], sizes: Sequence[int], first: int) -> int:
        """Put messages here that Arrow's views show.

        Args:
            views: words of 32 bits, four a view.
            data, sizes: addresses of the buffers that they are about, and how large these are.
            first: the first to take.

        Returns:
            The one behind the last that was taken: others are no more, too large, or not there.
        """
        words, last = views.reshape(-1), len(views)
        kernel = _kernel("view")
        if kernel is not None:
            starts, limits = array("Q", data), array("q", sizes)
            return self._run(
                kernel, address_of(memoryview(words)), first, last, self.rows, skip=len(data),
                starts=starts.buffer_info()[0], limit=limits.buffer_info()[0],
            )  # fmt: skip
        raw = memoryview(words).cast("B")
        while first < last and self.count < self.rows:
            size, _, index, begin = map(int, views[first])
            if size <= _SHORT:
                shown: Any = raw[16 * first + 4 : 16 * first + 4 + size]
            elif index < len(data) and begin + size <= sizes[index]:
                shown = (ctypes.c_ubyte * size).from_address(data[index] + begin)
            else:
                break
            if size > self._left:
                break
            self._put_one(memoryview(shown).cast("B"))
            first += 1
        return first

    @property
    def _left(self) -> int:
        return self._words[_AT["room"]] - self._words[_AT["written"]]

    def _run(
        self, kernel: Callable[[int], None], source: int, first: int, last: int, most: int,
        **others: int,
    ) -> int:  # fmt: skip
        words = self._words
        words[0], words[1], words[2], words[_AT["most"]] = source, first, last, min(most, self.rows)
        for name, value in others.items():
            words[_AT[name]] = value
        kernel(self._own_address)
        return words[1]


def framed(data: memoryview, first: int, last: int) -> tuple[int, int] | None:
    """Where a message begins and ends that has its length in front; None where that is cut off.

    Raises:
        BrokenFraming: it has no length.
    """
    size = 0
    for count, byte in enumerate(data[first : min(first + LONGEST, last)]):
        size |= (byte & 0x7F) << 7 * count
        if byte < 0x80:
            if size > MAX_NARROW:
                raise BrokenFraming
            return first + count + 1, first + count + 1 + size
    if last - first >= LONGEST:
        raise BrokenFraming
    return None


def _sizes(some: Sequence[Any]) -> Iterable[int]:
    """Bytes of each of some buffers."""
    if set(map(type, some)) <= {bytes, bytearray}:
        return map(len, some)
    return (memoryview(each).nbytes for each in some)


def _no_message(some: Sequence[Any], first: int) -> TypeError:
    """What is said where some objects, of which this is the first, are not all messages."""
    for at, each in enumerate(some, first):
        if not is_buffer(each):
            more = "; serialize it" if hasattr(each, "SerializeToString") else ""
            return TypeError(f"message {at} is {type(each).__name__}, not bytes{more}")
    return TypeError(f"one of the messages from {first} on does not lie in one piece; copy it")


def is_buffer(thing: object) -> bool:
    """Whether something shows its memory."""
    try:
        memoryview(thing).release()  # type: ignore[arg-type]
    except TypeError:
        return False
    return True


# -- native code -----------------------------------------------------------------------------------


def is_native() -> bool:
    """Whether lists are gathered by a kernel."""
    return _objects_are_known() and _kernel("gather") is not None


def _kernel(name: str) -> Callable[[int], None] | None:
    address = KERNELS.address(name)
    return None if address is None else _callable(name, address)


@cache
def _callable(name: str, address: int) -> Callable[[int], None]:
    """A kernel for Python; one that looks at objects keeps the interpreter lock."""
    kind = ctypes.PYFUNCTYPE if name == "gather" else ctypes.CFUNCTYPE
    return kind(None, ctypes.c_void_p)(address)


@cache
def _objects_are_known() -> bool:
    """Whether objects lie in memory as `gather` takes it; nothing outside of them is looked at."""
    if sys.implementation.name != "cpython" or sys.maxsize >> 32 == 0:
        return False
    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        return False
    sample = [b"", b"abc", bytes(range(100)), bytes(70_000)]
    head = bytes.__basicsize__ - 1
    if head != _ITEMS + _WORD or list.__basicsize__ < _ITEMS + _WORD:
        return False
    for each in sample:
        told = _word(id(each) + _TYPE), _word(id(each) + _LENGTH)
        if sys.getsizeof(each) != head + 1 + len(each) or told != (id(bytes), len(each)):
            return False
        if ctypes.string_at(id(each) + head, len(each) + 1) != each + b"\0":
            return False
    both = tuple(sample)
    if (_word(id(sample) + _LENGTH), _word(id(both) + _LENGTH)) != (len(sample),) * 2:
        return False
    addresses = b"".join(id(each).to_bytes(_WORD, sys.byteorder) for each in sample)
    places = _word(id(sample) + _ITEMS), id(both) + tuple.__basicsize__
    if sys.getsizeof(both) - sys.getsizeof(()) != len(addresses):
        return False
    return all(ctypes.string_at(place, len(addresses)) == addresses for place in places)


def _word(address: int) -> int:
    return ctypes.c_uint64.from_address(address).value

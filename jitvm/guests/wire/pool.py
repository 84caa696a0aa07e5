"""The memory that columns are decoded into: large reservations that are used again and again.

    POOL.take(size) ──> OutputSpace ──> columns, Arrow's arrays, NumPy's views: all hold on to it
                            │
                            └ when the last of them lets go: its mapping is free for the next batch

Touching a fresh page costs more than decoding what is put there, so mappings whose pages are there
already are what the pool keeps. A mapping reserves addresses only; pages come when they are
touched: huge ones where batches before have needed much. They go with `Pool.trim`, when more than
`MAX_FREE` bytes of them are free, and when a mapping was free for `MAX_IDLE` seconds before the
next batch came.

Invariants
 1. A mapping is free, or in one `OutputSpace`; what is in it is not what was there before.
 2. Letting go happens anywhere: in a collection of garbage, on a thread of somebody's library. It
    takes no lock: free mappings are a deque, whose operations are atomic.
 3. Mappings are private: after a fork, parent and child each have their own.
"""

from __future__ import annotations

import ctypes
import mmap
from collections import deque
from contextlib import suppress
from time import monotonic

from jitvm.engine.host.foreign import Word, function
from jitvm.engine.host.notes import reason
from jitvm.engine.memory.block import MAP_NORESERVE
from jitvm.guests.wire.buffers import ADDRESS_BITS, HUGE

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, ClassVar

MAX_FREE = 512 << 20
"""Bytes of touched pages in free mappings that are kept for later."""
MAX_IDLE = 20.0
"""Seconds for which a free mapping is kept while others are in use."""
SIZES = tuple((1 << bits) + mmap.PAGESIZE for bits in ADDRESS_BITS)
"""Bytes of reservations: all addresses that native code may form lie in one."""


LARGE = HUGE // 2
"""Bytes of a buffer that is given huge pages: with small ones their faults take longer than to
decode what they hold."""
MAX_RANGES = 4096
"""Ranges of huge pages at a time: each is a mapping of its own to the system, which allows for some
ten thousands."""


class PoolError(MemoryError):
    """The system refused the memory for columns."""


class _Mapping:
    """A reservation of addresses.

    Attributes:
        address: where it begins.
        size: bytes of addresses.
        touched: bytes of pages it may have, as the batches in it told.
        since: when it became free, in seconds of the monotonic clock.
        expects: for what its pages were made huge: a layout, and messages in it.
        ranges: how many ranges of huge pages it has.
    """

    __slots__ = ("_memory", "address", "expects", "ranges", "since", "size", "touched")

    all_ranges: ClassVar[int] = 0

    def __init__(self, size: int) -> None:
        self.size = size
        self.touched = 0
        self.since = 0.0
        self.expects: tuple[object, int] = (None, 0)
        self.ranges = 0
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_NORESERVE
        try:
            # An object that owns it: Ctrl-C may come before anybody has taken note of an address.
            self._memory = mmap.mmap(-1, size + HUGE, flags=flags)
        except (OSError, OverflowError) as error:
            raise PoolError(
                f"cannot reserve {size >> 20} MiB of addresses for columns ({reason(error)}); ask "
                "for fewer fields or smaller batches, or raise the limit of virtual memory "
                "(ulimit -v)"
            ) from None
        found = ctypes.addressof(ctypes.c_ubyte.from_buffer(self._memory))
        self.address = -(-found // HUGE) * HUGE

    def unmap(self) -> None:
        """Give the addresses back; they are not to be used again."""
        _Mapping.all_ranges -= self.ranges
        self._memory.close()

    def make_huge(self, first: int, last: int) -> None:
        """Have a range consist of huge pages, if the system has any."""
        if _Mapping.all_ranges < MAX_RANGES:
            _Mapping.all_ranges += 1
            self.ranges += 1
            size = -(-last // HUGE) * HUGE - first
            _madvise(self.address + first, size, _HUGEPAGE)


class OutputSpace:
    """Memory for the columns of one batch, until nobody holds it any more.

    Attributes:
        address: where it begins, a multiple of a page.
        size: bytes that may be used; pages of them come when they are touched.
    """

    __slots__ = ("__weakref__", "_mapping", "_pool", "address", "size")

    def __init__(self, pool: Pool, mapping: _Mapping) -> None:
        self._pool = pool
        self._mapping = mapping
        self.address = mapping.address
        self.size = mapping.size

    def __del__(self) -> None:
        self._pool.give_back(self._mapping)

    def write(self, place: int, data: Any) -> None:
        """Copy a buffer to a place."""
        view = memoryview(data).cast("B")
        if place < 0 or place + len(view) > self.size:
            raise ValueError(f"{len(view)} bytes at {place} of {self.size}")
        ctypes.memmove(self.address + place, bytes(view), len(view))

    def buffer(self, place: int, size: int) -> Any:
        """Bytes of it as an object with the buffer protocol, which holds on to it."""
        if place < 0 or size < 0 or place + size > self.size:
            raise ValueError(f"{size} bytes at {place} of {self.size}")
        array: Any = (ctypes.c_ubyte * size).from_address(self.address + place)
        array.space = self  # the memory lives as long as what shows it
        return array

    def expect(self, layout: object, messages: int, extents: Iterable[tuple[int, float]]) -> None:
        """Prepare for a batch of so many messages, in columns that lie as a layout says.

        Args:
            layout: which.
            messages: how many.
            extents: addresses of buffers, lowest first, and about how many bytes a message has in
                them.
        """
        mapping = self._mapping
        known, most = mapping.expects
        if _HUGEPAGE is None or (known is layout and messages <= most):
            return
        mapping.expects = layout, 2 * messages
        first = last = total = 0
        for place, each in extents:
            size = int(each * messages)
            total += size
            if size >= LARGE:
                first = first if last else place & -HUGE
                last = place + size
            elif size and last:
                mapping.make_huge(first, last)
                last = 0
        if last:
            mapping.make_huge(first, last)
        self.used(total)

    def used(self, size: int) -> None:
        """Tell that a batch has touched so many bytes."""
        self._mapping.touched = max(self._mapping.touched, size)


class Pool:
    """Free mappings, and how they are found again.

    Args:
        max_free: bytes of pages in free mappings that are kept.
        max_idle: seconds for which they are.
        clock: the time in seconds.
    """

    def __init__(
        self,
        max_free: int = MAX_FREE,
        max_idle: float = MAX_IDLE,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._max_free = max_free
        self._max_idle = max_idle
        self._clock = clock
        self._free: deque[_Mapping] = deque()  # that which became free last is at its end

    @property
    def free(self) -> int:
        """Bytes of pages that free mappings keep."""
        while True:
            try:
                return sum(each.touched for each in tuple(self._free))
            except RuntimeError:  # it was changed meanwhile
                continue

    def take(self, size: int) -> OutputSpace:
        """A space of so many bytes, or more; the pages in it, where it has any, are dirty.

        Raises:
            PoolError: there are no addresses left.
        """
        size = next((each for each in SIZES if size < each), size)
        for _ in range(len(self._free)):
            try:
                mapping = self._free.pop()  # the warmest
            except IndexError:
                break
            if size <= mapping.size <= 4 * size:
                return OutputSpace(self, mapping)
            self._free.appendleft(mapping)
        with suppress(PoolError):
            return OutputSpace(self, _Mapping(size))
        self.trim()
        return OutputSpace(self, _Mapping(size))

    def give_back(self, mapping: _Mapping) -> None:
        """Take a mapping that nobody uses any more; from any thread, at any moment."""
        mapping.since = self._clock()
        self._free.append(mapping)
        while self._free:
            try:
                oldest = self._free.popleft()
            except IndexError:
                return
            is_idle = mapping.since - oldest.since > self._max_idle
            if not is_idle and self.free + oldest.touched <= self._max_free:
                self._free.appendleft(oldest)
                return
            oldest.unmap()

    def trim(self) -> None:
        """Give all that is free back to the system."""
        while True:
            try:
                self._free.popleft().unmap()
            except IndexError:
                return


_madvise = function("madvise", Word, Word, Word, returns=None)
_HUGEPAGE: int | None = getattr(mmap, "MADV_HUGEPAGE", None)
POOL = Pool()
"""The pool of this process."""

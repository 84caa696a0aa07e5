"""Where values end that stand one behind the other, each of which tells its own end: files and
buffers of DER, of MessagePack.

    buffer ──Splitter──> blocks of one record each, and where the last one that is whole ends

A program that only passes over values goes through a buffer, natively, and notes where each begins
(`PLACE`). What it cannot pass over is either no value at all, or one that is not all there yet:
that is seen by the format.
"""

from __future__ import annotations

from array import array

from jitvm.engine.memory.block import BlockError
from jitvm.guest.light import cached_property
from jitvm.guests.wire.buffers import layout
from jitvm.guests.wire.columns import Column, RowSpace, Shape, Tree
from jitvm.guests.wire.faults import Fault, MessagesError, StreamError
from jitvm.guests.wire.mapped import copied, map_of
from jitvm.guests.wire.pool import POOL
from jitvm.guests.wire.reading import DecodeError, refused
from jitvm.guests.wire.records.columns import mark
from jitvm.guests.wire.records.decoder import OfRecords, Place, RecordDecoder
from jitvm.guests.wire.records.faulty import Finding
from jitvm.guests.wire.records.reading import Records, is_file, separate
from jitvm.guests.wire.schema import Message
from jitvm.guests.wire.table import RowError

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from jitvm.engine.machine.machine import Tier
    from jitvm.guests.wire.reading import Progress
    from jitvm.guests.wire.records.program import RecordProgram

PIECE = 8 << 20
"""Bytes that are looked at at a time, if no value is larger."""
ROWS = 1 << 18
"""Values that are noted at a time."""
LARGEST = (1 << 31) - 1
"""Bytes of the largest value there may be."""


class BrokenValue(Exception):
    """What comes behind so many values is none."""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self.count = count


class Found:
    """Values that were found.

    Attributes:
        blocks: where each begins and ends, and 1: int64.
        count: how many there are.
        behind: where the last one that is whole ends.
    """

    __slots__ = ("blocks", "count", "behind")  # noqa: RUF023

    def __init__(self, blocks: memoryview, count: int, behind: int) -> None:
        self.blocks = blocks
        self.count = count
        self.behind = behind


class _Splitting(OfRecords):
    """A run that does not look for what is wrong with a value."""

    decoder: _Splitter

    @cached_property
    def _walker(self) -> Any:
        return self

    def walk(self, data: memoryview, *, checks_texts: bool = True) -> Finding:
        """Whether what stopped the run will become a value when more is there."""
        del checks_texts
        found = Finding()
        pointer = self.machine.state.pointers[0]
        cursor = self._frames[pointer // 4 - 1]
        begin = self._frames[2]
        program = self.decoder.program
        broken = program.hopeless and self.machine.state.pc == program.hopeless
        broken = broken or self.decoder.is_broken(data, cursor - begin)
        found.fault = Fault.FRAME if broken else Fault.TRUNCATED
        return found


class _Splitter(RecordDecoder):
    """What finds values; see `Splitter`."""

    is_broken: Callable[[memoryview, int], bool]

    def run_of(self, tier: Tier) -> OfRecords:
        return _Splitting(self, tier)


def _places() -> Tree:
    """No columns but that of places."""
    root = Column("", Shape.STRUCT, RowSpace(0, None), None)
    root.message = Message("value", [])
    mark(root)
    return Tree(root.message, root, 4, "values")


class Splitter:
    """Finds values. Any number of threads may use one.

    Args:
        make: makes the program that passes over values, of columns that are laid out; it has to be
            `is_open`.
        make_tree: makes these columns, `mark` among them, if there are others.
        is_broken: whether what stands at a place, which could not be passed over, will not become
            a value whatever comes behind the data.
    """

    def __init__(
        self,
        make: Callable[[Tree], RecordProgram],
        is_broken: Callable[[memoryview, int], bool],
        make_tree: Callable[[], Tree] = _places,
    ) -> None:
        self._make = make
        self._make_tree = make_tree
        self._is_broken = is_broken

    @cached_property
    def _decoder(self) -> _Splitter:
        tree = self._make_tree()
        placed = layout(tree, ROWS, LARGEST)
        made = _Splitter(tree, placed, self._make(tree), errors="raise")
        made.is_broken = self._is_broken
        return made

    def split(self, view: memoryview) -> Found:
        """The values of a buffer of at most `LARGEST` bytes.

        Raises:
            BrokenValue: what stands behind some is no value, and will not become one.
            PoolError: the system refused memory.
        """
        import numpy as np

        begins: list[Any] = []
        place, count, end = Place(0, 0, 0), 0, len(view)
        blocks = memoryview(array("q", (0, end, end)))
        try:
            decoder = self._decoder
            out = POOL.take(decoder.layout.size)
            while place.block == 0 and end:
                found = decoder.decode(view, blocks, place, 1, out, ROWS)
                column = decoder.program.mark
                assert column is not None
                words = np.frombuffer(out.buffer(column, 8 * found.rows), "<u4")
                begins.append(words[::2].astype(np.int64) + place.at)
                count += found.rows
                place = found.next
                if not found.mistakes:
                    continue
                if found.mistakes[0].fault is Fault.FRAME:
                    raise BrokenValue(count)
                end = place.at
                break
        except BlockError as error:
            raise refused(error) from None
        table = np.ones((count, 3), np.int64)
        if count:
            table[:, 0] = np.concatenate(begins)
            table[:-1, 1], table[-1, 1] = table[1:, 0], end
        shown: Any = table.reshape(-1)
        return Found(memoryview(shown), count, end)

    # -- sources ---------------------------------------------------------------------------------

    def records(
        self, source: Any, lengths: Any, rows: int, state: Progress | None
    ) -> Iterator[Records]:
        """The values of a source, as many as are in memory at a time.

        Args:
            source: a file of values one behind the other, or a buffer of such; or values that are
                told apart: see `separate`.
            lengths: of values in a buffer.
            rows: of a piece of values that come one by one, at most.
            state: of a stream, how far it is read.

        Raises:
            DecodeError: what is in a file or buffer is no value.
            StreamError: it ends in the middle of a value.
        """
        if is_file(source):
            yield from self._of_file(source, state)
            return
        view = bytes_of(source) if lengths is None else None
        if view is None:
            yield from separate(source, lengths, rows, state)
            return
        yield from self._of_buffer(view)

    def _of_buffer(self, view: memoryview) -> Iterator[Records]:
        at, seen, wanted = 0, 0, PIECE
        while at < len(view):
            piece = view[at : at + wanted]
            found = self._checked(piece, seen)
            if found.count:
                yield Records(piece[: found.behind], found.blocks)
                seen += found.count
                at += found.behind
                wanted = PIECE
            elif at + wanted >= len(view):
                raise StreamError(f"the data ends in the middle of a value, behind value {seen}")
            else:
                wanted = _more(wanted, seen)

    def _of_file(self, source: Any, state: Progress | None) -> Iterator[Records]:
        from jitvm.guests.wire.streams import opened

        with opened(source) as file:
            if state is not None:
                state.total = file.size
            buffer, filled, seen = memoryview(bytearray(PIECE)), 0, 0
            while True:
                filled += file.fill(buffer[filled:])
                if state is not None:
                    state.bytes = file.place
                found = self._checked(buffer[:filled], seen)
                if found.count:
                    yield Records(buffer[: found.behind], found.blocks)
                    seen += found.count
                elif file.is_at_end:
                    file.check_end()
                    if filled:
                        raise StreamError(
                            f"{file.name} ends in the middle of a value, behind value {seen}"
                        )
                    return
                kept = bytes(buffer[found.behind : filled])
                if len(kept) == len(buffer):
                    buffer = memoryview(bytearray(_more(len(buffer), seen)))
                filled = len(kept)
                buffer[:filled] = kept

    def _checked(self, view: memoryview, seen: int) -> Found:
        """Values of a buffer behind others, and where they end."""
        try:
            return self.split(view)
        except BrokenValue as broken:
            raise DecodeError(RowError(seen + broken.count, 0, "", Fault.FRAME)) from None


def _more(size: int, seen: int) -> int:
    """How many bytes to look at where a value has more than so many.

    Raises:
        DecodeError: there may not be as many.
    """
    if size >= LARGEST:
        raise DecodeError(RowError(seen, 0, "", Fault.SIZE))
    return min(2 * size, LARGEST)


def bytes_of(source: Any) -> memoryview | None:
    """A buffer; what is none, or an Arrow array, is None.

    Raises:
        MessagesError: it does not lie in one piece.
    """
    if hasattr(source, "__arrow_c_array__") or hasattr(source, "__arrow_c_stream__"):
        return None
    try:
        view = memoryview(source)
    except TypeError:
        return None
    if not view.c_contiguous:
        raise MessagesError("the buffer does not lie in one piece; copy it")
    view = view.cast("B") if view.nbytes else memoryview(b"")
    return copied(view, 0, len(view)) if map_of(view) is not None else view

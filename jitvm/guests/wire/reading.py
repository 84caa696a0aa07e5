"""Readers: from messages, however they come, to tables.

    Reader (schema, options) ── per thread ──> decoder, laid out for the largest batch so far
       read(messages)  ──> Table          all at once, in batches of `BATCH_ROWS`
       stream(source)  ──> Table, ...     one batch at a time, in constant memory

A decoder belongs to one thread while it is used, and is kept for the next: so a reader may be used
on any number of threads. A reader that is pickled is its schema and its options; everything else is
made again where it arrives.
"""

from __future__ import annotations

import os
from collections import deque
from contextlib import contextmanager, suppress

from jitvm.engine.memory.block import BlockError
from jitvm.guest.light import cached_property
from jitvm.guests.wire.ahead import open_ahead
from jitvm.guests.wire.buffers import ADDRESS_BITS, MAX_NARROW, layout
from jitvm.guests.wire.columns import TooManyColumns, Tree
from jitvm.guests.wire.faults import (
    ERRORS,
    FRAMINGS,
    MAX_DEPTH,
    Fault,
    MessagesError,
    StreamError,
)
from jitvm.guests.wire.pace import Pace
from jitvm.guests.wire.pool import POOL, PoolError
from jitvm.guests.wire.protobuf.columns import tree
from jitvm.guests.wire.table import Batch, Chunk, Columnar, RowError, Table

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from jitvm.engine.machine.machine import Machine
    from jitvm.guest import Guest
    from jitvm.guests.wire.batch import Batch as Decoded
    from jitvm.guests.wire.buffers import Layout
    from jitvm.guests.wire.decoder import Decoder
    from jitvm.guests.wire.decoding import Decoding
    from jitvm.guests.wire.feed import Feed
    from jitvm.guests.wire.listing import WirePlatform
    from jitvm.guests.wire.messages import Messages
    from jitvm.guests.wire.plain import PlainDecoder
    from jitvm.guests.wire.pool import OutputSpace
    from jitvm.guests.wire.schema import Message
    from jitvm.guests.wire.streams import Source
    from jitvm.guests.wire.where import Condition
    from jitvm.platform import Program

BATCH_ROWS = 1 << 18
"""Rows of a batch at most."""
BATCH_BYTES, ENOUGH_BYTES, LEAST_BYTES = 64 << 20, 8 << 20, 1 << 20
"""Bytes of input of a batch at most, if no message is larger; how many are enough to spread what a
batch costs by itself; and the fewest."""
SMALL_BYTES = 1 << 16
"""The same of a batch that is decoded while native code is not there yet."""
STREAM_ROWS = 65536
"""Rows of a batch of a stream, if nobody says another number."""
LARGEST = MAX_NARROW
"""Bytes of the largest message there may be, as in Protobuf."""
FEEDS: deque[Feed] = deque()
"""Feeds that nobody uses, of all readers."""
DEPTHS = (3, 2, 1)
"""How often a type may be nested in itself if nobody says so: the first of these with which there
are not too many columns."""


def check_options(errors: str, fields: object = None, depth: int | None = None) -> None:
    """Refuse what no reader can be asked for.

    Raises:
        ValueError: `errors` or `depth` is out of range.
        TypeError: `fields` is one path instead of a list.
    """
    if errors not in ERRORS:
        raise ValueError(f"errors={errors!r}: choose from {', '.join(ERRORS)}")
    if depth is not None and not 1 <= depth <= MAX_DEPTH:
        raise ValueError(f"depth={depth}: choose from 1 to {MAX_DEPTH}")
    if isinstance(fields, str):
        raise TypeError("fields is a list of paths, not a str")


def asked(
    where: str | None, message: Message, fields: Sequence[str] | None
) -> tuple[Condition | None, Sequence[str]]:
    """A condition, and paths that are decoded for it alone.

    Raises:
        WhereError: it cannot be tested.
    """
    if where is None:
        return None, ()
    from jitvm.guests.wire.where import parse, paths

    condition = parse(where, message)
    return condition, () if fields is None else paths(condition)


class DecodeError(ValueError):
    """A message that cannot be decoded, where that is not to be passed over.

    Attributes:
        error: which message, and what is wrong with it.
    """

    def __init__(self, error: RowError) -> None:
        super().__init__(
            f"{error}; pass errors='skip' or 'null' to go on behind such messages"
            if error.fault is not Fault.FRAME
            else str(error)
        )
        self.error = error

    def __reduce__(self) -> tuple[Any, ...]:
        return DecodeError, (self.error,)


class Progress:
    """How far a stream was read.

    Attributes:
        bytes: read so far, as they lie on the disk where that is known.
        total: bytes there are; None where that is not known.
        rows: of all batches so far.
        messages: looked at so far.
        errors: messages so far that could not be decoded.
    """

    __slots__ = ("bytes", "errors", "messages", "rows", "total")

    def __init__(self, total: int | None) -> None:
        self.bytes = 0
        self.total = total
        self.rows = 0
        self.messages = 0
        self.errors = 0


class _Ready:
    """A decoder with its tree, and what its batches may have."""

    __slots__ = ("decoder", "layout", "tree")

    def __init__(self, tree: Tree, layout: Layout, decoder: Decoder | PlainDecoder) -> None:
        self.tree = tree
        self.layout = layout
        self.decoder = decoder


class Reader(Columnar):
    """Decodes messages of one type into tables.

    Args:
        message: the type.
        fields, where, errors, depth: see `jitvm.wire.reader`.
        others: how columns are made, as for `jitvm.guests.wire.protobuf.columns.tree`.
    """

    _tree: Tree

    def __init__(
        self,
        message: Message,
        *,
        fields: Sequence[str] | None = None,
        where: str | None = None,
        errors: str = "raise",
        depth: int | None = None,
        **others: bool,
    ) -> None:
        check_options(errors, fields, depth)
        open_ahead()
        self.message = message
        self.errors = errors
        self._where_text = where
        self._where, hidden = asked(where, message, fields)
        self._options: dict[str, Any] = {
            "fields": None if fields is None else tuple(fields),
            "depth": depth, "null_rows": errors == "null", **others,
        }  # fmt: skip
        self._options["hidden"] = tuple(hidden)
        if depth is None:
            self._tree, self._options["depth"] = deepest(message, self._options)
        else:
            self._tree = tree(message, **self._options)
        self._spaces: tuple[int, ...] = ADDRESS_BITS
        self._free: deque[_Ready] = deque()
        self._pace = Pace()

    @cached_property
    def _batch_bytes(self) -> int:
        """Bytes of input of a batch: as many as its columns have addresses for in a space that
        has enough, if there is one."""
        return batch_bytes(self._tree, self._spaces)

    def __getstate__(self) -> dict[str, Any]:
        options = {
            name: value
            for name, value in self._options.items()
            if name not in ("hidden", "null_rows")
        }
        return {
            "message": self.message, "errors": self.errors, "where": self._where_text, **options
        }  # fmt: skip

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def __repr__(self) -> str:
        said = "".join(
            f", {name}={value!r}"
            for name, value in (("fields", self._options["fields"]), ("where", self._where_text))
            if value is not None
        )
        return f"<Reader of {self.message.full_name}{said}, errors={self.errors!r}>"

    # -- reading ---------------------------------------------------------------------------------

    def read(self, messages: Any, lengths: Any = None, *, framing: str | None = None) -> Table:
        """Decode messages, all of them.

        Args:
            messages: a list of bytes; a buffer (bytes, bytearray, memoryview, NumPy array, memory
                map) with `lengths`, or with the length of each message in front of it; an Arrow
                array or chunked array of binary values.
            lengths: of the messages in a buffer, in bytes.
            framing: ``"confluent"`` where each message begins with Confluent's header, which is
                passed over.

        Raises:
            DecodeError: a message cannot be decoded, and `errors` is ``"raise"``; or the lengths
                in a buffer are wrong.
            MessagesError: lengths do not fit, or messages are framed in another way.
            TypeError: `messages` holds none.
            PoolError: the system refused memory for columns, or for what decodes.
            MemoryError: there is not enough for anything else.
        """
        from jitvm.guests.wire.decoder import Decoder  # noqa: F401  what follows comes with it
        from jitvm.guests.wire.feed import BrokenFraming
        from jitvm.guests.wire.messages import taken

        chunks: list[Chunk] = []
        errors: list[RowError] = []
        seen = 0
        with feeding() as feed:
            try:
                for piece in taken(messages, lengths, framing, feed=feed):
                    seen = self._all(piece, seen, chunks, errors)
            except BrokenFraming:
                raise DecodeError(RowError(seen, 0, "", Fault.FRAME)) from None
        return Table(chunks[0].tree if chunks else self._tree, chunks, errors)

    def _all(self, piece: Messages, seen: int, chunks: list[Chunk], errors: list[RowError]) -> int:
        """Decode messages in as many batches as they need; how many were seen with those before."""
        data, offsets = piece.data, piece.offsets
        place, last = 0, len(offsets) - 1
        while place < last:
            end = _end(offsets, place, self._batch_bytes)
            size = max(min(offsets[end] - offsets[place], LARGEST), self._batch_bytes)
            batch, chunk, mistakes = self._batch(
                data, offsets, place, end, seen, size, piece.nulls, waits=False
            )
            if mistakes and self.errors == "raise":
                raise DecodeError(mistakes[-1])
            errors += mistakes
            if chunk.rows:
                chunks.append(chunk)
            seen += batch.seen
            place = batch.next
        return seen

    def _batch(
        self,
        data: memoryview,
        offsets: memoryview,
        first: int,
        last: int,
        seen: int,
        size: int,
        nulls: frozenset[int],
        *,
        waits: bool,
    ) -> tuple[Decoded, Chunk, list[RowError]]:
        """Decode one batch of at most so many bytes; `nulls` are messages that are none.

        While native code is made for the first time, it `waits`, or decodes a small batch plainly.
        """
        decoded = None
        while decoded is None:
            try:
                decoded = self._decoded(data, offsets, first, last, size, waits)
            except PoolError:
                if not self._makes_do(size):
                    raise
                size = max(offsets[first + 1] - offsets[first], self._batch_bytes)
        ready, batch, out = decoded
        out.used(4 * (offsets[batch.next] - offsets[first]))
        columns = ready.tree.columns
        mistakes = [
            RowError(seen + row, 0, "", Fault.NULL)
            if first + row in nulls
            else RowError(seen + row, offset, columns[column].path, Fault(fault))
            for row, offset, fault, column in batch.mistakes
        ]
        return batch, Chunk(ready.tree, batch.rows, out), mistakes

    def _decoded(
        self, data: memoryview, offsets: memoryview, first: int, last: int, size: int, waits: bool
    ) -> tuple[_Ready, Decoded, OutputSpace]:
        """A batch, what decoded it, and its columns."""
        from jitvm.guests.wire.decoder import Decoder

        ready = self._taken(BATCH_ROWS, size)
        try:
            out = POOL.take(ready.layout.size)
            decoder = ready.decoder
            decode = decoder.decode
            if not waits and isinstance(decoder, Decoder):
                decoder.get_ready(data, offsets, first, last, out)
                if not decoder.is_ready:
                    decode, last = decoder.decode_plainly, _end(offsets, first, SMALL_BYTES, last)
            batch = decode(data, offsets, first, last, out)
        except BlockError as error:
            raise refused(error) from None
        finally:
            self._free.append(ready)
        return ready, batch, out

    def _makes_do(self, size: int) -> bool:
        """Go on with smaller batches in fewer addresses, where the system refuses many; whether
        they are smaller than one of so many bytes, which it has refused."""
        if size > BATCH_BYTES:  # a large message
            return False
        self._spaces = ADDRESS_BITS[:1]
        self.__dict__.pop("_batch_bytes", None)
        self._free.clear()
        return self._batch_bytes < size

    def _taken(self, rows: int, size: int) -> _Ready:
        """A decoder that nobody uses, for batches of so many rows and bytes."""
        if size > self._batch_bytes:
            size = LARGEST
        for _ in range(len(self._free)):
            try:
                ready = self._free.pop()
            except IndexError:
                break
            if ready.layout.rows == rows and ready.layout.bytes == size:
                return ready
            self._free.appendleft(ready)
        made = tree(self.message, **self._options)
        placed = layout(made, rows, size)
        return _Ready(made, placed, self._decoder(made, placed))

    def _decoder(self, made: Tree, placed: Layout) -> Decoder | PlainDecoder:
        """A native decoder, or a plain one where none can be had."""
        from jitvm.guests.wire.decoder import Decoder
        from jitvm.guests.wire.writer import ProgramError

        try:
            return Decoder(made, placed, errors=self.errors, where=self._where)
        except ProgramError:
            from jitvm.guests.wire.plain import PlainDecoder

            return PlainDecoder(made, placed, errors=self.errors, where=self._where)

    # -- looking at how it reads -----------------------------------------------------------------

    def explained(self) -> tuple[Machine, Program]:
        """The machine that has read most natively, and its program; see `jitvm.wire.explain`.

        Raises:
            ValueError: nothing was read natively yet.
        """
        from jitvm.guests.wire.listing import WirePlatform

        return most_native(self._native(), self.message.full_name, WirePlatform)

    def listing(self) -> str:
        """The program that reads messages, as text with the names of fields; empty where a plain
        decoder reads them."""
        from jitvm.guests.wire.listing import WirePlatform, listing

        ready = self._taken(BATCH_ROWS, self._batch_bytes)
        self._free.append(ready)
        decoder = self._native()
        if decoder is None:
            return ""
        return listing(decoder.program, self.message.full_name, WirePlatform(decoder.guest))

    def _native(self) -> Decoder | None:
        """The native decoder that was used last."""
        from jitvm.guests.wire.decoder import Decoder

        found = (ready.decoder for ready in reversed(tuple(self._free)))
        return next((each for each in found if isinstance(each, Decoder)), None)

    # -- streams ---------------------------------------------------------------------------------

    def stream(
        self,
        source: Any,
        *,
        rows: int = STREAM_ROWS,
        framing: str = "varint",
        compression: str | None = None,
        progress: Callable[[Progress], object] | None = None,
    ) -> Iterator[Table]:
        """Decode messages batch by batch, in constant memory.

        Args:
            source: a path (`.gz` and `.zst` are decompressed), an URL that fsspec knows, an object
                with `read` or `readinto`, a socket: messages, each behind its length. Or an
                iterable of messages as bytes.
            rows: of a table at most.
            framing: of an iterable, ``"confluent"`` where each begins with Confluent's header.
            compression: ``"gzip"``, ``"zstd"`` or ``"none"``; None: as the end of the name says.
            progress: called with a `Progress` before each table is given.

        Yields:
            Tables of one batch each; what could not be decoded is in their `errors`.

        Raises:
            DecodeError: as in `read`; tables before it were given.
            StreamError: the source cannot be opened, is damaged, or ends within a message.
            OSError: it cannot be read.
        """
        if rows < 1:
            raise ValueError(f"rows={rows}: choose at least 1")
        if framing not in FRAMINGS:
            raise MessagesError(f"framing {framing!r}: choose from {', '.join(FRAMINGS)}")
        rows = min(rows, BATCH_ROWS)
        is_stream = isinstance(source, str | os.PathLike) or any(
            hasattr(source, each) for each in ("readinto", "read", "recv_into")
        )
        if is_stream:
            if framing != "varint":
                raise MessagesError(f"a stream of bytes cannot have the framing {framing!r}")
            from jitvm.guests.wire.streams import opened

            return self._of_source(opened(source, compression), rows, progress)
        return self._of_iterable(source, rows, framing, progress)

    def _of_iterable(
        self,
        messages: Any,
        rows: int,
        framing: str,
        progress: Callable[[Progress], object] | None,
    ) -> Iterator[Table]:
        from jitvm.guests.wire.messages import listed, without_headers

        state = Progress(None)
        with feeding() as feed:
            found = listed(messages, feed, rows)
            for piece in without_headers(found, feed) if framing == "confluent" else found:
                state.bytes += len(piece.data)
                yield from self._tables(piece, state, progress)

    def _of_source(
        self, source: Source, rows: int, progress: Callable[[Progress], object] | None
    ) -> Iterator[Table]:
        from jitvm.guests.wire.feed import BrokenFraming, CutOff
        from jitvm.guests.wire.messages import streamed

        state, pace = Progress(source.size), self._pace.with_rows(rows)
        with source, feeding() as feed:
            try:
                for piece in streamed(source, feed, pace):
                    state.bytes = source.place
                    for table in self._tables(piece, state, progress, source.file):
                        if pace.next_is_looked_at() and len(table):
                            pace.see(len(piece.data), table.nbytes)
                        yield table
                        del table
            except CutOff:
                raise StreamError(
                    f"{source.name} ends in the middle of message {state.messages}"
                ) from None
            except BrokenFraming:
                wrong = RowError(state.messages, 0, "", Fault.FRAME, source.file)
                raise DecodeError(wrong) from None

    def _tables(
        self,
        piece: Messages,
        state: Progress,
        progress: Callable[[Progress], object] | None,
        file: str = "",
    ) -> Iterator[Table]:
        """Decode messages that were read; what was right before a mistake is given first."""
        chunks: list[Chunk] = []
        errors: list[RowError] = []
        failure: DecodeError | None = None
        data, offsets = piece.data, piece.offsets
        place, last = 0, len(offsets) - 1
        while place < last and failure is None:
            end = _end(offsets, place, self._batch_bytes)
            size = max(offsets[end] - offsets[place], self._batch_bytes)
            batch, chunk, mistakes = self._batch(
                data, offsets, place, end, state.messages, size, piece.nulls, waits=True
            )
            mistakes = [each.moved(0, file) for each in mistakes]
            if mistakes and self.errors == "raise":
                failure = DecodeError(mistakes.pop())
            errors += mistakes
            chunks.append(chunk)
            state.messages += batch.seen
            state.rows += batch.rows
            place = batch.next
        state.errors += len(errors)
        if progress is not None:
            progress(state)
        full = [chunk for chunk in chunks if chunk.rows]
        if len(full) == 1:
            yield Batch(full[0].tree, full, errors)
        elif full or errors:
            yield Table(self._tree, full, errors)
        if failure is not None:
            raise failure


@contextmanager
def feeding() -> Iterator[Feed]:
    """Where messages are put side by side, for one thread."""
    from jitvm.guests.wire.feed import SIZE, Feed

    try:
        feed = FEEDS.pop()
    except IndexError:
        feed = Feed(BATCH_ROWS, SIZE)
    try:
        yield feed
    finally:
        FEEDS.append(feed)


def most_native(
    decoder: Decoding | None, name: str, platform: Callable[[Guest], WirePlatform]
) -> tuple[Machine, Program]:
    """The machine of a decoder that has read most natively, and its program, under a name.

    Raises:
        ValueError: nothing was read natively yet.
    """
    from jitvm.engine.machine.inspect import Inspector
    from jitvm.guests.wire.listing import shown

    machines = () if decoder is None else decoder.machines()
    for each in machines:
        each.have_jit()
    machine = max(machines, key=lambda each: len(Inspector(each).regions()), default=None)
    if decoder is None or machine is None or not Inspector(machine).has_jit:
        raise ValueError("nothing to explain: nothing was read natively yet; read more messages")
    return machine, shown(decoder.program, name, platform(machine.guest))


def refused(error: BlockError) -> PoolError:
    """What is said where there is no memory for a machine."""
    return PoolError(
        f"{error.strerror}; close what needs memory, or raise the limit of virtual memory "
        "(ulimit -v)"
    )


def deepest(message: Message, options: dict[str, Any]) -> tuple[Tree, int]:
    """The columns of a type at the first of `DEPTHS` that does, and which that is."""
    for depth in DEPTHS[:-1]:
        with suppress(TooManyColumns):
            return tree(message, **{**options, "depth": depth}), depth
    return tree(message, **{**options, "depth": DEPTHS[-1]}), DEPTHS[-1]


def batch_bytes(tree: Tree, spaces: tuple[int, ...]) -> int:
    """The same of a batch in the first of some spaces, by the bits of their addresses, that has
    enough; else in the last."""
    size = LEAST_BYTES
    for bits in spaces:
        size = fitting(tree, 1 << bits)
        if size >= ENOUGH_BYTES:
            break
    return size


def fitting(tree: Tree, addresses: int) -> int:
    """Bytes of input of which the columns lie in so many addresses, if `LEAST_BYTES` do."""
    size = BATCH_BYTES
    while size > LEAST_BYTES and (needed := layout(tree, BATCH_ROWS, size).size) > addresses:
        size = max(size * addresses // needed, LEAST_BYTES)
    return size


def _end(offsets: memoryview, first: int, size: int, last: int | None = None) -> int:
    """The message behind the last that fits in a batch; one at least."""
    from bisect import bisect_right

    last = min(len(offsets) - 1 if last is None else last, first + BATCH_ROWS)
    fits = bisect_right(offsets, offsets[first] + size, first, last + 1) - 1
    return max(fits, first + 1)

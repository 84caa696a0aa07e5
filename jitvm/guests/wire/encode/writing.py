"""Writers: from tables, however they come, to messages.

    Writer (schema, options) ── per thread ──> a stage and programs, laid out
       write(table)        ──> Encoded           all at once
       save(tables, path)  ──> a file            batch by batch, in constant memory

A table is looked at as a whole (`fitting`): what does not fit is refused before all is written.
Then its rows are staged and written in batches, last to first, each in front of the one after it:
so all messages lie in one piece, however many batches there were. In a piece

    0 ...           ... STARTS ...                                               ... END
                        ^ begins  | where each message begins     ^ cursor | messages |
"""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager

from jitvm.engine.memory.block import BlockError
from jitvm.guests.wire.anew import varint
from jitvm.guests.wire.buffers import ADDRESS_BITS, MAX_NARROW, PAGE, layout
from jitvm.guests.wire.columns import ColumnError, Tree
from jitvm.guests.wire.encode.direct import columns_of, put
from jitvm.guests.wire.encode.encoded import Encoded, Piece
from jitvm.guests.wire.encode.encoder import OUTPUT_SIZE, Encoder
from jitvm.guests.wire.encode.errors import EncodeError, Refusal
from jitvm.guests.wire.encode.fitting import Fitter
from jitvm.guests.wire.encode.node import imported
from jitvm.guests.wire.encode.operands import HEAD_ROOM
from jitvm.guests.wire.encode.staging import Stage, TooMuch, weight
from jitvm.guests.wire.faults import FRAMINGS, MAX_DEPTH, MessagesError, Misfit
from jitvm.guests.wire.pool import POOL
from jitvm.guests.wire.protobuf.columns import tree
from jitvm.guests.wire.reading import BATCH_ROWS, LARGEST, batch_bytes, deepest, refused
from jitvm.guests.wire.table import Columnar

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any

    from jitvm.engine.machine.machine import Machine
    from jitvm.guests.wire.buffers import Layout
    from jitvm.guests.wire.data import Data
    from jitvm.guests.wire.encode.encoder import Run
    from jitvm.guests.wire.encode.node import Node
    from jitvm.guests.wire.schema import Message
    from jitvm.platform import Program

STARTS, END = 1 << 30, OUTPUT_SIZE - PAGE
"""Addresses where a piece ends: of words that tell where each message begins, and of messages."""
ROOM = END - STARTS - PAGE
"""Bytes there are for messages."""
COLUMNS_BYTES = 1 << 19
"""About how many bytes of columns a batch has: they stay in the processor's cache."""
LEAST_ROWS = 64
"""Rows of a batch, unless they are too large."""


class _Ready:
    """What writes batches, on one thread at a time.

    Attributes:
        tree: the columns, laid out.
        size: bytes of them that a batch may have.
        stage: where they are put.
    """

    def __init__(self, made: Tree, placed: Layout) -> None:
        self.tree = made
        self.size = placed.bytes
        self._layout = placed
        self.stage = Stage(made, placed, POOL.take(placed.size))
        self._encoders: dict[tuple[bool, bool], Encoder] = {}

    @property
    def encoders(self) -> list[Encoder]:
        """The programs that there are."""
        return list(self._encoders.values())

    def encoder(self, has_head: bool, is_delimited: bool) -> Encoder:
        """The program for messages with something in front of them, or nothing."""
        key = has_head, is_delimited
        found = self._encoders.get(key)
        if found is None:
            found = self._encoders[key] = Encoder(
                self.tree, self._layout, has_head=has_head, is_delimited=is_delimited
            )
        return found


class _Open:
    """A piece while it is filled, from its end."""

    def __init__(self) -> None:
        self.space = POOL.take(OUTPUT_SIZE)
        self.cursor, self.starts, self.count = END, STARTS, 0

    @property
    def size(self) -> int:
        """Bytes that are written."""
        return END - self.cursor

    def closed(self) -> Piece:
        """What is in it."""
        self.space.used(self.size + 4 * self.count)
        return Piece.of(self.space, self.cursor, END, self.starts, self.count)


class Writer(Columnar):
    """Writes messages of one type.

    Args:
        message: the type.
        fields, depth: see `jitvm.wire.writer`.
        others: how columns are made, as for `jitvm.guests.wire.protobuf.columns.tree`.
    """

    _tree: Tree

    def __init__(
        self,
        message: Message,
        *,
        fields: Sequence[str] | None = None,
        depth: int | None = None,
        **others: bool,
    ) -> None:
        if depth is not None and not 1 <= depth <= MAX_DEPTH:
            raise ValueError(f"depth={depth}: choose from 1 to {MAX_DEPTH}")
        if isinstance(fields, str):
            raise TypeError("fields is a list of paths, not a str")
        self.message = message
        self._options: dict[str, Any] = {
            "fields": None if fields is None else tuple(fields), "depth": depth, **others
        }  # fmt: skip
        if depth is None:
            self._tree, self._options["depth"] = deepest(message, self._options)
        else:
            self._tree = tree(message, **self._options)
        _check_required(self._tree)
        self._free: deque[_Ready] = deque()
        self._batch_bytes = batch_bytes(self._tree, ADDRESS_BITS)

    def __getstate__(self) -> dict[str, Any]:
        return {"message": self.message, **self._options}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def __repr__(self) -> str:
        fields = self._options["fields"]
        said = "" if fields is None else f", fields={list(fields)!r}"
        return f"<Writer of {self.message.full_name}{said}>"

    # -- writing ---------------------------------------------------------------------------------

    def write(
        self, table: Any, *, framing: str | None = None, schema_id: int | None = None
    ) -> Encoded:
        """Write messages of all rows of a table.

        Args:
            table: whatever hands over Arrow's data (a table or record batch of pyarrow, a data
                frame of pandas or polars, a `jitvm.wire.Table`), a dict of columns, or a list of
                dicts.
            framing: what stands in front of each message: ``"varint"``, its length;
                ``"confluent"``, Confluent's header; None, nothing.
            schema_id: of Confluent's header, 32 bits.

        Raises:
            EncodeError: a value does not fit; nothing is written.
            TableError: a column is missing, unknown or of another type, or this is no table.
            MessagesError: there is no such framing.
            PoolError: the system refused memory.
        """
        work = _Work(self, *self._framed(framing, schema_id))
        with self._ready(self._batch_bytes) as ready:
            for first, data in reversed(self._fitted(table, ready.tree)):
                work.add(ready, data, first, 0, data.length)
        return Encoded(work.finished()[::-1])

    def write_columns(self, parts: Sequence[Data], *, delimited: bool) -> Encoded:
        """Write messages of columns that are known to fit, of a tree like this one's; each behind
        its length where they are `delimited`."""
        work = _Work(self, b"", delimited)
        with self._ready(self._batch_bytes) as ready:
            for part in reversed(parts):
                work.add(ready, put(part, ready.tree.root), 0, 0, part.length)
        return Encoded(work.finished()[::-1])

    def save(
        self,
        tables: Any,
        path: Any,
        *,
        framing: str | None = "varint",
        schema_id: int | None = None,
    ) -> int:
        """Write messages to a file, batch by batch, in constant memory: each behind its length, as
        `Reader.stream` takes them. The file is put in its place when it is complete.

        Args:
            tables: what `write` takes, or an iterable of such.
            path: where; `.gz` and `.zst` are compressed. Or an object with `write`.
            framing, schema_id: as for `write`.

        Returns:
            How many messages were written.

        Raises:
            EncodeError, TableError, MessagesError, PoolError: as `write` does; then the file is as
                it was, or not there.
            StreamError: what compresses it is not installed.
            OSError: it cannot be written.
        """
        from jitvm.guests.wire.encode.files import Target

        head, is_delimited = self._framed(framing, schema_id)
        seen = 0
        with Target(path) as target:
            for table in _each(tables):
                with self._ready(self._batch_bytes) as ready:
                    for first, data in self._fitted(table, ready.tree, seen):
                        seen = first + data.length
                        rows = _rows_of_batch(data)
                        for begin in range(0, data.length, rows):
                            work = _Work(self, head, is_delimited)
                            work.add(ready, data, first, begin, min(begin + rows, data.length))
                            for piece in reversed(work.finished()):
                                target.write(piece.data)
        return seen

    # -- looking at how it writes ----------------------------------------------------------------

    def explained(self) -> tuple[Machine, Program]:
        """The machine that has written most natively, and its program; see `jitvm.wire.explain`.

        Raises:
            ValueError: nothing was written natively yet.
        """
        from jitvm.guests.wire.listing import explained

        made = [each for ready in tuple(self._free) for each in ready.encoders]
        return explained(made, self.message)

    def listing(self) -> str:
        """The program that writes messages, as text with the names of fields."""
        from jitvm.guests.wire.listing import WirePlatform, listing

        with self._ready(self._batch_bytes) as ready:
            encoder = ready.encoder(False, False)
        platform = WirePlatform(encoder.guest, encoder.program.instructions)
        return listing(encoder.program, self.message.full_name, platform)

    def _framed(self, framing: str | None, schema_id: int | None) -> tuple[bytes, bool]:
        """What stands in front of messages: a header, and whether it is their length."""
        if framing is not None and framing not in FRAMINGS:
            raise MessagesError(f"framing {framing!r}: choose from {', '.join(FRAMINGS)}")
        if framing != "confluent":
            if schema_id is not None:
                raise MessagesError("schema_id is for the framing 'confluent'")
            return b"", framing == "varint"
        if schema_id is None or not 0 <= schema_id < 1 << 32:
            raise MessagesError(
                "the framing 'confluent' needs schema_id, the number (32 bits) that the registry "
                "has for the schema"
            )
        indexes = self.message.indexes
        head = b"\0" + schema_id.to_bytes(4, "big")
        if indexes == (0,):
            head += b"\0"
        else:
            head += b"".join(varint(each << 1) for each in (len(indexes), *indexes))  # zigzag
        if len(head) > HEAD_ROOM:
            raise MessagesError(f"{self.message.full_name} lies too deep for Confluent's header")
        return head, False

    def _fitted(self, table: Any, made: Tree, first: int = 0) -> list[tuple[int, Data]]:
        """All of a table as columns of a tree, each part with the number of its first row."""
        found = []
        if (parts := columns_of(table, made)) is not None:
            for data in parts:
                found.append((first, data))
                first += data.length
            return found
        for node in _nodes(table, made):
            data = Fitter(made, first).fit(node)
            if data.length:
                found.append((first, data))
                first += data.length
        return found

    @contextmanager
    def _ready(self, size: int) -> Iterator[_Ready]:
        """What writes batches of so many bytes of columns, for one thread."""
        ready = next((each for each in tuple(self._free) if each.size == size), None)
        try:
            if ready is None:
                raise ValueError
            self._free.remove(ready)
        except ValueError:  # there is none, or somebody else has it now
            made = tree(self.message, **self._options)
            ready = _Ready(made, layout(made, BATCH_ROWS, size))
        try:
            yield ready
        except BlockError as error:
            raise refused(error) from None
        finally:
            self._free.append(ready)


class _Work:
    """The messages of one call.

    Args:
        writer: whose.
        head: what stands in front of each.
        is_delimited: whether its length does.
    """

    def __init__(self, writer: Writer, head: bytes, is_delimited: bool) -> None:
        self._writer = writer
        self._head = head
        self._is_delimited = is_delimited
        self._full: list[Piece] = []
        self._open: _Open | None = None

    def add(self, ready: _Ready, data: Data, first: int, begin: int, end: int) -> None:
        """Write rows of a table, of which the first has a number, in front of those before."""
        encoder = ready.encoder(bool(self._head), self._is_delimited)
        try:
            with encoder.running(ready.stage.space) as run:
                self._add(ready, encoder, run, data, first, begin, end)
        finally:
            ready.stage.let_go()

    def _add(
        self,
        ready: _Ready,
        encoder: Encoder,
        run: Run,
        data: Data,
        first: int,
        begin: int,
        end: int,
    ) -> None:
        rows, stage = _rows_of_batch(data), ready.stage
        while begin < end:
            count = min(rows, end - begin)
            try:
                stage.put(data, end - count, count)
                most = encoder.bound.of(stage.counts, stage.texts)
                if most > ROOM:
                    raise TooMuch
            except TooMuch:
                if count > 1:
                    rows = count // 2
                    continue
                self._add_large(ready, data, first, end - 1)
                end -= 1
                continue
            self._write(run, stage, count, most)
            if self._open is not None and self._open.size > MAX_NARROW:
                raise EncodeError(Refusal(first + end - count, "", Misfit.SIZE))
            end -= count

    def _add_large(self, ready: _Ready, data: Data, first: int, row: int) -> None:
        """Write a row for which there have to be more addresses."""
        if ready.size == LARGEST:
            raise EncodeError(Refusal(first + row, "", Misfit.SIZE))
        with self._writer._ready(LARGEST) as large:
            self.add(large, data, first, row, row + 1)

    def _write(self, run: Run, stage: Stage, count: int, most: int) -> None:
        """Write what is staged."""
        piece = self._open
        if piece is not None and (
            piece.size + most > MAX_NARROW or piece.starts - 4 * count < PAGE
        ):
            self._full.append(piece.closed())
            piece = None
        if piece is None:
            piece = self._open = _Open()
        starts = piece.starts - 4 * count
        piece.cursor = run.encode(stage.counts, piece.space, starts, piece.cursor, self._head)
        piece.starts = starts
        piece.count += count

    def finished(self) -> list[Piece]:
        """All that was written, the last messages first."""
        if self._open is not None:
            self._full.append(self._open.closed())
            self._open = None
        return self._full


def _rows_of_batch(data: Data) -> int:
    """How many rows of a table make a batch."""
    each = max(weight(data) // max(data.length, 1), 1)
    return min(max(COLUMNS_BYTES // each, LEAST_ROWS), BATCH_ROWS)


def _check_required(made: Tree) -> None:
    """Make sure that no required field is left out."""
    for column in made.columns:
        if column.message is None:
            continue
        for field in column.message.fields:
            if field.is_required and column.child_of(field) is None:
                where = f"{column.path}.{field.name}" if column.path else field.name
                raise ColumnError(f"{where} is required; name it in fields, too")


def _nodes(table: Any, made: Tree) -> Iterator[Node]:
    """A table as it is given, piece by piece."""
    if hasattr(table, "__arrow_c_array__") or hasattr(table, "__arrow_c_stream__"):
        yield from imported(table)
    elif isinstance(table, dict):
        from jitvm.guests.wire.encode.objects import of_columns

        yield of_columns(table, made.root)
    elif isinstance(table, list | tuple):
        from jitvm.guests.wire.encode.objects import of_rows

        yield of_rows(table, made.root)
    else:
        raise TypeError(
            f"{type(table).__name__} is no table; give a table or record batch of Arrow, a data "
            "frame, a dict of columns, or a list of dicts"
        )


def _each(tables: Any) -> Iterable[Any]:
    """Tables, of which there may be one alone."""
    is_one = isinstance(tables, dict) or any(
        hasattr(tables, each) for each in ("__arrow_c_array__", "__arrow_c_stream__")
    )
    if is_one or (isinstance(tables, list | tuple) and tables and isinstance(tables[0], dict)):
        return (tables,)
    if not hasattr(tables, "__iter__"):
        raise TypeError(f"{type(tables).__name__} is neither a table nor an iterable of tables")
    found: Iterable[Any] = tables
    return found

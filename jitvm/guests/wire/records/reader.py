"""What readers of records are, whatever the format: what they were asked for, their columns, how to
look at how they read, and tables of all that a source has.

    RecordReader       options, `read`, `stream`, `schema`, `columns`, `listing`, `explained`
     ├ AvroReader      a `Plan` for each schema that a file was written by
     ├ DerReader
     └ MessagePackReader

A format has `_found`, which gives records, as many as are in memory at a time, and what decodes
them.
"""

from __future__ import annotations

from functools import partial

from jitvm.guests.wire.ahead import open_ahead
from jitvm.guests.wire.reading import (
    BATCH_ROWS,
    STREAM_ROWS,
    Progress,
    check_options,
    most_native,
)
from jitvm.guests.wire.records.instructions import PLAIN
from jitvm.guests.wire.records.reading import gathered, streamed
from jitvm.guests.wire.table import Columnar, Table

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from jitvm.engine.machine.machine import Machine
    from jitvm.guests.wire.columns import Tree
    from jitvm.guests.wire.records.decoder import RecordDecoder
    from jitvm.guests.wire.records.plan import Plan
    from jitvm.guests.wire.records.reading import Records
    from jitvm.guests.wire.schema import Message
    from jitvm.platform import Program


class RecordReader(Columnar):
    """Decodes records into tables; it may be kept, pickled, and used on several threads.

    Args:
        options: what it was made with, by name: `fields`, `where` and `errors` among it.

    Raises:
        ValueError, TypeError: options are out of range, or of another type.
    """

    def __init__(self, **options: Any) -> None:
        check_options(options["errors"], options["fields"], options.get("depth"))
        open_ahead()
        self.errors: str = options["errors"]
        fields = options["fields"]
        self._options = {**options, "fields": None if fields is None else tuple(fields)}

    def __getstate__(self) -> dict[str, Any]:
        return self._options

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def __repr__(self) -> str:
        said = "".join(
            f", {name}={self._options[name]!r}"
            for name in ("fields", "where")
            if self._options[name] is not None
        )
        return f"<{type(self).__name__} of {self._about()}{said}, errors={self.errors!r}>"

    # -- what a format knows ---------------------------------------------------------------------

    def _about(self) -> str:
        """What it reads, for people."""
        raise NotImplementedError

    @property
    def _tree(self) -> Tree:
        """The columns of tables without rows."""
        raise NotImplementedError

    def _plans_used(self) -> list[Plan]:
        """What has decoded, the last one last."""
        raise NotImplementedError

    def _found(
        self, source: Any, lengths: Any, rows: int, state: Progress | None
    ) -> Iterator[tuple[Plan, Records]]:
        """Records, as many as are in memory at a time, and what decodes them.

        Args:
            source, lengths: as for `read`.
            rows: of a piece of records that come one by one, at most.
            state: of a stream, how far it is read.
        """
        raise NotImplementedError

    @property
    def message(self) -> Message:
        """What records have, as conditions and paths see it."""
        return self._tree.message

    # -- looking at how it reads -----------------------------------------------------------------

    def _last(self) -> tuple[RecordDecoder | None, str]:
        """The decoder that was used last, and the name of what it reads."""
        for plan in reversed(self._plans_used()):
            decoder = plan.native()
            if decoder is not None:
                return decoder, plan.tree.message.full_name
        return None, ""

    def explained(self) -> tuple[Machine, Program]:
        """The machine that has read most natively, and its program; see `jitvm.wire.explain`.

        Raises:
            ValueError: nothing was read natively yet.
        """
        from jitvm.guests.wire.records.listing import RecordPlatform

        decoder, name = self._last()
        dialect = PLAIN if decoder is None else decoder.program.dialect
        return most_native(decoder, name, partial(RecordPlatform, dialect=dialect))

    def listing(self) -> str:
        """The program that has read last, as text with names of fields; empty where none has."""
        from jitvm.guests.wire.listing import listing
        from jitvm.guests.wire.records.listing import RecordPlatform

        decoder, name = self._last()
        if decoder is None:
            return ""
        platform = RecordPlatform(decoder.guest, decoder.program.dialect)
        return listing(decoder.program, name, platform)

    # -- reading ---------------------------------------------------------------------------------

    def _gathered(self, found: Iterator[tuple[Plan, Records]]) -> Table:
        """One table of all that is found."""
        return gathered(found, lambda: self._tree, self.errors)

    def _streamed(
        self,
        find: Callable[[int, Progress], Iterator[tuple[Plan, Records]]],
        rows: int,
        progress: Callable[[Progress], object] | None,
    ) -> Iterator[Table]:
        """Tables of a batch each, of so many rows at most, of what is found for so many rows and a
        state to keep.

        Raises:
            ValueError: of no rows.
        """
        if rows < 1:
            raise ValueError(f"rows={rows}: choose at least 1")
        rows, state = min(rows, BATCH_ROWS), Progress(None)
        return streamed(find(rows, state), self.errors, rows, state, progress)

    def _whole(self, source: Any, lengths: Any) -> Table:
        """What `read` gives."""
        return self._gathered(self._found(source, lengths, BATCH_ROWS, None))

    def _batches(
        self, source: Any, rows: int, progress: Callable[[Progress], object] | None
    ) -> Iterator[Table]:
        """What `stream` gives."""
        return self._streamed(partial(self._found, source, None), rows, progress)

    def read(self, source: Any, lengths: Any = None) -> Table:
        """Decode all values of a source.

        Args:
            source: a list of bytes, an Arrow array of binary values, or a buffer: with `lengths`,
                or of values one behind the other; or a file of such: its path, or an open one.
            lengths: of the values in a buffer, in bytes.

        Raises:
            DecodeError: a value cannot be decoded, and `errors` is ``"raise"``; or what is in a
                buffer or file is no value.
            StreamError: a file cannot be opened, or ends in the middle of a value.
            MessagesError: lengths do not fit.
            TypeError: `source` holds no values.
            PoolError: the system refused memory.
            OSError: a file cannot be read.
        """
        return self._whole(source, lengths)

    def stream(
        self,
        source: Any,
        *,
        rows: int = STREAM_ROWS,
        progress: Callable[[Progress], object] | None = None,
    ) -> Iterator[Table]:
        """Decode values batch by batch, in constant memory.

        Args:
            source: a file of values one behind the other: its path, an URL that fsspec knows, an
                object with `read` or `readinto`; or an iterable of bytes.
            rows: of a table at most.
            progress: called with a `Progress` before each table is given.

        Yields:
            Tables of one batch each; what could not be decoded is in their `errors`.

        Raises:
            as `read` does; tables before it were given.
        """
        return self._batches(source, rows, progress)

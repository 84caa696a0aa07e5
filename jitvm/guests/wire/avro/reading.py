"""Readers of Avro: from files and records to tables.

AvroReader (schemas, options)
  └ per schema that records were written by: a Plan
   read(source)    ──> Table
   stream(source)  ──> Table, ...     one batch at a time, in constant memory
"""

from __future__ import annotations

from array import array
from functools import partial

from jitvm.guests.wire.avro.columns import Described, least_of, tree
from jitvm.guests.wire.avro.container import (
    MAGIC,
    BrokenContainer,
    Container,
    CutOff,
    Streamed,
    header_of,
    of_memory,
)
from jitvm.guests.wire.avro.program import make
from jitvm.guests.wire.avro.schema import Type, fingerprint, parsed
from jitvm.guests.wire.columns import TooManyColumns
from jitvm.guests.wire.faults import (
    Fault,
    MessagesError,
    SchemaError,
    StreamError,
)
from jitvm.guests.wire.mapped import copied, map_of
from jitvm.guests.wire.reading import (
    BATCH_ROWS,
    DEPTHS,
    STREAM_ROWS,
    DecodeError,
    Progress,
    asked,
)
from jitvm.guests.wire.records.plan import Plan
from jitvm.guests.wire.records.reader import RecordReader
from jitvm.guests.wire.records.reading import Records, is_file, separate
from jitvm.guests.wire.table import RowError, Table

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from jitvm.guests.wire.columns import Tree

FRAMINGS = ("none", "single", "confluent")
"""What stands in front of bare records: nothing, the header of single objects with the fingerprint
of their schema, Confluent's header with the number of a schema."""
_NOTHING = Records(memoryview(b""), memoryview(array("q")))
_GIVEN = b""
"""What stands for the schema that a reader was given."""


class AvroReader(RecordReader):
    """Decodes Avro's records into tables.

    Of a reader without a schema, whose files have their own, `schema`, `columns`, `message` and
    `__arrow_c_schema__` raise a `SchemaError`.

    Args:
        schema, reader_schema, fields, where, errors, depth: see `jitvm.wire.avro.reader`.
    """

    def __init__(
        self,
        schema: Any = None,
        *,
        reader_schema: Any = None,
        fields: Sequence[str] | None = None,
        where: str | None = None,
        errors: str = "raise",
        depth: int | None = None,
    ) -> None:
        super().__init__(
            schema=schema, reader_schema=reader_schema, where=where, errors=errors, fields=fields,
            depth=depth,
        )  # fmt: skip
        self._written = None if schema is None else parsed(schema)
        self._read_as = None if reader_schema is None else parsed(reader_schema)
        self._plans: dict[tuple[bytes, str], Plan] = {}
        if self._written is not None:
            self._plan(_GIVEN, self._written, "none")

    def _about(self) -> str:
        known = self._read_as or self._written
        return "files" if known is None else known.name or known.kind

    @property
    def _tree(self) -> Tree:
        return self._known("none").tree

    def _plans_used(self) -> list[Plan]:
        return list(self._plans.values())

    # -- plans -----------------------------------------------------------------------------------

    def _plan(self, schema: bytes, written: Type | None, framing: str) -> Plan:
        """What decodes records that were written by a schema: that of a file, or the one that was
        given."""
        found = self._plans.get((schema, framing))
        if found is None:
            made = self._planned(parsed(schema) if written is None else written, framing)
            found = self._plans[schema, framing] = made
        return found

    def _planned(self, written: Type, framing: str) -> Plan:
        read = self._read_as or written
        fields = self._options["fields"]
        where, hidden = asked(self._options["where"], Described(read).message, fields)
        head = b""
        if framing == "single":
            head = b"\xc3\x01" + fingerprint(written).to_bytes(8, "little")
        elif framing == "confluent":
            head = b"\0"
        make_program = partial(
            make, written=written, read=read, where=where, head=head, skip=4 * (len(head) == 1)
        )
        depths = DEPTHS if self._options["depth"] is None else (self._options["depth"],)
        for depth in depths:
            make_tree: Callable[[], Tree] = partial(
                tree, read, fields=fields, hidden=hidden, depth=depth,
                null_rows=self.errors == "null",
            )  # fmt: skip
            try:
                return Plan(make_tree, make_program, self.errors)
            except TooManyColumns:
                if depth == depths[-1]:
                    raise
        raise AssertionError("there is always a depth")

    def _known(self, framing: str) -> Plan:
        """What decodes bare records."""
        if self._written is None:
            raise SchemaError(
                "bare records do not tell their schema: give the reader the one that they were "
                "written by"
            )
        return self._plan(_GIVEN, self._written, framing)

    # -- reading ---------------------------------------------------------------------------------

    def read(self, source: Any, lengths: Any = None, *, framing: str = "none") -> Table:
        """Decode records, all of them.

        Args:
            source: a container file: its path, an open file, or its bytes; or bare records of the
                schema that the reader has: a list of bytes, an Arrow array of binary values, or a
                buffer with `lengths`.
            lengths: of the records in a buffer, in bytes.
            framing: what stands in front of bare records: ``"single"`` for the header of single
                objects, with the fingerprint of their schema, ``"confluent"`` for Confluent's.

        Raises:
            DecodeError: a record cannot be decoded, and `errors` is ``"raise"``; or a block of a
                file is no such.
            SchemaError: the schema of a file cannot be read by that of the reader, or there is
                none for bare records.
            StreamError: the file is no container file, cannot be opened, or ends too early.
            MessagesError: lengths do not fit.
            TypeError: `source` holds no records.
            PoolError: the system refused memory.
            OSError: a file cannot be read.
        """
        if framing not in FRAMINGS:
            raise MessagesError(f"framing {framing!r}: choose from {', '.join(FRAMINGS)}")
        return self._gathered(self._found(source, lengths, BATCH_ROWS, None, framing))

    def stream(
        self,
        source: Any,
        *,
        rows: int = STREAM_ROWS,
        framing: str = "none",
        progress: Callable[[Progress], object] | None = None,
    ) -> Iterator[Table]:
        """Decode records batch by batch, in constant memory.

        Args:
            source: a container file: its path, an URL that fsspec knows, an object with `read` or
                `readinto`; or an iterable of bare records as bytes.
            rows: of a table at most.
            framing: of bare records, as for `read`.
            progress: called with a `Progress` before each table is given.

        Yields:
            Tables of one batch each; what could not be decoded is in their `errors`.

        Raises:
            as `read` does; tables before it were given.
        """
        if framing not in FRAMINGS:
            raise MessagesError(f"framing {framing!r}: choose from {', '.join(FRAMINGS)}")
        return self._streamed(partial(self._found, source, None, framing=framing), rows, progress)

    def _found(
        self, source: Any, lengths: Any, rows: int, state: Progress | None, framing: str = "none"
    ) -> Iterator[tuple[Plan, Records]]:
        """Records, as many as are in memory at a time, and what decodes them. There is one at
        least, which may be of no records."""
        if is_file(source):
            yield from self._of_file(source, state)
            return
        if lengths is None and _is_container(source):
            yield from self._of_buffer(source)
            return
        yield from self._of_records(source, lengths, framing, rows, state)

    def _of_file(self, source: Any, state: Progress | None) -> Iterator[tuple[Plan, Records]]:
        from jitvm.guests.wire.streams import opened

        with opened(source, "none") as file:
            if state is not None:
                state.total = file.size
            streamed = Streamed(file)
            plan, container = self._begun(streamed.header())
            yield plan, _NOTHING
            for data, table in _checked(streamed.blocks(container), file.name):
                if state is not None:
                    state.bytes = file.place
                yield plan, Records(data, table)

    def _of_buffer(self, source: Any) -> Iterator[tuple[Plan, Records]]:
        view = memoryview(source).cast("B")
        if map_of(view) is not None:
            view = copied(view, 0, len(view))
        try:
            header = header_of(view)
        except CutOff:
            raise StreamError("the bytes end in the middle of an Avro header") from None
        plan, container = self._begun(header)
        yield plan, _NOTHING
        for data, table in _checked(of_memory(container, view, header.size), "the data"):
            yield plan, Records(data, table)

    def _begun(self, header: Any) -> tuple[Plan, Container]:
        """What decodes a file with a header."""
        plan = self._plan(header.schema, None, "none")
        return plan, Container(header, least_of(parsed(header.schema)) > 0)

    def _of_records(
        self, source: Any, lengths: Any, framing: str, rows: int, state: Progress | None
    ) -> Iterator[tuple[Plan, Records]]:
        """Bare records."""
        plan = self._known(framing)
        yield plan, _NOTHING
        for records in separate(source, lengths, rows, state):
            yield plan, records


def schema_of(path: Any) -> str:
    """The schema that the records of a container file were written by, as JSON.

    Raises:
        StreamError: it is no such file, or cannot be read.
    """
    from jitvm.guests.wire.streams import opened

    with opened(path, "none") as file:
        return Streamed(file, 1 << 16).header().schema.decode("utf-8", "replace")


def _is_container(source: Any) -> bool:
    """Whether this is the bytes of a container file."""
    try:
        view = memoryview(source)
    except TypeError:
        return False
    return view.c_contiguous and bytes(view.cast("B")[: len(MAGIC)]) == MAGIC


def _checked(blocks: Iterator[Any], name: str) -> Iterator[tuple[memoryview, memoryview]]:
    """Blocks of a file, and its end, in the words of people.

    Raises:
        DecodeError: something else is behind them.
        StreamError: the last one ends too early.
    """
    seen = 0
    try:
        for each in blocks:
            yield each.data, each.table
            seen += sum(each.table[2::3])
    except CutOff:
        raise StreamError(f"{name} ends in the middle of a block, behind record {seen}") from None
    except BrokenContainer:
        raise DecodeError(RowError(seen, 0, "", Fault.FRAME)) from None

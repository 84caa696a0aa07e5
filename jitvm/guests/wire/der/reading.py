"""Readers of DER: from values of a type to tables.

DerReader (type, options)
  └ Plan
   read(source)    ──> Table
   stream(source)  ──> Table, ...     one batch at a time, in constant memory
"""

from __future__ import annotations

from array import array
from functools import partial
from itertools import accumulate

from jitvm.guests.wire.ahead import open_ahead
from jitvm.guests.wire.der.ber import as_der
from jitvm.guests.wire.der.columns import described, tree
from jitvm.guests.wire.der.program import make
from jitvm.guests.wire.der.split import BrokenValue, split
from jitvm.guests.wire.der.types import Type
from jitvm.guests.wire.faults import Fault, MessagesError, SchemaError, StreamError
from jitvm.guests.wire.mapped import copied, map_of
from jitvm.guests.wire.reading import (
    BATCH_ROWS,
    STREAM_ROWS,
    DecodeError,
    Progress,
    asked,
    check_options,
    most_native,
)
from jitvm.guests.wire.records.plan import Plan
from jitvm.guests.wire.records.reading import Records, gathered, is_file, separate, streamed
from jitvm.guests.wire.table import RowError, Table

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from jitvm.engine.machine.machine import Machine
    from jitvm.platform import Program

PIECE = 8 << 20
"""Bytes that are read from a file at a time, if no value is larger."""


class DerReader:
    """Decodes values of an ASN.1 type into tables.

    Args:
        type, fields, where, errors, ber: see `jitvm.guests.wire.der.face.reader`.
    """

    def __init__(
        self,
        type: Type,
        *,
        fields: Sequence[str] | None = None,
        where: str | None = None,
        errors: str = "raise",
        ber: bool = False,
    ) -> None:
        if not isinstance(type, Type):
            raise SchemaError(f"{type!r} is no type of jitvm.wire.der")
        check_options(errors, fields)
        open_ahead()
        self.type = type
        self.errors = errors
        self._options: dict[str, Any] = {
            "type": type, "fields": None if fields is None else tuple(fields), "where": where,
            "errors": errors, "ber": ber,
        }  # fmt: skip
        condition, hidden = asked(where, described(type), fields)
        make_tree = partial(
            tree, type, fields=fields, hidden=hidden, null_rows=errors == "null"
        )  # fmt: skip
        self._plan = Plan(make_tree, partial(make, type=type, where=condition), errors)

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
        return f"<DerReader of {self.type!r}{said}, errors={self.errors!r}>"

    @property
    def schema(self) -> dict[str, str]:
        """Arrow's types by the names of columns."""
        return Table(self._plan.tree, [], []).schema

    def explained(self) -> tuple[Machine, Program]:
        """The machine that has read most natively, and its program; see `jitvm.wire.explain`.

        Raises:
            ValueError: nothing was read natively yet.
        """
        from jitvm.guests.wire.records.listing import RecordPlatform

        return most_native(self._plan.native(), self.type.kind, RecordPlatform)

    # -- reading ---------------------------------------------------------------------------------

    def read(self, source: Any, lengths: Any = None) -> Table:
        """Decode values, all of them.

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
        found = self._found(source, lengths, BATCH_ROWS, None)
        return gathered(found, self._plan, self.errors)

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
        if rows < 1:
            raise ValueError(f"rows={rows}: choose at least 1")
        rows, state = min(rows, BATCH_ROWS), Progress(None)
        return streamed(self._found(source, None, rows, state), self.errors, rows, state, progress)

    def _found(
        self, source: Any, lengths: Any, rows: int, state: Progress | None
    ) -> Iterator[tuple[Plan, Records]]:
        """Values, as many as are in memory at a time."""
        if self._options["ber"]:
            found = _in_ber(source, lengths, rows, state)
        else:
            found = _pieces(source, lengths, rows, state)
        for records in found:
            yield self._plan, records


def _in_ber(source: Any, lengths: Any, rows: int, state: Progress | None) -> Iterator[Records]:
    """Values in BER, written anew."""
    from jitvm.guests.wire.messages import Messages

    view = None if lengths is not None or is_file(source) else _bytes_of(source)
    if is_file(source):
        view = _whole_file(source, state)
    if view is not None:
        found: Iterator[Records] = iter((Records(view, memoryview(array("q", (0, len(view), 1)))),))
    else:
        found = separate(source, lengths, rows, state)
    for records in found:
        values: list[bytes] = []
        for begin, end in _bounds(records.blocks):
            data = bytes(records.data[begin : max(begin, end)])
            if view is None:
                value, behind = as_der(data)
                values.append(value + data[behind:])
                continue
            behind = 0
            while behind < len(data):  # one behind the other
                value, behind = as_der(data, behind)
                values.append(value)
        ends = memoryview(array("q", accumulate(map(len, values), initial=0)))
        yield Records.of(Messages(memoryview(b"".join(values)), ends, records.nulls))


def _bounds(blocks: memoryview) -> Iterator[tuple[int, int]]:
    """Where each block begins and ends."""
    return zip(blocks[::3], blocks[1::3], strict=True)


def _whole_file(source: Any, state: Progress | None) -> memoryview:
    """All of a file: nobody knows where a value in it ends without having read it."""
    from jitvm.guests.wire.streams import opened

    found = bytearray()
    with opened(source) as file:
        if state is not None:
            state.total = file.size
        piece = memoryview(bytearray(PIECE))
        while size := file.fill(piece):
            found += piece[:size]
        file.check_end()
        if state is not None:
            state.bytes = file.place
    return memoryview(bytes(found))


def _pieces(source: Any, lengths: Any, rows: int, state: Progress | None) -> Iterator[Records]:
    if is_file(source):
        yield from _of_file(source, state)
        return
    view = _bytes_of(source) if lengths is None else None
    if view is None:
        yield from separate(source, lengths, rows, state)
        return
    found = _checked(view, 0, 0)
    if found.behind < len(view):
        raise StreamError(f"the data ends in the middle of a value, behind value {found.count}")
    yield Records(view, found.blocks)


def _bytes_of(source: Any) -> memoryview | None:
    """A buffer; what is none, or an Arrow array, is None."""
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


def _of_file(source: Any, state: Progress | None) -> Iterator[Records]:
    from jitvm.guests.wire.streams import opened

    with opened(source) as file:
        if state is not None:
            state.total = file.size
        buffer, filled, seen = memoryview(bytearray(PIECE)), 0, 0
        while True:
            filled += file.fill(buffer[filled:])
            if state is not None:
                state.bytes = file.place
            found = _checked(buffer[:filled], 0, seen)
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
            left = filled - found.behind
            wanted = max(PIECE, found.wanted)
            kept = bytes(buffer[found.behind : filled])
            if wanted > len(buffer):
                buffer = memoryview(bytearray(wanted))
            buffer[:left] = kept
            filled = left


def _checked(view: memoryview, at: int, seen: int) -> Any:
    """Values of a buffer, and where they end."""
    try:
        return split(view, at)
    except BrokenValue as broken:
        raise DecodeError(RowError(seen + broken.count, 0, "", Fault.FRAME)) from None

"""Records of a layout to columns and back.

one size for all       NumPy's copies, a field at a time: buffer <──> columns
counted parts          a program of the VM for records;  columns ──Ragged──> buffer
"""

from __future__ import annotations

from array import array
from functools import partial

from jitvm.guest.light import cached_property
from jitvm.guests.wire.buffers import layout
from jitvm.guests.wire.columns import Shape
from jitvm.guests.wire.faults import Fault
from jitvm.guests.wire.layout.parts import Part, fixed_size
from jitvm.guests.wire.layout.program import described, make, make_passing, passing_tree, tree
from jitvm.guests.wire.pool import POOL
from jitvm.guests.wire.reading import BATCH_ROWS, DecodeError, Progress, asked
from jitvm.guests.wire.records.plan import Plan
from jitvm.guests.wire.records.reader import RecordReader
from jitvm.guests.wire.records.reading import Records, is_file, separate
from jitvm.guests.wire.records.splitting import PIECE, Splitter, bytes_of
from jitvm.guests.wire.table import Batch, Chunk, RowError, Table

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from jitvm.guests.wire.columns import Column, Tree
    from jitvm.guests.wire.data import Array
    from jitvm.guests.wire.pool import OutputSpace


class Layout(RecordReader):
    """Records of a layout.

    Args:
        parts: what a record has.
        fields: paths of the columns to make; None for all.
        where: a condition on what is outside of lists.
        errors: ``"raise"``, ``"null"`` or ``"skip"``.

    Attributes:
        size: bytes of a record, if all have as many; else None.
    """

    def __init__(
        self,
        parts: list[Part],
        *,
        fields: Sequence[str] | None = None,
        where: str | None = None,
        errors: str = "raise",
    ) -> None:
        super().__init__(parts=parts, fields=fields, where=where, errors=errors)
        self._parts = parts
        self.size = fixed_size(parts)
        self._where, hidden = asked(where, described(parts), fields)
        self._columns = partial(
            tree, parts, fields=self._options["fields"], hidden=hidden,
            null_rows=errors == "null",
        )  # fmt: skip
        self._shown = self._columns()
        self._plans: dict[bool, Plan] = {}

    def _about(self) -> str:
        size = (
            "records of different sizes" if self.size is None else f"records of {self.size} bytes"
        )
        return f"{size}: {', '.join(self.schema)}"

    @property
    def _tree(self) -> Tree:
        return self._shown

    def _plans_used(self) -> list[Plan]:
        return list(self._plans.values())

    def _plan(self, is_open: bool) -> Plan:
        found = self._plans.get(is_open)
        if found is None:
            program = partial(make, parts=self._parts, where=self._where, is_open=is_open)
            found = self._plans[is_open] = Plan(self._columns, program, self.errors)
        return found

    @cached_property
    def dtype(self) -> Any:
        """The structured type of NumPy that records of one size have.

        Raises:
            TypeError: they have different sizes.
        """
        import numpy as np

        if self.size is None:
            raise TypeError("records of different sizes have no dtype")
        return np.dtype(_dtype(self._parts))

    # -- reading -------------------------------------------------------------------------------

    def _whole(self, source: Any, lengths: Any) -> Table:
        view = None if lengths is not None or is_file(source) else bytes_of(source)
        if view is not None and self.size is not None:
            return _joined(self._tree, self._of_one_size(iter((view,)), BATCH_ROWS))
        if self.size is not None and is_file(source):
            pieces = self._pieces(source, None)
            return _joined(self._tree, self._of_one_size(pieces, BATCH_ROWS))
        return super()._whole(source, lengths)

    def _batches(
        self, source: Any, rows: int, progress: Callable[[Progress], object] | None
    ) -> Iterator[Table]:
        if self.size is None or not is_file(source) or rows < 1:
            return super()._batches(source, rows, progress)
        state = Progress(None)
        pieces = self._pieces(source, state)
        return self._told(self._of_one_size(pieces, min(rows, BATCH_ROWS)), state, progress)

    def _found(
        self, source: Any, lengths: Any, rows: int, state: Progress | None
    ) -> Iterator[tuple[Plan, Records]]:
        """Records of different sizes, or with a length of their own each."""
        view = None if lengths is not None or is_file(source) else bytes_of(source)
        if view is not None:
            least = sum(part.least for part in self._parts)
            table = array("q", (0, len(view), max(len(view) // max(least, 1), 1)))
            if len(view):
                yield self._plan(True), Records(view, memoryview(table))
            return
        if is_file(source):
            found = self._splitter.records(source, lengths, rows, state)
        else:
            found = separate(source, lengths, rows, state)
        for records in found:
            yield self._plan(False), records

    @cached_property
    def _splitter(self) -> Splitter:
        parts = self._parts
        return Splitter(
            partial(make_passing, parts=parts), lambda *_: False, partial(passing_tree, parts)
        )

    # -- records of one size ---------------------------------------------------------------------

    def _pieces(self, source: Any, state: Progress | None) -> Iterator[memoryview]:
        """A file in pieces of whole records, but for what is left in the end."""
        from jitvm.guests.wire.streams import opened

        assert self.size is not None
        piece = max(PIECE // self.size, 1) * self.size
        with opened(source) as file:
            if state is not None:
                state.total = file.size
            buffer = memoryview(bytearray(piece))
            filled = 0
            while not file.is_at_end:
                filled += file.fill(buffer[filled:])
                if state is not None:
                    state.bytes = file.place
                count = filled // self.size * self.size
                if count:
                    yield buffer[:count]
                    kept = bytes(buffer[count:filled])
                    filled = len(kept)
                    buffer[:filled] = kept
            file.check_end()
            if filled:
                yield buffer[:filled]

    def _of_one_size(
        self, pieces: Iterator[memoryview], rows: int
    ) -> Iterator[tuple[list[Chunk], list[RowError], int]]:
        """Chunks of at most so many rows, what is wrong, and how many records were looked at."""
        assert self.size is not None
        seen = 0
        for piece in pieces:
            count, left = divmod(len(piece), self.size)
            for at in range(0, count, rows):
                some = min(rows, count - at)
                records = piece[at * self.size : (at + some) * self.size]
                if self._where is None:
                    yield [self._copied(records, some)], [], some
                else:
                    table = memoryview(array("q", (0, len(records), some)))
                    for chunk, mistakes, number in self._plan(False).chunks(
                        records, table, frozenset(), seen, some
                    ):
                        yield [chunk], mistakes, number
                seen += some
            if left:
                wrong = RowError(seen, left, "", Fault.TRUNCATED)
                if self.errors == "raise":
                    raise DecodeError(wrong)
                yield [], [wrong], 1

    def _copied(self, data: memoryview, count: int) -> Chunk:
        """Columns of some records, a field at a time."""
        import numpy as np

        records = np.frombuffer(data, self.dtype, count)
        made = self._columns()
        placed = layout(made, count, max(self.size or 1, 1) * count)
        out = POOL.take(placed.size)
        if made.root.validity is not None:
            out.write(made.root.validity, b"\1" * count)
        _spread(self._parts, records, made.root, out)
        out.used(2 * records.nbytes)
        return Chunk(made, count, out)

    def _told(
        self,
        found: Iterator[tuple[list[Chunk], list[RowError], int]],
        state: Progress,
        progress: Callable[[Progress], object] | None,
    ) -> Iterator[Table]:
        """Each chunk as a table of its own."""
        for chunks, mistakes, count in found:
            state.messages += count
            state.rows += sum(chunk.rows for chunk in chunks)
            state.errors += len(mistakes)
            if progress is not None:
                progress(state)
            full = [chunk for chunk in chunks if chunk.rows]
            if full:
                yield Batch(full[0].tree, full, mistakes)
            elif mistakes:
                yield Table(self._tree, [], mistakes)

    # -- writing -------------------------------------------------------------------------------

    def write(self, table: Any) -> bytes:
        """Records of a table, one behind the other: those that are read give its columns again.

        Args:
            table: whatever has Arrow's data, a dict of columns, or a list of dicts.

        Raises:
            EncodeError: a value does not fit its part.
            TableError: a column is missing, unknown, or of another type.
        """
        from jitvm.guests.wire.layout.writing import written

        root = tree(self._parts).root
        root.children = [each for each in root.children if not each.is_hidden]
        return b"".join(part.data.tobytes() for part in written(self._parts, table, root))

    # -- values as a whole -----------------------------------------------------------------------

    def same(self, one: Any, other: Any) -> bool:
        """Whether two buffers of records have the same values, whatever is between them."""
        return self._values(one) == self._values(other)

    def digest(self, records: Any) -> bytes:
        """A hash of the values of records (BLAKE2b, 16 bytes), whatever is between them."""
        from hashlib import blake2b

        return blake2b(self._values(records), digest_size=16).digest()

    def copied(self, records: Any) -> bytes:
        """The same records, with zeros for bytes that nobody wants."""
        return self._values(records)

    def _values(self, records: Any) -> bytes:
        return self.write(Layout(self._parts).read(records))


def _joined(empty: Tree, found: Iterator[tuple[list[Chunk], list[RowError], int]]) -> Table:
    """One table of all chunks."""
    chunks: list[Chunk] = []
    errors: list[RowError] = []
    for some, mistakes, _ in found:
        chunks += [chunk for chunk in some if chunk.rows]
        errors += mistakes
    return Table(chunks[0].tree if chunks else empty, chunks, errors)


# -- copies by NumPy -----------------------------------------------------------------------------


def _dtype(parts: list[Part]) -> Any:
    """NumPy's type of parts, with the offsets of what has a name."""
    names, formats, offsets = [], [], []
    at = 0
    for number, part in enumerate(parts):
        size = part.fixed
        assert size is not None
        if part.kind != "pad":
            names.append(part.name if part.kind != "bits" else f"\0{number}")
            formats.append(_format(part))
            offsets.append(at)
        at += size
    return {"names": names, "formats": formats, "offsets": offsets, "itemsize": at}


def _format(part: Part) -> Any:
    if part.kind in ("number", "bits"):
        from jitvm.guests.wire.formats import dtype_of

        return dtype_of(part.format).newbyteorder(">" if part.is_big else "<")
    if part.kind == "bytes":
        return f"V{part.size}"
    if part.kind == "record":
        return _dtype(part.parts)
    return (_format(part.parts[0]), (part.size,))


def _spread(parts: list[Part], records: Array, struct: Column, out: OutputSpace) -> None:
    """Copy the fields of records to their columns."""
    for number, part in enumerate(parts):
        if part.kind == "bits":
            first = 0
            for name, count in part.bits:
                column = struct.child(name) if name else None
                if column is not None:
                    whole = records[f"\0{number}"]
                    kind = whole.dtype.type
                    _put(column, (whole >> kind(first)) & kind((1 << count) - 1), out)
                first += count
        elif part.kind != "pad":
            column = struct.child(part.name)
            if column is not None:
                _put_part(part, records[part.name], column, out)


def _put_part(part: Part, values: Array, column: Column, out: OutputSpace) -> None:
    import numpy as np

    if part.kind == "record":
        _spread(part.parts, values, column, out)
    elif column.shape is Shape.LIST:
        assert column.offsets is not None
        offsets = np.arange(len(values) + 1, dtype="<u4") * np.uint32(part.size)
        out.write(column.offsets, offsets)
        inner = values.reshape(-1, *values.shape[2:])
        _put_part(part.parts[0], inner, column.children[0], out)
    else:
        _put(column, values, out)


def _put(column: Column, values: Array, out: OutputSpace) -> None:
    import numpy as np

    from jitvm.guests.wire.formats import dtype_of

    assert column.values is not None
    dtype = dtype_of(column.format)
    shown = np.frombuffer(out.buffer(column.values, len(values) * column.width), dtype)
    shown[...] = values

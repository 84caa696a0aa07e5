"""Records of a layout to columns and back.

one size for all       NumPy's copies, a field at a time: buffer <──> columns
counted parts          a program of the VM for records;  columns ──Ragged──> buffer
"""

from __future__ import annotations

from array import array
from functools import cached_property, partial

from jitvm.guests.wire.columns import Shape, layout
from jitvm.guests.wire.faults import ERRORS, Fault, MessagesError
from jitvm.guests.wire.layout.parts import Part, fixed_size
from jitvm.guests.wire.layout.program import make, tree
from jitvm.guests.wire.pool import POOL
from jitvm.guests.wire.reading import BATCH_ROWS, DecodeError
from jitvm.guests.wire.records.plan import Plan
from jitvm.guests.wire.records.reading import Records, gathered, separate
from jitvm.guests.wire.table import Chunk, RowError, Table, described

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from jitvm.guests.wire.columns import Column, Tree
    from jitvm.guests.wire.data import Array
    from jitvm.guests.wire.pool import OutputSpace


class Layout:
    """Records of a layout.

    Args:
        parts: what a record has.
        fields: names of those to read; None for all.
        errors: ``"raise"``, ``"null"`` or ``"skip"``.

    Attributes:
        size: bytes of a record, if all have as many; else None.
    """

    def __init__(
        self, parts: list[Part], *, fields: Sequence[str] | None = None, errors: str = "raise"
    ) -> None:
        if errors not in ERRORS:
            raise ValueError(f"errors={errors!r}: choose from {', '.join(ERRORS)}")
        if isinstance(fields, str):
            raise TypeError("fields is a list of names, not a str")
        self._parts = parts
        self._fields = None if fields is None else tuple(fields)
        self.errors = errors
        self.size = fixed_size(parts)
        self._tree = self._columns()
        self._plans: dict[bool, Plan] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return _made, (self._parts, self._fields, self.errors)

    def __repr__(self) -> str:
        size = (
            "records of different sizes" if self.size is None else f"records of {self.size} bytes"
        )
        return f"<Layout of {size}: {', '.join(self.schema)}>"

    def _columns(self) -> Tree:
        return tree(self._parts, self._fields, self.errors == "null", "layout")

    @property
    def schema(self) -> dict[str, str]:
        """Arrow's types by the names of columns."""
        return Table(self._tree, [], []).schema

    def columns(self) -> Iterator[tuple[str, str, bool]]:
        """Path, Arrow's type, and whether values may be null, of each column."""
        return described(self._tree)

    def __arrow_c_schema__(self) -> object:
        """A capsule of the schema that tables will have."""
        return Table(self._tree, [], []).__arrow_c_schema__()

    # -- reading -------------------------------------------------------------------------------

    def read(self, records: Any, lengths: Any = None) -> Table:
        """Decode records, all of them.

        Args:
            records: a buffer in which they lie one behind the other; or a list of bytes, an Arrow
                array of binary values, or a buffer with `lengths`.
            lengths: of the records in a buffer, in bytes.

        Raises:
            DecodeError: a record cannot be decoded, and `errors` is ``"raise"``.
            MessagesError: lengths do not fit.
            TypeError: `records` holds none.
            PoolError: the system refused memory.
        """
        from jitvm.guests.wire.feed import is_buffer

        if lengths is None and is_buffer(records):
            view = memoryview(records)
            if not view.c_contiguous:
                raise MessagesError("the buffer does not lie in one piece; copy it")
            data = view.cast("B") if view.nbytes else memoryview(b"")
            return self._side_by_side(data) if self.size is not None else self._all(data)
        return self._listed(records, lengths)

    def _side_by_side(self, data: memoryview) -> Table:
        """Records of one size."""
        import numpy as np

        assert self.size is not None
        count, left = divmod(len(data), self.size)
        errors = [RowError(count, left, "", Fault.TRUNCATED)] if left else []
        if errors and self.errors == "raise":
            raise DecodeError(errors[0])
        whole = np.frombuffer(data, self.dtype, count) if count else None
        chunks = []
        for at in range(0, count, BATCH_ROWS):
            assert whole is not None
            chunks.append(self._copied(whole[at : at + BATCH_ROWS]))
        return Table(chunks[0].tree if chunks else self._tree, chunks, errors)

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

    def _copied(self, records: Array) -> Chunk:
        """Columns of some records."""
        made = self._columns()
        placed = layout(made, len(records), max(self.size or 1, 1) * len(records))
        out = POOL.take(placed.size)
        if made.root.validity is not None:
            out.write(made.root.validity, b"\1" * len(records))
        _spread(self._parts, records, made.root, out)
        out.used(2 * records.nbytes)
        return Chunk(made, len(records), out)

    def _all(self, data: memoryview) -> Table:
        """Records of different sizes, one behind the other."""
        least = sum(part.least for part in self._parts)
        table = array("q", (0, len(data), max(len(data) // max(least, 1), 1)))
        plan = self._plan(True)
        found = [(plan, Records(data, memoryview(table)))] if len(data) else []
        return gathered(found, lambda: self._tree, self.errors)

    def _listed(self, records: Any, lengths: Any) -> Table:
        """Records that have a length of their own each."""
        plan = self._plan(False)
        found = ((plan, each) for each in separate(records, lengths, BATCH_ROWS, None))
        return gathered(found, lambda: self._tree, self.errors)

    def _plan(self, is_open: bool) -> Plan:
        found = self._plans.get(is_open)
        if found is None:
            program = partial(make, parts=self._parts, is_open=is_open)
            found = self._plans[is_open] = Plan(self._columns, program, self.errors)
        return found

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

        root = tree(self._parts, None, False, "layout").root
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


def _made(parts: list[Part], fields: Any, errors: str) -> Layout:
    return Layout(parts, fields=fields, errors=errors)


# -- records of one size ---------------------------------------------------------------------------


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

"""What reading gives: tables of columns, for Arrow's libraries, NumPy, and eyes.

Table ── batches ──> Data of each, made when somebody asks
  └ ["attrs.key"] ──> Column: the same over all batches
"""

from __future__ import annotations

import sys
from functools import partial
from itertools import pairwise

from jitvm.guests.wire.columns import Column as TreeColumn
from jitvm.guests.wire.columns import Shape, Tree
from jitvm.guests.wire.faults import ABOUT, Fault
from jitvm.prepared import Uncollected

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from jitvm.guests.wire.data import Data
    from jitvm.guests.wire.finish import View
    from jitvm.guests.wire.pool import OutputSpace

TIMES = {"timestamp": "<M8[ns]", "duration": "<m8[ns]"}
"""NumPy's types of times."""


class RowError:
    """A message that could not be decoded.

    Attributes:
        row: its place among the messages that were given, from 0.
        offset: the byte in it at which it is wrong.
        path: the field, or the message around it, as ``"attrs.key"``; "" for the message itself.
        fault: what is wrong, a row of `jitvm.guests.wire.faults.Fault`.
        file: the path of the stream that it came from; "" where there is none.
    """

    __slots__ = ("fault", "file", "offset", "path", "row")

    def __init__(self, row: int, offset: int, path: str, fault: Fault, file: str = "") -> None:
        self.file = file
        self.row = row
        self.offset = offset
        self.path = path
        self.fault = fault

    @property
    def reason(self) -> str:
        """What is wrong, in words."""
        return ABOUT[self.fault]

    def moved(self, rows: int, file: str = "") -> RowError:
        """The same, so many messages further, in a file."""
        return RowError(self.row + rows, self.offset, self.path, self.fault, file)

    def __str__(self) -> str:
        where = f", field {self.path}" if self.path else ""
        file = f"{self.file}: " if self.file else ""
        return f"{file}message {self.row}, byte {self.offset}{where}: {self.reason}"

    def __repr__(self) -> str:
        return f"RowError({self!s})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RowError) and self._facts() == other._facts()

    def __hash__(self) -> int:
        return hash(self._facts())

    def _facts(self) -> tuple[str, int, int, str, Fault]:
        return self.file, self.row, self.offset, self.path, self.fault


class Chunk:
    """One decoded batch: rows, and the space that they are in."""

    __slots__ = ("_view", "rows", "space", "tree")

    def __init__(self, tree: Tree, rows: int, space: OutputSpace) -> None:
        self.tree = tree
        self.rows = rows
        self.space = space
        self._view: View | None = None

    @property
    def view(self) -> View:
        """What is in it."""
        if self._view is None:
            from jitvm.guests.wire.finish import View

            self._view = View(self.tree, self.rows, self.space)
        return self._view

    def first(self, rows: int) -> Chunk:
        """Its first rows: what lies behind them is left where it is."""
        return Chunk(self.tree, rows, self.space)


class Table:
    """Rows in columns.

    Every library that takes Arrow's data takes a table as it is: ``polars.DataFrame(table)``,
    ``pyarrow.table(table)``, ``duckdb.sql("from table")``.

    Attributes:
        errors: what could not be decoded and was left out, or is null; in order of rows.
    """

    def __init__(self, tree: Tree, chunks: Sequence[Chunk], errors: Sequence[RowError]) -> None:
        self._tree = tree
        self._chunks = list(chunks)
        self.errors = list(errors)

    @property
    def tree(self) -> Tree:
        """Its columns."""
        return self._tree

    def parts(self) -> list[Data]:
        """What is in each of its batches."""
        return [chunk.view.root for chunk in self._chunks]

    def __len__(self) -> int:
        """How many rows it has."""
        return sum(chunk.rows for chunk in self._chunks)

    @property
    def column_names(self) -> list[str]:
        """Names of its columns, in order."""
        return [child.name for child in self._tree.root.children if not child.is_hidden]

    @property
    def schema(self) -> dict[str, str]:
        """Arrow's types by the names of columns."""
        return {
            child.name: type_of(child) for child in self._tree.root.children if not child.is_hidden
        }

    def __getitem__(self, path: str) -> Column:
        """A column by its name, or by a path as ``"attrs.key"``: all values in lists together.

        Raises:
            KeyError: there is none.
        """
        column = self._tree.column(path)
        if column is None or column.is_hidden or _is_in_time(column):
            raise KeyError(f"no column {path!r}; there are {', '.join(self.column_names)}")
        return Column(self, column)

    def __iter__(self) -> Iterator[str]:
        return iter(self.column_names)

    @property
    def nbytes(self) -> int:
        """Bytes of all columns."""
        return sum(self[name].nbytes for name in self.column_names)

    def batches(self) -> Iterator[Batch]:
        """The same rows as tables that lie in one piece."""
        for chunk in self._chunks:
            yield Batch(self._tree, [chunk], [])

    def head(self, rows: int) -> Table:
        """The first rows, at most so many."""
        chunks: list[Chunk] = []
        for chunk in self._chunks:
            if rows <= 0:
                break
            count = min(rows, chunk.rows)
            chunks.append(chunk if count == chunk.rows else chunk.first(count))
            rows -= count
        return Table(self._tree, chunks, self.errors)

    # -- Arrow -----------------------------------------------------------------------------------

    def __arrow_c_schema__(self) -> object:
        """A capsule of the schema."""
        from jitvm.guests.wire.arrow import schema_capsule, table_schema_export

        return schema_capsule(table_schema_export(self._tree))

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """A capsule of a stream of its batches. It has the schema that it has."""
        from jitvm.guests.wire.arrow import batch_export, exported_stream, table_schema_export

        batches = [batch_export(chunk.view) for chunk in self._chunks]
        return exported_stream(partial(table_schema_export, self._tree), iter(batches))

    def to_arrow(self) -> Any:
        """A `pyarrow.Table` that shows the same memory.

        Raises:
            ModuleNotFoundError: pyarrow is not there.
        """
        pyarrow = needed("pyarrow")
        if not hasattr(pyarrow.RecordBatch, "_import_from_c"):
            # `pyarrow.table` would ask whether this is a data frame, and import pandas for that.
            return pyarrow.RecordBatchReader.from_stream(self).read_all()
        from jitvm.guests.wire.arrow import record_batch

        made = self._tree.made
        schema = made.get("pyarrow")  # a stream would have it made for each table
        if schema is None:
            schema = made["pyarrow"] = pyarrow.schema(self)
        batches = [record_batch(pyarrow, chunk.view, schema) for chunk in self._chunks]
        return pyarrow.Table.from_batches(batches, schema)

    def to_pandas(self, **options: Any) -> Any:
        """A `pandas.DataFrame`; options are those of `pyarrow.Table.to_pandas`.

        Raises:
            ModuleNotFoundError: pandas or pyarrow is not there.
        """
        needed("pandas")
        return self.to_arrow().to_pandas(**options)

    def to_polars(self) -> Any:
        """A `polars.DataFrame` that shows the same memory where polars lets it.

        Raises:
            ModuleNotFoundError: polars is not there.
        """
        return needed("polars").DataFrame(self)

    def to_pylist(self) -> list[dict[str, Any]]:
        """Its rows as dicts."""
        columns = {name: self[name].to_pylist() for name in self.column_names}
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    # -- for eyes --------------------------------------------------------------------------------

    def __repr__(self) -> str:
        name = self._tree.message.full_name
        lines = [f"<Table of {name}: {len(self)} rows, {len(self.column_names)} columns>"]
        lines += [f"  {name}: {type}" for name, type in self.schema.items()]
        if self.errors:
            lines.append(f"  {len(self.errors)} messages in errors, first: {self.errors[0]}")
        return "\n".join(lines)


class Batch(Table):
    """A table that lies in one piece: also what `pyarrow.record_batch` takes."""

    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[object, object]:
        """Capsules of the schema and of the rows."""
        from jitvm.guests.wire.arrow import array_capsule, batch_export

        return self.__arrow_c_schema__(), array_capsule(batch_export(self._chunks[0].view))


class Column:
    """A column of a table, over all its batches."""

    def __init__(self, table: Table, column: TreeColumn) -> None:
        self._table = table
        self._column = column

    @property
    def name(self) -> str:
        """Its path."""
        return self._column.path

    @property
    def type(self) -> str:
        """Arrow's type of it."""
        return type_of(self._column)

    def _parts(self) -> list[Data]:
        """Its values in each batch; with no batches, one without any."""
        return [_found(chunk.view, self._column) for chunk in self._table._chunks]

    def __len__(self) -> int:
        return sum(part.length for part in self._parts())

    @property
    def null_count(self) -> int:
        """How many of its values are null."""
        return sum(
            part.length - int(part.validity.sum(dtype="i8"))
            for part in self._parts()
            if part.validity is not None
        )

    @property
    def present_count(self) -> int:
        """How many of its values are there: not null, nor 0 or empty where that means absent."""
        return sum(_present(part) for part in self._parts())

    @property
    def nbytes(self) -> int:
        """Bytes of its values, with those of all columns below it, and of offsets."""
        return sum(_bytes(part) for part in self._parts())

    def __arrow_c_schema__(self) -> object:
        """A capsule of its schema."""
        from jitvm.guests.wire.arrow import schema_capsule, schema_export

        return schema_capsule(schema_export(self._column))

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """A capsule of a stream of its parts."""
        from jitvm.guests.wire.arrow import column_export, exported_stream, schema_export

        parts = [column_export(part) for part in self._parts()]
        return exported_stream(partial(schema_export, self._column), iter(parts))

    def to_arrow(self) -> Any:
        """A `pyarrow.ChunkedArray` that shows the same memory.

        Raises:
            ModuleNotFoundError: pyarrow is not there.
        """
        return needed("pyarrow").chunked_array(self)

    def to_numpy(self) -> Any:
        """The values as one array.

        Numbers and booleans: of their own type, without a copy where the table has one batch; as a
        masked array where some are null. Strings, bytes, names of members, lists: objects, None
        where they are null; lists of numbers have an array each.

        Raises:
            TypeError: it is of messages or maps; take a column of theirs, or `to_arrow`.
        """
        import numpy as np

        column = self._column
        parts = self._parts()
        if (
            column.shown_as not in TIMES
            if column.shape is not Shape.FIXED
            else column.shown_as == "names"
        ):
            values = np.empty(sum(part.length for part in parts), object)
            place = 0
            for part in parts:
                for value in _objects(part):
                    values[place] = value
                    place += 1
            return values
        from jitvm.guests.wire.formats import dtype_of, numpy_of

        dtype = TIMES.get(column.shown_as) or dtype_of(column.format)
        found: list[Any] = [numpy_of(column.format, _in(part.values, dtype)) for part in parts]
        dtype = found[0].dtype if found else dtype
        joined = np.concatenate([*found, np.empty(0, dtype)])
        whole = found[0] if len(found) == 1 else joined
        if not self.null_count:
            return whole
        masks = [
            np.ones(part.length, bool) if part.validity is None else part.validity == 1
            for part in parts
        ]
        return np.ma.MaskedArray(whole, ~np.concatenate(masks))

    def lengths(self) -> Any:
        """How many elements each list (or bytes each string) has, as an array of int64.

        Raises:
            TypeError: its values have no lengths.
        """
        import numpy as np

        if not self._column.has_offsets:
            raise TypeError(f"{self.name} is {self.type}, whose values have no lengths")
        parts = [np.diff(part.offsets) for part in self._parts() if part.offsets is not None]
        return np.concatenate([*parts, np.empty(0, "i8")]).astype("i8")

    def to_pylist(self) -> list[Any]:
        """The values as Python has them."""
        return [value for part in self._parts() for value in _python(part)]

    def __repr__(self) -> str:
        return f"<Column {self.name}: {self.type}, {len(self)} values, {self.null_count} null>"


def _found(view: View, column: TreeColumn) -> Data:
    """The values of a column in a batch; of a row that is null as a whole, null as well."""
    root = view.tree.root
    path = [view.tree.columns[column.index]]
    while path[-1].parent is not None:
        path.append(path[-1].parent)
    maps = [at for at, around in enumerate(path) if around.shape is Shape.MAP]
    outer = maps[-1] if maps else 0  # of a map there may be fewer entries than were decoded
    data = view.data(path[outer])
    for each in reversed(path[:outer]):
        data = next(child for child in data.children if child.column is each)
    around = view.validity(root)
    if around is None or data.column.parent is not root:
        return data
    from jitvm.guests.wire.data import Data as Made

    both = around if data.validity is None else data.validity & around
    merged = Made(data.column, data.length, both, data.offsets, data.values, data.children)
    merged.names = data.names
    return merged


def _present(part: Data) -> int:
    """How many values are there."""
    if part.validity is not None:
        return int(part.validity.sum(dtype="i8"))
    if part.offsets is not None:
        lengths = part.offsets[1:] != part.offsets[:-1]
        return int(lengths.sum())
    if part.column.shape is Shape.FIXED and part.values is not None:
        return int((part.values != 0).sum())
    return part.length


def _bytes(part: Data) -> int:
    """Bytes of values and offsets, with those below."""
    size = sum(map(_bytes, part.children))
    size += 0 if part.values is None else int(part.values.nbytes)
    return size + (0 if part.offsets is None else int(part.offsets.nbytes))


def _in(values: Any, dtype: Any) -> Any:
    return values if values.dtype == dtype else values.view(dtype)


def _is_in_time(column: TreeColumn) -> bool:
    """Whether it is part of what is shown as a time."""
    return column.parent is not None and column.parent.shown_as in TIMES


def _objects(part: Data) -> Iterator[Any]:
    """Values for an array of objects."""
    shape, children = part.column.shape, part.children
    if part.column.shown_as:
        yield from _python(part)
        return
    if shape in (Shape.STRUCT, Shape.MAP) or (
        shape is Shape.LIST and children[0].column.shape in (Shape.STRUCT, Shape.LIST)
    ):
        raise TypeError(
            f"{part.column.path} is {type_of(part.column)}; take one of its fields as "
            f"table['{part.column.path}.name'], or to_arrow()"
        )
    if shape is Shape.LIST and children[0].column.shape is Shape.FIXED:
        assert part.offsets is not None
        values: Any = children[0].values
        for at in range(part.length):
            yield values[part.offsets[at] : part.offsets[at + 1]]
        return
    yield from _python(part)


def _python(part: Data) -> list[Any]:
    """Values as Python has them."""
    column, shape = part.column, part.column.shape
    values: list[Any]
    if part.names is not None:
        assert part.values is not None
        values = [part.names[each] for each in part.values.tolist()]
    elif column.shown_as in TIMES:
        assert part.values is not None
        values = list(part.values.view(TIMES[column.shown_as]))
    elif shape is Shape.FIXED:
        from jitvm.guests.wire.formats import python_of

        assert part.values is not None
        values = python_of(column.format, part.values)
    elif shape is Shape.STRUCT:
        children = {child.column.name: _python(child) for child in part.children}
        values = [{name: each[at] for name, each in children.items()} for at in range(part.length)]
    else:
        assert part.offsets is not None
        offsets = part.offsets.tolist()
        cuts = list(pairwise(offsets))
        if shape is Shape.BYTES:
            assert part.values is not None
            data = part.values.tobytes()
            values = [data[first:last] for first, last in cuts]
            if column.format in "uU":
                values = [value.decode() for value in values]
        else:
            inner = _python(part.children[0])
            values = [inner[first:last] for first, last in cuts]
            if shape is Shape.MAP:
                values = [{each["key"]: each["value"] for each in value} for value in values]
    if part.validity is None:
        return values
    return [
        value if valid else None
        for value, valid in zip(values, part.validity.tolist(), strict=True)
    ]


def type_of(column: TreeColumn) -> str:
    """The name of Arrow's type of a column."""
    if column.shape is Shape.ONEOF or column.shown_as == "names":
        return "dictionary<string>"
    if column.shown_as in TIMES:
        return {"timestamp": "timestamp[ns, UTC]", "duration": "duration[ns]"}[column.shown_as]
    if column.shape is Shape.LIST:
        return f"list<{type_of(column.children[0])}>"
    inner = [f"{child.name}: {type_of(child)}" for child in column.children if not child.is_hidden]
    if column.shape is Shape.STRUCT:
        return f"struct<{', '.join(inner)}>"
    if column.shape is Shape.MAP:
        return f"map<{', '.join(map(type_of, column.children[0].children))}>"
    from jitvm.guests.wire.formats import name_of

    return name_of(column.format)


class Columnar:
    """What makes, or takes, tables whose columns are known before."""

    if TYPE_CHECKING:

        @property
        def _tree(self) -> Tree: ...

    @property
    def schema(self) -> dict[str, str]:
        """Arrow's types by the names of columns."""
        return Table(self._tree, [], []).schema

    def columns(self) -> Iterator[tuple[str, str, bool]]:
        """Path, Arrow's type, and whether values may be null, of each column: those of messages
        before those in them."""
        return described(self._tree)

    def __arrow_c_schema__(self) -> object:
        """A capsule of the schema of the tables."""
        return Table(self._tree, [], []).__arrow_c_schema__()


def described(tree: Tree) -> Iterator[tuple[str, str, bool]]:
    """Path, Arrow's type, and whether values may be null, of each column that is shown."""
    for column in tree.columns[1:]:
        parent = column.parent
        assert parent is not None
        if parent.shape in (Shape.LIST, Shape.MAP) or column.is_hidden or parent.shown_as:
            continue
        yield column.path, type_of(column), column.is_nullable or column.shape is Shape.ONEOF


def needed(name: str) -> Any:
    """A library of somebody's that is asked for by name."""
    try:
        if name in sys.modules:
            __import__(name)  # which waits where another thread is at it
        else:
            with Uncollected():
                __import__(name)
        return sys.modules[name]
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise ModuleNotFoundError(
            f"{name} is not installed; pip install {name}, or hand the table to a library that is",
            name=name,
        ) from None

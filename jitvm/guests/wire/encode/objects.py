"""Columns of Python's objects, and of NumPy's arrays: dicts of columns, lists of rows.

    {"ts": array, "tags": [[1, 2], []], "status": {"code": array}}  --of_columns-->  Node
    [{"ts": 1, "tags": [1, 2]}, ...]                                --of_rows----->  Node

Arrays of numbers are taken as they are. Objects are sorted into columns by what the message has;
whether they are of the right kind is looked at where all values are (`fitting`).
"""

from __future__ import annotations

from itertools import chain

import numpy as np

from jitvm.guests.wire.columns import Column, Shape
from jitvm.guests.wire.encode.fitting import PYTHON
from jitvm.guests.wire.encode.node import NUMBERS, Node, imported_array
from jitvm.guests.wire.faults import TableError

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from jitvm.guests.wire.data import Array

_FORMATS = {np.dtype(dtype): format for format, dtype in NUMBERS.items()}
_UNITS = {"s": "s", "ms": "m", "us": "u", "ns": "n"}
"""Arrow's letters of NumPy's units of time."""


def of_columns(columns: Mapping[str, Any], struct: Column) -> Node:
    """A dict of columns, all of one length.

    Raises:
        TableError: they have different lengths, or one is nothing that has values.
    """
    found: dict[str, Node] = {}
    for name, values in columns.items():
        path = f"{struct.path}.{name}" if struct.path else str(name)
        found[name] = _column(values, struct.child(name), path)
    lengths = {name: node.length for name, node in found.items()}
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise TableError(f"the columns have different lengths: {said}")
    return Node("+s", next(iter(lengths.values()), 0), children=found)


def of_rows(rows: Sequence[Any], struct: Column) -> Node:
    """A list of dicts. What a row has not is None.

    Raises:
        TableError: one of them is no dict.
    """
    return _structs(list(rows), struct, struct.path)


def _column(values: Any, column: Column | None, path: str) -> Node:
    if isinstance(values, np.ma.MaskedArray):
        node = _array(values.data, column, path)
        mask = np.ma.getmaskarray(values)
        if mask.any():
            there = (~mask).astype(np.uint8)
            node.validity = there if node.validity is None else node.validity & there
        return node
    if isinstance(values, np.ndarray):
        return _array(values, column, path)
    if hasattr(values, "__arrow_c_array__") or hasattr(values, "__arrow_c_stream__"):
        return imported_array(values, path)
    if isinstance(values, dict):
        if column is None or column.shape is not Shape.STRUCT:
            raise TableError(f"{path}: a dict of columns is for a message")
        return of_columns(values, column)
    if isinstance(values, str | bytes) or not hasattr(values, "__iter__"):
        raise TableError(f"{path}: {type(values).__name__} is no column; give an array or a list")
    return _objects(list(values), column, path)


def _array(values: Array, column: Column | None, path: str) -> Node:
    """One of NumPy's."""
    if values.ndim == 2 and column is not None and column.shape is Shape.LIST:
        rows, each = values.shape
        inner = _array(values.reshape(-1), column.children[0], path)
        offsets = np.arange(rows + 1, dtype=np.int64) * each
        return Node("+L", rows, offsets=offsets, children={"item": inner})
    if values.ndim != 1:
        raise TableError(f"{path}: an array of {values.ndim} dimensions is no column")
    dtype = values.dtype.newbyteorder("<") if values.dtype.kind in "iufb" else values.dtype
    if (format := _FORMATS.get(dtype)) is not None:
        return Node(format, len(values), values=np.ascontiguousarray(values, dtype))
    if dtype.kind == "b":
        return Node("b", len(values), values=np.ascontiguousarray(values).view(np.uint8))
    if dtype.kind in "mM":
        unit = _UNITS.get(np.datetime_data(dtype)[0])
        if unit is None or np.datetime_data(dtype)[1] != 1:
            values, unit = values.astype(f"{dtype.kind}8[ns]"), "n"
        numbers = np.ascontiguousarray(values).view("<i8")
        there = ~np.isnat(values)
        return Node(
            f"{'ts' if dtype.kind == 'M' else 'tD'}{unit}", len(values), values=numbers,
            validity=None if there.all() else there.astype(np.uint8),
        )  # fmt: skip
    return _objects(values.tolist(), column, path)


def _objects(values: list[Any], column: Column | None, path: str) -> Node:
    if column is not None and column.shape is Shape.STRUCT:
        return _structs(values, column, path)
    if column is not None and column.shape in (Shape.LIST, Shape.MAP):
        return _lists(values, column, path)
    found = np.empty(len(values), object)
    found[:] = values
    return Node(PYTHON, len(values), validity=_there(values), values=found)


def _there(values: list[Any]) -> Array | None:
    """Which are not None."""
    found = np.fromiter((each is not None for each in values), np.uint8, len(values))
    return None if found.all() else found


def _structs(values: list[Any], struct: Column, path: str) -> Node:
    names: dict[str, None] = {}
    for at, each in enumerate(values):
        if isinstance(each, dict):
            names.update(dict.fromkeys(each))
        elif each is not None:
            raise TableError(f"{path or 'row'}: value {at} is {type(each).__name__}, not a dict")
    names.update(dict.fromkeys(each.name for each in struct.children if each.oneof is None))
    empty: dict[str, Any] = {}
    children = {}
    for name in names:
        inner = [(each or empty).get(name) for each in values]
        whole = f"{path}.{name}" if path else str(name)
        children[str(name)] = _objects(inner, struct.child(name), whole)
    return Node("+s", len(values), validity=_there(values), children=children)


def _lists(values: list[Any], column: Column, path: str) -> Node:
    lists = [_elements(each, column, path, at) for at, each in enumerate(values)]
    offsets = np.zeros(len(values) + 1, np.int64)
    np.cumsum([len(each) for each in lists], out=offsets[1:])
    (item,) = column.children
    inner: list[Any] = list(chain.from_iterable(lists))
    if column.shape is Shape.MAP:
        entries = {
            name: _objects([entry[at] for entry in inner], item.child(name), path)
            for at, name in enumerate(("key", "value"))
        }
        child = Node("+s", len(inner), children=entries)
    else:
        child = _objects(inner, item, path)
    return Node(
        "+L", len(values), validity=_there(values), offsets=offsets, children={"item": child}
    )


def _elements(value: Any, column: Column, path: str, at: int) -> Sequence[Any]:
    if value is None:
        return ()
    if column.shape is Shape.MAP:
        if isinstance(value, dict):
            return list(value.items())
        wanted = "a dict"
    else:
        if isinstance(value, np.ndarray):
            found: list[Any] = value.tolist()
            return found
        if isinstance(value, list | tuple):
            return value
        wanted = "a list"
    raise TableError(f"{path}: value {at} is {type(value).__name__}, not {wanted}")

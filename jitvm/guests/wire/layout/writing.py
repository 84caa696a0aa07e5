"""Columns as records of a layout, a part at a time, by NumPy."""

from __future__ import annotations

import numpy as np

from jitvm.guests.wire.avro.encoding import Rows, bytes_of, whole_numbers
from jitvm.guests.wire.avro.objects import of_objects
from jitvm.guests.wire.avro.ragged import Ragged, constant, fixed, joined
from jitvm.guests.wire.avro.schema import Type
from jitvm.guests.wire.encode.errors import EncodeError, Refusal
from jitvm.guests.wire.encode.fitting import PYTHON
from jitvm.guests.wire.encode.tables import nodes_of
from jitvm.guests.wire.faults import Misfit, TableError
from jitvm.guests.wire.formats import dtype_of
from jitvm.guests.wire.layout.parts import Part
from jitvm.guests.wire.texts import are_texts

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from jitvm.guests.wire.columns import Column
    from jitvm.guests.wire.data import Array
    from jitvm.guests.wire.encode.node import Node

_KINDS = {"f": "double", "g": "double", "b": "boolean"}


def written(parts: list[Part], table: Any, root: Column) -> Iterator[Ragged]:
    """The bytes of records, batch by batch.

    Raises:
        EncodeError: a value does not fit its part.
        TableError: a column is missing, unknown, or of another type.
    """
    seen = 0
    for node in nodes_of(table, root):
        try:
            yield _record(parts, node, "", Rows(), None)
        except EncodeError as error:
            found = error.error
            raise EncodeError(Refusal(seen + found.row, found.path, found.misfit)) from None
        seen += node.length


def _record(parts: list[Part], node: Node, path: str, rows: Rows, there: Array | None) -> Ragged:
    if node.format != "+s":
        raise TableError(f"{path}: the column is {node.type}, the part a record")
    names = [name for part in parts for name in _names(part)]
    for name in node.children:
        if name not in names:
            raise TableError(f"the layout has no part {name!r}; it has {', '.join(names)}")
    found = []
    for part in parts:
        if part.kind == "pad":
            found.append(constant(bytes(part.size), node.length))
        elif part.kind == "bits":
            found.append(_bits(part, node, path, rows, there))
        else:
            where = f"{path}.{part.name}" if path else part.name
            child = _child(node, part.name, where)
            found.append(_maybe(part, child, where, rows, there))
            if part.of:
                _check_count(part, child, _child(node, part.of, where), where, rows, there)
    return joined(found, node.length)


def _check_count(
    part: Part, node: Node, by: Node, path: str, rows: Rows, there: Array | None
) -> None:
    """Refuse what has not as many bytes, or elements, as another part says."""
    if part.kind == "text":
        counts = bytes_of(_typed(node, "bytes", path), Type("bytes"), path, there).lengths
    else:
        assert node.offsets is not None
        counts = np.diff(node.offsets.astype(np.int64))
    by = _typed(by, "long", path)
    said = whole_numbers(by, path, rows, there, 0, (1 << 32) - 1, "<u4")
    valid = node.validity if part.is_optional and node.validity is not None else None
    for each in (there, valid):
        if each is not None:
            counts = np.where(each != 0, counts, said)
    _refuse(counts != said, Misfit.SIZE, path, rows)


def _names(part: Part) -> list[str]:
    if part.kind == "bits":
        return [name for name, _ in part.bits if name]
    return [part.name] if part.kind != "pad" else []


def _child(node: Node, name: str, path: str) -> Node:
    found = node.children.get(name)
    if found is None:
        raise TableError(f"there is no column {path!r}")
    return found


def _bits(part: Part, node: Node, path: str, rows: Rows, there: Array | None) -> Ragged:
    """Bit fields, put together."""
    whole = np.zeros(node.length, np.uint64)
    first = 0
    for name, count in part.bits:
        if name:
            where = f"{path}.{name}" if path else name
            child = _typed(_child(node, name, where), "long", where)
            values = whole_numbers(child, where, rows, there, 0, (1 << count) - 1, "<u8")
            whole |= values << np.uint64(first)
        first += count
    order = ">" if part.is_big else "<"
    return fixed(whole.astype(f"{order}u{part.width}"))


def _typed(node: Node, kind: str, path: str) -> Node:
    """Values of Python's objects as such of a type."""
    return of_objects(node, Type(kind), path) if node.format == PYTHON else node


def _maybe(part: Part, node: Node, path: str, rows: Rows, there: Array | None) -> Ragged:
    if not part.is_optional:
        if node.validity is not None:
            absent = (node.validity == 0) & (True if there is None else there != 0)
            _refuse(absent, Misfit.REQUIRED, path, rows)
        return _value(part, node, path, rows, there)
    valid = node.validity if node.validity is not None else np.ones(node.length, np.uint8)
    counted = valid if there is None else valid & (there != 0)
    value = _value(part, node, path, rows, counted).only(valid)
    return joined([fixed(valid.astype(np.uint8)), value], node.length)


def _refuse(wrong: Array, misfit: Misfit, path: str, rows: Rows) -> None:
    if wrong.any():
        raise EncodeError(Refusal(rows[int(wrong.argmax())], path, misfit))


def _value(part: Part, node: Node, path: str, rows: Rows, there: Array | None) -> Ragged:
    if part.kind == "record":
        return _record(part.parts, node, path, rows, there)
    if part.kind == "list":
        return _list(part, node, path, rows, there)
    if part.kind in ("bytes", "text"):
        return _text(part, _typed(node, "bytes", path), path, rows, there)
    node = _typed(node, _KINDS.get(part.format, "long"), path)
    if part.format == "b":
        if node.format != "b" or node.values is None:
            raise TableError(f"{path}: the column is {node.type}, the part bool")
        return fixed(node.values.view(np.uint8) & 1)
    dtype = dtype_of(part.format).newbyteorder(">" if part.is_big else "<")
    if part.format in "fg":
        if node.values is None or node.format not in "cCsSiIlLefg":
            raise TableError(f"{path}: the column is {node.type}, the part a float")
        return fixed(node.values.astype(dtype))
    info = np.iinfo(dtype)
    numbers = whole_numbers(node, path, rows, there, int(info.min), int(info.max), dtype.str)
    return fixed(numbers)


def _list(part: Part, node: Node, path: str, rows: Rows, there: Array | None) -> Ragged:
    if node.offsets is None or "item" not in node.children:
        raise TableError(f"{path}: the column is {node.type}, the part a list")
    offsets = node.offsets.astype(np.int64)
    counts = np.diff(offsets)
    keep = None if there is None else np.repeat(there, counts)
    if there is not None:
        counts = counts * (there != 0)
    item = node.children["item"]
    elements = _maybe(part.parts[0], item, path, rows.below(offsets), keep)
    if keep is not None:
        elements = elements.only(keep)
    return _behind_count(part, counts, elements.grouped(offsets), path, rows, there)


def _behind_count(
    part: Part, counts: Array, values: Ragged, path: str, rows: Rows, there: Array | None
) -> Ragged:
    """Values behind the number of what they have, or of so many."""
    if part.of:
        return values  # `_check_count` has seen how many
    if not part.count:
        wrong = counts != part.size
        _refuse(wrong if there is None else wrong & (there != 0), Misfit.SIZE, path, rows)
        return values
    _refuse(counts >= 1 << min(8 * part.count, 31), Misfit.SIZE, path, rows)
    order = ">" if part.is_big else "<"
    return joined([fixed(counts.astype(f"{order}u{part.count}")), values], len(counts))


def _text(part: Part, node: Node, path: str, rows: Rows, there: Array | None) -> Ragged:
    values = bytes_of(node, Type("bytes"), path, there)
    if part.is_utf8:
        ends = values.offsets.astype("<u4")
        if not are_texts(np.ascontiguousarray(values.data), ends):
            raise EncodeError(Refusal(rows[0], path, Misfit.UTF8))
    return _behind_count(part, values.lengths, values, path, rows, there)

"""Columns as records of Avro: a column at a time, by NumPy.

    Node (as `encode.node` has tables)  +  Type  ──Encoder──>  Ragged: the bytes of each row

What does not fit its type is refused with row and field before anything is written.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from jitvm.guests.wire.avro.columns import DURATION, named_branches
from jitvm.guests.wire.avro.ragged import (
    Ragged,
    constant,
    fixed,
    joined,
    nothing,
    varints,
)
from jitvm.guests.wire.encode.errors import EncodeError, Refusal
from jitvm.guests.wire.encode.fitting import PYTHON
from jitvm.guests.wire.faults import Misfit, TableError
from jitvm.guests.wire.texts import are_texts

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from typing import Any

    from jitvm.guests.wire.avro.schema import Type
    from jitvm.guests.wire.data import Array
    from jitvm.guests.wire.encode.node import Node

_PER_DAY = {"D": 1, "m": 86_400_000}
_UNITS = {"s": 1, "m": 1000, "u": 1_000_000, "n": 1_000_000_000}
_LOGICAL_UNITS = {"millis": "m", "micros": "u", "nanos": "n"}
_WHOLE = "cCsSiIlL"
_WIDE = 16


class Rows:
    """Which rows of the table values belong to, for errors.

    Args:
        rows: of each value, its row; None where it has its own.
    """

    def __init__(self, rows: Array | None = None) -> None:
        self._rows = rows

    def __getitem__(self, value: int) -> int:
        return value if self._rows is None else int(self._rows[value])

    def below(self, offsets: Array) -> Rows:
        """Those of the elements of lists."""
        places = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
        return Rows(places if self._rows is None else self._rows[places])


def encoded(node: Node, type: Type, path: str, rows: Rows, there: Array | None = None) -> Ragged:
    """The bytes of values.

    Args:
        node: the values.
        type: of each.
        path: of the field, for errors.
        rows: whose they are.
        there: which of them count, a byte each; None for all. Others may be anything.

    Raises:
        EncodeError: a value does not fit.
        TableError: the column is of another type.
    """
    if type.kind == "union":
        return _union(node, type, path, rows, there)
    if type.kind == "null":
        return nothing(node.length)
    _present(node, path, rows, there)
    if type.kind == "record" and (node.format == PYTHON or node.offsets is not None):
        return _raw(node, type, path, rows, there)
    if type.kind == "record":
        return _record(node, type, path, rows, there)
    if type.kind in ("array", "map"):
        return _list(node, type, path, rows, there)
    if type.logical == "duration" and node.format == "+s":
        return joined(
            [
                fixed(
                    whole_numbers(_child(node, name, path), path, rows, there, 0, 2**32 - 1, "<u4")
                )
                for name in DURATION
            ],
            node.length,
        )
    if node.format == PYTHON:
        from jitvm.guests.wire.avro.objects import of_objects

        node = of_objects(node, type, path)
    return _scalar(node, type, path, rows, there)


def _refuse(wrong: Array, misfit: Misfit, path: str, rows: Rows) -> None:
    """Refuse the first value that is wrong, if any."""
    if wrong.any():
        raise EncodeError(Refusal(rows[int(wrong.argmax())], path, misfit))


def _of_other_type(node: Node, type: Type, path: str) -> TableError:
    logical = f" ({type.logical})" if type.logical else ""
    return TableError(f"{path}: the column is {node.type}, the field {type.kind}{logical}")


def _present(node: Node, path: str, rows: Rows, there: Array | None) -> None:
    """Refuse nulls, which the type has no place for."""
    if node.validity is None:
        return
    absent = node.validity == 0
    _refuse(absent if there is None else absent & (there != 0), Misfit.REQUIRED, path, rows)


def _child(node: Node, name: str, path: str) -> Node:
    found = node.children.get(name)
    if found is None:
        raise TableError(f"{path}: there is no column {name!r}".lstrip(": "))
    return found


def _inner(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


# -- what holds others ---------------------------------------------------------------------------


def _record(node: Node, type: Type, path: str, rows: Rows, there: Array | None) -> Ragged:
    if node.format != "+s":
        raise _of_other_type(node, type, path)
    names = [each.name for each in type.fields]
    for name in node.children:
        if name not in names:
            raise TableError(
                f"{_inner(path, name)}: the schema has no such field; it has {', '.join(names)}"
            )
    parts = []
    for each in type.fields:
        child = node.children.get(each.name)
        where = _inner(path, each.name)
        if child is None:
            parts.append(_default(each, where, node.length))
        else:
            parts.append(encoded(child, each.type, where, rows, there))
    return joined(parts, node.length)


def _raw(node: Node, type: Type, path: str, rows: Rows, there: Array | None) -> Ragged:
    """Records that are bytes already, as a reader leaves what is nested too deep: they have to be
    such."""
    from jitvm.guests.wire.avro.objects import of_objects
    from jitvm.guests.wire.avro.reading import AvroReader
    from jitvm.guests.wire.avro.schema import Type as Made

    if node.format == PYTHON:
        node = of_objects(node, Made("bytes"), path)
    values = bytes_of(node, Made("bytes"), path, there)
    counts = np.ones(node.length, bool) if there is None else there != 0
    ends = values.offsets
    records = [values.data[ends[at] : ends[at + 1]].tobytes() for at in np.flatnonzero(counts)]
    if records:
        wrong = np.zeros(node.length, bool)
        found = AvroReader(type, errors="skip").read(records).errors
        wrong[np.flatnonzero(counts)[[each.row for each in found]]] = True
        _refuse(wrong, Misfit.TYPE, path, rows)
    return values


def _default(field: Any, path: str, rows: int) -> Ragged:
    """A field without a column: null, where it may be."""
    branches = field.type.branches
    for place, branch in enumerate(branches):
        if branch.kind == "null":
            return constant(bytes([2 * place]), rows)
    if field.type.kind == "null":
        return nothing(rows)
    raise TableError(f"there is no column {path!r}, and the field cannot be null")


def _list(node: Node, type: Type, path: str, rows: Rows, there: Array | None) -> Ragged:
    if node.offsets is None or "item" not in node.children or type.item is None:
        raise _of_other_type(node, type, path)
    item, offsets = node.children["item"], node.offsets.astype(np.int64)
    inner = rows.below(offsets)
    counts = np.diff(offsets)
    keep: Array | None = None
    if there is not None:
        keep = np.repeat(there, counts)
        counts = counts * (there != 0)
    if type.kind == "array":
        elements = encoded(item, type.item, path, inner, keep)
    else:
        if item.format != "+s" or len(item.children) != 2:
            raise _of_other_type(node, type, path)
        from jitvm.guests.wire.avro.schema import Type as Made

        key, value = item.children.values()
        keys = encoded(key, Made("string"), f"{path}.key", inner, keep)
        values = encoded(value, type.item, f"{path}.value", inner, keep)
        elements = joined([keys, values], item.length)
    if keep is not None:
        elements = elements.only(keep)
    heads = varints(counts).only((counts > 0).view(np.uint8))
    return joined([heads, elements.grouped(offsets), constant(b"\0", node.length)], node.length)


def _union(node: Node, type: Type, path: str, rows: Rows, there: Array | None) -> Ragged:
    inner = type.nullable
    if len(type.branches) == 1:
        value = encoded(node, type.branches[0], path, rows, there)
        return joined([constant(b"\0", node.length), value], node.length)
    if inner is not None:
        valid = node.validity if node.validity is not None else np.ones(node.length, np.uint8)
        counted = valid if there is None else valid & (there != 0)
        value = encoded(node, inner, path, rows, counted).only(valid)
        null = int(type.branches[1].kind == "null")
        branch = ((valid ^ null) << 1).astype(np.uint8)
        return joined([fixed(branch), value], node.length)
    return _branches(node, type, path, rows, there)


def _branches(node: Node, type: Type, path: str, rows: Rows, there: Array | None) -> Ragged:
    """A union as a reader shows it: a struct of branches, and which it is."""
    if node.format != "+s":
        raise _of_other_type(node, type, path)
    valid = node.validity if node.validity is not None else np.ones(node.length, np.uint8)
    counted = valid if there is None else valid & (there != 0)
    names = named_branches(type)
    members = {name: node.children.get(name) for name, _ in names}
    presence = {
        name: np.zeros(node.length, np.uint8) if member is None
        else np.ones(node.length, np.uint8) if member.validity is None
        else member.validity
        for name, member in members.items()
    }  # fmt: skip
    total = np.sum(list(presence.values()), axis=0)
    _refuse((counted != 0) & (total != 1), Misfit.ONEOF, path, rows)
    numbers = np.zeros(node.length, np.uint8)
    parts = []
    for number, branch in enumerate(type.branches):
        if branch.kind == "null":
            numbers[valid == 0] = 2 * number
            continue
        name = next(name for name, each in names if each is branch)
        member = members[name]
        if member is None:
            continue
        chosen = presence[name] & valid
        numbers[chosen != 0] = 2 * number
        value = encoded(member, branch, _inner(path, name), rows, chosen & counted)
        parts.append(value.only(chosen))
    if not any(branch.kind == "null" for branch in type.branches):
        _present(node, path, rows, there)
    return joined([fixed(numbers), *parts], node.length)


# -- scalars -------------------------------------------------------------------------------------


def _scalar(node: Node, type: Type, path: str, rows: Rows, there: Array | None) -> Ragged:
    kind = type.kind
    if kind == "enum":
        return varints(_symbols(node, type, path, rows, there))
    if type.logical == "decimal" and node.format.startswith("d:"):
        return _decimal(node, type, path, rows, there)
    if kind in ("string", "bytes", "fixed"):
        return _text(node, type, path, rows, there)
    if kind == "boolean":
        if node.format != "b" or node.values is None:
            raise _of_other_type(node, type, path)
        return fixed(node.values.view(np.uint8) & 1)
    if kind in ("int", "long"):
        bits = 31 if kind == "int" else 63
        low, high = -(1 << bits), (1 << bits) - 1
        return varints(whole_numbers(_timed(node, type, path), path, rows, there, low, high, "<i8"))
    if node.values is None or node.format not in ("e", "f", "g", *_WHOLE):
        raise _of_other_type(node, type, path)
    return fixed(node.values.astype("<f4" if kind == "float" else "<f8"))


def _timed(node: Node, type: Type, path: str) -> Node:
    """Dates and times as whole numbers of the unit of their type."""
    if node.format in _WHOLE:
        return node
    values, logical = node.values, type.logical
    unit = _LOGICAL_UNITS.get(logical.rpartition("-")[2], "")
    prefix = "ts" if "timestamp" in logical else "tt" if logical.startswith("time-") else "td"
    if values is None or not logical or not node.format.startswith(prefix):
        raise _of_other_type(node, type, path)
    numbers = values.astype("<i8")
    if prefix == "td":
        numbers = numbers // _PER_DAY[node.format[2]]
    else:
        given, wanted = _UNITS[node.format[2]], _UNITS[unit]
        numbers = numbers * (wanted // given) if wanted >= given else numbers // (given // wanted)
    made = type_copy(node)
    made.format, made.values = "l", numbers
    return made


def type_copy(node: Node) -> Node:
    """The same values in a node of its own."""
    from jitvm.guests.wire.encode.node import Node as Made

    return Made(
        node.format, node.length, validity=node.validity, offsets=node.offsets, values=node.values,
        children=node.children, dictionary=node.dictionary,
    )  # fmt: skip


def whole_numbers(
    node: Node, path: str, rows: Rows, there: Array | None, low: int, high: int, dtype: str
) -> Array:
    """Whole numbers in a range.

    Args:
        node, path, rows, there: as for `encoded`.
        low, high: the range.
        dtype: NumPy's type of what is given.
    """
    if node.values is None or node.format not in _WHOLE or node.dictionary is not None:
        raise TableError(f"{path}: the column is {node.type}, and the field a whole number")
    wrong = np.zeros(node.length, bool)
    info = np.iinfo(node.values.dtype)
    if info.min < low:
        wrong |= node.values < low
    if info.max > high:
        wrong |= node.values > node.values.dtype.type(high)
    _refuse(wrong if there is None else wrong & (there != 0), Misfit.RANGE, path, rows)
    return node.values.astype(dtype)


def _symbols(node: Node, type: Type, path: str, rows: Rows, there: Array | None) -> Array:
    """Places of symbols: of names, or of numbers."""
    if node.dictionary is None and node.format in _WHOLE:
        return whole_numbers(node, path, rows, there, 0, len(type.symbols) - 1, "<i8")
    known = {symbol: place for place, symbol in enumerate(type.symbols)}
    names = node if node.dictionary is None else node.dictionary
    places = np.array([known.get(each, -1) for each in _strings(names, type, path)], np.int64)
    if node.dictionary is not None:
        assert node.values is not None
        indexes = node.values.astype(np.int64)
        valid = np.ones(node.length, bool) if there is None else there != 0
        indexes = np.where(valid, indexes, 0)
        _refuse((indexes < 0) | (indexes >= len(places)), Misfit.NAME, path, rows)
        places = places[indexes] if len(places) else np.zeros(node.length, np.int64)
    wrong = places < 0
    _refuse(wrong if there is None else wrong & (there != 0), Misfit.NAME, path, rows)
    return np.maximum(places, 0)


def _strings(node: Node, type: Type, path: str) -> list[str]:
    if node.offsets is None or node.values is None or node.format[0] not in "uUzZv":
        raise _of_other_type(node, type, path)
    data, ends = node.values.tobytes(), node.offsets.tolist()
    return [data[first:last].decode("utf-8", "replace") for first, last in pairwise(ends)]


def _text(node: Node, type: Type, path: str, rows: Rows, there: Array | None) -> Ragged:
    """Strings, bytes, and bytes of a fixed number."""
    values = bytes_of(node, type, path, there)
    if type.kind == "string":
        offsets = values.offsets
        if not are_texts(np.ascontiguousarray(values.data), offsets.astype("<u4")):
            _refuse(_wrong_texts(values.data, offsets), Misfit.UTF8, path, rows)
    if type.kind == "fixed":
        wrong = values.lengths != type.size
        _refuse(wrong if there is None else wrong & (there != 0), Misfit.SIZE, path, rows)
        return values
    return joined([varints(values.lengths), values], node.length)


def bytes_of(node: Node, type: Type, path: str, there: Array | None) -> Ragged:
    """The bytes of values as they are; none of those that do not count."""
    if node.dictionary is not None:
        node = _looked_up(node)
    if node.offsets is None or node.values is None or node.children:
        raise _of_other_type(node, type, path)
    offsets = node.offsets.astype(np.int64)
    data = node.values[int(offsets[0]) : int(offsets[-1])]
    values = Ragged(data, np.diff(offsets))
    return values if there is None else values.only(there)


def _looked_up(node: Node) -> Node:
    """Values of a dictionary, each in its place."""
    names, places = node.dictionary, node.values
    assert names is not None
    assert places is not None
    assert names.offsets is not None
    assert names.values is not None
    valid = np.ones(node.length, bool) if node.validity is None else node.validity != 0
    indexes = np.where(valid, places.astype(np.int64), 0)
    lengths = np.diff(names.offsets.astype(np.int64))
    if not len(lengths):
        lengths, begins = np.zeros(1, np.int64), np.zeros(1, np.int64)
    else:
        begins = names.offsets[:-1].astype(np.int64)
    made = type_copy(names)
    made.length, made.validity = node.length, node.validity
    sizes: Array = lengths[indexes]
    made.offsets = np.concatenate(([0], np.cumsum(sizes)))
    shifts = begins[indexes] - made.offsets[:-1]
    made.values = names.values[np.repeat(shifts, sizes) + np.arange(int(made.offsets[-1]))]
    return made


def _wrong_texts(data: Array, offsets: Array) -> Array:
    """Which strings are not valid UTF-8."""
    wrong = np.zeros(len(offsets) - 1, bool)
    for at, (first, last) in enumerate(pairwise(offsets.tolist())):
        try:
            bytes(data[first:last]).decode()
        except UnicodeDecodeError:
            wrong[at] = True
    return wrong


def _decimal(node: Node, type: Type, path: str, rows: Rows, there: Array | None) -> Ragged:
    """Decimals of 16 bytes, as few as hold each, or as many as the type has; highest first."""
    assert node.values is not None
    scale = int(node.format[2:].split(",")[1])
    if scale != type.scale or node.values.dtype.itemsize != _WIDE:
        raise TableError(
            f"{path}: the column is a decimal of scale {scale}, the field one of {type.scale}"
        )
    little = np.ascontiguousarray(node.values).view(np.uint8).reshape(-1, _WIDE)
    big = little[:, ::-1]
    sign = (big[:, :1] >> 7) * np.uint8(0xFF)
    # A byte is needed unless all before it, and it, are the sign, and so is the bit behind it.
    is_sign = np.logical_and.accumulate(big == sign, axis=1)
    behind = np.concatenate((big[:, 1:], sign), axis=1)
    spare = is_sign & ((behind ^ sign) < 0x80)
    needed = _WIDE - np.minimum(spare.sum(axis=1), _WIDE - 1)
    if type.kind == "bytes":
        keep = np.arange(_WIDE) >= _WIDE - needed[:, None]
        values = Ragged(big[keep], needed.astype(np.int64))
        if there is not None:
            values = values.only(there)
        return joined([varints(values.lengths), values], node.length)
    wrong = needed > type.size
    _refuse(wrong if there is None else wrong & (there != 0), Misfit.RANGE, path, rows)
    pad = np.repeat(sign, max(type.size - _WIDE, 0), axis=1)
    whole = np.concatenate((pad, big[:, max(_WIDE - type.size, 0) :]), axis=1)
    return Ragged(whole.reshape(-1), np.full(node.length, type.size, np.int64))


__all__ = ["Rows", "bytes_of", "encoded", "whole_numbers"]

"""Columns of Python's objects as those of numbers and bytes, by the type of their field."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Context, Decimal
from uuid import UUID

import numpy as np

from jitvm.guests.wire.encode.node import Node
from jitvm.guests.wire.faults import TableError

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from jitvm.guests.wire.avro.schema import Type

_EPOCH, _UTC_EPOCH = datetime(1970, 1, 1), datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_EXACT = Context(prec=80)
_MICROS = {"millis": 1000, "micros": 1}
"""Microseconds of a unit."""


def of_objects(node: Node, type: Type, path: str) -> Node:
    """The same values.

    Raises:
        TableError: one is of another type than the field.
    """
    assert node.values is not None
    values = node.values.tolist()
    if type.kind in ("string", "bytes", "fixed", "enum") and type.logical != "decimal":
        return _texts(values, type, path, node)
    if type.logical == "decimal":
        return _decimals(values, type, path, node)
    if type.kind in ("float", "double"):
        numbers = [_checked(each, (int, float), type, path) or 0.0 for each in values]
        return Node("g", node.length, validity=node.validity, values=np.array(numbers, "<f8"))
    if type.kind == "boolean":
        flags = [bool(_checked(each, (bool,), type, path)) for each in values]
        return Node("b", node.length, validity=node.validity, values=np.array(flags, np.uint8))
    whole = _whole_of(type)
    found = [0 if each is None else whole(each, path) for each in values]
    try:
        made = np.array(found, np.int64)
    except OverflowError:
        raise TableError(f"{path}: a number has more than 64 bits") from None
    return Node("l", node.length, validity=node.validity, values=made)


def _checked(value: Any, classes: tuple[type[Any], ...], type: Type, path: str) -> Any:
    """A value of one of some classes, or None."""
    is_flag = isinstance(value, bool) and bool not in classes
    if value is not None and (is_flag or not isinstance(value, (*classes, np.generic))):
        said = f" ({type.logical})" if type.logical else ""
        raise TableError(f"{path}: {value!r} is no {type.kind}{said}")
    return value


def _whole_of(kind: Type) -> Callable[[Any, str], int]:
    """What makes a whole number of a value."""
    logical = kind.logical
    unit = _MICROS.get(logical.rpartition("-")[2], 1)

    def whole(value: Any, path: str) -> int:
        if logical == "date" and isinstance(value, date):
            return value.toordinal() - _EPOCH.toordinal()
        if logical.startswith("time-") and isinstance(value, time):
            seconds = 3600 * value.hour + 60 * value.minute + value.second
            return (1_000_000 * seconds + value.microsecond) // unit
        if "timestamp" in logical and isinstance(value, datetime):
            since = value - (_EPOCH if value.tzinfo is None else _UTC_EPOCH)
            micros = since // _MICROSECOND
            return 1000 * micros if logical.endswith("nanos") else micros // unit
        return int(_checked(value, (int,), kind, path))

    return whole


def _texts(values: list[Any], type: Type, path: str, node: Node) -> Node:
    parts: list[bytes] = []
    for each in values:
        if isinstance(each, str):
            parts.append(each.encode("utf-8", "surrogatepass"))
        elif isinstance(each, bytes | bytearray | memoryview):
            parts.append(bytes(each))
        elif isinstance(each, UUID):
            parts.append(each.bytes if type.kind == "fixed" else str(each).encode())
        else:
            _checked(each, (str,), type, path)
            parts.append(b"")
    offsets = np.zeros(len(parts) + 1, np.int64)
    np.cumsum([len(each) for each in parts], out=offsets[1:])
    data = np.frombuffer(b"".join(parts), np.uint8)
    return Node("U", node.length, validity=node.validity, offsets=offsets, values=data)


def _decimals(values: list[Any], type: Type, path: str, node: Node) -> Node:
    words = bytearray()
    for each in values:
        number = _checked(each, (Decimal, int), type, path)
        scaled = Decimal(0 if number is None else number).scaleb(type.scale, _EXACT)
        whole = int(scaled) if scaled.is_finite() else 0
        if not scaled.is_finite() or whole != scaled or abs(whole) >= 10**type.precision:
            raise TableError(
                f"{path}: {number} is no decimal of {type.precision} digits, {type.scale} of them "
                "behind the point"
            )
        words += whole.to_bytes(16, "little", signed=True)
    made = np.frombuffer(bytes(words), "V16")
    return Node(f"d:38,{type.scale}", node.length, validity=node.validity, values=made)

"""Arrow's formats of values of a fixed size: what NumPy, people and Python have for them.

    "i"         int32           numbers
    "tdD"       date32          days since 1970, as datetime.date
    "tsu:UTC"   timestamp       microseconds since 1970
    "d:9,2"     decimal128      16 bytes, as decimal.Decimal
    "w:16"      fixed-size      bytes

See `Format strings` in Arrow's specification of the C data interface.
"""

from __future__ import annotations

from datetime import UTC

import numpy as np

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from typing import Any

    from jitvm.guests.wire.data import Array

DTYPES: dict[str, np.dtype[Any]] = {
    "g": np.dtype("<f8"), "f": np.dtype("<f4"), "l": np.dtype("<i8"), "L": np.dtype("<u8"),
    "i": np.dtype("<i4"), "I": np.dtype("<u4"), "s": np.dtype("<i2"), "S": np.dtype("<u2"),
    "b": np.dtype("?"), "c": np.dtype("i1"), "C": np.dtype("u1"),
    "tdD": np.dtype("<M8[D]"), "ttm": np.dtype("<m8[ms]"), "ttu": np.dtype("<m8[us]"),
}  # fmt: skip
"""NumPy's types of fixed values."""
_NUMBERED = {"tdD": 4, "ttm": 4}
"""Formats whose numbers have 32 bits, where NumPy's have 64."""
_UNITS = {"s": "s", "m": "ms", "u": "us", "n": "ns"}


def dtype_of(format: str) -> np.dtype[Any]:
    """What values of a format lie as."""
    known = DTYPES.get(format)
    if known is not None:
        return DTYPES["i"] if format in _NUMBERED else known
    if format.startswith("ts"):
        return np.dtype(f"<M8[{_UNITS[format[2]]}]")
    return np.dtype(f"V{16 if format.startswith('d:') else format[2:]}")


def numpy_of(format: str, values: Array) -> Array:
    """Values as NumPy has such: dates and times are its own."""
    if format in _NUMBERED:
        return values.astype("<i8").view(DTYPES[format])
    return values


def python_of(format: str, values: Array) -> list[Any]:
    """The same as Python has them."""
    if format.startswith("d:"):
        from decimal import Context, Decimal

        scale = -int(format[2:].split(",")[1])
        exact = Context(prec=80)
        words = values.tobytes()
        numbers = [
            int.from_bytes(words[at : at + 16], "little", signed=True)
            for at in range(0, len(words), 16)
        ]
        return [Decimal(number).scaleb(scale, exact) for number in numbers]
    if format.startswith("w:"):
        size = int(format[2:])
        data = values.tobytes()
        return [data[size * at : size * (at + 1)] for at in range(len(values))]
    if format.startswith("tt"):
        from datetime import datetime

        day = datetime(1970, 1, 1)
        return [(day + each).time() for each in numpy_of(format, values).tolist()]
    if format.startswith("ts") and format.endswith(":UTC") and format[2] in "smu":
        return [_in_zone(each, UTC) for each in values.tolist()]
    plain: list[Any] = numpy_of(format, values).tolist()
    return plain


def _in_zone(moment: Any, zone: Any) -> Any:
    """A moment with its zone; one that is out of Python's years is a number."""
    return moment if isinstance(moment, int) else moment.replace(tzinfo=zone)


_NAMES = {
    "g": "double", "f": "float", "l": "int64", "L": "uint64", "i": "int32", "I": "uint32",
    "s": "int16", "S": "uint16", "c": "int8", "C": "uint8",
    "b": "bool", "u": "string", "U": "large_string", "z": "binary", "Z": "large_binary",
    "tdD": "date32[day]", "ttm": "time32[ms]", "ttu": "time64[us]",
}  # fmt: skip


def name_of(format: str) -> str:
    """The name of Arrow's type of a format."""
    if (known := _NAMES.get(format)) is not None:
        return known
    if format.startswith("d:"):
        return f"decimal128({format[2:].replace(',', ', ')})"
    if format.startswith("w:"):
        return f"fixed_size_binary[{format[2:]}]"
    unit, _, zone = format[2:].partition(":")
    return f"timestamp[{_UNITS[unit]}{f', {zone}' if zone else ''}]"

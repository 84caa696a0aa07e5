"""The shapes of a saved run's rows, so that a page gets nothing else.

A shape is a type, or is built from shapes:

    [int]              a list of whole numbers
    (str, int)         a list of two
    {"name": str}      an object with this key; it may have others
    {"name?": str}     an object that may have this key
    Each(int)          an object whose values are whole numbers
    int | None         one of these; only of types
    bytes              pairs of hexadecimal digits

Numbers are those that a browser can represent: finite, integers up to 53 bits. `float` also accepts
integers.
"""

from __future__ import annotations

from string import hexdigits
from types import UnionType
from typing import NamedTuple, TypeAlias

from jitvm.dashboard.series import COLUMNS

MOST = 2**53


class Each(NamedTuple):
    """An object with values of one shape, under whatever names."""

    shape: Shape


Shape: TypeAlias = "type | UnionType | list[Shape] | tuple[Shape, ...] | dict[str, Shape] | Each"


def fits(value: object, shape: Shape) -> bool:
    """Whether a value, as JSON has it, is of a shape."""
    match shape:
        case Each():
            return isinstance(value, dict) and all(
                fits(each, shape.shape) for each in value.values()
            )
        case dict():
            return isinstance(value, dict) and all(
                fits(value[name.rstrip("?")], inner)
                if name.rstrip("?") in value
                else name.endswith("?")
                for name, inner in shape.items()
            )
        case list():
            return isinstance(value, list) and all(fits(each, shape[0]) for each in value)
        case tuple():
            return (
                isinstance(value, list)
                and len(value) == len(shape)
                and all(map(fits, value, shape))
            )
        case UnionType():
            return any(fits(value, each) for each in shape.__args__)
        case _:
            return _is_plain(value, shape)


def _is_plain(value: object, kind: type) -> bool:
    if kind is int or kind is float:
        is_number = type(value) is int or (kind is float and isinstance(value, float))
        # Comparing, unlike asking whether it is finite, takes whole numbers of any length.
        return is_number and abs(value) <= MOST  # type: ignore[arg-type]
    if kind is bytes:
        return isinstance(value, str) and len(value) % 2 == 0 and set(value) <= set(hexdigits)
    return isinstance(value, kind)


_COUNTS = (
    "executed", "native", "regions", "bytes", "events", "viewers", "recordings", "installed",
    "kept", "invalidated", "rejected",
)  # fmt: skip
_TOTALS: Shape = {
    **{f"{name}?": int for name in _COUNTS},
    "counting?": bool,
    "wanted?": bool,
    "counted?": bool,
    "kinds?": Each(int),
    "devices?": [(int, str, int, float)],
    "compile_seconds?": float,
    "errors?": [str],
}
_FACTS: Shape = {
    "number": int, "start": int, "label": str, "line": str, "size": int, "bytes": int,
    "exits": int, "ms": [float], "kept": bool, "limits": [str], "born": float,
}  # fmt: skip

HEAD: Shape = {
    "version": int,
    "name": str,
    "columns": [str],
    "reasons": Each((str, str)),
    "params": [
        {"name": str, "default": int, "low": int, "high": int, "unit": str, "why": str},
    ],
}
REGION: Shape = {
    "number": int,
    "start": int,
    "label": str,
    "guest": [
        {
            "address": int, "text": str, "label": str, "line": str, "gap": bool, "copies": int,
            "seen": int, "left": int,
        }
    ],
    "source": Each(str),
    "exits": [{"reason": str, "label": str, "times": int}],
    "entries": [str],
    "limits": [(str, int)],
    "ir": [(str, int | None)],
    "llvm": [str],
}  # fmt: skip
NEWS: dict[str, Shape] = {
    "now": float,
    "trouble": str,
    "totals": _TOTALS,
    "params": Each(int),
    "series": {"from": int, "rows": [(float,) * len(COLUMNS)]},
    "regions": {
        "whole": bool, "added": [_FACTS], "removed": [int], "counts": [(int, int, int, int)],
    },
    "exits": [(int, str, int | None, int, str, str)],
    "aborts": [(str, str, int, int, str, str)],
    "stacks": {"samples": int, "rows": [([str], float, float)]},
    "graph": {"nodes?": [int], "edges?": [(int, int, int)], "hidden?": int},
    "console": {"missed": int, "text": str},
}  # fmt: skip
"""What a page gets about the end of a run; each part may be missing."""
PAGE: Shape = {"heat": bytes, "news": {f"{name}?": shape for name, shape in NEWS.items()}}
SCALARS = Each(str | float | bool | None)
_EVENT: dict[str, Shape] = {"seconds": float, "address": int, "line": str}
_COMPILED: Shape = {
    **_EVENT, "forming": float, "lowering": float, "compiling": float, "thorough": bool,
}  # fmt: skip


def is_event(kind: str, row: object) -> bool:
    """Whether a row is an event as the timeline and the list of events show it."""
    return fits(row, SCALARS) and fits(row, _COMPILED if kind == "compiled" else _EVENT)

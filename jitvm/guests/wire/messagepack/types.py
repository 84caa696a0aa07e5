"""What records of MessagePack are declared to be.

    {"id": "int64", "name": "string",      a map: values by their keys
     "at": [["x", "float64"],              an array: values by their places
            ["y", "float64"]],
     "tags": ["string"],                   an array of any number
     "counts": {"*": "uint32"}}            a map of any keys

So a declaration is what JSON has, too: `parsed` takes it as Python's objects, as text, or from a
file.
"""

from __future__ import annotations

import os

from jitvm.guests.wire.faults import MAX_DEPTH, SchemaError

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from typing import Any

WHOLE = {f"{sign}int{8 * width}": (width, not sign) for sign in ("", "u") for width in (1, 2, 4, 8)}
"""Whole numbers: bytes, and whether they are signed."""
REAL = {"float32": 4, "float64": 8}
UNITS = {"s": 1, "ms": 1000, "us": 1_000_000, "ns": 1_000_000_000}
"""Of a second, by their names."""
MOMENTS = {f"timestamp[{unit}]": unit for unit in UNITS}
SCALARS = (*WHOLE, *REAL, "bool", "string", "binary", *MOMENTS, "any")
_SHORT = {"timestamp": "timestamp[ns]", "double": "float64", "float": "float32"}
"""Other names of some."""
ANY_KEY = "*"
MOST_KEY = 62
"""Bytes of a key at most."""
SUFFIX = ".json"


class Type:
    """A type.

    Attributes:
        kind: one of `SCALARS`, or "record", "list", "map".
        fields: of a record, by name, in order.
        is_by_place: whether a record is an array.
        item: of a list or map.
    """

    __slots__ = ("fields", "is_by_place", "item", "kind")

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.fields: dict[str, Type] = {}
        self.is_by_place = False
        self.item: Type | None = None

    def __repr__(self) -> str:
        return f"{self.kind}({', '.join(self.fields)})" if self.fields else self.kind


def parsed(schema: Any) -> Type:
    """The type that is declared.

    Args:
        schema: see the head of this file; JSON as text, or the path of a file that ends in
            ``.json``.

    Raises:
        SchemaError: it is no declaration.
    """
    if isinstance(schema, os.PathLike) or (isinstance(schema, str) and schema.endswith(SUFFIX)):
        try:
            with open(schema, encoding="utf-8") as file:
                text = file.read()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise SchemaError(f"cannot read {os.fspath(schema)}: {why}") from None
        schema = _of_json(text, os.fspath(schema))
    elif isinstance(schema, str) and schema.lstrip()[:1] in ("{", "["):
        schema = _of_json(schema, "the schema")
    return _type(schema, "", 0)


def _of_json(text: str, name: str) -> Any:
    from json import loads

    try:
        return loads(text)
    except (ValueError, RecursionError) as error:
        raise SchemaError(f"{name} is no JSON: {error}") from None


def _type(given: Any, path: str, depth: int) -> Type:
    where = f"{path}: " if path else ""
    if depth > MAX_DEPTH // 2:
        raise SchemaError(f"{where}more than {MAX_DEPTH // 2} types in each other")
    if isinstance(given, str):
        kind = _SHORT.get(given, given)
        if kind not in SCALARS:
            raise SchemaError(f"{where}{given!r} is no type; there are {', '.join(SCALARS)}")
        return Type(kind)
    if isinstance(given, dict):
        if list(given) == [ANY_KEY]:
            made = Type("map")
            made.item = _type(given[ANY_KEY], f"{path}.{ANY_KEY}".lstrip("."), depth + 1)
            return made
        return _record(list(given.items()), path, depth, is_by_place=False)
    if isinstance(given, list | tuple) and given:
        if all(_is_pair(each) for each in given):
            return _record(list(given), path, depth, is_by_place=True)
        if len(given) == 1:
            made = Type("list")
            made.item = _type(given[0], path, depth + 1)
            return made
    raise SchemaError(
        f"{where}{given!r} is no type; give a name, a dict of fields, a list of one type, or of "
        "pairs of names and types"
    )


def _is_pair(given: Any) -> bool:
    return isinstance(given, list | tuple) and len(given) == 2 and isinstance(given[0], str)


def _record(pairs: list[Any], path: str, depth: int, *, is_by_place: bool) -> Type:
    made = Type("record")
    made.is_by_place = is_by_place
    for name, inner in pairs:
        where = f"{path}.{name}".lstrip(".")
        if not isinstance(name, str) or not name or "." in name or name == ANY_KEY:
            raise SchemaError(f"{where}: the name of a field is empty, has a dot, or is no string")
        try:
            size = len(name.encode())
        except UnicodeEncodeError:
            raise SchemaError(f"{where!r}: a name is not UTF-8") from None
        if size > MOST_KEY:
            raise SchemaError(f"{where}: a key has more than {MOST_KEY} bytes")
        if name in made.fields:
            raise SchemaError(f"{where}: the field is there twice")
        made.fields[name] = _type(inner, where, depth + 1)
    if not pairs:
        raise SchemaError(f"{path}: a record without fields" if path else "a record without fields")
    return made

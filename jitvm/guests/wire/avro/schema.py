"""Schemas of Avro: from JSON to types, their canonical form, and its fingerprint.

    {"type": "record", "name": "Span", "fields": [...]}  ──parsed──>
        Type record
          ├ FieldOf "ts"    Type long
          └ FieldOf "tags"  Type array ──> Type string

A type that is named again is the same object, so types of what is nested in itself are circles.
Names without a namespace have that of what is around them.

See `Schema Declaration`, `Parsing Canonical Form` and `Schema Fingerprints` in Avro's
specification, version 1.12.
"""

from __future__ import annotations

import json
import os
import re

from jitvm.guests.wire.faults import SchemaError

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from typing import Any

PRIMITIVES = ("null", "boolean", "int", "long", "float", "double", "bytes", "string")
NAMED = ("record", "enum", "fixed")
DEEPEST = 64
"""How deep types may be declared in each other."""
MOST_DIGITS = 38
"""Digits of a decimal that has 16 bytes; of more it stays bytes."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MISSING = object()


class FieldOf:
    """A field of a record.

    Attributes:
        name, aliases: as declared.
        type: of its values.
        default: as JSON has it.
        has_default: whether there is one.
    """

    __slots__ = ("aliases", "default", "has_default", "name", "type")

    def __init__(self, name: str, type: Type, aliases: list[str], default: Any) -> None:
        self.name = name
        self.type = type
        self.aliases = aliases
        self.has_default = default is not _MISSING
        self.default: Any = default if self.has_default else None


class Type:
    """A type.

    Attributes:
        kind: one of `PRIMITIVES` or `NAMED`, ``"array"``, ``"map"`` or ``"union"``.
        name: of a named type, with its namespace.
        aliases: other names of it, likewise.
        fields: of a record.
        symbols, default: of an enum; the default is None where there is none.
        size: of a fixed, in bytes.
        item: of an array, or the values of a map.
        branches: of a union.
        logical: its logical type, if it is known and fits what it annotates; else "".
        precision, scale: of a decimal.
    """

    __slots__ = (
        "aliases", "branches", "default", "fields", "item", "kind", "logical", "name", "precision",
        "scale", "size", "symbols",
    )  # fmt: skip

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.name = ""
        self.aliases: list[str] = []
        self.fields: list[FieldOf] = []
        self.symbols: list[str] = []
        self.default: str | None = None
        self.size = 0
        self.item: Type | None = None
        self.branches: list[Type] = []
        self.logical = ""
        self.precision = self.scale = 0

    @property
    def short_name(self) -> str:
        """Its name without the namespace; of others their kind."""
        return self.name.rpartition(".")[2] or self.kind

    @property
    def nullable(self) -> Type | None:
        """Of a union of null and one other type that other; else None."""
        if self.kind != "union" or len(self.branches) != 2:
            return None
        first, second = self.branches
        if (first.kind == "null") == (second.kind == "null"):
            return None
        return second if first.kind == "null" else first

    def __repr__(self) -> str:
        return f"<{self.kind}{f' {self.name}' if self.name else ''}>"


# -- parsing -------------------------------------------------------------------------------------


def parsed(schema: Any) -> Type:
    """The type that a schema declares.

    Args:
        schema: JSON as text, or as Python has it (dicts, lists, names); or the path of a file with
            it, a string that ends in ``.avsc`` or an `os.PathLike`; or a type that was made.

    Raises:
        SchemaError: it is none.
    """
    return schema if isinstance(schema, Type) else _Parser().type(loaded(schema), "", 0)


def loaded(schema: Any) -> Any:
    """A schema as Python has JSON, given as for `parsed`.

    Raises:
        SchemaError: it is no JSON, or cannot be read.
    """
    if isinstance(schema, bytes | bytearray):
        schema = _decoded(bytes(schema))
    if isinstance(schema, os.PathLike) or (isinstance(schema, str) and schema.endswith(".avsc")):
        path = os.fspath(schema)
        try:
            with open(path, "rb") as file:
                schema = _decoded(file.read())
        except OSError as error:
            raise SchemaError(f"cannot read {path}: {error.strerror}") from None
    if isinstance(schema, str) and schema.strip()[:1] in ("{", "[", '"'):
        try:
            schema = json.loads(schema)
        except (ValueError, RecursionError) as error:
            raise SchemaError(f"the schema is no JSON: {error}") from None
    return schema


def _decoded(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise SchemaError(f"the schema is not UTF-8: {error}") from None


class _Parser:
    """Makes types of JSON; knows the names so far."""

    def __init__(self) -> None:
        self.names: dict[str, Type] = {}

    def type(self, schema: Any, space: str, depth: int) -> Type:
        """The type of a declaration in a namespace."""
        if depth > DEEPEST:
            raise SchemaError(f"types are declared more than {DEEPEST} deep in each other")
        if isinstance(schema, str):
            return self.named(schema, space)
        if isinstance(schema, list):
            return self.union(schema, space, depth)
        if not isinstance(schema, dict):
            raise SchemaError(f"{_shown(schema)} is no type; give a name, an object or a list")
        kind = schema.get("type")
        if isinstance(kind, dict | list):
            return self.type(kind, space, depth + 1)
        if kind in ("record", "error"):
            return self.record(schema, space, depth)
        if kind == "enum":
            return self.enum(schema, space)
        if kind == "fixed":
            made = self.declared("fixed", schema, space)
            made.size = _whole(schema, "size", made.name)
        elif kind in ("array", "map"):
            made = Type(kind)
            key = "items" if kind == "array" else "values"
            if key not in schema:
                raise SchemaError(f"the {kind} {_shown(schema)} has no {key!r}")
            made.item = self.type(schema[key], space, depth + 1)
            return made
        elif isinstance(kind, str):
            made = self.named(kind, space)
            if made.kind not in PRIMITIVES:
                return made
        else:
            raise SchemaError(f"{_shown(schema)} has no 'type'")
        _annotate(made, schema)
        return made

    def named(self, name: str, space: str) -> Type:
        """The type of a name."""
        if name in PRIMITIVES:
            return Type(name)
        full = name if "." in name or not space else f"{space}.{name}"
        found = self.names.get(full) or self.names.get(name)
        if found is None:
            raise SchemaError(
                f"there is no type {name!r}; types are declared where they come first"
            )
        return found

    def union(self, branches: list[Any], space: str, depth: int) -> Type:
        made = Type("union")
        made.branches = [self.type(each, space, depth + 1) for each in branches]
        if not made.branches:
            raise SchemaError("a union has no branches")
        seen: set[str] = set()
        for branch in made.branches:
            if branch.kind == "union":
                raise SchemaError("a union holds another one; list all branches in one")
            name = branch.name or branch.kind
            if name in seen:
                raise SchemaError(f"a union has {name} twice")
            seen.add(name)
        return made

    def declared(self, kind: str, schema: dict[str, Any], space: str) -> Type:
        """A named type, whose name is known from here on."""
        made = Type(kind)
        made.name = _full(schema.get("name"), schema.get("namespace"), space, kind)
        around = made.name.rpartition(".")[0]
        aliases = schema.get("aliases") or []
        if not isinstance(aliases, list):
            raise SchemaError(f"{made.name}: aliases are a list of names")
        made.aliases = [_full(each, None, around, kind) for each in aliases]
        if made.name in self.names or made.name in PRIMITIVES:
            raise SchemaError(f"{made.name} is declared twice")
        self.names[made.name] = made
        return made

    def record(self, schema: dict[str, Any], space: str, depth: int) -> Type:
        made = self.declared("record", schema, space)
        fields = schema.get("fields")
        if not isinstance(fields, list):
            raise SchemaError(f"{made.name} has no list of fields")
        seen: set[str] = set()
        for each in fields:
            name = each.get("name") if isinstance(each, dict) else None
            if not isinstance(name, str) or not name or "type" not in each:
                raise SchemaError(f"{made.name}: {_shown(each)} is no field with a name and a type")
            if name in seen:
                raise SchemaError(f"{made.name} has the field {name!r} twice")
            seen.add(name)
            try:
                type = self.type(each["type"], made.name.rpartition(".")[0], depth + 1)
            except SchemaError as error:
                raise SchemaError(f"{made.short_name}.{name}: {error}") from None
            aliases = [a for a in each.get("aliases") or [] if isinstance(a, str)]
            made.fields.append(FieldOf(name, type, aliases, each.get("default", _MISSING)))
        return made

    def enum(self, schema: dict[str, Any], space: str) -> Type:
        made = self.declared("enum", schema, space)
        symbols = schema.get("symbols")
        if not isinstance(symbols, list) or not all(isinstance(each, str) for each in symbols):
            raise SchemaError(f"{made.name} has no list of symbols")
        if not symbols:
            raise SchemaError(f"{made.name} has no symbols")
        if len(set(symbols)) < len(symbols):
            raise SchemaError(f"{made.name} has a symbol twice")
        made.symbols = symbols
        default = schema.get("default")
        if default is not None and default not in symbols:
            raise SchemaError(f"{made.name}: the default {_shown(default)} is no symbol of it")
        made.default = default
        return made


def _shown(thing: Any) -> str:
    text = repr(thing)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _full(name: Any, space: Any, around: str, kind: str) -> str:
    """A name with its namespace."""
    if not isinstance(name, str) or not name:
        raise SchemaError(f"the {kind} has no name" if not name else f"{_shown(name)} is no name")
    full: str = name
    if "." not in full:
        space = space if isinstance(space, str) else around
        full = f"{space}.{name}" if space else name
    for part in full.split("."):
        if not _NAME.fullmatch(part):
            raise SchemaError(f"{full!r} is no name: letters, digits and _, and no digit in front")
    return full


def _whole(schema: dict[str, Any], key: str, name: str) -> int:
    size = schema.get(key)
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size < 1 << 30:
        raise SchemaError(f"{name}: {key} {_shown(size)} is no number of bytes")
    return size


_LOGICAL = {
    "date": ("int",), "time-millis": ("int",), "time-micros": ("long",),
    "timestamp-millis": ("long",), "timestamp-micros": ("long",), "timestamp-nanos": ("long",),
    "local-timestamp-millis": ("long",), "local-timestamp-micros": ("long",),
    "local-timestamp-nanos": ("long",), "decimal": ("bytes", "fixed"),
    "uuid": ("string", "fixed"), "duration": ("fixed",),
}  # fmt: skip
"""Logical types, and which kinds they annotate."""


def _annotate(made: Type, schema: dict[str, Any]) -> None:
    """Note the logical type; one that is unknown or does not fit is none, as Avro has it."""
    logical = schema.get("logicalType")
    if not isinstance(logical, str) or made.kind not in _LOGICAL.get(logical, ()):
        return
    if logical == "decimal":
        precision, scale = schema.get("precision"), schema.get("scale", 0)
        if not isinstance(precision, int) or not isinstance(scale, int):
            return
        most = MOST_DIGITS if made.kind == "bytes" else _digits(made.size)
        if not 0 < precision <= most or not 0 <= scale <= precision or made.size > 16:
            return
        made.precision, made.scale = precision, scale
    elif made.kind == "fixed" and made.size != {"uuid": 16, "duration": 12}[logical]:
        return
    made.logical = logical


def _digits(size: int) -> int:
    """Digits that all whole numbers of so many bytes have at least, as Avro counts them."""
    return min(len(str(2 ** (8 * size - 1) - 1)) - 1, MOST_DIGITS) if size else 0


# -- canonical form --------------------------------------------------------------------------------


def canonical(type: Type) -> str:
    """The text that equal schemas have in common."""
    text: str = json.dumps(_reduced(type, set()), separators=(",", ":"), ensure_ascii=False)
    return text


def _reduced(type: Type, seen: set[str]) -> Any:
    if type.name:
        if type.name in seen:
            return type.name
        seen.add(type.name)
    if type.kind == "union":
        return [_reduced(each, seen) for each in type.branches]
    if type.kind in ("array", "map"):
        assert type.item is not None
        key = "items" if type.kind == "array" else "values"
        return {"type": type.kind, key: _reduced(type.item, seen)}
    if type.kind == "record":
        fields = [{"name": f.name, "type": _reduced(f.type, seen)} for f in type.fields]
        return {"name": type.name, "type": "record", "fields": fields}
    if type.kind == "enum":
        return {"name": type.name, "type": "enum", "symbols": type.symbols}
    if type.kind == "fixed":
        return {"name": type.name, "type": "fixed", "size": type.size}
    return type.kind


_EMPTY = 0xC15D_213A_A4D7_A795


def fingerprint(type: Type) -> int:
    """CRC-64-AVRO of the canonical form, which stands in front of single records."""
    table = []
    for number in range(256):
        for _ in range(8):
            number = (number >> 1) ^ (_EMPTY if number & 1 else 0)
        table.append(number)
    found = _EMPTY
    for byte in canonical(type).encode():
        found = (found >> 8) ^ table[(found ^ byte) & 0xFF]
    return found

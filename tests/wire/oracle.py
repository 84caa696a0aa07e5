"""Protobuf's own package as the judge of decoders: messages made at random, and what they mean.

    generated at random ──> bytes ──> mutated ──┬─> upb ──> rows as Python has them
                                                └─> columns of a decoder ──> the same, or a fault

Rows are plain values: dicts of structs, lists, dicts of maps, None for null; NaN is the text "nan",
so that values can be compared.
"""

from __future__ import annotations

import ctypes
import math
from random import Random
from struct import unpack_from
from typing import Any

from google.protobuf.message import DecodeError

from jitvm.guests.wire.columns import Column, Shape, Tree
from jitvm.guests.wire.pool import OutputSpace
from jitvm.guests.wire.schema import Field, Kind, Message
from tests.wire.schemas import generated

CODES = {"g": "d", "f": "f", "l": "q", "L": "Q", "i": "i", "I": "I", "b": "?", "c": "B"}
EDGES = (0, 1, 2, 63, 64, 127, 128, 300, 16383, 16384, (1 << 28) - 1, 1 << 28, (1 << 31) - 1)
TEXTS = ("", "a", "key", "a longer text", "ünï", "日本語", "🦆", "x" * 16, "y" * 33, "z" * 300)


# -- messages at random --------------------------------------------------------------------------


def fill(made: Any, message: Message, random: Random, depth: int = 3) -> None:
    """Set some fields of one of Protobuf's messages."""
    known = _extensions(made)
    for field in message.fields:
        if random.random() < 0.3 and not field.is_required:
            continue
        if field.message is not None and not field.is_map and depth == 0:
            continue
        if field.is_map:
            _fill_map(getattr(made, field.name), field, random, depth)
        elif field.name in known:
            _fill_extension(made.Extensions, known[field.name], field, random, depth)
        elif field.is_repeated and field.message is not None:
            for _ in range(random.choice((0, 1, 2, 5))):
                fill(getattr(made, field.name).add(), field.message, random, depth - 1)
        elif field.is_repeated:
            count = random.choice((0, 1, 2, 9, 40))
            getattr(made, field.name).extend(value(field, random) for _ in range(count))
        elif field.message is not None:
            name = field.name.lower() if field.kind is Kind.GROUP else field.name
            inner = getattr(made, field.name if hasattr(made, field.name) else name)
            inner.SetInParent()
            fill(inner, field.message, random, depth - 1)
        else:
            setattr(made, field.name, value(field, random))


def _extensions(made: Any) -> dict[str, Any]:
    """Protobuf's descriptors of a message's extensions, by the names of our fields."""
    descriptor = made.DESCRIPTOR
    found = descriptor.file.pool.FindAllExtensions(descriptor)
    return {f"[{each.full_name}]": each for each in found}


def _fill_map(made: Any, field: Field, random: Random, depth: int) -> None:
    assert field.message is not None
    key, inner = field.message.by_number[1], field.message.by_number[2]
    for _ in range(random.choice((0, 1, 3))):
        if inner.message is None:
            made[value(key, random)] = value(inner, random)
        elif depth:
            fill(made[value(key, random)], inner.message, random, depth - 1)


def _fill_extension(made: Any, known: Any, field: Field, random: Random, depth: int) -> None:
    if field.is_repeated:
        made[known].extend(value(field, random) for _ in range(3))
    elif field.message is not None:
        made[known].SetInParent()
        fill(made[known], field.message, random, depth - 1)
    else:
        made[known] = value(field, random)


def value(field: Field, random: Random) -> Any:
    """A value of a scalar field: ordinary, at an edge, or anything."""
    kind = field.kind
    if kind is Kind.STRING:
        return random.choice(TEXTS)
    if kind is Kind.BYTES:
        return random.randbytes(random.choice((0, 1, 7, 16, 50)))
    if kind is Kind.BOOL:
        return random.random() < 0.5
    if kind in (Kind.DOUBLE, Kind.FLOAT):
        return random.choice((0.0, 1.5, -2.25, math.inf, math.nan, float(random.randrange(1000))))
    if field.enum is not None:
        return random.choice(list(field.enum.values.values()))
    bits = 64 if kind.name.endswith("64") else 32
    number = random.choice((*EDGES, random.getrandbits(bits - 1), (1 << (bits - 1)) - 1))
    is_signed = kind.name[0] in "IS"
    if is_signed and random.random() < 0.5:
        return -number - 1
    return number if is_signed or random.random() < 0.8 else (1 << bits) - 1 - number


def messages(name: str, message: Message, count: int, seed: int) -> list[bytes]:
    """Messages at random, as bytes; the same for the same seed."""
    random = Random(seed)
    found = []
    for _ in range(count):
        made = generated(name)()
        fill(made, message, random)
        found.append(made.SerializePartialToString())
    return found


def mutated(data: bytes, random: Random) -> bytes:
    """Bytes with something wrong, or something odd, in them."""
    out = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        what = random.randrange(8)
        place = random.randrange(len(out) + 1)
        if what == 0 and out:
            out[place % len(out)] ^= 1 << random.randrange(8)
        elif what == 1 and out:
            out[place % len(out)] = random.choice((0, 1, 0x7F, 0x80, 0xFF, random.randrange(256)))
        elif what == 2:
            del out[place:]
        elif what == 3:
            del out[place : place + random.randrange(1, 4)]
        elif what == 4:
            out[place:place] = random.randbytes(random.randrange(1, 4))
        elif what == 5:
            out += data  # all comes twice: last values win, messages merge
        elif what == 6:
            end = min(place + random.randrange(1, 30), len(out))
            out[place:place] = out[place:end]
        else:
            odd = (b"\xff" * 9 + b"\x01", b"\x80\x80\x00", b"\x0b", b"\x0c", b"\xfb\x01\xfc\x01")
            out[place:place] = random.choice(odd)
    return bytes(out)


# -- what they mean ------------------------------------------------------------------------------


def judged(name: str, data: bytes) -> Any:
    """Protobuf's message of some bytes, or None where it refuses them."""
    try:
        return generated(name).FromString(data)
    except DecodeError:
        return None


def row(made: Any, struct: Column) -> dict[str, Any]:
    """What a STRUCT has for one of Protobuf's messages."""
    known = _extensions(made)
    found: dict[str, Any] = {}
    for child in struct.children:
        if child.shape is Shape.ONEOF:
            found[child.name] = made.WhichOneof(child.name)
            if found[child.name] is not None:  # groups are fields with names in lower case
                members = {field.name.lower(): field.name for field in child.members}
                found[child.name] = members[found[child.name].lower()]
            continue
        field = child.field
        assert field is not None
        if field.name in known:
            has = field.is_repeated or made.HasExtension(known[field.name])
            inner = made.Extensions[known[field.name]]
        else:
            name = field.name if hasattr(made, field.name) else field.name.lower()
            has = not field.has_presence or made.HasField(name)
            inner = getattr(made, name)
        found[child.name] = _column(inner, child) if has or not child.is_nullable else None
    return found


def _column(value: Any, column: Column) -> Any:
    if column.shape is Shape.LIST:
        return [_column(each, column.children[0]) for each in value]
    if column.shape is Shape.MAP:
        inner = column.children[0].children[1]
        return {_plain(key): _column(value[key], inner) for key in value}
    if column.shape is Shape.STRUCT:
        return row(value, column)
    if column.wrapper is not None:
        value = value.value
    if column.is_raw:
        return value.SerializePartialToString(deterministic=True)
    return _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape")
    return "nan" if isinstance(value, float) and math.isnan(value) else value


def rows_of(tree: Tree, rows: int, out: OutputSpace) -> list[Any]:
    """What the columns of a decoded batch have, row by row."""
    return [_at(tree, tree.root, index, out) for index in range(rows)]


def _at(tree: Tree, column: Column, index: int, out: OutputSpace) -> Any:
    if column.validity is not None:
        valid = _bytes(out, column.validity + index, 1)[0]
        assert valid in (0, 1)
        if not valid:
            return None
    if column.shape is Shape.STRUCT:
        return {child.name: _at(tree, child, index, out) for child in column.children}
    assert column.values is not None or column.children
    if column.has_offsets:
        assert column.offsets is not None
        width = tree.offset_width
        pair = _bytes(out, column.offsets + index * width, 2 * width)
        first, last = unpack_from("<ii" if width == 4 else "<qq", pair)
        if column.shape is Shape.BYTES:
            assert column.values is not None
            return _bytes(out, column.values + first, last - first)
        values = [_at(tree, column.children[0], each, out) for each in range(first, last)]
        if column.shape is Shape.MAP:
            return {each["key"]: each["value"] for each in values}
        return values
    assert column.values is not None
    data = _bytes(out, column.values + index * column.width, column.width)
    found = unpack_from(f"<{CODES[column.format]}", data)[0]
    if column.shape is Shape.ONEOF:
        return None if found == 0 else column.members[found - 1].name
    return _plain(found)


def _bytes(out: OutputSpace, place: int, size: int) -> bytes:
    assert 0 <= place <= place + size <= out.size
    return ctypes.string_at(out.address + place, size)

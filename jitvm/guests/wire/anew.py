"""A message that was parsed, written once more as everybody writes messages.

What decoders may have to read is more than what anybody writes: tags with more bytes than they
need, values in any order, pieces that merge, numbers that an enum does not know. Nothing of that
is left here: fields come in the order of their numbers, each once, in its shortest form.
"""

from __future__ import annotations

from struct import pack

from jitvm.guests.wire.columns import Column, Shape, Tree
from jitvm.guests.wire.schema import Field, Kind, WireType

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from typing import Any

    State = dict[Any, Any]

_FORMATS = {
    Kind.DOUBLE: "<d", Kind.FLOAT: "<f", Kind.FIXED64: "<Q", Kind.FIXED32: "<I",
    Kind.SFIXED64: "<q", Kind.SFIXED32: "<i",
}  # fmt: skip
_ZEROS = {WireType.FIXED64: bytes(8), WireType.FIXED32: bytes(4), WireType.START_GROUP: b""}


def written(tree: Tree, state: State) -> bytes:
    """The message of a row, as `PlainDecoder` has it while it parses."""
    return _message(tree.root, state)


def varint(number: int) -> bytes:
    """A number of 64 bits in as few bytes as can be."""
    found = bytearray()
    while number >= 0x80:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*found, number))


def _message(struct: Column, state: State) -> bytes:
    assert struct.message is not None
    parts = []
    for field in struct.message.by_number.values():
        column = struct.child_of(field)
        if column is None:
            oneof = field.oneof
            if oneof is not None and state.get(f"{struct.index} {oneof.name}") is field:
                parts.append(_tagged(field, _ZEROS.get(field.wire_type, b"\0")))
        elif (value := state.get(column.index)) is not None:
            parts.append(_field(field, column, value))
    parts += [state.get(column.index, b"") for column in struct.children if column.is_unknown]
    return b"".join(parts)


def _field(field: Field, column: Column, value: Any) -> bytes:
    if not field.is_repeated:
        return _tagged(field, _value(field, column, value))
    item = column.children[0]
    if not (field.is_packed and field.packed_tag is not None):
        return b"".join(_tagged(field, _value(field, item, each)) for each in value)
    packed = b"".join(_value(field, item, each) for each in value)
    return varint(field.packed_tag) + varint(len(packed)) + packed if packed else b""


def _tagged(field: Field, value: bytes) -> bytes:
    end = varint(field.tag + 1) if field.wire_type is WireType.START_GROUP else b""
    return varint(field.tag) + value + end


def _value(field: Field, column: Column, value: Any) -> bytes:
    if column.wrapper is not None:
        inner = column.wrapper
        plain = _scalar(inner.kind, value)
        return _framed(field, varint(inner.tag) + plain)
    if column.shape is Shape.STRUCT:
        return _framed(field, _message(column, value))
    if column.is_raw:
        return _framed(field, value)
    return _scalar(field.kind, value)


def _framed(field: Field, data: bytes) -> bytes:
    return data if field.wire_type is WireType.START_GROUP else varint(len(data)) + data


def _scalar(kind: Kind, value: Any) -> bytes:
    if kind in _FORMATS:
        return pack(_FORMATS[kind], value)
    if kind in (Kind.STRING, Kind.BYTES):
        return varint(len(value)) + bytes(value)
    if kind in (Kind.SINT32, Kind.SINT64):
        return varint(value << 1 if value >= 0 else (-value << 1) - 1)
    return varint(int(value) & 0xFFFF_FFFF_FFFF_FFFF)

"""Values in DER, written by rules of our own, and types to go with them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from jitvm.guests.wire.der.ber import length
from jitvm.guests.wire.der.identifiers import encoded
from jitvm.guests.wire.der.types import Type

Value = Any


def tlv(tag: int | bytes, *parts: bytes) -> bytes:
    """A value with a tag, made of parts."""
    data = b"".join(parts)
    return (bytes((tag,)) if isinstance(tag, int) else tag) + length(len(data)) + data


def whole(number: int) -> bytes:
    """The content of an INTEGER."""
    bits = (number if number >= 0 else ~number).bit_length()
    return number.to_bytes(bits // 8 + 1, "big", signed=True)


def moment(at: datetime, tag: int) -> bytes:
    """The content of a time."""
    return at.strftime("%y%m%d%H%M%SZ" if tag == 23 else "%Y%m%d%H%M%SZ").encode()


def content(type: Type, value: Value, tag: int) -> bytes:
    """What stands behind the tag and length of a value."""
    kind = type.kind
    if kind in ("sequence", "set"):
        return b"".join(
            written(inner, value[name])
            for name, inner in type.fields.items()
            if not is_absent(inner, value[name])
        )
    if type.item is not None:
        return b"".join(written(type.item, each) for each in value)
    if kind in ("integer", "enumerated"):
        return whole(value)
    if kind == "boolean":
        return b"\xff" if value else b"\0"
    if kind == "time":
        return moment(value, tag)
    if kind == "bits":
        return b"\0" + bytes(value)
    if kind == "null":
        return b""
    if kind == "oid":
        return encoded(value)
    data: bytes = value.encode() if isinstance(value, str) else value
    return data


def is_absent(type: Type, value: Value) -> bool:
    return type.is_optional and (
        value == type.absent if type.has_default else value is None and type.kind != "null"
    )


def written(type: Type, value: Value) -> bytes:
    """A value in DER. Of a choice it is a pair of a name and a value; of a null that may be absent
    whether it is there."""
    data: bytes
    if type.kind == "any":
        data = value
        around = type.tags
    elif type.kind == "choice":
        data = written(type.fields[value[0]], value[1])
        around = type.tags
    elif type.universal:
        number = type.universal[-1]
        data = tlv(number, content(type, value, number))
        around = type.tags
    else:
        tag = type.tags[-1].data
        data = tlv(tag, content(type, value, 24))
        around = type.tags[:-1]
    for each in reversed(around):
        data = tlv(each.data, data)
    return data


def shown(type: Type, value: Value) -> Value:
    """What Arrow gives for a value."""
    if value is None or type.kind == "null":
        return None
    if type.kind in ("sequence", "set"):
        return {name: shown(inner, value[name]) for name, inner in type.fields.items()}
    if type.item is not None:
        return [shown(type.item, each) for each in value]
    if type.kind == "choice":
        members = dict.fromkeys(type.fields)
        members[value[0]] = shown(type.fields[value[0]], value[1])
        return {"type": value[0], **members}
    if type.kind == "time":
        return value.replace(tzinfo=UTC)
    if type.kind == "enumerated":
        names = {number: name for name, number in reversed(type.names.items())}
        return names.get(value, str(value))
    return value

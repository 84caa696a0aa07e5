"""BER as DER: values that may be written in several ways, written in the one that the VM reads.

    30 80  24 80 04 01 61 04 01 62 00 00  01 01 01  00 00      a SEQUENCE without a length
    30 07  04 02 61 62                    01 01 ff             the same in DER

Lengths get as few bytes as can be, strings that are made of parts become one, and what is true is
0xff. Strings with a tag of their own (implicit) stay as they are: nobody can see that they are
such.

Source: ITU-T X.690 (02/2021), 8.
"""

from __future__ import annotations

from jitvm.guests.wire.der.heads import NoHead, tag_size
from jitvm.guests.wire.der.types import CONSTRUCTED
from jitvm.guests.wire.faults import MAX_DEPTH

_BOOLEAN, _BITS = 1, 3
_STRINGS = frozenset((_BITS, 4, 12, *range(18, 23), *range(25, 31)))
"""Numbers of the universal class whose values may be made of parts."""
_INDEFINITE = 0x80
_END = b"\0\0"


class _Broken(Exception):
    """Bytes that are no value."""


def as_der(data: bytes, at: int = 0) -> tuple[bytes, int]:
    """The value at a place in DER, and where it ends; what is none stays as it is, to the end."""
    try:
        return _value(data, at, len(data), 0)
    except (_Broken, NoHead):
        return data[at:], len(data)


def _value(data: bytes, at: int, end: int, depth: int) -> tuple[bytes, int]:
    if depth > MAX_DEPTH:
        raise _Broken
    size = tag_size(data, at, end)
    tag = data[at : at + size]
    is_made_of_parts = bool(tag[0] & CONSTRUCTED)
    at += size
    begin, behind = _content(data, at, end)
    if behind is None and not is_made_of_parts:
        raise _Broken
    number = tag[0] & 0x1F if tag[0] < 0x40 else 0  # 0: of another class
    if is_made_of_parts:
        parts, behind = _parts(data, begin, behind, end, depth + 1)
        if number in _STRINGS:
            return _whole(number, parts), behind
        content = b"".join(parts)
    else:
        assert behind is not None
        content = data[begin:behind]
        if number == _BOOLEAN and len(content) == 1 and content[0]:
            content = b"\xff"
    return tag + length(len(content)) + content, behind


def _content(data: bytes, at: int, end: int) -> tuple[int, int | None]:
    """Where the content begins whose length stands somewhere, and where it ends, if that is
    said."""
    if at >= end:
        raise _Broken
    first = data[at]
    if first == _INDEFINITE:
        return at + 1, None
    begin = at + 1 + (first & 0x7F if first > _INDEFINITE else 0)
    size = int.from_bytes(data[at + 1 : begin], "big") if first > _INDEFINITE else first
    if begin + size > end:
        raise _Broken
    return begin, begin + size


def _parts(
    data: bytes, at: int, behind: int | None, end: int, depth: int
) -> tuple[list[bytes], int]:
    """The values in a value, and where it ends."""
    found: list[bytes] = []
    while at != behind:
        if behind is None and data[at : at + 2] == _END:
            return found, at + 2
        part, at = _value(data, at, end if behind is None else behind, depth)
        found.append(part)
    return found, at


def _whole(number: int, parts: list[bytes]) -> bytes:
    """A string of the universal class that is made of others."""
    contents: list[bytes] = []
    for part in parts:
        if part[0] != number:
            raise _Broken
        begin, behind = _content(part, 1, len(part))
        contents.append(part[begin:behind])
    if number == _BITS:
        if not all(contents) or any(each[0] for each in contents[:-1]):
            raise _Broken
        unused = contents[-1][:1] if contents else b"\0"
        contents = [unused, *(each[1:] for each in contents)]
    content = b"".join(contents)
    return bytes((number,)) + length(len(content)) + content


def length(size: int) -> bytes:
    """A number of bytes as DER has it."""
    if size < 0x80:
        return bytes((size,))
    data = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((_INDEFINITE | len(data),)) + data

"""A reader of small messages in plain Python: descriptors are messages, and come without a schema.

    name, packed, nested = b"", [], []
    for number, value in read(data):        # value: int, or bytes of what has a length
        ...

It knows as much of Protobuf as descriptors need: values of fixed size are numbers, groups are
passed over.
"""

from __future__ import annotations

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_NESTING = 100
"""Groups in each other."""


class WireError(ValueError):
    """Bytes that are no message."""


def read(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Numbers and values of a message's fields, in order.

    Raises:
        WireError: the bytes are no message.
    """
    place, end = 0, len(data)
    groups: list[int] = []
    while place < end:
        tag, place = varint(data, place)
        number, wire_type = tag >> 3, tag & 7
        value: int | bytes
        if not 0 < number < 1 << 29:
            raise WireError(f"field number {number}")
        if wire_type == 0:
            value, place = varint(data, place)
        elif wire_type == 2:
            length, start = varint(data, place)
            place = start + length
            value = data[start:place]
        elif wire_type in (1, 5):
            start, place = place, place + (8 if wire_type == 1 else 4)
            value = int.from_bytes(data[start:place], "little")
        elif wire_type == 3:
            groups.append(number)
            if len(groups) > MAX_NESTING:
                raise WireError("groups are nested too deep")
            continue
        elif wire_type == 4 and groups and groups.pop() == number:
            continue
        else:
            raise WireError(f"wire type {wire_type}")
        if place > end:
            raise WireError("a value reaches past the end")
        if not groups:
            yield number, value
    if groups:
        raise WireError("a group does not end")


def varint(data: bytes, place: int) -> tuple[int, int]:
    """The varint at a place (its low 64 bits), and the place behind it.

    Raises:
        WireError: it is cut off, or longer than ten bytes.
    """
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(data):
            raise WireError("a varint is cut off")
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, place
    raise WireError("a varint of more than ten bytes")


def fields(data: bytes) -> dict[int, list[int | bytes]]:
    """All values of a message by the number of their field.

    Raises:
        WireError: the bytes are no message.
    """
    found: dict[int, list[int | bytes]] = {}
    for number, value in read(data):
        found.setdefault(number, []).append(value)
    return found

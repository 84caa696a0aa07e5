"""Object identifiers: as bytes, and as numbers with dots between them.

Source: ITU-T X.690 (02/2021), 8.19.
"""

from __future__ import annotations

from jitvm.guests.wire.faults import SchemaError


def dotted(data: bytes) -> str:
    """The text of some bytes."""
    numbers: list[int] = []
    number = 0
    for byte in data:
        number = number << 7 | byte & 0x7F
        if byte < 0x80:
            numbers.append(number)
            number = 0
    first = min(numbers[0] // 40, 2) if numbers else 0
    return ".".join(map(str, (first, numbers[0] - 40 * first, *numbers[1:]))) if numbers else ""


def encoded(text: str) -> bytes:
    """The bytes of a text.

    Raises:
        SchemaError: it is no object identifier.
    """
    parts = text.split(".")
    if len(parts) < 2 or not all(part.isascii() and part.isdigit() for part in parts):
        raise SchemaError(f"{text!r} is no object identifier: numbers with dots between them")
    first, second, *others = map(int, parts)
    if first > 2 or (first < 2 and second > 39):
        raise SchemaError(f"{text!r} is no object identifier: they begin with 0.0 to 1.39, or 2")
    found = bytearray()
    for number in (40 * first + second, *others):
        groups = [number & 0x7F]
        while number := number >> 7:
            groups.append(number & 0x7F | 0x80)
        found += bytes(reversed(groups))
    return bytes(found)

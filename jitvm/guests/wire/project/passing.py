"""Fields in plain Python: where they end, and what is wrong with those that do not.

    tag, place = tag_at(data, place, end)
    place = past(data, place, end, tag, depth)

What is looked at is what has to be: tags, varints, lengths against what is around them, groups.
"""

from __future__ import annotations

from jitvm.guests.wire.anew import varint
from jitvm.guests.wire.faults import Fault
from jitvm.guests.wire.schema import WireType

SIZES = {WireType.FIXED64: 8, WireType.FIXED32: 4}
_LOW64 = (1 << 64) - 1


class Bad(Exception):
    """A fault, and where it is.

    Attributes:
        fault: a row of `Fault`.
        offset: the byte.
        path: the field, once somebody has told.
    """

    def __init__(self, fault: Fault, offset: int) -> None:
        super().__init__(fault, offset)
        self.fault = fault
        self.offset = offset
        self.path: str | None = None

    def at(self, path: str) -> Bad:
        """The same, with the innermost field that somebody told."""
        if self.path is None:
            self.path = path
        return self


def varint_at(data: memoryview, place: int, end: int, longest: int = 10) -> tuple[int, int]:
    """A varint of so many bytes at most, its low 64 bits, and the place behind."""
    value = 0
    for at in range(place, place + longest):
        if at >= end:
            raise Bad(Fault.TRUNCATED, place)
        value |= (data[at] & 0x7F) << 7 * (at - place)
        if data[at] < 0x80:
            return value & _LOW64, at + 1
    raise Bad(Fault.VARINT, place)


def tag_at(data: memoryview, place: int, end: int) -> tuple[int, int]:
    """A tag, and the place behind."""
    tag, behind = varint_at(data, place, end, 5)
    if tag < 8 or tag >> 32:
        raise Bad(Fault.NUMBER, place)
    return tag, behind


def length_at(data: memoryview, place: int, end: int) -> tuple[int, int]:
    """Where what has a length in front begins and ends."""
    length, begin = varint_at(data, place, end, 5)
    if length > end - begin:
        raise Bad(Fault.LENGTH, place)
    return begin, begin + length


def past(data: memoryview, place: int, end: int, tag: int, depth: int) -> int:
    """The place behind a value whose tag lies before it; in `depth` messages and groups more there
    may be others."""
    wire = tag & 7
    if wire == WireType.VARINT:
        return varint_at(data, place, end)[1]
    if wire == WireType.LENGTH:
        return length_at(data, place, end)[1]
    if wire == WireType.START_GROUP:
        if depth == 0:
            raise Bad(Fault.DEPTH, place)
        inner, before = 0, place
        while inner & 7 != WireType.END_GROUP:
            if place >= end:
                raise Bad(Fault.GROUP, before)
            start = place
            inner, place = tag_at(data, place, end)
            if inner & 7 == WireType.END_GROUP:
                if inner >> 3 != tag >> 3:
                    raise Bad(Fault.GROUP, start)
            else:
                place = past(data, place, end, inner, depth - 1)
        return place
    if wire not in SIZES:
        raise Bad(Fault.GROUP if wire == WireType.END_GROUP else Fault.WIRE_TYPE, place)
    behind = place + SIZES[WireType(wire)]
    if behind > end:
        raise Bad(Fault.TRUNCATED, place)
    return behind


def rewritten(data: memoryview, place: int, tag: int) -> bytes:
    """A field that was gone past, from behind its tag, with tags and varints in as few bytes as can
    be: groups, too."""
    end, wire = len(data), tag & 7
    if wire == WireType.VARINT:
        return varint(tag) + varint(varint_at(data, place, end)[0])
    if wire == WireType.LENGTH:
        begin, behind = length_at(data, place, end)
        return varint(tag) + varint(behind - begin) + bytes(data[begin:behind])
    if wire in SIZES:
        return varint(tag) + bytes(data[place : place + SIZES[WireType(wire)]])
    found = bytearray(varint(tag))
    while True:
        inner, place = tag_at(data, place, end)
        if inner & 7 == WireType.END_GROUP:
            return bytes(found) + varint(inner)
        found += rewritten(data, place, inner)
        place = past(data, place, end, inner, end)

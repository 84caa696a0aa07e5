"""Values in DER, written and read by rules of our own, and types to go with them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import Any

from jitvm.guests.wire.der import face as der
from jitvm.guests.wire.der.ber import length
from jitvm.guests.wire.der.columns import VALUE, is_struct, tree
from jitvm.guests.wire.der.identifiers import encoded
from jitvm.guests.wire.der.program import make
from jitvm.guests.wire.der.types import Type
from jitvm.guests.wire.records.decoder import Decoded
from tests.wire.judging import Judge, Refused

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


# -- reading -------------------------------------------------------------------------------------

PARTS = 0x20
"""The bit of a tag that says that a value is made of values."""


class Reading:
    """Reads values of DER, step by step, from a place to an end."""

    def __init__(self, data: bytes, at: int = 0, end: int | None = None) -> None:
        self.data = data
        self.at = at
        self.end = len(data) if end is None else end

    def byte(self) -> int:
        if self.at >= self.end:
            raise Refused
        self.at += 1
        return self.data[self.at - 1]

    def tag(self) -> bytes:
        """Up to four bytes."""
        begin = self.at
        if self.byte() & 0x1F == 0x1F:
            last = self.byte()
            if last & 0x7F == 0:
                raise Refused
            while last & 0x80:
                last = self.byte()
        if self.at - begin > 4:
            raise Refused
        return self.data[begin : self.at]

    def next_tag(self) -> bytes:
        """The one that comes; empty at the end, and where it is none one that nothing has."""
        try:
            return Reading(self.data, self.at, self.end).tag()
        except Refused:
            return b"?" if self.at < self.end else b""

    def inside(self) -> Reading:
        """The content behind a tag: it is passed over here."""
        first = self.byte()
        count = first
        if first >= 0x80:
            digits = bytes(self.byte() for _ in range(first & 0x7F))
            count = int.from_bytes(digits, "big")
            if not 1 <= len(digits) <= 4 or not digits[0] or count < 0x80:
                raise Refused
        if count > self.end - self.at:
            raise Refused
        self.at += count
        return Reading(self.data, self.at - count, self.at)

    def rest(self) -> bytes:
        found, self.at = self.data[self.at : self.end], self.end
        return found

    def done(self) -> None:
        if self.at != self.end:
            raise Refused


def begins(type: Type, tag: bytes) -> bool:
    """Whether a value of a type may have a tag."""
    if not tag:
        return False
    if type.tags:
        return tag == type.tags[0].data
    if type.universal:
        return len(tag) == 1 and tag[0] in type.universal
    return type.kind == "any" or any(begins(each, tag) for each in type.fields.values())


def read(type: Type, at: Reading, tags: int = 0) -> Value:
    """What Arrow gives for a value that comes; `tags` of it are read already.

    Raises:
        Refused: there is none.
    """
    has_own = not type.universal and type.kind not in ("any", "choice")
    if tags < len(type.tags) - has_own:
        if at.tag() != type.tags[tags].data:
            raise Refused
        inside = at.inside()
        found = read(type, inside, tags + 1)
        inside.done()
        return found
    if type.kind == "choice":
        for name, each in type.fields.items():
            if begins(each, at.next_tag()):
                return {"type": name, **dict.fromkeys(type.fields), name: read(each, at)}
        raise Refused
    begin, tag = at.at, at.tag()
    inside = at.inside()
    if type.kind == "any":
        return at.data[begin : at.at]
    if not (tag == type.tags[-1].data if has_own else len(tag) == 1 and tag[0] in type.universal):
        raise Refused
    if type.item is not None:
        items = []
        while inside.at < inside.end:
            items.append(read(type.item, inside))
        return items
    if type.fields:
        row = {}
        for name, each in type.fields.items():
            is_there = not each.is_optional or begins(each, inside.next_tag())
            row[name] = read(each, inside) if is_there else shown(each, each.absent)
        if not type.is_open:
            inside.done()
        return row
    return _single(type, inside.rest())


def _single(type: Type, data: bytes) -> Value:
    kind = type.kind
    if kind in ("integer", "enumerated", "number"):
        number = int.from_bytes(data, "big", signed=True)
        if not data or whole(number) != data:
            raise Refused
        if kind == "number":
            return data
        low, high = (0, 1 << 64) if type.is_unsigned else (-(1 << 63), 1 << 63)
        if kind == "enumerated":
            low, high = -(1 << 31), 1 << 31
        if not low <= number < high:
            raise Refused
        return shown(type, number)
    if kind == "boolean":
        return _checked(data == b"\xff", data in (b"\0", b"\xff"))
    if kind == "null":
        return _checked(None, not data)
    if kind == "bits":
        unused = data[0] if data else 8
        fits = unused < 8 if len(data) > 1 else unused == 0
        return _checked(data[1:], fits and (len(data) == 1 or not data[-1] & (1 << unused) - 1))
    if kind == "oid":
        return _checked(der_text(data), bool(data) and data[-1] < 0x80)
    if kind == "text":
        try:
            return data.decode()
        except UnicodeDecodeError:
            raise Refused from None
    return _moment(data) if kind == "time" else data


def der_text(data: bytes) -> str:
    """An object identifier as text, by another way than the one that is tested."""
    numbers, number = [], 0
    for byte in data:
        number = number * 128 + byte % 128
        if byte < 128:
            numbers.append(number)
            number = 0
    if not numbers:
        return ""
    first = 0 if numbers[0] < 40 else 1 if numbers[0] < 80 else 2
    return ".".join(str(each) for each in (first, numbers[0] - 40 * first, *numbers[1:]))


def _checked(value: Value, fits: bool) -> Value:
    if not fits:
        raise Refused
    return value


def _moment(data: bytes) -> Value:
    digits = data[:-1]
    if len(data) not in (13, 15) or data[-1:] != b"Z" or not digits.isdigit():
        raise Refused
    tail = digits[-10:]
    year, rest = int(digits[:-10]), [int(tail[at : at + 2]) for at in range(0, 10, 2)]
    if len(data) == 13:
        year += 2000 if year < 50 else 1900
    try:
        # Of the year 0, which Python does not have, 400 years later.
        moment = datetime(year or 400, rest[0], rest[1], rest[2], rest[3], rest[4], tzinfo=UTC)
    except ValueError:
        raise Refused from None
    return moment, not year


class DerJudge(Judge):
    """A decoder of a type at some tier, with a reader in Python beside it."""

    def __init__(self, type: Type, **options: Any) -> None:
        self.type = type
        super().__init__(
            lambda null_rows: tree(type, null_rows=null_rows), partial(make, type=type), **options
        )

    def judged(self, data: bytes) -> Any:
        reading = Reading(data)
        found = read(self.type, reading)
        reading.done()
        return found

    def same(self, row: Any, theirs: Any) -> bool:
        return repr(_timed(row)) == repr(_timed(theirs))

    def rows(self, done: Decoded) -> list[Any]:
        rows = super().rows(done)
        return (
            rows if is_struct(self.type) else [None if row is None else row[VALUE] for row in rows]
        )


def _timed(value: Any) -> Any:
    """A value in which times are numbers of seconds."""
    if isinstance(value, dict):
        return {key: _timed(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_timed(each) for each in value]
    if isinstance(value, tuple):
        moment, is_early = value
        return _timed(moment) - 146097 * 86400 * is_early
    if isinstance(value, datetime):
        return (value - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)
    return value


# -- at random -----------------------------------------------------------------------------------

LIKELY = bytes((0x00, 0x02, 0x05, 0x30, 0x80, 0x81, 0x82, 0xA0, 0xFF))
"""Bytes that mutations have more often than others."""
LEAVES = (
    der.integer(), der.integer(unsigned=True), der.number(), der.boolean(), der.octets(),
    der.bits(), der.oid(), der.text(), der.text("ia5"), der.time(), der.time("utc"), der.any(),
    der.null(), der.enumerated({"zero": 0, "one": 1}),
)  # fmt: skip


class Types:
    """Types at random."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def of(self, depth: int = 0) -> Type:
        random, kind = self.random, self.random.random()
        if depth > 3 or (depth and kind < 0.5):
            return random.choice(LEAVES)
        if kind < (0.65 if depth else 0.1):
            return der.sequence_of(self.of(depth + 1))
        fields = {
            f"f{number}": self.tagged(self.of(depth + 1), number)
            for number in range(random.randint(1, 6))
        }
        if kind < 0.78:
            return der.choice(fields)
        return der.sequence(
            {name: self.maybe(each) for name, each in fields.items()}, open=kind > 0.95
        )

    def tagged(self, type: Type, number: int) -> Type:
        """So that fields of one sequence are told from each other."""
        number += self.random.choice((0, 0, 31, 200))
        if type.kind not in ("any", "choice") and self.random.random() < 0.6:
            return type.implicit(number)
        return type.explicit(number)

    def maybe(self, type: Type) -> Type:
        chance = self.random.random()
        if chance < 0.1 and type.kind == "integer":
            return type.default(5)
        return type.optional() if chance < 0.4 else type


class Values:
    """Values of a type at random, as `written` takes them."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def of(self, type: Type) -> Any:
        random, kind = self.random, type.kind
        if kind == "choice":
            name = random.choice(tuple(type.fields))
            return name, self.of(type.fields[name])
        if type.fields:
            return {name: self.maybe(each) for name, each in type.fields.items()}
        if type.item is not None:
            return [self.of(type.item) for _ in range(random.choice((0, 1, 3)))]
        if kind == "integer":
            number = random.getrandbits(random.randint(1, 63))
            return number if type.is_unsigned or random.random() < 0.5 else -number
        if kind == "number":
            return whole(random.getrandbits(random.randint(1, 90)))
        if kind == "time":
            return datetime(1950, 1, 1) + timedelta(seconds=random.randrange(99 * 365 * 86400))
        if kind == "any":
            return tlv(4, random.randbytes(random.choice((0, 5))))
        return random.choice({
            "boolean": (True, False), "octets": (b"", b"abc", bytes(200)), "null": (None,),
            "bits": (b"", b"\xa5"), "oid": ("1.2.840.113549.1.1.11", "2.999"),
            "text": ("", "text", "x" * 140), "enumerated": (0, 1, 7),
        }[kind])  # fmt: skip

    def maybe(self, type: Type) -> Any:
        if type.is_optional and self.random.random() < 0.3:
            return type.absent
        return self.of(type)

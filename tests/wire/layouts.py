"""Layouts for tests: declarations and records at random, and a reader of records that is made of
`struct` alone."""

from __future__ import annotations

import struct
from random import Random
from typing import Any

from jitvm.guests.wire.layout.parts import Part, parts_of
from jitvm.guests.wire.layout.program import make, tree
from tests.wire.judging import Judge, Refused

_CODES = {
    "u1": "B", "i1": "b", "u2": "H", "i2": "h", "u4": "I", "i4": "i", "u8": "Q", "i8": "q",
    "f4": "f", "f8": "d",
}  # fmt: skip
_ARROW = {
    "C": "B", "c": "b", "S": "H", "s": "h", "I": "I", "i": "i", "L": "Q", "l": "q", "f": "f",
    "g": "d",
}  # fmt: skip
LIKELY = bytes((0, 1, 2, 3, 0xFF))
"""Bytes that mutations have more often than others."""
MOST = 1 << 31
"""No number of bytes or elements is so large."""


class Layouts:
    """Declarations at random, of records that have different sizes."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def declared(self) -> Any:
        return [*self.record(), ("last", "bytes:u1")]

    def record(self, depth: int = 0) -> list[Any]:
        random = self.random
        count = random.randint(1, 3 if depth else 7)
        parts = [self.part(f"p{number}", depth) for number in range(count)]
        if random.random() < 0.4:
            order, end = random.choice("<>"), random.choice(("", "", "?"))
            kind = order + random.choice(("u1", "u2", "u4"))
            parts.insert(random.randrange(count + 1), ("n", kind))
            parts.append(("s", random.choice((f"text:n{end}", f"bytes:n{end}", ("u2", "n")))))
        return parts

    def part(self, name: str, depth: int) -> Any:
        random, kind = self.random, self.random.random()
        order = random.choice(("", "<", ">"))
        if kind < 0.4:
            optional = "?" if random.random() < 0.2 else ""
            return name, f"{order}{random.choice(tuple(_CODES))}{optional}"
        if kind < 0.5:
            return name, random.choice(("bool", "bytes 3", "bytes 17", "bool?"))
        if kind < 0.7:
            counts = random.choice(("u1", "u2", "u4"))
            return name, f"{order}{random.choice(('text', 'bytes'))}:{counts}"
        if kind < 0.77:
            return f"{name}:3 {name}b:5", "u1"
        if kind < 0.82:
            return None, "pad 3"
        if depth > 1:
            return name, "u1"
        if kind < 0.9:
            return name, [*self.record(depth + 1), ("z", "u1")]
        item: Any = self.part("item", depth + 1)[1]
        if not isinstance(item, str | list) or item == "pad 3":
            item = "u2"
        return name, (item, random.choice((3, "u1", "u2")))


class Reading:
    """Reads a record, step by step."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, size: int) -> bytes:
        found = self.data[self.at : self.at + size]
        if len(found) < size:
            raise Refused
        self.at += size
        return found

    def number(self, code: str, *, is_big: bool) -> Any:
        code = f"{'>' if is_big else '<'}{code}"
        return struct.unpack(code, self.take(struct.calcsize(code)))[0]

    def flag(self) -> bool:
        (byte,) = self.take(1)
        if byte > 1:
            raise Refused
        return bool(byte)

    def count(self, part: Part, row: dict[str, Any]) -> int:
        if part.of:
            counted: int = row[part.of]
            return self.checked(counted)
        if not part.count:
            return part.size
        code = {1: "B", 2: "H", 4: "I", 8: "Q"}[part.count]
        return self.checked(self.number(code, is_big=part.is_big))

    @staticmethod
    def checked(number: int) -> int:
        if number >= MOST:
            raise Refused
        return number

    def record(self, parts: list[Part]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for part in parts:
            if part.kind == "pad":
                self.take(part.size)
            elif part.kind == "bits":
                whole = self.number(_ARROW[part.format], is_big=part.is_big)
                for name, count in part.bits:
                    if name:
                        found[name] = whole & ((1 << count) - 1)
                    whole >>= count
            else:
                found[part.name] = self.maybe(part, found)
        return found

    def maybe(self, part: Part, row: dict[str, Any]) -> Any:
        if part.is_optional and not self.flag():
            return None
        return self.value(part, row)

    def value(self, part: Part, row: dict[str, Any]) -> Any:
        if part.kind == "number":
            if part.format == "b":
                return self.flag()
            return self.number(_ARROW[part.format], is_big=part.is_big)
        if part.kind == "bytes":
            return self.take(part.size)
        if part.kind == "record":
            return self.record(part.parts)
        count = self.count(part, row)
        if part.kind == "text":
            data = self.take(count)
            try:
                return data.decode() if part.is_utf8 else data
            except UnicodeDecodeError:
                raise Refused from None
        if count > len(self.data) - self.at:
            raise Refused
        return [self.maybe(part.parts[0], row) for _ in range(count)]


class Records:
    """Records of parts at random."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def of(self, parts: list[Part]) -> bytes:
        """A record: numbers that count something else are drawn before."""
        counts = {part.of: self.random.choice((0, 1, 4)) for part in parts if part.of}
        return b"".join(self.maybe(part, counts) for part in parts)

    def maybe(self, part: Part, counts: dict[str, int]) -> bytes:
        if not part.is_optional:
            return self.value(part, counts)
        return b"\1" + self.value(part, counts) if self.random.random() < 0.7 else b"\0"

    def value(self, part: Part, counts: dict[str, int]) -> bytes:
        random = self.random
        order = ">" if part.is_big else "<"
        if part.kind in ("pad", "bytes"):
            return random.randbytes(part.size)
        if part.name in counts:
            return struct.pack(order + _ARROW[part.format], counts[part.name])
        if part.kind in ("number", "bits"):
            if part.format == "b":
                return bytes((random.random() < 0.5,))
            if part.format in "fg":
                return struct.pack(order + _ARROW[part.format], random.uniform(-9, 9))
            return random.randbytes(part.width)
        if part.kind == "record":
            return self.of(part.parts)
        some = counts[part.of] if part.of else part.size
        if part.count:
            some = random.choice((0, 1, 4))
        if part.kind == "text":
            data = random.choice((b"", b"a", "grün".encode(), b"x" * 40))
            data = b"x" * some if part.of else data
            return self.count(part, len(data)) + data
        return self.count(part, some) + b"".join(self.maybe(part.parts[0], {}) for _ in range(some))

    @staticmethod
    def count(part: Part, number: int) -> bytes:
        if not part.count:
            return b""
        return number.to_bytes(part.count, "big" if part.is_big else "little")


class LayoutJudge(Judge):
    """A decoder of a declaration at some tier, with a reader in Python beside it."""

    def __init__(self, declaration: Any, **options: Any) -> None:
        self.parts = parts_of(declaration, None, "<")
        super().__init__(
            lambda null_rows: tree(self.parts, null_rows=null_rows),
            lambda made: make(made, self.parts), **options,
        )  # fmt: skip

    def judged(self, data: bytes) -> Any:
        reading = Reading(data)
        found = reading.record(self.parts)
        if reading.at != len(data):
            raise Refused
        return found

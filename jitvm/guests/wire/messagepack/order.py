"""In which order keys come in records, as far as some of them tell: the program looks for them in
that order.

    {"b": 1, "a": 2}, {"b": 1, "x": {"c": 3}}    (): b a x    ("x",): c
"""

from __future__ import annotations

from struct import unpack_from

from jitvm.guests.wire.messagepack.instructions import BYTES, PAIRS, heads

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterable

    from jitvm.guests.wire.messagepack.types import Type

MOST = 4096
"""Bytes of a record that are looked at."""
_NUMBERS = {1: ">B", 2: ">H", 4: ">I"}


class _End(Exception):
    """What is to be looked at ends here."""


class _Walk:
    """Goes through one record."""

    def __init__(self, data: bytes, found: dict[tuple[str, ...], list[str]]) -> None:
        self.data = data
        self.at = 0
        self.found = found
        self._heads = heads()

    def head(self) -> tuple[int, int, bytes]:
        """Of the next value: what its number counts, how many values are in it, and its bytes."""
        if self.at >= len(self.data):
            raise _End
        place = 4 * self.data[self.at]
        fixed, wide, counts, inside = self._heads[place : place + 4]
        number = 0
        if wide:
            if self.at + 1 + wide > len(self.data):
                raise _End
            (number,) = unpack_from(_NUMBERS[wide], self.data, self.at + 1)
        begin, self.at = self.at + fixed, self.at + fixed + (number if counts == BYTES else 0)
        if not fixed:
            raise _End
        if counts != BYTES:
            inside = number << (counts == PAIRS)
        return counts, inside, self.data[begin : self.at]

    def past(self) -> None:
        """Past a value."""
        left = 1
        while left:
            left += self.head()[1] - 1

    def key(self) -> str:
        """A key; of what is no string nothing."""
        head = self.data[self.at] if self.at < len(self.data) else 0
        begin = self.at
        if not (0xA0 <= head < 0xC0 or 0xD9 <= head < 0xDC):
            self.past()
            return ""
        piece = self.head()[2]
        if head < 0xC0:
            piece = self.data[begin + 1 : self.at]
        return piece.decode("utf-8", "replace")

    def value(self, type: Type, path: tuple[str, ...]) -> None:
        """A value of a type."""
        is_map = self.at < len(self.data) and (
            self.data[self.at] & 0xF0 == 0x80 or self.data[self.at] in (0xDE, 0xDF)
        )
        if type.kind == "list" and not is_map and self.at < len(self.data):
            _, count, _ = self.head()
            assert type.item is not None
            for _ in range(count):
                self.value(type.item, path)
            return
        if type.kind != "record" or type.is_by_place or not is_map:
            self.past()
            return
        _, count, _ = self.head()
        order = self.found.setdefault(path, [])
        place = 0
        for _ in range(count // 2):
            name = self.key()
            inner = type.fields.get(name)
            if inner is None:
                self.past()
                continue
            if name in order:
                place = order.index(name) + 1
            else:
                order.insert(place, name)
                place += 1
            self.value(inner, (*path, name))


def orders(type: Type, records: Iterable[bytes]) -> dict[tuple[str, ...], list[str]]:
    """The order of keys in some records, by the names of fields around them."""
    found: dict[tuple[str, ...], list[str]] = {}
    for record in records:
        try:
            _Walk(record[:MOST], found).value(type, ())
        except _End:
            continue
    return found

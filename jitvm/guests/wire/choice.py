"""Which variant of an instruction reads what a column has, by values that were decoded.

Most variants are made for values of one length: one byte, two bytes, texts of up to sixteen. They
have nothing to find out, so they are fast where they fit, and slow where they do not. So they are
taken only where nearly all values of a sample fit. In which order fields come, and whether they are
looked for before they are written, is chosen as well.
"""

from __future__ import annotations

from array import array
from collections import Counter
from itertools import pairwise
from zlib import crc32

from jitvm.engine.memory.cache import CachedCode, CodeCache
from jitvm.guests.wire.columns import Column, Shape
from jitvm.guests.wire.order import Orders
from jitvm.guests.wire.schema import Kind

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jitvm.guests.wire.writer import Program, Site

SAMPLE = 64
"""Values that are looked at of each column at most, some here and some there."""
RUN = 8
"""How many side by side: what comes again and again is not seen as if it always came."""
NEARLY_ALL = 0.98
"""What part of them has to fit."""
TOO_FEW = 0.96
"""A variant is given up where fewer than this part of them fit."""
SHORT = 120
"""Bytes of messages whose lengths are taken to have one byte."""
NO_ORDER, SOME_ORDER = 0.4, 0.25
"""What part of fields has to come where another did to read them in no order, and to go on so."""
QUITE_SELDOM, SELDOM = 0.2, 0.3
"""In what part of messages a value may be to have its absence looked for, and to go on so."""
KIND = "wire-choices"
"""What choices are called in the code cache."""
_CODES = {1: "B", 4: "I", 8: "Q"}


class Choices:
    """What was chosen for a program, kept in the code cache for later processes.

    They may read other data: so this is where to begin, and what values then say counts more.

    Attributes:
        program: a checksum that tells the program from others, whatever is chosen.
        key: what it is kept under.
    """

    def __init__(self, program: Program) -> None:
        self.program = crc32(program.code)
        self._program = program
        self._sites = program.sites
        self.key = f"{self.program:08x} {len(program.code)} {len(self._sites)}"
        self._kept = b""

    def _chosen(self) -> bytes:
        return bytes(self._program.code[site.at] for site in self._sites)

    def take(self) -> bool:
        """Choose what an earlier process has; whether there is anything."""
        found = CodeCache().load(KIND, self.key)
        if found is None or len(found.machine_code) != len(self._sites):
            return False
        for site, opcode in zip(self._sites, found.machine_code, strict=True):
            for variant in site.variants:
                if self._program.instructions.numbers[site.name(variant)] == opcode:
                    self._program.choose(site, variant)
        self._kept = self._chosen()
        return True

    def keep(self) -> None:
        """Keep what is chosen now, where it is something else than what is kept."""
        if (chosen := self._chosen()) != self._kept:
            self._kept = chosen
            CodeCache().store(KIND, self.key, CachedCode(chosen, {}))


class Sample:
    """Values of columns.

    Args:
        output: the output space.
        count: how many rows a column has.
        messages: some of those that were decoded.
    """

    def __init__(
        self, output: memoryview, count: Callable[[Column], int], messages: Sequence[bytes]
    ) -> None:
        self._output = output
        self._count = count
        self._messages = messages
        self._orders: Orders | None = None
        self._lengths: dict[int, Counter[int]] = {}

    def variant(self, site: Site) -> str:
        """The variant to take: the one there is, unless it fits too few values."""
        if site.stem in ("way", "next"):
            return self._way(site)
        if site.stem == "look":
            return self._share(site)
        if site.stem in ("message", "packed"):
            return site.variants[0 if self._most(site.column) < SHORT else -1]
        lengths = self.lengths(site.column)
        total = lengths.total()
        if not total:
            return site.chosen
        if site.chosen != site.variants[-1]:
            fits = _fitting(lengths, site.chosen, is_exact=site.stem != "bytes")
            if fits >= TOO_FEW * total:
                return site.chosen
        for variant in site.variants[:-1]:
            fits = _fitting(lengths, variant, is_exact=site.stem != "bytes")
            if fits >= NEARLY_ALL * total:
                return variant
        return site.variants[-1]

    def _way(self, site: Site) -> str:
        """Whether fields are looked for in their order."""
        if self._orders is None:
            root = site.column
            while root.parent is not None:
                root = root.parent
            self._orders = Orders(root, self._messages)
        part = self._orders.disorder(site.column)
        if part is None:
            return site.chosen
        return "any" if part >= (SOME_ORDER if site.chosen == "any" else NO_ORDER) else "order"

    def _share(self, site: Site) -> str:
        """Whether a value is there in few of the messages that it may be in."""
        rows = _spread(self._count(site.column))
        around = int.from_bytes(bytes([1]) * sum(map(len, rows)), "little")
        column = site.column.parent
        while column is not None and column.parent is not None and column.is_nullable:
            around &= self._presence(column, rows)
            column = column.parent
        may_be = around.bit_count()
        there = (around & self._presence(site.column, rows)).bit_count()
        most = SELDOM if site.chosen == "seldom" else QUITE_SELDOM
        if not may_be:
            return site.chosen
        return "seldom" if there <= most * may_be else "often"

    def _presence(self, column: Column, rows: list[range]) -> int:
        """Which values of some rows are there, a byte each."""
        return int.from_bytes(self._words(column.validity, rows, 1).tobytes(), "little")

    def lengths(self, column: Column) -> Counter[int]:
        """How often values of the column have which length; those that may be absent left out."""
        found = self._lengths.get(column.index)
        if found is None:  # each message that it is in asks as well
            found = self._lengths[column.index] = self._counted(column)
        return found

    def _counted(self, column: Column) -> Counter[int]:
        last = self._count(column)
        if not last:
            return Counter()
        rows = _spread(last)
        counted = column.space.counted_by
        is_item = counted is not None and counted.children[0] is column
        present = self._words(column.validity, rows, 1) if column.is_nullable else None
        if column.shape is Shape.BYTES:
            begins = self._words(column.offsets, rows, 4)
            ends = self._words(column.offsets, [range(r.start + 1, r.stop + 1) for r in rows], 4)
            values = [b - a for a, b in zip(begins, ends, strict=True)]
        else:
            numbers = self._words(column.values, rows, column.width)
            field = column.field if column.wrapper is None else column.wrapper
            assert field is not None
            kind = field.kind
            values = [_bytes_of(number, kind, column.width) for number in numbers]
            if present is None and not is_item:
                values = [n for n, number in zip(values, numbers, strict=True) if number]
        if present is not None:
            values = [n for n, is_there in zip(values, present, strict=True) if is_there]
        elif column.shape is Shape.BYTES and not is_item:
            values = [n for n in values if n]
        return Counter(values)

    def _words(self, place: int | None, rows: list[range], width: int) -> array[int]:
        assert place is not None
        found = array(_CODES[width])
        for some in rows:
            raw = self._output[place + some.start * width : place + some.stop * width]
            found.frombytes(bytes(raw))
        return found

    def _most(self, column: Column) -> int:
        """About how many bytes the longest message of a column has, or value, with its tag."""
        if column.wrapper is not None or column.shape in (Shape.FIXED, Shape.BYTES):
            return 0 if column.is_unknown else max(self.lengths(column), default=0) + 2
        if column.shape in (Shape.LIST, Shape.MAP):
            return self._most(column.children[0]) * self._longest(column) + 2
        members: dict[int, int] = {}  # of oneofs only one is there
        total = 0
        for child in column.children:
            if child.shape is Shape.ONEOF:
                continue
            most = self._most(child)
            oneof = None if child.field is None else child.field.oneof
            if oneof is None:
                total += most
            else:
                members[id(oneof)] = max(members.get(id(oneof), 0), most)
        return total + sum(members.values()) + 2

    def _longest(self, column: Column) -> int:
        """How many elements the longest list of a column has."""
        last = self._count(column)
        ends = self._words(column.offsets, [range(max(last - SAMPLE, 0), last + 1)], 4)
        return max((b - a for a, b in pairwise(ends)), default=0)


def _spread(last: int) -> list[range]:
    """Rows that are looked at of so many."""
    if last <= SAMPLE:
        return [range(last)]
    parts = SAMPLE // RUN
    begins = [(last - RUN) * i // (parts - 1) for i in range(parts)]
    return [range(begin, begin + RUN) for begin in begins]


def _fitting(lengths: Counter[int], variant: str, *, is_exact: bool) -> int:
    most = int(variant.rpartition("-")[2])
    if variant in "12" and is_exact:
        return lengths[most]
    return sum(often for length, often in lengths.items() if length <= most)


def _bytes_of(number: int, kind: Kind, width: int) -> int:
    """Bytes of the varint of a number as it lies in a column."""
    if kind in (Kind.SINT32, Kind.SINT64):
        sign = 1 << 8 * width - 1
        number = (number << 1 ^ (-1 if number & sign else 0)) & (2 * sign - 1)
    elif width == 4 and number >> 31 and kind is not Kind.UINT32:
        return 10
    return max(-(-number.bit_length() // 7), 1)

"""Decoders of records at any tier, each with something beside it that says what a record means."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from functools import cached_property
from random import Random
from typing import Any

from jitvm.engine.machine.machine import Tier
from jitvm.engine.tables.params import Parameters
from jitvm.guests.wire.buffers import layout
from jitvm.guests.wire.columns import Tree
from jitvm.guests.wire.faults import Fault
from jitvm.guests.wire.pool import POOL
from jitvm.guests.wire.records.decoder import Decoded, OfRecords, Place, RecordDecoder
from jitvm.guests.wire.records.faulty import Finding
from jitvm.guests.wire.records.program import RecordProgram
from jitvm.guests.wire.table import Chunk, Table

BYTES, ROWS = 1 << 20, 4096

Put = Callable[[bytes], memoryview]


class Refused(Exception):
    """A record that is none."""


class Unknown(Exception):
    """A record that the judge knows nothing about."""


class _Hasty(OfRecords):
    """A run that does not look for what is wrong, which takes a hundred times as long."""

    @cached_property
    def _walker(self) -> Any:
        return self

    def walk(self, data: memoryview, *, checks_texts: bool = True) -> Finding:
        """Of a record that is right but for bytes behind it, the row that it has become is taken
        back."""
        del data, checks_texts
        found = Finding()
        found.fault, found.rows = Fault.TRUNCATED, 1
        return found


class _HastyDecoder(RecordDecoder):
    def run_of(self, tier: Tier) -> OfRecords:
        return _Hasty(self, tier)


class Judge:
    """A decoder, and what records mean; a format says the latter.

    Args:
        make_tree: makes columns, which have null rows or not.
        make_program: makes the program of columns that are laid out.
        tier, errors, params: of the decoder.
        is_hasty: whether it does not say what is wrong with records.
    """

    def __init__(
        self,
        make_tree: Callable[[bool], Tree],
        make_program: Callable[[Tree], RecordProgram],
        *,
        tier: str = "interpreter",
        errors: str = "skip",
        params: Parameters | None = None,
        is_hasty: bool = False,
    ) -> None:
        self.errors = errors
        self.is_hasty = is_hasty
        self.tree = make_tree(errors == "null")
        layout(self.tree, 16, 4096)
        make_program(self.tree)
        self.layout = layout(self.tree, ROWS, BYTES)
        make = _HastyDecoder if is_hasty else RecordDecoder
        self.decoder = make(
            self.tree, self.layout, make_program(self.tree), errors=errors, tier=Tier(tier),
            params=params,
        )  # fmt: skip
        self.out = POOL.take(self.layout.size)

    def judged(self, data: bytes) -> Any:
        """The row that a record becomes.

        Raises:
            Refused, Unknown: none, or nobody knows.
        """
        raise NotImplementedError

    def same(self, row: Any, theirs: Any) -> bool:
        """Whether rows are equal, NaN with itself."""
        return repr(row) == repr(theirs)

    def choose(self, random: Random) -> None:
        """Any variants of instructions: they read whatever comes."""
        for site in self.decoder.program.sites:
            self.decoder.choose(site, random.choice(site.variants))

    def decode(self, data: list[bytes], put: Put = memoryview) -> Decoded:
        """Decode records, each with a length of its own."""
        table = array("q")
        at = 0
        for each in data:
            table.extend((at, at + len(each), 1))
            at += len(each)
        whole = put(b"".join(data))
        return self.decoder.decode(
            whole, memoryview(table), Place(0, 0, 0), len(data), self.out, ROWS
        )

    def rows(self, done: Decoded) -> list[Any]:
        """Rows of what was decoded last."""
        return Table(self.tree, [Chunk(self.tree, done.rows, self.out)], []).to_pylist()

    def agree(
        self, data: list[bytes], put: Put = memoryview, *, looks_at_rows: bool = True
    ) -> Decoded:
        """Decode records; what is refused has to be what the judge refuses, and rows the same."""
        done = self.decode(data, put)
        faults = {each.row: each for each in done.mistakes}
        assert done.seen == len(data)
        kept = iter(self.rows(done) if looks_at_rows else range(done.rows))
        for number, each in enumerate(data):
            fault = faults.get(number)
            row = next(kept) if fault is None or self.errors == "null" else None
            try:
                theirs = self.judged(each)
            except Unknown:
                continue
            except Refused:
                assert fault is not None, (each.hex(), row)
                continue
            assert fault is None, (each.hex(), fault, theirs)
            if looks_at_rows:
                assert self.same(row, theirs), (each.hex(), row, theirs)
        assert next(kept, None) is None
        if not self.is_hasty:
            for fault in done.mistakes:
                assert 0 <= fault.offset <= len(data[fault.row]), (data[fault.row].hex(), fault)
        return done


def mutated(data: bytes, random: Random, likely: bytes) -> bytes:
    """A record with something else in it; some bytes are more likely than others."""
    found = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 4))):
        at = random.randrange(len(found) + 1)
        kind = random.random()
        if kind < 0.5 and at < len(found):
            found[at] = random.choice((*likely, random.randrange(256)))
        elif kind < 0.6:
            del found[at : at + random.choice((1, 1, 4))]
        elif kind < 0.75:
            found[at:at] = random.randbytes(random.choice((1, 1, 3, 10)))
        elif kind < 0.9:
            begin = random.randrange(len(found) + 1)
            found[at:at] = found[begin : begin + random.choice((2, 9))]
        else:
            del found[at:]
    return bytes(found)

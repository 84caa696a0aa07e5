"""The native decoder and the plain one side by side, and Protobuf's package as judge of both."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from itertools import accumulate
from random import Random
from typing import Any

from jitvm.engine.machine.machine import Tier
from jitvm.engine.tables.params import Parameters
from jitvm.guests.wire.batch import Batch, Mistake
from jitvm.guests.wire.buffers import layout
from jitvm.guests.wire.columns import Column, Shape
from jitvm.guests.wire.decoder import Decoder
from jitvm.guests.wire.faults import Fault
from jitvm.guests.wire.plain import PlainDecoder
from jitvm.guests.wire.pool import POOL
from jitvm.guests.wire.protobuf.columns import tree
from jitvm.guests.wire.where import parse
from tests.wire.oracle import judged, row, rows_of
from tests.wire.schemas import message

PARAMS = Parameters(
    hot=3, window=64, background=0, verify=1, polish=0, keep=0, nodes=40, quick=40, followers=2
)
BYTES, ROWS = 1 << 22, 4096


class Pair:
    """A decoder and the plain one, for the same columns."""

    def __init__(self, name: str, *, tier: str = "interpreter", **options: Any) -> None:
        errors, where = options.pop("errors", "skip"), options.pop("where", None)
        self.name = name
        self.tree = tree(message(name), null_rows=errors == "null", **options)
        self.layout = layout(self.tree, ROWS, BYTES)
        condition = None if where is None else parse(where, self.tree.message)
        kind = Tier.REFERENCE if tier.startswith("aarch64") else Tier(tier)
        self.native = Decoder(
            self.tree, self.layout, errors=errors, where=condition, tier=kind, params=PARAMS
        )
        self.plain = PlainDecoder(self.tree, self.layout, errors=errors, where=condition)
        self.out = [POOL.take(self.layout.size) for _ in range(2)]

    def choose(self, random: Random) -> None:
        """Any variants of instructions: they read whatever comes."""
        for site in self.native.program.sites:
            self.native.choose(site, random.choice(site.variants))

    def mistakes(
        self, data: list[bytes], put: Callable[[bytes], memoryview] = memoryview
    ) -> list[Mistake]:
        """Decode messages natively only; those that are refused."""
        offsets = array("q", accumulate(map(len, data), initial=0))
        joined, bounds = put(b"".join(data)), memoryview(offsets)
        return self.native.decode(joined, bounds, 0, len(data), self.out[0]).mistakes

    def agree(self, data: list[bytes], put: Callable[[bytes], memoryview] = memoryview) -> Batch:
        """Decode messages with both; what they have in common. `put` places them in memory."""
        offsets = array("q", accumulate(map(len, data), initial=0))
        joined, bounds = put(b"".join(data)), memoryview(offsets)
        got = self.native.decode(joined, bounds, 0, len(data), self.out[0])
        expected = self.plain.decode(joined, bounds, 0, len(data), self.out[1])
        assert got.mistakes == expected.mistakes
        assert (got.rows, got.next) == (expected.rows, expected.next)
        rows = [rows_of(self.tree, got.rows, out) for out in self.out]
        assert rows[0] == rows[1]
        return got

    def rows(self, count: int) -> list[Any]:
        """The first rows of the last batch."""
        return rows_of(self.tree, count, self.out[0])


def check_meaning(pair: Pair, data: bytes, ours: Any, fault: tuple[int, int] | None) -> bool:
    """Hold a row, or a fault and its offset, against what Protobuf's package says of a message.

    Returns:
        Whether they can be compared: what is nested too deep for the columns is not decoded.
    """
    root = pair.tree.root
    if fault is None and reaches_raw(root, ours):
        return False
    theirs = judged(pair.name, data)
    if theirs is None and fault is None and any(map(_is_raw_entry, pair.tree.columns)):
        return False  # an entry with unknown fields is left out: what is in it was not looked at
    if theirs is None:
        assert fault is not None, data.hex()
    elif fault is not None and fault[0] == Fault.NUMBER:
        # What upb skips in unknown groups may have the number 0, for upb.
        assert data[fault[1]] < 1 << 3, (data.hex(), fault)
    elif fault is not None:
        # Strings of proto2 may be anything, for Protobuf; Arrow's may not.
        assert fault[0] == Fault.UTF8, (data.hex(), fault)
        assert pair.name.startswith("old."), data.hex()
    else:
        assert ours == row(theirs, root), data.hex()
    return True


def _is_raw_entry(column: Column) -> bool:
    return column.shape is Shape.MAP and column.children[0].children[1].is_raw


def reaches_raw(column: Column, value: Any) -> bool:
    """Whether a row has messages that are nested deeper than the columns go."""
    if value is None:
        return False
    if column.shape is Shape.STRUCT:
        return any(reaches_raw(child, value[child.name]) for child in column.children)
    if column.shape is Shape.LIST:
        return any(reaches_raw(column.children[0], each) for each in value)
    if column.shape is Shape.MAP:
        inner = column.children[0].children[1]
        return any(reaches_raw(inner, each) for each in value.values())
    return column.is_raw

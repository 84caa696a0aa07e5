"""Readers of MessagePack: from values of a type to tables."""

from __future__ import annotations

from functools import cache, partial

from jitvm.guest.light import cached_property
from jitvm.guests.wire.messagepack.columns import described, tree
from jitvm.guests.wire.messagepack.order import MOST, orders
from jitvm.guests.wire.messagepack.program import make, make_passing
from jitvm.guests.wire.messagepack.refused import NEVER
from jitvm.guests.wire.messagepack.types import parsed
from jitvm.guests.wire.reading import asked
from jitvm.guests.wire.records.plan import Plan
from jitvm.guests.wire.records.reader import RecordReader
from jitvm.guests.wire.records.splitting import Splitter

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from jitvm.guests.wire.columns import Tree
    from jitvm.guests.wire.messagepack.program import Orders
    from jitvm.guests.wire.reading import Progress
    from jitvm.guests.wire.records.reading import Records

LOOKED_AT = 8
"""Records whose keys tell in which order they come."""


class MessagePackReader(RecordReader):
    """Decodes values of MessagePack into tables.

    Args:
        schema, fields, where, errors: see `jitvm.guests.wire.messagepack.face.reader`.
    """

    def __init__(
        self,
        schema: Any,
        *,
        fields: Sequence[str] | None = None,
        where: str | None = None,
        errors: str = "raise",
    ) -> None:
        super().__init__(schema=schema, fields=fields, where=where, errors=errors)
        self.type = parsed(schema)
        condition, hidden = asked(where, described(self.type), fields)
        self._make_tree = partial(
            tree, self.type, fields=self._options["fields"], hidden=hidden,
            null_rows=errors == "null",
        )  # fmt: skip
        self._make_program = partial(make, type=self.type, where=condition)
        self._shown = self._make_tree()
        self._plan: Plan | None = None

    def _about(self) -> str:
        return repr(self.type)

    @property
    def _tree(self) -> Tree:
        return self._shown

    def _plans_used(self) -> list[Plan]:
        return [] if self._plan is None else [self._plan]

    def _planned(self, found: Orders) -> Plan:
        """What decodes, with keys in the order in which they come."""
        if self._plan is None:
            program = partial(self._make_program, orders=found)
            self._plan = Plan(self._make_tree, program, self.errors)
        return self._plan

    @cached_property
    def _has_order(self) -> bool:
        """Whether there are keys whose order matters."""
        return self.type.kind in ("record", "list")

    def _found(
        self, source: Any, lengths: Any, rows: int, state: Progress | None
    ) -> Iterator[tuple[Plan, Records]]:
        """Values, as many as are in memory at a time."""
        for records in _splitter().records(source, lengths, rows, state):
            plan = self._plan
            if plan is None:
                first = _first(records) if self._has_order else ()
                plan = self._planned(orders(self.type, first))
            yield plan, records


def _first(records: Records) -> Iterator[bytes]:
    """Some records, or what they begin with."""
    words = records.blocks[: 3 * LOOKED_AT].tolist()
    for begin, end in zip(words[::3], words[1::3], strict=True):
        yield bytes(records.data[begin : min(max(begin, end), begin + MOST)])


@cache
def _splitter() -> Splitter:
    return Splitter(make_passing, _is_broken)


def _is_broken(data: memoryview, at: int) -> bool:
    """Whether nothing begins with what stands somewhere."""
    return at < len(data) and data[at] == NEVER

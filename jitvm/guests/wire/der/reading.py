"""Readers of DER: from values of a type to tables."""

from __future__ import annotations

from array import array
from functools import cache, partial
from itertools import accumulate

from jitvm.guests.wire.der.ber import as_der
from jitvm.guests.wire.der.columns import described, tree
from jitvm.guests.wire.der.heads import NoHead, content, tag_size
from jitvm.guests.wire.der.program import make, make_passing
from jitvm.guests.wire.der.types import Type
from jitvm.guests.wire.faults import Fault, SchemaError
from jitvm.guests.wire.reading import asked
from jitvm.guests.wire.records.plan import Plan
from jitvm.guests.wire.records.reader import RecordReader
from jitvm.guests.wire.records.reading import Records, is_file, separate
from jitvm.guests.wire.records.splitting import LARGEST, PIECE, Splitter, bytes_of

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from jitvm.guests.wire.columns import Tree
    from jitvm.guests.wire.reading import Progress


class DerReader(RecordReader):
    """Decodes values of an ASN.1 type into tables.

    Args:
        type, fields, where, errors, ber: see `jitvm.guests.wire.der.face.reader`.
    """

    def __init__(
        self,
        type: Type,
        *,
        fields: Sequence[str] | None = None,
        where: str | None = None,
        errors: str = "raise",
        ber: bool = False,
    ) -> None:
        if not isinstance(type, Type):
            raise SchemaError(f"{type!r} is no type of jitvm.wire.der")
        super().__init__(type=type, fields=fields, where=where, errors=errors, ber=ber)
        self.type = type
        condition, hidden = asked(where, described(type), fields)
        make_tree = partial(tree, type, fields=fields, hidden=hidden, null_rows=errors == "null")
        self._plan = Plan(make_tree, partial(make, type=type, where=condition), errors)

    def _about(self) -> str:
        return repr(self.type)

    @property
    def _tree(self) -> Tree:
        return self._plan.tree

    def _plans_used(self) -> list[Plan]:
        return [self._plan]

    def _found(
        self, source: Any, lengths: Any, rows: int, state: Progress | None
    ) -> Iterator[tuple[Plan, Records]]:
        """Values, as many as are in memory at a time."""
        if self._options["ber"]:
            found = _in_ber(source, lengths, rows, state)
        else:
            found = _splitter().records(source, lengths, rows, state)
        for records in found:
            yield self._plan, records


@cache
def _splitter() -> Splitter:
    return Splitter(make_passing, _is_broken)


def _is_broken(data: memoryview, at: int) -> bool:
    """Whether the head that stands somewhere is none."""
    try:
        begin, end = content(data, at + tag_size(data, at, len(data)), len(data))
    except NoHead as error:
        return error.fault is not Fault.TRUNCATED
    return end - begin > LARGEST


def _in_ber(source: Any, lengths: Any, rows: int, state: Progress | None) -> Iterator[Records]:
    """Values in BER, written anew."""
    from jitvm.guests.wire.messages import Messages

    view = None if lengths is not None or is_file(source) else bytes_of(source)
    if is_file(source):
        view = _whole_file(source, state)
    if view is not None:
        found: Iterator[Records] = iter((Records(view, memoryview(array("q", (0, len(view), 1)))),))
    else:
        found = separate(source, lengths, rows, state)
    for records in found:
        values: list[bytes] = []
        for begin, end in _bounds(records.blocks):
            data = bytes(records.data[begin : max(begin, end)])
            if view is None:
                value, behind = as_der(data)
                values.append(value + data[behind:])
                continue
            behind = 0
            while behind < len(data):  # one behind the other
                value, behind = as_der(data, behind)
                values.append(value)
        ends = memoryview(array("q", accumulate(map(len, values), initial=0)))
        yield Records.of(Messages(memoryview(b"".join(values)), ends, records.nulls))


def _bounds(blocks: memoryview) -> Iterator[tuple[int, int]]:
    """Where each block begins and ends."""
    return zip(blocks[::3], blocks[1::3], strict=True)


def _whole_file(source: Any, state: Progress | None) -> memoryview:
    """All of a file: nobody knows where a value in it ends without having read it."""
    from jitvm.guests.wire.streams import opened

    found = bytearray()
    with opened(source) as file:
        if state is not None:
            state.total = file.size
        piece = memoryview(bytearray(PIECE))
        while size := file.fill(piece):
            found += piece[:size]
        file.check_end()
        if state is not None:
            state.bytes = file.place
    return memoryview(bytes(found))

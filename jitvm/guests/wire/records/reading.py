"""What readers of records have in common, whatever the format: from pieces of the input that are in
memory at a time to tables.

    (plan, records), (plan, records), ... ──> gathered ──> one table
                                          └─> streamed ──> tables of a batch each
"""

from __future__ import annotations

import os

from jitvm.guests.wire.reading import BATCH_ROWS, DecodeError, Progress, feeding
from jitvm.guests.wire.records.plan import Gathered, Plan
from jitvm.guests.wire.table import Batch, Table

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from jitvm.guests.wire.columns import Tree
    from jitvm.guests.wire.messages import Messages


class Records:
    """Records in memory, until the next ones are asked for.

    Attributes:
        data: what they are in.
        blocks: as `jitvm.guests.wire.records.decoder` takes them.
        nulls: records that are none.
    """

    __slots__ = ("blocks", "data", "nulls")

    def __init__(
        self, data: memoryview, blocks: memoryview, nulls: frozenset[int] = frozenset()
    ) -> None:
        self.data = data
        self.blocks = blocks
        self.nulls = nulls

    @staticmethod
    def of(messages: Messages) -> Records:
        """Records that have a length of their own each."""
        import numpy as np

        offsets = np.asarray(messages.offsets)
        table = np.ones((len(offsets) - 1, 3), np.int64)
        table[:, 0], table[:, 1] = offsets[:-1], offsets[1:]
        for place in messages.nulls:  # of which nothing can be read
            table[place, 1] = table[place, 0] - 1
        shown: Any = table.reshape(-1)
        return Records(messages.data, memoryview(shown), messages.nulls)


def separate(source: Any, lengths: Any, rows: int, state: Progress | None) -> Iterator[Records]:
    """Records that are told apart by whoever has them: a list of bytes, an Arrow array, a buffer
    with lengths; or, where there is a `state` to keep, any iterable of bytes, so many at a time."""
    from jitvm.guests.wire.messages import listed, taken

    is_arrow = hasattr(source, "__arrow_c_array__") or hasattr(source, "__arrow_c_stream__")
    with feeding() as feed:
        if state is not None and not is_arrow:
            pieces = listed(source, feed, rows)
        else:
            pieces = taken(source, lengths, "none", feed=feed)
        for piece in pieces:
            if state is not None:
                state.bytes += len(piece.data)
            yield Records.of(piece)


def is_file(source: Any) -> bool:
    """Whether this is the path of a file, or an open one."""
    return isinstance(source, str | os.PathLike) or any(
        hasattr(source, each) for each in ("readinto", "read", "recv_into")
    )


def gathered(
    found: Iterable[tuple[Plan, Records]], empty: Callable[[], Tree], errors: str
) -> Table:
    """One table of all; `empty` gives its columns where there is nothing to decode.

    Raises:
        DecodeError: a record cannot be decoded, where that is raised.
    """
    all_ = Gathered(errors)
    seen = 0
    last: Plan | None = None
    for plan, records in found:
        data, blocks, nulls = records.data, records.blocks, records.nulls
        for chunk, mistakes, count in plan.chunks(data, blocks, nulls, seen, BATCH_ROWS):
            all_.add(chunk, mistakes)
            seen += count
        last = plan
    if all_.chunks:
        return Table(all_.chunks[0].tree, all_.chunks, all_.errors)
    return Table(empty() if last is None else last.tree, [], all_.errors)


def streamed(
    found: Iterable[tuple[Plan, Records]],
    errors: str,
    rows: int,
    state: Progress,
    progress: Callable[[Progress], object] | None,
) -> Iterator[Table]:
    """Tables of a batch each, of so many rows at most.

    Raises:
        DecodeError: as for `gathered`; tables before it were given.
    """
    for plan, records in found:
        data, blocks, nulls = records.data, records.blocks, records.nulls
        for chunk, mistakes, count in plan.chunks(data, blocks, nulls, state.messages, rows):
            is_last = bool(mistakes) and errors == "raise"
            told = [] if is_last else mistakes
            state.messages += count
            state.rows += chunk.rows
            state.errors += len(told)
            if progress is not None:
                progress(state)
            if chunk.rows:
                yield Batch(chunk.tree, [chunk], told)
            elif told:
                yield Table(plan.tree, [], told)
            if is_last:
                raise DecodeError(mistakes[0])

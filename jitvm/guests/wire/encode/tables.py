"""Tables as people have them, as nodes of columns."""

from __future__ import annotations

from jitvm.guests.wire.encode.node import Node, imported
from jitvm.guests.wire.encode.objects import of_columns, of_rows
from jitvm.guests.wire.faults import TableError

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from jitvm.guests.wire.columns import Column

PIECE_ROWS = 1 << 18
"""Rows of Python's objects that are taken at a time."""


def nodes_of(table: Any, root: Column) -> Iterator[Node]:
    """The columns of a table, batch by batch: of what has Arrow's data, of a dict of columns, or of
    a list of dicts. `root` has the columns that are expected.

    Raises:
        TableError: it is no table, or has columns that cannot be taken.
    """
    if hasattr(table, "__arrow_c_stream__") or hasattr(table, "__arrow_c_array__"):
        yield from imported(table)
    elif isinstance(table, dict):
        yield of_columns(table, root)
    elif isinstance(table, list | tuple):
        for at in range(0, len(table), PIECE_ROWS):
            yield of_rows(table[at : at + PIECE_ROWS], root)
    else:
        raise TableError(
            f"{type(table).__name__} is no table; give a data frame, an Arrow table, a dict of "
            "columns or a list of dicts"
        )

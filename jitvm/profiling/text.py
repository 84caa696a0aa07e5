"""A profile as readable text: the key number first, then where time and instructions went.

`plain` has no dependencies; `text` adds colours and bars if rich is installed and the output is a
terminal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TextIO

from jitvm.profiling.summary import BAR, LEGEND, TOP, Table, headline, is_number, notes, tables

if TYPE_CHECKING:
    from jitvm.profiling.measured import Measured


def plain(profile: Measured, top: int = TOP) -> str:
    """The summary as plain text."""
    lines = [headline(profile), *notes(profile)]
    for table in tables(profile, top):
        lines += ["", *plain_table(table)]
    return "\n".join([*lines, "", LEGEND, ""])


def text(profile: Measured, stream: TextIO | None, top: int = TOP) -> str:
    """The summary for a stream: with colours and bars if it is a terminal."""
    if draws(stream):
        try:
            from jitvm.profiling.richtext import rich
        except ImportError:
            return plain(profile, top)
        return rich(profile, top)
    return plain(profile, top)


def draws(stream: TextIO | None) -> bool:
    """Whether it is a terminal that knows all characters: colours and bars are for such."""
    return stream is not None and stream.isatty() and stream.encoding.lower().startswith("utf")


def plain_table(table: Table) -> Iterator[str]:
    """Columns as wide as their longest cell; numbers to the right, words to the left."""
    yield f"-- {table.title} {'-' * (76 - len(table.title))}"
    columns = list(zip(table.heads, *table.rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    rights = [is_number(column[1:]) for column in columns]

    def line(cells: Sequence[str]) -> str:
        return "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(cells, widths, rights, strict=True)
        )

    yield line(table.heads).rstrip()
    for index, row in enumerate(table.rows):
        bar = "#" * round(BAR * table.bars[index]) if table.bars else ""
        yield f"{line(row)}  {bar}".rstrip()
    if table.hidden:
        yield f"... and {table.hidden:,} more"

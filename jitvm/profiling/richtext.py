"""The summary of a profile with colours and bars. Imported only where rich is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.bar import Bar
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from jitvm.profiling.summary import BAR, LEGEND, Table, headline, is_number, notes, tables

if TYPE_CHECKING:
    from jitvm.profiling.measured import Measured


def rich(profile: Measured, top: int) -> str:
    """The summary with the colours of this terminal."""
    console = Console()
    with console.capture() as captured:
        _print(console, profile, top)
    return captured.get()


def _print(console: Console, profile: Measured, top: int) -> None:
    console.print(Text(headline(profile), style="bold"))
    for note in notes(profile):
        console.print(Text(note))
    for table in tables(profile, top):
        console.print()
        console.print(rich_table(table))
    console.print(Text(LEGEND, style="dim"))


def rich_table(table: Table) -> RichTable:
    made = RichTable(
        title=Text(table.title, style="bold"),
        title_justify="left",
        box=None,
        pad_edge=False,
        caption=f"... and {table.hidden:,} more" if table.hidden else None,
        caption_justify="left",
    )
    for index, head in enumerate(table.heads):
        right = is_number([row[index] for row in table.rows])
        made.add_column(head, justify="right" if right else "left", header_style="dim")
    if table.bars:
        made.add_column("", width=BAR)
    for index, row in enumerate(table.rows):
        cells: list[Text | Bar] = [Text(cell) for cell in row]
        if table.bars:
            cells.append(Bar(1.0, 0.0, table.bars[index], width=BAR, color="green"))
        made.add_row(*cells)
    return made

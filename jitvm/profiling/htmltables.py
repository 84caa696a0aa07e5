"""A profile's tables as HTML: for the page of a report, and below the cell of a notebook."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from jitvm.profiling.summary import LEGEND, Table, headline, is_number, notes, tables

if TYPE_CHECKING:
    from jitvm.profiling.measured import Measured

_STYLE = (
    "<style>.jitvm-profile { --bar: #2e9e5b55; } .jitvm-profile h2 { font-size: 1em; }"
    ".jitvm-profile td.n, .jitvm-profile th.n { text-align: right; }"
    ".jitvm-profile .scroll { max-height: 20rem; overflow: auto; }</style>"
)


def notebook(profile: Measured) -> str:
    """The summary, for a notebook, which has a page's style already."""
    return "\n".join(
        [
            f'<div class="jitvm-profile">{_STYLE}',
            f"<p><b>{escape(headline(profile))}</b></p>",
            *(f"<p>{escape(note)}</p>" for note in notes(profile)),
            *(html_table(table) for table in tables(profile)),
            f"<p>{escape(LEGEND)}</p></div>",
        ]
    )


def html_table(table: Table) -> str:
    """A table of a summary; its bars shade the rows, in the style's `--bar`."""
    numbers = [is_number([row[i] for row in table.rows]) for i in range(len(table.heads))]
    classes = [' class="n"' if number else "" for number in numbers]
    heads = "".join(
        f"<th{name}>{escape(head)}</th>" for head, name in zip(table.heads, classes, strict=True)
    )
    rows = []
    for index, row in enumerate(table.rows):
        cells = "".join(
            f"<td{name}>{escape(cell)}</td>" for cell, name in zip(row, classes, strict=True)
        )
        rows.append(f"<tr{_shade(table.bars[index]) if table.bars else ''}>{cells}</tr>")
    hidden = f'<p class="dim">... and {table.hidden:,} more</p>' if table.hidden else ""
    return (
        f'<h2>{escape(table.title)}</h2><div class="scroll"><table><thead><tr>{heads}</tr>'
        f"</thead><tbody>{''.join(rows)}</tbody></table></div>{hidden}"
    )


def _shade(share: float) -> str:
    """A bar in the background of the row."""
    end = f"{100 * min(share, 1.0):.1f}%"
    return f' style="background:linear-gradient(90deg, var(--bar) {end}, transparent {end})"'

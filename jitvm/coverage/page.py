"""Coverage as one page of HTML that works from disk and without a network.

A source is a block that opens by a click. Of each line is shown whether it was executed: whole,
in part, or not at all; and of each branch which of its ways was never taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from jitvm.coverage.results import Coverage, FileCoverage, Totals
from jitvm.coverage.text import OPCODES, percent
from jitvm.engine.tables.names import shown

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_STYLE = """
:root { color-scheme: light dark; --yes: #2e9e5b; --part: #e0a030; --no: #d05040; --dim: #7889; }
body { font: 15px/1.45 system-ui, sans-serif; max-width: 1080px; margin: 2rem auto;
       padding: 0 1rem; }
h1 { font-size: 1.2rem; font-weight: 500; }
.number { font-size: 3.4rem; font-weight: 700; line-height: 1.1; }
.dim { opacity: .7; }
summary { cursor: pointer; padding: .3rem 0; font-variant-numeric: tabular-nums; }
summary b { font-weight: 600; margin-right: 1rem; }
table { border-collapse: collapse; width: 100%; font: 13px/1.5 ui-monospace, monospace; }
td { padding: 0 .6rem; white-space: pre-wrap; tab-size: 4; vertical-align: top; }
td:first-child { text-align: right; opacity: .6; border-right: 4px solid transparent; width: 4ch; }
.yes td:first-child { border-color: var(--yes); }
.part td:first-child { border-color: var(--part); } .part { background: #e0a03022; }
.no td:first-child { border-color: var(--no); } .no { background: #d0504022; }
td.ways { color: var(--part); white-space: nowrap; width: 1%; font-size: 12px; }
"""


def page(coverage: Coverage, sources: dict[str, Sequence[str]]) -> str:
    """The page.

    Args:
        coverage: what was executed.
        sources: lines of each source, by the name it is shown with; those that are not there, or
            have changed since, are shown without their text.
    """
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8"><title>Coverage</title>',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<style>{_STYLE}</style></head><body>",
        "<h1>Coverage of guest sources</h1>",
        f'<div class="number">{percent(coverage.totals)}</div>',
        f"<p>{escape(_told(coverage.totals))}.</p>",
        *(
            f'<p class="dim">{len(codes)} of {OPCODES} opcodes of {escape(guest)}.</p>'
            for guest, codes in sorted(coverage.opcodes.items())
        ),
    ]
    files = coverage.by_name()
    for name, file in files:
        is_open = " open" if len(files) == 1 else ""
        parts.append(f"<details{is_open}><summary><b>{escape(shown(name))}</b>")
        parts.append(f"{percent(file.totals)} <span class=dim>{_told(file.totals)}</span>")
        parts.append("</summary><table>")
        parts += _rows(file, sources.get(name))
        parts.append("</table></details>")
    return "\n".join([*parts, "</body></html>"]) + "\n"


def _told(totals: Totals) -> str:
    return (
        f"{totals.hit_lines:,} of {totals.lines:,} lines, "
        f"{totals.hit_ways:,} of {totals.ways:,} ways of branches"
    )


def _rows(file: FileCoverage, source: Sequence[str] | None) -> Iterator[str]:
    if source is None:
        yield "<tr><td></td><td>the source is not there, or has changed since</td></tr>"
        source = [""] * max(file.lines, default=0)
    for number, text in enumerate(source, 1):
        kind = ways = ""
        if number in file.lines:
            kind = "yes" if file.is_hit(number) else "no"
            if file.is_partial(number):
                kind, ways = "part", "; ".join(_ways(file, number))
        yield (
            f'<tr class="{kind}"><td>{number}</td><td>{escape(shown(text))}</td>'
            f'<td class="ways">{ways}</td></tr>'
        )


def _ways(file: FileCoverage, line: int) -> Iterator[str]:
    """What is missing of a line that was executed in part."""
    cells = file.lines[line].values()
    missed = sum(not cell & 1 for cell in cells)
    if missed:
        yield f"{missed} of {len(cells)} instructions not executed"
    branches = file.ways(line)
    for number, (executed, on, jumped) in enumerate(branches, 1):
        which = f"branch {number}" if len(branches) > 1 else "branch"
        if executed and not on:
            yield f"{which} always jumped"
        elif executed and not jumped:
            yield f"{which} never jumped"

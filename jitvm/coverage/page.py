"""Coverage as one page of HTML that works from disk and without a network.

A source is a block that opens by a click. Of each line is shown whether it was executed: whole,
in part, or not at all; and of each branch which of its ways was never taken. So is a table of all
opcodes.
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
summary > span { display: inline-grid; width: calc(100% - 1.5rem); vertical-align: middle;
  grid-template-columns: minmax(8rem, 1fr) 8rem 3.5rem 24rem; gap: 1rem; align-items: center; }
summary b { font-weight: 600; overflow-wrap: anywhere; }
summary em { font-style: normal; text-align: right; }
@media (max-width: 800px) { summary > span { grid-template-columns: 1fr 4rem 3.5rem; } }
@media (max-width: 800px) { summary .dim { display: none; } }
.bar { height: .6rem; border-radius: .3rem; background: var(--dim); overflow: hidden; }
.bar i { display: block; height: 100%; background: var(--yes); }
.legend span { border-left: 4px solid; padding: 0 1rem 0 .4rem; }
table { border-collapse: collapse; width: 100%; font: 13px/1.5 ui-monospace, monospace; }
td { padding: 0 .6rem; white-space: pre-wrap; tab-size: 4; vertical-align: top; }
td:first-child { text-align: right; opacity: .6; border-right: 4px solid transparent; width: 4ch; }
td:nth-child(2) { width: 99%; overflow-wrap: anywhere; }
.opcodes { display: grid; grid-template-columns: repeat(16, 1fr); gap: 2px; margin: .5rem 0;
  max-width: 40rem; font: 12px/1.6 ui-monospace, monospace; text-align: center; }
.opcodes span { background: var(--dim); border-radius: 2px; opacity: .6; }
.opcodes .on { background: var(--yes); color: #fff; opacity: 1; }
.yes td:first-child { border-color: var(--yes); }
.part td:first-child { border-color: var(--part); } .part { background: #e0a03022; }
.no td:first-child { border-color: var(--no); } .no { background: #d0504022; }
td.ways { color: color-mix(in srgb, var(--part) 60%, currentColor); font-size: 12px;
  min-width: 19rem; white-space: normal; }
td.ways:empty { min-width: 0; }
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
        '<p class="legend"><span style="border-color: var(--yes)">executed</span>'
        '<span style="border-color: var(--part)">in part</span>'
        '<span style="border-color: var(--no)">not executed</span></p>',
    ]
    files = coverage.by_name()
    for name, file in files:
        is_open = " open" if len(files) == 1 else ""
        head = _head(name, file.totals.share, percent(file.totals), _told(file.totals))
        parts.append(f"<details{is_open}>{head}<table>")
        parts += _rows(file, sources.get(name))
        parts.append("</table></details>")
    for guest, codes in sorted(coverage.opcodes.items()):
        told = f"{len(codes)} of {OPCODES}"
        head = _head(
            f"opcodes of {guest}", len(codes) / OPCODES, f"{100 * len(codes) // OPCODES}%", told
        )
        parts.append(f'<details>{head}<div class="opcodes">')
        parts += (
            f'<span class="on">{code:02x}</span>' if code in codes else f"<span>{code:02x}</span>"
            for code in range(OPCODES)
        )
        parts.append("</div></details>")
    return "\n".join([*parts, "</body></html>"]) + "\n"


def _head(name: str, share: float, spelled: str, told: str) -> str:
    """What is seen of a block that is closed."""
    return (
        f"<summary><span><b>{escape(shown(name))}</b>"
        f'<span class="bar"><i style="width: {100 * share:.1f}%"></i></span>'
        f'<em>{spelled}</em><span class="dim">{told}</span></span></summary>'
    )


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
            f'<tr class="{kind}"><td>{number}</td><td>{escape(_shown(text))}</td>'
            f'<td class="ways">{ways}</td></tr>'
        )


def _shown(text: str) -> str:
    """A line as an editor shows it; `shown` spells tabs."""
    return "\t".join(map(shown, text.split("\t")))


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

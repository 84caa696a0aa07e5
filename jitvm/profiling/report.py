"""A profile as a single HTML page that works from disk and without a network.

Everything is in the file: styles, charts as SVG, tables that sort by a click on a column header.
The page's security policy forbids loading anything, so no mistake here can change that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape

from jitvm.engine.tables import events
from jitvm.profiling.flame import color_of, tree
from jitvm.profiling.htmltables import html_table
from jitvm.profiling.measured import Measured
from jitvm.profiling.rows import CompileRow, MemoryRow, State, StateRow
from jitvm.profiling.summary import LEGEND, headline, notes, percent, tables

TOP = 500
"""Most rows of a table in the page."""
COLORS = {
    State.NATIVE: "#2e9e5b",
    State.INTERPRETING: "#e0a030",
    State.RECORDING: "#c05ab0",
    State.COMPILING: "#d05040",
    State.DEVICES: "#4080d0",
    State.HOST: "#8090a0",
    State.WAITING: "#d8dce0",
}
WIDTH = 960
"""Of charts, in their own units; they stretch with the window."""
MOST_BOXES = 4000
NARROWEST = 0.5
"""Of call stacks: how many boxes are drawn, and the narrowest of them."""

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
_STYLE = """
:root { color-scheme: light dark; --line: #8884; --dim: #7889; --bar: #2e9e5b55; }
body { font: 15px/1.45 system-ui, sans-serif; max-width: 1080px; margin: 2rem auto;
       padding: 0 1rem; }
h1 { font-size: 1.2rem; font-weight: 500; } h2 { font-size: 1.05rem; margin: 2.2rem 0 .4rem; }
.number { font-size: 3.4rem; font-weight: 700; line-height: 1.1; }
.dim { opacity: .7; } svg { width: 100%; height: auto; display: block; }
svg text { fill: currentColor; font: 11px system-ui, sans-serif; }
.scroll { overflow: auto; max-height: 32rem; border: 1px solid var(--line); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th { position: sticky; top: 0; background: Canvas; text-align: left; cursor: pointer;
     border-bottom: 1px solid var(--line); white-space: nowrap; }
th[aria-sort=ascending]::after { content: " \\25b4"; }
th[aria-sort=descending]::after { content: " \\25be"; }
th, td { padding: .18rem .6rem; } td.n, th.n { text-align: right; }
tr:nth-child(even) td { background: #8881; }
.key { display: inline-block; width: .8em; height: .8em; margin: 0 .3em 0 1em; }
"""
_SCRIPT = """
for (const head of document.querySelectorAll("th")) {
  head.tabIndex = 0;
  const sort = () => {
    const body = head.closest("table").tBodies[0], at = head.cellIndex;
    const down = head.getAttribute("aria-sort") !== "descending";
    for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const value = row => {
      const text = row.cells[at].textContent.replace(/[,~\\u2248<>#]/g, "");
      const number = parseFloat(text);
      return Number.isNaN(number) ? text : number;
    };
    const rows = [...body.rows].sort((a, b) => {
      const x = value(a), y = value(b);
      const order = typeof x === typeof y ? (x < y ? -1 : x > y ? 1 : 0)
        : typeof x === "number" ? 1 : -1;
      return down ? -order : order;
    });
    body.append(...rows);
  };
  head.addEventListener("click", sort);
  head.addEventListener("keydown", event => { if (event.key === "Enter") sort(); });
}
"""


def report(profile: Measured) -> str:
    """The page."""
    share = profile.native_share
    title = escape(profile.title or "a guest program")
    parts = [
        "<!doctype html>",
        f'<html lang="en"><head><meta charset="utf-8"><title>Profile of {title}</title>',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<style>{_STYLE}</style></head><body>",
        f"<h1>Profile of <b>{title}</b></h1>",
        f'<div class="number">{"–" if share is None else percent(share)}</div>',
        f"<p>{escape(headline(profile))}.</p>",
        *(f'<p class="dim">{escape(note)}.</p>' for note in notes(profile)),
        "<h2>time by state</h2>",
        _states(profile.states),
        "<h2>what the JIT did, and when</h2>",
        _timeline(profile),
        "<h2>call stacks, sampled</h2>",
        _stacks(profile),
        "<h2>heat of memory</h2>",
        _heat(profile.memory),
        *(html_table(table) for table in tables(profile, TOP)),
        f'<p class="dim">{escape(LEGEND)}</p>',
        f"<script>{_SCRIPT}</script></body></html>",
    ]
    return "\n".join(parts) + "\n"


# -- charts --------------------------------------------------------------------------------------


def _svg(height: float, content: Iterable[str], label: str) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:g}" role="img" aria-label="{escape(label)}">'
        f"{''.join(content)}</svg>"
    )


def _box(x: float, y: float, width: float, height: float, color: str, title: str) -> str:
    return (
        f'<rect x="{x:.2f}" y="{y:.2f}" width="{max(width, 0.5):.2f}" height="{height:.2f}" '
        f'fill="{color}"><title>{escape(title)}</title></rect>'
    )


def _states(rows: Sequence[StateRow]) -> str:
    """One bar of all the time there was, and its key."""
    boxes, key, x = [], [], 0.0
    for row in rows:
        if row.seconds <= 0:
            continue
        text = f"{row.state} {percent(row.share)}"
        boxes.append(_box(x, 0, WIDTH * row.share, 34, COLORS[row.state], text))
        key.append(
            f'<span class="key" style="background:{COLORS[row.state]}"></span>{escape(text)}'
        )
        x += WIDTH * row.share
    return _svg(34, boxes, "time by state") + f"<p>{''.join(key)}</p>"


_MARKS = {
    events.Installed.kind: ("#2e9e5b", "installed"),
    events.Removed.kind: ("#d05040", "removed"),
    events.Refused.kind: ("#e0a030", "refused"),
    events.Overwritten.kind: ("#c05ab0", "overwritten"),
}


def _timeline(profile: Measured) -> str:
    """Recordings and compilations as bars, what became of them as marks below."""
    total = profile.seconds or 1.0
    scale = (WIDTH - 90) / total

    def x(at: float) -> float:
        return 90 + scale * min(max(at, 0.0), total)

    content = [
        f'<text x="0" y="{y}">{name}</text>'
        for name, y in (("recording", 14), ("compiling", 38), ("events", 62))
    ]
    hot = 0.0
    for each in profile.events:
        event, name = each.event, str(profile.naming(each.event.address))
        if isinstance(event, events.Hot):
            hot = each.at
        elif isinstance(event, events.Recorded):
            title = f"{name}: {event.instructions:,} instructions"
            content.append(_box(x(hot), 3, x(each.at) - x(hot), 15, "#c05ab0", title))
        elif event.kind in _MARKS:
            color, what = _MARKS[event.kind]
            content.append(_box(x(each.at), 51, 2, 15, color, f"{each.at:.3f} s: {name} {what}"))
    content += (_compile(row, x) for row in profile.compiles)
    content += (
        f'<text x="{x(total * i / 4):.0f}" y="84" text-anchor="{"end" if i == 4 else "middle"}">'
        f"{total * i / 4:.2f} s</text>"
        for i in range(5)
    )
    keys = (
        f'<span class="key" style="background:{color}"></span>{what}'
        for color, what in _MARKS.values()
    )
    return _svg(90, content, "what the JIT did, and when") + f"<p>{''.join(keys)}</p>"


def _compile(row: CompileRow, x: Callable[[float], float]) -> str:
    begin = row.at - row.seconds
    title = f"{row.label}: {row.nodes} instructions, {1e3 * row.seconds:.1f} ms"
    return _box(x(begin), 27, x(row.at) - x(begin), 15, "#d05040", title)


def _stacks(profile: Measured) -> str:
    """Routines under those that call them, as wide as the time in them and below."""
    root = tree(profile.stacks)
    if not root.inner:
        return "<p>no sample fell into guest code</p>"
    boxes: list[str] = []
    todo, deepest = [(root, 0.0, 0)], 0
    while todo and len(boxes) < MOST_BOXES:
        node, x, row = todo.pop()
        wide, y, title = WIDTH * node.share, 18 * row, f"{node.name} {percent(node.share)}"
        boxes.append(_box(x, y, wide - 0.5, 17, color_of(node.name, row), title))
        if fitting := node.name[: int(wide / 7)]:
            boxes.append(f'<text x="{x + 3:.1f}" y="{y + 13}">{escape(fitting)}</text>')
        deepest = max(deepest, row)
        for inner in node.inner.values():
            if WIDTH * inner.share >= NARROWEST:
                todo.append((inner, x, row + 1))
            x += WIDTH * inner.share
    return _svg(18 * (deepest + 1), boxes, "call stacks")


def _heat(rows: Sequence[MemoryRow]) -> str:
    """The code space as squares of 256 bytes, 64 in a row, from the first to the last used."""
    if not rows:
        return "<p>nothing is known of it</p>"
    columns = 64
    size = WIDTH / columns
    last = max(row.address for row in rows) // 256
    hottest = max(row.executed for row in rows) or 1.0
    boxes = [_box(i % columns * size, i // columns * size, size - 1, size - 1, "#8882",
                  f"{i * 256:04x}") for i in range(last + 1)]  # fmt: skip
    for row in rows:
        i = row.address // 256
        title = (
            f"{row.address:04x} {row.label}: {percent(row.executed)} executed, {row.code} bytes "
            f"compiled, {row.modified} self-modified, {row.changed} changed, "
            f"{row.reads} reads and {row.writes} writes in compiled code"
        )
        color = "#4080d088" if row.changed or row.writes else "#8884"
        if row.executed:
            strength = 0.25 + 0.75 * (row.executed / hottest) ** 0.5
            color = f"rgba(208, 64, 32, {strength:.2f})"
        boxes.append(
            _box(i % columns * size, i // columns * size, size - 1, size - 1, color, title)
        )
    chart = _svg(size * (last // columns + 1), boxes, "heat of memory")
    return (
        f'{chart}<p><span class="key" style="background:#d04020"></span>executed'
        '<span class="key" style="background:#4080d088"></span>written</p>'
    )

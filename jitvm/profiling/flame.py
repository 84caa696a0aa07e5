"""Call stacks as a tree, and what draws it: a flame graph and an icicle.

    StackRow (main, read, next) 20 ms  -->  Node main > Node read > Node next: 20 ms
                                       -->  a trace of plotly's, for a page or the dashboard

The page has plotly's script inside, as its package ships it: it works from disk and without a
network. With a second profile, boxes are coloured by how much their share has changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from jitvm.profiling.rows import StackRow
from jitvm.profiling.summary import percent

MOST_BOXES = 5_000
"""The largest ones are drawn."""
_PALETTE = ("#e05a33", "#e8793a", "#ee9440", "#f2ad4b", "#d9683c", "#f0b95f")
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; \
script-src 'unsafe-inline'; img-src data: blob:">
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body {{ font: 15px/1.45 system-ui, sans-serif; margin: 1rem; }}
h1 {{ font-size: 1.2rem; font-weight: 500; }} #chart {{ height: {height}px; }}
button {{ font: inherit; }}
</style></head><body>
<h1>{title}</h1>
<p>{note} A click on a box shows it with what it calls; a click on the one at the root goes back.
<button id="turn">flame graph or icicle</button></p>
<div id="chart"></div>
<script>{script}</script>
<script>
const trace = {trace};
const layout = {{ margin: {{ t: 10, l: 0, r: 0, b: 0 }} }};
const chart = document.getElementById("chart");
Plotly.newPlot(chart, [trace], layout, {{ responsive: true, displaylogo: false }});
document.getElementById("turn").addEventListener("click", () => {{
  const flip = chart.data[0].tiling.flip === "y" ? "" : "y";
  Plotly.restyle(chart, {{ "tiling.flip": flip }});
}});
</script></body></html>
"""


def charts_script() -> Path | None:
    """The script of the chart library; None if it is not installed. Nothing is imported."""
    spec = find_spec("plotly")
    folders = () if spec is None else spec.submodule_search_locations or ()
    paths = (Path(folder, "package_data", "plotly.min.js") for folder in folders)
    return next((path for path in paths if path.is_file()), None)


# -- the tree ------------------------------------------------------------------------------------


@dataclass(slots=True)
class Node:
    """A routine where certain others have called it: the time in it and below."""

    name: str
    seconds: float = 0.0
    share: float = 0.0
    inner: dict[str, Node] = field(default_factory=dict)

    def walk(self, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Node]]:
        """All nodes, each with the names of those around it."""
        todo = [(path, self)]
        while todo:
            around, node = todo.pop()
            yield around, node
            todo += [((*around, node.name), inner) for inner in node.inner.values()]

    @property
    def depth(self) -> int:
        """Nodes that stand upon each other."""
        return max(len(path) for path, _ in self.walk()) + 1


def tree(stacks: Iterable[StackRow]) -> Node:
    """All stacks, under a node for all of the guest's code."""
    root = Node("all")
    for row in stacks:
        node = root
        for name in ("", *row.frames):
            if name:
                node = node.inner.setdefault(name, Node(name))
            node.seconds += row.seconds
            node.share += row.share
    return root


def color_of(name: str, depth: int) -> str:
    """The colour of a routine: the same wherever it is; grey for all of them together."""
    return _PALETTE[sum(name.encode()) % len(_PALETTE)] if depth else "#d8dce0"


# -- traces of plotly's --------------------------------------------------------------------------

Trace = dict[str, Any]


def flame_trace(root: Node, most: int) -> Trace:
    """The call stacks of one profile, at most so many boxes."""
    boxes = _boxes(root, most)
    colors = [color_of(node.name, len(path)) for path, node in boxes]
    said = [f"{percent(node.share)}, {node.seconds:.3f} s" for _, node in boxes]
    return _trace(boxes, colors, said)


def difference_trace(before: Node, root: Node, most: int) -> Trace:
    """The call stacks of a profile, coloured by the difference to one before."""
    old = {(*path, node.name): node.share for path, node in before.walk()}
    boxes = _boxes(root, most)
    colors, said = [], []
    for path, node in boxes:
        change = node.share - old.get((*path, node.name), 0.0)
        strength = min(1.0, 4 * abs(change))
        pale = round(235 - 175 * strength)
        colors.append(f"rgb({pale}, {pale}, 235)" if change < 0 else f"rgb(235, {pale}, {pale})")
        said.append(f"{percent(node.share)}, {100 * change:+.1f} points")
    return _trace(boxes, colors, said)


def _boxes(root: Node, most: int) -> list[tuple[tuple[str, ...], Node]]:
    """The nodes that are drawn, those around others first."""
    nodes = sorted(root.walk(), key=lambda each: (-each[1].share, len(each[0])))[:most]
    return sorted(nodes, key=lambda each: len(each[0]))


def _own(node: Node, path: tuple[str, ...], drawn: dict[tuple[str, ...], str]) -> float:
    """The share of a node less those of the boxes that are drawn upon it."""
    upon = ((*path, node.name, name) in drawn and inner.share
            for name, inner in node.inner.items())  # fmt: skip
    return max(0.0, node.share - sum(upon))


def _trace(boxes: list[tuple[tuple[str, ...], Node]], colors: list[str], said: list[str]) -> Trace:
    numbers = {(*path, node.name): str(i) for i, (path, node) in enumerate(boxes)}
    return {
        "type": "icicle",
        "ids": list(numbers.values()),
        "labels": [escape(node.name) for _, node in boxes],
        "parents": [numbers[path] if path else "" for path, _ in boxes],
        "values": [_own(node, path, numbers) for path, node in boxes],
        "customdata": said,
        "branchvalues": "remainder",
        "sort": False,
        "tiling": {"orientation": "v", "flip": "y", "pad": 1},
        "marker": {"colors": colors},
        "hovertemplate": "%{label}<br>%{customdata}<extra></extra>",
        "texttemplate": "%{label}",
        "pathbar": {"visible": False},
    }


# -- pages ---------------------------------------------------------------------------------------


def flame_page(title: str, stacks: list[StackRow], script: str) -> str:
    """A page with the call stacks of one profile."""
    root = tree(stacks)
    note = "Sampled: a box is as wide as the time in a routine and in what it calls."
    return _page(f"Call stacks of {title}", note, root, flame_trace(root, MOST_BOXES), script)


def difference_page(title: str, before: list[StackRow], after: list[StackRow], script: str) -> str:
    """A page with the call stacks of a profile, coloured by the difference to one before."""
    root = tree(after)
    note = "As wide as in the second profile; red has a larger share than in the first, blue less."
    trace = difference_trace(tree(before), root, MOST_BOXES)
    return _page(title, note, root, trace, script)


def _page(title: str, note: str, root: Node, trace: Trace, script: str) -> str:
    text = json.dumps(trace).replace("<", "\\u003c")
    height = min(4000, max(300, 24 * root.depth + 60))
    return _PAGE.format(
        title=escape(title), note=escape(note), height=height, script=script, trace=text
    )

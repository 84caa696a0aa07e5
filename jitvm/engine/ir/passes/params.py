"""Block parameters that always get the same value become that value.

    join(%3, %7)          every edge passes %1 for the first:      join(%7)
      use %3                                                         use %1

Solved optimistically, so a value that merely travels around loops is found as well: each parameter
starts as unknown, takes the first value that reaches it, and becomes itself when a second one does.
Source: Click and Cooper, Combining Analyses, Combining Optimizations (1995), for one analysis.
"""

from __future__ import annotations

from jitvm.engine.ir.graph import Block, Branch, Exit, Goto, Graph, Value
from jitvm.engine.ir.ops import Op


def remove_trivial_params(graph: Graph) -> None:
    """Replace parameters that have one source, and drop them and their arguments."""
    edges = [goto for block in graph.blocks for goto in block.targets()]
    known = _solve(edges)
    replaced = {param: value for param, value in known.items() if value is not param}
    if not replaced:
        return
    _drop(graph.blocks, edges, replaced)
    substitute(graph, replaced)


def _solve(edges: list[Goto]) -> dict[Value, Value]:
    """What each parameter is: itself, or the one value that reaches it."""
    known: dict[Value, Value] = {}
    changed = True
    while changed:
        changed = False
        for goto in edges:
            for param, arg in zip(goto.block.params, goto.args, strict=True):
                value = known.get(arg) if arg.op is Op.PARAM else arg
                now = known.get(param)
                if value is None or now is param or now is value:
                    continue
                known[param] = value if now is None else param
                changed = True
    return known


def _drop(blocks: list[Block], edges: list[Goto], replaced: dict[Value, Value]) -> None:
    for goto in edges:
        goto.args = [
            arg
            for param, arg in zip(goto.block.params, goto.args, strict=True)
            if param not in replaced
        ]
    for block in blocks:
        block.params = [param for param in block.params if param not in replaced]


def substitute(graph: Graph, replaced: dict[Value, Value]) -> None:
    """Use other values in the place of some, everywhere."""

    def of(value: Value) -> Value:
        return replaced.get(value, value)

    for exit_ in exits_of(graph):
        exit_.pc = of(exit_.pc)
        exit_.slots = tuple((i, at, size, of(word)) for i, at, size, word in exit_.slots)
        exit_.pointers = tuple(p if isinstance(p, int) else of(p) for p in exit_.pointers)
    for block in graph.blocks:
        for value in block.values:
            value.args = tuple(of(arg) for arg in value.args)
        if isinstance(block.end, Branch):
            block.end.condition = of(block.end.condition)
        for goto in block.targets():
            goto.args = [of(arg) for arg in goto.args]


def substitute_merged(graph: Graph, passed: dict[Value, Value]) -> None:
    """Use what edges passed in the place of parameters of blocks that were joined to others.

    What was passed may be a parameter that went as well.
    """

    def last(value: Value) -> Value:
        while value in passed:
            value = passed[value]
        return value

    if passed:
        substitute(graph, {param: last(param) for param in passed})


def exits_of(graph: Graph) -> list[Exit]:
    """Every exit of a graph, each once."""
    found: dict[int, Exit] = {}
    for block in graph.blocks:
        ends = [block.end]
        if isinstance(block.end, Branch):
            ends = [block.end.yes, block.end.no]
        for end in (*ends, *(value.exit for value in block.values)):
            if isinstance(end, Exit):
                found[id(end)] = end
    return list(found.values())

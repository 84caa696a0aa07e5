"""Blocks reached by only one edge are merged with the block it comes from.

    b1: ...             b1: ...
      goto b2      =      x
    b2:                   branch
      x
      branch

Forming makes a block for each way of a branch and for each join; most are a `goto` and nothing
else. Parameters of a merged block become what the edge passed.
"""

from __future__ import annotations

from jitvm.engine.ir.graph import Block, Branch, Exit, Goto, Graph, Value
from jitvm.engine.ir.passes.dominators import reverse_postorder
from jitvm.engine.ir.passes.params import substitute_merged


def merge_blocks(graph: Graph) -> None:
    """Join blocks to their only predecessors, and lead edges past empty blocks."""
    _skip_empty(graph)
    reached = count_edges(graph)
    merged: set[Block] = set()
    replaced: dict[Value, Value] = {}
    for block in graph.blocks:
        if block in merged:
            continue
        while isinstance(block.end, Goto) and reached[block.end.block] == 1:
            tail, args = block.end.block, block.end.args
            if tail is block:
                break
            absorb(block, tail, args, replaced)
            merged.add(tail)
    graph.blocks = reverse_postorder(graph)
    substitute_merged(graph, replaced)


def count_edges(graph: Graph) -> dict[Block, int]:
    """How many edges lead to each block."""
    reached: dict[Block, int] = {}
    for block in graph.blocks:
        for goto in block.targets():
            reached[goto.block] = reached.get(goto.block, 0) + 1
    return reached


def absorb(block: Block, tail: Block, args: list[Value], replaced: dict[Value, Value]) -> None:
    """Append a block to the only one that leads to it, which passed `args`.

    What its parameters become is noted in `replaced`, for `substitute_merged`.
    """
    replaced.update(zip(tail.params, args, strict=True))
    block.values += tail.values
    block.end = tail.end


def _skip_empty(graph: Graph) -> None:
    """Lead edges to blocks without parameters and values to where those go."""
    for block in graph.blocks:
        end = block.end
        if isinstance(end, Branch):
            end.yes, end.no = _beyond(end.yes), _beyond(end.no)
        elif end is not None:
            block.end = _beyond(end)
    graph.blocks = reverse_postorder(graph)


def _beyond(way: Goto | Exit) -> Goto | Exit:
    """Where a way leads past empty blocks."""
    passed = 0
    while isinstance(way, Goto) and not way.block.params and not way.block.values and passed < 64:
        end = way.block.end
        if isinstance(end, Branch) or end is None:
            return way
        way = Goto(end.block, end.args) if isinstance(end, Goto) else end
        passed += 1
    return way

"""Dominators: the blocks that every path to a block goes through.

    entry ── a ── b ── d          dominators of d: entry, a; not b, which c goes round
              └── c ──┘           its immediate dominator: a

Source: Cooper, Harvey and Kennedy, A Simple, Fast Dominance Algorithm (2001): visit blocks in
reverse postorder, and intersect the immediate dominators of the predecessors until nothing changes.
"""

from __future__ import annotations

from jitvm.engine.ir.graph import Block, Graph
from jitvm.engine.tables.struct import Struct


class Dominators(Struct, frozen=True):
    """Blocks that can be reached, in reverse postorder, by index into `order`.

    Attributes:
        order: blocks, the entry first; a block comes after those that dominate it.
        index: where a block stands in `order`; unreachable blocks are missing.
        parent: index of each block's immediate dominator; the entry's is itself.
        predecessors: indices of the blocks with an edge to each, an index twice for two edges.
    """

    order: tuple[Block, ...]
    index: dict[Block, int]
    parent: tuple[int, ...]
    predecessors: tuple[tuple[int, ...], ...]

    def children(self) -> list[list[int]]:
        """The dominator tree downwards."""
        below: list[list[int]] = [[] for _ in self.order]
        for at, parent in enumerate(self.parent[1:], 1):
            below[parent].append(at)
        return below

    def dominates(self, above: int, below: int) -> bool:
        """Whether every way to the second leads through the first; a block dominates itself."""
        while below > above:
            below = self.parent[below]
        return above == below


def dominators(graph: Graph) -> Dominators:
    """The dominator tree of a graph."""
    order = reverse_postorder(graph)
    index = {block: at for at, block in enumerate(order)}
    sources: list[list[int]] = [[] for _ in order]
    for at, block in enumerate(order):
        for goto in block.targets():
            sources[index[goto.block]].append(at)
    parent = [-1] * len(order)
    parent[0] = 0
    changed = True
    while changed:
        changed = False
        for at in range(1, len(order)):
            known = [source for source in sources[at] if parent[source] >= 0]
            common = known[0]
            for other in known[1:]:
                common = _meet(parent, common, other)
            if parent[at] != common:
                parent[at] = common
                changed = True
    return Dominators(tuple(order), index, tuple(parent), tuple(map(tuple, sources)))


def _meet(parent: list[int], a: int, b: int) -> int:
    """The closest common dominator of two blocks."""
    while a != b:
        if a > b:
            a = parent[a]
        else:
            b = parent[b]
    return a


def reverse_postorder(graph: Graph) -> list[Block]:
    """Blocks that can be reached, each before those it leads to, except in loops."""
    order: list[Block] = []
    entry = graph.blocks[0]
    seen = {entry}
    path = [(entry, entry.targets())]
    while path:
        block, ways = path[-1]
        if not ways:
            order.append(block)
            path.pop()
            continue
        target = ways.pop().block
        if target not in seen:
            seen.add(target)
            path.append((target, target.targets()))
    order.reverse()
    return order

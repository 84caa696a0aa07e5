"""Forming a region: from recorded edges to one graph.

A *node* is an instruction in a context:

    (pc, distance of each stack pointer from its place at entry, return addresses on the stacks)

The last part inlines calls: the return address that a call pushed is a constant, so the jump back
to it is a plain edge. Edges that reach the same node join there, so nested loops, both arms of a
branch and inlined callees are one graph. A place that is reached with several distances of the
pointers, such as a handler in an interpreter that uses the guest's own stack, is copied for some of
them (`depths`), for fewer if the region grows too large.

Forming follows recorded edges only, the most travelled first, until a limit; every other way is an
exit. Straight-line runs of nodes share a block. A node that a second edge reaches becomes a *join*:
a block whose parameters are the words on the stacks and the cells known there. Which nodes are
joins, how their stacks are split into words and which cells they carry is found by iteration:
whenever an edge needs more than a join offers, the join is extended and the whole attempt repeated.
Attempts are cheap (some microseconds per instruction), and everything only grows, so it terminates.

    attempt 1   discover nodes, joins            attempt 2, 3   the same with better joins

Source of the idea: trace trees and LuaJIT's loops, turned into a graph because Uxn programs are
made of small calls, and a linear trace cannot hold two arms of a branch.
"""

from __future__ import annotations

from jitvm.engine.ir.stacks import VirtualStack
from jitvm.engine.region.core import RegionState
from jitvm.engine.region.economy import Economy
from jitvm.engine.region.region import Edges, Join, Node
from jitvm.engine.region.world import Assumptions, Headroom, World
from jitvm.engine.tables.params import Parameters
from jitvm.guest import Guest
from jitvm.guest.light import Counter, cached_property


class Forming:
    """The forming of one region: what all attempts at it know, and what they have found out.

    Args:
        guest, world: the bytecode, and what is known of the machine.
        edges: recorded control flow.
        opcodes: recorded opcodes of each address, for addresses whose opcode is rewritten.
        params: limits.
        headroom: what the entry makes sure of; further away, instructions do so themselves.
        links: where other regions begin: it leaves for them instead of copying what they hold,
            if it would grow too large otherwise.

    Attributes:
        economy: what it does without, having grown too large.
        loops: joins that close a loop.
        plain: addresses of instructions that can only be placed if the ports they compute have no
            device, so that this is compared.
    """

    def __init__(
        self,
        guest: Guest,
        world: World,
        edges: Edges,
        opcodes: Edges,
        params: Parameters,
        headroom: Headroom | None = None,
        links: frozenset[int] = frozenset(),
    ) -> None:
        self.guest = guest
        self.world = world
        self.edges = edges
        self.opcodes = opcodes
        self.params = params
        self.economy = Economy(params, links)
        self.headroom = headroom or tuple((1 << 16, 1 << 16) for _ in guest.stacks)
        self.loops: set[Node] = set()
        self.plain: set[int] = set()
        self._joins: dict[Node, Join] = {}
        self._join_pcs = self._merging_addresses()

    def begin(self, start: int) -> None:
        """The region is entered at `start`: with an edge that leads there, two ways do."""
        if any(start in followers for followers in self.edges.values()):
            self._join_pcs.add(start)

    def begin_again(self) -> None:
        """What joins and loops are is found out once more, with fewer copies or with links."""
        self._joins.clear()
        self.loops.clear()

    def doubts(self, assumptions: Assumptions) -> bool:
        """Whether something proves to be no cell, in a region that stores through computed
        addresses: the guest was seen to write it, and the region only reads it.

        So the table of a program, whose first byte is read like a variable. The region would be
        left before such a store soon after its first entry, and thrown away.
        """
        found = self.world.written.among(assumptions.cells - assumptions.stores)
        if found:
            self.world = self.world.but(aliased=self.world.aliased | found)
        return bool(found)

    @cached_property
    def arrivals(self) -> Counter[int]:
        """How often each address was seen to be jumped to."""
        found: Counter[int] = Counter()
        memory, lengths = self.world.memory, self.guest.lengths
        for pc, followers in self.edges.items():
            following = (pc + lengths[memory[pc]]) & (self.guest.code_space.size - 1)
            for to, count in followers.items():
                if to != following:
                    found[to] += count
        return found

    def join_at(self, node: Node) -> Join | None:
        """The join that is at a node, if one was made."""
        return self._joins.get(node)

    def _merging_addresses(self) -> set[int]:
        """Addresses that control was seen to reach from more than one place."""
        sources: dict[int, int] = {}
        for followers in self.edges.values():
            for target in followers:
                sources[target] = sources.get(target, 0) + 1
        return {target for target, count in sources.items() if count > 1}

    def close_loop(self, node: Node) -> None:
        """A join turned out to close a loop."""
        self.loops.add(node)

    def is_join(self, node: Node) -> bool:
        return node[0] in self._join_pcs or node in self._joins

    def join_of(self, node: Node, state: RegionState) -> Join:
        """The join at a node, made after the first state that reaches it."""
        join = self._joins.get(node)
        if join is None:
            join = self._joins[node] = Join([[] for _ in self.guest.stacks], {}, state.headroom)
        self._extend(join, state)
        return join

    def _extend(self, join: Join, state: RegionState) -> bool:
        """Let a join offer what a state knows; whether that is more than it did."""
        headroom = tuple(
            (min(a, c), min(b, d))
            for (a, b), (c, d) in zip(join.headroom, state.headroom, strict=True)
        )
        more = headroom != join.headroom
        join.headroom = headroom
        for sizes, stack in zip(join.sizes, state.stacks, strict=True):
            missing = sum(size for _, size in stack.words) - sum(sizes)
            if missing > 0:
                sizes[:0] = _bottom_sizes(stack, missing)
                more = True
        left = self.params.cells - len(join.cells)
        for at, (_, size) in state.cells.items():
            if at not in join.cells and left > 0:
                join.cells[at] = size
                left -= 1
                more = True
        return more

    def needs_more(self, node: Node, state: RegionState) -> bool:
        """Extend a join that already has a block; the attempt must be repeated if it grew."""
        return self._extend(self._joins[node], state)

    def make_join(self, node: Node) -> None:
        self._joins.setdefault(node, Join([[] for _ in self.guest.stacks], {}, self.headroom))


def _bottom_sizes(stack: VirtualStack, count: int) -> list[int]:
    """Sizes of the lowest words of a stack that cover `count` bytes, each a size words have."""
    sizes: list[int] = []
    for _, size in stack.words:
        if count <= 0:
            break
        part = min(size, count)
        while part:
            piece = 1 << (part.bit_length() - 1)
            sizes.append(piece)
            part -= piece
        count -= size
    return sizes

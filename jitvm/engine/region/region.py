"""The result of forming a region: its graph, with what it assumes and covers.

See `jitvm.engine.region.forming` for how it is formed, `jitvm.engine.region.attempt` for one
attempt at it.
"""

from __future__ import annotations

from _collections_abc import Mapping

from jitvm.engine.region.world import Assumptions, Headroom
from jitvm.engine.tables.reasons import Reason
from jitvm.engine.tables.struct import Struct, fresh

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from jitvm.engine.ir.graph import Graph

Edges = Mapping[int, Mapping[int, int]]
"""How often control was seen to go from one address to another."""

ReturnAddresses = tuple[tuple[int, int, int], ...]
"""(stack, offset, return address) of each return address pending on a stack."""

Node = tuple[int, tuple[int, ...], ReturnAddresses]
"""An instruction in a context, as (pc, distances of the stack pointers, return addresses); see
`jitvm.engine.region.forming`. The context alone says nothing else, and there are thousands."""


class Join(Struct):
    """What a join's parameters are: sizes of each stack's words from its bottom up, and cells."""

    sizes: list[list[int]]
    cells: dict[int, int]
    headroom: Headroom


class Region(Struct):
    """A formed region: its graph, what it assumes, and what it covers.

    Attributes:
        start: the guest address where it is entered.
        ir: its graph; None of one that an earlier run has made.
        nodes: guest instructions in it, copies counted, by address.
        limits: limits that cut it, with how much recorded travel each cut off.
        loops: how many joins in it close a loop.
        attempts: how often it was tried until all joins fitted.
        cuts: addresses where it was cut because it grew too large, with their travel.
        returns: addresses of jumps back to whoever called before it was entered.
        entries: other addresses where it is entered, with how far the stack pointers there are
            from those at `start`.
    """

    start: int
    ir: Graph | None
    assumptions: Assumptions
    nodes: dict[int, int] = fresh(dict)
    limits: dict[Reason, int] = fresh(dict)
    cuts: dict[int, int] = fresh(dict)
    returns: set[int] = fresh(set)
    entries: dict[int, tuple[int, ...]] = fresh(dict)

    attempts: int = 1
    loops: int = 0

    @property
    def graph(self) -> Graph:
        """Its graph, of one that this run has formed."""
        assert self.ir is not None
        return self.ir

    @property
    def size(self) -> int:
        """Guest instructions, copies counted."""
        return sum(self.nodes.values())


class TooLarge(Exception):
    """A region reached its limit of instructions, but may be formed again with fewer copies of
    what other stack depths reach, or with links."""

"""What a region gives up once it has grown too large; it outlives the attempts at it.

    1  copied callees are shared: each is in it once    `shared`       quick compilations only
    2  places are copied for fewer stack depths         `depths`
    3  other regions are linked to, not copied          `is_linking`

When an attempt reaches the limit of instructions, it shows what it has made so far (a `Sketch`),
and the next of these that makes a difference to it is given up. Then the region is formed again.
Nothing that was given up is taken back, so forming terminates; once nothing is left to give up, the
region is cut.
"""

from __future__ import annotations

from jitvm.engine.region.region import Node, ReturnAddresses
from jitvm.engine.tables.params import Parameters
from jitvm.guest.light import Counter

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Collection


class Sketch:
    """What one attempt has made so far.

    Attributes:
        placed: nodes whose instructions are in the graph.
        planned: nodes that have a block, placed or not.
        callees: where the call before an address goes, for the calls among all jumps.
        tops: stack depths where a place in the program was met: an address, with the calls that
            are to be returned from, if any.
    """

    __slots__ = ("callees", "placed", "planned", "tops")

    def __init__(self, planned: Collection[Node]) -> None:
        self.placed: set[Node] = set()
        self.planned = planned
        self.callees: dict[int, int] = {}
        self.tops: dict[int | tuple[int, ...], set[tuple[int, ...]]] = {}


class Economy:
    """What one region may still copy.

    Args:
        params: limits.
        links: where other regions begin, which it may leave for.

    Attributes:
        shared: callees that are in the region only once.
        depths: stack depths that a place may be reached with.
        is_linking: whether it leaves for other regions instead of copying what they hold.
    """

    def __init__(self, params: Parameters, links: frozenset[int]) -> None:
        self.shared: set[int] = set()
        self.depths = params.depths
        self.is_linking = False
        self._params = params
        self._links = links

    def leaves_for(self, pc: int) -> bool:
        """Whether a region that begins at an address is left for."""
        return self.is_linking and pc in self._links

    def gives_up(self, sketch: Sketch) -> bool:
        """Do without something more; whether that changes what is in the sketch already."""
        if self._params.entries and self._share(sketch):
            return True
        if self.depths > 1:
            most = max(map(len, sketch.tops.values()))
            self.depths = max(min(self.depths, most) - 1, 1)
            if most > 1:
                return True
        if not self.is_linking:
            self.is_linking = True
            return any(node[0] in self._links for node in (*sketch.placed, *sketch.planned))
        return False

    def _share(self, sketch: Sketch) -> bool:
        """Have callees that were copied be there only once; whether there are any.

        One that is called at several stack depths has to be left for at all but the first.
        """
        params = self._params
        copies: dict[int, Counter[ReturnAddresses]] = {}
        depths: dict[int, set[tuple[int, ...]]] = {}
        for pc, tops, return_addresses in sketch.placed:
            callee = sketch.callees.get(return_addresses[-1][2]) if return_addresses else None
            if callee is not None:
                copies.setdefault(callee, Counter())[return_addresses] += 1
                if pc == callee:
                    depths.setdefault(pc, set()).add(tops)
        many = set()
        for callee, sizes in copies.items():
            is_worth_it = len(sizes) > 1 and max(sizes.values()) >= params.callee
            several = len(depths.get(callee, ()))
            if is_worth_it and (several == 1 or several * params.calls <= len(sizes)):
                many.add(callee)
        many -= self.shared
        self.shared |= many
        return bool(many)

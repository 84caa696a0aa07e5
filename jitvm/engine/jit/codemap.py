"""Which bytes of the code space the installed regions were made from, hold in values, or write.

    code map, a byte for each address:  CODE   some region has the byte baked in
                                        CELL   some region holds it in a value
                                        HIT    a region left before a store to it

Native stores check the code map and leave if they meet CODE or CELL; this is the other side: who
set the marks, and what has to go when one of them is met.
"""

from __future__ import annotations

from jitvm.engine.memory.layout import CELL, CODE, HIT, WIDEST
from jitvm.guest.light import Counter

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterable

    from jitvm.engine.region.world import Assumptions

_HAS_HIT = bytes([mark // HIT & 1 for mark in range(256)])
"""One for those bytes of the code map that have HIT."""


class CodeMap:
    """The code map of one machine, with the regions that its marks stand for.

    Args:
        view: the machine's code map, one byte for each address.
        watermark: one number, the highest address with a mark; 0 without any.

    Invariant: a byte has CODE, or CELL, if and only if an installed region claims it so, or, as for
    CODE, somebody else wants to be told of stores to it (`tell_of`).
    """

    def __init__(self, view: memoryview, watermark: memoryview) -> None:
        self.view = view
        self._watermark = watermark
        self._owners: dict[int, set[int]] = {}
        self._told: frozenset[int] = frozenset()
        self._stores: Counter[int] = Counter()
        self._cells: Counter[int] = Counter()

    def claim(self, start: int, assumptions: Assumptions) -> None:
        """A region that begins at `start` is installed."""
        for at in assumptions.code:
            self._owners.setdefault(at, set()).add(start)
            self.view[at] |= CODE
        self._stores.update(assumptions.stores)
        self._cells.update(assumptions.cells)
        for at in assumptions.cells:
            self.view[at] |= CELL
        highest = max(max(assumptions.code, default=0), max(assumptions.cells, default=0))
        self._watermark[0] = max(self._watermark[0], highest)

    def release(self, start: int, assumptions: Assumptions) -> None:
        """The region goes."""
        for at in assumptions.code:
            owners = self._owners[at]
            owners.discard(start)
            if not owners:
                del self._owners[at]
                if at not in self._told:
                    self.view[at] &= ~CODE & 0xFF
        self._stores.subtract(assumptions.stores)
        self._cells.subtract(assumptions.cells)
        for at in assumptions.cells:
            if self._cells[at] <= 0:
                self.view[at] &= ~CELL & 0xFF
        self._watermark[0] = max(0, len(self._marks().rstrip(b"\0")) - 1)

    def _marks(self) -> bytes:
        """All marks there are, for memory may be large and what has marks small: a store to the
        last of them leaves HIT on as many bytes as it writes."""
        return self.view[: self._watermark[0] + WIDEST].tobytes()

    def tell_of(self, addresses: frozenset[int]) -> None:
        """Have every store to these bytes look, whether regions were made from them or not.

        Installed regions that write some of them unguarded have to be removed by the caller.
        """
        for at in self._told - addresses - self._owners.keys():
            self.view[at] &= ~CODE & 0xFF
        for at in addresses:
            self.view[at] |= CODE
        self._told = addresses
        self._watermark[0] = max(self._watermark[0], max(addresses, default=0))

    def conflicts(self, assumptions: Assumptions, memory: memoryview | bytearray) -> set[int]:
        """Addresses for which a region must not be installed: bytes that are not what it was made
        from, and those that it or an installed region writes without looking."""
        code = assumptions.code
        changed = {at for at, byte in code.items() if memory[at] != byte}
        stored = {at for at in code if self._stores[at] > 0}
        watched = {at for at in assumptions.stores if self.view[at] & CODE}
        return changed | stored | watched | (assumptions.stores & code.keys())

    @property
    def watched(self) -> frozenset[int]:
        """Addresses that some region has baked in, or whose stores are told of."""
        return self._told.union(self._owners)

    def owners(self, at: int) -> Iterable[int]:
        """Where the regions begin that have a byte baked in."""
        return tuple(self._owners.get(at, ()))

    def watched_in(self, start: int, size: int) -> list[int]:
        """Those of some addresses, none beyond the end of memory, that regions have baked in."""
        # Devices write whole banks: look at the fewer bytes, those written or those watched.
        end = start + size
        if size > len(self._owners):
            return [at for at in self._owners if start <= at < end]
        return [at for at in range(start, end) if at in self._owners]

    def take_marked(self) -> set[int]:
        """Cells that stores through computed addresses were about to hit; their marks go."""
        marks = self._marks().translate(_HAS_HIT)
        marked = set()
        at = marks.find(1)
        while at >= 0:
            marked.add(at)
            self.view[at] &= ~HIT & 0xFF
            at = marks.find(1, at + 1)
        return marked

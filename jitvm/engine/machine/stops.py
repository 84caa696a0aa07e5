"""Where a native machine stops, and of which stores it tells: see `Machine.break_at`.

    code map     BREAK at each address to stop at; CODE at each byte whose stores are told of
    tables       stubs that look at BREAK, in the place of those that count
                 (`jitvm.engine.interpreter.breaks`); at opcodes to stop at, one that returns
    judge        asked before each such instruction
    passes       where the next run does not stop, having stopped there before

The tier that runs the machine asks; nothing here enters native code.
"""

from __future__ import annotations

from jitvm.engine.host.process import IMPORTS
from jitvm.engine.memory.layout import BREAK, CODE

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jitvm.engine.interpreter.breaks import BreakStubs
    from jitvm.engine.interpreter.filters import Filter
    from jitvm.engine.memory.block import Block
    from jitvm.engine.memory.cache import CodeCache


class Stops:
    """The stops of one machine.

    Args:
        block: its memory.
        cache: where the stubs are kept between runs.
        key: what the guest's interpreter was made from.

    Attributes:
        addresses, opcodes: of instructions to stop at.
        watched: bytes whose stores are told of.
        passes: where the next run does not stop; -1 for nowhere.
    """

    def __init__(self, block: Block, cache: CodeCache | None, key: str | None) -> None:
        self.addresses = self.opcodes = self.watched = frozenset[int]()
        self.passes = -1
        self._block = block
        self._cache = cache
        self._key = key
        self._judge: Callable[[int], bool] | None = None
        self._told: Callable[[int, int], object] | None = None
        self._stubs: BreakStubs | None = None
        self._tables: dict[str, bytes] = {}
        self._made_for: tuple[frozenset[int], dict[int, Filter]] = frozenset(), {}

    @property
    def is_on(self) -> bool:
        """Whether somebody wants to stop somewhere, or to be told of stores."""
        return bool(self.addresses or self.opcodes or self.watched)

    def tables(self, usual: dict[str, bytes]) -> dict[str, bytes]:
        """The dispatch tables, with stubs that look where the machine is to stop."""
        return usual | self._tables if self.addresses or self.opcodes else usual

    # -- set ---------------------------------------------------------------------------------

    @property
    def _marks(self) -> memoryview:
        layout = self._block.layout
        return self._block.view(layout.code_map, layout.size)

    def mark(self) -> None:
        """Set all marks, where they are not."""
        marks = self._marks
        for at in self.addresses:
            marks[at] |= BREAK
        for at in self.watched:
            marks[at] |= CODE

    def stop_at(
        self,
        addresses: frozenset[int],
        opcodes: frozenset[int],
        judge: Callable[[int], bool] | None,
        filters: Mapping[int, Filter],
    ) -> None:
        """Stop at these instructions in place of those before."""
        made_for = opcodes, dict(filters)
        if (addresses or opcodes) and (not self._tables or made_for != self._made_for):
            self._have_stubs(opcodes, filters)
            self._made_for = made_for
        marks = self._marks
        for at in self.addresses - addresses:
            marks[at] &= ~BREAK & 0xFF
        self.addresses, self.opcodes, self._judge = addresses, opcodes, judge
        self.mark()

    def _have_stubs(self, opcodes: frozenset[int], filters: Mapping[int, Filter]) -> None:
        with IMPORTS:
            from jitvm.engine.interpreter.breaks import break_stubs, filtering_stubs

        guest = self._block.layout.guest
        if filters:
            stubs = filtering_stubs(guest, filters)
        else:
            stubs = break_stubs(guest, self._cache, self._key)
        self._tables, self._stubs = stubs.tables(opcodes), stubs

    def tell_of(
        self, addresses: frozenset[int], told: Callable[[int, int], object] | None
    ) -> frozenset[int]:
        """Tell of stores to these bytes in place of those before; these are returned."""
        before, self.watched, self._told = self.watched, addresses, told
        return before

    def unmark(self, addresses: frozenset[int]) -> None:
        """Take the marks of bytes from the code map, where no region has any."""
        marks = self._marks
        for at in addresses - self.watched:
            marks[at] &= ~CODE & 0xFF

    # -- asked -------------------------------------------------------------------------------

    def written(self, address: int) -> None:
        """The guest has stored a byte: tell of it, if somebody wants to know."""
        if self._told is not None and address in self.watched:
            self._told(address, 1)

    def ends_at(self, pc: int, look: Callable[[], None]) -> bool:
        """Whether a run ends before the instruction at an address, which is one to stop at.

        Args:
            look: called before the judge is asked: to have the state as it is.
        """
        passes, self.passes = self.passes, -1
        if pc == passes:
            return False
        if self._judge is None:
            return True
        look()
        return self._judge(pc)

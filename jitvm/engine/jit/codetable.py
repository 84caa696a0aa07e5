"""Where taken jumps go while the JIT is on, and how often they were taken.

    code[pc]        the stub that counts and dispatches, or the entry of a region
    counters[pc]    jumps until the stub says that the address is hot, 16 bits

Both lie in the machine's block and are read by native code.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from jitvm.engine.memory.block import Block

MOST = 0xFFFF
"""What a counter holds at most: how wide it is in the block."""


class CodeTable:
    """Both tables of one machine.

    Args:
        block: its memory.
        counted: address of the stub that counts.
        hot: jumps to an address before a recording starts there.
    """

    def __init__(self, block: Block, counted: int, hot: int) -> None:
        layout = block.layout
        self._counted = counted
        self._code = block.words(layout.code, layout.size)
        self._code[:] = memoryview(counted.to_bytes(8, sys.byteorder) * layout.size).cast("Q")
        self._counters = block.view(layout.counters, 2 * layout.size).cast("H")
        self._counters[:] = memoryview(hot.to_bytes(2, sys.byteorder) * layout.size).cast("H")
        self._threshold = block.words(layout.fields["hot"], 1)
        self.hot = hot

    @property
    def hot(self) -> int:
        """Jumps to an address before a recording starts there; unless something else is said."""
        return self._threshold[0]

    @hot.setter
    def hot(self, jumps: int) -> None:
        self._threshold[0] = jumps

    def enter(self, at: int, address: int) -> None:
        """Have jumps to an address go to machine code."""
        self._code[at] = address

    def close(self, at: int) -> None:
        """Have nothing entered at an address; it may become hot again."""
        self._code[at] = self._counted
        self.arm(at)

    def arm(self, at: int, factor: int = 1) -> None:
        """Have an address be hot after so many times as many jumps as usual."""
        self._counters[at] = min(MOST, self.hot * factor)

    def set(self, at: int, jumps: int) -> None:
        """Have an address be hot after so many jumps to it."""
        self._counters[at] = jumps

    def count(self, at: int) -> bool:
        """Count a jump as the stub does; whether the address is hot now."""
        count = self._counters[at]
        self._counters[at] = (count - 1) & MOST
        return count == 1

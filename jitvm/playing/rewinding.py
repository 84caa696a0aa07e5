"""Going back in a run: states are taken while it is played, and put back one after the other.

How often they are taken depends on how long that takes: a hundredth of the time that frames have,
at most. So nobody has to switch it on.
"""

from __future__ import annotations

from math import ceil
from time import thread_time

from jitvm.platform.device import StateError
from jitvm.platform.frames import RATE

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from jitvm.platform.computer import Computer

EVERY = 4
"""Frames between two states, at least."""
COST = 0.01
"""Of the time that frames have, what taking states may take."""
MEMORY = 32 << 20
"""Bytes of states, unless somebody says else."""
PERIOD = EVERY / RATE / 2
"""Seconds between two states that are put back: twice as fast as they were taken."""


class Rewinder:
    """The states of a computer that is played.

    Args:
        computer: whose they are.
        memory: bytes that they may take; 0 for none.
    """

    def __init__(self, computer: Computer, memory: int) -> None:
        self._computer = computer
        self._is_off = memory == 0
        self._next = 0
        if not self._is_off:
            from jitvm.platform.states.ring import Ring

            self._ring = Ring(memory)

    def frame(self, number: int) -> None:
        """A frame is complete: take a state, if it is time for one."""
        if self._is_off or number < self._next:
            return
        from jitvm.platform.states.whole import take

        began = thread_time()
        try:
            self._ring.add(take(self._computer))
        except StateError:
            self._is_off = True
            return
        took = thread_time() - began
        self._next = number + max(EVERY, ceil(took * RATE / COST))

    def back(self) -> bool:
        """Put the latest state back; whether there was one.

        Raises:
            StateError: it cannot be put back, as a file is gone; the computer is as it was.
        """
        if self._is_off or not self._ring:
            return False
        from jitvm.platform.states.whole import replace

        replace(self._computer, self._ring.pop())
        self._next = self._computer.frames.number + EVERY
        return True

    def forget(self) -> None:
        """What was taken is of another program, or of another run."""
        self._next = 0
        if not self._is_off:
            self._ring.clear()

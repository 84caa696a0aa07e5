"""When a program shows nothing worth compiling: looking longer, then not at all for a while.

In code without loops of its own (a decision table, a pass over much generated code) a recording has
each branch once or twice. A region made from it would be left at the first branch that goes the
other way, soon after its entry; the program would be slower for it, and for all the regions that
come next. So such a recording is refused (`Reason.PASSING`): the next one is as long as may be, and
if that is no better, nothing is recorded for some time, each time twice as long. A machine that has
no regions runs without a JIT meanwhile.
"""

from __future__ import annotations

from time import perf_counter

from jitvm.engine.host.threads import started
from jitvm.engine.host.unpatched import sleep

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable

    from jitvm.engine.tables.params import Parameters


class Rest:
    """The rests of one machine.

    Args:
        wake: has the guest come back; called from another thread when a rest is over.

    Attributes:
        looks_longer: whether a short recording was refused, and none has been of use since.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._times = 0
        self._end = 0.0
        self.looks_longer = False

    @property
    def is_on(self) -> bool:
        """Whether nothing is looked for now."""
        return perf_counter() < self._end

    def refuse(self, params: Parameters) -> None:
        """A recording was of no use."""
        if not self.looks_longer:
            self.looks_longer = True
            return
        seconds = (params.rest << min(self._times, params.rests)) / 1000
        self._times += 1
        self._end = perf_counter() + seconds
        wake = self._wake

        def come_back() -> None:
            sleep(seconds)
            wake()

        if not started(come_back):
            self._end = 0.0  # nobody would end it

    def forget_threads(self) -> None:
        """In a child made by `fork`: nobody would end a rest."""
        if self.is_on:
            self._end = 0.0
            self._wake()

    def end(self) -> None:
        """Something was of use."""
        self.looks_longer, self._times, self._end = False, 0, 0.0

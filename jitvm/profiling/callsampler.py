"""Samples the call stacks of a machine while it runs, and nothing else: for live displays.

    pacer    every 20 ms in which the guest's thread is at work: wakes native code
    guest    when native code comes back: its return addresses    see `stacks`

The collector of profiles does the same, and knows from its spotter how much of the time was in
guest code. Here every sample counts as much as the others.
"""

from __future__ import annotations

from contextlib import ExitStack
from threading import Event as Flag
from threading import Thread
from time import perf_counter
from typing import TYPE_CHECKING

from jitvm.engine.machine.inspect import Inspector
from jitvm.engine.tables import events
from jitvm.profiling.listening import listening
from jitvm.profiling.regions import Regions
from jitvm.profiling.routines import rows_of
from jitvm.profiling.stacks import Stacks

if TYPE_CHECKING:
    from collections.abc import Callable

    from jitvm.engine.machine.inspect import Machine
    from jitvm.engine.tables.place import Naming
    from jitvm.profiling.rows import StackRow

INTERVAL = 0.02
"""Seconds between samples."""


class CallSampler:
    """Samples one machine between `begin` and `end`.

    Args:
        machine: which.
        is_at_work: whether its thread runs guest code now; called from any thread.
        at_stop: called on the guest's thread with each sample.
    """

    def __init__(
        self,
        machine: Machine,
        is_at_work: Callable[[], bool],
        at_stop: Callable[[], None] = lambda: None,
    ) -> None:
        self._machine = machine
        self._look = Inspector(machine)
        self._is_at_work = is_at_work
        self._at_stop = at_stop
        self._stacks = Stacks(machine)
        self._regions = Regions()
        self._attached = ExitStack()
        self._ended = Flag()
        self._asked = False
        self._began = perf_counter()
        self._pacer = Thread(target=self._pace, name="jitvm-calls", daemon=True)

    def begin(self) -> None:
        """Begin; on the guest's thread, or before it runs."""
        self._stacks.begin()
        self._regions.begin(self._look)
        self._attached.enter_context(listening(self._machine, self._on_event))
        self._machine.on_stop(self._on_stop)
        self._pacer.start()

    def end(self) -> None:
        """End; what was seen stays."""
        if self._ended.is_set():
            return
        self._ended.set()
        self._pacer.join()
        self._machine.on_stop(None)
        self._attached.close()

    @property
    def samples(self) -> int:
        """Samples that there are."""
        return self._stacks.taken

    def rows(self, naming: Naming) -> list[StackRow]:
        """Whole stacks, the most time first; from any thread."""
        look = None if self._ended.is_set() else self._look
        seconds = INTERVAL * self._stacks.taken
        return rows_of(self._stacks, self._regions.update(look), naming, seconds)

    def _pace(self) -> None:
        while not self._ended.wait(INTERVAL):
            if self._is_at_work():
                self._stacks.worked(perf_counter() - self._began, INTERVAL, {})
                self._asked = True
                self._machine.wake()

    def _on_stop(self, pc: int) -> None:
        if self._asked:
            self._asked = False
            region = self._regions.polled(self._look, pc)
            self._stacks.sample(perf_counter() - self._began, pc, region)
            self._at_stop()

    def _on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Installed):
            self._regions.installed(self._look, event.address)
        elif isinstance(event, events.Removed):
            self._regions.removed(self._look, event.number)

"""What looks at a run that others have begun, while somebody watches it.

    Bystander    the guest's thread, as its processor time tells of it
    Watching     the machine's run from now on, and what watchers ask about it

A machine counts and is sampled from where its native code next comes back, which `begin` asks for;
a program that waits is not looked at before it goes on.
"""

from __future__ import annotations

import time
from os.path import basename
from threading import Lock
from typing import TYPE_CHECKING

from jitvm.dashboard.console import Transcript
from jitvm.dashboard.looked import LookedAt
from jitvm.dashboard.runner import Activity
from jitvm.dashboard.sampler import Sampler
from jitvm.dashboard.target import Described
from jitvm.engine.tables.names import shown
from jitvm.engine.tables.params import Parameters
from jitvm.profiling.hosttime import HostTime

if TYPE_CHECKING:
    import threading

    from jitvm.dashboard.source import Message
    from jitvm.dashboard.target import Picture
    from jitvm.engine.machine.inspect import Machine
    from jitvm.platform import Platform, Program

BUSY = 0.3
"""Share of a processor from which on a thread is said to run."""
SHORTEST = 0.01
"""Seconds of which the share is taken, at least."""


class Bystander:
    """The thread of a guest that nobody here has a say in; a `jitvm.dashboard.runner.Worker`."""

    def __init__(self, thread: threading.Thread, params: Parameters) -> None:
        assert thread.ident is not None
        self.params = params
        self.counting = self.wants_counting = False
        self.trouble = ""
        self.host: HostTime | None = None
        self._clock = time.pthread_getcpuclockid(thread.ident)
        self._lock = Lock()
        self._began, self._cpu_began = time.monotonic(), time.clock_gettime(self._clock)
        self._last = self._began, self._cpu_began
        self._activity = Activity.RUNNING
        self._ended: tuple[float, float] | None = None

    @property
    def activity(self) -> Activity:
        """What the thread does: it runs if it has used its processor since the last look."""
        with self._lock:
            if self._ended is None:
                now, cpu = time.monotonic(), time.clock_gettime(self._clock)
                before, cpu_before = self._last
                if now - before >= SHORTEST:
                    is_busy = cpu - cpu_before > BUSY * (now - before)
                    self._activity = Activity.RUNNING if is_busy else Activity.WAITING
                    self._last = now, cpu
            return self._activity

    def account(self) -> tuple[float, dict[Activity, float]]:
        """A moment, and how long the thread has done what."""
        with self._lock:
            now = time.monotonic()
            end, cpu = self._ended or (now, time.clock_gettime(self._clock))
            ran = min(cpu - self._cpu_began, end - self._began)
            seconds = dict.fromkeys(Activity, 0.0)
            seconds[Activity.RUNNING] = ran
            seconds[Activity.WAITING] = end - self._began - ran
            seconds[Activity.ENDED] = now - end
            return now, seconds

    def end(self, trouble: str) -> None:
        """The run is over; on its thread."""
        with self._lock:
            self.trouble = trouble
            self._activity = Activity.FAILED if trouble else Activity.ENDED
            self._ended = time.monotonic(), time.clock_gettime(self._clock)


class Attended(Described):
    """A program that runs elsewhere; a `jitvm.dashboard.target.Seen`."""

    def __init__(self, platform: Platform, program: Program) -> None:
        super().__init__(platform, program)
        self.name = shown(basename(program.name))

    def picture(self) -> Picture | None:
        """Nobody but the run itself looks at its screen."""
        return None


class Watching(LookedAt):
    """Looks at a machine between `begin`, and `end` or `stop`.

    Args:
        machine: which; it runs.
        platform: of its guest.
        program: whose labels are told.
        params: of its JIT; None for the usual ones.
        thread: that runs it.
    """

    runner: Bystander

    def __init__(
        self,
        machine: Machine,
        platform: Platform,
        program: Program,
        params: Parameters | None,
        thread: threading.Thread,
    ) -> None:
        self.target = Attended(platform, program)
        self.runner = Bystander(thread, params or Parameters())
        self.sampler = Sampler(self.target)
        self.sampler.runner = self.runner
        self.transcript = Transcript()
        self._machine = machine
        self._meeting = Lock()
        self._is_over = False

    def begin(self) -> None:
        """Look, from where the machine next comes by."""
        self._machine.on_stop(self._meet)
        self._machine.wake()
        self.sampler.begin()

    def _meet(self, _pc: int) -> None:
        """On the guest's thread, between two of its instructions."""
        with self._meeting:
            if not self._is_over:
                self._look_at(self._machine)

    def _look_at(self, machine: Machine) -> None:
        machine.have_jit()
        machine.counting_interpreted = True
        host = self.runner.host = HostTime(machine, exact=False)
        host.attach()
        self.sampler.new_machine(machine, host.turn)
        with self.sampler.lock:
            run = self.sampler.run
            assert run is not None
            run.executed = machine.executed_now
            run.native = run.look.native_executed if run.look.has_jit else 0

    def end(self, trouble: str) -> None:
        """The run is over; on its thread."""
        self.runner.end(trouble)
        self._close()
        self._machine.on_stop(None)

    def stop(self) -> None:
        """Nobody looks any more, and the machine runs on as it did before."""
        self._close()
        self._machine.on_stop(self._part)
        self._machine.wake()

    def _close(self) -> None:
        with self._meeting:
            self._is_over = True
        self.sampler.close()
        if self.runner.host is not None:
            self.runner.host.detach()

    def _part(self, _pc: int) -> None:
        self._machine.counting_interpreted = False
        self._machine.on_stop(None)

    # -- what watchers ask for ---------------------------------------------------------------

    def hello(self) -> Message:
        """What stays as it is; nobody but the run itself has a say in it."""
        return {**self.facts(), "live": False, "attached": True}

    def stacks(self) -> Message:
        """Call stacks, as `jitvm.profiling.difference` compares them."""
        with self.sampler.lock:
            run = self.sampler.run
        rows = [] if run is None else run.stacks()
        return {
            "title": self.target.name,
            "stack_samples": 0 if run is None else run.calls.samples,
            "stacks": [
                {"frames": list(row.frames), "seconds": row.seconds, "share": row.share}
                for row in rows
            ],
        }

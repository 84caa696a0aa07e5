"""The guest's thread: runs a target in slices, so that it can be paused, stepped and restarted.

    commands, inputs  --deque-->  between two slices  -->  target.advance(SLICE)  -->  account

Nothing waits for this thread, nor does it wait for others: commands and inputs stay in queues until
it takes them, at most a slice later. `Activity` records how it spent its time, and may be read from
any thread.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from enum import StrEnum
from threading import Condition, Thread
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from jitvm.dashboard.target import InputError, Progress
from jitvm.profiling.hosttime import HostTime

if TYPE_CHECKING:
    from jitvm.dashboard.target import Target
    from jitvm.engine.machine.inspect import Machine
    from jitvm.engine.tables.params import Parameters

SLICE = 0.05
"""Seconds the guest runs before anything else is looked at."""
INPUTS = 4096
"""Inputs that wait; the oldest go."""
WORKS = 256
"""Steps and commands of the debugger that wait; likewise."""


class Activity(StrEnum):
    """What the guest's thread does."""

    RUNNING = "running"
    WAITING = "waiting"
    PAUSED = "paused"
    ENDED = "ended"
    FAILED = "failed"


OVER = frozenset((Activity.ENDED, Activity.FAILED))
"""Nothing more will happen but `restart`."""


class Worker(Protocol):
    """A guest's thread, for those who look at it from others.

    Attributes:
        counting, wants_counting, params, trouble, host: as `Runner` has them.
    """

    counting: bool
    wants_counting: bool
    params: Parameters
    trouble: str
    host: HostTime | None

    @property
    def activity(self) -> Activity:
        """What it does at this moment."""

    def account(self) -> tuple[float, dict[Activity, float]]:
        """A moment on the monotonic clock, and how long it has done what until then."""


class Runner:
    """Runs one target on a thread of its own.

    Args:
        target: what runs.
        params: for its machines.
        paused: whether to begin paused.
        counting: whether to count all instructions; else only interpreted ones, which is cheap.
        on_machine: called on the guest's thread with each new machine before it runs.

    Attributes:
        params: those of the machine, as soon as the guest's thread has come by.
        counting: whether the machine counts all instructions.
        wants_counting: whether it is to, from the next slice on; one that is over stays as it is.
        trouble: what ended a run that failed; empty otherwise.
        host: calls of the machine's Python devices; None before there is a machine.
    """

    def __init__(
        self,
        target: Target,
        params: Parameters,
        *,
        paused: bool,
        counting: bool,
        on_machine: Callable[[Machine], None],
    ) -> None:
        self._target = target
        self._on_machine = on_machine
        self.counting = self.wants_counting = counting
        self.params = params
        self.trouble = ""
        self.host: HostTime | None = None
        self._pause = paused
        self._works: deque[tuple[int, Callable[[], Progress]]] = deque(maxlen=WORKS)
        self._asked = self._at_work = 0
        self._interrupted = -1
        self._inputs: deque[Mapping[str, object]] = deque(maxlen=INPUTS)
        self._wants_restart = False
        self._closed = self._is_called = False
        self._changed = Condition()
        self._activity = Activity.PAUSED if paused else Activity.RUNNING
        self._since = monotonic()
        self._seconds = dict.fromkeys(Activity, 0.0)
        self._machine: Machine | None = None
        self._thread = Thread(target=self._live, name="jitvm-guest", daemon=True)

    # -- from any thread ---------------------------------------------------------------------

    def begin(self) -> None:
        """Make the machine and run it."""
        self._thread.start()

    @property
    def activity(self) -> Activity:
        """What the guest's thread does at this moment."""
        return self._activity

    def account(self) -> tuple[float, dict[Activity, float]]:
        """A moment on the monotonic clock, and how long it has done what until then."""
        with self._changed:
            now, seconds = monotonic(), dict(self._seconds)
            seconds[self._activity] += now - self._since
        return now, seconds

    def pause(self) -> None:
        """Stop at the end of the slice; the guest resumes from there."""
        with self._changed:
            self._pause, self._interrupted = True, self._asked
            self._call()

    @property
    def is_wanted(self) -> bool:
        """Whether what is being done on the guest's thread is to be cut short."""
        is_interrupted = self._at_work <= self._interrupted
        return is_interrupted or self._wants_restart or self._closed

    def perform(self, work: Callable[[], Progress]) -> None:
        """Have something done on the guest's thread; a pause asked for later cuts it short."""
        with self._changed:
            self._asked += 1
            self._works.append((self._asked, work))
            self._call()

    def resume(self) -> None:
        """Go on."""
        self.perform(self._go_on)

    def step(self, instructions: int) -> None:
        """Run so many instructions and pause; 0: a frame."""
        self.perform(lambda: self._step(instructions))

    def restart(self) -> None:
        """Start over on a new machine."""
        with self._changed:
            self._wants_restart = True
            self._works.clear()
            self._call()

    def change_params(self, params: Parameters) -> None:
        """Have the machine, and those after it, go on with other parameters."""
        with self._changed:
            self.params = params
            self._call()

    def count(self, *, on: bool) -> None:
        """Switch counting of all instructions on or off; regions are recompiled for it."""
        with self._changed:
            self.wants_counting = on
            self._call()

    def input(self, event: Mapping[str, object]) -> None:
        """Hand something over to the program."""
        with self._changed:
            self._inputs.append(event)
            self._call()

    def _call(self) -> None:
        """Make the guest's thread check for requests, even if it is about to sleep."""
        self._is_called = True
        self._changed.notify()

    def close(self) -> None:
        """End the thread; returns when it has ended."""
        with self._changed:
            self._closed = True
            self._call()
        if self._thread.ident is not None:
            self._thread.join()

    # -- on the guest's thread ---------------------------------------------------------------

    def _live(self) -> None:
        self._start_over()
        while self._is_open():
            if self._wants_restart:
                self._start_over()
            self._adopt_params()
            self._hand_over_inputs()
            if self._works:
                self._do_work()
            elif self._activity in OVER:
                self._sleep(None)
            elif self._pause:
                self._stand_still()
            else:
                self._take_slice()
        self._leave_devices()
        self._target.close()

    def _is_open(self) -> bool:
        """Whether to look what is wanted; a call from now on is one that `_sleep` wakes from."""
        self._is_called = False
        return not self._closed

    def _start_over(self) -> None:
        with self._changed:
            self._wants_restart = False
            self._inputs.clear()
        self.trouble = ""
        self._leave_devices()
        try:
            self._target.restart(self.params)
        except (OSError, RuntimeError, ValueError) as error:
            self._fail(error)
            return
        self._machine = machine = self._target.machine
        machine.counting_interpreted = True
        machine.counting = self.counting = self.wants_counting
        self.host = HostTime(machine, exact=False)
        self.host.attach()
        self._on_machine(machine)
        self._become(Activity.PAUSED if self._pause else Activity.RUNNING)

    def _leave_devices(self) -> None:
        """Restore the devices' own functions: the machine may belong to somebody else."""
        if self.host is not None:
            self.host.detach()

    def _adopt_params(self) -> None:
        if self._machine is None or self._activity in OVER:
            return
        if self.counting is not self.wants_counting:
            self._machine.counting = self.counting = self.wants_counting
        self._machine.change_params(self.params)

    def _hand_over_inputs(self) -> None:
        while self._inputs:
            try:
                self._target.input(self._inputs.popleft())
            except InputError:
                continue  # a page is out of step; the next input may be valid

    def _take_slice(self) -> None:
        self._become(Activity.RUNNING)
        if self.host is not None:
            self.host.turn()
        progress = self._try(lambda: self._target.advance(seconds=SLICE, instructions=None))
        if progress is Progress.WAITING:
            self._become(Activity.WAITING)
            self._sleep(self._target.rest())

    def _stand_still(self) -> None:
        self._at_work = self._asked + 1
        self._target.halt()
        self._become(Activity.PAUSED)
        self._sleep(None)

    def _go_on(self) -> Progress:
        with self._changed:
            self._pause &= self.is_wanted
        return Progress.RUNNING

    def _do_work(self) -> None:
        with self._changed:
            if not self._works:
                return  # it is to start over
            self._at_work, work = self._works.popleft()
        if self._activity not in OVER:
            self._become(Activity.RUNNING)
        self._try(work)

    def _step(self, instructions: int) -> Progress:
        if self._activity in OVER:
            return Progress.RUNNING
        if instructions:
            progress = self._target.advance(seconds=None, instructions=instructions)
        else:
            progress = self._target.step_frame()
        return progress if progress is Progress.ENDED else Progress.STOPPED

    def _try(self, work: Callable[[], Progress]) -> Progress:
        try:
            progress = work()
        except Exception as error:
            self._fail(error)
            return Progress.ENDED
        if progress is Progress.ENDED:
            self._become(Activity.ENDED)
        elif progress is Progress.STOPPED:
            self._pause = True
        return progress

    def _fail(self, error: Exception) -> None:
        self.trouble = str(error) or type(error).__name__
        self._become(Activity.FAILED)

    def _become(self, activity: Activity) -> None:
        if activity is self._activity:
            return
        with self._changed:
            now = monotonic()
            self._seconds[self._activity] += now - self._since
            self._since, self._activity = now, activity

    def _sleep(self, seconds: float | None) -> None:
        """Wait until the time is over or there is a request."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_called, seconds)

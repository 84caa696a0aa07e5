"""Samples a running machine periodically without slowing it down.

    fast beat   ten times a second: instructions by tier, what the thread did, new regions
    slow beat   counters of all regions, ranked exits, links, refusals, call stacks, heat of memory

The slow beat runs only while there are viewers, and as rarely as needed for all beats together to
cost at most a fiftieth of one processor: with five regions twice a second, with thousands every few
seconds. All viewers share its results.
"""

from __future__ import annotations

from contextlib import ExitStack
from threading import Event as Flag
from threading import Lock, Thread
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, Any

from jitvm.dashboard import tables
from jitvm.dashboard.journal import Journal
from jitvm.dashboard.regions import RegionTable
from jitvm.dashboard.runner import OVER, Activity
from jitvm.dashboard.series import Cost, Part, Sample, Series
from jitvm.dashboard.target import line_of
from jitvm.engine.machine.inspect import Inspector
from jitvm.engine.tables import events
from jitvm.profiling.callsampler import CallSampler
from jitvm.profiling.listening import listening

if TYPE_CHECKING:
    from collections.abc import Callable

    from jitvm.dashboard.runner import Worker
    from jitvm.dashboard.source import Message
    from jitvm.dashboard.target import Seen
    from jitvm.engine.machine.inspect import Machine
    from jitvm.profiling.rows import StackRow

BEAT = 0.1
"""Seconds between fast beats."""
QUICKEST = 0.5
"""Seconds between slow beats at least."""
COST = 50
"""A slow beat of one second would be followed by so many without one."""


class Run:
    """What is known of one machine's run; `number` rises with each restart.

    Attributes:
        slow: tables of the last slow beat, by name, and how often one was made.
        calls: what samples its call stacks.
        is_counted: whether all instructions were counted from the first one on.
        compile_seconds: what all compiles took, also of what was never installed.
        ended: when the program ended, in seconds since the run began; None before.
    """

    def __init__(
        self, number: int, machine: Machine, target: Seen, began: float, calls: CallSampler
    ) -> None:
        self.number = number
        self.machine = machine
        self.look = Inspector(machine)
        self.began = began
        self._naming = target.place
        self.journal = Journal()
        self.series = Series()
        self.regions = RegionTable(target.place)
        self.beats = 0
        self.slow: dict[str, Any] = {
            "exits": [], "aborts": [], "graph": {}, "reasons": {}, "calls": {},
        }  # fmt: skip
        self.heat = b""
        self.heat_serial = 0
        self.native = self.executed = 0
        self.devices = Part()
        self.cost = Cost()
        self.is_counted = True
        self.compile_seconds = 0.0
        self.ended: float | None = None
        self.jit_began = 0.0
        self.calls = calls
        self._attached = ExitStack()
        self._attached.enter_context(listening(machine, self.journal))
        calls.begin()

    def end(self) -> None:
        """Nobody looks at it any more; what was seen stays."""
        self.calls.end()
        self._attached.close()

    def stacks(self) -> list[StackRow]:
        """Its call stacks so far."""
        return self.calls.rows(self._naming)

    @property
    def now(self) -> float:
        """Seconds since it began; constant once it has ended."""
        return monotonic() - self.began if self.ended is None else self.ended

    def told(self, event: events.Event) -> Message:
        """An event as a page has it: by the run's clock, and as a line with labels."""
        seconds = round(event.seconds + self.jit_began, 5)
        _, _, about = event.line(self._name).lstrip().partition(" ")
        return {**event.row(), "seconds": seconds, "line": f"{seconds:9.4f} {about}"}

    def _name(self, address: int) -> str:
        place = self._naming(address)
        line = line_of(place)
        return f"{place} ({line})" if line else str(place)


class Sampler:
    """Samples one runner's machines on a thread of its own.

    Args:
        target: what is looked at.
        after_beat: called after each fast beat, on the sampler's thread.

    Attributes:
        runner: whose thread and machines these are; to be set before `begin`.
        is_asked: whether the next beat is to be a slow one, whenever the last was.
        lock: held while `run` changes, and by readers of it.
        run: the current run; None before the first machine is created.
        viewers: pages that look.
    """

    def __init__(self, target: Seen, after_beat: Callable[[Run], None] | None = None) -> None:
        self._target = target
        self.after_beat = after_beat
        self.runner: Worker | None = None
        self.lock = Lock()
        self.run: Run | None = None
        self.viewers = 0
        self.is_asked = False
        self._runs = 0
        self._closed = Flag()
        self._next_slow = 0.0
        self._last: tuple[float, dict[Activity, float], int] = (0.0, {}, 0)
        self._was_counting = False
        self._cursor = 0
        self._compile_debt = 0.0
        self._hot_since: float | None = None
        self._thread = Thread(target=self._live, name="jitvm-sampler", daemon=True)

    def begin(self) -> None:
        """Start looking."""
        self._thread.start()

    def close(self) -> None:
        """Look one last time, and end the thread."""
        self._closed.set()
        if self._thread.ident is not None:
            self._thread.join()
        self.is_asked = True
        self.beat()
        if self.run is not None:
            self.run.end()

    def new_machine(self, machine: Machine, at_stop: Callable[[], None] = lambda: None) -> None:
        """The runner made a machine: a new run begins. On the guest's thread.

        Args:
            machine: which.
            at_stop: called there with each sample of its call stacks.
        """
        assert self.runner is not None
        runner = self.runner
        now, seconds = runner.account()
        if self.run is not None:
            self.run.end()
        calls = CallSampler(machine, lambda: runner.activity is Activity.RUNNING, at_stop)
        with self.lock:
            self._runs += 1
            self.run = Run(self._runs, machine, self._target, now, calls)
            self._cursor = 0
            self._compile_debt = 0.0
            self._hot_since = None
            self._last = (now, seconds, 0)
            self._was_counting = self.runner.counting

    def _live(self) -> None:
        while not self._closed.wait(BEAT):
            self.beat()

    def beat(self) -> None:
        """Look once."""
        with self.lock:
            run = self.run
            if run is None:
                return
            run.regions.refresh(run.look, run.now)
            self._look(run)
            due = self.is_asked or (self.viewers and monotonic() >= self._next_slow)
            if run.look.has_jit and due:
                self._slow_beat(run)
        if self.after_beat is not None:
            self.after_beat(run)

    # -- fast --------------------------------------------------------------------------------

    def _look(self, run: Run) -> None:
        """Add a sample; the last one of a run extends to its end."""
        sample, idle = self._sample(run)
        if run.ended is None:
            sample.end -= idle
            sample.span -= idle
            run.series.add(sample)
            run.is_counted &= not sample.running or sample.counted >= sample.span
            # Until the guest's thread begins with it, it is the run before that is over.
            if idle and any(each.running or each.paused for each in run.series.samples):
                run.ended = sample.end

    def _sample(self, run: Run) -> tuple[Sample, float]:
        """What happened since the last look, and how much of that time the run was over."""
        assert self.runner is not None
        before, seconds_before, events_before = self._last
        now, seconds = self.runner.account()
        total = run.journal.total
        self._last = (now, seconds, total)
        executed = max(run.machine.executed_now - run.executed, 0)
        native = run.look.native_executed - run.native if run.look.has_jit else 0
        sample = Sample(now - run.began, span=now - before, events=total - events_before)
        # A region that goes while they are added up is missed this time and found the next: what
        # comes late is reported late, so that both tiers always add up to what was executed.
        sample.native = min(max(native, 0), executed)
        sample.interpreted = executed - sample.native
        run.native, run.executed = run.native + sample.native, run.executed + executed
        spent = {each: seconds[each] - seconds_before[each] for each in seconds}
        sample.running = spent[Activity.RUNNING]
        sample.waiting = spent[Activity.WAITING]
        sample.paused = spent[Activity.PAUSED]
        idle = min(sum(spent[each] for each in OVER), sample.span)
        was_counting, self._was_counting = self._was_counting, self.runner.counting
        has_native = run.regions.version > 0
        if not has_native or (was_counting and self.runner.counting):
            sample.counted = sample.span - idle
            has_native = native > 0
        if self.runner.host is not None:
            sample.devices = run.devices.of(sample.running, self.runner.host.seconds)
        if run.look.has_jit and run.ended is None:
            run.jit_began = run.now - run.look.now
        self._look_at_events(run, sample)
        run.cost.part(sample, has_native=has_native)
        return sample, idle

    def _look_at_events(self, run: Run, sample: Sample) -> None:
        """How long was recorded and compiled since the last look."""
        news = run.journal.since(self._cursor, 4096)
        self._cursor = news.cursor
        for event in news.events:
            match event:
                case events.Hot(seconds=at):
                    self._hot_since = at
                case events.Recorded(seconds=at) if self._hot_since is not None:
                    sample.recording += at - self._hot_since
                    self._hot_since = None
                case events.Compiled():
                    self._compile_debt += event.took
                    run.compile_seconds += event.took
        sample.recording = min(sample.recording, sample.running - sample.devices)
        sample.compiling = min(self._compile_debt, sample.span)
        self._compile_debt -= sample.compiling

    # -- slow --------------------------------------------------------------------------------

    def _slow_beat(self, run: Run) -> None:
        began = perf_counter()
        counters = run.look.counters()
        table, naming = run.regions, self._target.place
        table.count(counters)
        run.slow = {
            "exits": tables.exits(table, counters, naming),
            "reasons": tables.exit_reasons(table, counters),
            "aborts": tables.aborts(table, counters, run.journal, naming),
            "graph": tables.graph(table, counters, run.look.inner_entries()),
            "calls": tables.calls(run.calls.samples, run.stacks()),
        }
        heat = tables.heat(run.look, run.journal.places()[1])
        if heat != run.heat:
            run.heat, run.heat_serial = heat, run.heat_serial + 1
        run.beats += 1
        self.is_asked = False
        self._next_slow = monotonic() + max(QUICKEST, COST * (perf_counter() - began))

"""A run that can be gone back in: the computer, what it was told, what it was answered, snapshots.

    acts       what the computer was told to do (`acts`), with the user's input
    tape       what the host answered: the clock, files (`jitvm.platform.tape`)
    moments    snapshots of the computer here and there (`moments`)
    edits      what the user changed, and when

The same acts with the same answers are the same run, to the instruction, at every tier. So any
time is reached from the moment before it, by running on from there; what the program writes on
the way was written already, and is dropped (`Sink`). Nothing of this depends on breakpoints: who
wants none on the way does not look at them.

Where the program stops is always before an instruction: an act that ends there goes over into the
next one, unless there is none. So a time says all about where a run is.

A change of the past is a new future: what was known of the old one is forgotten, and input that
it had read will come again.
"""

from __future__ import annotations

import time as clock
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from enum import Enum
from math import inf
from typing import TYPE_CHECKING

from jitvm.debugger.acts import Act, Kind, Source
from jitvm.debugger.moments import Moment, Moments, packed, unpacked
from jitvm.guest import Stop
from jitvm.platform.evaluator import Ending, LimitReached

if TYPE_CHECKING:
    from jitvm.engine.machine.watch import Watch
    from jitvm.platform.computer import Computer

MEMORY = 64 << 20
"""Bytes of snapshots, unless somebody says else."""
INTERVAL = 0.1
"""Seconds of running between two of them."""
FIRST_SLICE = 1 << 20
LONGEST_SLICE = 1 << 36
NEAR = 5_000
"""Instructions before a time that is gone back to where a snapshot is taken: more steps follow."""
FAR = 4 * NEAR
MOST_IDLE = 600
"""Acts without an instruction after which a program is taken to wait: ten seconds of frames."""


class End(Enum):
    """Why a run came back."""

    BREAK = "break"
    TIME = "time"
    """It is the time that was asked for."""
    ENDED = "ended"
    """The program has ended by itself."""
    WAITS = "waits"
    """It waits for input."""
    PAUSED = "paused"


class Sink:
    """A stream for output that is written once, however often the program writes it."""

    def __init__(self, pass_on: Callable[[bytes], object]) -> None:
        self._pass_on = pass_on
        self.written = self.heard = 0

    def write(self, data: bytes, /) -> None:
        """What is new of it is passed on."""
        new = data[max(self.heard - self.written, 0) :]
        self.written += len(data)
        if new:
            self.heard = self.written
            self._pass_on(new)

    def flush(self) -> None:
        """Nothing is kept back."""


@dataclass(frozen=True, slots=True)
class _Edit:
    time: int
    act: int
    change: Callable[[], object]
    spans: frozenset[int]


class History:
    """A computer's run, from its start to wherever it has got.

    Args:
        computer: one that has not run; its output goes to `sinks`.
        source: its input.
        sinks: its standard output and standard error.
        memory: bytes of snapshots that are kept.

    Attributes:
        moments: the snapshots.
        horizon: the latest time that is known.
        is_quiet: whether the run is only going somewhere: nothing is to stop it.
        on_way: called every now and then where the run comes to new times, by the thread that runs:
            for who shows how far it is.
        is_wanted: whether it is to come back soon; asked now and then, while it runs.
        on_far_way: what a long run that only goes somewhere is made in.
    """

    def __init__(
        self, computer: Computer, source: Source, sinks: tuple[Sink, Sink], memory: int = MEMORY
    ) -> None:
        self.computer = computer
        self.source = source
        self.moments = Moments(memory)
        self.horizon = 0
        self.is_quiet = False
        self.on_way: Callable[[], object] = lambda: None
        self.is_wanted: Callable[[], bool] = lambda: False
        self.on_far_way: Callable[[], AbstractContextManager[object]] = nullcontext
        self._sinks = sinks
        self._machine = computer.machine
        self._machine.counting = True
        self._tape = computer.tape()
        self._base = -self._machine.executed
        self._acts: list[Act] = []
        self._edits: list[_Edit] = []
        self._act = self._fed = self._edit = 0
        self._vector = -1
        self._is_begun = self._is_paused = False
        self._watch: Watch | None = None
        self._going_on: Moment | None = None
        self._slice = FIRST_SLICE
        self._noted = clock.thread_time()
        computer.evaluator.on_begin = self._on_begin
        self._note()

    # -- where it is -------------------------------------------------------------------------

    @property
    def time(self) -> int:
        """Instructions executed up to now."""
        return self._base + self._machine.executed

    @property
    def act(self) -> Act | None:
        """The act at hand; None before the first."""
        return self._acts[self._act] if self._act < len(self._acts) else None

    @property
    def is_running(self) -> bool:
        """Whether a vector is in the middle, so that there is a next instruction."""
        return self.computer.evaluator.is_unfinished

    @property
    def is_at_the_end_of_answers(self) -> bool:
        """Whether the host's side, such as files, is where the program believes it is."""
        return self._tape.is_at_end

    def pause(self) -> None:
        """Have a run come back soon; from any thread."""
        self._is_paused = True
        watch = self._watch  # before the question below: quiet runs have others
        if watch is not None and not self.is_quiet:
            watch.expired = True  # at its next beat it stops the machine

    def forget_pause(self) -> None:
        """Have the next run not come back because of a `pause` before it."""
        self._is_paused = False

    @contextmanager
    def quietly(self) -> Iterator[None]:
        """In this block runs only go somewhere: see `is_quiet`."""
        was_quiet, self.is_quiet = self.is_quiet, True
        try:
            yield
        finally:
            self.is_quiet = was_quiet

    def close(self) -> None:
        """Close the computer, wherever in time it is."""
        self._tape.wind(self._tape.mark(), self.computer.close)

    # -- running on --------------------------------------------------------------------------

    def run(
        self,
        until: int | None = None,
        *,
        passing: bool = False,
        live: bool = True,
        one_act: bool = False,
        deadline: float = inf,
    ) -> End:
        """Run on, until something stops the machine.

        Args:
            until: a time at which it stops.
            passing: whether the next instruction is executed, also if it is one to stop at.
            live: whether it goes on where nobody has been; else `End.TIME` comes there.
            one_act: whether it stops where the next act begins.
            deadline: of the monotonic clock; `End.PAUSED` comes when an act, or a slice of one, is
                over after it.

        Raises:
            KeyboardInterrupt: Ctrl-C; it can be run on.
            OutputError: output cannot be written.
        """
        idle = 0
        if passing and self.is_running:
            self._machine.pass_break()
        while idle < MOST_IDLE:
            self._apply_edits()
            if (self._is_paused or self.is_wanted()) and not self.is_quiet:
                self._is_paused = False
                return End.PAUSED
            budget = self._budget(until)
            if (act := self._next_act(live=live)) is None:
                if not live:
                    return End.TIME
                return End.ENDED if self._is_over else End.WAITS
            before = self.time
            ending = self._go(act, budget)
            idle = idle + 1 if self.time == before else 0
            if ending is None and one_act:
                until = self.time
            if live:
                self._note_now_and_then()
                self.on_way()
            if ending is Ending.BREAK:
                return End.BREAK
            if until is not None and self.time >= until and self.is_running:
                self._apply_edits()
                return End.TIME
            if clock.monotonic() >= deadline:
                return End.PAUSED
        return End.WAITS

    @property
    def _is_over(self) -> bool:
        acts = self._acts
        return self.computer.is_ended or not self.computer.listens or acts[-1].kind is Kind.END

    def _budget(self, until: int | None) -> int:
        """Instructions up to the next time at which there is something to do."""
        budget = self._slice if until is None else min(self._slice, until - self.time)
        if self._edit < len(self._edits):
            budget = min(budget, self._edits[self._edit].time - self.time)
        return max(budget, 0)

    def _next_act(self, *, live: bool) -> Act | None:
        if self._act == len(self._acts) and live:
            new = self.source.next(self._acts, self.computer)
            if new is not None:
                self._acts.append(new)
        return self.act

    def _go(self, act: Act, budget: int | None) -> Ending | None:
        """Perform the act at hand for so long; what ended it, None if it is over."""
        before, began = self.time, clock.thread_time()
        try:
            with self.computer.limited(max_instructions=budget) as self._watch:
                if self._is_paused and not self.is_quiet:
                    self._watch.expired = True  # the call came before there was a watch
                self._perform(act)
        except LimitReached as reached:
            if budget and reached.ending is Ending.INSTRUCTIONS and budget == self._slice:
                self._choose_slice(self.time - before, clock.thread_time() - began)
            return reached.ending
        finally:
            self._watch = None
            self.horizon = max(self.horizon, self.time)  # Ctrl-C comes here, too
        self._act += 1
        self._fed, self._vector, self._is_begun = 0, -1, False
        return None

    def _choose_slice(self, instructions: int, seconds: float) -> None:
        """Have the next slice take half the time between two snapshots."""
        factor = INTERVAL / 2 / max(seconds, 1e-4)
        wanted = int(instructions * min(max(factor, 0.25), 4.0))
        self._slice = min(max(wanted, FIRST_SLICE), LONGEST_SLICE)

    def _perform(self, act: Act) -> None:
        """Perform the act, or the rest of it.

        Raises:
            LimitReached: it goes on another time.
        """
        computer, was_begun = self.computer, self._is_begun
        self._is_begun = True
        if act.kind is Kind.FRAME:
            computer.frames.picture = False  # nobody looks, and it takes longer than most frames
            computer.frame(() if was_begun else act.events)
        elif act.kind is Kind.FEED:
            self._feed(act)
        elif act.kind is Kind.END and not was_begun:
            computer.end_of_input()
        else:
            computer.boot()

    def _feed(self, act: Act) -> None:
        computer, evaluator = self.computer, self.computer.evaluator
        while True:
            if evaluator.is_unfinished:
                computer.boot()
            if self._fed == len(act.data) or computer.is_ended:
                return
            self._fed += computer.feed_some(act.data[self._fed :])
            if evaluator.is_unfinished:
                if evaluator.stop is Stop.BREAK:
                    raise LimitReached(Ending.BREAK)
                if evaluator.stop is Stop.BUDGET:
                    raise LimitReached(Ending.INSTRUCTIONS)

    def _on_begin(self, address: int | None) -> int | None:
        """A vector begins. One in whose middle the run is to go on does so there, and stops."""
        self._vector += 1
        moment, evaluator = self._going_on, self.computer.evaluator
        if moment is None or moment.vector != self._vector:
            return address
        self._going_on = None
        self._load(moment, self.computer.restore_state)
        evaluator.share, evaluator.remaining = moment.share, 0
        return None

    # -- snapshots ---------------------------------------------------------------------------

    def _note_now_and_then(self) -> None:
        if self.time > self.moments.last.time and clock.thread_time() - self._noted > INTERVAL:
            self._note()

    def _note(self) -> None:
        """Take a snapshot, unless none can be taken here."""
        computer, act, base = self.computer, self.act, None
        if self._is_begun and act is not None and act.kind in (Kind.BOOT, Kind.FRAME):
            is_edited = any(edit.act == self._act for edit in self._edits[: self._edit])
            if not self.is_running or self._vector < 0 or (is_edited and self._vector > 0):
                return
            base = next(
                each for each in reversed(list(self.moments))
                if not each.is_begun and each.time <= self.time
            )  # fmt: skip
        computer.output.flush()
        self.moments.add(
            Moment(
                time=self.time,
                act=self._act,
                state=packed(computer.snapshot()),
                mark=self._tape.mark(),
                written=(self._sinks[0].written, self._sinks[1].written),
                frame=computer.frames.number if self._has_frames else 0,
                edits=self._edit,
                is_begun=self._is_begun,
                fed=self._fed,
                vector=self._vector,
                share=computer.evaluator.share,
                is_unfinished=self.is_running,
                base=base,
            )
        )
        self._noted = clock.thread_time()

    @property
    def _has_frames(self) -> bool:
        return bool(self._acts) and self._acts[-1].kind is Kind.FRAME

    def _load(self, moment: Moment, restore: Callable[[object], object]) -> None:
        """Put back all that a moment has."""
        state = unpacked(moment.state)
        self.computer.output.flush()
        self._tape.wind(moment.mark, lambda: restore(state))
        for sink, written in zip(self._sinks, moment.written, strict=True):
            sink.written = written
        self._base = moment.time - self._machine.executed
        self._edit = moment.edits

    def restore(self, moment: Moment) -> None:
        """Go back to a moment."""
        start = moment.base or moment
        self._load(start, self.computer.restore)
        if start.frame or self._has_frames:
            self.computer.frames.number = start.frame
        self._act, self._is_begun = start.act, start.is_begun
        self._fed, self._vector = start.fed, start.vector
        self.computer.evaluator.is_unfinished = start.is_unfinished
        if start is moment:
            return
        try:
            with self.quietly():
                while self._act < moment.act:
                    self._apply_edits()
                    budget = self._budget(None)
                    self._go(self._acts[self._act], budget)
                self._going_on = moment
                self._go(self._acts[self._act], None)
        finally:
            self._going_on = None

    def go_to(self, time: int) -> End:
        """Be at a time, at most the horizon; nothing stops on the way.

        Raises:
            KeyboardInterrupt: Ctrl-C; it is somewhere on the way.
        """
        time = max(time, 0)
        with self.quietly():
            moment = self.moments.at(time)
            if not moment.time <= self.time <= time:
                self.restore(moment)
            if time - self.time > FAR:
                with self.on_far_way():
                    self.run(time - NEAR, live=False)
                self._note()
            return self.run(time, live=False)

    # -- changes -----------------------------------------------------------------------------

    def edit(self, change: Callable[[], object], spans: frozenset[int] = frozenset()) -> None:
        """Change the machine's state here, in these bytes of the code space among others. What
        comes after was not yet, then."""
        self._cut()
        self._edits.append(_Edit(self.time, self._act, change, spans))
        self._apply_edits()

    def last_edit(self, spans: frozenset[int]) -> int | None:
        """When the user changed some of these bytes last, before now; None for never."""
        times = [
            edit.time for edit in self._edits[: self._edit] if not spans.isdisjoint(edit.spans)
        ]
        return times[-1] if times else None

    def _apply_edits(self) -> None:
        while self._edit < len(self._edits) and self._edits[self._edit].time <= self.time:
            self._edit += 1
            self._edits[self._edit - 1].change()

    def tell(self, give: Callable[[Source], object]) -> None:
        """Give the source something; what comes after was not yet, then."""
        self._cut()
        give(self.source)

    def _cut(self) -> None:
        """Forget what comes after."""
        if self.time == self.horizon and self._act >= len(self._acts) - 1:
            return
        self.computer.output.flush()
        behind = self._acts[self._act + 1 :]
        act = self.act
        if act is not None and act.kind is Kind.FEED:
            behind = [Act(Kind.FEED, act.data[self._fed :]), *behind]
            act.data = act.data[: self._fed]
        if not self._is_begun:
            behind = self._acts[self._act :]
        del self._acts[self._act + self._is_begun :]
        self.source.give_back(behind)
        del self._edits[self._edit :]
        self._tape.cut()
        self.moments.cut(self.time)
        self.horizon = self.time
        for sink in self._sinks:
            sink.heard = sink.written

"""Runs vectors to their end, within a budget of instructions and a watch's deadline.

An interrupted vector is continued unless the deadline has passed, so signals whose handlers do not
raise go unnoticed by the guest. Console events are raised by the machine's own loop, many in one
call. A device that needs more than one byte per event describes its work as an iterator of vectors:

    page[KEY] = byte      set up what the vector needs
    yield vector          run it to its end; 0 is skipped
    page[KEY] = 0         clean up after it has ended

A limit may interrupt such an iterator in the middle of a vector; to resume it later,
`Evaluator.follow` first runs that vector to its end.

A guest that never halts, like early home computers, is given a share of instructions instead:

    yield Share(1000)     run on from the current pc, for exactly so many, or until it halts

What does the same again and again may do so without coming back in between: see `repeat`.
"""

from __future__ import annotations

from jitvm.engine.machine.machine import Machine
from jitvm.engine.machine.watch import Watch
from jitvm.guest import Stop
from jitvm.guest.light import StrEnum, partial
from jitvm.guest.numbers import seconds, whole

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import TracebackType
    from typing import TypeVar

    from jitvm.engine.machine.machine import Delivery
    from jitvm.platform.events import Event
    from jitvm.platform.frames import Frame, FrameLoop
    from jitvm.platform.output import Output
    from jitvm.platform.script import Script

    Outcome = TypeVar("Outcome")
    EvaluatorState = tuple[bool, int | None, bool, int]


LARGEST_SHARE = (1 << 64) - 1
SLICE = 5_000_000
"""Instructions between two checks of a watch that has no thread: some milliseconds."""


class Ending(StrEnum):
    """Why a program is no longer running."""

    EXIT = "exit"
    """It ended by itself, or has nothing left to wait for."""
    TIME = "time limit"
    INSTRUCTIONS = "instruction limit"
    FRAMES = "frame limit"
    BREAK = "breakpoint"
    """The machine came to where somebody has told it to stop (`Machine.break_at`)."""


class LimitReached(Exception):
    """A vector was stopped before its end; the machine can be run on from there."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending.value)
        self.ending = ending


class Share:
    """Instructions that a guest gets in place of a vector; 1 or more."""

    __slots__ = ("instructions",)

    def __init__(self, instructions: int) -> None:
        self.instructions = instructions


class Evaluator:
    """Runs a machine's vectors.

    Args:
        machine: what runs.
        read_port: the port that `deliver` puts an event's byte into.
        state_port: nonzero means no further events; None if there is no such port.

    Attributes:
        remaining: instructions that may still run; None for no limit.
        watch: provides the deadline; None to use a new one without a deadline for each call.
        is_unfinished: whether a vector or share was started and has not ended.
        has_halted: whether the guest halted at the end of the last run.
        stop: why the machine came back the last time.
        share: instructions left of the share at hand; None for none.
        on_check: called where a run may be ended and gone on with later, between two vectors or in
            the middle of one.
        on_begin: called when a vector or share of `run` or `follow` begins, with the vector's
            address, or None; what it returns is run in its place, None: from where the machine is.
            A debugger goes on in the middle of one so.
    """

    def __init__(self, machine: Machine, read_port: int = 0, state_port: int | None = None) -> None:
        self._machine = machine
        self._read_port = read_port
        self._state_port = state_port
        self.share: int | None = None
        self.on_begin: Callable[[int | None], int | None] | None = None
        self.on_check: Callable[[], object] | None = None
        self.stop = Stop.HALT
        self._is_repeating = False
        self.remaining: int | None = None
        self.watch: Watch | None = None
        self.is_unfinished = False
        self.has_halted = False

    def run(self, address: int) -> None:
        """Run from an address until the guest halts.

        Raises:
            LimitReached: the budget or the time is exhausted.
            KeyboardInterrupt: Ctrl-C.
        """
        self._watched(lambda: self._finish(self._run(self._begin(address))))

    def go_on(self) -> None:
        """Run from the machine's current pc until the guest halts.

        Raises:
            LimitReached, KeyboardInterrupt: as for `run`.
        """
        self._watched(lambda: self._finish(self._run(None)))

    def follow(self, vectors: Iterator[int | Share]) -> None:
        """Run one vector after the other until none is left or the program ends.

        A vector that a limit has stopped is run to its end first.

        Raises:
            LimitReached, KeyboardInterrupt: as for `run`; call again to continue.
        """
        self._watched(lambda: self._follow(vectors))

    def deliver(self, data: bytes, mark: tuple[int, int]) -> None:
        """Raise one event a byte until the data or the program ends.

        `mark` is a port and the byte it holds at each event.

        Raises:
            LimitReached, KeyboardInterrupt: as for `run`.
        """
        self._watched(lambda: self._deliver(data, mark))

    def deliver_some(self, data: bytes, mark: tuple[int, int]) -> int:
        """As `deliver`, but stop when a limit stops an event; `follow` continues with that event.

        Returns how many events were started.

        Raises:
            KeyboardInterrupt: as for `run`.
        """
        begun, _ = self._deliver_some(data, mark)
        return begun

    def repeat(self, vector_port: int, times: int) -> None:
        """Run the vector that a port holds, so often; less often where the program ends, `cut` is
        called or a limit stops it: `follow` then finishes the one at hand.

        `Machine.begun` is how many were begun, the one at hand included.

        Raises:
            KeyboardInterrupt: as for `run`.
        """
        state = self._state_port
        assert state is not None  # it is 0 as long as there are vectors, so 0 may be written to it
        self._is_repeating = True
        try:
            self._watched(lambda: self._events(bytes(times), state, (state, 0), vector_port))
        finally:
            self._is_repeating = False

    def cut(self) -> None:
        """End what `repeat` does with the vector at hand: from now on others have to run as well.
        Called by devices."""
        if self._is_repeating:
            self._machine.end_events()

    def abandon(self) -> None:
        """Drop whatever is unfinished: the next vector runs without it."""
        self.is_unfinished = False
        self.share = None

    def snapshot(self) -> EvaluatorState:
        """How far it is with the vector or share at hand, if there is one."""
        return self.is_unfinished, self.share, self.has_halted, int(self.stop)

    def restore(self, state: EvaluatorState) -> None:
        """Be as far with a vector whose registers are restored as well.

        Raises:
            ValueError, TypeError: it is no such state.
        """
        is_unfinished, share, has_halted, stop = state
        self.is_unfinished, self.has_halted = bool(is_unfinished), bool(has_halted)
        self.share = None if share is None else whole("share", share, 0, LARGEST_SHARE)
        self.stop = Stop(stop)

    def check_time(self) -> None:
        """Raise what ends a run, while waiting for something: see `run`."""
        if self.on_check is not None:
            self.on_check()
        if self.watch is not None and self.watch.stopped():
            raise LimitReached(Ending.TIME)

    def _watched(self, work: Callable[[], object]) -> None:
        """Do the work under a watch, so that Ctrl-C ends it."""
        if self.watch is not None:
            work()
            return
        with Watch(self._machine) as self.watch:
            try:
                work()
            finally:
                self.watch = None

    def _follow(self, vectors: Iterator[int | Share]) -> None:
        if self.is_unfinished:
            self._finish(self._run(None))
        while not self._is_over:
            vector = next(vectors, None)
            if vector is None:
                return
            if isinstance(vector, Share):
                self.share = vector.instructions
                self._finish(self._run(self._begin(None)))
            elif vector:
                self._finish(self._run(self._begin(vector)))

    def _begin(self, address: int | None) -> int | None:
        return address if self.on_begin is None else self.on_begin(address)

    @property
    def _is_over(self) -> bool:
        return self._state_port is not None and self._machine.page[self._state_port] != 0

    def _deliver(self, data: bytes, mark: tuple[int, int]) -> None:
        while data and not self._is_over:
            begun, stop = self._deliver_some(data, mark)
            data = data[begun:]
            self._finish(stop)

    def _deliver_some(self, data: bytes, mark: tuple[int, int]) -> tuple[int, Stop]:
        done = self._events(data, self._read_port, mark)
        return done.begun, done.stop

    def _events(
        self, data: bytes, port: int, mark: tuple[int, int], vector_port: int | None = None
    ) -> Delivery:
        assert self._state_port is not None  # who has events has one
        return self._native(
            partial(
                self._machine.deliver,
                data,
                port=port,
                stop_port=self._state_port,
                mark=mark,
                vector_port=vector_port,
                max_instructions=self._allowed(),
            ),
            lambda done: done.stop,
        )

    def _finish(self, stop: Stop) -> None:
        """Run on until the vector halts or its share is used up."""
        while stop is not Stop.HALT and self.share != 0:
            self._check(stop)
            stop = self._run(None)
        self.abandon()

    def _run(self, address: int | None) -> Stop:
        run = partial(self._machine.run, address, max_instructions=self._allowed())
        return self._native(run, lambda stop: stop)

    def _allowed(self) -> int | None:
        """How many instructions may run before the watch is checked again."""
        most = self.remaining
        if self.share is not None:
            most = self.share if most is None else min(most, self.share)
        if self.watch is None or not self.watch.is_alone:
            return most
        return SLICE if most is None else min(most, SLICE)

    def _native(self, run: Callable[[], Outcome], stop_of: Callable[[Outcome], Stop]) -> Outcome:
        """Run the machine, and count its instructions whatever is raised."""
        before, watch = self._machine.executed, self.watch
        self.is_unfinished = True
        if watch is not None:
            watch.enter_native()
        try:
            outcome = run()
            # Here, because Ctrl-C is raised on leaving, whether the vector has ended or not.
            self.stop = stop_of(outcome)
            self.has_halted = self.stop is Stop.HALT
            self.is_unfinished = not self.has_halted
            return outcome
        finally:
            done = self._machine.executed - before
            if self.remaining is not None:
                self.remaining -= done
            if self.share is not None:
                self.share -= done
            if watch is not None:
                watch.leave_native()

    def _check(self, stop: Stop) -> None:
        if stop is Stop.BREAK:
            raise LimitReached(Ending.BREAK)
        if stop is Stop.BUDGET:
            if not self._allowed() or self.watch is None or not self.watch.is_alone:
                raise LimitReached(Ending.INSTRUCTIONS)
            self.watch.look()
        self.check_time()


class Limits:
    """The limits of one run, in force during a ``with`` block; see `Computer.limited`.

    Raises:
        ValueError: limits are in force already, and more are given; or one is out of range.
        TypeError: one is not a number.
    """

    def __init__(
        self,
        machine: Machine,
        evaluator: Evaluator,
        *,
        max_instructions: int | None,
        time_limit: float | None,
        tick: Callable[[], None],
    ) -> None:
        if (max_instructions, time_limit) != (None, None):
            time_limit = seconds("time_limit", time_limit)
            if max_instructions is not None:
                max_instructions = whole("max_instructions", max_instructions)
        self._evaluator = evaluator
        self._max_instructions = max_instructions
        self._tick = tick
        self._watch = Watch(machine, seconds=time_limit, tick=tick)
        self._is_inner = evaluator.watch is not None
        if self._is_inner and (max_instructions, time_limit) != (None, None):
            raise ValueError("a run inside of another's limits has none of its own: give it none")

    def __enter__(self) -> Watch:
        outer = self._evaluator.watch
        if outer is not None:
            return outer
        self._evaluator.watch = self._watch.__enter__()
        self._evaluator.remaining = self._max_instructions
        return self._watch

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._is_inner:
            return
        self._evaluator.watch = self._evaluator.remaining = None
        self._watch.__exit__(kind, error, trace)
        self._tick()


class Run:
    """What computers share: their output, limits, and running frames.

    Attributes:
        machine: the machine that runs.
        evaluator: runs it within limits.
        output: its standard output and standard error.
    """

    machine: Machine
    evaluator: Evaluator
    output: Output

    @property
    def frames(self) -> FrameLoop:
        """The frame loop; of a computer with a screen.

        Raises:
            AttributeError: it has none.
        """
        raise AttributeError(f"{self.machine.guest.name} has no frames")

    @property
    def stdout(self) -> bytes:
        """Standard output so far, when it is captured."""
        self.output.flush()
        return self.output.stdout

    @property
    def stderr(self) -> bytes:
        """Standard error so far, when it is captured."""
        self.output.flush()
        return self.output.stderr

    def limited(
        self, *, max_instructions: int | None = None, time_limit: float | None = None
    ) -> Limits:
        """Limits on all that runs within a ``with`` block; `LimitReached` is raised at them.

        The block gets the `Watch`. Runs inside it cannot have limits of their own. It is useful
        even without limits: Ctrl-C and slow readers of the output are then handled once for the
        block instead of for each vector.

        Args:
            max_instructions: stop after exactly so many, for the whole block.
            time_limit: stop after so many seconds.

        Raises:
            ValueError: limits are in force already, and more are given; or one is out of range.
            TypeError: one is no number.
        """
        return Limits(
            self.machine,
            self.evaluator,
            max_instructions=max_instructions,
            time_limit=time_limit,
            tick=self.output.trickle,
        )

    def to_the_end(self, live: Callable[[], Ending], on_end: Callable[[], object] | None) -> Ending:
        """Live the rest of a console program's life, and close its files.

        Args:
            live: runs it.
            on_end: called when it has ended or was stopped, before they are closed.
        """
        try:
            try:
                ending = live()
            except LimitReached as reached:
                ending = reached.ending
            except KeyboardInterrupt:
                if on_end is not None:
                    on_end()
                raise
            if on_end is not None:
                on_end()
            return ending
        finally:
            self.close()

    def close(self) -> None:
        """Close files and silence all sound."""
        raise NotImplementedError

    def frame(self, events: Iterable[Event] = ()) -> Frame:
        """Run one frame, and `boot` before the first; see `FrameLoop.frame`."""
        return self.frames.frame(events)

    def run_frames(
        self,
        count: int | None = None,
        script: Script | None = None,
        *,
        on_frame: Callable[[Frame], object] | None = None,
        max_instructions: int | None = None,
        time_limit: float | None = None,
    ) -> Ending:
        """Run a program with a screen, as fast as possible.

        Args:
            count: how many frames; None to run until the program ends.
            script: the user's input.
            on_frame: called with each frame when it is complete.
            max_instructions: stop exactly after so many, all frames together.
            time_limit: stop after so many seconds.

        Returns:
            whether it ended by itself or what stopped it; see `exit_code`. It can be run on, so
            files stay open until `close`.

        Raises:
            OutputError: an output stream cannot be written.
            KeyboardInterrupt: Ctrl-C.
        """
        with self.limited(max_instructions=max_instructions, time_limit=time_limit):
            try:
                return self.frames.run(count, script, on_frame)
            except LimitReached as reached:
                return reached.ending

"""The playing loop: runs a computer's frames at their pace, whatever they are shown on.

    rest       until the next frame is due or, with nothing to do, until an event arrives
    listen     pass arrived events to the guest's next frame, or to the window or terminal
    advance    run the guest: the frames that are due, or as much of one as fits in a slice
    show       draw what changed

A window and a terminal derive from `Loop` and define how they wait, listen and show.

Rules
 1. A long frame is run in slices, with events handled in between, so that one can always quit. A
    replayed frame is run in one piece, since the replayer runs it.
 2. If nothing happens, nothing is done: a program that is not called for each frame, and whose
    sound has ended, waits for events, and so does one that is paused.
 3. Events wait while a frame is unfinished; of pointer movements only the last position is kept.
 4. Limits count from the creation of the loop. The limit of instructions is exact.
"""

from __future__ import annotations

from time import monotonic

from jitvm.engine.tables.struct import Struct
from jitvm.platform.device import StateError
from jitvm.platform.evaluator import Ending, LimitReached
from jitvm.platform.events import Event, Move
from jitvm.platform.frames import RATE, Frame
from jitvm.playing.pacing import Pacer
from jitvm.playing.pasting import MOST, typed
from jitvm.playing.rewinding import MEMORY, PERIOD, Rewinder
from jitvm.playing.slot import Slot

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterator

    from jitvm.platform.computer import Computer
    from jitvm.platform.script import Script

NAP = 0.1
"""Seconds to wait if there is nothing to do, before anything else is checked."""


class Limits(Struct, frozen=True):
    """What ends a run from outside; None for no limit."""

    frames: int | None = None
    instructions: int | None = None
    seconds: float | None = None


class Loop:
    """Plays one computer.

    Args:
        computer: what runs; booted or not.
        script: events in addition to the user's.
        replay: frames to show, which are run by a replayer; the user's events do not reach these.
        limits: what ends it from outside.
        slot: where states are saved and loaded; None for a file named after the program.
        rewind: bytes of states that are kept for going back.
        seconds: that the guest runs before anything else is looked at.

    Attributes:
        pacer: says when frames are due, and how many were dropped.
    """

    def __init__(
        self,
        computer: Computer,
        *,
        script: Script | None,
        replay: Iterator[Frame] | None,
        limits: Limits,
        slot: Slot | None = None,
        rewind: int = MEMORY,
        seconds: float,
    ) -> None:
        self._computer = computer
        self._slot = slot or Slot(computer)
        self._rewinder = Rewinder(computer, rewind)
        self._is_rewinding = False
        self._next_back = 0.0
        self._is_paused = False
        self._steps = 0
        self._loop = computer.frames
        self._script = script
        self._replay = replay
        self._slice = seconds
        self._last_frame = None if limits.frames is None else self._loop.number + limits.frames
        self._instructions = limits.instructions
        self._first_instruction = computer.machine.executed
        self._deadline = None if limits.seconds is None else monotonic() + limits.seconds
        self._ending: Ending | None = None
        self._pending: list[Event] = []
        self._is_owed = True
        self._unfinished_since: float | None = None
        self.pacer = Pacer(RATE)

    def _play(self) -> None:
        """Go round until something ends it."""
        self._slot.around(self._go_round)

    def _go_round(self) -> None:
        while self._ending is None and not self._is_left:
            self._computer.evaluator.check_time()
            self._rest()
            self._listen()
            if self._deadline is not None and monotonic() >= self._deadline:
                self._ending = Ending.TIME
            if self._is_rewinding:
                self._go_back()
            elif self._ending is None and self._is_due:
                self._advance()
            self._show()

    # -- what is particular to a place it is shown in ----------------------------------------

    def _wait(self, seconds: float) -> None:
        """Wait for so long, or until something comes."""
        raise NotImplementedError

    def _sleep(self, seconds: float) -> None:
        """Wait until a frame is due; what comes meanwhile may wait."""
        self._wait(seconds)

    def _listen(self) -> None:
        """Take what has come; give the guest's to `_queue`."""
        raise NotImplementedError

    def _show(self) -> None:
        """Draw."""
        raise NotImplementedError

    def _told(self, frame: Frame) -> None:
        """A frame is complete."""
        raise NotImplementedError

    def _notify(self, text: str) -> None:
        """Tell the user a line."""
        raise NotImplementedError

    def _show_anew(self) -> None:
        """Another picture is there, of no frame."""
        raise NotImplementedError

    @property
    def _down(self) -> tuple[Event, ...]:
        """What presses the keys and buttons that the user holds down now."""
        return ()

    @property
    def _is_bound(self) -> bool:
        """Whether the run may not leave its way: it is recorded, replayed or observed."""
        return bool(self._replay or self._loop.observer)

    def _show_progress(self) -> None:
        """A frame is unfinished."""

    def _after_frames(self) -> None:
        """All frames that were due have run."""

    @property
    def _is_left(self) -> bool:
        """Whether something else ends it."""
        return False

    @property
    def _wants_frame(self) -> bool:
        """Whether there is one more reason to run a frame."""
        return False

    # -- standing still ----------------------------------------------------------------------

    def _set_paused(self, paused: bool) -> None:
        self._is_paused = paused
        self._steps = 0
        self.pacer.resume()

    def _step(self) -> None:
        """Run a single frame, and stand still."""
        self._set_paused(True)
        self._steps = 1

    @property
    def _stands_still(self) -> bool:
        """Whether no frames are to run."""
        return self._is_paused and not self._steps

    # -- rest --------------------------------------------------------------------------------

    def _rest(self) -> None:
        if self._is_rewinding:
            self._wait(max(self._next_back - monotonic(), 0.0))
            return
        if self._is_busy:
            return
        if self._has_work:
            self._sleep(self.pacer.remaining())
        else:
            self._wait(NAP)
            self.pacer.resume()

    @property
    def _is_busy(self) -> bool:
        """Whether the guest is in the middle of a frame."""
        return self._unfinished_since is not None and not self._stands_still

    @property
    def _has_work(self) -> bool:
        """Whether there is any reason to run a frame."""
        return not self._stands_still and bool(
            self._is_owed
            or self._pending
            or self._computer.screen.is_live
            or self._is_sounding
            or self._wants_frame
            or self._script is not None
            or self._replay is not None
            or self._last_frame is not None
        )

    @property
    def _is_due(self) -> bool:
        return self._is_busy or (self._has_work and self.pacer.remaining() == 0)

    @property
    def _is_sounding(self) -> bool:
        return self._computer.has_sound and self._computer.audio.active

    # -- events ------------------------------------------------------------------------------

    def _queue(self, event: Event) -> None:
        """Have the next frame bring an event."""
        if self._replay is not None:
            return
        waits = self._unfinished_since is not None or self._stands_still
        if waits and isinstance(event, Move) and isinstance(self._newest, Move):
            self._pending.pop()
        self._pending.append(event)

    @property
    def _newest(self) -> Event | None:
        return self._pending[-1] if self._pending else None

    def _take_events(self) -> tuple[Event, ...]:
        if self._loop.is_unfinished:
            return ()
        events, self._pending = tuple(self._pending), []
        if self._script is not None:
            events = (*self._script.at(self._loop.number + 1), *events)
        return events

    def _start_over(self) -> None:
        """Another program, or the same from its beginning, is in the computer's place."""
        self._rewinder.forget()
        self._go_on_with_another()

    def _go_on_with_another(self) -> None:
        """Nothing of what was being run, or was to come, is run any more."""
        self._pending.clear()
        self._unfinished_since = None
        self._is_owed = True
        self.pacer.resume()

    def _paste(self, text: str) -> None:
        """Type a text."""
        if self._computer.holds_keys:
            self._notify("nothing is pasted: the program takes keys that are held, and no text")
            return
        for event in typed(text):
            self._queue(event)
        if len(text) > MOST:
            self._notify(f"pasted {MOST:,} of {len(text):,} characters")

    # -- states ------------------------------------------------------------------------------

    def _save_state(self) -> None:
        try:
            self._notify(f"saved {self._slot.save()}")
        except StateError as error:
            self._notify(f"not saved: {error}")
        except OSError as error:
            self._notify(f"the state cannot be saved: {error.strerror}")

    def _load_state(self) -> None:
        if self._is_bound:
            self._notify("no state is loaded, since this run is recorded or replayed")
            return
        try:
            name = self._slot.load()
        except StateError as error:
            self._notify(f"not loaded: {error}")
            return
        self._come_from_elsewhere()
        self._notify(f"loaded {name}")

    def _start_rewinding(self) -> None:
        if self._is_bound:
            self._notify("nothing is gone back in, since this run is recorded or replayed")
        elif not self._is_rewinding:
            self._is_rewinding = True
            self._next_back = monotonic()

    def _stop_rewinding(self) -> None:
        """Go on from there, with the keys that are down now."""
        if self._is_rewinding:
            self._is_rewinding = False
            self._queue_held()

    def _go_back(self) -> None:
        now = monotonic()
        if now < self._next_back:
            return
        self._next_back = now + PERIOD
        try:
            is_back = self._rewinder.back()
        except StateError as error:
            self._notify(f"it cannot be gone back further: {error}")
            self._rewinder.forget()
            return
        if is_back:
            self._show_elsewhere()

    def _come_from_elsewhere(self) -> None:
        """The computer was put into another state: go on there, with the keys that are down now."""
        self._rewinder.forget()
        self._show_elsewhere()
        self._queue_held()

    def _show_elsewhere(self) -> None:
        """Show the state that the computer was put into, and forget what was to come before."""
        self._go_on_with_another()
        if self._loop.is_unfinished or self._computer.evaluator.is_unfinished:
            self._unfinished_since = monotonic()
        screen = self._computer.screen
        if screen.touched:
            screen.compose()
            self._show_anew()

    def _queue_held(self) -> None:
        """Have keys and buttons be down that are down now, and no others."""
        for event in (*self._computer.held, *self._down):
            self._queue(event)

    # -- advance -----------------------------------------------------------------------------

    def _advance(self) -> None:
        """Run as many frames as are due now, but leave off when the slice is used up."""
        if self._unfinished_since is None:
            self.pacer.begin()
        end = monotonic() + self._slice
        for _ in range(self._due_frames):
            frame = self._run_frame()
            if frame is None:
                self._show_progress()
                break
            self._judge(frame)
            if self._ending is not None or monotonic() >= end:
                break
        self._after_frames()

    @property
    def _due_frames(self) -> int:
        return 1 if self._is_paused else self.pacer.frames

    def _run_frame(self) -> Frame | None:
        """Run a frame; None when it is unfinished, or there is none."""
        now = monotonic()
        try:
            with self._computer.limited(
                max_instructions=self._instructions_left, time_limit=self._time_left(now)
            ):
                return self._next_frame()
        except LimitReached as reached:
            if reached.ending is Ending.INSTRUCTIONS:
                self._ending = reached.ending
            elif self._replay is not None:
                self._ending = Ending.TIME
            if self._unfinished_since is None:
                self._unfinished_since = now
            return None

    def _next_frame(self) -> Frame | None:
        if self._replay is not None:
            frame = next(self._replay, None)
            if frame is None:
                self._ending = Ending.EXIT
            return frame
        self._computer.boot()
        return self._loop.frame(self._take_events())

    def _time_left(self, now: float) -> float | None:
        """How long the guest may run now. A replay is not cut: its frames come from elsewhere."""
        if self._deadline is None:
            return None if self._replay is not None else self._slice
        rest = max(self._deadline - now, 0.001)
        return rest if self._replay is not None else min(rest, self._slice)

    @property
    def _instructions_left(self) -> int | None:
        if self._instructions is None:
            return None
        return self._instructions - (self._computer.machine.executed - self._first_instruction)

    def _judge(self, frame: Frame) -> None:
        """See what came of a frame."""
        self._unfinished_since = None
        self._is_owed = False
        self._steps = max(0, self._steps - 1)
        self._told(frame)
        if not self._is_bound:
            self._rewinder.frame(frame.number)
        if self._computer.is_ended:
            self._ending = Ending.EXIT
        elif frame.number == self._last_frame:
            self._ending = Ending.FRAMES

"""The frame loop: what happens sixty times a second in a program with a screen.

    frame 0   everything before the first frame: see `Computer.boot`
    frame n   1. the user's events of this frame, in order, and whatever else the guest does in a
                 frame: the vectors and shares of instructions that `_steps` yields
              2. 735 samples of sound
              3. the picture is composed, output is flushed

Nothing here depends on the time: a window, which paces frames, calls `FrameLoop.frame` when one is
due. So the same events always give the same pictures and sound.

A frame that was stopped by a limit or Ctrl-C is *unfinished*: the next call of `frame` resumes it,
in the middle of the vector it had reached, and keeps its own events for the following frame. A
window uses this to stay responsive during a vector that takes seconds:

    try:
        with computer.limited(time_limit=0.015):
            frame = loop.frame(events)
    except LimitReached:
        ...                    handle window events, then call again
"""

from __future__ import annotations

from time import perf_counter

from jitvm.engine.tables.struct import Struct
from jitvm.guest.numbers import shortened, whole
from jitvm.platform.evaluator import Ending, Share

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Protocol

    from jitvm.engine.machine.machine import Machine
    from jitvm.platform.evaluator import Evaluator
    from jitvm.platform.events import Event
    from jitvm.platform.output import Output
    from jitvm.platform.screen import Screen
    from jitvm.platform.script import Script
    from jitvm.platform.sound import Samples, Sound

    FramesState = tuple[int, tuple[str, ...] | None, int, tuple[str, ...]]

    class Framed(Protocol):
        """What a frame loop needs of a `Computer`; see there."""

        @property
        def machine(self) -> Machine: ...
        @property
        def evaluator(self) -> Evaluator: ...
        @property
        def output(self) -> Output: ...
        @property
        def is_ended(self) -> bool: ...
        @property
        def screen(self) -> Screen: ...
        @property
        def has_sound(self) -> bool: ...
        @property
        def audio(self) -> Sound: ...

    class Observer(Protocol):
        """An observer of frames: see `FrameLoop.observer`."""

        def begin(self, number: int, events: tuple[Event, ...]) -> None:
            """A frame is about to begin; frame 0 is over when frame 1 begins."""

        def end(self, frame: Frame) -> None:
            """A frame is complete."""


RATE = 60
"""Frames a second."""

SAMPLES = 735
"""Samples of sound in a frame, for each side: 44100 a second."""

AT_A_TIME = 0.01
"""Seconds that frames may take which run without coming back in between: limits are looked at and
output is written as often."""
MOST_AT_A_TIME = 1024

MOST_FRAMES, MOST_VECTORS = 1 << 48, 1 << 24
"""Of a state that somebody may have made up."""


class Frame(Struct, frozen=True):
    """The result of a frame.

    Attributes:
        number: from 1 on.
        changed: whether the picture differs from the previous one; see `Screen.changed` for where.
        sound: 735 samples for each side, shape (735, 2), 16 bit; None for silence.
    """

    number: int
    changed: bool
    sound: Samples | None

    def heard(self) -> Samples:
        """Its samples, zeros for silence; shape (735, 2)."""
        import numpy as np

        return np.zeros((SAMPLES, 2), np.int16) if self.sound is None else self.sound


class FrameLoop:
    """Runs a computer frame by frame; a guest derives its own loop and defines `_steps`.

    Args:
        computer: the computer to run.
        boot: runs what comes before the first frame, unless that was done already.

    Attributes:
        number: how many frames are complete, not counting frame 0.
        sound: whether it renders sound. Otherwise time stops for notes, so switch it off only if
            something else calls `Sound.render`.
        picture: whether it composes pictures, which takes longer than most frames do; where nobody
            looks at any, `changed` of frames is False.
        observer: called at the beginning and end of each frame.
    """

    def __init__(self, computer: Framed, boot: Callable[[], None]) -> None:
        self._computer = computer
        self._boot = boot
        self._waiting: tuple[Event, ...] = ()
        self._unfinished: Iterator[int | Share] | None = None
        self._events: tuple[Event, ...] = ()
        self._begun = 0
        self._at_a_time = 1
        self.number = 0
        self.sound = self.picture = True
        self.observer: Observer | None = None

    def _steps(self, events: tuple[Event, ...]) -> Iterator[int | Share]:
        """The vectors and shares of a frame, for `Evaluator.follow`.

        How many there are must follow from the events alone: so a frame is gone on with that was
        saved in the middle (see `begin_again`).
        """
        raise NotImplementedError(f"{type(self).__name__}: says not what runs in a frame")

    def _late_steps(self) -> Iterator[int | Share]:
        """Those that come after them, by what the devices' state says is still to be done."""
        return iter(())

    def _only_vector(self) -> int | None:
        """The port that holds the one vector which runs in frames without events, until a device
        calls `Evaluator.cut`; None where there is more to them."""
        return None

    @property
    def is_unfinished(self) -> bool:
        """Whether a frame was started and is not complete."""
        return self._unfinished is not None

    def abandon(self) -> None:
        """Drop an unfinished frame and the waiting events."""
        self._unfinished = None
        self._waiting = ()

    # -- states ------------------------------------------------------------------------------

    def snapshot(self) -> FramesState:
        """How many frames there were, how far it is with one that is unfinished, and what waits for
        the next; events as in an input script."""
        events = _texts(self._events) if self.is_unfinished else None
        return self.number, events, self._begun, _texts(self._waiting)

    def begin_again(self, state: FramesState) -> None:
        """Be as far with a frame; whatever that does to the computer is to be undone by putting its
        state back.

        Raises:
            ValueError, TypeError: it is no such state.
        """
        number, events, begun, waiting = state
        self.number = whole("number of frames", number, 0, MOST_FRAMES)
        self._waiting, self._unfinished = _events(waiting), None
        if events is not None:
            self._events = _events(events)
            self._begun = 0
            self._unfinished = self._counted(self._events)
            for _ in range(whole("number of vectors", begun, 0, MOST_VECTORS)):
                if next(self._unfinished, None) is None:
                    break
            self._begun = begun

    def frame(self, events: Iterable[Event] = ()) -> Frame:
        """Run one frame, or finish an unfinished one; the reset vector before the first.

        Args:
            events: the user's input for this frame, or for the next if this one is unfinished.

        Raises:
            LimitReached: a limit of `Computer.limited` was reached: the frame is unfinished.
            KeyboardInterrupt: Ctrl-C: the frame is unfinished, too.
            OutputError: an output stream cannot be written.
            AudioError, ImportError: the first note or picture could not be prepared.
            TypeError: `events` has something that is not an event; nothing was done.
        """
        if given := tuple(events):
            _check(given)
            self._waiting += given
        self._boot()
        if self._unfinished is None:
            self._unfinished = self._begin()
        return self._complete()

    def pass_by(self, most: int | None) -> Frame:
        """Run frames that nobody looks at and that have no events, several at a time where they
        are short and nobody observes them; the last one of them.

        Args:
            most: how many there may be, 1 or more; None for any number.

        Raises:
            as for `frame`.
        """
        self._boot()
        waits = self._unfinished is not None or self._waiting or self._computer.is_ended
        port = None if waits or self.observer is not None else self._only_vector()
        if port is None:
            return self.frame()
        count = self._at_a_time if most is None else min(self._at_a_time, most)
        began = perf_counter()
        self._unfinished, self._events, self._begun = iter(()), (), 1  # it ends with its vector
        try:
            self._computer.evaluator.repeat(port, count)
        finally:
            self.number += max(self._computer.machine.begun - 1, 0)
        frame = self._complete()
        took = perf_counter() - began
        if took > AT_A_TIME:
            self._at_a_time = max(count // 2, 1)
        elif took < AT_A_TIME / 2:
            self._at_a_time = max(self._at_a_time, min(2 * count, MOST_AT_A_TIME))
        return frame

    def run(
        self,
        count: int | None = None,
        script: Script | None = None,
        on_frame: Callable[[Frame], object] | None = None,
    ) -> Ending:
        """Run frames until the program ends; see `Computer.run_frames`.

        Raises:
            LimitReached, KeyboardInterrupt, OutputError: as for `frame`.
            ValueError, TypeError: `count` is negative or not an integer; `script` is not a script.
        """
        if script is not None and not hasattr(script, "at"):
            raise TypeError(f"script is what `parse_script` gives, not {shortened(script)}")
        if count is not None:
            count = whole("count", count)
        computer = self._computer
        self._boot()
        last = None if count is None else self.number + count
        while not computer.is_ended and self.number != last:
            computer.evaluator.check_time()
            if script is None and on_frame is None:
                self.pass_by(None if last is None else last - self.number)
                continue
            due = script is not None and not self.is_unfinished
            frame = self.frame(script.at(self.number + 1) if script is not None and due else ())
            if on_frame is not None:
                on_frame(frame)
        computer.output.flush()
        return Ending.EXIT if computer.is_ended else Ending.FRAMES

    # -- one frame ---------------------------------------------------------------------------

    def _begin(self) -> Iterator[int | Share]:
        events, self._waiting = self._waiting, ()
        if self.observer is not None:
            self.observer.begin(self.number + 1, events)
        self._events, self._begun = events, 0
        return self._counted(events)

    def _counted(self, events: tuple[Event, ...]) -> Iterator[int | Share]:
        """All vectors and shares of a frame."""
        for step in self._steps(events):
            self._begun += 1
            yield step
        yield from self._late_steps()

    def _complete(self) -> Frame:
        """Run the frame at hand to its end."""
        assert self._unfinished is not None
        self._computer.evaluator.follow(self._unfinished)
        self._computer.output.flush()
        self._unfinished = None
        return self._end()

    def _end(self) -> Frame:
        computer = self._computer
        self.number += 1
        sounds = self.sound and computer.has_sound and computer.audio.active
        sound = computer.audio.render(SAMPLES) if sounds else None
        changed = self.picture and computer.screen.touched and computer.screen.compose()
        frame = Frame(self.number, changed, sound)
        if self.observer is not None:
            self.observer.end(frame)
        return frame


def _texts(given: tuple[Event, ...]) -> tuple[str, ...]:
    """Events as text; most frames have none."""
    if not given:
        return ()
    from jitvm.platform.script import event_text

    return tuple(map(event_text, given))


def _events(texts: tuple[str, ...]) -> tuple[Event, ...]:
    """Events of their texts.

    Raises:
        ValueError, TypeError: they are none.
    """
    if not texts:
        return ()
    from jitvm.platform.script import ScriptError, parse_events

    try:
        return tuple(event for text in texts for event in parse_events(text))
    except ScriptError as error:
        raise ValueError(str(error)) from error


def _check(given: tuple[object, ...]) -> None:
    """Refuse what is no event."""
    from jitvm.platform.events import Event

    for event in given:
        if not isinstance(event, Event):
            raise TypeError(f"{event!r} is no event: take those of `jitvm.events`")

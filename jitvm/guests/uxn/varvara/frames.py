"""The frame loop: what a program with a screen gets sixty times a second.

    frame 0   the reset vector, then the command line
    frame n   1. the user's events of this frame, in order
              2. the screen vector
              3. the vectors of notes that ended in the frame before
              4. 735 samples of sound
              5. the picture is composed, output is flushed

After the vector in which System/state became other than zero no other is run; the frame's sound
and picture are still made. Nothing here knows the time: who paces the frames, in a window, calls
`FrameLoop.frame` when one is due. So the same events give the same pictures and sound, always.

A frame that a limit or Ctrl-C has stopped is *unfinished*: the next call of `frame` goes on with
it, in the middle of the vector it had come to, and keeps its own events for the frame after.
A window uses that to stay alive during a vector that takes seconds:

    try:
        with computer.limited(time_limit=0.015):
            frame = loop.frame(events)
    except LimitReached:
        ...                    look at the window, come back
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from jitvm.guest.numbers import shortened, whole
from jitvm.guests.uxn.varvara import console, events
from jitvm.guests.uxn.varvara.console import Type
from jitvm.guests.uxn.varvara.evaluator import Ending
from jitvm.guests.uxn.varvara.events import Event
from jitvm.guests.uxn.varvara.rom import PROGRAM_START

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from typing import Protocol

    from jitvm.guests.uxn.varvara.audio.mixer import Frames
    from jitvm.guests.uxn.varvara.hardware import Hardware
    from jitvm.guests.uxn.varvara.script import Script

    class Observer(Protocol):
        """Who is told of frames: see `FrameLoop.observer`."""

        def begin(self, number: int, events: tuple[Event, ...]) -> None:
            """A frame is about to begin; frame 0 is over when frame 1 begins."""

        def end(self, frame: Frame) -> None:
            """A frame is complete."""


RATE = 60
"""Frames a second."""

SAMPLES = 735
"""Samples of sound in a frame, for each side: 44100 a second."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What came of a frame.

    Attributes:
        number: from 1 on.
        changed: whether the picture is another one than before; see `Screen.changed` for where.
        sound: 735 samples for each side, shape (735, 2), 16 bit; None for silence.
    """

    number: int
    changed: bool
    sound: Frames | None


class FrameLoop:
    """Runs a computer frame by frame.

    Args:
        hardware: what it runs on.
        boot: runs what comes before the first frame, unless that was done.

    Attributes:
        number: frames that are complete; frame 0 is not counted.
        sound: whether it renders sound. Without it, time stands still for notes: switch it off
            only where somebody else calls `Audio.render`.
        observer: told of each frame.
    """

    def __init__(self, hardware: Hardware, boot: Callable[[], None]) -> None:
        self._hardware = hardware
        self._boot = boot
        self._waiting: tuple[Event, ...] = ()
        self._vectors: Iterator[int] | None = None
        self.number = 0
        self.sound = True
        self.observer: Observer | None = None

    @property
    def is_unfinished(self) -> bool:
        """Whether a frame was begun and is not complete."""
        return self._vectors is not None

    def abandon(self) -> None:
        """Forget an unfinished frame and the events that wait."""
        self._vectors = None
        self._waiting = ()

    def frame(self, events: Iterable[Event] = ()) -> Frame:
        """Run one frame, or finish an unfinished one; the reset vector before the first.

        Args:
            events: what the user does in this frame; in the next one, if this one was unfinished.

        Raises:
            LimitReached: a limit of `Computer.limited` was reached: the frame is unfinished.
            KeyboardInterrupt: Ctrl-C; likewise.
            OutputError: an output stream cannot be written.
            AudioError, ImportError: the first note or picture could not be prepared.
            TypeError: something is no event; nothing was done.
        """
        hardware = self._hardware
        given = tuple(events)
        for event in given:
            if not isinstance(event, Event):
                raise TypeError(f"{event!r} is no event: take those of `jitvm.events`")
        self._waiting += given
        self._boot()
        if self._vectors is None:
            self._vectors = self._begin()
        hardware.evaluator.follow(self._vectors)
        hardware.output.flush()
        self._vectors = None
        return self._end()

    def run(
        self,
        count: int | None = None,
        script: Script | None = None,
        on_frame: Callable[[Frame], object] | None = None,
    ) -> Ending:
        """Run frames until the program ends; see `Computer.run_frames`.

        Raises:
            LimitReached, KeyboardInterrupt, OutputError: as for `frame`.
            ValueError, TypeError: `count` is negative or no whole number, or `script` is no script.
        """
        if script is not None and not hasattr(script, "at"):
            raise TypeError(f"script is what `parse_script` gives, not {shortened(script)}")
        if count is not None:
            count = whole("count", count)
        hardware = self._hardware
        self._boot()
        last = None if count is None else self.number + count
        while not hardware.is_ended and self.number != last:
            hardware.evaluator.check_time()
            due = script is not None and not self.is_unfinished
            frame = self.frame(script.at(self.number + 1) if script is not None and due else ())
            if on_frame is not None:
                on_frame(frame)
        hardware.output.flush()
        return Ending.EXIT if hardware.is_ended else Ending.FRAMES

    # -- one frame ---------------------------------------------------------------------------

    def _begin(self) -> Iterator[int]:
        events, self._waiting = self._waiting, ()
        if self.observer is not None:
            self.observer.begin(self.number + 1, events)
        return self._frame_vectors(events)

    def _frame_vectors(self, events: tuple[Event, ...]) -> Iterator[int]:
        hardware = self._hardware
        for event in events:
            yield from self._perform(event)
        yield hardware.screen.vector
        if hardware.has_sound:
            for voice in hardware.audio.ended():
                yield hardware.audio.vector(voice)

    def _end(self) -> Frame:
        hardware = self._hardware
        self.number += 1
        sounds = self.sound and hardware.has_sound and hardware.audio.active
        frame = Frame(
            self.number,
            sound=hardware.audio.render(SAMPLES) if sounds else None,
            changed=hardware.screen.touched and hardware.screen.compose(),
        )
        if self.observer is not None:
            self.observer.end(frame)
        return frame

    def _perform(self, event: Event) -> Iterator[int]:
        """The vectors of an event."""
        hardware = self._hardware
        controller, mouse, terminal = hardware.controller, hardware.mouse, hardware.console
        match event:
            case events.Press(buttons, pad):
                return controller.press(buttons, pad)
            case events.Release(buttons, pad):
                return controller.release(buttons, pad)
            case events.Key(byte):
                return controller.keys(bytes([byte]))
            case events.Text(text):
                return controller.keys(text.encode("utf-8"))
            case events.Move(x, y):
                return mouse.move(x, y)
            case events.MouseDown(button):
                return mouse.press(button)
            case events.MouseUp(button):
                return mouse.release(button)
            case events.Wheel(x, y):
                return mouse.scroll(x, y)
            case events.Stdin(data):
                return terminal.events(Type.STDIN, data)
            case events.EndOfInput():
                return terminal.events(Type.END, console.END_BYTE)
            case events.Reset(soft):
                return self._reset(soft)

    def _reset(self, soft: bool) -> Iterator[int]:
        self._hardware.clear(soft=soft)
        yield PROGRAM_START

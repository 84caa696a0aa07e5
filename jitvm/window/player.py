"""The main loop of a program in a window.

    rest       until the next frame is due, or, where there is nothing to do, until an event comes
    listen     events: to the guest's next frame, or to a command
    advance    run the guest: a frame, or as much of one as fits into `SLICE`
    show       upload what changed, present it

Rules
 1. A vector that takes long is run in slices, with a look at the events in between: a window can
    always be closed. After a while what it has drawn so far is shown.
 2. Where nothing happens nothing is done: a program without a screen vector, whose notes are over,
    waits for events, and so does one that is paused.
 3. Events wait while a frame is unfinished; of the pointer's ways only the last place is kept.
 4. In an exact run (somebody records it or is told of its frames) the guest sees nothing that does
    not follow from the frames and their events: sound is the frame loop's, pictures are composed
    at the end of frames alone, and the program stays the same.
 5. Whatever happens, the computer's files are closed, output is written, and the frame loop renders
    sound again as it did before.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import monotonic, sleep

from jitvm.engine.host.part import write_whole
from jitvm.guests.uxn.varvara.evaluator import Ending, LimitReached
from jitvm.guests.uxn.varvara.events import Event, Move, Reset
from jitvm.guests.uxn.varvara.frames import RATE, Frame
from jitvm.guests.uxn.varvara.system import DEBUG
from jitvm.window.binding import poll_events, wait_for_event, waker
from jitvm.window.display import Display
from jitvm.window.errors import WindowError
from jitvm.window.keys import Command
from jitvm.window.naming import (
    ICON_SIDE,
    file_stem,
    metadata_address,
    program_icon,
    program_name,
    screenshot_path,
)
from jitvm.window.pacing import Pacer
from jitvm.window.reload import ProgramFiles
from jitvm.window.sound import FrameSounds, Speaker
from jitvm.window.stdin import InputThread
from jitvm.window.translate import Dropped, Exposed, SoundDevice, Told, Translator

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from jitvm.guests.uxn.varvara.computer import Computer
    from jitvm.guests.uxn.varvara.input import Readable
    from jitvm.guests.uxn.varvara.program import Program
    from jitvm.guests.uxn.varvara.script import Script

SLICE = 0.02
"""Seconds that the guest runs before the window is looked at."""

NAP = 0.1
"""Seconds of waiting for events before files and Ctrl-C are looked at."""

SWITCH = 0.001
"""Seconds for which a thread may keep the interpreter's lock from the one that plays sound."""

PROGRESS_AFTER, PROGRESS_EVERY = 0.25, 0.1
"""Seconds a frame has to take before it is shown unfinished, and until it is shown again."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What ends a run from outside; None for no limit. See `run`."""

    frames: int | None = None
    instructions: int | None = None
    seconds: float | None = None


class Player:
    """Plays one computer in one window; the arguments are those of `run`.

    Attributes:
        pacer: says when frames are due, and how many were dropped.
        speaker: plays the sound, and says how often it ran dry.
    """

    def __init__(
        self,
        computer: Computer,
        *,
        scale: int | None = None,
        fullscreen: bool = False,
        title: str | None = None,
        source: str | None = None,
        legacy: bool = False,
        include_root: str | None = None,
        stdin: Readable | None = None,
        script: Script | None = None,
        replay: Iterator[Frame] | None = None,
        on_frame: Callable[[Frame], object] | None = None,
        limits: Limits | None = None,
        notify: Callable[[str], object] | None = None,
    ) -> None:
        self._computer = computer
        self._loop = computer.frames
        self._given_title = title
        self._legacy = legacy
        self._include_root = include_root
        self._stream = stdin
        self._script = script
        self._replay = replay
        self._on_frame = on_frame
        self._limits = limits or Limits()
        self._notify = notify or (lambda text: computer.output.message(f"jitvm: {text}\n"))
        self._is_exact = bool(replay or on_frame or self._loop.observer)
        self._files = ProgramFiles(source) if source and not self._is_exact else None

        self._begun = monotonic()
        self._first_frame = self._loop.number
        self._first_instruction = computer.machine.executed
        self._ending: Ending | None = None
        self._pending: list[Event] = []
        self._is_paused = False
        self._steps = 0
        self._is_owed = True
        self._was_sounding = False
        self._unfinished_since: float | None = None
        self._trouble = ""
        self._name, self._named = "", b""
        self._shown_title = ""
        self._shows_pointer: bool | None = None

        self._display = Display(self._size, scale, fullscreen, title or self._stem)
        self._translator = Translator(self._display.pixel_at)
        self.speaker = Speaker(self._later)
        self._sounds = FrameSounds()
        self._stdin: InputThread | None = None
        self._wake = waker()
        self._notices: list[str] = []
        self.pacer = Pacer(RATE)

    def run(self) -> Ending:
        """See `jitvm.window.run`."""
        rendered, switch = self._loop.sound, sys.getswitchinterval()
        sys.setswitchinterval(SWITCH)
        self._loop.sound = rendered if self._is_exact else False
        try:
            if self._computer.screen.touched:
                self._show_all()
            while self._ending is None:
                self._turn()
            self._display.present()
            return self._ending
        finally:
            self._loop.sound = rendered
            sys.setswitchinterval(switch)
            self._close()

    def _turn(self) -> None:
        """Go round the main loop once."""
        self._rest()
        for event in poll_events():
            for told in self._translator.told(event):
                self._listen(told)
        self._look_around()
        if self._ending is None and self._is_due:
            self._advance_frames()
        self._display.present()

    def _close(self) -> None:
        self.speaker.close()
        if self._stdin is not None:
            self._stdin.close()
        self._translator.close()
        self._display.close()
        self._computer.close()
        self._computer.output.flush()

    # -- rest --------------------------------------------------------------------------------

    def _rest(self) -> None:
        if self._is_busy:
            return
        if not self._has_work:
            wait_for_event(NAP)
            self.pacer.resume()
            return
        sleep(min(self.pacer.remaining(), NAP))

    @property
    def _is_busy(self) -> bool:
        """Whether the guest is in the middle of a frame."""
        return self._unfinished_since is not None and not self._stands_still

    @property
    def _stands_still(self) -> bool:
        return self._is_paused and not self._steps

    @property
    def _has_work(self) -> bool:
        """Whether there is any reason to run a frame."""
        if self._stands_still:
            return False
        return bool(
            self._is_owed
            or self._pending
            or self._computer.screen.vector
            or self._is_sounding
            or self._was_sounding
            or self._script is not None
            or self._replay is not None
            or self._limits.frames is not None
        )

    @property
    def _is_due(self) -> bool:
        return self._is_busy or (self._has_work and self.pacer.remaining() == 0)

    @property
    def _is_sounding(self) -> bool:
        return self._computer.has_sound and self._computer.audio.active

    # -- listen ------------------------------------------------------------------------------

    def _listen(self, told: Told) -> None:
        match told:
            case Command():
                self._obey(told)
            case Dropped(path):
                self._drop(path)
            case Exposed(texture_lost):
                if texture_lost:
                    self._display.restore()
                    self._show_all()
                self._display.expose()
            case SoundDevice(added, number):
                self.speaker.device_changed(added=added, number=number)
            case _:
                self._queue(told)

    def _queue(self, event: Event) -> None:
        if self._replay is not None:
            return
        waits = self._unfinished_since is not None or self._stands_still
        moves = [isinstance(each, Move) for each in (event, *self._pending[-1:])]
        if waits and moves == [True, True]:
            self._pending.pop()
        self._pending.append(event)

    def _obey(self, command: Command) -> None:
        match command:
            case Command.QUIT:
                self._ending = Ending.EXIT
            case Command.ZOOM:
                self._display.zoom()
            case Command.FULLSCREEN:
                self._display.toggle_fullscreen()
            case Command.BORDER:
                self._display.toggle_border()
            case Command.STACKS:
                self._computer.machine.state.ports.writers[DEBUG](1)
            case Command.RESET:
                self._reset(soft=False)
            case Command.SOFT_RESET:
                self._reset(soft=True)
            case Command.PAUSE:
                self._set_paused(not self._is_paused)
            case Command.STEP:
                self._set_paused(True)
                self._steps += 1
            case Command.SLOWER:
                self.pacer.change_speed(-1)
            case Command.FASTER:
                self.pacer.change_speed(+1)
            case Command.SCREENSHOT:
                self._take_picture()

    def _set_paused(self, paused: bool) -> None:
        self._is_paused = paused
        self._steps = 0
        self.pacer.resume()
        if paused:
            self.speaker.pause()

    def _reset(self, *, soft: bool) -> None:
        """Start the program over: as an event, or at once where a vector is in the way."""
        if self._unfinished_since is None or self._is_exact:
            self._queue(Reset(soft))
            return
        self._computer.reset(soft=soft)
        self._start_over()

    def _start_over(self) -> None:
        self._pending.clear()
        self._unfinished_since = None
        self._is_owed = True
        self.pacer.resume()

    def _take_picture(self) -> None:
        from jitvm.guests.uxn.varvara.screen.picture import PictureError

        try:
            data = self._computer.screen.png()
            path = screenshot_path(self._stem)
            write_whole(path, data)
            self._notify(f"wrote {path}")
        except PictureError as error:
            self._notify(f"no picture: {error}")
        except OSError as error:
            self._notify(f"the picture cannot be written: {error.strerror}")

    # -- look around -------------------------------------------------------------------------

    def _look_around(self) -> None:
        """What else may have happened."""
        if self._display.lost:
            raise WindowError("the display is gone, and the window with it; the program was ended")
        seconds = self._limits.seconds
        if seconds is not None and monotonic() - self._begun >= seconds:
            self._ending = Ending.TIME
        while self._notices:
            self._notify(self._notices.pop(0))
        if self._files is not None and self._files.changed():
            self._load(self._files.path)
        self._read_stdin()
        self._show_name()
        self._show_pointer()

    def _later(self, notice: str) -> None:
        """Tell it from the window's own thread."""
        self._notices.append(notice)
        self._wake()

    def _read_stdin(self) -> None:
        if self._stream is None or not self._computer.console.vector or self._replay is not None:
            return
        if self._stdin is None:
            self._stdin = InputThread(self._stream, self._wake)
        if self._unfinished_since is None and not self._stands_still:
            self._pending += self._stdin.take()

    # -- another program ---------------------------------------------------------------------

    def _drop(self, path: str) -> None:
        if self._is_exact:
            self._notify(f"{path}: not loaded, since this run is recorded or replayed")
        elif self._load(path):
            self._files = ProgramFiles(path)

    def _load(self, path: str) -> bool:
        """Run another program from its beginning; leave the old one alone if it has errors."""
        program = self._read_program(path)
        if program is None:
            return False
        self._trouble = ""
        self._computer.load(program.rom)
        self._start_over()
        return True

    def _read_program(self, path: str) -> Program | None:
        from jitvm.guests.uxn.assembler import AssemblyError
        from jitvm.guests.uxn.varvara.program import load_program
        from jitvm.guests.uxn.varvara.rom import RomError

        try:
            return load_program(path, legacy=self._legacy, include_root=self._include_root)
        except AssemblyError as error:
            first = error.diagnostics[0]
            self._trouble = f"{file_stem(first.file)}:{first.line}: {first.message}"
            for diagnostic in error.diagnostics:
                self._notify(diagnostic.render())
        except RomError as error:
            self._trouble = str(error)
            self._notify(str(error))
        return None

    # -- advance -----------------------------------------------------------------------------

    def _advance_frames(self) -> None:
        """Run as many frames as are due now, but leave off when the slice is used up."""
        if self._unfinished_since is None:
            self.pacer.begin()
        end = monotonic() + SLICE
        for _ in range(1 if self._is_paused else self.pacer.frames):
            frame = self._advance()
            if frame is None:
                self._show_progress()
                break
            self._end_frame(frame)
            if self._ending is not None or monotonic() >= end:
                break
        self._sound()

    def _advance(self) -> Frame | None:
        """Run a frame; None when it is unfinished."""
        now = monotonic()
        try:
            if self._replay is not None:
                with self._computer.limited(max_instructions=self._instructions_left):
                    return self._replayed(self._replay)
            with self._computer.limited(time_limit=SLICE, max_instructions=self._instructions_left):
                self._computer.boot()
                events = () if self._loop.is_unfinished else self._take_events()
                return self._loop.frame(events)
        except LimitReached as reached:
            if reached.ending is Ending.INSTRUCTIONS:
                self._ending = reached.ending
            if self._unfinished_since is None:
                self._unfinished_since = now
            return None

    def _replayed(self, frames: Iterator[Frame]) -> Frame | None:
        frame = next(frames, None)
        if frame is None:
            self._ending = Ending.EXIT
        return frame

    @property
    def _instructions_left(self) -> int | None:
        if self._limits.instructions is None:
            return None
        return self._limits.instructions - (
            self._computer.machine.executed - self._first_instruction
        )

    def _take_events(self) -> tuple[Event, ...]:
        events, self._pending = tuple(self._pending), []
        if self._script is not None:
            events = (*self._script.at(self._loop.number + 1), *events)
        return events

    def _end_frame(self, frame: Frame) -> None:
        self._unfinished_since = None
        self._is_owed = False
        self._steps = max(0, self._steps - 1)
        if frame.changed:
            self._show_change()
        if self._on_frame is not None:
            self._on_frame(frame)
        if frame.sound is not None:
            self._sounds.add(frame.sound)
        if self._computer.is_ended:
            self._ending = Ending.EXIT
        elif self._loop.number - self._first_frame == self._limits.frames:
            self._ending = Ending.FRAMES

    def _sound(self) -> None:
        """See to it that what there is to be heard is heard."""
        if self._is_exact:
            if self._sounds.active:
                self.speaker.play(self._sounds)
            return
        self._was_sounding, was = self._is_sounding, self._was_sounding
        if self._was_sounding:
            self.speaker.play(self._computer.audio)
        elif was:
            self._is_owed = True  # for the vectors of notes that have just ended

    # -- show --------------------------------------------------------------------------------

    @property
    def _size(self) -> tuple[int, int]:
        return self._computer.screen.width, self._computer.screen.height

    @property
    def _stem(self) -> str:
        return file_stem(self._computer.rom.name)

    def _show_change(self) -> None:
        if self._size != self._display.picture:
            self._display.resize(self._size)
            self._show_all()
        else:
            changed = self._computer.screen.changed
            if changed is not None:
                self._display.update(self._computer.screen.pixels, changed)

    def _show_all(self) -> None:
        pixels = self._computer.screen.pixels
        height, width, _ = pixels.shape
        if (width, height) != self._display.picture:
            self._display.resize((width, height))
        self._display.update(pixels, (0, 0, width, height))

    def _show_progress(self) -> None:
        """Show what a long vector has drawn so far."""
        since, now = self._unfinished_since, monotonic()
        if self._is_exact or since is None or now - since < PROGRESS_AFTER:
            return
        self._unfinished_since = now - PROGRESS_AFTER + PROGRESS_EVERY
        screen = self._computer.screen
        if screen.touched and screen.compose():
            self._show_change()

    def _show_name(self) -> None:
        """Keep the title right, and the icon."""
        named = metadata_address(self._computer) + os.fsencode(self._computer.rom.name)
        if named != self._named:
            self._named = named
            self._name = program_name(self._computer)
            icon = program_icon(self._computer)
            if icon is not None:
                self._display.set_icon(icon, ICON_SIDE)
        title = self._given_title or self._name
        speed = self.pacer.speed
        notes = [
            self._trouble,
            "paused" if self._is_paused else "",
            f"speed {speed:g}" if speed != 1 else "",
        ]
        title = " - ".join([title, *filter(None, notes)])
        if title != self._shown_title:
            self._shown_title = title
            self._display.set_title(title)

    def _show_pointer(self) -> None:
        """A program that listens to the mouse draws a pointer of its own."""
        shows = not self._computer.mouse.vector
        if shows != self._shows_pointer:
            self._shows_pointer = shows
            self._display.show_pointer(shows)

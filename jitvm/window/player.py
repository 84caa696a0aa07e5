"""A computer in a window: the playing loop, with a window for input and output.

    listen     events, for the guest's next frame or as commands; files, names, standard input
    show       upload what changed, present it

Rules, in addition to those of `jitvm.playing.loop`
 1. What a long frame has drawn so far is shown after a while.
 2. In an exact run (one that is recorded or observed) the guest sees nothing that does not follow
    from the frames and their events: sound comes from the frame loop, pictures are composed only at
    the end of frames, and the program is not reloaded.
 3. Whatever happens, the computer's files are closed, output is written, and the frame loop renders
    sound again as before.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from math import isqrt
from time import monotonic, sleep

from jitvm.engine.host.part import write_whole
from jitvm.platform import ProgramError, SourceError
from jitvm.platform.computer import file_stem
from jitvm.platform.evaluator import Ending
from jitvm.platform.events import EndOfInput, Reset, Stdin
from jitvm.platform.frames import Frame
from jitvm.playing.loop import NAP, Limits, Loop
from jitvm.playing.rewinding import MEMORY
from jitvm.window.binding import clipboard, poll_events, wait_for_event, waker
from jitvm.window.display import Display
from jitvm.window.errors import WindowError
from jitvm.window.keymap import DEFAULT, KeyMap
from jitvm.window.keys import Command
from jitvm.window.naming import screenshot_path
from jitvm.window.reload import ProgramFiles
from jitvm.window.sound import FrameSounds, Speaker
from jitvm.window.stdin import InputThread
from jitvm.window.translate import Dropped, Exposed, SoundDevice, Told, Translator

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from jitvm.platform import Platform, Program
    from jitvm.platform.computer import Computer, Face
    from jitvm.platform.events import Event
    from jitvm.platform.input import Readable
    from jitvm.platform.script import Script
    from jitvm.playing.slot import Slot

SLICE = 0.02
"""Seconds that the guest runs before the window is looked at."""

SWITCH = 0.001
"""Seconds for which a thread may keep the interpreter's lock from the one that plays sound."""

PROGRESS_AFTER, PROGRESS_EVERY = 0.25, 0.1
"""Seconds a frame has to take before it is shown unfinished, and until it is shown again."""


class Player(Loop):
    """Plays one computer in one window; the arguments are those of `run`.

    Attributes:
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
        platform: Platform | None = None,
        loading: Mapping[str, Any] | None = None,
        stdin: Readable | None = None,
        script: Script | None = None,
        replay: Iterator[Frame] | None = None,
        on_frame: Callable[[Frame], object] | None = None,
        limits: Limits | None = None,
        notify: Callable[[str], object] | None = None,
        slot: Slot | None = None,
        rewind: int = MEMORY,
        keys: KeyMap = DEFAULT,
    ) -> None:
        super().__init__(
            computer,
            script=script,
            replay=replay,
            limits=limits or Limits(),
            slot=slot,
            rewind=rewind,
            seconds=SLICE,
        )
        self._given_title = title
        self._platform = platform
        self._loading = dict(loading or {})
        self._stream = stdin
        self._on_frame = on_frame
        self._tell = notify or (lambda text: computer.output.message(f"jitvm: {text}\n"))
        self._is_exact = self._is_bound
        self._files = self._watch(source) if source and not self._is_exact else None

        self._was_sounding = False
        self._trouble = ""
        self._face: Face | None = None
        self._shown_title = ""
        self._shows_pointer: bool | None = None

        self._display = Display(self._size, scale, fullscreen, title or self._stem)
        self._translator = Translator(
            self._display.pixel_at, holds_keys=computer.holds_keys, keys=keys
        )
        self.speaker = Speaker(self._later)
        self._sounds = FrameSounds()
        self._stdin: InputThread | None = None
        self._wake = waker()
        self._notices: list[str] = []

    def run(self) -> Ending:
        """See `jitvm.window.run`."""
        rendered, switch = self._loop.sound, sys.getswitchinterval()
        sys.setswitchinterval(SWITCH)
        self._loop.sound = rendered if self._is_exact else False
        try:
            if self._computer.screen.touched:
                self._show_all()
            self._play()
            assert self._ending is not None
            return self._ending
        finally:
            self._loop.sound = rendered
            sys.setswitchinterval(switch)
            self._close()

    def _close(self) -> None:
        self.speaker.close()
        if self._stdin is not None:
            self._stdin.close()
        self._translator.close()
        self._display.close()
        self._computer.close()
        self._computer.output.flush()

    # -- rest --------------------------------------------------------------------------------

    def _wait(self, seconds: float) -> None:
        wait_for_event(seconds)

    def _sleep(self, seconds: float) -> None:
        sleep(min(seconds, NAP))

    @property
    def _wants_frame(self) -> bool:
        return self._was_sounding

    # -- states ------------------------------------------------------------------------------

    def _notify(self, text: str) -> None:
        self._tell(text)

    @property
    def _is_bound(self) -> bool:
        return super()._is_bound or self._on_frame is not None

    @property
    def _down(self) -> tuple[Event, ...]:
        return self._translator.down

    # -- listen ------------------------------------------------------------------------------

    def _listen(self) -> None:
        for event in poll_events():
            for told in self._translator.told(event):
                self._hear(told)
        self._look_around()

    def _hear(self, told: Told) -> None:
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
                self._computer.show_state()
            case Command.RESET:
                self._reset(soft=False)
            case Command.SOFT_RESET:
                self._reset(soft=True)
            case Command.PAUSE:
                self._set_paused(not self._is_paused)
            case Command.STEP:
                self._step()
            case Command.SLOWER:
                self.pacer.change_speed(-1)
            case Command.FASTER:
                self.pacer.change_speed(+1)
            case Command.SCREENSHOT:
                self._take_picture()
            case Command.SAVE:
                self._save_state()
            case Command.LOAD:
                self._load_state()
            case Command.REWIND:
                self._start_rewinding()
                self.speaker.pause()
            case Command.GO_ON:
                self._stop_rewinding()
            case Command.PASTE:
                self._paste(clipboard())
            case Command.MUTE:
                self.speaker.is_muted = not self.speaker.is_muted
            case Command.QUIETER:
                self.speaker.change_volume(-1)
            case Command.LOUDER:
                self.speaker.change_volume(+1)

    def _set_paused(self, paused: bool) -> None:
        super()._set_paused(paused)
        if paused:
            self.speaker.pause()

    def _reset(self, *, soft: bool) -> None:
        """Start the program over: as an event, or at once where a vector is in the way."""
        if self._unfinished_since is None or self._is_exact:
            self._queue(Reset(soft))
            return
        self._computer.reset(soft=soft)
        self._start_over()

    def _take_picture(self) -> None:
        from jitvm.platform.picture import PictureError, png

        try:
            data = png(self._computer.screen.pixels)
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
        if self._stream is None or not self._computer.listens or self._replay is not None:
            return
        if self._stdin is None:
            self._stdin = InputThread(self._stream, self._wake)
            self._slot.input_taken = 0
        if self._unfinished_since is None and not self._stands_still:
            self._take_stdin(self._stdin.take())

    def _take_stdin(self, told: tuple[Stdin | EndOfInput, ...]) -> None:
        for event in told:
            if isinstance(event, Stdin):
                self._slot.input_taken = (self._slot.input_taken or 0) + len(event.data)
        self._pending += told

    # -- another program ---------------------------------------------------------------------

    def _drop(self, path: str) -> None:
        if self._is_exact:
            self._notify(f"{path}: not loaded, since this run is recorded or replayed")
        elif self._load(path):
            self._files = self._watch(path)

    def _load(self, path: str) -> bool:
        """Run another program from its beginning; leave the old one alone if it has errors."""
        program = self._read_program(path)
        if program is None:
            return False
        self._trouble = ""
        self._computer.put_in(program)
        self._start_over()
        return True

    def _read_program(self, path: str) -> Program | None:
        try:
            return self._platform_of(path).load(path, **self._loading)
        except SourceError as error:
            first = error.diagnostics[0]
            self._trouble = f"{file_stem(first.file, first.file)}:{first.line}: {first.message}"
            for diagnostic in error.diagnostics:
                self._notify(diagnostic.render())
        except ProgramError as error:
            self._trouble = str(error)
            self._notify(str(error))
        return None

    def _platform_of(self, path: str) -> Platform:
        if self._platform is not None:
            return self._platform
        from jitvm.platform.registry import of_file

        return of_file(path)

    def _watch(self, path: str) -> ProgramFiles:
        return ProgramFiles(path, self._platform_of(path).files_of)

    # -- frames ------------------------------------------------------------------------------

    def _told(self, frame: Frame) -> None:
        if frame.changed:
            self._show_change()
        if self._on_frame is not None:
            self._on_frame(frame)
        if frame.sound is not None:
            self._sounds.add(frame.sound)

    def _after_frames(self) -> None:
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

    def _show(self) -> None:
        self._display.present()

    @property
    def _size(self) -> tuple[int, int]:
        return self._computer.screen.width, self._computer.screen.height

    @property
    def _stem(self) -> str:
        return file_stem(self._computer.name, self._computer.machine.guest.name)

    def _show_change(self) -> None:
        if self._size != self._display.picture:
            self._display.resize(self._size)
            self._show_all()
        else:
            changed = self._computer.screen.changed
            if changed is not None:
                self._display.update(self._computer.screen.pixels, changed)

    def _show_anew(self) -> None:
        self._show_all()

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
        face = self._computer.face
        if face is not self._face:
            self._face = face
            if face.icon is not None:
                self._display.set_icon(face.icon, isqrt(len(face.icon) // 4))
        title = self._given_title or face.title
        speed = self.pacer.speed
        notes = [
            self._trouble,
            "rewinding" if self._is_rewinding else "",
            "paused" if self._is_paused else "",
            f"speed {speed:g}" if speed != 1 else "",
            self.speaker.setting,
        ]
        title = " - ".join([title, *filter(None, notes)])
        if title != self._shown_title:
            self._shown_title = title
            self._display.set_title(title)

    def _show_pointer(self) -> None:
        """A program that listens to the mouse draws a pointer of its own."""
        shows = not self._computer.draws_pointer
        if shows != self._shows_pointer:
            self._shows_pointer = shows
            self._display.show_pointer(shows)

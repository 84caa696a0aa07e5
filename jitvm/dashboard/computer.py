"""A computer of any guest as the dashboard sees it: slices, paced frames, input from a page.

    page --input--> events of the next frame, or bytes of standard input
    computer --frame--> picture, at most `PICTURES` a second
    computer --console--> text

Implements `jitvm.dashboard.target.Target`. A program without a screen reads standard input from a
given file up to its end or, without one, from the page, line by line.
"""

from __future__ import annotations

from codecs import getincrementaldecoder
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Any

from jitvm.dashboard.target import Described, InputError, Picture, Progress
from jitvm.engine.machine.inspect import Machine, Tier
from jitvm.engine.tables.names import shown
from jitvm.engine.tables.params import Parameters
from jitvm.platform import events
from jitvm.platform.evaluator import LimitReached
from jitvm.platform.events import Button, Event
from jitvm.platform.frames import RATE

if TYPE_CHECKING:
    from jitvm.platform import Platform, Program
    from jitvm.platform.computer import Computer

PICTURES = 30
"""Pictures a second."""
PROGRESS = 0.25
"""Seconds of an unfinished frame until what it has drawn is shown."""
NAP = 0.1
"""Seconds of waiting for input before anything else is looked at."""
CHUNK = 4096
"""Bytes of standard input handed over at once."""

BUTTONS = {
    "Control": Button.A,
    "Alt": Button.B,
    "Shift": Button.SELECT,
    "Home": Button.START,
    "ArrowUp": Button.UP,
    "ArrowDown": Button.DOWN,
    "ArrowLeft": Button.LEFT,
    "ArrowRight": Button.RIGHT,
}
"""Keys, by their names in browsers, that are buttons of the first pad."""
KEYS = {name.capitalize(): byte for name, byte in events.KEYS.items()}
"""Keys with a byte of their own."""


class _Printed:
    """A stream that passes on what is written to it as text."""

    def __init__(self) -> None:
        self._decode = getincrementaldecoder("utf-8")("replace").decode
        self.receiver: Callable[[str], None] | None = None

    def write(self, data: bytes, /) -> int:
        text = self._decode(data)
        if text and self.receiver is not None:
            self.receiver(text)
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""


class WatchedComputer(Described):
    """One program on a computer; see `jitvm.dashboard.target.Target`.

    Args:
        platform: of its guest.
        program: what runs.
        name: what it is called on the page.
        args: its command line.
        stdin: its standard input; None: from the page.
        options: of its guest; see `Platform.running`.

    Raises:
        ProgramError: what names its addresses is damaged.
    """

    def __init__(
        self,
        platform: Platform,
        program: Program,
        name: str,
        *,
        args: Sequence[str] = (),
        stdin: bytes | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = shown(name)
        self.has_input = stdin is None
        super().__init__(platform, program)
        self._args = tuple(args)
        self._given = stdin
        self._options = dict(options or {})
        self._printed = _Printed()
        self._computer: Computer | None = None
        self._serial = 0
        self._start_input()

    def _start_input(self) -> None:
        self._events: list[Event] = []
        self._stdin = bytearray(self._given or b"")
        self._is_input_over = self._given is not None
        self._due = self._picture_due = 0.0
        self._picture: Picture | None = None
        self._is_stale = False

    @property
    def computer(self) -> Computer:
        """The current computer; `restart` makes a new one."""
        assert self._computer is not None
        return self._computer

    @property
    def machine(self) -> Machine:
        """Its machine."""
        return self.computer.machine

    def on_text(self, receiver: Callable[[str], None]) -> None:
        """Have what the program prints passed on."""
        self._printed.receiver = receiver

    def picture(self) -> Picture | None:
        """What its screen shows."""
        return self._picture

    # -- running -----------------------------------------------------------------------------

    def restart(self, params: Parameters) -> None:
        """Start over on a new computer."""
        self.close()
        self._start_input()
        self._computer = self._platform.computer(
            self._program,
            args=self._args,
            tier=Tier.JIT,
            params=params,
            stdout=self._printed,
            stderr=self._printed,
            **self._options,
        )

    def close(self) -> None:
        """Close the program's files."""
        if self._computer is not None:
            self._computer.close()

    def advance(self, *, seconds: float | None, instructions: int | None) -> Progress:
        """Run on: a frame, or console events, or as much of these as the limits allow."""
        computer = self.computer
        try:
            with computer.limited(max_instructions=instructions, time_limit=seconds):
                progress = self._go_on()
        except LimitReached:
            progress = Progress.RUNNING
        if computer.is_ended:
            progress = Progress.ENDED
            computer.output.flush()
        self._show(finished=progress is not Progress.RUNNING)
        return progress

    def step_frame(self) -> Progress:
        """Run one frame; a console program: until its next event."""
        self._due = 0.0
        return self.advance(seconds=None, instructions=None)

    def rest(self) -> float:
        """Seconds until the next frame or picture is due."""
        computer = self.computer
        if self._events:
            return 0.0
        waits_for_frames = computer.is_graphical and (
            computer.screen.is_live or (computer.has_sound and computer.audio.active)
        )
        due = self._due if waits_for_frames else monotonic() + NAP
        if self._is_stale:
            due = min(due, self._picture_due)
        return max(due - monotonic(), 0.0)

    def _go_on(self) -> Progress:
        computer = self.computer
        computer.boot()
        if computer.is_graphical:
            return self._go_on_with_frames()
        if not computer.listens:
            return Progress.ENDED
        return self._go_on_with_input()

    def _go_on_with_frames(self) -> Progress:
        computer, now = self.computer, monotonic()
        if not computer.frames.is_unfinished:
            if now < self._due:
                return Progress.WAITING
            if computer.listens and self._stdin:
                self._events.append(events.Stdin(bytes(self._stdin[:CHUNK])))
                del self._stdin[:CHUNK]
            self._due = max(self._due + 1 / RATE, now)
        given, self._events = self._events, []
        frame = computer.frame(given)
        self._is_stale |= frame.changed
        return Progress.WAITING

    def _go_on_with_input(self) -> Progress:
        """Hand over standard input, many events in one call."""
        computer = self.computer
        while self._stdin and not computer.is_ended:
            data = bytes(self._stdin[:CHUNK])
            del self._stdin[: computer.feed_some(data)]
            computer.evaluator.check_time()
            computer.boot()  # goes on with the event that a limit has stopped
        computer.output.flush()
        if not self._is_input_over:
            return Progress.WAITING
        if not computer.is_ended:
            self._is_input_over = False
            computer.end_of_input()
        return Progress.ENDED

    def _show(self, *, finished: bool) -> None:
        """Publish the picture, if there is a new one and it is due."""
        if not self.computer.has_screen:
            return
        screen, now = self.computer.screen, monotonic()
        if not screen.touched or now < self._picture_due:
            return
        if not finished and now > self._picture_due + PROGRESS:
            self._is_stale |= screen.compose()
        if self._is_stale or self._picture is None:
            pixels = screen.pixels
            self._serial += 1
            height, width, _ = pixels.shape
            self._picture = Picture(self._serial, width, height, pixels.tobytes())
            self._is_stale = False
            self._picture_due = now + 1 / PICTURES

    # -- input -------------------------------------------------------------------------------

    def input(self, event: Mapping[str, object]) -> None:
        """Input from the page."""
        try:
            match event:
                case {"kind": "line", "text": str(text)}:
                    self._stdin += text.encode("utf-8", "replace")
                case {"kind": "end"}:
                    self._end_input()
                case _:
                    held = self._computer is not None and self._computer.holds_keys
                    self._events += _held(event) if held else _events_of(event)
        except ValueError as error:
            raise InputError(str(error)) from error

    def _end_input(self) -> None:
        if self._computer is not None and self._computer.is_graphical:
            self._events.append(events.EndOfInput())
        else:
            self._is_input_over = True


def _events_of(event: Mapping[str, object]) -> list[Event]:
    """The events for a key, a button or a move on the page.

    Raises:
        ValueError: there are none.
    """
    match event:
        case {"kind": "keydown", "key": str(key)}:
            return _key_down(key, with_button=bool(event.get("ctrl") or event.get("alt")))
        case {"kind": "keyup", "key": str(key)}:
            return [events.Release(BUTTONS[key])] if key in BUTTONS else []
        case {"kind": "move", "x": int(x), "y": int(y)}:
            return [events.Move(x, y)]
        case {"kind": "down", "button": int(button)}:
            return [events.MouseDown(button)]
        case {"kind": "up", "button": int(button)}:
            return [events.MouseUp(button)]
        case {"kind": "wheel", "x": int(x), "y": int(y)}:
            return [events.Wheel(x, y)]
    raise ValueError(f"there is no input {str(event)[:80]}")


def _held(event: Mapping[str, object]) -> list[Event]:
    """The same for a guest whose keys are held."""
    match event:
        case {"kind": "keydown" | "keyup" as kind, "key": str(key)} if key not in BUTTONS:
            name = events.key_name(chr(KEYS[key]) if key in KEYS else key)
            if name is None:
                return []
            return [events.KeyDown(name) if kind == "keydown" else events.KeyUp(name)]
    return _events_of(event)


def _key_down(key: str, *, with_button: bool) -> list[Event]:
    if key in BUTTONS:
        return [events.Press(BUTTONS[key])]
    if key in KEYS:
        return [events.Key(KEYS[key])]
    if len(key) != 1:
        return []
    return [events.Key(ord(key))] if with_button and key.isascii() else [events.Text(key)]

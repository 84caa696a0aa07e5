"""A Varvara computer as the dashboard sees it: slices, frames at their time, input from a page.

    page --input--> events of the next frame, or bytes of standard input
    computer --frame--> picture, at most `PICTURES` a second
    computer --console--> text

Implements `jitvm.dashboard.target.Target`. A program without a screen gets its standard input from
a file that was named, followed by its end; or, without one, from the page, line by line.
"""

from __future__ import annotations

from argparse import Namespace
from codecs import getincrementaldecoder
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import monotonic

from jitvm.cli import options
from jitvm.cli.exits import Failure
from jitvm.dashboard.target import InputError, Picture, Progress
from jitvm.engine.machine.machine import Machine, Tier
from jitvm.engine.tables.names import shown
from jitvm.engine.tables.params import Parameters
from jitvm.guests.uxn.disassembler import spell
from jitvm.guests.uxn.places import naming, symbols_of
from jitvm.guests.uxn.symbols import SymbolFileError
from jitvm.guests.uxn.varvara import console, events
from jitvm.guests.uxn.varvara.computer import Computer
from jitvm.guests.uxn.varvara.console import Type
from jitvm.guests.uxn.varvara.evaluator import LimitReached
from jitvm.guests.uxn.varvara.events import Button, Event
from jitvm.guests.uxn.varvara.frames import RATE
from jitvm.guests.uxn.varvara.program import Program

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
KEYS = {"Enter": 0x0D, "Backspace": 0x08, "Tab": 0x09, "Escape": 0x1B, "Delete": 0x7F}
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


class WatchedComputer:
    """One program on a Varvara computer; see `jitvm.dashboard.target.Target`.

    Args:
        program: what runs.
        name: what it is called on the page.
        args: its command line.
        stdin: its standard input; None: from the page.
        sandbox: the folder its files are in; None for no files.

    Attributes:
        place: names its addresses.

    Raises:
        SymbolFileError: a ``.sym`` file beside the program is damaged.
    """

    def __init__(
        self,
        program: Program,
        name: str,
        *,
        args: Sequence[str] = (),
        stdin: bytes | None = None,
        sandbox: str | None = ".",
    ) -> None:
        self.name = shown(name)
        self.has_input = stdin is None
        self._rom = program.rom
        self._symbols = symbols_of(program)
        self.place = naming(self._symbols, program.source_map)
        self._args = tuple(args)
        self._given = stdin
        self._sandbox = sandbox
        self._sources: dict[str, list[str]] = {}
        spans = () if program.source_map is None else program.source_map.spans
        self._files = {shown(file): file for file in {span.file for span in spans}}
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
        """The computer at hand; another one after `restart`."""
        assert self._computer is not None
        return self._computer

    @property
    def machine(self) -> Machine:
        """Its machine."""
        return self.computer.machine

    def source(self, file: str) -> Sequence[str]:
        """Lines of a source; empty where it cannot be read."""
        if file not in self._sources:
            try:
                path = self._files.get(file, file)
                self._sources[file] = Path(path).read_text("utf-8", "replace").splitlines()
            except OSError:
                self._sources[file] = []
        return self._sources[file]

    def spell(self, memory: Sequence[int], address: int) -> tuple[str, int]:
        """The instruction at an address, and its size."""
        return spell(memory, address, self._symbols)

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
        self._computer = Computer(
            self._rom,
            args=self._args,
            tier=Tier.JIT,
            params=params,
            sandbox=self._sandbox,
            stdout=self._printed,
            stderr=self._printed,
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
        waits_for_frames = computer.screen.vector or (computer.has_sound and computer.audio.active)
        due = self._due if waits_for_frames else monotonic() + NAP
        if self._is_stale:
            due = min(due, self._picture_due)
        return max(due - monotonic(), 0.0)

    def _go_on(self) -> Progress:
        computer = self.computer
        computer.boot()
        if computer.is_graphical:
            return self._go_on_with_frames()
        if not computer.console.vector:
            return Progress.ENDED
        return self._go_on_with_input()

    def _go_on_with_frames(self) -> Progress:
        computer, now = self.computer, monotonic()
        if not computer.frames.is_unfinished:
            if now < self._due:
                return Progress.WAITING
            if computer.console.vector and self._stdin:
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
        computer.evaluator.follow(iter(()))  # the event that a limit has stopped
        while self._stdin and not computer.is_ended:
            self._deliver()
            computer.evaluator.follow(iter(()))
        computer.output.flush()
        if not self._is_input_over:
            return Progress.WAITING
        if not computer.is_ended:
            self._is_input_over = False
            computer.evaluator.follow(computer.console.events(Type.END, console.END_BYTE))
        return Progress.ENDED

    def _deliver(self) -> None:
        """Raise one event a byte; what was not begun stays where it is."""
        evaluator = self.computer.evaluator
        data = bytes(self._stdin[:CHUNK])
        del self._stdin[: evaluator.deliver_some(data, (console.TYPE, Type.STDIN))]
        evaluator.check_time()

    def _show(self, *, finished: bool) -> None:
        """Publish the picture, where there is a new one and it is time for it."""
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
        """What somebody did on the page."""
        try:
            match event:
                case {"kind": "line", "text": str(text)}:
                    self._stdin += text.encode("utf-8", "replace")
                case {"kind": "end"}:
                    self._end_input()
                case _:
                    self._events += _events_of(event)
        except ValueError as error:
            raise InputError(str(error)) from error

    def _end_input(self) -> None:
        if self._computer is not None and self._computer.is_graphical:
            self._events.append(events.EndOfInput())
        else:
            self._is_input_over = True


def _events_of(event: Mapping[str, object]) -> list[Event]:
    """The events of a Varvara computer for a key, a button or a move on the page.

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


def _key_down(key: str, *, with_button: bool) -> list[Event]:
    if key in BUTTONS:
        return [events.Press(BUTTONS[key])]
    if key in KEYS:
        return [events.Key(KEYS[key])]
    if len(key) != 1:
        return []
    return [events.Key(ord(key))] if with_button and key.isascii() else [events.Text(key)]


def watched(
    program: Program, name: str, stdin: bytes | None, arguments: Namespace
) -> WatchedComputer:
    """A program as the arguments of its command say: what it is given, and its files.

    Raises:
        Failure: its symbols cannot be read, or the folder of its files is none.
    """
    try:
        return WatchedComputer(
            program, name, args=arguments.arguments, stdin=stdin, sandbox=options.folder(arguments)
        )
    except SymbolFileError as error:
        raise Failure(str(error)) from error

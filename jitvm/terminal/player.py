"""The main loop of a program in a terminal.

    rest       until the next frame is due, or something is typed
    listen     what was typed: to the guest's next frame, or to leave
    advance    run the guest: a frame, or as much of one as fits into `SLICE`
    show       draw the picture, if the terminal has taken the last one

A vector that takes long is run in slices, so that the program can be left at any time. Where
nothing happens nothing is done.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from time import monotonic

from jitvm.platform.evaluator import Ending, LimitReached
from jitvm.platform.events import Event, Move
from jitvm.platform.frames import RATE, Frame
from jitvm.terminal.abilities import Abilities, ask
from jitvm.terminal.blocks import CELL, Blocks
from jitvm.terminal.fit import Fit
from jitvm.terminal.keyboard import (
    DISABLE_POINTER,
    DISABLE_RELEASES,
    ENABLE_PIXELS,
    ENABLE_POINTER,
    ENABLE_RELEASES,
    Decoder,
    Quit,
)
from jitvm.terminal.kitty import UNDO, Kitty
from jitvm.terminal.sixel import Sixel
from jitvm.terminal.tty import Tty
from jitvm.window.pacing import Pacer

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from jitvm.platform.computer import Computer
    from jitvm.platform.script import Script

SLICE = 0.05
"""Seconds that the guest runs before the keyboard is looked at."""
NAP = 0.1
"""Seconds of waiting for keys where there is nothing to do."""
PICTURES = 30
"""Most pictures drawn a second."""
_BEGIN, _END = b"\x1b[?2026h", b"\x1b[?2026l"
"""Between these a terminal that knows them shows nothing half done."""
_CELL = (8, 16)
"""Pixels of a character in a terminal that does not say."""


class Player:
    """Plays one computer in the terminal; the arguments are those of `jitvm.terminal.run`."""

    def __init__(
        self,
        computer: Computer,
        script: Script | None,
        replay: Iterator[Frame] | None,
        max_frames: int | None,
        max_instructions: int | None,
        time_limit: float | None,
    ) -> None:
        self._computer = computer
        self._loop = computer.frames
        self._script = script
        self._replay = replay
        self._last_frame = None if max_frames is None else self._loop.number + max_frames
        self._instructions = max_instructions
        self._deadline = None if time_limit is None else monotonic() + time_limit
        self._ending: Ending | None = None
        self._pending: list[Event] = []
        self._is_owed = True
        self._is_stale = True
        self._next_picture = 0.0
        self._size: tuple[int, ...] = ()

    def run(self) -> Ending:
        """See `jitvm.terminal.run`."""
        with Tty() as self._tty:
            self._abilities = abilities = ask(self._tty)
            self._prepare(abilities)
            self._fit_picture()
            self._decoder = Decoder(
                lambda x, y: self._fit.pixel_at(x, y),
                cell=self._cell if abilities.has_pixel_pointer else (1, 1),
                tells_releases=abilities.has_key_releases,
                holds_keys=self._computer.holds_keys,
            )
            self._pacer = Pacer(RATE)
            while self._ending is None and not self._tty.signal:
                self._rest()
                self._listen()
                if self._ending is None and self._is_due:
                    self._advance()
                self._show()
        if self._ending is None:
            raise SystemExit(128 + self._tty.signal)
        return self._ending

    def _prepare(self, abilities: Abilities) -> None:
        """Switch on what the terminal can do, and note how to switch it off."""
        tty = self._tty
        tty.write(ENABLE_POINTER)
        tty.undo = DISABLE_POINTER
        if abilities.has_pixel_pointer:
            tty.write(ENABLE_PIXELS)
        if abilities.has_key_releases:
            tty.write(ENABLE_RELEASES)
            tty.undo += DISABLE_RELEASES
        if abilities.painter == "kitty":
            tty.undo += UNDO

    # -- rest and listen ---------------------------------------------------------------------

    def _rest(self) -> None:
        if self._loop.is_unfinished:
            return
        if not self._has_work:
            self._tty.wait(NAP)
            self._pacer.resume()
            return
        self._tty.wait(self._pacer.remaining())

    @property
    def _has_work(self) -> bool:
        """Whether there is any reason to run a frame."""
        computer = self._computer
        return bool(
            self._is_owed
            or self._pending
            or computer.screen.is_live
            or (computer.has_sound and computer.audio.active)
            or self._script is not None
            or self._replay is not None
            or self._last_frame is not None
        )

    @property
    def _is_due(self) -> bool:
        return self._loop.is_unfinished or (self._has_work and self._pacer.remaining() == 0)

    def _listen(self) -> None:
        data, now = self._tty.read(), monotonic()
        if data is None:
            self._ending = Ending.EXIT
            return
        for told in (*self._decoder.decode(data, now), *self._decoder.expired(now)):
            if isinstance(told, Quit):
                self._ending = Ending.EXIT
                return
            if self._replay is None:
                self._queue(told)
        if self._deadline is not None and now >= self._deadline:
            self._ending = Ending.TIME

    def _queue(self, event: Event) -> None:
        """Have the next frame bring an event; of the pointer's ways only the last place counts."""
        if isinstance(event, Move) and self._pending and isinstance(self._pending[-1], Move):
            self._pending.pop()
        self._pending.append(event)

    # -- advance -----------------------------------------------------------------------------

    def _advance(self) -> None:
        """Run a frame, or a part of one."""
        computer = self._computer
        before = computer.machine.executed
        if not self._loop.is_unfinished:
            self._pacer.begin()
        try:
            with computer.limited(max_instructions=self._instructions, time_limit=self._slice()):
                frame = self._next_frame()
        except LimitReached as reached:
            if reached.ending is Ending.INSTRUCTIONS:
                self._ending = reached.ending
            return
        finally:
            if self._instructions is not None:
                self._instructions -= computer.machine.executed - before
        self._judge(frame)

    def _slice(self) -> float | None:
        """How long the guest may run now. A replay is not cut: its frames come from elsewhere."""
        if self._deadline is None:
            return None if self._replay else SLICE
        rest = max(self._deadline - monotonic(), 0.001)
        return rest if self._replay else min(rest, SLICE)

    def _next_frame(self) -> Frame | None:
        if self._replay is not None:
            return next(self._replay, None)
        events = tuple(self._pending)
        if self._script is not None and not self._loop.is_unfinished:
            events = (*self._script.at(self._loop.number + 1), *events)
        self._pending = []
        return self._loop.frame(events)

    def _judge(self, frame: Frame | None) -> None:
        """See what came of a frame."""
        self._is_owed = False
        if frame is None or self._computer.is_ended:
            self._ending = Ending.EXIT
        elif frame.number == self._last_frame:
            self._ending = Ending.FRAMES
        if frame is not None and frame.changed:
            self._is_stale = True

    # -- show --------------------------------------------------------------------------------

    def _show(self) -> None:
        """Draw the picture, unless that was just done or the terminal is behind."""
        now, screen = monotonic(), self._computer.screen
        if self._tty.is_behind:
            self._tty.drain()
            return
        if now < self._next_picture or not screen.touched:
            return
        if self._size != self._sizes():
            self._fit_picture()
        if self._is_stale:
            self._is_stale = False
            self._next_picture = now + 1 / PICTURES
            self._tty.write(_BEGIN + self._painter.paint(screen.pixels) + _END)

    def _sizes(self) -> tuple[int, ...]:
        """What the picture's place depends on: sizes of the terminal and of the screen."""
        screen = self._computer.screen
        return (*self._tty.size, screen.width, screen.height)

    @property
    def _cell(self) -> tuple[int, int]:
        """Width and height of a character in pixels."""
        columns, rows, width, height = self._tty.size
        if width >= columns and height >= rows:
            return width // columns, height // rows
        return self._abilities.cell if all(self._abilities.cell) else _CELL

    def _fit_picture(self) -> None:
        """Find the picture's place anew."""
        self._size = columns, rows, _, _, width, height = self._sizes()
        abilities = self._abilities
        cell = CELL if abilities.painter == "blocks" else self._cell
        fit = Fit.of((width, height), (columns, rows), cell)
        if abilities.painter == "kitty":  # the terminal fills whole characters
            across, down = fit.cells
            fit = replace(fit, shown=(across * cell[0], down * cell[1]))
        self._fit = fit
        self._painter = self._make_painter(fit)
        self._is_stale = True
        self._tty.write(b"\x1b[0m\x1b[2J")

    def _make_painter(self, fit: Fit) -> Blocks | Sixel | Kitty:
        match self._abilities.painter:
            case "kitty":
                return Kitty(fit)
            case "sixel":
                return Sixel(fit)
        return Blocks(fit, has_all_colors=self._abilities.has_all_colors)

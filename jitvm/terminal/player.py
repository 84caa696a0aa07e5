"""A computer in a terminal: the playing loop, with a terminal for input and output.

listen     input, for the guest's next frame or to quit
show       draw the picture, if the terminal has consumed the last one
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from time import monotonic

from jitvm.platform.evaluator import Ending
from jitvm.platform.events import Reset
from jitvm.platform.frames import Frame
from jitvm.playing.loop import Limits, Loop
from jitvm.terminal.abilities import Abilities, ask
from jitvm.terminal.blocks import CELL, Blocks
from jitvm.terminal.fit import Fit
from jitvm.terminal.keyboard import (
    DISABLE_PASTES,
    DISABLE_POINTER,
    DISABLE_RELEASES,
    ENABLE_PASTES,
    ENABLE_PIXELS,
    ENABLE_POINTER,
    ENABLE_RELEASES,
    KEYS,
    Command,
    Decoder,
    Pasted,
)
from jitvm.terminal.keymap import of_file
from jitvm.terminal.kitty import UNDO, Kitty
from jitvm.terminal.sixel import Sixel
from jitvm.terminal.tty import Tty

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from jitvm.platform.computer import Computer
    from jitvm.platform.script import Script
    from jitvm.playing.slot import Slot

SLICE = 0.05
"""Seconds that the guest runs before the keyboard is looked at."""
NOTICE = 2.0
"""Seconds that a notice is shown."""
PICTURES = 30
"""Most pictures drawn a second."""
_BEGIN, _END = b"\x1b[?2026h", b"\x1b[?2026l"
"""Between these a terminal that knows them shows nothing half done."""
_CELL = (8, 16)
"""Pixels of a character in a terminal that does not say."""


class Player(Loop):
    """Plays one computer in the terminal; the arguments are those of `jitvm.terminal.run`."""

    def __init__(
        self,
        computer: Computer,
        script: Script | None,
        replay: Iterator[Frame] | None,
        limits: Limits,
        slot: Slot | None,
        rewind: int,
        keys: str | None,
    ) -> None:
        self._does = (KEYS, {}) if keys is None else of_file(keys)
        super().__init__(
            computer,
            script=script,
            replay=replay,
            limits=limits,
            slot=slot,
            rewind=rewind,
            seconds=SLICE,
        )
        self._notice, self._notice_until = "", 0.0
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
                keys=self._does[0],
                chars=self._does[1],
            )
            self._play()
        if self._ending is None:
            raise SystemExit(128 + self._tty.signal)
        return self._ending

    def _prepare(self, abilities: Abilities) -> None:
        """Switch on what the terminal can do, and note how to switch it off."""
        tty = self._tty
        tty.write(ENABLE_POINTER + ENABLE_PASTES)
        tty.undo = DISABLE_POINTER + DISABLE_PASTES
        if abilities.has_pixel_pointer:
            tty.write(ENABLE_PIXELS)
        if abilities.has_key_releases:
            tty.write(ENABLE_RELEASES)
            tty.undo += DISABLE_RELEASES
        if abilities.painter == "kitty":
            tty.undo += UNDO

    # -- rest and listen ---------------------------------------------------------------------

    @property
    def _is_left(self) -> bool:
        return bool(self._tty.signal)

    def _wait(self, seconds: float) -> None:
        self._tty.wait(seconds)

    def _listen(self) -> None:
        data, now = self._tty.read(), monotonic()
        if data is None:
            self._ending = Ending.EXIT
            return
        for told in (*self._decoder.decode(data, now), *self._decoder.expired(now)):
            match told:
                case Command.QUIT:
                    self._ending = Ending.EXIT
                    return
                case Command.RESET | Command.SOFT_RESET:
                    self._queue(Reset(soft=told is Command.SOFT_RESET))
                case Command.PAUSE:
                    self._set_paused(not self._is_paused)
                    self._notify("paused" if self._is_paused else "goes on")
                case Command.STEP:
                    self._step()
                case Command.SLOWER | Command.FASTER:
                    self.pacer.change_speed(-1 if told is Command.SLOWER else +1)
                    self._notify(f"speed {self.pacer.speed:g}")
                case Command.SAVE:
                    self._save_state()
                case Command.LOAD:
                    self._load_state()
                case Command.REWIND:
                    self._start_rewinding()
                case Command.GO_ON:
                    self._stop_rewinding()
                case Pasted(text):
                    self._paste(text)
                case _:
                    self._queue(told)

    def _told(self, frame: Frame) -> None:
        self._is_stale |= frame.changed

    def _show_anew(self) -> None:
        self._is_stale = True

    def _notify(self, text: str) -> None:
        """Have it on the last line for a while."""
        self._notice, self._notice_until = text, monotonic() + NOTICE
        self._is_stale = True

    @property
    def _notice_line(self) -> bytes:
        """What writes the notice."""
        columns, rows, *_ = self._tty.size
        text = "".join(char if char.isprintable() else "?" for char in self._notice)[:columns]
        return b"\x1b[%d;1H\x1b[0;7m%s\x1b[0m" % (rows, text.encode("utf-8", "replace"))

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
        if self._notice and now >= self._notice_until:
            self._notice = ""
            self._fit_picture()
        if self._is_stale:
            self._is_stale = False
            self._next_picture = now + 1 / PICTURES
            line = self._notice_line if self._notice else b""
            self._tty.write(_BEGIN + self._painter.paint(screen.pixels) + line + _END)

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
        """Compute the picture's position again."""
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

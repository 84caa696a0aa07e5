"""Translates SDL's events into events of the guest, or into commands for the window.

    SDL event --> guest's Event | Command | Dropped | Exposed | SoundDevice

Text arrives as text, whatever keyboard layout or input method it was typed with; keys that type
nothing arrive as their byte; buttons are pressed again when a held key repeats, as in the reference
emulator, since programs move their cursors that way.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from jitvm.platform import events
from jitvm.platform.events import MOUSE_BUTTONS, STEPS, Event
from jitvm.window.binding import sdl, take_dropped
from jitvm.window.keymap import DEFAULT, KeyMap
from jitvm.window.keys import (
    LEFT_ALT,
    LEFT_CTRL,
    LEFT_SHIFT,
    MOD_SHIFT,
    Command,
    held_name,
    key_byte,
)
from jitvm.window.pads import Pads

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from typing import Any

_MODIFIERS = (LEFT_CTRL, LEFT_ALT, LEFT_SHIFT)


@dataclass(frozen=True, slots=True)
class Dropped:
    """A file was dropped on the window."""

    path: str


@dataclass(frozen=True, slots=True)
class Exposed:
    """The window has to be shown again.

    Attributes:
        texture_lost: whether what was uploaded is gone.
    """

    texture_lost: bool = False


@dataclass(frozen=True, slots=True)
class SoundDevice:
    """A sound device came, or one went."""

    added: bool
    number: int


Told = Event | Command | Dropped | Exposed | SoundDevice


class Translator:
    """Translates the events of one window.

    Args:
        pixel_at: which pixel of the picture a place in the window is.
        holds_keys: whether keys go down and up (KeyDown, KeyUp), instead of being typed.
        keys: what keys and buttons do.
    """

    def __init__(
        self,
        pixel_at: Callable[[int, int], tuple[int, int]],
        *,
        holds_keys: bool = False,
        keys: KeyMap = DEFAULT,
    ) -> None:
        self._keys = keys
        self._pixel_at = pixel_at
        self._holds_keys = holds_keys
        self._names: dict[int, str] = {}
        self._pads = Pads(keys.controller)
        self._held: set[int] = set()
        self._place: tuple[int, int] | None = None
        self._is_text_told = False
        self._buttons_down: set[int] = set()

    def close(self) -> None:
        """Let go of game controllers."""
        self._pads.close()

    @property
    def down(self) -> tuple[Event, ...]:
        """What presses the keys and buttons of the keyboard and the mouse that are down."""
        return (
            *(events.KeyDown(name) for name in self._names.values()),
            *(events.Press(self._keys.buttons[code]) for code in self._held),
            *(events.MouseDown(button) for button in self._buttons_down),
        )

    def told(self, event: Any) -> Iterator[Told]:
        """What an event means."""
        match event.type:
            case sdl.SDL_QUIT:
                yield Command.QUIT
            case sdl.SDL_WINDOWEVENT:
                yield from self._window(event.window.event)
            case sdl.SDL_RENDER_TARGETS_RESET | sdl.SDL_RENDER_DEVICE_RESET:
                yield Exposed(texture_lost=True)
            case sdl.SDL_KEYDOWN:
                key = event.key.keysym
                yield from self._key_down(key.sym, key.mod, is_repeat=bool(event.key.repeat))
            case sdl.SDL_KEYUP:
                yield from self._key_up(event.key.keysym.sym)
            case sdl.SDL_TEXTINPUT:
                yield from self._text(event.text.text.decode("utf-8", "ignore"))
            case sdl.SDL_MOUSEMOTION:
                yield from self._move(event.motion.x, event.motion.y)
            case sdl.SDL_MOUSEBUTTONDOWN | sdl.SDL_MOUSEBUTTONUP:
                yield from self._click(event.button)
            case sdl.SDL_MOUSEWHEEL:
                yield from _wheel(event.wheel)
            case sdl.SDL_DROPFILE:
                yield Dropped(os.fsdecode(take_dropped(event.drop)))
            case sdl.SDL_AUDIODEVICEADDED | sdl.SDL_AUDIODEVICEREMOVED:
                if not event.adevice.iscapture:
                    added = event.type == sdl.SDL_AUDIODEVICEADDED
                    yield SoundDevice(added, event.adevice.which)
            case _:
                yield from self._pads.events(event)

    def _window(self, what: int) -> Iterator[Told]:
        if what == sdl.SDL_WINDOWEVENT_CLOSE:
            yield Command.QUIT
        elif what in (
            sdl.SDL_WINDOWEVENT_EXPOSED,
            sdl.SDL_WINDOWEVENT_SIZE_CHANGED,
            sdl.SDL_WINDOWEVENT_RESTORED,
        ):
            yield Exposed()

    # -- keyboard ----------------------------------------------------------------------------

    def _key_down(self, code: int, modifiers: int, *, is_repeat: bool) -> Iterator[Told]:
        self._is_text_told = False
        shortcut = self._keys.shortcut(code, shift=bool(modifiers & MOD_SHIFT))
        if shortcut is not None:
            if shortcut.repeats or not is_repeat:
                yield shortcut.command
            self._is_text_told = True
            return
        if code in self._keys.buttons:
            self._is_text_told = True
            if not (is_repeat and code in _MODIFIERS):
                self._held.add(code)
                yield events.Press(self._keys.buttons[code])
            return
        if self._holds_keys and (name := held_name(code)) is not None:
            if not is_repeat:
                self._names[code] = name
                yield events.KeyDown(name)
            return
        byte = key_byte(code, modifiers)
        if byte is not None:
            self._is_text_told = True
            yield events.Key(byte)

    def _key_up(self, code: int) -> Iterator[Told]:
        shortcut = self._keys.shortcut(code, shift=False)
        if shortcut is not None and shortcut.released is not None:
            yield shortcut.released
        if code in self._names:
            yield events.KeyUp(self._names.pop(code))
        if code in self._held:
            self._held.remove(code)
            yield events.Release(self._keys.buttons[code])

    def _text(self, text: str) -> Iterator[Told]:
        if text and not self._is_text_told and not self._holds_keys:
            yield events.Text(text)

    # -- mouse -------------------------------------------------------------------------------

    def _move(self, x: int, y: int) -> Iterator[Told]:
        place = self._pixel_at(x, y)
        if place != self._place:
            self._place = place
            yield events.Move(*place)

    def _click(self, event: Any) -> Iterator[Told]:
        button = event.button  # SDL counts the guest's three as the guest does
        if button > MOUSE_BUTTONS:
            return
        if event.state:
            yield from self._move(event.x, event.y)
            self._buttons_down.add(button)
            yield events.MouseDown(button)
        elif button in self._buttons_down:
            self._buttons_down.remove(button)
            yield events.MouseUp(button)


def _wheel(event: Any) -> Iterator[Told]:
    sign = -1 if event.direction == sdl.SDL_MOUSEWHEEL_FLIPPED else 1
    x, y = sign * event.x, -sign * event.y  # SDL's wheel counts up
    if (x or y) and x in STEPS and y in STEPS:
        yield events.Wheel(x, y)

"""User input as values: the events that a frame loop passes to a program.

    events = (Press(Button.A | Button.LEFT), Text("hi"), Move(10, 20), MouseDown(1))

Each is one event for the guest, except text, which is one event per byte. They come from a window,
a terminal, a dashboard page, an input script (`script`) or a recorded session.

A keyboard is reported in one of two ways, which a computer selects with `Computer.holds_keys`: as
typed text and keys that have a byte of their own (Text, Key), or as keys that go down and up
(KeyDown, KeyUp). Buttons of game pads, and the keys that are such buttons (arrows, Home, left Ctrl,
Alt and Shift), are Press and Release in both.
"""

from __future__ import annotations

from enum import IntFlag

from jitvm.engine.tables.struct import Struct
from jitvm.guest.numbers import shortened, whole

PADS = 4
"""Game pads that there may be, counted from 1."""
MOUSE_BUTTONS = 3
"""Buttons of a mouse, counted from 1: left, middle, right."""
WORD = 0xFFFF
STEPS = range(-0x8000, 0x8000)
"""How far a wheel can turn in one event."""


class Button(IntFlag):
    """The bits of a button port. On a keyboard the first four are Ctrl, Alt, Shift and Home."""

    A = 0x01
    B = 0x02
    SELECT = 0x04
    START = 0x08
    UP = 0x10
    DOWN = 0x20
    LEFT = 0x40
    RIGHT = 0x80


class _Checked(Struct, frozen=True):
    """A record whose fields have rules."""

    def __init__(self, *values: object, **named: object) -> None:
        super().__init__(*values, **named)
        self._check()

    def _check(self) -> None:
        """Raise ValueError or TypeError unless the fields are as they should be."""


class Press(_Checked, frozen=True):
    """Buttons go down: a bit each (see `Button`), on pad 1 to 4."""

    buttons: int
    pad: int = 1

    def _check(self) -> None:
        _check_pad(self.buttons, self.pad)


class Release(_Checked, frozen=True):
    """Buttons go up: a bit each (see `Button`), on pad 1 to 4."""

    buttons: int
    pad: int = 1

    def _check(self) -> None:
        _check_pad(self.buttons, self.pad)


class Key(_Checked, frozen=True):
    """A key with a byte of its own, 1 to 255: Enter is 13, Escape 27."""

    byte: int

    def _check(self) -> None:
        whole("key", self.byte, 1, 0xFF)


class Text(_Checked, frozen=True):
    """Text is typed: an event for each byte of its UTF-8; zero bytes are none."""

    text: str

    def _check(self) -> None:
        if not isinstance(self.text, str):
            raise TypeError(f"text is a string, not {shortened(self.text)}")
        if any("\ud800" <= char <= "\udfff" for char in self.text):
            raise ValueError(f"text {self.text!r}: there is no UTF-8 for it")


class KeyDown(_Checked, frozen=True):
    """A key goes down: the character that it types by itself in lower case, or a name of `KEYS`."""

    key: str

    def _check(self) -> None:
        _check_key(self.key)


class KeyUp(_Checked, frozen=True):
    """A key goes up; see `KeyDown`."""

    key: str

    def _check(self) -> None:
        _check_key(self.key)


class Move(_Checked, frozen=True):
    """The pointer moves to a pixel, 0 to 65535 each way."""

    x: int
    y: int

    def _check(self) -> None:
        whole("pointer's x", self.x, 0, WORD)
        whole("pointer's y", self.y, 0, WORD)


class MouseDown(_Checked, frozen=True):
    """A mouse button goes down: 1 left, 2 middle, 3 right."""

    button: int

    def _check(self) -> None:
        _check_mouse(self.button)


class MouseUp(_Checked, frozen=True):
    """A mouse button goes up: 1 left, 2 middle, 3 right."""

    button: int

    def _check(self) -> None:
        _check_mouse(self.button)


class Wheel(_Checked, frozen=True):
    """The wheel turns: steps to the right and down, -32768 to 32767."""

    x: int
    y: int

    def _check(self) -> None:
        whole("wheel's x", self.x, STEPS[0], STEPS[-1])
        whole("wheel's y", self.y, STEPS[0], STEPS[-1])


class Stdin(_Checked, frozen=True):
    """Bytes come on standard input."""

    data: bytes

    def _check(self) -> None:
        if not isinstance(self.data, bytes | bytearray | memoryview):
            raise TypeError(f"standard input is bytes, not {shortened(self.data)}")


class EndOfInput(_Checked, frozen=True):
    """Standard input has ended."""


class Reset(_Checked, frozen=True):
    """The program starts over; a soft reset keeps the zero page."""

    soft: bool = False


Event = (
    Press
    | Release
    | Key
    | Text
    | KeyDown
    | KeyUp
    | Move
    | MouseDown
    | MouseUp
    | Wheel
    | Stdin
    | EndOfInput
    | Reset
)

KEYS = {"backspace": 0x08, "tab": 0x09, "enter": 0x0D, "escape": 0x1B, "delete": 0x7F}
"""Names of keys that type no character, and their bytes; the space bar is a space."""


def _check_pad(buttons: int, pad: int) -> None:
    whole("buttons", buttons, 1, 0xFF)
    whole("pad", pad, 1, PADS)


def _check_mouse(button: int) -> None:
    whole("mouse button", button, 1, MOUSE_BUTTONS)


def _check_key(key: str) -> None:
    if not isinstance(key, str):
        raise TypeError(f"key is a string, not {shortened(key)}")
    is_one = key in KEYS or (len(key) == 1 and key.isprintable() and key == key.lower())
    if not is_one:
        names = ", ".join(KEYS)
        raise ValueError(f"key {key!r}: take a character in lower case, or one of {names}")


def key_name(char: str) -> str | None:
    """The key, as in `KeyDown`, that types a character (or a byte as a character), if it is known;
    None otherwise."""
    for name, byte in KEYS.items():
        if char == chr(byte):
            return name
    lower = char.lower()
    return lower if len(lower) == 1 and lower.isprintable() else None

"""What a user does, as values: the events that a frame loop hands to a program.

    events = (Press(Button.A | Button.LEFT), Text("hi"), Move(10, 20), MouseDown(1))

Each is one event of the guest, except that text is one a byte. They come from a window, a terminal,
a page, from an input script (`script`) or from a recorded session.

A keyboard is told of in one of two ways, which a computer chooses by `Computer.holds_keys`: as text
and keys with a byte of their own, which are typed (Text, Key), or as keys that go down and up again
(KeyDown, KeyUp). Buttons of game pads, and the keys that are such buttons (arrows, Home, left Ctrl,
Alt and Shift), are Press and Release in both.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag

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


@dataclass(frozen=True, slots=True)
class Press:
    """Buttons go down: a bit each (see `Button`), on pad 1 to 4."""

    buttons: int
    pad: int = 1

    def __post_init__(self) -> None:
        _check_pad(self.buttons, self.pad)


@dataclass(frozen=True, slots=True)
class Release:
    """Buttons go up: a bit each (see `Button`), on pad 1 to 4."""

    buttons: int
    pad: int = 1

    def __post_init__(self) -> None:
        _check_pad(self.buttons, self.pad)


@dataclass(frozen=True, slots=True)
class Key:
    """A key with a byte of its own, 1 to 255: Enter is 13, Escape 27."""

    byte: int

    def __post_init__(self) -> None:
        whole("key", self.byte, 1, 0xFF)


@dataclass(frozen=True, slots=True)
class Text:
    """Text is typed: an event for each byte of its UTF-8; zero bytes are none."""

    text: str

    def __post_init__(self) -> None:
        if not isinstance(self.text, str):
            raise TypeError(f"text is a string, not {shortened(self.text)}")
        if any("\ud800" <= char <= "\udfff" for char in self.text):
            raise ValueError(f"text {self.text!r}: there is no UTF-8 for it")


@dataclass(frozen=True, slots=True)
class KeyDown:
    """A key goes down: the character that it types by itself in lower case, or a name of `KEYS`."""

    key: str

    def __post_init__(self) -> None:
        _check_key(self.key)


@dataclass(frozen=True, slots=True)
class KeyUp:
    """A key goes up; see `KeyDown`."""

    key: str

    def __post_init__(self) -> None:
        _check_key(self.key)


@dataclass(frozen=True, slots=True)
class Move:
    """The pointer moves to a pixel, 0 to 65535 each way."""

    x: int
    y: int

    def __post_init__(self) -> None:
        whole("pointer's x", self.x, 0, WORD)
        whole("pointer's y", self.y, 0, WORD)


@dataclass(frozen=True, slots=True)
class MouseDown:
    """A mouse button goes down: 1 left, 2 middle, 3 right."""

    button: int

    def __post_init__(self) -> None:
        _check_mouse(self.button)


@dataclass(frozen=True, slots=True)
class MouseUp:
    """A mouse button goes up: 1 left, 2 middle, 3 right."""

    button: int

    def __post_init__(self) -> None:
        _check_mouse(self.button)


@dataclass(frozen=True, slots=True)
class Wheel:
    """The wheel turns: steps to the right and down, -32768 to 32767."""

    x: int
    y: int

    def __post_init__(self) -> None:
        whole("wheel's x", self.x, STEPS[0], STEPS[-1])
        whole("wheel's y", self.y, STEPS[0], STEPS[-1])


@dataclass(frozen=True, slots=True)
class Stdin:
    """Bytes come on standard input."""

    data: bytes

    def __post_init__(self) -> None:
        if not isinstance(self.data, bytes | bytearray | memoryview):
            raise TypeError(f"standard input is bytes, not {shortened(self.data)}")


@dataclass(frozen=True, slots=True)
class EndOfInput:
    """Standard input has ended."""


@dataclass(frozen=True, slots=True)
class Reset:
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
    """The key, as `KeyDown` has it, that a character or a byte as one is typed with, as far as
    anybody knows; None for none."""
    for name, byte in KEYS.items():
        if char == chr(byte):
            return name
    lower = char.lower()
    return lower if len(lower) == 1 and lower.isprintable() else None

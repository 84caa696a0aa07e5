"""What a user does, as values: the events that a frame loop hands to a program.

    events = (Press(Button.A | Button.LEFT), Text("hi"), Move(10, 20), MouseDown(1))

Each is one event of the guest, except that text is one a byte. They come from a window, from an
input script (`script`) or from a recorded session (`session`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag

from jitvm.guest.numbers import shortened, whole
from jitvm.guests.uxn.varvara.controller import PADS
from jitvm.guests.uxn.varvara.mouse import BUTTONS

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
    Press | Release | Key | Text | Move | MouseDown | MouseUp | Wheel | Stdin | EndOfInput | Reset
)


def _check_pad(buttons: int, pad: int) -> None:
    whole("buttons", buttons, 1, 0xFF)
    whole("pad", pad, 1, len(PADS))


def _check_mouse(button: int) -> None:
    whole("mouse button", button, 1, BUTTONS)

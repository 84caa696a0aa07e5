"""User input as values: events for `Computer.frame` and for scripts.

computer.frame([events.Key(13), events.Move(10, 20)])
"""

from jitvm.platform.events import (
    Button,
    EndOfInput,
    Event,
    Key,
    KeyDown,
    KeyUp,
    MouseDown,
    MouseUp,
    Move,
    Press,
    Release,
    Reset,
    Stdin,
    Text,
    Wheel,
)

__all__ = [
    "Button",
    "EndOfInput",
    "Event",
    "Key",
    "KeyDown",
    "KeyUp",
    "MouseDown",
    "MouseUp",
    "Move",
    "Press",
    "Release",
    "Reset",
    "Stdin",
    "Text",
    "Wheel",
]

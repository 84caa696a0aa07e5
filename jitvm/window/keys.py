"""What each key does: the window's own keys, the controller's buttons, and keys with a byte.

Keys are SDL's key codes, which are stable: the character of a key that has one, otherwise its scan
code with bit 30 set.

The first group of function keys is that of the reference emulator.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from jitvm.platform.events import Button, key_name

_PLACE = 1 << 30

BACKSPACE, TAB, ENTER, ESCAPE, DELETE = 0x08, 0x09, 0x0D, 0x1B, 0x7F
F1 = _PLACE | 58
PRINT_SCREEN, PAUSE, INSERT, HOME, PAGE_UP = (_PLACE | place for place in (70, 72, 73, 74, 75))
END, PAGE_DOWN = _PLACE | 77, _PLACE | 78
RIGHT, LEFT, DOWN, UP = (_PLACE | place for place in range(79, 83))
KEYPAD_ENTER = _PLACE | 88
LEFT_CTRL, LEFT_SHIFT, LEFT_ALT = (_PLACE | place for place in range(224, 227))

MOD_SHIFT, MOD_CTRL, MOD_LEFT_ALT = 0x0003, 0x00C0, 0x0100
MOD_ALTGR = 0x0200 | 0x4000
"""Bits of SDL's modifiers; right Alt types characters, so it is no button."""


class Command(Enum):
    """What the user asks of the window."""

    ZOOM = "zoom"
    STACKS = "stacks"
    QUIT = "quit"
    RESET = "reset"
    SOFT_RESET = "soft reset"
    PAUSE = "pause"
    STEP = "step"
    SLOWER = "slower"
    FASTER = "faster"
    SCREENSHOT = "screenshot"
    SAVE = "save"
    LOAD = "load"
    REWIND = "rewind"
    GO_ON = "go on"
    PASTE = "paste"
    MUTE = "mute"
    QUIETER = "quieter"
    LOUDER = "louder"
    FULLSCREEN = "fullscreen"
    BORDER = "border"


@dataclass(frozen=True, slots=True)
class Shortcut:
    """A key of the window's own.

    Attributes:
        name: of the key, as it is printed on it, perhaps with Shift.
        repeats: whether holding it does it again and again.
        released: what letting go of it does.
        shift: whether Shift is held as well.
    """

    code: int
    name: str
    command: Command
    about: str
    repeats: bool = False
    released: Command | None = None
    shift: bool = False


SHORTCUTS = (
    Shortcut(F1, "F1", Command.ZOOM, "zoom: 1, 2, 3 ... window pixels per pixel"),
    Shortcut(F1 + 1, "F2", Command.STACKS, "print both stacks in the terminal"),
    Shortcut(F1 + 2, "F3", Command.QUIT, "quit"),
    Shortcut(F1 + 3, "F4", Command.RESET, "restart the program"),
    Shortcut(F1 + 4, "F5", Command.SOFT_RESET, "restart it, but keep the zero page"),
    Shortcut(F1 + 5, "F6", Command.PAUSE, "pause and resume (also the Pause key)"),
    Shortcut(F1 + 6, "F7", Command.STEP, "run a single frame and pause", repeats=True),
    Shortcut(F1 + 7, "F8", Command.SLOWER, "half the speed, down to an eighth"),
    Shortcut(F1 + 8, "F9", Command.FASTER, "twice the speed, up to eight times"),
    Shortcut(F1 + 9, "F10", Command.SCREENSHOT, "write a PNG file (also Print Screen)"),
    Shortcut(F1 + 10, "F11", Command.FULLSCREEN, "toggle full screen"),
    Shortcut(F1 + 11, "F12", Command.BORDER, "toggle the window border"),
    Shortcut(INSERT, "Insert", Command.SAVE, "save the program's state in a file"),
    Shortcut(END, "End", Command.LOAD, "go on from the state that was saved last"),
    Shortcut(
        PAGE_UP, "Page Up", Command.REWIND, "go back while it is held", released=Command.GO_ON
    ),
    Shortcut(PAGE_DOWN, "Page Down", Command.MUTE, "be silent, or heard again"),
    Shortcut(PAGE_DOWN, "Shift+Page Down", Command.QUIETER, "softer", repeats=True, shift=True),
    Shortcut(PAGE_UP, "Shift+Page Up", Command.LOUDER, "louder", repeats=True, shift=True),
    Shortcut(INSERT, "Shift+Insert", Command.PASTE, "type what is in the clipboard", shift=True),
    Shortcut(PAUSE, "Pause", Command.PAUSE, ""),
    Shortcut(PRINT_SCREEN, "Print Screen", Command.SCREENSHOT, ""),
)
"""Those without a text are alternative keys for the same command."""

COMMANDS = {key.command.value.replace(" ", "_"): key for key in reversed(SHORTCUTS) if key.about}
"""What a file may give keys to, by name."""

SHORTCUT_OF = {(shortcut.code, shortcut.shift): shortcut for shortcut in SHORTCUTS}

BUTTONS = {
    LEFT_CTRL: Button.A,
    LEFT_ALT: Button.B,
    LEFT_SHIFT: Button.SELECT,
    HOME: Button.START,
    UP: Button.UP,
    DOWN: Button.DOWN,
    LEFT: Button.LEFT,
    RIGHT: Button.RIGHT,
}
"""The buttons of pad 1 on the keyboard."""

KEYS_HELP = (
    "keys of the window:\n"
    + "".join(f"  {key.name:<15} {key.about}\n" for key in SHORTCUTS if key.about)
    + """\
buttons of the first pad, in addition to a game controller:
  arrows, left Ctrl (A), left Alt (B), left Shift (select), Home (start)
A ROM or Uxntal source that is dropped on the window replaces the program.
"""
)
"""For the command line and the documentation."""


def key_byte(code: int, modifiers: int) -> int | None:
    """The byte that a key by itself sends to the program; None if it is text, or nothing.

    With Ctrl or left Alt, which are buttons, a key is its plain character: upper case with Shift.
    """
    if code == KEYPAD_ENTER:
        return ENTER
    if 0 < code < 0x20 or code == DELETE:
        return code
    as_button = modifiers & (MOD_CTRL | MOD_LEFT_ALT) and not modifiers & MOD_ALTGR
    if not as_button or not 0x20 <= code < DELETE:
        return None
    return ord(chr(code).upper()) if modifiers & MOD_SHIFT else code


def held_name(code: int) -> str | None:
    """A key's name for a guest whose keys are held; None for buttons, and for keys that type
    nothing."""
    if code == KEYPAD_ENTER:
        return "enter"
    return key_name(chr(code)) if 0 < code < _PLACE and code < 0x110000 else None

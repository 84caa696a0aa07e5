"""Which keys and controller buttons do what in a window: as without a file, or as one says.

Keys have SDL's names (`SDL_GetKeyName`), with `Shift+` in front of some for commands; buttons of
game controllers the names of SDL's mappings, such as `a`, `back`, `leftshoulder`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from jitvm.platform.events import Button
from jitvm.playing.keysfile import BUTTONS as NAMES
from jitvm.playing.keysfile import Entry, load_keys, taken
from jitvm.window.binding import sdl
from jitvm.window.keys import BUTTONS, COMMANDS, SHORTCUT_OF, SHORTCUTS, Shortcut
from jitvm.window.pads import KNOWN

_SHIFT = "shift+"
_PRINTED = {key.name.lower(): key.code for key in SHORTCUTS if not key.shift}
"""Keys as they are named in help texts, a few of which SDL writes as one word."""


@dataclass(frozen=True, slots=True)
class KeyMap:
    """What keys and buttons do.

    Attributes:
        shortcuts: commands by key, and whether Shift is held.
        buttons: those of the first pad by key.
        controller: those of pads by SDL's number of a controller's button.
    """

    shortcuts: dict[tuple[int, bool], Shortcut]
    buttons: dict[int, Button]
    controller: dict[int, Button]

    def shortcut(self, code: int, *, shift: bool) -> Shortcut | None:
        """The command of a key; with Shift that of the key alone, if there is no other."""
        return self.shortcuts.get((code, shift)) or self.shortcuts.get((code, False))


DEFAULT = KeyMap(SHORTCUT_OF, BUTTONS, KNOWN)


def of_file(path: str) -> KeyMap:
    """What a file says; see `jitvm.playing.keysfile`.

    Raises:
        KeysError: it has an error.
    """
    file = load_keys(path, tuple(COMMANDS))
    codes: dict[tuple[int, bool], Entry] = {}
    for name, entry in taken((*file.window, *file.pad)).items():
        code = _code(name, entry, may_shift=entry in file.window)
        if code in codes:
            raise entry.refused(f"{name} is that of {codes[code].name} as well")
        codes[code] = entry
    named = {COMMANDS[entry.name].command for entry in file.window}
    shortcuts = {
        place: key
        for place, key in SHORTCUT_OF.items()
        if key.command not in named and place not in codes
    }
    pressed = {NAMES[entry.name] for entry in file.pad}
    buttons = {
        place: button
        for place, button in BUTTONS.items()
        if button not in pressed and (place, False) not in codes
    }
    for (number, shift), entry in codes.items():
        if entry in file.window:
            key = COMMANDS[entry.name]
            shortcuts[number, shift] = replace(key, code=number, shift=shift)
        else:
            buttons[number] = NAMES[entry.name]
    return KeyMap(shortcuts, buttons, _controller(file.controller))


def _code(name: str, entry: Entry, *, may_shift: bool) -> tuple[int, bool]:
    """SDL's number of a key, and whether Shift is held."""
    shift = name.lower().startswith(_SHIFT)
    if shift and not may_shift:
        raise entry.refused(f"{name}: a button of a pad is a key alone, without Shift")
    alone = name[len(_SHIFT) * shift :]
    code: int = _PRINTED.get(alone.lower()) or sdl.SDL_GetKeyFromName(alone.encode())
    if not code:
        raise entry.refused(
            f"there is no key {name}; they are named as SDL does: A, 1, F5, Left, Left Ctrl, Return"
        )
    return code, shift


def _controller(entries: tuple[Entry, ...]) -> dict[int, Button]:
    codes: dict[int, Button] = {}
    for name, entry in taken(entries).items():
        code: int = sdl.SDL_GameControllerGetButtonFromString(name.encode())
        if code < 0:
            raise entry.refused(
                f"game controllers have no button {name}; they are a, b, x, y, back, start, "
                "leftshoulder, rightshoulder, leftstick, rightstick, dpup, dpdown, dpleft, dpright"
            )
        codes[code] = NAMES[entry.name]
    named = {NAMES[entry.name] for entry in entries}
    rest = {code: button for code, button in KNOWN.items() if button not in named}
    return {**rest, **codes}

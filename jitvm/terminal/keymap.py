"""Which keys do what in a terminal, as a file says that is for windows as well.

A terminal tells of fewer keys than a window: of those that type a character, of function keys, and
of arrows and their neighbours. What a file says about others, about Shift, about game controllers,
and about commands that a terminal does not have, is left out.
"""

from __future__ import annotations

from jitvm.platform.events import KEYS as BYTES
from jitvm.playing.keysfile import BUTTONS, load_keys, taken
from jitvm.terminal.keyboard import KEYS, Action, Command

_FUNCTIONS = ("P", "Q", "R", "S", "15", "17", "18", "19", "20", "21", "23", "24")
NAMES = {
    "up": "A", "down": "B", "right": "C", "left": "D", "home": "H", "end": "F", "insert": "2",
    "pageup": "5", "pagedown": "6",
    **{f"f{number}": name for number, name in enumerate(_FUNCTIONS, 1)},
}  # fmt: skip
"""Keys without a byte, and what ends their sequences."""
CHARS = {"return": "\r", "space": " "} | {name: chr(byte) for name, byte in BYTES.items()}
COMMANDS = {command.value.replace(" ", "_"): command for command in Command}


def of_file(path: str) -> tuple[dict[str, Action], dict[str, Action]]:
    """What a file says: of keys without a byte, and of keys that type one.

    Raises:
        KeysError: it has an error.
    """
    from jitvm.window.keys import COMMANDS as ALL

    file = load_keys(path, tuple(ALL))
    entries = (*file.window, *file.pad)
    actions = {
        entry: BUTTONS[entry.name] if entry in file.pad else COMMANDS.get(entry.name)
        for entry in entries
    }
    keys = {name: action for name, action in KEYS.items() if action not in actions.values()}
    chars: dict[str, Action] = {}
    for name, entry in taken(entries).items():
        place, action = name.lower().replace(" ", ""), actions[entry]
        char = CHARS.get(place, name.lower() if len(name) == 1 else "")
        if place in NAMES:
            keys.pop(NAMES[place], None)
        if action is not None and place in NAMES:
            keys[NAMES[place]] = action
        elif action is not None and char:
            chars[char] = action
    return keys, chars

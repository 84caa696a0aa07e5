"""A file that says which keys do what, in TOML.

    [window]                            what a window does: save, load, rewind, pause, ...
    save = "F5"
    zoom = []                           no key
    [pad]                               buttons of the first pad, on the keyboard
    a = ["Z", "Left Ctrl"]
    [controller]                        buttons of pads, on game controllers
    select = "back"

What is named has these keys and no others; all else has the keys it has without a file, except
those that the file gives to something. Keys are named as SDL names them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from jitvm.engine.tables.names import shown
from jitvm.platform.events import Button

MOST = 1 << 20
"""Bytes of the longest file that is read."""
BUTTONS = {button.name.lower(): button for button in Button if button.name}
_HEAD = re.compile(r"\s*\[\s*(\w+)\s*\]")
_KEY = re.compile(r"""\s*["']?([\w-]+)["']?\s*=""")


class KeysError(ValueError):
    """A file of keys cannot be read; the message says where, why, and what to do."""


@dataclass(frozen=True, slots=True)
class Entry:
    """The keys of one command or button.

    Attributes:
        name: of the command or button.
        keys: their names; none where it has no key.
        at: file, line and name, for messages.
    """

    name: str
    keys: tuple[str, ...]
    at: str

    def refused(self, why: str) -> KeysError:
        """The error about it."""
        return KeysError(f"{self.at}: {why}")


@dataclass(frozen=True, slots=True)
class KeysFile:
    """What is in a file, by section."""

    window: tuple[Entry, ...] = ()
    pad: tuple[Entry, ...] = ()
    controller: tuple[Entry, ...] = ()


def load_keys(path: str, commands: tuple[str, ...]) -> KeysFile:
    """Read a file.

    Args:
        path: of the file.
        commands: names that the section ``window`` may have.

    Raises:
        KeysError: it cannot be read, or is not as the head of this file says.
    """
    import tomllib

    try:
        with open(path, "rb") as file:
            text = file.read(MOST).decode("utf-8")
        found = tomllib.loads(text)
    except OSError as error:
        raise KeysError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise KeysError(f"{path}: is no text in UTF-8") from error
    except (ValueError, RecursionError) as error:  # TOML's errors name the line
        raise KeysError(f"{path}: {error}") from error
    lines = _lines(text)
    names = {"window": commands, "pad": tuple(BUTTONS), "controller": tuple(BUTTONS)}
    sections: dict[str, tuple[Entry, ...]] = {}
    for section, content in found.items():
        if section not in names or not isinstance(content, dict):
            where = f"{path}:{lines.get((section, ''), 1)}: {shown(section)}"
            raise KeysError(f"{where}: sections are [{'], ['.join(names)}]")
        sections[section] = tuple(
            _entry(f"{path}:{lines.get((section, name), 1)}: {shown(name)}", name, keys, known)
            for known in (names[section],)
            for name, keys in content.items()
        )
    return KeysFile(**sections)


def _entry(at: str, name: str, keys: Any, known: tuple[str, ...]) -> Entry:
    if name not in known:
        raise KeysError(f"{at}: is none of {', '.join(known)}")
    given = [keys] if isinstance(keys, str) else keys
    if not isinstance(given, list) or not all(isinstance(key, str) for key in given):
        raise KeysError(f'{at}: is a key or a list of keys, such as ["Z", "Left Ctrl"]')
    return Entry(name, tuple(given), at)


def _lines(text: str) -> dict[tuple[str, str], int]:
    """Lines of sections and their keys, for messages."""
    found: dict[tuple[str, str], int] = {}
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        if head := _HEAD.match(line):
            section = head[1]
            found.setdefault((section, ""), number)
        elif key := _KEY.match(line):
            found.setdefault((section, key[1]), number)
            if not section:
                found.setdefault((key[1], ""), number)
    return found


def taken(entries: tuple[Entry, ...]) -> dict[str, Entry]:
    """Whose each key is, by its name.

    Raises:
        KeysError: it is given to two.
    """
    found: dict[str, Entry] = {}
    for entry in entries:
        for key in entry.keys:
            if key in found:
                raise entry.refused(f"{shown(key)} is that of {found[key].name} as well")
            found[key] = entry
    return found

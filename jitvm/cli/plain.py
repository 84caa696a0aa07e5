"""Command lines of `jitvm run` that need no argparse: usual options, then the program.

Importing argparse and declaring all options takes longer than running a short program. So what it
would answer is written down here for the options that most runs have, and it is left to argparse
whenever a word is not one of them. A test compares both on all lines of a few words.
"""

from __future__ import annotations

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from argparse import Namespace
    from typing import Any

_DEFAULTS: dict[str, Any] = {
    "guest": None,
    "tier": "jit",
    "max_instructions": None,
    "time_limit": None,
    "sandbox": None,
    "no_files": False,
    "clock": None,
    "legacy": False,
    "include_root": None,
    "save_state": None,
    "load_state": None,
    "headless": False,
    "terminal": False,
    "frames": None,
    "scale": None,
    "fullscreen": False,
    "keys": None,
    "rewind": 32,
    "input": None,
    "screenshot": None,
    "record_session": None,
    "replay": None,
    "hash_frames": None,
    "stats": False,
    "json": False,
    "jit_log": None,
    "gdb": False,
    "observable": False,
}
_LISTS = ("settings", "parameters", "record")
"""Options that are given any number of times."""
_FLAGS: dict[str, tuple[str, Any]] = {
    "--headless": ("headless", True),
    "--no-files": ("no_files", True),
    "--no-jit": ("tier", "interpreter"),
    "--observable": ("observable", True),
    "--stats": ("stats", True),
}
"""Options without a value, none of which excludes another, and what they set."""
_NUMBERS = {"--frames": "frames", "--max-instructions": "max_instructions"}
_FILES = {"--screenshot": "screenshot"}
_MOST_DIGITS = 18
"""Of a number that is surely not too large."""


class Plain:
    """What a command line says, as attributes."""

    def __init__(self, said: dict[str, Any]) -> None:
        self.__dict__ = said


def plain(words: list[str]) -> Namespace | None:
    """What argparse would make of the words behind `jitvm run`; None where it has to be asked."""
    said, at = dict(_DEFAULTS), 0
    while at < len(words) and words[at].startswith("-"):
        word, value = words[at], words[at + 1] if at + 1 < len(words) else "-"
        if word in _FLAGS:
            name, said_by_it = _FLAGS[word]
            said[name] = said_by_it
            at += 1
        elif word in _NUMBERS and _is_number(value):
            said[_NUMBERS[word]] = int(value)
            at += 2
        elif word in _FILES and not value.startswith("-"):
            said[_FILES[word]] = value
            at += 2
        else:
            return None
    if at == len(words):
        return None
    said.update({name: [] for name in _LISTS}, program=words[at], arguments=words[at + 1 :])
    found: Any = Plain(said)
    return found  # type: ignore[no-any-return]


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS and int(text) > 0

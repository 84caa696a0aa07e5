"""Keys, without a window."""

from __future__ import annotations

import subprocess
import sys

import pytest

from jitvm.window.keys import (
    BUTTONS,
    KEYS_HELP,
    MOD_ALTGR,
    MOD_CTRL,
    MOD_LEFT_ALT,
    MOD_SHIFT,
    SHORTCUTS,
    Command,
    held_name,
    key_byte,
)


@pytest.mark.parametrize(
    ("code", "modifiers", "byte"),
    [
        (0x0D, 0, 13),
        (0x4000_0058, 0, 13),  # Enter of the keypad
        (0x7F, 0, 127),
        (0x1B, MOD_SHIFT, 27),
        (ord("a"), 0, None),
        (ord("a"), MOD_SHIFT, None),
        (ord("a"), MOD_CTRL, ord("a")),
        (ord("a"), MOD_CTRL | MOD_SHIFT, ord("A")),
        (ord("1"), MOD_LEFT_ALT, ord("1")),
        (ord("q"), MOD_CTRL | MOD_ALTGR, None),  # AltGr + q is @ on German keyboards
        (0xE4, MOD_CTRL, None),
        (0x4000_0050, 0, None),
        (0x4000_0050, MOD_CTRL, None),
    ],
)
def test_which_keys_have_a_byte(code: int, modifiers: int, byte: int | None) -> None:
    assert key_byte(code, modifiers) == byte


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (ord("a"), "a"), (ord(" "), " "), (0xE9, "é"), (0x0D, "enter"), (0x4000_0058, "enter"),
        (0x1B, "escape"), (0x7F, "delete"), (0x4000_0052, None), (0, None), (1, None),
    ],
)  # fmt: skip
def test_names_of_keys_that_are_held(code: int, name: str | None) -> None:
    assert held_name(code) == name


def test_codes_are_those_of_sdl() -> None:
    sdl = pytest.importorskip("jitvm.window.binding").sdl
    names = {key.code: key.name.removeprefix("Shift+").replace(" ", "") for key in SHORTCUTS}
    for code, name in names.items():
        assert sdl.SDL_GetKeyName(code).decode().replace(" ", "") == name
    shown = [sdl.SDL_GetKeyName(code).decode() for code in BUTTONS]
    assert shown == [
        "Left Ctrl", "Left Alt", "Left Shift", "Home", "Up", "Down", "Left", "Right",
    ]  # fmt: skip
    assert (sdl.KMOD_CTRL, sdl.KMOD_SHIFT, sdl.KMOD_LALT) == (MOD_CTRL, MOD_SHIFT, MOD_LEFT_ALT)
    assert sdl.KMOD_RALT | sdl.KMOD_MODE == MOD_ALTGR


def test_every_command_has_a_key_and_a_line() -> None:
    released = {shortcut.released for shortcut in SHORTCUTS}
    assert {shortcut.command for shortcut in SHORTCUTS} | released == {*Command, None}
    for shortcut in SHORTCUTS:
        assert not shortcut.about or f"{shortcut.name:<15} {shortcut.about}\n" in KEYS_HELP


def test_the_text_costs_no_sdl() -> None:
    code = """
import sys
from jitvm.window import KEYS_HELP
print(any(name in sys.modules for name in ("sdl2", "numpy", "numba", "llvmlite")))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"

"""What a terminal supports, according to its replies.

It gets a few queries at once, the last of which every terminal answers; it ignores those that it
does not know, so there is no timeout to wait for.

    kitty graphics   ESC _ G ... a=q    any reply: supported
    kitty keyboard   CSI ? u            any reply: supported
    pointer          CSI ? 1016 $ p     1 or 2: reports the pointer's position in pixels
    cell             CSI 16 t           height and width of a character in pixels
    attributes       CSI c              includes 4: sixels; always answered

JITVM_TERMINAL=blocks, sixel or kitty chooses how pictures are drawn, whatever the replies.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from time import monotonic

from jitvm.terminal.errors import TerminalError

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Mapping

    from jitvm.terminal.tty import Tty

QUESTIONS = b"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\\x1b[?u\x1b[?1016$p\x1b[16t\x1b[c"
PATIENCE = 1.0
"""Seconds to wait for answers; far longer than any terminal takes, but it may be far away."""

_ATTRIBUTES = re.compile(rb"\x1b\[\?([0-9;]*)c")
_GRAPHICS = re.compile(rb"\x1b_Gi=31;OK\x1b\\")
_KEYBOARD = re.compile(rb"\x1b\[\?[0-9]+u")
_POINTER = re.compile(rb"\x1b\[\?1016;[12]\$y")
_CELL = re.compile(rb"\x1b\[6;([0-9]{1,3});([0-9]{1,3})t")
_SIXEL = b"4"

LARGEST_CELL = 256
"""Pixels of a character across or down: with more of them a picture would fill the memory."""
PAINTERS = ("blocks", "sixel", "kitty")


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a terminal can do.

    Attributes:
        painter: how pictures are drawn, one of `PAINTERS`.
        has_key_releases: whether it can tell that a key goes up.
        has_pixel_pointer: whether it can tell the pointer's place in pixels.
        cell: width and height of a character in pixels; (0, 0) if it does not reply.
        has_all_colors: whether it has colours of 24 bits; 256 colours otherwise.
    """

    painter: str = "blocks"
    has_key_releases: bool = False
    has_pixel_pointer: bool = False
    cell: tuple[int, int] = (0, 0)
    has_all_colors: bool = False


def ask(tty: Tty) -> Abilities:
    """Find out what a terminal can do.

    Raises:
        TerminalError: JITVM_TERMINAL names no way to draw.
    """
    tty.write(QUESTIONS)
    answers, deadline = b"", monotonic() + PATIENCE
    while not _ATTRIBUTES.search(answers) and monotonic() < deadline:
        tty.wait(0.05)
        data = tty.read()
        if data is None:
            break
        answers += data
    return chosen(understood(answers), os.environ)


def understood(answers: bytes) -> Abilities:
    """What answers say."""
    attributes, cell = _ATTRIBUTES.search(answers), _CELL.search(answers)
    painter = "blocks"
    if attributes and _SIXEL in attributes[1].split(b";"):
        painter = "sixel"
    if _GRAPHICS.search(answers):
        painter = "kitty"
    return Abilities(
        painter=painter,
        has_key_releases=bool(_KEYBOARD.search(answers)),
        has_pixel_pointer=bool(_POINTER.search(answers)),
        cell=_size(cell) if cell else (0, 0),
    )


def _size(cell: re.Match[bytes]) -> tuple[int, int]:
    """Width and height of a character; (0, 0) for sizes that none has."""
    height, width = map(int, cell.groups())
    return (width, height) if max(width, height) <= LARGEST_CELL else (0, 0)


def chosen(abilities: Abilities, environment: Mapping[str, str]) -> Abilities:
    """What the environment says, put before what the terminal says.

    Raises:
        TerminalError: JITVM_TERMINAL names no way to draw.
    """
    painter = environment.get("JITVM_TERMINAL") or abilities.painter
    if painter not in PAINTERS:
        raise TerminalError(f"JITVM_TERMINAL={painter}: take one of {', '.join(PAINTERS)}")
    colors = environment.get("COLORTERM", "") in ("truecolor", "24bit")
    return replace(abilities, painter=painter, has_all_colors=colors or abilities.has_key_releases)

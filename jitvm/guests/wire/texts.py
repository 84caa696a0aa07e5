"""Whether strings that lie one behind the other are valid UTF-8, each on its own.

    text ── pieces ──> all below 128? ── no ──> blocks: all below 128? ── no ──> decoded by Python,
      │                                                                         from a character to
      └── ends ──> does a string begin in the middle of a character?            a character

Most text has no byte above 127, which NumPy finds out at the speed of memory, without a copy and
without the interpreter lock. What is decoded is only blocks with such bytes.
"""

from __future__ import annotations

from jitvm.prepared import Uncollected

with Uncollected():  # it is here that a first call imports it
    import numpy as np

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from typing import Any

PIECE = 1 << 20
"""Bytes that are looked at at once: to ask NumPy takes as long as it looks at 100 KB."""
BLOCK = 1 << 16
"""Bytes of a piece that are decoded at once: they are in the cache then."""
LONGEST = 3
"""Bytes of a character behind its first."""


def widened(narrow: Any) -> Any:
    """Offsets of 32 bits as such of 64."""
    return np.frombuffer(narrow, "<u4").astype("<u8")


def are_texts(buffer: Any, offsets: Any) -> bool:
    """Whether pieces of some bytes, which end where offsets of 32 bits say, are UTF-8."""
    text = np.frombuffer(buffer, np.uint8)
    is_ascii = True
    begin = 0
    while begin < len(text):
        end = min(begin + PIECE, len(text))
        if _highest(text[begin:end]) > 0x7F:
            is_ascii = False
            end = _character(text, end)
            if not _is_text(text[begin:end]):
                return False
        begin = end
    if is_ascii:
        return True
    ends = np.frombuffer(offsets, "<u4")
    return not (text[ends[ends < len(text)]] & 0xC0 == 0x80).any()


def _highest(text: Any) -> int:
    """The highest byte of some."""
    return int(np.maximum.reduce(text))


def _is_text(piece: Any) -> bool:
    """Whether bytes that begin with a character, and end with one, are UTF-8."""
    begin = 0
    while begin < len(piece):
        end = min(begin + BLOCK, len(piece))
        if _highest(piece[begin:end]) > 0x7F:
            end = _character(piece, end)
            try:
                str(piece[begin:end].data, "utf-8")
            except UnicodeDecodeError:
                return False
        begin = end
    return True


def _character(text: Any, place: int) -> int:
    """Where the first character at or behind a place begins."""
    behind = text[place : place + LONGEST]
    return place + int(np.argmax(np.append(behind & 0xC0 != 0x80, True)))

"""Text that is pasted, as the keys that would type it."""

from __future__ import annotations

import re

from jitvm.platform.events import KEYS, Key, Text

MOST = 1 << 16
"""Characters that are taken of one paste; what is more is left out."""
_PIECE = re.compile(r"\r\n|[\r\n\t]|[^\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
_BYTES = {"\t": KEYS["tab"]}


def typed(text: str) -> tuple[Key | Text, ...]:
    """Events of a text: Enter for ends of lines, and no other control characters than tabs."""
    return tuple(
        Text(piece) if piece[0] >= " " else Key(_BYTES.get(piece, 0x0D))
        for piece in _PIECE.findall(text[:MOST])
    )

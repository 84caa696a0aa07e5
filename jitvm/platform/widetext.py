"""Recognizes text in UTF-16 or UTF-32 from its bytes, as only UTF-8 is supported.

Some editors save such files without asking. Read as UTF-8, every other byte of them is a zero.
"""

from __future__ import annotations

_MARKS = (
    (b"\xff\xfe\0\0", "UTF-32"),
    (b"\0\0\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
"""Byte order marks; the longer ones begin like the shorter ones."""
_WITHOUT_MARK = (
    ("UTF-32", "utf-32-le"), ("UTF-32", "utf-32-be"), ("UTF-16", "utf-16-le"),
    ("UTF-16", "utf-16-be"),
)  # fmt: skip
_LOOKED_AT = 256
"""Bytes to look at if there is no byte order mark."""


def wide_encoding(data: bytes) -> str | None:
    """``UTF-16`` or ``UTF-32`` where bytes are text in it; None for anything else.

    Without a byte order mark only text in which ASCII prevails is known.
    """
    for mark, name in _MARKS:
        if data.startswith(mark):
            return name
    head = data[:_LOOKED_AT]
    if len(head) < 4 or 0 not in head:
        return None
    for name, codec in _WITHOUT_MARK:
        text = head[: len(head) & ~3 or None].decode(codec, "replace")
        if 10 * sum(map(_is_plain, text)) >= 9 * len(text):
            return name
    return None


def _is_plain(char: str) -> bool:
    return " " <= char <= "~" or char in "\t\n\r"

"""Places in a text as the protocol counts them: lines, and code units in a line.

Lines end with ``\\n``, ``\\r\\n`` or ``\\r``, and nothing else. A column counts units of UTF-16, or
of what client and server have agreed on; the offsets of `jitvm.platform.language` are characters.
"""

from __future__ import annotations

import re
from bisect import bisect_right

_END = re.compile(r"\r\n|\n|\r")
_UNITS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2)}
"""Codecs and bytes of a unit; ``utf-32`` counts characters."""


class Lines:
    """The lines of a text.

    Args:
        text: it.
        encoding: what columns count: ``utf-8``, ``utf-16`` or ``utf-32``.
    """

    __slots__ = ("_codec", "_starts", "text")

    def __init__(self, text: str, encoding: str = "utf-16") -> None:
        self.text = text
        self._starts = [0, *(match.end() for match in _END.finditer(text))]
        self._codec = None if text.isascii() else _UNITS.get(encoding)

    @property
    def count(self) -> int:
        """How many there are; one behind a last end is there, and empty."""
        return len(self._starts)

    def start(self, line: int) -> int:
        """Where a line begins; of one behind the last, the end of the text."""
        return self._starts[line] if line < len(self._starts) else len(self.text)

    def end(self, line: int) -> int:
        """Where a line ends, without what ends it."""
        end = self.start(line + 1)
        while end > self.start(line) and self.text[end - 1] in "\r\n":
            end -= 1
        return end

    def offset(self, line: int, column: int) -> int:
        """The offset of a place; one behind the end of its line is that end."""
        if line < 0 or line >= len(self._starts):
            return 0 if line < 0 else len(self.text)
        start, end = self.start(line), self.end(line)
        if self._codec is None:
            return min(start + max(0, column), end)
        codec, size = self._codec
        data = self.text[start:end].encode(codec, "surrogatepass")[: size * max(0, column)]
        return start + len(data.decode(codec, "ignore"))

    def place(self, offset: int) -> tuple[int, int]:
        """The line and column of an offset."""
        line = bisect_right(self._starts, offset) - 1
        start = self._starts[line]
        if self._codec is None:
            return line, offset - start
        codec, size = self._codec
        return line, len(self.text[start:offset].encode(codec, "surrogatepass")) // size

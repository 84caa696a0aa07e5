"""Commands with their replies, and what the program writes, in the order in which it happened."""

from __future__ import annotations

from codecs import getincrementaldecoder
from collections import deque
from collections.abc import Iterable

from rich.cells import cell_len, chop_cells

from jitvm.engine.tables.names import shown
from jitvm.terminal.debugger.pane import Pane, Part

MOST = 5000
"""Lines that are kept, also after they were wrapped."""
SPARE = 1000
"""Lines more than that, before the first ones go."""
LONGEST = 4000
"""Characters of a line; longer ones are continued in the next."""


class Console(Pane):
    """Lines with a style each, wrapped; the last one may go on."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._lines: deque[Part] = deque(maxlen=MOST)
        self._wrapped: list[Part] = []
        self._width = 0
        self._open = ""
        self._decoders = {
            name: getincrementaldecoder("utf-8")("backslashreplace") for name in ("plain", "error")
        }

    def write_lines(self, lines: Iterable[str], style: str = "plain") -> None:
        """Whole lines."""
        self._open = ""
        self._add([(shown(line.expandtabs(4)), style) for line in lines])

    def write_output(self, data: bytes, style: str = "plain") -> None:
        """What a program writes, of which a line may go on."""
        text = self._decoders[style].decode(data).replace("\r\n", "\n")
        pieces = text.split("\n")
        if self._open == style and self._lines:
            begun = self._lines.pop()[0]
            del self._wrapped[-len(self._wrap(begun)) :]
            first = begun + shown(pieces[0].expandtabs(4))
        else:
            first = shown(pieces[0].expandtabs(4))
        lines = [first, *(shown(piece.expandtabs(4)) for piece in pieces[1:])]
        self._open = style
        if not lines[-1]:
            self._open = ""
            lines.pop()
        elif len(lines[-1]) > LONGEST:
            self._open = ""
        parts = [
            line[at : at + LONGEST] for line in lines for at in range(0, len(line) or 1, LONGEST)
        ]
        self._add([(part, style) for part in parts])

    def _add(self, lines: list[Part]) -> None:
        self._lines += lines
        for line, style in lines[-MOST:]:
            self._wrapped += [(part, style) for part in self._wrap(line)]
        if len(self._wrapped) > MOST + SPARE:
            del self._wrapped[:-MOST]
        self._show_end()

    def _wrap(self, line: str) -> list[str]:
        """A line in parts that fit."""
        width = max(self._width, 8)
        if line.isascii():
            return [line[at : at + width] for at in range(0, len(line) or 1, width)]
        return chop_cells(line, width) if cell_len(line) > width else [line]

    def _rewrap(self) -> None:
        wrapped: list[Part] = []
        for line, style in reversed(self._lines):
            wrapped += [(part, style) for part in reversed(self._wrap(line))]
            if len(wrapped) >= MOST:
                break
        self._wrapped = wrapped[::-1]

    def on_resize(self) -> None:
        """Lines are wrapped anew."""
        width = self.size.width - self.styles.scrollbar_size_vertical
        if width != self._width:
            self._width = width
            self._rewrap()
            self._show_end()

    def _show_end(self) -> None:
        self.set_lines(len(self._wrapped))
        self.scroll_end(animate=False, force=True, immediate=True)
        self.refresh()

    @property
    def text(self) -> str:
        """All that is kept."""
        return "\n".join(line for line, _ in self._lines)

    def parts_of(self, number: int) -> Iterable[Part]:
        """A part of a line."""
        yield self._wrapped[number]

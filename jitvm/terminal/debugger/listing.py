"""The source, or instructions: breakpoints in the margin, an arrow at the instruction at hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.markup import escape
from textual.message import Message

from jitvm.terminal.debugger.looks import Line
from jitvm.terminal.debugger.pane import Pane, Part

Key = Line | int
"""What a row stands for: a line of source, or the address of an instruction."""
MARGIN = 2
"""Columns left of the numbers."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row: what it stands for, its number, and its text in parts."""

    key: Key
    number: str
    parts: tuple[Part, ...]

    @property
    def width(self) -> int:
        """Columns that it takes."""
        texts = (text for text, _ in self.parts)
        return MARGIN + len(self.number) + 1 + sum(map(cell_len, texts))


class Listing(Pane):
    """Rows of source or code; the cursor is on one of them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home", "move(-1000000)", "First line", show=False),
        Binding("end", "move(1000000)", "Last line", show=False),
    ]

    class Clicked(Message):
        """Somebody wants a breakpoint at a row, or none."""

        def __init__(self, key: Key) -> None:
            super().__init__()
            self.key = key

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._rows: Sequence[Row] = ()
        self._numbers: Mapping[Key, int] = {}
        self._marks: Mapping[Key, bool] = {}
        self._here: int | None = None
        self._cursor = 0

    # -- what it shows -----------------------------------------------------------------------

    def show(self, rows: Sequence[Row], title: str) -> None:
        """Show other rows."""
        self.border_title = escape(title)
        self._rows = rows
        self._numbers = {row.key: number for number, row in enumerate(rows)}
        self._here = None
        self._cursor = min(self._cursor, max(len(rows) - 1, 0))
        self.set_lines(len(rows), max((row.width for row in rows), default=0))
        self.refresh()

    def mark(self, marks: Mapping[Key, bool], here: Key | None) -> None:
        """Breakpoints, and whether they are enabled; and what is at hand."""
        self._marks = marks
        self._here = None if here is None else self._numbers.get(here)
        self.refresh()

    def has(self, key: Key) -> bool:
        """Whether there is a row for that."""
        return key in self._numbers

    def go_to(self, key: Key) -> bool:
        """Put the cursor on a row; whether it is there."""
        number = self._numbers.get(key)
        if number is None:
            return False
        self._cursor = number
        # Not before the rows have their place, as at the start.
        self.call_after_refresh(self.show_line, number, with_context=True)
        self.refresh()
        return True

    @property
    def cursor(self) -> Key | None:
        """What the cursor is on."""
        return self._rows[self._cursor].key if self._rows else None

    # -- the cursor --------------------------------------------------------------------------

    def action_move(self, rows: int) -> None:
        """Move the cursor."""
        self._cursor = min(max(self._cursor + rows, 0), max(len(self._rows) - 1, 0))
        self.show_line(self._cursor)
        self.refresh()

    def action_page(self, pages: int) -> None:
        """Move the cursor by what is seen."""
        self.action_move(pages * max(self.room.height - 1, 1))

    def on_click(self, event: events.Click) -> None:
        """The cursor goes there; in the margin, a breakpoint."""
        place = event.get_content_offset(self)
        if place is None:
            return
        number = place.y + self.scroll_offset.y
        if number < len(self._rows):
            self._cursor = number
            self.refresh()
            if place.x + self.scroll_offset.x < MARGIN:
                self.post_message(self.Clicked(self._rows[number].key))

    # -- drawing -----------------------------------------------------------------------------

    def row_style(self, number: int) -> Style:
        """The cursor, and what is at hand, are seen from afar."""
        style = Style.null()
        if number == self._cursor and self.has_focus:
            style += self.style_of("row")
        if number == self._here:
            style += self.style_of("here")
        return style

    def parts_of(self, number: int) -> Iterable[Part]:
        """Margin, number and text of a row."""
        row = self._rows[number]
        enabled = self._marks.get(row.key)
        yield (" " if enabled is None else "●" if enabled else "○"), "mark"
        yield ("▶" if number == self._here else " "), "mark"
        yield f"{row.number} ", "note"
        yield from row.parts

"""Bytes as numbers, which can be changed: memory, ports, stacks.

    wst 2                     a section has a title, if there are several
         0a ff                and lines of bytes, with addresses and as text if it is memory

The cursor is on a byte. Enter begins to change it: two digits make a byte and go on to the next,
Enter or Escape ends that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from jitvm.terminal.debugger.pane import Pane, Part

Bytes = bytes | memoryview
DIGITS = frozenset("0123456789abcdefABCDEF")
ROOM = 6
"""Columns of an address."""


@dataclass(frozen=True, slots=True)
class Section:
    """Bytes that belong together.

    Attributes:
        title: a line above them; none if it is empty.
        cells: the bytes.
        before: what they were when the program stood still before; None if nobody knows.
        name_of: a byte's expression, by its index.
    """

    title: str
    cells: Bytes
    before: Bytes | None
    name_of: Callable[[int], str]

    def has_changed(self, index: int) -> bool:
        """Whether a byte is another one than before."""
        before = self.before
        return before is not None and (index >= len(before) or before[index] != self.cells[index])


class Cells(Pane):
    """Sections of bytes.

    Args:
        addresses: whether lines have addresses.
        text: whether bytes are shown as text, too.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "move(-1)", "Left", show=False),
        Binding("right", "move(1)", "Right", show=False),
        Binding("up", "rows(-1)", "Up", show=False),
        Binding("down", "rows(1)", "Down", show=False),
        Binding("pageup", "pages(-1)", "Page up", show=False),
        Binding("pagedown", "pages(1)", "Page down", show=False),
        Binding("home", "move(-1000000000)", "First byte", show=False),
        Binding("end", "move(1000000000)", "Last byte", show=False),
        Binding("enter", "edit", "Change", show=False),
    ]

    class Changed(Message):
        """Somebody wants another byte in a place."""

        def __init__(self, name: str, value: int) -> None:
            super().__init__()
            self.name = name
            self.value = value

    def __init__(self, *, addresses: bool, text: bool, id: str) -> None:
        super().__init__(id=id)
        self._addresses, self._text = addresses, text
        self._sections: Sequence[Section] = ()
        self._per_line = 16
        self._cursor = (0, 0)
        self._typed: str | None = None

    # -- what it shows -----------------------------------------------------------------------

    def show(self, sections: Sequence[Section]) -> None:
        """Show other bytes; the cursor stays where it can."""
        self._sections = sections
        number, index = self._cursor
        number = min(number, max(len(sections) - 1, 0))
        most = len(sections[number].cells) - 1 if sections else 0
        self._cursor = number, min(index, max(most, 0))
        self._measure()

    def on_resize(self) -> None:
        """As many bytes a line as there is room for."""
        self._measure()

    def _measure(self) -> None:
        room = self.size.width - self.styles.scrollbar_size_vertical
        room -= ROOM * self._addresses
        each = 3 + self._text
        self._per_line = next((n for n in (16, 8, 4) if n * each + self._text <= room), 2)
        self.set_lines(sum(self._lines_of(section) for section in self._sections))
        self.refresh()

    def _lines_of(self, section: Section) -> int:
        return bool(section.title) + -(-len(section.cells) // self._per_line)

    def _found(self, line: int) -> tuple[int, int] | None:
        """The section of a line, and the first byte in it, -1 for its title."""
        for number, section in enumerate(self._sections):
            count = self._lines_of(section)
            if line < count:
                line -= bool(section.title)
                return number, -1 if line < 0 else line * self._per_line
            line -= count
        return None

    def _line(self) -> int:
        """The line that the cursor is on."""
        number, index = self._cursor
        above = sum(self._lines_of(section) for section in self._sections[:number])
        if not self._sections:
            return 0
        return above + bool(self._sections[number].title) + index // self._per_line

    # -- the cursor --------------------------------------------------------------------------

    def go_to(self, index: int) -> None:
        """Put the cursor on a byte of the first section, and show what follows it."""
        self._typed = None
        self._cursor = 0, index
        self.scroll_to(y=self._line(), animate=False, force=True)
        self.refresh()

    def action_move(self, by: int) -> None:
        """Go to another byte, also of the next section."""
        self._typed = None
        spans = [len(section.cells) for section in self._sections]
        number, index = self._cursor
        at = min(max(sum(spans[:number]) + index + by, 0), max(sum(spans) - 1, 0))
        for number, span in enumerate(spans):
            if at < span:
                self._cursor = number, at
                break
            at -= span
        self.show_line(self._line())
        self.refresh()

    def action_rows(self, rows: int) -> None:
        """Go up or down."""
        self.action_move(rows * self._per_line)

    def action_pages(self, pages: int) -> None:
        """Go by what is seen."""
        self.action_rows(pages * max(self.room.height - 1, 1))

    def on_click(self, event: events.Click) -> None:
        """The cursor goes there."""
        place = event.get_content_offset(self)
        found = None if place is None else self._found(place.y + self.scroll_offset.y)
        if place is None or found is None or found[1] < 0:
            return
        column = (place.x - ROOM * self._addresses) // 3
        index = found[1] + min(max(column, 0), self._per_line - 1)
        if index < len(self._sections[found[0]].cells):
            self._typed = None
            self._cursor = found[0], index
            self.refresh()

    # -- changing ----------------------------------------------------------------------------

    @property
    def is_editing(self) -> bool:
        """Whether digits are bytes."""
        return self._typed is not None

    @property
    def _has_byte(self) -> bool:
        number, index = self._cursor
        return number < len(self._sections) and index < len(self._sections[number].cells)

    def action_edit(self) -> None:
        """Begin to change bytes, or end."""
        self._typed = "" if self._typed is None and self._has_byte else None
        self.refresh()

    def check_consume_key(self, key: str, character: str | None = None) -> bool:
        """While bytes are changed, digits are no commands."""
        del key
        return self.is_editing and character in DIGITS

    def on_key(self, event: events.Key) -> None:
        """Digits, while bytes are changed."""
        if self._typed is None:
            return
        if event.key == "escape":
            self._typed = None
        elif event.character in DIGITS and event.character is not None:
            self._type(event.character)
        else:
            return
        event.stop()
        event.prevent_default()
        self.refresh()

    def _type(self, digit: str) -> None:
        self._typed = f"{self._typed}{digit}"
        if len(self._typed) < 2:
            return
        number, index = self._cursor
        self.post_message(self.Changed(self._sections[number].name_of(index), int(self._typed, 16)))
        self.action_move(1)
        self._typed = ""

    # -- drawing -----------------------------------------------------------------------------

    def parts_of(self, number: int) -> Iterable[Part]:
        """A title, or bytes."""
        found = self._found(number)
        if found is None:
            return
        section = self._sections[found[0]]
        if found[1] < 0:
            yield section.title, "title"
            return
        yield from self._bytes(found[0], section, found[1])

    def _bytes(self, number: int, section: Section, start: int) -> Iterator[Part]:
        end = min(start + self._per_line, len(section.cells))
        if self._addresses:
            yield f"{start:04x}".ljust(ROOM), "note"
        for index in range(start, end):
            is_cursor = self.has_focus and (number, index) == self._cursor
            text = f"{section.cells[index]:02x}"
            if is_cursor and self._typed is not None:
                text = self._typed.ljust(2, "_")
            name = "changed" if section.has_changed(index) else "plain"
            yield text, "cursor" if is_cursor else name
            yield " ", "plain"
        if self._text:
            part = bytes(section.cells[start:end])
            yield "   " * (self._per_line - len(part)) + " ", "plain"
            yield "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in part), "note"

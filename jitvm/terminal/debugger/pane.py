"""What panes of lines share: a `Pane` scrolls, and draws the lines that are seen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from jitvm.platform.language import Kind

Part = tuple[str, str]
"""A text and how it is shown: the end of the name of one of `Pane`'s component classes."""


class Pane(ScrollView, can_focus=True):
    """Lines with parts in several styles; a subclass has `parts_of`."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "pane--plain",  # whatever has nothing to tell
        "pane--note",  # numbers of lines, addresses
        "pane--title",
        "pane--changed",  # since the program stood still before
        "pane--mark",  # a breakpoint
        "pane--here",  # the instruction at hand
        "pane--row",  # the line that the cursor is on
        "pane--cursor",
        "pane--command",  # what the user has typed
        "pane--error",
        *(f"pane--{kind.value}" for kind in Kind),  # words of a source
        "pane--definition",
    }

    def parts_of(self, number: int) -> Iterable[Part]:
        """The parts of a line, from 0 on."""
        raise NotImplementedError

    def row_style(self, number: int) -> Style:
        """What lies under a whole line."""
        del number
        return Style.null()

    def style_of(self, name: str) -> Style:
        """A component's style without what the pane has itself."""
        return self.get_component_rich_style(f"pane--{name or 'plain'}", partial=True)

    def set_lines(self, count: int, width: int = 0) -> None:
        """There are so many lines, so many characters wide; 0: as wide as the pane."""
        self.virtual_size = Size(width, count)

    @property
    def room(self) -> Size:
        """Columns and rows that are seen."""
        return self.scrollable_content_region.size

    def show_line(self, number: int, *, with_context: bool = False) -> None:
        """Scroll until a line is seen; with some around it if it was not."""
        height = max(self.room.height, 1)
        top = self.scroll_offset.y
        if top <= number < top + height:
            return
        if with_context:
            self.scroll_to(y=max(number - height // 3, 0), animate=False, force=True)
        else:
            y = number if number < top else number - height + 1
            self.scroll_to(y=y, animate=False, force=True)

    def refresh_line(self, number: int) -> None:
        """Draw a line again."""
        self.refresh(Region(0, number - self.scroll_offset.y, self.size.width, 1))

    def render_line(self, y: int) -> Strip:
        """A line of those that are seen."""
        offset, width = self.scroll_offset, self.size.width
        number, base = offset.y + y, self.rich_style
        if not 0 <= number < self.virtual_size.height:
            return Strip.blank(width, base)
        base += self.row_style(number)
        segments = [
            Segment(text, base + self.style_of(name)) for text, name in self.parts_of(number)
        ]
        return Strip(segments).crop_extend(offset.x, offset.x + width, base)

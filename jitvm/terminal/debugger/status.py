"""The first line: the program, why it stands still, and where in time that is."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from jitvm.engine.tables.names import shown

BAR = 20
"""Columns of the line of time."""
WIDE = 100
"""Columns from which on there is one."""


class Status(Widget):
    """One line; a click on the line of time goes there."""

    class Chosen(Message):
        """Somebody wants to be at a time."""

        def __init__(self, time: int) -> None:
            super().__init__()
            self.time = time

    COMPONENT_CLASSES = {"status--why", "status--running", "status--bar"}  # noqa: RUF012

    def __init__(self, name: str, id: str) -> None:
        super().__init__(id=id)
        self._program = shown(name)
        self._why, self._is_running = "", False
        self._time = self._horizon = 0

    def show(self, why: str, time: int, horizon: int, *, is_running: bool) -> None:
        """Say something else."""
        self._why, self._is_running = shown(why), is_running
        self._time, self._horizon = time, max(horizon, time)
        self.refresh()

    @property
    def _bar(self) -> int:
        return BAR if self.size.width >= WIDE else 0

    def on_click(self, event: events.Click) -> None:
        """On the line of time."""
        column = event.x - (self.size.width - self._bar - 1)
        if self._bar and 0 <= column < self._bar:
            self.post_message(self.Chosen(round(column * self._horizon / (self._bar - 1))))

    def render_line(self, y: int) -> Strip:
        """All of it."""
        del y
        width, base = self.size.width, self.rich_style
        name = "running" if self._is_running else "why"
        why = base + self.get_component_rich_style(f"status--{name}", partial=True)
        of = "" if self._time == self._horizon else f" of {self._horizon:,}"
        time, bar = f" time {self._time:,}{of} ", self._bar
        room = max(width - cell_len(time) - bar - bool(bar), 0)
        left = f" {self._program}  "
        segments = [
            Segment(set_cell_size(left, min(cell_len(left), room)), base + Style(bold=True)),
            Segment(set_cell_size(self._why, max(room - cell_len(left), 0)), why),
            Segment(time, base),
        ]
        if bar:
            at = round(self._time * (bar - 1) / self._horizon) if self._horizon else 0
            line = "━" * at + "●" + "─" * (bar - 1 - at) + " "
            segments.append(
                Segment(line, base + self.get_component_rich_style("status--bar", partial=True))
            )
        return Strip(segments).crop_extend(0, width, base)

"""The command line: with the lines before, and what a line may go on with."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input

from jitvm.terminal.debugger.completion import Names, completed, shared


class Prompt(Input):
    """A line that is a command; Tab completes it, Up and Down go through those before."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f5", "app.do('continue')", "Continue"),
        Binding("f10", "app.do('next')", "Next"),
        Binding("f11", "app.do('step')", "Step"),
        Binding("tab", "complete", "Complete"),
        Binding("up", "recall(-1)", "Before", key_display="↑"),
        Binding("down", "recall(1)", "After", show=False),
        Binding("escape", "app.leave", "Leave"),
    ]

    class Given(Message):
        """A command was given."""

        def __init__(self, line: str) -> None:
            super().__init__()
            self.line = line

    class Choices(Message):
        """What the line may go on with, where that is not one thing."""

        def __init__(self, lines: list[str]) -> None:
            super().__init__()
            self.lines = lines

    def __init__(self, names: Callable[[], Names], id: str) -> None:
        super().__init__(
            placeholder="a command; `help` lists all",
            suggester=_Completing(names),
            compact=True,
            select_on_focus=False,
            id=id,
        )
        self._names = names
        self._before: list[str] = []
        self._at = 0

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter: a command, or without one the last again."""
        event.stop()
        line = self.value.strip() or (self._before[-1] if self._before else "")
        self.value = ""
        if line:
            self.remember(line)
            self.post_message(self.Given(line))

    def begin(self, text: str) -> None:
        """Have a command begun, to be gone on with."""
        self.value = text
        self.cursor_position = len(text)
        self.focus()

    def remember(self, line: str) -> None:
        """A line can be had again."""
        if self._before[-1:] != [line]:
            self._before.append(line)
        self._at = len(self._before)

    def action_recall(self, by: int) -> None:
        """A line before, or after."""
        self._at = min(max(self._at + by, 0), len(self._before))
        self.value = self._before[self._at] if self._at < len(self._before) else ""
        self.cursor_position = len(self.value)

    def action_complete(self) -> None:
        """What all that the line may go on with have in common; on an empty line, leave."""
        if not self.value:
            self.screen.focus_next()
            return
        lines = completed(self.value, self._names())
        if not lines:
            return
        common = shared(lines)
        if len(lines) == 1:
            common += " "
        elif common == self.value:
            self.post_message(self.Choices(lines))
        self.value = common
        self.cursor_position = len(common)


class _Completing(Suggester):
    """What is shown behind the cursor."""

    def __init__(self, names: Callable[[], Names]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._names = names

    async def get_suggestion(self, value: str) -> str | None:
        """The first line that begins as this one does."""
        found = completed(value, self._names())
        return next((line for line in found if line.startswith(value)), None)

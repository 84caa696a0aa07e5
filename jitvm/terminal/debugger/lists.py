"""Lists of which one row is chosen: calls, and breakpoints below what is displayed."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from jitvm.engine.tables.names import shown
from jitvm.terminal.debugger.looks import Call, Look, Stop


class Calls(OptionList):
    """Who has called whom; Enter shows the place."""

    class Chosen(Message):
        """A call was chosen."""

        def __init__(self, call: Call) -> None:
            super().__init__()
            self.call = call

    def __init__(self, id: str) -> None:
        super().__init__(id=id, compact=True, markup=False)
        self._calls: tuple[Call, ...] = ()

    def show(self, look: Look) -> None:
        """Show other calls."""
        if self._calls != look.calls:
            self._calls = look.calls
            self.set_options([Option(_row(call.text)) for call in look.calls])
            self.highlighted = 0 if look.calls else None

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter, or a click."""
        event.stop()
        self.post_message(self.Chosen(self._calls[event.option_index]))


class Stops(OptionList):
    """Displays, then breakpoints: Enter enables or disables one, Delete removes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("delete,backspace", "remove", "Remove", show=False),
    ]

    class Wanted(Message):
        """A command about a breakpoint."""

        def __init__(self, command: str) -> None:
            super().__init__()
            self.command = command

    def __init__(self, id: str) -> None:
        super().__init__(id=id, compact=True, markup=False)
        self._stops: tuple[Stop, ...] = ()

    def show(self, look: Look) -> None:
        """Show other ones."""
        self._stops = look.stops
        chosen = self.highlighted
        rows = [Option(_row(text), disabled=True) for text in look.displays]
        rows += [Option(_row(stop.text), id=str(stop.number)) for stop in look.stops]
        self.set_options(rows)
        if chosen is not None and look.stops:
            self.highlighted = min(chosen, len(rows) - 1)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter, or a click."""
        event.stop()
        stop = next(each for each in self._stops if str(each.number) == event.option_id)
        word = "disable" if stop.is_enabled else "enable"
        self.post_message(self.Wanted(f"{word} {stop.number}"))

    def action_remove(self) -> None:
        """Remove the breakpoint at hand."""
        option = None if self.highlighted is None else self.get_option_at_index(self.highlighted)
        if option is not None and option.id is not None:
            self.post_message(self.Wanted(f"delete {option.id}"))


def _row(text: str) -> Text:
    return Text(shown(text), no_wrap=True, overflow="ellipsis")

"""Over everything else: a question, keys that come in twos, and help."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.events import Key
from textual.screen import ModalScreen
from textual.suggester import SuggestFromList
from textual.widgets import Input, Label, Static


class Question(ModalScreen[str | None]):
    """A question that is answered by a line, of some words perhaps; None: it was not."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Cancel")]

    def __init__(self, text: str, hint: str, words: Iterable[str] = ()) -> None:
        super().__init__()
        self._text, self._hint, self._words = text, hint, words

    def compose(self) -> ComposeResult:
        """The question, and a line."""
        with Vertical(classes="dialog"):
            yield Label(self._text, markup=False)
            words = SuggestFromList(self._words)
            yield Input(placeholder=self._hint, suggester=words, compact=True)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter."""
        event.stop()
        self.dismiss(event.value.strip() or None)


class Second(ModalScreen[str | None]):
    """The second key of two, by what it does; None: another one."""

    def __init__(self, title: str, choices: Mapping[str, str]) -> None:
        super().__init__()
        self._title, self._choices = title, choices

    def compose(self) -> ComposeResult:
        """What keys there are."""
        text = Text(f"{self._title}  ", style="bold")
        for key, about in self._choices.items():
            text.append(key, "bold reverse")
            text.append(f" {about}   ", "not bold")
        yield Static(text, classes="chord")

    def on_key(self, event: Key) -> None:
        """That is it."""
        event.stop()
        event.prevent_default()
        self.dismiss(event.key if event.key in self._choices else None)


class Help(ModalScreen[None]):
    """Keys and commands."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1,enter", "dismiss(None)", "Close")
    ]

    def __init__(self, keys: Iterable[tuple[str, str]], commands: Iterable[str]) -> None:
        super().__init__()
        self._keys, self._commands = list(keys), list(commands)

    def compose(self) -> ComposeResult:
        """All of them, scrollable."""
        width = max(len(key) for key, _ in self._keys)
        text = Text("Keys\n", style="bold")
        for key, about in self._keys:
            text.append(f"{key:{width}}  {about}\n", "not bold")
        text.append("\nCommands\n")
        text.append("\n".join(self._commands), "not bold")
        with VerticalScroll(classes="dialog help"):
            yield Static(text)

"""Argument parsers whose errors are one line and whose help is coloured on a terminal."""

from __future__ import annotations

import argparse
import os
import sys

from jitvm.cli.exits import Failure

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn


argparse._ = lambda text: text  # type: ignore[attr-defined]  # help is in English; gettext takes 2 ms
_DASHES = "\0--"  # no real argument holds a zero byte


class Parser(argparse.ArgumentParser):
    """A parser that raises `Failure` instead of printing usage and exiting.

    Attributes:
        rest: names of a positional argument and of the REMAINDER after it, for commands that
            pass on everything after the first. Without this argparse would take a ``--`` out
            of what is passed on.
        late_epilog: builds the end of the help text, when help is requested.
    """

    rest: tuple[str, str] | None = None
    late_epilog: Callable[[], str] | None = None

    def __init__(self, **options: object) -> None:
        # A formatter is made for every argument that is added; without a width it would import
        # shutil to ask the terminal.
        options.setdefault("formatter_class", _narrow)
        super().__init__(allow_abbrev=False, **options)  # type: ignore[arg-type]

    def parse_command(self, arguments: list[str]) -> argparse.Namespace:
        """Parse the arguments of one command."""
        if self.rest is None:
            return self.parse_args(arguments)
        first, behind = self.rest
        hidden = [_DASHES if argument == "--" else argument for argument in arguments]
        try:
            found = self.parse_args(hidden)
        except Failure as error:
            shown = str(error).replace(_DASHES, "--").replace(repr(_DASHES)[1:-1], "--")
            raise Failure(shown, error.code) from None
        for action in self._actions:
            given = getattr(found, action.dest, None)
            if action.option_strings and _DASHES in (given if isinstance(given, list) else [given]):
                self.error(f"argument {'/'.join(action.option_strings)}: expected one argument")
        words = [getattr(found, first), *getattr(found, behind)]
        if words[0] == _DASHES:  # it came before the first one: the end of our own options
            del words[0]
        if not words:
            self.error(f"the following arguments are required: {first.upper()}")
        setattr(found, first, words[0])
        setattr(found, behind, ["--" if word == _DASHES else word for word in words[1:]])
        return found

    def _get_values(self, action: argparse.Action, arg_strings: list[str]) -> Any:
        if action.option_strings and arg_strings == ["--"]:  # --option=--: argparse makes it []
            self.error(f"argument {'/'.join(action.option_strings)}: expected one argument")
        return super()._get_values(action, arg_strings)

    def error(self, message: str) -> NoReturn:
        raise Failure(f"{message}; see `{self.prog} --help`")

    def format_help(self) -> str:
        self.formatter_class = argparse.RawDescriptionHelpFormatter
        if self.late_epilog is not None:
            self.epilog = self.late_epilog()
        if _wants_color():
            from jitvm.cli.color import ColorHelpFormatter

            self.formatter_class = ColorHelpFormatter
        return super().format_help()


def _narrow(prog: str) -> argparse.HelpFormatter:
    return argparse.RawDescriptionHelpFormatter(prog, width=80)


def _wants_color() -> bool:
    if "NO_COLOR" in os.environ or sys.stdout is None or not sys.stdout.isatty():
        return False
    from importlib.util import find_spec

    return find_spec("rich_argparse") is not None

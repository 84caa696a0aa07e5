"""Values of options that several commands take: numbers above zero, settings of the JIT."""

from __future__ import annotations

from argparse import ArgumentTypeError

from jitvm.cli.exits import Failure

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any


def positive(convert: Callable[[str], Any], what: str) -> Callable[[str], Any]:
    """A type for argparse: a number above zero."""

    def parse(text: str) -> Any:
        try:
            number = convert(text)
        except ValueError:
            number = 0
        if not 0 < number < float("inf"):
            raise ArgumentTypeError(f"{text} is not {what} above 0")
        return number

    return parse


def settings(words: Iterable[str]) -> dict[str, str | int]:
    """What ``-O NAME=VALUE`` says, any number of times.

    Raises:
        Failure: a word has no ``=``.
    """
    pairs: dict[str, str | int] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise Failure(f"-O {word}: takes NAME=VALUE; `jitvm params` lists the names")
        pairs[name] = value
    return pairs

"""Values of options that several commands take: numbers above zero, settings of the JIT."""

from __future__ import annotations

from jitvm.cli.exits import Failure

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any


MOST = (1 << 63) - 1
"""The largest whole number that is taken: none is missed above, and words of C end there."""


def positive(
    convert: Callable[[str], Any], what: str, most: float | None = None
) -> Callable[[str], Any]:
    """A type for argparse: a number above zero, up to `most`."""

    def parse(text: str) -> Any:
        from argparse import ArgumentTypeError

        from jitvm.guest.numbers import LONGEST

        end = most or (MOST if convert is int else LONGEST)
        try:
            number = convert(text)
        except ValueError:
            number = 0
        if not 0 < number <= end:
            upper = f" and up to {end:g}" if number > end or most else ""
            raise ArgumentTypeError(f"{_shown(text)} is not {what} above 0{upper}")
        return number

    return parse


def _shown(text: str) -> str:
    """What was given, shortened if it is long."""
    return text if len(text) <= 40 else f"{text[:40]}..."


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

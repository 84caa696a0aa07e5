"""Range checks for numbers that come from outside: counts and times.

    whole("max_instructions", 1.5)      TypeError: max_instructions is a whole number, not 1.5
    whole("frames", -1)                 ValueError: frames is a whole number from 0, not -1
    seconds("time_limit", float("nan")) ValueError: ...

Numbers checked here need no further checks inside, where a fraction would be truncated and a large
number would overflow a C integer.
"""

from __future__ import annotations

from _operator import index

LONGEST = 1e9
"""Seconds of the longest time that can be asked for, some thirty years: the clocks of the operating
system count in words that end somewhere above."""
LONGEST_TEXT = 60
"""Characters of what was given, in a message."""


def whole(what: str, number: object, low: int = 0, high: int | None = None) -> int:
    """A whole number between two ends, both included; `high` None leaves it open.

    Raises:
        TypeError: it is no whole number (those of NumPy are, floats are not).
        ValueError: it is too small or too large.
    """
    try:
        found = index(number)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{what} is a whole number, not {shortened(number)}") from None
    if found < low or (high is not None and found > high):
        end = "" if high is None else f" to {high}"
        raise ValueError(f"{what} is a whole number from {low}{end}, not {shortened(found)}")
    return found


def seconds(what: str, number: float | None) -> float | None:
    """A time in seconds above 0; None, and infinity, for any.

    Raises:
        TypeError: it is no number.
        ValueError: it is not above 0, not a number at all (NaN), or longer than `LONGEST`.
    """
    if number is None or number == float("inf"):
        return None
    try:
        fits = 0 < number <= LONGEST
    except TypeError:
        raise TypeError(f"{what} is a number of seconds, not {shortened(number)}") from None
    if not fits:
        given = shortened(number)
        raise ValueError(
            f"{what} is a number of seconds above 0 and up to {LONGEST:.0e}, not {given}"
        )
    return float(number)


def shortened(value: object) -> str:
    """What was given, as a person reads it; Python prints no numbers of thousands of digits."""
    if isinstance(value, int) and value.bit_length() > 256:
        return f"one of {value.bit_length()} bits"
    text = repr(value)
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}..."

"""One-line notes about what a process has to do without, for the person running it.

    the system refuses something -> the engine falls back -> note(why, what)

The program still runs correctly on what is left, only slower or with less kept, so this is not an
error. Library users get a Python warning, `FallbackWarning`; the command prints the line. Each
reason is reported once.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable

_PACKAGE = __name__.partition(".")[0]


class FallbackWarning(RuntimeWarning):
    """The system refuses something that jitvm would use, so it does without; the text says what."""


def _warn(text: str) -> None:
    """Warn, at the line outside of jitvm that it is about."""
    from warnings import warn

    level = 1
    frame = sys._getframe(0)
    while frame.f_back is not None and _is_own(frame.f_globals.get("__name__", "")):
        frame, level = frame.f_back, level + 1
    warn(text, FallbackWarning, stacklevel=level)


def _is_own(module: str) -> bool:
    return module == _PACKAGE or module.startswith(f"{_PACKAGE}.")


_report: list[Callable[[str], None]] = [_warn]
_noted: set[str] = set()


def report_with(function: Callable[[str], None]) -> None:
    """Pass notes to a function from now on, instead of issuing warnings."""
    _report[0] = function


def reason(error: BaseException) -> str:
    """What an error says, without its number."""
    return getattr(error, "strerror", None) or str(error)


def note(why: str, what: str) -> None:
    """Report what is done without, unless a note with the same reason was reported before."""
    if why not in _noted:
        _noted.add(why)
        _report[0](f"{why}; {what}")

"""Collects the diagnostics of one run."""

from __future__ import annotations

from jitvm.guests.uxn.assembler.errors import AssemblyError, Diagnostic, Problem
from jitvm.guests.uxn.assembler.limits import MAX_ERRORS, MAX_SHOWN_LINE, MAX_WARNINGS
from jitvm.guests.uxn.assembler.source import Token

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from typing import NoReturn

_LONGEST_WORD = 60
"""Characters of a word shown in a message."""


class Log:
    """Errors and warnings in the order they were found.

    A problem in the body of a macro is shown where the macro is used (its `site`), since that is
    where the reader can tell which use went wrong; the message says where the body is.

    Args:
        most: errors after which a run ends.
    """

    def __init__(self, most: int = MAX_ERRORS) -> None:
        self._most = most
        self.errors: list[Diagnostic] = []
        self.warnings: list[Diagnostic] = []
        self._lacking: dict[str, int] = {}
        self._follow_ups = 0

    def error(
        self, problem: Problem, token: Token, details: str, hint: str, site: Token | None = None
    ) -> None:
        """Add an error; raise AssemblyError with all of them when there are too many."""
        self.errors.append(_diagnostic(problem, token, details, hint, site or token))
        if len(self.errors) >= self._most:
            raise self.failure()

    def lack(
        self, problem: Problem, token: Token, details: str, hint: str, site: Token | None = None
    ) -> None:
        """Add the error that a file is not to be had, once however often it is included.

        What else may be wrong because of that is counted, not told; see `follow_up`.
        """
        if token.text not in self._lacking:
            self._lacking[token.text] = len(self.errors)
            self.error(problem, token, details, hint, site)

    def follow_up(
        self, problem: Problem, token: Token, details: str, hint: str, site: Token | None = None
    ) -> None:
        """Add an error that there may be only because a file is not there."""
        if self._lacking:
            self._follow_ups += 1
        else:
            self.error(problem, token, details, hint, site)

    def failure(self) -> AssemblyError:
        """All errors, to be raised."""
        errors = list(self.errors)
        if self._follow_ups:
            first = min(self._lacking.values())
            more = f"{self._follow_ups} errors that may come of it are not listed"
            if self._follow_ups == 1:
                more = "1 error that may come of it is not listed"
            hint = "; ".join(filter(None, (errors[first].hint, more)))
            errors[first] = errors[first].but(hint=hint)
        return AssemblyError(errors)

    def fatal(
        self, problem: Problem, token: Token, details: str, hint: str, site: Token | None = None
    ) -> NoReturn:
        """Add an error that nothing sensible can follow, and raise AssemblyError."""
        self.errors.append(_diagnostic(problem, token, details, hint, site or token))
        raise self.failure()

    def warn(
        self, problem: Problem, token: Token, details: str, hint: str, site: Token | None = None
    ) -> None:
        """Add a warning."""
        if len(self.warnings) < MAX_WARNINGS:
            found = _diagnostic(problem, token, details, hint, site or token, is_warning=True)
            self.warnings.append(found)


def _diagnostic(
    problem: Problem,
    token: Token,
    details: str,
    hint: str,
    site: Token,
    *,
    is_warning: bool = False,
) -> Diagnostic:
    word = token.text if len(token.text) <= _LONGEST_WORD else token.text[:_LONGEST_WORD] + ".."
    message = f"{problem}: `{word}`"
    if details:
        message += f", {details}"
    if site is not token:
        message += f" (in macro `{site.text}`, at {token.place()})"
    line, column = site.position()
    source_line = site.source.line_at(site.offset)
    return Diagnostic(
        file=site.source.name,
        line=line,
        column=column,
        token=site.text,
        message=message,
        hint=hint,
        source_line=source_line if len(source_line) <= MAX_SHOWN_LINE else "",
        problem=problem,
        is_warning=is_warning,
        spot=site.spot,
        origin=token.spot,
    )

"""Shows errors in programs and sources on the command line."""

from __future__ import annotations

import sys

from jitvm.cli.exits import Failure
from jitvm.platform import SourceError

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from jitvm.platform import ProgramError


def failure(error: ProgramError) -> Failure:
    """What to raise for a program that cannot be loaded; diagnostics are printed in full."""
    if not isinstance(error, SourceError) or not error.diagnostics:
        return Failure(str(error))
    first, count = error.diagnostics[0], len(error.diagnostics)
    if count == 1 and not first.line:
        return Failure(f"{first.file}: {first.message}")
    print(error, file=sys.stderr)
    return Failure(
        f"{first.file}: {count} error{'s' * (count > 1)} in the source; nothing was assembled"
    )

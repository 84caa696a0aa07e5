"""How far a stream of messages is read, on a terminal's standard error: one line."""

from __future__ import annotations

import sys
from time import monotonic

from jitvm.cli.progress import PACE, PATIENCE

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from jitvm.wire import Progress

_CLEAR = "\r\x1b[K"


class Shown:
    """Shows how far it is, for a ``with`` block."""

    def __init__(self) -> None:
        is_watched = sys.stderr is not None and sys.stderr.isatty()
        self._begin = monotonic()
        self._due = self._begin + PATIENCE if is_watched else float("inf")
        self._is_shown = False

    def __enter__(self) -> Shown:
        return self

    def show(self, progress: Progress) -> None:
        """Tell how far it is."""
        now = monotonic()
        if now < self._due:
            return
        self._due = now + PACE
        of = f" of {progress.total >> 20:,}" if progress.total else ""
        rate = progress.rows / (now - self._begin)
        line = f"{progress.bytes >> 20:,}{of} MiB, {progress.rows:,} rows, {rate:,.0f} a second"
        if progress.errors:
            line += f", {progress.errors:,} errors"
        print(_CLEAR + line, end="", file=sys.stderr, flush=True)
        self._is_shown = True

    def __exit__(self, *_error: object) -> None:
        if self._is_shown:
            print(_CLEAR, end="", file=sys.stderr, flush=True)

"""Progress of a long run, on a terminal's standard error: one line that is rewritten in place."""

from __future__ import annotations

import sys
from time import monotonic

PATIENCE = 1.0
"""Seconds before there is anything to see."""
PACE = 0.2
"""Seconds between two looks."""
_CLEAR = "\r\x1b[K"


class Progress:
    """Shows frames, for a ``with`` block.

    Args:
        total: frames there will be; None where nobody knows.
    """

    def __init__(self, total: int | None) -> None:
        self._total = total
        self._begin = monotonic()
        is_watched = sys.stderr is not None and sys.stderr.isatty()
        self._due = self._begin + PATIENCE if is_watched else float("inf")
        self._is_shown = False

    def __enter__(self) -> Progress:
        return self

    def show(self, frames: int) -> None:
        """Tell that so many frames are complete."""
        now = monotonic()
        if now < self._due:
            return
        self._due = now + PACE
        rate = frames / (now - self._begin)
        of = "" if self._total is None else f" of {self._total:,}"
        line = f"frame {frames:,}{of}, {rate:,.0f} a second"
        if self._total is not None and rate:
            line += f", {_minutes((self._total - frames) / rate)} left"
        print(_CLEAR + line, end="", file=sys.stderr, flush=True)
        self._is_shown = True

    def __exit__(self, *_error: object) -> None:
        if self._is_shown:
            print(_CLEAR, end="", file=sys.stderr, flush=True)


def _minutes(seconds: float) -> str:
    return f"{int(seconds // 60)}:{int(seconds % 60):02}"

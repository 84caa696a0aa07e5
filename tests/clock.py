"""Time in tests: waiting for what has to happen, and figures where the machine is busy.

The machine may be slow, may have one core, and may stand still for seconds at any point. So

 1. A test waits for a condition, not for time: `until`.
 2. Waiting is given up after `HANGS` seconds, which only what hangs will take; seconds in which
    the machine stood still do not count.
 3. A bar for a latency stays what the product promises. Other processes only ever make an attempt
    slower, so the best of several counts: `best_of`.
 4. Tests that cannot but look at the clock, or that drive a browser, a window, a terminal or a
    sound card, carry the marker `clock`: conftest.py has them run again when they fail. No other
    test may run again, as what fails one time in ten is a bug.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

HANGS = 60.0
"""Seconds after which what a test waits for will not happen any more."""
STANDSTILL = 1.0
"""Seconds between two looks at a condition that count: in more the machine has stood still."""
ATTEMPTS = 12
"""How often a figure is measured, at most."""


def until(condition: Callable[[], Any], seconds: float = HANGS) -> Any:
    """What a condition gives as soon as that is true; fails after some seconds."""
    left, last = seconds, time.monotonic()
    while not (found := condition()):
        assert left > 0, "it did not happen in time"
        time.sleep(0.005)
        now = time.monotonic()
        left, last = left - min(now - last, STANDSTILL), now
    return found


def seconds_of(work: Callable[[], object]) -> float:
    """Seconds that some work takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def best_of(measure: Callable[[], float], bar: float) -> float:
    """The least of several measurements; the first below the bar is the last.

    Pauses between them grow to half a second, so that what kept the machine busy may pass.
    """
    best = float("inf")
    for attempt in range(ATTEMPTS):
        best = min(best, measure())
        if best < bar:
            break
        time.sleep(0.05 * attempt)
    return best

"""Time in tests: waiting for what has to happen.

The machine may be slow or fast, may have one core, and may stand still for seconds at any point.
What fails one time in a thousand is a fault, and no test is run again. So

 1. A test waits for a condition, not for time: `until`. Where the order of things matters it is
    made so by events, by a clock that is set by hand, or by counting instructions.
 2. Waiting is given up after `HANGS` seconds, which only what hangs will take; seconds in which
    the machine stood still do not count.
 3. How long something takes, or that something has not happened yet, is nothing to assert. That a
    limit of time is not over too soon is: other processes only ever make it later.
 4. What is compiled in the background is there at some time: wait for it, or have the guest wait
    for the compiler (the parameter `background`).
"""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

HANGS = 60.0
"""Seconds after which what a test waits for will not happen any more."""
STANDSTILL = 1.0
"""Seconds between two looks at a condition that count: in more the machine has stood still."""


def until(condition: Callable[[], Any]) -> Any:
    """What a condition gives as soon as that is true."""
    left, last = HANGS, time.monotonic()
    while not (found := condition()):
        assert left > 0, f"it did not happen in time; meanwhile\n{threads()}"
        time.sleep(0.005)
        now = time.monotonic()
        left, last = left - min(now - last, STANDSTILL), now
    return found


def threads() -> str:
    """What all threads of this process are doing."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    return "\n".join(
        f"{names.get(ident, ident)}:\n{''.join(traceback.format_stack(frame))}"
        for ident, frame in sys._current_frames().items()
    )

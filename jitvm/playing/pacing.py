"""When frames are due: at times fixed in advance, so that errors do not accumulate.

    next     next + period     next + 2 periods ...

A late frame does not delay those after it: they follow at shorter intervals until the schedule is
met again. So a hiccup costs no frame. A backlog of more than `BACKLOG` periods is dropped, so that
a program that is too slow for its frames runs as fast as it can, without ever having to catch up.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

BACKLOG = 3
"""Frames that may be made up for."""

SPEEDS = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)


class Pacer:
    """Says when to run how many frames.

    Args:
        rate: frames a second, at speed 1.
        clock: the time in seconds.

    Attributes:
        dropped: frames that were due and never will be.
    """

    def __init__(self, rate: int, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._tick = 1 / rate
        self._period = self._tick
        self._next = clock()
        self._speed = SPEEDS.index(1.0)
        self.dropped = 0

    @property
    def speed(self) -> float:
        """How many times as fast as usual it runs."""
        return SPEEDS[self._speed]

    @property
    def frames(self) -> int:
        """How many frames to run each time: above speed 1, several for one picture."""
        return max(1, int(self.speed))

    def change_speed(self, steps: int) -> None:
        """Take the speed that is so many steps further in `SPEEDS`."""
        self._speed = min(max(self._speed + steps, 0), len(SPEEDS) - 1)
        self._period = self._tick / min(self.speed, 1.0)
        self._next = min(self._next, self._clock() + self._period)

    def remaining(self) -> float:
        """Seconds until it is time; 0 when it is."""
        return max(0.0, self._next - self._clock())

    def begin(self) -> None:
        """Frames are run now: plan the next time."""
        self._next += self._period
        late = self._clock() - self._next
        if late > BACKLOG * self._period:
            lost = int(late / self._period)
            self.dropped += lost
            self._next += lost * self._period

    def resume(self) -> None:
        """Go on after there was nothing to do: at once, but not sooner than a period after."""
        self._next = max(self._next, self._clock())

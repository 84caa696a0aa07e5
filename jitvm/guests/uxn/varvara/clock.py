"""The DateTime device, ports c0 to ca: the local time, sampled at each read.

c0* year   c2 month 0-11   c3 day 1-31   c4 hour   c5 minute   c6 second
c7 day of the week, Sunday 0   c8* day of the year, 0-365   ca daylight saving time
"""

from __future__ import annotations

import time

from jitvm.engine.machine.machine import Machine
from jitvm.guest.light import partial
from jitvm.guest.numbers import shortened
from jitvm.platform.device import Device

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    Clock = Callable[[], datetime]

BASE = 0xC0

_FIELDS: tuple[Callable[[time.struct_time], int], ...] = (
    lambda now: now.tm_year >> 8,
    lambda now: now.tm_year,
    lambda now: now.tm_mon - 1,
    lambda now: now.tm_mday,
    lambda now: now.tm_hour,
    lambda now: now.tm_min,
    lambda now: now.tm_sec,
    lambda now: (now.tm_wday + 1) % 7,
    lambda now: (now.tm_yday - 1) >> 8,
    lambda now: now.tm_yday - 1,
    lambda now: now.tm_isdst > 0,
)
"""The byte of each port, counted from the first; truncated to 8 bits."""


class DateTime(Device):
    """Connects the DateTime ports of a machine.

    Args:
        machine: whose ports they are.
        clock: called at each read; None for the host's local time.

    Attributes:
        now: called at each read. Others may take its place.
    """

    ports = range(BASE, BASE + 0x10)

    def __init__(self, machine: Machine, clock: Clock | None) -> None:
        self.now: Callable[[], time.struct_time] = time.localtime
        if clock is not None:
            if not callable(clock):
                raise TypeError(
                    f"clock is a function that returns a datetime, not {shortened(clock)}"
                )
            self.now = lambda: clock().timetuple()
        for index in range(len(_FIELDS)):
            machine.on_read(BASE + index, partial(self._read, index))

    def _read(self, index: int) -> int:
        return int(_FIELDS[index](self.now())) & 0xFF

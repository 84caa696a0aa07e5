"""Why native code returned to the host, as written to the context."""

from __future__ import annotations

from jitvm.guest import Stop
from jitvm.guest.light import IntEnum


class Status(IntEnum):
    """The first four are `jitvm.guest.Stop`; the others are between tiers."""

    HALT = Stop.HALT
    BUDGET = Stop.BUDGET
    INTERRUPT = Stop.INTERRUPT
    BREAK = Stop.BREAK
    HOST = 3
    """A host function asked to stop after its instruction."""
    HOT = 4
    """A counter ran out at `pc`."""
    RECORDED = 5
    """The recording buffer is full."""
    HOT_EXIT = 6
    """An exit was taken often; its number is in the context."""
    MISSING = 7
    """The opcode at `pc` has no handlers yet."""

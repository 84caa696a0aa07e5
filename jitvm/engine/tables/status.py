"""Why native code returned to the host, as written to the context."""

from __future__ import annotations

from enum import IntEnum

from jitvm.guest import Stop


class Status(IntEnum):
    """The first three are `jitvm.guest.Stop`; the others are between tiers."""

    HALT = Stop.HALT
    BUDGET = Stop.BUDGET
    INTERRUPT = Stop.INTERRUPT
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

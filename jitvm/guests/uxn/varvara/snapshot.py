"""A copy of a computer's memory, registers, ports and picture."""

from __future__ import annotations

from dataclasses import dataclass

from jitvm.engine.machine import Snapshot

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from jitvm.guests.uxn.varvara.screen.canvas import Picture


@dataclass(frozen=True, slots=True)
class ComputerSnapshot:
    """What `Computer.restore` puts back. Open files and sounding notes are not part of it.

    Attributes:
        banks: the banks above 0 that were ever touched.
        picture: what the screen shows; None where the program has not used it.
        controller, mouse: the latched vectors.
    """

    machine: Snapshot
    banks: dict[int, bytes]
    picture: Picture | None
    controller: int
    mouse: int

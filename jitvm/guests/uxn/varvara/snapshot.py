"""A copy of a computer's whole state: what `Computer.restore` needs to continue from there.

It is valid between two vectors: the rest of a vector that a limit has stopped is not run. It
belongs to a program, not to a computer: any computer for the same ROM can continue from it.

It does not include what is outside the computer: the clock, output that was written, limits, and
the number of frames. A file that is open is opened again, and read or written on from where it was.
"""

from __future__ import annotations

from dataclasses import dataclass

from jitvm.engine.machine.machine import Snapshot

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from typing import Any


@dataclass(frozen=True, slots=True)
class ComputerSnapshot:
    """What `Computer.restore` puts back.

    Attributes:
        has_begun: whether the reset vector was run, or begun.
        machine: memory, stacks, registers, ports, and the console's vector.
        banks: the banks above 0 that were ever touched.
        devices: what each device keeps, in the order of `Hardware.devices`: what the screen shows,
            voices in the middle of their notes, what files were named, latched vectors.
    """

    has_begun: bool
    machine: Snapshot
    banks: dict[int, bytes]
    devices: tuple[Any, ...]

"""A copy of a computer's whole state: what `Computer.restore` needs to go on from there.

It holds between two vectors: of a vector that a limit has stopped, the rest is not run. It is of
one program, but of no computer: any that was made for the same ROM can go on with it.

What is outside of the computer is no part of it: the clock, output that was written, limits, the
number of frames, and how far a file was read. The name and the length of a file are; it is closed,
and reading begins anew.
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

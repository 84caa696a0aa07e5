"""A copy of a computer's memory, registers and ports."""

from __future__ import annotations

from dataclasses import dataclass

from jitvm.engine.machine import Snapshot


@dataclass(frozen=True, slots=True)
class ComputerSnapshot:
    """What `Computer.restore` puts back. Open files are not part of it.

    `banks` holds the banks above 0 that were ever touched.
    """

    machine: Snapshot
    banks: dict[int, bytes]

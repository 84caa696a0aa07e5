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
    from jitvm.guests.uxn.varvara.audio.device import AudioState
    from jitvm.guests.uxn.varvara.file import FileState
    from jitvm.guests.uxn.varvara.screen.canvas import Picture


@dataclass(frozen=True, slots=True)
class ComputerSnapshot:
    """What `Computer.restore` puts back.

    Attributes:
        has_begun: whether the reset vector was run, or begun.
        machine: memory, stacks, registers, ports, and the console's vector.
        banks: the banks above 0 that were ever touched.
        picture: what the screen shows; None where the program has not used it.
        sound: the voices in the middle of their notes; None where none has ever played.
        files: what each File device was told.
        controller, mouse: the latched vectors.
    """

    has_begun: bool
    machine: Snapshot
    banks: dict[int, bytes]
    picture: Picture | None
    sound: AudioState | None
    files: tuple[FileState, ...]
    controller: int
    mouse: int

"""The hardware of a Varvara computer: a Uxn machine, its memory banks and its devices.

It is built with a program in memory, and can be cleared; what runs when is the business of
`computer` and `frames`. A device that is not used costs nothing: the screen's native code is loaded
at the first drawing, the Audio devices are made at the first note.
"""

from __future__ import annotations

import os
from functools import cached_property, partial

from jitvm.engine.machine.machine import Machine, Tier
from jitvm.guests.uxn import UXN
from jitvm.guests.uxn.varvara import console, file, system
from jitvm.guests.uxn.varvara.banks import Banks
from jitvm.guests.uxn.varvara.clock import DateTime
from jitvm.guests.uxn.varvara.console import Console
from jitvm.guests.uxn.varvara.controller import Controller
from jitvm.guests.uxn.varvara.evaluator import Evaluator
from jitvm.guests.uxn.varvara.mouse import Mouse
from jitvm.guests.uxn.varvara.output import Output
from jitvm.guests.uxn.varvara.rom import Rom
from jitvm.guests.uxn.varvara.sandbox import Sandbox
from jitvm.guests.uxn.varvara.screen import Screen
from jitvm.guests.uxn.varvara.words import DeviceWords

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from jitvm.engine.tables.params import Parameters
    from jitvm.guests.uxn.varvara.audio import Audio
    from jitvm.guests.uxn.varvara.clock import Clock
    from jitvm.guests.uxn.varvara.output import Closed, Stream

PITCHES = (0x3F, 0x4F, 0x5F, 0x6F)
"""The ports that start notes: the first write to one of them makes the Audio devices."""


class Hardware:
    """All that a program runs on; the arguments are those of `Computer`.

    Attributes:
        rom: the program, loaded again when it is reset.
        evaluator: runs vectors of the program.
    """

    def __init__(
        self,
        rom: Rom,
        *,
        tier: Tier,
        params: Parameters | None,
        sandbox: str | os.PathLike[str] | None,
        clock: Clock | None,
        stdout: Stream | Closed | None,
        stderr: Stream | Closed | None,
    ) -> None:
        self.rom = rom
        # Before machine code is looked for: it is not taken from where the program may write.
        self._sandbox = None if sandbox is None else Sandbox(sandbox)
        self.machine = machine = Machine(UXN, tier=tier, params=params)
        self.output = Output(machine, (console.WRITE, console.ERROR), stdout, stderr)
        self.banks = Banks(machine)
        self.system = system.System(machine, self.banks, self.output)
        self.console = Console(machine, self.output)
        words = DeviceWords(machine)
        self.screen = Screen(machine, words)
        for port in PITCHES:
            machine.on_write(port, partial(self._first_note, port))
        self.controller = Controller(machine)
        self.mouse = Mouse(machine)
        self.files = file.connect_files(machine, self.output, self._sandbox, words)
        self.clock = DateTime(machine, clock)
        self.evaluator = Evaluator(machine, console.READ, system.STATE)
        self.output.while_waiting = self.evaluator.check_time
        self.banks.load(rom)

    @cached_property
    def audio(self) -> Audio:
        """The Audio devices; connected when they are first used, which few programs do."""
        from jitvm.guests.uxn.varvara.audio import Audio

        return Audio(self.machine)

    @property
    def has_sound(self) -> bool:
        """Whether the Audio devices were used."""
        return "audio" in self.__dict__

    def _first_note(self, port: int, pitch: int) -> None:
        self.audio  # noqa: B018  connects itself to the port
        self.machine.state.ports.writers[port](pitch)

    # -- what the program wants --------------------------------------------------------------

    @property
    def exit_code(self) -> int:
        """What the program ends with: the low seven bits of System/state."""
        return self.system.state & 0x7F

    @property
    def is_ended(self) -> bool:
        """Whether the program has asked to end."""
        return self.system.state != 0

    @property
    def is_graphical(self) -> bool:
        """Whether the program wants frames: it has used the screen, the controller or the mouse.

        Meant to be asked after `boot`.
        """
        return bool(self.screen.touched or self.controller.vector or self.mouse.vector)

    # -- starting over, and the end ----------------------------------------------------------

    def clear(self, *, soft: bool = False) -> None:
        """Put the program back as it was loaded, and all devices as they were.

        See `Computer.reset`.
        """
        machine = self.machine
        self.banks.clear_program(zero_page=not soft)
        machine.page[:] = bytes(len(machine.page))
        for stack in machine.state.stacks:
            stack[:] = bytes(len(stack))
        machine.state.pointers[:] = [0] * len(machine.state.pointers)
        machine.vector = 0
        self.evaluator.is_unfinished = False
        for device in self.files:
            device.reset()
        self.screen.reset()
        self.controller.reset()
        self.mouse.reset()
        self._silence()
        self.banks.load(self.rom)

    def close(self) -> None:
        """Close the program's files and silence its voices. The computer can still be used."""
        for device in self.files:
            device.close()
        self._silence()
        if self._sandbox is not None:
            self._sandbox.close()

    def _silence(self) -> None:
        if self.has_sound:
            self.audio.reset()

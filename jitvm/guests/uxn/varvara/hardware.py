"""The hardware of a Varvara computer: a Uxn machine, its memory banks and its devices.

It is built with a program in memory, and can be cleared; `computer` and `frames` decide what runs
when. Unused devices cost nothing: the screen's native code is loaded at the first drawing, and the
Audio devices are created at the first note.
"""

from __future__ import annotations

import os

from jitvm.engine.machine.machine import Machine, Tier
from jitvm.guest.light import cached_property, partial
from jitvm.guests.uxn import UXN
from jitvm.guests.uxn.varvara import console, file, system
from jitvm.guests.uxn.varvara.banks import Banks
from jitvm.guests.uxn.varvara.clock import DateTime
from jitvm.guests.uxn.varvara.console import Console
from jitvm.guests.uxn.varvara.controller import Controller
from jitvm.guests.uxn.varvara.mouse import Mouse
from jitvm.guests.uxn.varvara.program import Rom
from jitvm.guests.uxn.varvara.sandbox import Sandbox
from jitvm.guests.uxn.varvara.screen import Screen
from jitvm.guests.uxn.varvara.words import DeviceWords
from jitvm.platform.device import Device, Devices
from jitvm.platform.evaluator import Evaluator, Run
from jitvm.platform.output import Output

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable

    from jitvm.engine.tables.params import Parameters
    from jitvm.guests.uxn.varvara.audio import Audio
    from jitvm.guests.uxn.varvara.audio.device import AudioState
    from jitvm.guests.uxn.varvara.clock import Clock
    from jitvm.platform.output import Closed, Stream

PITCHES = (0x3F, 0x4F, 0x5F, 0x6F)
"""The ports that start notes: the first write to one of them makes the Audio devices."""


class Voices(Device):
    """The Audio devices, which are made when they are first used, as few programs do that.

    Attributes:
        on_first: called then.
    """

    ports = range(0x30, 0x70)

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self.on_first: Callable[[], None] | None = None
        for port in PITCHES:
            machine.on_write(port, partial(self._first_note, port))

    @cached_property
    def audio(self) -> Audio:
        """They themselves."""
        from jitvm.guests.uxn.varvara.audio import Audio

        return Audio(self._machine)

    @property
    def is_made(self) -> bool:
        """Whether they were used."""
        return "audio" in self.__dict__

    def _first_note(self, port: int, pitch: int) -> None:
        self.audio  # noqa: B018  connects itself to the port
        self._machine.state.ports.writers[port](pitch)
        if self.on_first is not None:
            self.on_first()

    def reset(self) -> None:
        """Be silent."""
        if self.is_made:
            self.audio.reset()

    def close(self) -> None:
        """Be silent."""
        self.reset()

    def snapshot(self) -> AudioState | None:
        """The voices in the middle of their notes; None if none has ever played."""
        return self.audio.snapshot() if self.is_made else None

    def restore(self, state: AudioState | None) -> None:
        """Put them back."""
        if state is None:
            self.reset()
        else:
            self.audio.restore(state)


class Hardware(Run):
    """All that a program runs on; the arguments are those of `Computer`.

    Attributes:
        rom: the program, loaded again when it is reset.
        evaluator: runs vectors of the program.
        devices: a row each; see `jitvm.platform.device`.
        has_screen: it has.
        holds_keys: it is told what is typed; see `jitvm.platform.events`.
    """

    has_screen = True
    holds_keys = False

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
        words = DeviceWords(machine)
        self.devices = Devices()
        connect = self.devices.connect
        self.system = connect(system.System(machine, self.banks, self.output))
        self.console = connect(Console(machine, self.output))
        self.screen = connect(Screen(machine, words))
        self._voices = connect(Voices(machine))
        self.controller = connect(Controller(machine))
        self.mouse = connect(Mouse(machine))
        files = file.connect_files(machine, self.output, self._sandbox, words)
        self.files = tuple(connect(each) for each in files)
        self.clock = connect(DateTime(machine, clock))
        self.evaluator = Evaluator(machine, console.READ, system.STATE)
        self.console.on_vector = self._voices.on_first = self.evaluator.cut
        self.output.while_waiting = self.evaluator.check_time
        self.banks.load(rom)

    @property
    def audio(self) -> Audio:
        """The Audio devices; connected when they are first used, which few programs do."""
        return self._voices.audio

    @property
    def has_sound(self) -> bool:
        """Whether the Audio devices were used."""
        return self._voices.is_made

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
    def listens(self) -> bool:
        """Whether the program wants standard input: whether it has set a console vector."""
        return self.machine.vector != 0

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
        self.evaluator.abandon()
        self.devices.reset()
        self.banks.load(self.rom)

    def close(self) -> None:
        """Close the program's files and silence its voices. The computer can still be used."""
        self.devices.close()
        if self._sandbox is not None:
            self._sandbox.close()

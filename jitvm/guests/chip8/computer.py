"""A CHIP-8 computer: a program with its screen, keys, timers and buzzer.

    computer = Chip8Computer(program, XOCHIP)
    computer.frames.run(60)
    computer.screen.pixels

Sixty times a second the timers count down, keys go down and up, and the program gets its share of
instructions. It has no other means to tell the time.

    1 2 3 4         1 2 3 C        and pads: the arrows are 5 7 8 9, A is 6
    Q W E R   are   4 5 6 D
    A S D F         7 8 9 E
    Z X C V         A 0 B F
"""

from __future__ import annotations

from jitvm.guest.light import cached_property
from jitvm.guests.chip8 import guest
from jitvm.guests.chip8 import instructions as at
from jitvm.platform import ProgramError
from jitvm.platform.bare import BareComputer
from jitvm.platform.events import KeyUp

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from typing import Any

    from jitvm.guests.chip8.display import Buzzer, Display
    from jitvm.guests.chip8.frames import Chip8Frames
    from jitvm.platform import Program
    from jitvm.platform.computer import Settings
    from jitvm.platform.device import Plain
    from jitvm.platform.events import Event

DIGITS = bytes.fromhex(
    "f0909090f0 2060202070 f010f080f0 f010f010f0 9090f01010 f080f010f0 f080f090f0 f010204040"
    "f090f090f0 f090f010f0 f090f09090 e090e090e0 f0808080f0 e0909090e0 f080f080f0 f080f08080"
)
"""Sprites of sixteen digits, four points wide and five high."""
TONE = bytes.fromhex("f0" * 16)
"""What the buzzer plays until a program gives it another pattern: 500 Hz."""
PITCH = 64


def _doubled(row: int) -> int:
    """A row of a digit, each point two points wide."""
    return sum(3 << 2 * i for i in range(4) if row >> (4 + i) & 1)


BIG_DIGITS = bytes(_doubled(row) for row in DIGITS for _ in range(2))


class Chip8Computer(BareComputer):
    """A machine with a screen and keys; see the head of this file.

    Args:
        program: what runs; it is put at 0x200.
        quirks: what kind of machine it is.
        speed: instructions a frame, 1 or more.
        seed: of random numbers; the same numbers come of the same.
        options: as for `BareComputer`.

    Raises:
        ProgramError: the program does not fit in.
    """

    is_graphical = True
    holds_keys = True
    has_sound = True

    def __init__(
        self, program: Program, quirks: at.Quirks, *, speed: int, seed: int = 1, **options: Any
    ) -> None:
        self.quirks = quirks
        self.speed = speed
        self.seed = seed
        super().__init__(program, guest(quirks), origin=at.PROGRAM, **options)

    def _put(self, program: Program) -> None:
        most = (0x10000 if self.quirks.xo else 0x1000) - at.PROGRAM
        if len(program.data) > most:
            raise ProgramError(f"{program.name}: has {len(program.data)} bytes; {most} fit in")
        super()._put(program)
        memory, state = self.machine.memory, self.machine.state
        memory[at.FONT : at.FONT + len(DIGITS)] = DIGITS
        memory[at.BIG_FONT : at.BIG_FONT + len(BIG_DIGITS)] = BIG_DIGITS
        self.registers[at.SEED : at.SEED + 8] = self.seed.to_bytes(8, "big")
        self.registers[at.AUDIO : at.AUDIO + 16] = TONE
        self.registers[at.PITCH] = PITCH
        self.registers[at.PLANES] = 1
        self.registers[at.RELEASED] = at.NO_KEY
        state.pc = at.PROGRAM

    @property
    def registers(self) -> memoryview:
        """The space STATE."""
        return self.machine.state.spaces[at.STATE]

    # -- what came of it ---------------------------------------------------------------------

    @property
    def is_ended(self) -> bool:
        """Whether it has ended, or does nothing for ever but jump to where it is."""
        pc, memory = self.machine.state.pc, self.machine.memory
        is_idle = memory[pc] == 0x10 | pc >> 8 and memory[(pc + 1) & 0xFFFF] == pc & 0xFF
        is_idle = is_idle and not self.registers[at.SOUND]
        return self._has_begun and (is_idle or self.registers[at.STATUS] != at.RUNNING)

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        """1 where it came to something that is no instruction."""
        return int(self.registers[at.STATUS] == at.UNKNOWN)

    # -- its state ---------------------------------------------------------------------------

    @property
    def settings(self) -> Settings:
        """What decides how a program goes on, besides what is in a state."""
        return {
            "speed": self.speed,
            **{name: getattr(self.quirks, name) for name in self.quirks.fields},
        }

    @property
    def held(self) -> tuple[Event, ...]:
        """What lets go of the keys that are down."""
        from jitvm.guests.chip8.frames import KEYS

        registers = self.registers
        return tuple(KeyUp(name) for name, key in KEYS.items() if registers[at.KEYS + key])

    def own_state(self) -> Plain:
        """Also how far the buzzer is."""
        return super().own_state(), self.audio.phase if "audio" in self.__dict__ else 0.0

    def restore_own(self, state: Plain) -> None:
        """Put that back."""
        own, phase = state
        super().restore_own(own)
        self.audio.phase = phase

    # -- running -----------------------------------------------------------------------------

    def boot(self) -> None:
        """Nothing comes before the first frame."""
        self._has_begun = True

    def close(self) -> None:
        """Say where it came to something that is no instruction."""
        if self.exit_code:
            pc, memory = self.machine.state.pc, self.machine.memory
            code = memory[pc] << 8 | memory[(pc + 1) & 0xFFFF]
            self.output.message(
                f"{self.name}: at {pc:#05x} is no instruction of {self.machine.guest.name}: "
                f"{code:04X}; try another machine\n"
            )

    @cached_property
    def frames(self) -> Chip8Frames:
        """Its frame loop."""
        from jitvm.guests.chip8.frames import Chip8Frames

        return Chip8Frames(self)

    @cached_property
    def screen(self) -> Display:
        """What it shows."""
        from jitvm.guests.chip8.display import Display

        return Display(self.machine, self.frames)

    @cached_property
    def audio(self) -> Buzzer:
        """Its buzzer."""
        from jitvm.guests.chip8.display import Buzzer

        return Buzzer(self.machine)

    def show_state(self) -> None:
        """Write all registers."""
        registers, pc = self.registers, self.machine.state.pc
        index = registers[at.INDEX] << 8 | registers[at.INDEX + 1]
        words = [f"V{i:X} {registers[i]:02x}" for i in range(16)]
        self.output.message(f"pc {pc:03x}, I {index:03x}, {' '.join(words)}\n")

"""Screen and sound of a CHIP-8 computer, computed from the machine's spaces with NumPy."""

from __future__ import annotations

import numpy as np

from jitvm.guests.chip8 import instructions as at
from jitvm.platform.sound import RATE

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from jitvm.engine.machine.machine import Machine
    from jitvm.platform.frames import FrameLoop
    from jitvm.platform.screen import Pixels, Rectangle
    from jitvm.platform.sound import Samples

WIDTH, HEIGHT = 512, 256
COLOURS = np.frombuffer(bytes.fromhex("10141cff f2e9d8ff e06c4fff 5b8c8aff"), np.uint8).reshape(
    4, 4
)
"""RGBA of a point in no plane, in the first, the second, and both."""
LOUDNESS = 6000
PATTERN = 128
"""Bits of the buzzer's pattern."""
PATTERN_RATE = 4000
"""Bits a second of the buzzer's pattern at pitch 64; it doubles every 48."""


class Display:
    """The screen, each point a square of four or eight pixels; see `jitvm.platform.screen`."""

    width, height = WIDTH, HEIGHT
    is_live = True

    def __init__(self, machine: Machine, frames: FrameLoop) -> None:
        self._machine = machine
        self._frames = frames
        self._shown: bytes | None = None
        self.pixels: Pixels = np.full((HEIGHT, WIDTH, 4), COLOURS[0], np.uint8)
        self.changed: Rectangle | None = None

    @property
    def touched(self) -> bool:
        """Whether a frame was run: its first picture is an empty one."""
        return self._frames.number > 0

    def points(self) -> Pixels:
        """The points as numbers of colours, shape (32, 64) or (64, 128)."""
        spaces = self._machine.state.spaces
        rows, columns = (64, 128) if spaces[at.STATE][at.HIRES] else (32, 64)
        space = np.frombuffer(spaces[at.SCREEN], np.uint8)
        planes = space[: 2 * at.PLANE].reshape(2, at.ROWS, at.ROW)
        bits = np.unpackbits(planes, axis=2)[:, :rows, :columns]
        points: Pixels = bits[0] | bits[1] << 1
        return points

    def compose(self) -> bool:
        """Bring `pixels` up to date; whether any of them have changed."""
        spaces = self._machine.state.spaces
        now = bytes(spaces[at.SCREEN]) + bytes(spaces[at.STATE][at.HIRES : at.HIRES + 1])
        is_new = now != self._shown
        self.changed = (0, 0, WIDTH, HEIGHT) if is_new else None
        if is_new:
            self._shown = now
            points = self.points()
            scale = HEIGHT // len(points)
            self.pixels[:] = COLOURS[points].repeat(scale, 0).repeat(scale, 1)
        return is_new


class Buzzer:
    """One bit of a pattern after the other while the sound timer runs."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._phase = 0.0

    @property
    def phase(self) -> float:
        """How many bits of the pattern are over."""
        return self._phase

    @phase.setter
    def phase(self, phase: float) -> None:
        if not 0 <= phase <= PATTERN:
            raise ValueError(f"a pattern has {PATTERN} bits")
        self._phase = float(phase)

    @property
    def active(self) -> bool:
        """Whether the timer runs."""
        return self._machine.state.spaces[at.STATE][at.SOUND] > 0

    def prepare(self) -> None:
        """Nothing has to be prepared."""

    def render(self, frames: int) -> Samples:
        """What is heard in so many samples."""
        registers = self._machine.state.spaces[at.STATE]
        if not self.active:
            self._phase = 0.0
            return np.zeros((frames, 2), np.int16)
        rate: float = PATTERN_RATE * 2 ** ((registers[at.PITCH] - 64) / 48) / RATE
        pattern = np.unpackbits(np.frombuffer(registers[at.AUDIO : at.AUDIO + 16], np.uint8))
        bits = pattern[(self._phase + rate * np.arange(frames)).astype(np.int64) % len(pattern)]
        self._phase = (self._phase + rate * frames) % len(pattern)
        mono = np.where(bits, LOUDNESS, -LOUDNESS).astype(np.int16)
        return np.stack((mono, mono), axis=1)

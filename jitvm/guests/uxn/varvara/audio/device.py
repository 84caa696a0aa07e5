"""The Audio devices, ports 30 to 6f: four voices of 16 ports each.

    +0* vector    runs when a note has ended; read from the ports at that time
    +2* position  the byte of the sample that is playing, latched by a read of its high byte
    +4  output    reads as the level of both sides, a nibble each; 0 if silent
    +8* adsr      +a* length   +c* addr   +e volume
    +f  pitch     writing it starts the note that the ports describe, replacing the previous
                  one; 80 plays the sample once

Time passes in `render`: in a window on the sound card's thread, otherwise 735 frames for each
sixtieth of a second, and then the same program gives the same samples at every tier. All other
methods belong to the guest's thread.

Where the reference emulators differ from each other or from the specification: `position` reads as
in the older one (the newer returns stored bytes). Reading `output` at the very end of a note does
not suppress its vector. A sample of nearly 64 KiB that plays once stops at its end and does not
wrap around. A note's end is reported as soon as its last frame is rendered, not one frame later, so
that consecutive notes have no gap.
"""

from __future__ import annotations

from functools import partial

from jitvm.engine.machine.machine import Machine
from jitvm.guest.numbers import whole
from jitvm.guests.uxn.varvara.audio.mixer import Mixer
from jitvm.guests.uxn.varvara.audio.note import VOICES, Note

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterator

    from jitvm.guests.uxn.varvara.audio.mixer import MixerState
    from jitvm.platform.sound import Samples

    AudioState = tuple[MixerState, tuple[int, ...], tuple[int, ...]]
    """The notes, which of their ends were reported, and latched low bytes of positions."""

BASE = 0x30
VECTOR = 0x0
POSITION = 0x2
OUTPUT = 0x4
PITCH = 0xF

_PORTS = 0x10
_LOUD = 0x800
"""A channel of volume 1 shows one step more each time its level grows by this."""


class Audio:
    """Connects the Audio ports of a machine."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._mixer = Mixer(machine.memory)
        self._told = [0] * VOICES
        self._position_low = [0] * VOICES
        for voice in range(VOICES):
            base = BASE + _PORTS * voice
            machine.on_read(base + POSITION, partial(self._read_position, voice))
            machine.on_read(base + POSITION + 1, partial(self._read_position_low, voice))
            machine.on_read(base + OUTPUT, partial(self._read_output, voice))
            machine.on_write(base + PITCH, partial(self._start, voice))

    # -- for whoever plays the sound ---------------------------------------------------------

    def render(self, frames: int) -> Samples:
        """Let time pass, and give what is heard meanwhile.

        Callable from any thread, from one at a time; it never waits for the guest's. Silence
        costs next to nothing. The first note loads what `prepare` does.

        Args:
            frames: how many, 44100 a second; 0 or more.

        Returns:
            signed 16 bit samples, shape (frames, 2), left before right.

        Raises:
            AudioError: NumPy is missing.
            ValueError: `frames` is negative.
        """
        if frames < 0:
            raise ValueError(f"{frames} frames of sound; take 0 or more")
        return self._mixer.render(frames)

    def prepare(self) -> None:
        """Do now what the first note would have to wait for: on the thread that renders."""
        self._mixer.prepare()

    # -- for the guest's thread --------------------------------------------------------------

    @property
    def active(self) -> bool:
        """Whether any voice is playing or about to."""
        return any(self._mixer.note(voice) for voice in range(VOICES))

    def vector(self, voice: int) -> int:
        """The vector that runs when a note of a voice (0 to 3) ends; 0 for none."""
        page, at = self._machine.page, BASE + _PORTS * voice + VECTOR
        return page[at] << 8 | page[at + 1]

    def ended(self) -> tuple[int, ...]:
        """The voices with a vector whose notes ended since the last call; once for each note.

        Notes that were replaced or silenced have not ended.
        """
        return tuple(self.endings())

    def endings(self) -> Iterator[int]:
        """The same one by one: those that nobody has asked for yet are still to come."""
        for voice in range(VOICES):
            while self._told[voice] < self._mixer.ends(voice):
                self._told[voice] += 1
                if self.vector(voice):
                    yield voice

    def reset(self) -> None:
        """Silence all voices and forget what has ended. A `render` under way still plays out."""
        self._mixer = self._mixer.successor()
        self._told = [0] * VOICES
        self._position_low = [0] * VOICES

    def snapshot(self) -> AudioState:
        """Copy all voices, in the middle of their notes. Nobody may be rendering."""
        return self._mixer.snapshot(), tuple(self._told), tuple(self._position_low)

    def restore(self, state: AudioState) -> None:
        """Put copied voices back. A `render` under way still plays out what was there before.

        Raises:
            ValueError, TypeError: they are not what `snapshot` gives.
        """
        voices, told, low = state
        mixer = self._mixer.successor()
        mixer.restore(voices)
        counts = [
            whole("count of notes", count, max(0, mixer.ends(voice) - 0xFFFF), mixer.ends(voice))
            for voice, count in zip(range(VOICES), told, strict=True)
        ]
        lows = [whole("position", byte, 0, 0xFF) for byte in low]
        if len(lows) != VOICES:
            raise ValueError(f"there are {VOICES} voices")
        self._mixer, self._told, self._position_low = mixer, counts, lows

    # -- ports -------------------------------------------------------------------------------

    def _start(self, voice: int, _pitch: int) -> None:
        at = BASE + _PORTS * voice
        self._mixer.start(voice, Note.from_ports(self._machine.page[at : at + _PORTS]))

    def _read_position(self, voice: int) -> int:
        position = self._mixer.position(voice)
        self._position_low[voice] = position & 0xFF
        return position >> 8

    def _read_position_low(self, voice: int) -> int:
        return self._position_low[voice]

    def _read_output(self, voice: int) -> int:
        note = self._mixer.note(voice)
        if note is None:
            return 0
        level = note.level(self._mixer.age(voice))
        left, right = (
            min(0xF, 1 + level * volume // _LOUD) if volume else 0
            for volume in (note.left, note.right)
        )
        return left << 4 | right

"""A note: what a voice plays, taken from its ports when the pitch is written.

    position counter   count += advance; position += count / period; count %= period

A period is the number of counter units a byte of the sample lasts; `advance` is how many units a
frame takes, doubling each octave. A sample of up to 256 bytes is one cycle of a wave: its period
is shorter the longer it is, so that all such samples sound at the same pitch. A longer one plays
at its natural rate at note 60.

An envelope is a row of ramps. During each of them the level is a straight line:

    stage     until frame    level
    attack    a              0x888 * age / a
    decay     d              0x444 * (2d - a - age) / (d - a)
    sustain   s              0x444
    release   r              0x444 * (r - age) / (r - s)

with a, d, s, r the sums of the four nibbles so far in fifteenths of a second. Divisions round
down. Numbers are those of both reference emulators, to the bit.
"""

from __future__ import annotations

from itertools import accumulate

from jitvm.guest.numbers import whole
from jitvm.platform.sound import RATE

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    Asked = tuple[int, int, int, int, int, bool]

VOICES = 4

PEAK = 0x888
"""The highest level of an envelope."""

MAX_RAMPS = 4
FOREVER = 1 << 62
"""The age, in frames, that no note reaches."""

_HALF = PEAK // 2
_STEP = RATE // 15
_PITCHES = 108
_ONCE = 0x80
_CYCLE = 0x100
_PERIOD = RATE * 0x4000 // 11025
_CYCLE_PERIOD = _PERIOD * 337 // 2
LONGEST_PERIOD = _CYCLE_PERIOD
"""That of a sample of one byte."""
_MEMORY = 0x10000

# fmt: off
_ADVANCES = (
    0x80000, 0x879C8, 0x8FACD, 0x9837F, 0xA1451, 0xAADC1,
    0xB504F, 0xBFC88, 0xCB2FF, 0xD7450, 0xE411F, 0xF1A1C,
)
# fmt: on
"""Counter units of a frame for each semitone of the highest octave."""


class Ramp:
    """A stage of an envelope: level ``scale * (base + slope * age) // length`` until a frame."""

    __slots__ = ("base", "length", "scale", "slope", "until")

    def __init__(self, until: int, scale: int, base: int, slope: int, length: int) -> None:
        self.until = until
        self.scale = scale
        self.base = base
        self.slope = slope
        self.length = length

    @property
    def cells(self) -> tuple[int, int, int, int, int]:
        """All five numbers, in the order the mixer keeps them."""
        return self.until, self.scale, self.base, self.slope, self.length


def envelope(adsr: int) -> tuple[Ramp, ...]:
    """The ramps of an envelope, at least one, all of them longer than nothing.

    Args:
        adsr: 16 bits, a nibble for each stage; 0 for full volume without end.
    """
    if not adsr:
        return (Ramp(FOREVER, PEAK, 1, 0, 1),)
    a, d, s, r = accumulate(_STEP * (adsr >> shift & 0xF) for shift in (12, 8, 4, 0))
    stages = (
        (a, Ramp(a, PEAK, 0, 1, a)),
        (d - a, Ramp(d, _HALF, 2 * d - a, -1, d - a)),
        (s - d, Ramp(s, _HALF, 1, 0, 1)),
        (r - s, Ramp(r, _HALF, r, -1, r - s)),
    )
    return tuple(ramp for length, ramp in stages if length)


class Note:
    """What a voice plays. Sample bytes are no part of it: they are read while it sounds.

    Attributes:
        address, length: the sample in memory, 1 to 65536 bytes, never past the end of memory.
        loops: whether the sample repeats until the envelope ends.
        advance, period: see the head of this file.
        left, right: volumes, 0 to 15.
        ramps: the envelope.
        asked: what it was made from: address, length, adsr, volume, pitch, loops.
    """

    __slots__ = (
        "address", "advance", "asked", "left", "length", "loops", "period", "ramps", "right",
    )  # fmt: skip

    def __init__(
        self, *, address: int, length: int, adsr: int, volume: int, pitch: int, loops: bool
    ) -> None:
        octave, semitone = divmod(pitch, 12)
        self.asked: Asked = (address, length, adsr, volume, pitch, loops)
        self.address = address
        self.length = length
        self.loops = loops
        self.advance = _ADVANCES[semitone] >> (8 - octave)
        self.period = _CYCLE_PERIOD // length if length <= _CYCLE else _PERIOD
        self.left, self.right = divmod(volume, 16)
        self.ramps = envelope(adsr)

    @classmethod
    def from_ports(cls, ports: memoryview) -> Note | None:
        """The note that the 16 bytes of a device ask for; None for silence.

        A pitch there is no note for (108 to 127) and a sample of no bytes silence the voice.
        """
        adsr, length, address = (ports[at] << 8 | ports[at + 1] for at in (0x8, 0xA, 0xC))
        volume, pitch = ports[0xE], ports[0xF] & ~_ONCE
        length = min(length, _MEMORY - address)
        if pitch >= _PITCHES or not length:
            return None
        return cls(
            address=address,
            length=length,
            adsr=adsr,
            volume=volume,
            pitch=pitch,
            loops=not ports[0xF] & _ONCE,
        )

    @classmethod
    def asked_for(cls, asked: Asked) -> Note:
        """The note that another one's `asked` describes.

        Raises:
            ValueError, TypeError: there is no such note.
        """
        address, length, adsr, volume, pitch, loops = asked
        address = whole("address", address, 0, _MEMORY - 1)
        return cls(
            address=address,
            length=whole("length", length, 1, _MEMORY - address),
            adsr=whole("adsr", adsr, 0, 0xFFFF),
            volume=whole("volume", volume, 0, 0xFF),
            pitch=whole("pitch", pitch, 0, _PITCHES - 1),
            loops=bool(loops),
        )

    def level(self, age: int) -> int:
        """The envelope at a frame of the note, 0 to PEAK."""
        for ramp in self.ramps:
            if age < ramp.until:
                return ramp.scale * (ramp.base + ramp.slope * age) // ramp.length
        return 0

"""A machine with nothing but Audio devices, played by hand."""

from __future__ import annotations

import pytest

from jitvm.engine.machine.machine import Machine, Tier
from jitvm.guests.uxn import UXN
from jitvm.guests.uxn.varvara.audio import VOICES, Audio

ADDRESS = 0x2000


class Synth:
    """Writes ports the way a guest does."""

    def __init__(self) -> None:
        self.machine = Machine(UXN, tier=Tier.REFERENCE)
        self.audio = Audio(self.machine)

    def store(self, data: bytes, address: int = ADDRESS) -> None:
        """Put a sample into memory."""
        self.machine.memory[address : address + len(data)] = data

    def write(self, voice: int, ports: bytes) -> None:
        """Write all 16 ports of a voice, the pitch last."""
        for at, byte in enumerate(ports, 0x30 + 0x10 * voice):
            self.machine.state.ports.write(at, byte)

    def play(
        self,
        pitch: int,
        *,
        voice: int = 0,
        vector: int = 0,
        adsr: int = 0,
        length: int = 0x100,
        address: int = ADDRESS,
        volume: int = 0xFF,
    ) -> None:
        """Start a note."""
        shorts = (vector, 0, 0, 0, adsr, length, address)
        self.write(voice, b"".join(s.to_bytes(2, "big") for s in shorts) + bytes([volume, pitch]))

    def read(self, offset: int, voice: int = 0) -> int:
        """Read a port of a voice."""
        return self.machine.state.ports.read(0x30 + 0x10 * voice + offset)

    def position(self, voice: int = 0) -> int:
        """Read the position as DEI2 does."""
        return self.read(2, voice) << 8 | self.read(3, voice)

    def drain(self) -> list[int]:
        """Voices that ended, however often."""
        return sorted(self.audio.ended())


@pytest.fixture
def synth() -> Synth:
    assert VOICES == 4
    return Synth()

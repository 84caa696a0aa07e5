"""Sprites, scrolling and clearing, compared with a model that knows points only."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jitvm.guest import Stop
from jitvm.guests.chip8 import CHIP8, SUPERCHIP, XOCHIP, Quirks
from jitvm.guests.chip8 import instructions as at
from tests.chip8.model import Model
from tests.chip8.test_instructions import machine_at, step
from tests.tiers import COMPILED_TIERS, TIERS

KINDS = [
    CHIP8,
    CHIP8.but(clips=False),
    SUPERCHIP,
    XOCHIP,
    XOCHIP.but(clips=True),
]
NATIVE = [tier for tier in (*TIERS, *COMPILED_TIERS) if tier != "aarch64"]
CODES = ["00E0", "00FB", "00FC", "00C0", "00C5", "00CF", "00D3", "00FE", "00FF"]


def picture(rng: random.Random, quirks: Quirks, hires: bool) -> bytes:
    """A screen with nothing where no points are."""
    space = bytes(4096)
    planes = 2 if quirks.xo else 1
    model = Model(quirks, hires, 3, space)
    for plane in range(planes):
        for row in model.planes[plane]:
            row[:] = [rng.getrandbits(1) for _ in row]
    return model.space()


def drawn(tier: str, quirks: Quirks, code: str, before: dict[int, int], space: bytes) -> bytes:
    """SCREEN after an instruction; VF comes last. At I is what `sprite_bytes` says."""
    machine = machine_at(tier, quirks)
    machine.memory[0x500:0x540] = sprite_bytes()
    machine.state.spaces[at.SCREEN][:] = space
    stop = step(machine, code, {at.INDEX: 5, **before})
    assert stop is (Stop.HALT if quirks.waits and code[0] == "D" else Stop.BUDGET)
    state = machine.state
    return bytes(state.spaces[at.SCREEN]) + bytes([state.spaces[at.STATE][at.VF]])


def sprite_bytes() -> bytes:
    return random.Random(5).randbytes(64)


@settings(max_examples=25, deadline=None)
@given(
    x=st.integers(0, 255),
    y=st.integers(0, 255),
    height=st.integers(0, 15),
    hires=st.booleans(),
    chosen=st.integers(0, 3),
    seed=st.integers(0, 1 << 32),
    quirks=st.sampled_from(KINDS),
)
@pytest.mark.parametrize("tier", NATIVE)
def test_sprites(
    tier: str, x: int, y: int, height: int, hires: bool, chosen: int, seed: int, quirks: Quirks
) -> None:
    hires = hires and quirks.super
    space = picture(random.Random(seed), quirks, hires)
    model = Model(quirks, hires, chosen, space)
    met = model.draw(x, y, height, sprite_bytes())
    before = {1: x, 2: y, at.HIRES: hires, at.PLANES: chosen}
    found = drawn(tier, quirks, f"D12{height:X}", before, space)
    assert found == model.space() + bytes([met])


@pytest.mark.parametrize("chosen", [1, 2, 3, 0])
@pytest.mark.parametrize("hires", [False, True])
@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("tier", NATIVE)
def test_what_redraws_all(tier: str, code: str, hires: bool, chosen: int) -> None:
    for quirks in (SUPERCHIP, XOCHIP):
        if code[2] == "D" and not quirks.xo:
            continue
        space = picture(random.Random(7), quirks, hires)
        model = Model(quirks, hires, chosen, space)
        moves = {"00E0": (0, 64), "00FB": (4, 0), "00FC": (-4, 0)}
        if code[:3] in ("00C", "00D"):
            moves[code] = (0, int(code[3], 16) * (1 if code[2] == "C" else -1))
        if code in ("00FE", "00FF"):
            expected = bytes(4096)
        else:
            model.scroll(*moves[code])
            expected = model.space()
        found = drawn(tier, quirks, code, {at.HIRES: hires, at.PLANES: chosen}, space)
        assert found[:-1] == expected


@pytest.mark.parametrize("tier", NATIVE)
def test_clearing_a_small_screen(tier: str) -> None:
    space = picture(random.Random(7), CHIP8, False)
    assert drawn(tier, CHIP8, "00E0", {}, space) == bytes(4097)

"""What programs read and write: sizes to their limits, single bytes, hostile values."""

from __future__ import annotations

import ctypes
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitvm.guests.uxn.varvara.screen import state as at
from tests.varvara.screen.pair import Pair

LIMITS = [(0, 1), (1, 1), (2, 2), (0x0FFE, 0x0FFE), (0x0FFF, 0x0FFF), (0x1000, 0x0FFF)]
LIMITS += [(0x8000, 0x0FFF), (0xFFFF, 0x0FFF)]
HOSTILE = (0, 1, 7, 8, 0x0FFF, 0x1000, 0x7FF8, 0x7FFF, 0x8000, 0xFFF0, 0xFFF8, 0xFFFF)


@pytest.mark.parametrize(("asked", "given"), LIMITS)
def test_sizes_keep_to_limits(pair: Pair, asked: int, given: int) -> None:
    pair.write2(0x22, asked)
    assert (pair.screen.width, pair.screen.height) == (given, 40)
    assert pair.read(0x22) << 8 | pair.read(0x23) == given
    pair.write2(0x22, 48)
    pair.write2(0x24, asked)
    assert (pair.screen.width, pair.screen.height) == (48, given)
    assert pair.read(0x24) << 8 | pair.read(0x25) == given
    pair.check()
    pair.check_frame()


def test_the_high_byte_of_a_size_alone_does_nothing(pair: Pair) -> None:
    pair.at(3, 3)
    pair.write(0x2E, 0x01)
    pair.write(0x22, 0x01)
    pair.write(0x24, 0x01)
    assert (pair.screen.width, pair.screen.height) == (48, 40)
    assert pair.screen.layer(0)[3, 3] == 1
    pair.write(0x23, 0x20)
    assert (pair.screen.width, pair.screen.height) == (0x120, 0x128)
    pair.check()


def test_a_new_size_empties_both_layers_and_the_same_size_does_not(pair: Pair) -> None:
    for layer in (0x00, 0x40):
        pair.at(0, 0)
        pair.write(0x2E, 0x83 | layer)
    pair.write2(0x22, 48)
    pair.write2(0x24, 40)
    assert pair.screen.layer(0).all()
    assert pair.screen.layer(1).all()
    for width in (49, 20, 49):
        pair.write2(0x22, width)
        assert not pair.screen.layer(0).any()
        assert not pair.screen.layer(1).any()
        pair.at(0, 0)
        pair.write(0x2E, 0xC3)
        pair.check_frame()


def test_half_of_a_word_can_be_set(pair: Pair) -> None:
    pair.at(0x0010, 0x0008, auto=0x03)
    pair.write(0x2F, 0x01)
    pair.write(0x29, 0x00)
    pair.write(0x2F, 0x01)
    pair.check()
    assert bytes(pair.read(port) for port in range(0x28, 0x2C)) == bytes.fromhex("00080018")


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 4095), (4095, 1), (4095, 4095)])
def test_hostile_values_write_nothing_outside_of_layers(width: int, height: int) -> None:
    pair = Pair(width, height)
    words = (ctypes.c_int64 * at.WORDS).from_address(pair.machine.data)

    def fixed() -> list[int]:
        return [*words[: at.LEFT], *words[at.BACKGROUND : at.PAIRS]]

    before = fixed()
    layer_bytes = (width + 2 * at.MARGIN) * (height + 2 * at.MARGIN)
    for x, y, auto in product(HOSTILE, HOSTILE, (0x00, 0xF3, 0xF4)):
        pair.machine.page[0x26] = auto
        for port, value in ((0x28, x), (0x2A, y), (0x2C, x ^ y)):
            pair.machine.page[port : port + 2] = value.to_bytes(2, "big")
        for control in (0x05, 0xF1, 0x81):
            pair.machine.state.ports.write(0x2F, control)
        pair.machine.state.ports.write(0x2E, 0x43)
    for port, control in product((0x28, 0x2A), (0x80, 0xF3, 0x92, 0xE1)):
        pair.machine.page[port] = 0x80
        pair.machine.state.ports.write(0x2E, control)
    pair.screen.compose()
    assert fixed() == before
    for layer in (words[at.BACKGROUND], words[at.FOREGROUND]):
        rest = min(at.LAYER_BYTES - layer_bytes, 1 << 20)
        assert not any(ctypes.string_at(layer + layer_bytes, rest))


SHORTS = st.one_of(
    st.sampled_from(HOSTILE), st.integers(-16, 64).map(lambda n: n & 0xFFFF), st.integers(0, 0xFFFF)
)
BYTES = st.integers(0, 255)
STEPS = st.one_of(
    st.tuples(st.sampled_from([0x28, 0x2A, 0x2C]), SHORTS),
    st.tuples(st.sampled_from([0x22, 0x24]), st.sampled_from([0, 1, 9, 40, 64, 129])),
    st.tuples(st.sampled_from([*range(0x26, 0x30), 0x22, 0x24]), BYTES.map(lambda byte: -1 - byte)),
    st.tuples(st.sampled_from([0x2E, 0x2F]), BYTES.map(lambda byte: -1 - byte)),
)
"""Writes of a word, or of a byte b given as -1 - b."""


@given(st.lists(STEPS, max_size=40))
def test_any_sequence_of_writes(steps: list[tuple[int, int]]) -> None:
    pair = Pair(40, 24)
    for port, value in steps:
        if value < 0:
            pair.write(port, -1 - value)
        else:
            pair.write2(port, value)
        if port in (0x2E, 0x2F):
            pair.check()
    pair.check()
    pair.check_frame()

"""Envelopes, pitch and mixing against their formulas, written another way than the kernel is."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import trunc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.varvara.audio.conftest import ADDRESS, Synth

SEMITONES = (
    0x80000, 0x879C8, 0x8FACD, 0x9837F, 0xA1451, 0xAADC1,
    0xB504F, 0xBFC88, 0xCB2FF, 0xD7450, 0xE411F, 0xF1A1C,
)  # fmt: skip

STAGES = (Fraction(1), Fraction(1, 2), Fraction(1, 2), Fraction(0))
"""What fraction of full volume the envelope is at when each stage is over."""


def level(adsr: int, age: int) -> int | None:
    """The envelope at a frame, 0 to 0x888; None when the note is over."""
    if not adsr:
        return 0x888
    start, before = 0, Fraction(0)
    for shift, after in zip((12, 8, 4, 0), STAGES, strict=True):
        frames = (adsr >> shift & 0xF) * 44100 // 15
        if age < start + frames:
            return trunc(0x888 * (before + (after - before) * Fraction(age - start, frames)))
        start, before = start + frames, after
    return None


def voice_frames(memory: bytes, ports: bytes) -> Iterator[tuple[int, int]]:
    """What a voice adds to each frame, until its note is over."""
    adsr, length, address = (int.from_bytes(ports[at : at + 2], "big") for at in (8, 10, 12))
    volume, pitch, once = ports[14], ports[15] & 0x7F, ports[15] & 0x80
    length = min(length, 0x10000 - address)
    if pitch >= 108 or not length:
        return
    advance = SEMITONES[pitch % 12] >> (8 - pitch // 12)
    period = 65536 * 337 // 2 // length if length <= 0x100 else 65536
    age = 0
    while (envelope := level(adsr, age)) is not None:
        age += 1
        position = age * advance // period
        if once and position >= length:
            return
        loud = (memory[address + position % length] - 128) * envelope
        yield (
            trunc(Fraction(loud * (volume >> 4), 0x180)),
            trunc(Fraction(loud * (volume & 0xF), 0x180)),
        )


def wrapped(sums: list[int]) -> list[int]:
    return [(value + 0x8000) % 0x10000 - 0x8000 for value in sums]


# -- envelopes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("sample", [0xFF, 0x00, 0x81], ids=hex)
@pytest.mark.parametrize(
    "adsr", [0x1111, 0x2103, 0x1000, 0x0100, 0x0010, 0x0001, 0x0030, 0x1002, 0x0201], ids=hex
)
def test_envelopes_follow_their_formula(synth: Synth, adsr: int, sample: int) -> None:
    synth.store(bytes([sample]) * 0x100)
    synth.play(60, adsr=adsr, volume=0xF3)
    frames = sum(adsr >> shift & 0xF for shift in (0, 4, 8, 12)) * 2940
    out = synth.audio.render(frames + 100)
    levels = [level(adsr, age) or 0 for age in range(frames + 100)]
    for side, volume in enumerate((15, 3)):
        peak = (sample - 128) * volume
        expected = [trunc(peak * value / 0x180) for value in levels]
        assert out[:, side].tolist() == expected
    assert out[:frames].any()
    assert not synth.audio.active


def test_the_longest_envelope_lasts_four_seconds(synth: Synth) -> None:
    synth.store(b"\xff" * 0x100)
    synth.play(60, adsr=0xFFFF, vector=0x100)
    out = synth.audio.render(4 * 44100 - 1)
    assert out[:, 0].argmax() == 44100
    assert out[44100, 0] == 127 * 0x888 * 15 // 0x180
    assert (out[2 * 44100 : 3 * 44100] == 127 * 0x444 * 15 // 0x180).all()
    assert synth.drain() == []
    synth.audio.render(1)
    assert synth.drain() == [0]


def test_no_envelope_is_full_volume_without_end(synth: Synth) -> None:
    synth.store(b"\xff" * 0x100)
    synth.play(60, adsr=0)
    out = synth.audio.render(10 * 44100)
    assert (out == 127 * 0x888 * 15 // 0x180).all()
    assert synth.audio.active


# -- pitch ---------------------------------------------------------------------------------------


def heard_bytes(out: np.ndarray[tuple[int, ...], np.dtype[np.int16]]) -> list[int]:
    """Sample bytes from full-volume output."""
    known = {trunc((byte - 128) * 0x888 * 15 / 0x180): byte for byte in range(256)}
    return [known[value] for value in out[:, 0].tolist()]


@pytest.mark.parametrize("pitch", [0, 11, 12, 47, 60, 61, 69, 95, 107])
@pytest.mark.parametrize("length", [1, 2, 37, 0xFF, 0x100, 0x101, 0x1000])
def test_positions_are_what_the_counter_has_passed(synth: Synth, pitch: int, length: int) -> None:
    synth.store(bytes(at & 0xFF for at in range(length)))
    synth.play(pitch, length=length)
    advance = SEMITONES[pitch % 12] >> (8 - pitch // 12)
    period = 65536 if length > 256 else 11042816 // length
    positions = [frame * advance // period % length for frame in range(1, 3001)]
    assert heard_bytes(synth.audio.render(3000)) == [at & 0xFF for at in positions]
    assert synth.position() == positions[-1]


@pytest.mark.parametrize(("adsr", "steps"), [(0, 1234), (0x0001, 2940 + 1)], ids=["cut", "ended"])
def test_a_note_takes_over_the_fraction_left_by_the_one_before(
    synth: Synth, adsr: int, steps: int
) -> None:
    synth.store(bytes(range(256)))
    synth.play(31, length=3, adsr=adsr)
    synth.audio.render(2940 * 2 if adsr else steps)
    left = steps * (SEMITONES[7] >> 6) % (11042816 // 3)
    assert left > 65536  # more than a whole byte of the next note's
    synth.play(24, length=0x1000)  # an eighth of a byte a frame
    positions = [(left + frame * 65536 // 8) // 65536 for frame in range(1, 200)]
    assert heard_bytes(synth.audio.render(199)) == positions


@pytest.mark.parametrize("pitch", range(36, 108))
def test_a_sample_lasts_as_long_as_equal_temperament_says(synth: Synth, pitch: int) -> None:
    length = 0x2000
    synth.play(pitch | 0x80, length=length, vector=0x100)
    expected = length / 2 ** ((pitch - 60) / 12)
    synth.audio.render(int(expected * 0.999) - 1)
    assert synth.drain() == []
    synth.audio.render(int(expected * 0.002) + 3)
    assert synth.drain() == [0]


@pytest.mark.parametrize(("pitch", "hertz"), [(57, 220), (69, 440), (81, 880), (60, 261.6)])
@pytest.mark.parametrize("length", [2, 64, 256])
def test_a_cycle_sounds_at_its_note_whatever_its_length(
    synth: Synth, pitch: int, hertz: float, length: int
) -> None:
    synth.store(b"\x00" * (length // 2) + b"\xff" * (length // 2))
    synth.play(pitch, length=length)
    out = synth.audio.render(44100)[:, 0]
    rises = np.count_nonzero((out[1:] > 0) & (out[:-1] < 0))
    assert rises == pytest.approx(hertz, abs=1.1)


# -- all of it -----------------------------------------------------------------------------------

nibbles = st.sampled_from([0, 0, 0, 1, 2, 15])
lengths = st.one_of(
    st.integers(0, 4), st.integers(0xFE, 0x102), st.integers(0, 0xFFFF), st.just(0xFFFF)
)
addresses = st.one_of(st.integers(0, 0xFFFF), st.sampled_from([0, 0xFF00, 0xFFFE, 0xFFFF]))


@st.composite
def voices(draw: st.DrawFn) -> bytes:
    """All ports of one voice."""
    adsr = [draw(nibbles) << 4 | draw(nibbles) for _ in range(2)]
    length, address = draw(lengths), draw(addresses)
    pitch = draw(st.one_of(st.integers(0, 255), st.sampled_from([0x6B, 0xEB, 0x6C, 0x7F])))
    return bytes(
        [0, 0, *draw(st.binary(min_size=6, max_size=6)), *adsr, *length.to_bytes(2, "big"),
         *address.to_bytes(2, "big"), draw(st.integers(0, 255)), pitch]
    )  # fmt: skip


@settings(max_examples=40)
@given(
    st.lists(voices(), min_size=4, max_size=4),
    st.integers(0, 255),
    st.lists(st.integers(0, 200), min_size=1, max_size=4),
)
def test_any_ports_sound_as_the_formulas_say(
    ports: list[bytes], seed: int, chunks: list[int]
) -> None:
    synth = Synth()
    memory = bytes((seed + at * at // 7 + (at >> 8)) & 0xFF for at in range(0x10000))
    synth.store(memory, 0)
    for voice, each in enumerate(ports):
        synth.write(voice, each)
    heard = np.concatenate([synth.audio.render(frames) for frames in chunks])
    sums = np.zeros_like(heard, dtype=np.int64)
    for each in ports:
        for at, frame in zip(range(len(sums)), voice_frames(memory, each), strict=False):
            sums[at] += frame
    assert heard[:, 0].tolist() == wrapped(sums[:, 0].tolist())
    assert heard[:, 1].tolist() == wrapped(sums[:, 1].tolist())


def test_four_loud_voices_wrap_at_sixteen_bits(synth: Synth) -> None:
    synth.store(b"\x00" * 0x100)
    for voice in range(4):
        synth.play(60, voice=voice)
    one = -128 * 0x888 * 15 // 0x180
    assert synth.audio.render(1).tolist() == [[4 * one + 0x10000] * 2]


def test_sound_does_not_depend_on_how_it_is_cut(synth: Synth) -> None:
    other = Synth()
    for each in (synth, other):
        each.store(bytes(range(256)) * 16)
        for voice in range(4):
            each.play(50 + 7 * voice, voice=voice, adsr=0x1111 * voice, length=0x1000)
    whole = synth.audio.render(3 * 735)
    parts = [other.audio.render(frames) for frames in (0, 1, 734, 735, 700, 35)]
    assert np.array_equal(whole, np.concatenate(parts))


def test_the_end_of_memory_ends_a_sample(synth: Synth) -> None:
    synth.store(b"\xff" * 0x1000, 0)
    synth.store(b"\x80" * 0x200, 0xFE00)
    synth.play(60, address=0xFE00, length=0xFFFF)
    assert not synth.audio.render(2000).any()  # nothing of what is at address 0
    assert synth.position() == 2000 % 0x200


def test_samples_are_read_while_they_sound(synth: Synth) -> None:
    synth.store(b"\x80" * 0x100)
    synth.play(60)
    assert not synth.audio.render(100).any()
    synth.store(b"\xff" * 0x100, ADDRESS)
    assert synth.audio.render(100).all()

"""The inner loop of the mixer, as numba compiles it: see `varvara.native`.

This file is imported only to make its text anew, and where no native code may run.
"""

from __future__ import annotations

from jitvm.guests.uxn.varvara.audio import state as at
from jitvm.guests.uxn.varvara.audio.note import VOICES
from jitvm.guests.uxn.varvara.native.language import (
    barrier,
    divide,
    inlined,
    load_byte,
    load_field,
    load_half,
    remainder,
    store_field,
    store_half,
)

_WORD = 8
_FULL = 0x180
"""What a signed byte at the envelope's peak and volume 15 is divided by."""
_SOUNDING, _ADDRESS, _LENGTH, _LOOPS = (
    _WORD * at.SOUNDING, _WORD * at.ADDRESS, _WORD * at.LENGTH, _WORD * at.LOOPS,
)  # fmt: skip
_WHOLE, _FRACTION, _PERIOD = _WORD * at.WHOLE, _WORD * at.FRACTION, _WORD * at.PERIOD
_LEFT, _RIGHT, _RAMP_COUNT = _WORD * at.LEFT, _WORD * at.RIGHT, _WORD * at.RAMP_COUNT
_AGE, _POSITION, _COUNT = _WORD * at.AGE, _WORD * at.POSITION, _WORD * at.COUNT
_ENDS, _RAMPS, _RAMP, _VOICE = (
    _WORD * at.ENDS, _WORD * at.RAMPS, _WORD * at.RAMP, _WORD * at.VOICE,
)  # fmt: skip


@inlined
def add(sample: int, amount: int) -> None:
    """Add to a sample of sixteen bits; sums wrap, as in the references."""
    store_half(sample, load_half(sample) + amount)


@inlined
def mix_voice(memory: int, voice: int, out: int, frames: int) -> None:
    """Add what a sounding voice plays, and move it on."""
    sample, length = memory + load_field(voice + _ADDRESS), load_field(voice + _LENGTH)
    loops, period = load_field(voice + _LOOPS), load_field(voice + _PERIOD)
    whole, fraction = load_field(voice + _WHOLE), load_field(voice + _FRACTION)
    left, right = load_field(voice + _LEFT), load_field(voice + _RIGHT)
    count, position = load_field(voice + _COUNT), load_field(voice + _POSITION)
    age, at_frame, sounding = load_field(voice + _AGE), 0, 1
    ramp = voice + _RAMPS
    end = ramp + _RAMP * load_field(voice + _RAMP_COUNT)
    until = 0
    while ramp < end and sounding:
        until = load_field(ramp)
        scale, base = load_field(ramp + _WORD), load_field(ramp + 2 * _WORD)
        slope, divisor = load_field(ramp + 3 * _WORD), load_field(ramp + 4 * _WORD)
        stop = min(frames, at_frame + until - age)
        while at_frame < stop:
            position += whole
            count += fraction
            if count >= period:
                count -= period
                position += 1
            if position >= length:
                if not loops:
                    sounding = 0
                    break
                position = remainder(position, length)
            level = divide(scale * (base + slope * age), divisor)
            wave = (load_byte(sample + position) - 0x80) * level
            if wave >= 0:
                add(out, divide(wave * left, _FULL))
                add(out + 2, divide(wave * right, _FULL))
            else:  # rounds toward zero, too
                add(out, -divide(-wave * left, _FULL))
                add(out + 2, -divide(-wave * right, _FULL))
            out += 4
            at_frame += 1
            age += 1
            barrier()
        ramp += _RAMP
        barrier()
    if sounding and age >= until:
        sounding = 0
        count = remainder(count + fraction, period)  # a step without sound, for the next note
    store_field(voice + _COUNT, count)
    store_field(voice + _POSITION, position)
    store_field(voice + _AGE, age)
    if not sounding:
        store_field(voice + _SOUNDING, 0)
        store_field(voice + _ENDS, load_field(voice + _ENDS) + 1)


def mix(memory: int, cells: int, out: int, frames: int) -> int:
    """Add what the voices play to `out`, and move them on by its frames.

    The caller has made sure that every sounding voice's sample lies inside memory and that
    ``count < period``.

    Args:
        memory: address of 65536 bytes, which the guest may be writing meanwhile.
        cells: address of the cells of all voices; see `state`.
        out: address of the samples: 16 bits each, left and right.
        frames: how many, of four bytes.
    """
    for _ in range(VOICES):
        if load_field(cells + _SOUNDING):
            mix_voice(memory, cells, out, frames)
        cells += _VOICE
        barrier()
    return 0

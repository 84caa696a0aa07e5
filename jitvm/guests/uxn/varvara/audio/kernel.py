"""The inner loop of the mixer, in the part of Python that numba compiles."""

from __future__ import annotations

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_FULL = 0x180
"""What a signed byte at the envelope's peak and volume 15 is divided by."""


def mix(memory: NDArray[np.uint8], voices: NDArray[np.void], out: NDArray[np.int16]) -> None:
    """Add what the voices play to `out`, and move them on by its frames.

    The caller has made sure that every sounding voice's sample lies inside memory and that
    ``count < period``. Sums wrap at 16 bits, as in the references.

    Args:
        memory: 65536 bytes, which the guest may be writing meanwhile.
        voices: see `jitvm.guests.uxn.varvara.audio.mixer`.
        out: shape (frames, 2).
    """
    frames = len(out)
    for index in range(len(voices)):
        voice = voices[index]
        sounding = voice["sounding"] != 0
        if not sounding:
            continue
        address, length, loops = voice["address"], voice["length"], voice["loops"]
        whole, fraction, period = voice["whole"], voice["fraction"], voice["period"]
        left, right = voice["left"], voice["right"]
        count, position, age = voice["count"], voice["position"], voice["age"]
        ramps = voice["ramps"]
        last = voice["ramp_count"] - 1
        at = 0
        for ramp in range(last + 1):
            until, scale, base = ramps[ramp, 0], ramps[ramp, 1], ramps[ramp, 2]
            slope, divisor = ramps[ramp, 3], ramps[ramp, 4]
            stop = min(frames, at + until - age)
            while at < stop:
                position += whole
                count += fraction
                if count >= period:
                    count -= period
                    position += 1
                if position >= length:
                    if not loops:
                        sounding = False
                        break
                    position %= length
                level = scale * (base + slope * age) // divisor
                wave = (memory[address + position] - 0x80) * level
                if wave >= 0:
                    out[at, 0] += wave * left // _FULL
                    out[at, 1] += wave * right // _FULL
                else:  # rounds toward zero, too
                    out[at, 0] -= -wave * left // _FULL
                    out[at, 1] -= -wave * right // _FULL
                at += 1
                age += 1
            if not sounding:
                break
        if sounding and age >= ramps[last, 0]:
            sounding = False
            count = (count + fraction) % period  # a step without sound, for the next note
        voice["count"], voice["position"], voice["age"] = count, position, age
        if not sounding:
            voice["sounding"] = 0
            voice["ends"] += 1

"""The cells of a voice: 64-bit words that the mixer sets and its kernel reads and moves on.

    SOUNDING             whether it plays: 1 or 0
    ADDRESS, LENGTH      its sample in the guest's memory
    LOOPS                whether the sample repeats
    WHOLE, FRACTION      bytes of the sample a frame takes: WHOLE + FRACTION / PERIOD
    PERIOD               see `note`
    LEFT, RIGHT          volumes
    RAMP_COUNT           ramps of the envelope
    AGE                  frames of the note that were played
    POSITION, COUNT      where in the sample it is: POSITION + COUNT / PERIOD
    ENDS                 notes that have come to their end
    RAMPS + RAMP * i     ramp i: until, scale, base, slope, length; see `note.Ramp`

All zero is a voice that has never played.
"""

from __future__ import annotations

from jitvm.guests.uxn.varvara.audio.note import MAX_RAMPS, VOICES

(
    SOUNDING, ADDRESS, LENGTH, LOOPS, WHOLE, FRACTION, PERIOD, LEFT, RIGHT,
    RAMP_COUNT, AGE, POSITION, COUNT, ENDS, RAMPS,
) = range(15)  # fmt: skip
RAMP = 5
VOICE = RAMPS + RAMP * MAX_RAMPS
"""Words of a voice."""
WORDS = VOICES * VOICE

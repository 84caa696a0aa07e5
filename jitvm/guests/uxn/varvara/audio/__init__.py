"""The four Audio devices: notes, envelopes, the mixer.

device    the ports, and which notes have ended
note      what a voice plays: pitch and envelope in numbers
mixer     from notes to samples, on a thread of its own if one likes
state     the cells of a voice
kernels   the inner loop; `native` has its machine code
"""

from jitvm.guests.uxn.varvara.audio.device import Audio
from jitvm.guests.uxn.varvara.audio.note import VOICES

__all__ = ["VOICES", "Audio"]

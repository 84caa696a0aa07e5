"""The mixer: four voices, and how notes reach them from another thread.

    guest's thread                                   mixing thread, the one that calls `render`
    start(voice, note) --> _newest[voice]
                                  | render: if it is not the one playing, take it over
                                  v
                           _playing[voice], cells of the voice --> kernel --> frames

Rules that make it work without a lock, so that neither thread ever waits for the other:

1. `_newest` is written only by the guest's thread, `_playing` and the cells only by the mixing
   thread. A note is immutable, so neither thread sees half of one.
2. The mixing thread writes the cells of a new note first and `_playing` last. As long as the two
   lists differ, the guest sees a note that has not started playing.
3. A note that another replaces between two calls of `render` is never heard.

As in the reference emulators, the fraction of a byte left over from a note carries over to the
next.

A `MixerState` is a copy of the whole state: of each voice the note that was started last, the one
that is playing (True: the same), and its cells. NumPy and the kernel are loaded with the first
note.
"""

from __future__ import annotations

import ctypes

from jitvm.guest.numbers import whole
from jitvm.guests.uxn.varvara.audio import state as at
from jitvm.guests.uxn.varvara.audio.note import FOREVER, LONGEST_PERIOD, VOICES, Note
from jitvm.platform.sound import AudioError

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable

    from jitvm.guests.uxn.varvara.audio.note import Asked
    from jitvm.platform.sound import Samples

    VoiceState = tuple[Asked | None, Asked | bool | None, tuple[int, ...]]
    MixerState = tuple[VoiceState, ...]

MOVING = (at.SOUNDING, at.AGE, at.POSITION, at.COUNT, at.ENDS)
"""Cells that a note does not say, and what is above the highest that each may have."""
MOST = (2, FOREVER, 1 << 32, LONGEST_PERIOD, 1 << 62)


class Mixer:
    """Voices that read their samples in a guest's memory.

    Args:
        memory: 65536 bytes.
    """

    def __init__(self, memory: memoryview) -> None:
        self._memory = memory
        self._newest: list[Note | None] = [None] * VOICES
        self._playing: list[Note | None] = [None] * VOICES
        self._words = (ctypes.c_int64 * at.WORDS)()
        self._cells = memoryview(self._words).cast("B").cast("q")
        self._mix: Callable[[int, int, int, int], int] | None = None

    def successor(self) -> Mixer:
        """A silent mixer of the same memory, prepared if this one is."""
        mixer = Mixer(self._memory)
        mixer._mix = self._mix
        return mixer

    def snapshot(self) -> MixerState:
        """Copy all voices; to the sample where nobody is rendering."""
        return tuple(map(self._voice_snapshot, range(VOICES)))

    def _voice_snapshot(self, voice: int) -> VoiceState:
        newest, playing = self._newest[voice], self._playing[voice]
        started = None if newest is None else newest.asked
        sounds = playing is newest or (None if playing is None else playing.asked)
        sounding, age, position, count, ends = (self._cell(voice, cell) for cell in MOVING)
        if playing is None or count >= playing.period:  # a note is being taken over right now
            sounding = 0
        return started, sounds, (sounding, age, position, count, ends)

    def restore(self, state: MixerState) -> None:
        """Put copied voices back. Nobody may be rendering.

        Raises:
            ValueError, TypeError: they are not what `snapshot` gives.
        """
        for voice, (started, sounds, cells) in zip(range(VOICES), state, strict=True):
            newest = None if started is None else Note.asked_for(started)
            if sounds is True:
                playing = newest
            else:
                playing = None if sounds is None else Note.asked_for(sounds)  # type: ignore[arg-type]
            self._restore_voice(voice, playing, cells)
            self._newest[voice], self._playing[voice] = newest, playing

    def _restore_voice(self, voice: int, playing: Note | None, cells: tuple[int, ...]) -> None:
        """Set the cells of a voice: the kernel trusts them."""
        if playing is not None:
            self._take_over(voice, playing)
        for cell, value, most in zip(MOVING, cells, MOST, strict=True):
            self._cells[voice * at.VOICE + cell] = whole("cell", value, 0, most - 1)
        sounds, count = self._cell(voice, at.SOUNDING), self._cell(voice, at.COUNT)
        if sounds and (playing is None or count >= playing.period):
            raise ValueError("a voice sounds without a note, or beyond it")

    # -- for the guest's thread --------------------------------------------------------------

    def start(self, voice: int, note: Note | None) -> None:
        """Replace what a voice plays; None silences it."""
        self._newest[voice] = note

    def note(self, voice: int) -> Note | None:
        """What a voice is playing or about to play; None when it is silent."""
        note = self._newest[voice]
        is_over = note is self._playing[voice] and not self._cell(voice, at.SOUNDING)
        return None if is_over else note

    def age(self, voice: int) -> int:
        """How many frames of its note a voice has played."""
        return self._cell(voice, at.AGE) if self._is_begun(voice) else 0

    def position(self, voice: int) -> int:
        """Which byte of its sample a voice has played last."""
        return self._cell(voice, at.POSITION) if self._is_begun(voice) else 0

    def ends(self, voice: int) -> int:
        """How many notes of a voice have come to their end; replaced ones have not."""
        return self._cell(voice, at.ENDS)

    def _is_begun(self, voice: int) -> bool:
        note = self._newest[voice]
        return note is None or note is self._playing[voice]

    def _cell(self, voice: int, cell: int) -> int:
        return self._cells[voice * at.VOICE + cell]

    # -- for the mixing thread ---------------------------------------------------------------

    def render(self, frames: int) -> Samples:
        """The next frames of sound, shape (frames, 2), left before right.

        Raises:
            AudioError: a note is to be heard, and NumPy is missing.
        """
        try:
            import numpy as np
        except ImportError as error:
            raise AudioError(
                f"sound needs NumPy, which cannot be imported ({error}); "
                "install it with: pip install numpy"
            ) from error

        out = np.zeros((frames, 2), np.int16)
        sounding = range(at.SOUNDING, at.WORDS, at.VOICE)
        if not any(self._newest) and not any(self._cells[cell] for cell in sounding):
            return out
        mix = self.prepare()
        for voice in range(VOICES):
            note = self._newest[voice]
            if note is not self._playing[voice]:
                self._take_over(voice, note)
                self._playing[voice] = note
        memory = ctypes.addressof(ctypes.c_char.from_buffer(self._memory))
        mix(memory, ctypes.addressof(self._words), out.ctypes.data, len(out))
        return out

    def prepare(self) -> Callable[[int, int, int, int], int]:
        """Load what rendering notes needs; else the first of them waits for it."""
        if self._mix is None:
            from jitvm.guests.uxn.varvara.audio.native import MIX

            self._mix = MIX.function(4)
        return self._mix

    def _take_over(self, voice: int, note: Note | None) -> None:
        """Set a voice to the beginning of a note, or silence it."""
        cells = self._cells[voice * at.VOICE : (voice + 1) * at.VOICE]
        if note is None:
            cells[at.SOUNDING] = 0
            return
        whole, fraction = divmod(note.advance, note.period)
        position, count = divmod(cells[at.COUNT], note.period)
        for first, ramp in zip(range(at.RAMPS, at.VOICE, at.RAMP), note.ramps, strict=False):
            for cell, value in enumerate(ramp.cells, first):
                cells[cell] = value
        for cell, value in (
            (at.ADDRESS, note.address), (at.LENGTH, note.length), (at.LOOPS, int(note.loops)),
            (at.WHOLE, whole), (at.FRACTION, fraction), (at.PERIOD, note.period),
            (at.LEFT, note.left), (at.RIGHT, note.right), (at.RAMP_COUNT, len(note.ramps)),
            (at.AGE, 0), (at.POSITION, position), (at.COUNT, count), (at.SOUNDING, 1),
        ):  # fmt: skip
            cells[cell] = value

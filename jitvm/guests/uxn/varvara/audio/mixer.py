"""The mixer: four voices, and the way notes get to them from another thread.

    guest's thread                                   mixing thread, the one that calls `render`
    start(voice, note) --> _newest[voice]
                                  | render: is it the one that plays? no: take it over
                                  v
                           _playing[voice], cells of the voice --> kernel --> frames

Rules that make it work without a lock, so that neither thread ever waits for the other:

1. `_newest` is written by the guest's thread alone, `_playing` and the cells by the mixing thread
   alone. A note never changes, so nobody sees half of one.
2. The mixing thread writes the cells of a new note first and `_playing` last. As long as the two
   lists differ the guest sees a note of which nothing has been played.
3. A note that another replaces between two calls of `render` is never heard.

As in the references, the fraction of a byte that a note has left over goes to the next one.

Neither NumPy nor numba is imported before a note has to be heard.
"""

from __future__ import annotations

from jitvm.guests.uxn.varvara.audio.note import MAX_RAMPS, VOICES

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from jitvm.guests.uxn.varvara.audio.compiled import Kernel
    from jitvm.guests.uxn.varvara.audio.note import Note

    Frames = NDArray[np.int16]

_NOTE_CELLS = (
    "sounding", "address", "length", "loops", "whole", "fraction", "period", "left", "right",
    "ramp_count", "age", "position", "count",
)  # fmt: skip


class AudioError(RuntimeError):
    """There can be no sound; the message says why and what to do."""


class Mixer:
    """Voices that read their samples in a guest's memory.

    Args:
        memory: 65536 bytes.
    """

    def __init__(self, memory: memoryview) -> None:
        self._memory = memory
        self._newest: list[Note | None] = [None] * VOICES
        self._playing: list[Note | None] = [None] * VOICES
        self._cells: NDArray[np.void] | None = None
        self._mix: Kernel | None = None

    def successor(self) -> Mixer:
        """A silent mixer of the same memory, prepared if this one is."""
        mixer = Mixer(self._memory)
        mixer._mix = self._mix
        return mixer

    # -- for the guest's thread --------------------------------------------------------------

    def start(self, voice: int, note: Note | None) -> None:
        """Replace what a voice plays; None silences it."""
        self._newest[voice] = note

    def note(self, voice: int) -> Note | None:
        """What a voice is playing or about to play; None when it is silent."""
        note = self._newest[voice]
        is_over = note is self._playing[voice] and not self._cell(voice, "sounding")
        return None if is_over else note

    def age(self, voice: int) -> int:
        """How many frames of its note a voice has played."""
        return self._cell(voice, "age") if self._is_begun(voice) else 0

    def position(self, voice: int) -> int:
        """Which byte of its sample a voice has played last."""
        return self._cell(voice, "position") if self._is_begun(voice) else 0

    def ends(self, voice: int) -> int:
        """How many notes of a voice have come to their end; replaced ones have not."""
        return self._cell(voice, "ends")

    def _is_begun(self, voice: int) -> bool:
        note = self._newest[voice]
        return note is None or note is self._playing[voice]

    def _cell(self, voice: int, name: str) -> int:
        cells = self._cells
        return 0 if cells is None else int(cells[name][voice])

    # -- for the mixing thread ---------------------------------------------------------------

    def render(self, frames: int) -> Frames:
        """The next frames of sound, shape (frames, 2), left before right.

        Raises:
            AudioError: a note is to be heard, and numba is missing or broken.
        """
        import numpy as np

        out = np.zeros((frames, 2), np.int16)
        if self._cells is None:
            if not any(self._newest):
                return out
            self._cells = np.zeros(VOICES, _voice_type())
        mix = self.prepare()
        for voice in range(VOICES):
            note = self._newest[voice]
            if note is not self._playing[voice]:
                _take_over(self._cells[voice], note)
                self._playing[voice] = note
        mix(np.frombuffer(self._memory, np.uint8), self._cells, out)
        return out

    def prepare(self) -> Kernel:
        """Import and compile what rendering notes needs; else the first of them waits for it.

        Raises:
            AudioError: numba is missing or broken.
        """
        if self._mix is None:
            self._mix = _load_kernel(self._memory)
        return self._mix


def _load_kernel(memory: memoryview) -> Kernel:
    try:
        import numpy as np

        from jitvm.guests.uxn.varvara.audio.compiled import load
        from jitvm.guests.uxn.varvara.audio.kernel import mix

        silent, nothing = np.zeros(VOICES, _voice_type()), np.zeros((0, 2), np.int16)
        return load(mix, np.frombuffer(memory, np.uint8), silent, nothing)
    except ImportError as error:
        raise AudioError(
            f"sound needs numba, which cannot be imported ({error}); "
            "install it with: pip install numba"
        ) from error


def _take_over(cells: np.void, note: Note | None) -> None:
    """Set a voice to the beginning of a note, or silence it."""
    if note is None:
        cells["sounding"] = 0
        return
    whole, fraction = divmod(note.advance, note.period)
    position, count = divmod(int(cells["count"]), note.period)
    ramps = [ramp.cells for ramp in note.ramps]
    cells["ramps"][: len(ramps)] = ramps
    values = (
        1, note.address, note.length, note.loops, whole, fraction, note.period, note.left,
        note.right, len(ramps), 0, position, count,
    )  # fmt: skip
    for name, value in zip(_NOTE_CELLS, values, strict=True):
        cells[name] = value


def _voice_type() -> np.dtype[np.void]:
    """The cells of a voice: its note's, where it is in it, and how many notes have ended."""
    import numpy as np

    words = [(name, np.int64) for name in (*_NOTE_CELLS, "ends")]
    return np.dtype([*words, ("ramps", np.int64, (MAX_RAMPS, 5))], align=True)

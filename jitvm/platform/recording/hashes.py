"""Hashes of frames, one line each, to compare runs by.

    12 3f1c2a9be0d4571c -
    13 3f1c2a9be0d4571c 09d1c2b7aa34f58e

The number of the frame, the hash of its picture, the hash of its sound; a dash for a screen that
is not used and for silence.
"""

from __future__ import annotations

from hashlib import blake2b

from jitvm.platform.picture import frame_hash

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from jitvm.platform.frames import Frame
    from jitvm.platform.screen import Screen
    from jitvm.platform.sound import Samples

NOTHING = "-"
_SIZE = 8


class FrameHashes:
    """Hashes the frames of one screen; a picture that has not changed is not hashed again."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._picture = NOTHING

    def picture(self, frame: Frame) -> str:
        """The hash of the picture after a frame; to be asked for every frame, in order."""
        if frame.changed or (self._picture == NOTHING and self._screen.touched):
            self._picture = frame_hash(self._screen.pixels)
        return self._picture

    def line(self, frame: Frame) -> str:
        """Number, picture and sound of a frame, without the end of the line."""
        return f"{frame.number} {self.picture(frame)} {sound_hash(frame.sound)}"


def sound_hash(sound: Samples | None) -> str:
    """The hash of a frame's samples, the same on every machine."""
    if sound is None:
        return NOTHING
    return blake2b(sound.astype("<i2").tobytes(), digest_size=_SIZE).hexdigest()

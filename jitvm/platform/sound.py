"""The interface of a source of sound, for everything that plays or records it."""

from __future__ import annotations

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from typing import Protocol

    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.int16]
    """Signed 16 bit samples, shape (count, 2), left before right."""

    class Sound(Protocol):
        """All voices of a computer, mixed."""

        @property
        def active(self) -> bool:
            """Whether anything is to be heard now or at once."""

        def prepare(self) -> None:
            """Do now what the first sound would have to wait for: on the thread that renders."""

        def render(self, frames: int, /) -> Samples:
            """Let time pass, and give what is heard meanwhile.

            Callable from any thread, from one at a time; it never waits for the guest's.

            Args:
                frames: samples for each side, `RATE` a second; 0 or more.

            Raises:
                AudioError: sound cannot be made here.
            """


RATE = 44100
"""Samples a second, for each side."""


class AudioError(RuntimeError):
    """Sound cannot be made; the message says why and what to do."""

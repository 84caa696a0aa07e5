"""The interface of a screen, for everything that shows or records it."""

from __future__ import annotations

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from typing import Protocol

    import numpy as np
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]
    """RGBA bytes, shape (height, width, 4)."""
    Rectangle = tuple[int, int, int, int]
    """Left, top, right, bottom in pixels; the last two exclusive."""

    class Screen(Protocol):
        """The screen of a computer."""

        @property
        def width(self) -> int:
            """In pixels, 1 or more; it may change between frames."""

        @property
        def height(self) -> int:
            """In pixels, 1 or more; it may change between frames."""

        @property
        def touched(self) -> bool:
            """Whether there is anything to see yet: whether the program has used it."""

        @property
        def is_live(self) -> bool:
            """Whether frames have to go on without any event: the program is called for each."""

        @property
        def pixels(self) -> Pixels:
            """The frame that `compose` made last; the next may change it in place."""

        @property
        def changed(self) -> Rectangle | None:
            """What the last `compose` has changed; None for nothing."""

        def compose(self) -> bool:
            """Bring `pixels` up to date; whether any of them have changed."""

"""The Mouse device, ports 90 to 9f.

    90* vector    latched when the low byte is written
    92* x         94* y
    96  state     one bit per button: 01 left, 02 middle, 04 right
    9a* scrollx   9c* scrolly   signed, down is positive; 0 outside of a wheel event

Each method returns an event as an iterator of vectors to run (see `evaluator`).
"""

from __future__ import annotations

from jitvm.platform.device import Listener

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterator

    from jitvm.platform.events import Event

X = 0x92
Y = 0x94
STATE = 0x96
SCROLL_X = 0x9A
SCROLL_Y = 0x9C


class Mouse(Listener):
    """Connects the Mouse ports of a machine."""

    ports = range(0x90, 0xA0)

    def move(self, x: int, y: int) -> Iterator[int]:
        """The pointer moves to a pixel, 0 to 65535 each way."""
        self._put(X, x)
        self._put(Y, y)
        yield self.vector

    def press(self, button: int) -> Iterator[int]:
        """A button, 1 to 3, goes down."""
        self._page[STATE] |= 1 << button - 1
        yield self.vector

    def release(self, button: int) -> Iterator[int]:
        """A button, 1 to 3, goes up."""
        self._page[STATE] &= ~(1 << button - 1) & 0xFF
        yield self.vector

    def held(self) -> Iterator[Event]:
        """What lets go of all buttons that are down."""
        from jitvm.platform.events import MOUSE_BUTTONS, MouseUp

        for button in range(1, MOUSE_BUTTONS + 1):
            if self._page[STATE] >> button - 1 & 1:
                yield MouseUp(button)

    def scroll(self, x: int, y: int) -> Iterator[int]:
        """The wheel turns by steps to the right and down, -32768 to 32767."""
        self._put(SCROLL_X, x)
        self._put(SCROLL_Y, y)
        yield self.vector
        self._put(SCROLL_X, 0)
        self._put(SCROLL_Y, 0)

    def _put(self, port: int, word: int) -> None:
        self._page[port : port + 2] = (word & 0xFFFF).to_bytes(2, "big")

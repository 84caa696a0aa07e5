"""The Controller device, ports 80 to 8f: buttons of up to four pads, and keys.

    80* vector   latched when the low byte is written
    82  button   of pad 1, one bit per button: see `events.Button`
    83  key      the byte of a key while its event lasts, 0 otherwise
    85 86 87     buttons of pads 2 to 4

Every press, release and byte of text is a separate event. Each method here returns an event as
an iterator of vectors to run (see `evaluator`).
"""

from __future__ import annotations

from jitvm.platform.device import Listener

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterator

    from jitvm.platform.events import Event

BUTTON = 0x82
KEY = 0x83
PADS = (BUTTON, 0x85, 0x86, 0x87)
"""The button port of each pad."""


class Controller(Listener):
    """Connects the Controller ports of a machine."""

    ports = range(0x80, 0x90)

    def press(self, buttons: int, pad: int = 1) -> Iterator[int]:
        """Buttons (0 to 255, a bit each) of a pad (1 to 4) go down, as one event."""
        self._page[PADS[pad - 1]] |= buttons
        yield self.vector

    def release(self, buttons: int, pad: int = 1) -> Iterator[int]:
        """Buttons of a pad go up, as one event."""
        self._page[PADS[pad - 1]] &= ~buttons & 0xFF
        yield self.vector

    def held(self) -> Iterator[Event]:
        """What lets go of all buttons that are down."""
        from jitvm.platform.events import Release

        for pad, port in enumerate(PADS, 1):
            if self._page[port]:
                yield Release(self._page[port], pad)

    def keys(self, data: bytes) -> Iterator[int]:
        """Bytes are typed, one event each; text as UTF-8. A zero byte is none."""
        for byte in data:
            if byte:
                self._page[KEY] = byte
                yield self.vector
                self._page[KEY] = 0

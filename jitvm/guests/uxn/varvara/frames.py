"""The frames of a Varvara computer; see `jitvm.platform.frames` for what all frames share.

    frame 0   the reset vector, then the command line
    frame n   1. the user's events of this frame, in order
              2. the screen vector
              3. the vectors of notes that ended in the frame before

After the vector in which System/state became nonzero no other vector runs; the frame's sound and
picture are still produced.
"""

from __future__ import annotations

from jitvm.guests.uxn.varvara import console
from jitvm.guests.uxn.varvara.console import Type
from jitvm.guests.uxn.varvara.program import PROGRAM_START
from jitvm.guests.uxn.varvara.screen.device import VECTOR
from jitvm.platform import frames

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jitvm.guests.uxn.varvara.hardware import Hardware
    from jitvm.platform.events import Event


class FrameLoop(frames.FrameLoop):
    """Runs a Varvara computer frame by frame."""

    def __init__(self, hardware: Hardware, boot: Callable[[], None]) -> None:
        super().__init__(hardware, boot)
        self._hardware = hardware

    def _steps(self, events: tuple[Event, ...]) -> Iterator[int]:
        hardware = self._hardware
        for event in events:
            yield from self._perform(event)
        yield hardware.screen.vector

    def _late_steps(self) -> Iterator[int]:
        hardware = self._hardware
        if hardware.has_sound:
            for voice in hardware.audio.endings():
                yield hardware.audio.vector(voice)

    def _only_vector(self) -> int | None:
        return None if self._hardware.has_sound else VECTOR

    def _perform(self, event: Event) -> Iterator[int]:
        """The vectors of an event."""
        from jitvm.platform import events

        hardware = self._hardware
        controller, mouse, terminal = hardware.controller, hardware.mouse, hardware.console
        match event:
            case events.Press(buttons, pad):
                return controller.press(buttons, pad)
            case events.Release(buttons, pad):
                return controller.release(buttons, pad)
            case events.Key(byte):
                return controller.keys(bytes([byte]))
            case events.Text(text):
                return controller.keys(text.encode("utf-8"))
            case events.Move(x, y):
                return mouse.move(x, y)
            case events.MouseDown(button):
                return mouse.press(button)
            case events.MouseUp(button):
                return mouse.release(button)
            case events.Wheel(x, y):
                return mouse.scroll(x, y)
            case events.Stdin(data):
                return terminal.events(Type.STDIN, data)
            case events.EndOfInput():
                return terminal.events(Type.END, console.END_BYTE)
            case events.Reset(soft):
                return self._reset(soft)
            case _:  # it does not hold keys
                return iter(())

    def _reset(self, soft: bool) -> Iterator[int]:
        self._hardware.clear(soft=soft)
        yield PROGRAM_START

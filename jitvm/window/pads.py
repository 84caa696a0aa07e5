"""Game controllers, as the guest's pads 1 to 4 in the order in which they are plugged in.

Each controller has three sources of buttons, which may overlap: the buttons themselves, a stick and
a hat. Its state is the union of the three, and changes of that union are the guest's events. The
keyboard is also pad 1.

For controllers that SDL knows, buttons A, B, Back and Start are mapped by its database. For others,
the first four buttons are used in order, as the reference emulator does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from jitvm.platform.events import PADS, Button, Press, Release
from jitvm.window.binding import sdl

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from typing import Any

DEAD_ZONE = 12000
"""How far of 32767 a stick has to be moved to count."""

KNOWN = {
    sdl.SDL_CONTROLLER_BUTTON_A: Button.A,
    sdl.SDL_CONTROLLER_BUTTON_B: Button.B,
    sdl.SDL_CONTROLLER_BUTTON_BACK: Button.SELECT,
    sdl.SDL_CONTROLLER_BUTTON_START: Button.START,
    sdl.SDL_CONTROLLER_BUTTON_DPAD_UP: Button.UP,
    sdl.SDL_CONTROLLER_BUTTON_DPAD_DOWN: Button.DOWN,
    sdl.SDL_CONTROLLER_BUTTON_DPAD_LEFT: Button.LEFT,
    sdl.SDL_CONTROLLER_BUTTON_DPAD_RIGHT: Button.RIGHT,
}
"""Buttons of the guest's pads by SDL's numbers of a controller's."""
_HAT = {
    sdl.SDL_HAT_UP: Button.UP,
    sdl.SDL_HAT_DOWN: Button.DOWN,
    sdl.SDL_HAT_LEFT: Button.LEFT,
    sdl.SDL_HAT_RIGHT: Button.RIGHT,
}
_AXES = ((Button.LEFT, Button.RIGHT), (Button.UP, Button.DOWN))
"""What an axis is when it goes below and above its middle."""


class Pad:
    """What one controller holds.

    Args:
        number: of the guest's pad, 1 to 4.
        close: lets go of the device.
    """

    def __init__(self, number: int, handle: Any, close: Any) -> None:
        self.number = number
        self._handle, self._close = handle, close
        self._sources: dict[str, int] = {}

    @property
    def held(self) -> int:
        """Buttons that are down, a bit each."""
        held = 0
        for buttons in self._sources.values():
            held |= buttons
        return held

    def set(self, source: str, buttons: int, affected: int) -> Iterator[Press | Release]:
        """A source holds these buttons now; of others than the affected ones it says nothing."""
        before = self.held
        self._sources[source] = self._sources.get(source, 0) & ~affected | buttons
        pressed, released = self.held & ~before, before & ~self.held
        if pressed:
            yield Press(pressed, self.number)
        if released:
            yield Release(released, self.number)

    def let_go(self) -> Iterator[Release]:
        """Release everything, and the device."""
        if self.held:
            yield Release(self.held, self.number)
        self._sources.clear()
        self._close(self._handle)


class Pads:
    """All controllers, by SDL's number of each.

    Args:
        buttons: what the buttons of those are that SDL knows.
    """

    def __init__(self, buttons: Mapping[int, Button] = KNOWN) -> None:
        self._buttons = buttons
        sdl.SDL_InitSubSystem(sdl.SDL_INIT_GAMECONTROLLER | sdl.SDL_INIT_JOYSTICK)
        self._pads: dict[int, Pad] = {}

    def close(self) -> None:
        """Let go of all devices."""
        for which in list(self._pads):
            list(self._unplug(which))

    def events(self, event: Any) -> Iterator[Press | Release]:
        """What an event of SDL's is to the guest."""
        match event.type:
            case sdl.SDL_JOYDEVICEADDED:
                self._plug(event.jdevice.which)
            case sdl.SDL_JOYDEVICEREMOVED:
                yield from self._unplug(event.jdevice.which)
            case sdl.SDL_CONTROLLERBUTTONDOWN | sdl.SDL_CONTROLLERBUTTONUP:
                button = self._buttons.get(event.cbutton.button, 0)
                yield from self._change(event.cbutton, button, event.cbutton.state)
            case sdl.SDL_CONTROLLERAXISMOTION:
                yield from self._move(event.caxis)
            case sdl.SDL_JOYBUTTONDOWN | sdl.SDL_JOYBUTTONUP if self._is_unknown(event.jbutton):
                button = 1 << event.jbutton.button if event.jbutton.button < 4 else 0
                yield from self._change(event.jbutton, button, event.jbutton.state)
            case sdl.SDL_JOYAXISMOTION if self._is_unknown(event.jaxis):
                yield from self._move(event.jaxis)
            case sdl.SDL_JOYHATMOTION if self._is_unknown(event.jhat):
                buttons = sum(button for bit, button in _HAT.items() if event.jhat.value & bit)
                yield from self._set(event.jhat, "hat", buttons, 0xFF)

    # -- devices -----------------------------------------------------------------------------

    def _plug(self, index: int) -> None:
        taken = {pad.number for pad in self._pads.values()}
        number = next((n for n in range(1, PADS + 1) if n not in taken), None)
        if number is None:
            return
        if sdl.SDL_IsGameController(index):
            handle, close = sdl.SDL_GameControllerOpen(index), sdl.SDL_GameControllerClose
        else:
            handle, close = sdl.SDL_JoystickOpen(index), sdl.SDL_JoystickClose
        if handle:
            which = sdl.SDL_JoystickGetDeviceInstanceID(index)
            self._pads[which] = Pad(number, handle, close)

    def _unplug(self, which: int) -> Iterator[Release]:
        pad = self._pads.pop(which, None)
        if pad is not None:
            yield from pad.let_go()

    def _is_unknown(self, event: Any) -> bool:
        """Whether a joystick's event is not reported as a controller's, too."""
        return not sdl.SDL_GameControllerFromInstanceID(event.which)

    # -- sources -----------------------------------------------------------------------------

    def _move(self, axis: Any) -> Iterator[Press | Release]:
        if axis.axis >= len(_AXES):
            return
        low, high = _AXES[axis.axis]
        held = 0
        if abs(axis.value) > DEAD_ZONE:
            held = high if axis.value > 0 else low
        yield from self._set(axis, "stick", held, low | high)

    def _change(self, event: Any, button: int, is_down: bool) -> Iterator[Press | Release]:
        yield from self._set(event, "buttons", button if is_down else 0, button)

    def _set(
        self, event: Any, source: str, buttons: int, affected: int
    ) -> Iterator[Press | Release]:
        pad = self._pads.get(event.which)
        if pad is not None:
            yield from pad.set(source, buttons, affected)

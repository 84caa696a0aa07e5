"""Game controllers: SDL's virtual ones."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Any

import pytest

from jitvm.platform.events import Button, Press, Release
from jitvm.window.binding import poll_events, sdl
from jitvm.window.pads import Pads

pytestmark = pytest.mark.usefixtures("display")


@pytest.fixture
def pads() -> Iterator[Pads]:
    pads = Pads()
    poll_events()
    yield pads
    pads.close()
    while sdl.SDL_NumJoysticks():
        sdl.SDL_JoystickDetachVirtual(0)
    sdl.SDL_QuitSubSystem(sdl.SDL_INIT_GAMECONTROLLER | sdl.SDL_INIT_JOYSTICK)


def plug(kind: int) -> int:
    """A new virtual device of a kind: 15 buttons, 6 axes, a hat. Its number."""
    index: int = sdl.SDL_JoystickAttachVirtual(kind, 6, 15, 1)
    assert index >= 0
    return index


def told(pads: Pads) -> list[Press | Release]:
    sdl.SDL_JoystickUpdate()
    return [event for each in poll_events() for event in pads.events(each)]


def joystick(index: int) -> Any:
    which = sdl.SDL_JoystickGetDeviceInstanceID(index)
    return sdl.SDL_JoystickFromInstanceID(which)


def test_a_controller_sdl_knows(pads: Pads) -> None:
    index = plug(sdl.SDL_JOYSTICK_TYPE_GAMECONTROLLER)
    assert told(pads) == []
    device = joystick(index)
    sdl.SDL_JoystickSetVirtualButton(device, sdl.SDL_CONTROLLER_BUTTON_B, 1)
    sdl.SDL_JoystickSetVirtualButton(device, sdl.SDL_CONTROLLER_BUTTON_DPAD_LEFT, 1)
    assert told(pads) == [Press(Button.B), Press(Button.LEFT)]
    # The stick says the same as the cross: nothing new, and no release before both let go.
    sdl.SDL_JoystickSetVirtualAxis(device, 0, -32000)
    sdl.SDL_JoystickSetVirtualButton(device, sdl.SDL_CONTROLLER_BUTTON_DPAD_LEFT, 0)
    assert told(pads) == []
    sdl.SDL_JoystickSetVirtualAxis(device, 0, 32000)
    assert told(pads) == [Press(Button.RIGHT), Release(Button.LEFT)]
    sdl.SDL_JoystickSetVirtualAxis(device, 1, 5000)
    assert told(pads) == []


def test_unplugging_releases_and_frees_the_number(pads: Pads) -> None:
    first, second = (plug(sdl.SDL_JOYSTICK_TYPE_GAMECONTROLLER) for _ in range(2))
    told(pads)
    for index in (first, second):
        sdl.SDL_JoystickSetVirtualButton(joystick(index), sdl.SDL_CONTROLLER_BUTTON_A, 1)
    assert set(told(pads)) == {Press(Button.A, 1), Press(Button.A, 2)}
    sdl.SDL_JoystickDetachVirtual(first)
    assert told(pads) == [Release(Button.A, 1)]
    index = plug(sdl.SDL_JOYSTICK_TYPE_GAMECONTROLLER)
    told(pads)
    sdl.SDL_JoystickSetVirtualButton(joystick(index), sdl.SDL_CONTROLLER_BUTTON_START, 1)
    assert told(pads) == [Press(Button.START, 1)]


def test_a_joystick_sdl_does_not_know(pads: Pads) -> None:
    index = plug(sdl.SDL_JOYSTICK_TYPE_UNKNOWN)
    if sdl.SDL_IsGameController(index):
        pytest.skip("this SDL takes every virtual joystick for a controller")
    told(pads)
    device = joystick(index)
    sdl.SDL_JoystickSetVirtualButton(device, 2, 1)
    sdl.SDL_JoystickSetVirtualHat(device, 0, sdl.SDL_HAT_RIGHTUP)
    assert told(pads) == [Press(Button.SELECT), Press(Button.RIGHT | Button.UP)]
    sdl.SDL_JoystickSetVirtualHat(device, 0, sdl.SDL_HAT_CENTERED)
    assert told(pads) == [Release(Button.RIGHT | Button.UP)]


def test_events_of_devices_nobody_plugged_in_are_nothing(pads: Pads) -> None:
    event = sdl.SDL_Event()
    event.type = sdl.SDL_CONTROLLERBUTTONDOWN
    event.cbutton.which, event.cbutton.state = 99, 1
    sdl.SDL_PushEvent(ctypes.byref(event))
    assert told(pads) == []

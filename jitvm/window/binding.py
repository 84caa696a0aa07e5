"""SDL 2 through PySDL2, and the only file that imports it.

PySDL2 is a thin layer of ctypes: every call runs without the GIL, textures can be updated directly
from a rectangle of foreign memory, and sound can be queued from any thread. The wheels of
pysdl2-dll provide SDL for Linux, macOS and Windows; without them, PySDL2 looks for SDL on the
system.

Raises on import:
    WindowError: PySDL2 or SDL is missing.
"""

from __future__ import annotations

import ctypes
import os
import warnings
from collections.abc import Callable
from importlib import import_module

from jitvm.window.errors import WindowError

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from typing import Any

MISSING = "a window needs PySDL2, which is not installed; pip install 'jitvm[window]'"
NO_DISPLAY = (
    "there is no display to open a window on ({reason}); "
    "set DISPLAY or WAYLAND_DISPLAY, or run with --headless"
)
_INVISIBLE = (b"offscreen", b"dummy")
"""Drivers that show nothing: SDL falls back to one, but nobody wants it who did not ask."""


def _import() -> Any:
    try:
        with warnings.catch_warnings():  # it warns of finding what it is made to find
            warnings.simplefilter("ignore")
            return import_module("sdl2")
    except ImportError as error:  # PySDL2 raises it for a missing library, too
        raise WindowError(MISSING) from error


sdl: Any = _import()
"""The binding's module, with SDL's names."""


def start_video() -> None:
    """Connect to the display.

    Raises:
        WindowError: there is none.
    """
    sdl.SDL_SetHint(b"SDL_VIDEO_ALLOW_SCREENSAVER", b"1")
    sdl.SDL_SetHint(b"SDL_MOUSE_FOCUS_CLICKTHROUGH", b"1")
    sdl.SDL_SetHint(b"SDL_VIDEO_X11_NET_WM_BYPASS_COMPOSITOR", b"0")
    sdl.SDL_SetHint(b"SDL_APP_NAME", b"jitvm")
    if sdl.SDL_InitSubSystem(sdl.SDL_INIT_VIDEO | sdl.SDL_INIT_EVENTS):
        raise WindowError(NO_DISPLAY.format(reason=error_text()))
    if sdl.SDL_GetCurrentVideoDriver() in _INVISIBLE and not os.environ.get("SDL_VIDEODRIVER"):
        sdl.SDL_Quit()
        raise WindowError(NO_DISPLAY.format(reason="neither X11 nor Wayland answers"))


def error_text() -> str:
    """What SDL says about its last failure."""
    text: str = sdl.SDL_GetError().decode("utf-8", "replace")
    return text or "no reason given"


# -- a display that goes away --------------------------------------------------------------------

_IO_ERROR = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)
_IO_ERROR_EXIT = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)


class X11Guard:
    """Survives the end of the X server, on which Xlib would end the process.

    Attributes:
        lost: whether the connection is broken. Then no function of SDL may be called that talks
            to the display, the closing ones included.
    """

    def __init__(self, window: Any) -> None:
        self.lost = False
        self._handlers: tuple[Any, Any] | None = None
        display = _x11_display(window)
        if display is not None:
            self._install(display)

    def _install(self, display: int) -> None:
        try:
            x11 = ctypes.CDLL("libX11.so.6")
            set_handler, set_exit = x11.XSetIOErrorHandler, x11.XSetIOErrorExitHandler
        except (OSError, AttributeError):  # libX11 before 1.7: the process will end
            return
        self._handlers = (_IO_ERROR(self._on_error), _IO_ERROR_EXIT(self._on_exit))
        set_handler(self._handlers[0])
        set_exit(ctypes.c_void_p(display), self._handlers[1], None)

    def _on_error(self, _display: int) -> int:
        self.lost = True
        return 0

    def _on_exit(self, _display: int, _data: int) -> None:
        self.lost = True


def _x11_display(window: Any) -> int | None:
    """The address of Xlib's display, if the window uses Xlib."""
    info = sdl.SDL_SysWMinfo()
    sdl.SDL_VERSION(info.version)
    if not sdl.SDL_GetWindowWMInfo(window, ctypes.byref(info)):
        return None
    if info.subsystem != sdl.SDL_SYSWM_X11:
        return None
    display: int | None = ctypes.cast(info.info.x11.display, ctypes.c_void_p).value
    return display


def poll_events() -> list[Any]:
    """All events that wait, oldest first, as copies."""
    events: list[Any] = []
    event = sdl.SDL_Event()
    while sdl.SDL_PollEvent(ctypes.byref(event)):
        events.append(event)
        event = sdl.SDL_Event()
    return events


def wait_for_event(seconds: float) -> None:
    """Sleep until an event arrives, which stays in the queue, or the time has passed."""
    sdl.SDL_WaitEventTimeout(None, max(1, int(seconds * 1000)))


def waker() -> Callable[[], None]:
    """A function that ends `wait_for_event` from any thread."""
    kind = sdl.SDL_RegisterEvents(1)

    def wake() -> None:
        event = sdl.SDL_Event()
        event.type = kind
        sdl.SDL_PushEvent(ctypes.byref(event))

    return wake


def clipboard() -> str:
    """The text that was copied last, in any program; empty if there is none."""
    found: bytes | None = sdl.SDL_GetClipboardText()
    return (found or b"").decode("utf-8", "replace")


def take_dropped(drop: Any) -> bytes:
    """The path of an SDL_DropEvent, whose memory is given back."""
    path: bytes = drop.file or b""
    # As an attribute it is a copy; SDL wants its own back.
    at = ctypes.addressof(drop) + type(drop).file.offset
    sdl.SDL_free(ctypes.c_void_p.from_address(at).value)
    return path

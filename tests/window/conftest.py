"""A display of the tests' own, and a user who sits at it.

The display is Xvfb, where it is installed, and its user xdotool; without them it is SDL's dummy
driver, whose events are pushed. Windows run in this process; the user is a thread.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("sdl2", reason="PySDL2 is not installed: pip install 'jitvm[window]'")

from jitvm.engine.machine.machine import Tier
from jitvm.guests.uxn.assembler import assemble
from jitvm.guests.uxn.varvara import Computer
from jitvm.platform.evaluator import Ending
from jitvm.window import WindowError, run
from jitvm.window.binding import sdl, start_video
from jitvm.window.display import Display as WindowDisplay
from tests.clock import HANGS, until
from tests.varvara.conftest import DEVICES as CONSOLE_DEVICES
from tests.varvara.graphical import DEVICES


def computer_of(source: str, **options: Any) -> Computer:
    """A computer of a Uxntal program that may use the labels of all devices."""
    options.setdefault("sandbox", None)
    devices = "" if DEVICES in source else DEVICES
    rom = assemble(CONSOLE_DEVICES + devices + source, name="test.tal").rom
    return Computer(rom, tier=Tier.JIT, **options)


class Display:
    """Where windows are opened.

    Attributes:
        name: of the X display; None for the dummy driver.
    """

    def __init__(self, name: str | None) -> None:
        self.name = name

    @property
    def environment(self) -> dict[str, str]:
        """What makes a program use it."""
        sound = {
            "SDL_AUDIODRIVER": "dummy",
            "SDL_RENDER_DRIVER": "software",
            "SDL_FRAMEBUFFER_ACCELERATION": "0",
        }
        if self.name is None:
            return {"SDL_VIDEODRIVER": "dummy", **sound}
        return {"SDL_VIDEODRIVER": "x11", "DISPLAY": self.name, **sound}


@contextlib.contextmanager
def x_server() -> Iterator[tuple[subprocess.Popen[bytes], Display]]:
    """An X server that does not outlive the block."""
    reader, writer = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writer), "-screen", "0", "1024x768x24",
         "-nolisten", "tcp", "-noreset"],
        pass_fds=(writer,), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        os.close(writer)
        with os.fdopen(reader) as numbers:
            number = numbers.readline().strip()
        if not number:
            pytest.skip("Xvfb does not start here")
        yield server, Display(f":{number}")
    finally:
        server.kill()
        server.wait()


@pytest.fixture(scope="session")
def display() -> Iterator[Display]:
    """One display for all tests of a process."""
    with contextlib.ExitStack() as stack:
        shown = Display(None)
        if shutil.which("Xvfb"):
            _, shown = stack.enter_context(x_server())
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for name, value in shown.environment.items():
            patch.setenv(name, value)
        try:
            start_video()
        except WindowError as error:
            pytest.skip(f"neither Xvfb nor SDL's dummy driver works here: {error}")
        computer_of("#01 .Screen/pixel DEO BRK").frame()  # compiles the kernels, which takes long
        yield shown
        sdl.SDL_Quit()


class User:
    """Who sits at the display. Its methods are called in a thread beside the window."""

    def __init__(self, display: Display, computer: Computer, is_over: threading.Event) -> None:
        self._display = display
        self._is_over = is_over
        self.computer = computer
        self._uses_x = display.name is not None and shutil.which("xdotool") is not None

    def until(self, condition: Callable[[], object]) -> None:
        """Wait for something to become true."""
        until(lambda: condition() or self._is_over.is_set())
        assert condition(), "the window is closed"

    def stay(self) -> None:
        """Wait until the window is closed by something else."""
        assert self._is_over.wait(HANGS), "it stays open"

    def stand_still(self) -> None:
        """Wait until no frames pass any more."""

        def stands() -> bool:
            before = self.computer.frames.number
            time.sleep(0.2)
            return self.computer.frames.number == before

        self.until(stands)

    def frames(self, count: int) -> None:
        """Wait while so many frames pass."""
        last = self.computer.frames.number + count
        self.until(lambda: self.computer.frames.number >= last)

    def keys(self, *names: str) -> None:
        """Press and release keys, by X's names for them."""
        if self._uses_x:
            self._xdotool("key", "--delay", "0", *names)
            return
        for name in names:
            code = sdl.SDL_GetKeyFromName(_SDL_NAMES.get(name, name).encode())
            self._push_key(sdl.SDL_KEYDOWN, code)
            if len(name) == 1:
                self.type(name)
            self._push_key(sdl.SDL_KEYUP, code)

    def hold(self, name: str) -> None:
        """Press a key."""
        if self._uses_x:
            self._xdotool("keydown", name)
        else:
            name = _SDL_NAMES.get(name, name)
            self._push_key(sdl.SDL_KEYDOWN, sdl.SDL_GetKeyFromName(name.encode()))

    def let_go(self, name: str) -> None:
        """Release it."""
        if self._uses_x:
            self._xdotool("keyup", name)
        else:
            name = _SDL_NAMES.get(name, name)
            self._push_key(sdl.SDL_KEYUP, sdl.SDL_GetKeyFromName(name.encode()))

    def needs_x(self) -> None:
        """Skip where only a real display will do."""
        if not self._uses_x:
            pytest.skip("needs Xvfb and xdotool")

    def point(self, x: int, y: int) -> None:
        """Move the pointer to a place in the window."""
        left, top = self.window[:2]
        self._xdotool("mousemove", str(left + x), str(top + y))

    def click(self, button: int) -> None:
        """Press and release a button, as X counts them: 4 to 7 are the wheel."""
        self._xdotool("click", str(button))

    @property
    def window(self) -> tuple[int, int, int, int]:
        """Left, top, width, height."""
        shell = self._xdotool("getwindowgeometry", "--shell", self._identity)
        values = dict(line.split("=") for line in shell.splitlines())
        left, top, width, height = (int(values[name]) for name in ("X", "Y", "WIDTH", "HEIGHT"))
        return left, top, width, height

    @property
    def title(self) -> str:
        """Of the window."""
        return self._xdotool("getwindowname", self._identity).strip()

    @property
    def _identity(self) -> str:
        """X's number of the window, as soon as it is there."""
        found: list[str] = []

        def search() -> bool:
            with contextlib.suppress(subprocess.CalledProcessError):  # none found
                found[:] = self._xdotool("search", "--onlyvisible", "--class", ".").split()
            return bool(found)

        self.until(search)
        return found[-1]

    def screenshot(self) -> Any:
        """What the window shows, as an array of shape (height, width, 3)."""
        import numpy as np

        grab = pytest.importorskip("PIL.ImageGrab")
        left, top, width, height = self.window
        whole = np.asarray(grab.grab(xdisplay=self._display.name).convert("RGB"))
        return whole[top : top + height, left : left + width]

    def drop(self, path: Path) -> None:
        """Drop a file on the window."""
        event = sdl.SDL_Event()
        event.type = sdl.SDL_DROPFILE
        text = os.fsencode(path) + b"\0"
        sdl.SDL_malloc.restype = ctypes.c_void_p
        memory = sdl.SDL_malloc(len(text))
        ctypes.memmove(memory, text, len(text))
        event.drop.file = ctypes.cast(memory, ctypes.c_char_p)
        sdl.SDL_PushEvent(ctypes.byref(event))

    def _xdotool(self, *words: str) -> str:
        environment = {**os.environ, **self._display.environment}
        done = subprocess.run(
            ["xdotool", *words], env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout

    def _push_key(self, kind: int, code: int) -> None:
        event = sdl.SDL_Event()
        event.type = kind
        event.key.keysym.sym = code
        sdl.SDL_PushEvent(ctypes.byref(event))

    def type(self, text: str) -> None:
        """Type text, as an input method does."""
        event = sdl.SDL_Event()
        event.type = sdl.SDL_TEXTINPUT
        event.text.text = text.encode()
        sdl.SDL_PushEvent(ctypes.byref(event))


_SDL_NAMES = {"Control_L": "Left Ctrl", "Escape": "Escape", "Page_Up": "PageUp"}

Act = Callable[[User], object]
Play = Callable[..., Ending]


@pytest.fixture
def titles(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Titles that the window gets, which tell what keys have done; read by the user's thread."""
    told: list[str] = []
    set_title = WindowDisplay.set_title

    def tell(display: WindowDisplay, title: str) -> None:
        set_title(display, title)
        told.append(title)

    monkeypatch.setattr(WindowDisplay, "set_title", tell)
    return told


def close_window() -> None:
    """Ask the window to close, as a window manager does."""
    event = sdl.SDL_Event()
    event.type = sdl.SDL_QUIT
    sdl.SDL_PushEvent(ctypes.byref(event))


@pytest.fixture
def play(display: Display) -> Play:
    """Run a computer in a window while a user does something, then close it."""

    def play(computer: Computer, act: Act, **options: Any) -> Ending:
        failures: list[BaseException] = []
        is_over = threading.Event()

        def user_thread() -> None:
            try:
                user = User(display, computer, is_over)
                user.until(lambda: computer.frames.number > 0)
                act(user)
            except BaseException as failure:  # told by the main thread
                failures.append(failure)
            finally:
                close_window()

        thread = threading.Thread(target=user_thread)
        sdl.SDL_FlushEvents(sdl.SDL_FIRSTEVENT, sdl.SDL_LASTEVENT)  # of the test before
        options.setdefault("time_limit", 5 * HANGS)  # the user gives up before that
        options.setdefault("scale", 2)
        thread.start()
        try:
            ending = run(computer, **options)
        finally:
            is_over.set()
            thread.join(HANGS)
        if failures:
            raise failures[0]
        return ending

    return play

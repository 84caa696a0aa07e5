"""The window: a texture that holds the guest's picture, shown as large as fits.

    pixels of the guest --update: the rectangle that changed--> texture --present--> window

Only changes are uploaded and presented. Presentation does not wait for vertical sync: frames have
their own pace (see `jitvm.playing.pacing`).
"""

from __future__ import annotations

import ctypes

from jitvm.window.binding import X11Guard, error_text, sdl, start_video
from jitvm.window.errors import WindowError
from jitvm.window.geometry import (
    Size,
    Viewport,
    automatic_scale,
    next_scale,
    window_size,
)

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from typing import Any

    from jitvm.platform.screen import Pixels, Rectangle

_PIXEL_BYTES = 4


class Display:
    """A window, open from the beginning.

    Args:
        picture: width and height of the guest's screen.
        scale: window pixels for a pixel; None for what suits the desktop.
        fullscreen: whether it begins as a full screen.
        title: of the window.

    Attributes:
        presented: how often something was shown.

    Raises:
        WindowError: there is no display, or it refuses.
    """

    def __init__(self, picture: Size, scale: int | None, fullscreen: bool, title: str) -> None:
        start_video()
        self._picture = picture
        self._scale = scale or automatic_scale(picture, self._desktop())
        self._texture: Any = None
        self._is_blank = self._is_stale = True
        self.presented = 0
        flags = sdl.SDL_WINDOW_RESIZABLE | sdl.SDL_WINDOW_ALLOW_HIGHDPI
        if fullscreen:
            flags |= sdl.SDL_WINDOW_FULLSCREEN_DESKTOP
        anywhere = sdl.SDL_WINDOWPOS_UNDEFINED
        size = window_size(picture, self._scale, self._desktop())
        self._window = sdl.SDL_CreateWindow(title.encode(), anywhere, anywhere, *size, flags)
        if not self._window:
            raise self._failure("a window cannot be opened")
        self._guard = X11Guard(self._window)
        self._renderer = self._make_renderer()
        sdl.SDL_StartTextInput()
        self._make_texture()

    def _make_renderer(self) -> Any:
        for flags in (0, sdl.SDL_RENDERER_SOFTWARE):
            renderer = sdl.SDL_CreateRenderer(self._window, -1, flags)
            if renderer:
                return renderer
        raise self._failure("nothing can draw in a window")

    def _failure(self, what: str) -> WindowError:
        reason = error_text()
        sdl.SDL_Quit()
        return WindowError(f"{what}: {reason}; run with --headless")

    def close(self) -> None:
        """Close the window, and SDL with it."""
        if self.lost:
            return
        sdl.SDL_DestroyRenderer(self._renderer)
        sdl.SDL_DestroyWindow(self._window)
        sdl.SDL_QuitSubSystem(sdl.SDL_INIT_VIDEO | sdl.SDL_INIT_EVENTS)

    @property
    def lost(self) -> bool:
        """Whether the display has gone away."""
        return self._guard.lost

    # -- the picture -------------------------------------------------------------------------

    @property
    def picture(self) -> Size:
        """Width and height of what is shown."""
        return self._picture

    def resize(self, picture: Size) -> None:
        """Show a picture of another size, and make the window fit around it."""
        self._picture = picture
        self._make_texture()
        self._fit_window()

    def update(self, pixels: Pixels, changed: Rectangle) -> None:
        """Upload a part of the picture.

        Args:
            pixels: the whole picture, RGBA bytes, shape (height, width, 4).
            changed: left, top, right, bottom, the last two exclusive.
        """
        left, top, right, bottom = changed
        pitch = pixels.strides[0]
        first = pixels.ctypes.data + top * pitch + left * _PIXEL_BYTES
        rectangle = sdl.SDL_Rect(left, top, right - left, bottom - top)
        sdl.SDL_UpdateTexture(self._texture, ctypes.byref(rectangle), ctypes.c_void_p(first), pitch)
        self._is_blank = False
        self._is_stale = True

    def present(self) -> None:
        """Show what was uploaded, if anything was."""
        if not self._is_stale:
            return
        self._is_stale = False
        view = self._viewport
        target = sdl.SDL_Rect(view.left, view.top, view.width, view.height)
        sdl.SDL_RenderClear(self._renderer)
        if not self._is_blank:
            sdl.SDL_RenderCopy(self._renderer, self._texture, None, ctypes.byref(target))
        sdl.SDL_RenderPresent(self._renderer)
        self.presented += 1

    def expose(self) -> None:
        """Have the next `present` show the picture again."""
        self._is_stale = True

    def restore(self) -> None:
        """Recreate the texture; the whole picture has to be uploaded again."""
        self._make_texture()

    def _make_texture(self) -> None:
        if self._texture:
            sdl.SDL_DestroyTexture(self._texture)
        self._texture = sdl.SDL_CreateTexture(
            self._renderer, sdl.SDL_PIXELFORMAT_RGBA32, sdl.SDL_TEXTUREACCESS_STATIC,
            *self._picture,
        )  # fmt: skip
        if not self._texture:
            raise WindowError(f"a picture of this size cannot be shown: {error_text()}")
        sdl.SDL_SetTextureBlendMode(self._texture, sdl.SDL_BLENDMODE_NONE)
        self._is_blank = self._is_stale = True

    # -- places ------------------------------------------------------------------------------

    def pixel_at(self, x: int, y: int) -> tuple[int, int]:
        """Which pixel of the picture a place in the window is."""
        window, output = self._size(sdl.SDL_GetWindowSize, self._window), self._output
        across, down = (own / max(1, told) for own, told in zip(output, window, strict=True))
        return self._viewport.pixel(self._picture, x * across, y * down)

    @property
    def _viewport(self) -> Viewport:
        return Viewport.fit(self._picture, self._output)

    @property
    def _output(self) -> Size:
        """The window's size in the display's own pixels."""
        width, height = self._size(sdl.SDL_GetRendererOutputSize, self._renderer)
        return max(1, width), max(1, height)

    @staticmethod
    def _size(function: Any, of: Any) -> Size:
        width, height = ctypes.c_int(), ctypes.c_int()
        function(of, ctypes.byref(width), ctypes.byref(height))
        return width.value, height.value

    @staticmethod
    def _desktop() -> Size:
        bounds = sdl.SDL_Rect()
        if sdl.SDL_GetDisplayUsableBounds(0, ctypes.byref(bounds)) or not bounds.w:
            return 1024, 768
        return bounds.w, bounds.h

    # -- the window --------------------------------------------------------------------------

    @property
    def scale(self) -> int:
        """Window pixels for a pixel, as the user or the desktop wants them."""
        return self._scale

    def zoom(self) -> None:
        """Take the next scale."""
        self._scale = next_scale(self._scale, self._picture, self._desktop())
        self._fit_window()

    def toggle_fullscreen(self) -> None:
        """Fill the desktop, or be a window again."""
        mode = 0 if self._is(sdl.SDL_WINDOW_FULLSCREEN) else sdl.SDL_WINDOW_FULLSCREEN_DESKTOP
        sdl.SDL_SetWindowFullscreen(self._window, mode)
        self._fit_window()

    def toggle_border(self) -> None:
        """Be a window without decoration, or with one again."""
        has_border = not self._is(sdl.SDL_WINDOW_BORDERLESS)
        sdl.SDL_SetWindowBordered(self._window, sdl.SDL_FALSE if has_border else sdl.SDL_TRUE)

    def set_title(self, title: str) -> None:
        """Name the window."""
        sdl.SDL_SetWindowTitle(self._window, title.encode("utf-8", "replace"))

    def set_icon(self, pixels: bytes, side: int) -> None:
        """Give the window an icon: RGBA bytes, `side` pixels each way."""
        surface = sdl.SDL_CreateRGBSurfaceWithFormatFrom(
            pixels, side, side, 8 * _PIXEL_BYTES, _PIXEL_BYTES * side, sdl.SDL_PIXELFORMAT_RGBA32
        )
        if surface:
            sdl.SDL_SetWindowIcon(self._window, surface)
            sdl.SDL_FreeSurface(surface)

    @staticmethod
    def show_pointer(shown: bool) -> None:
        """Show the host's pointer in the window, or leave that to the program."""
        sdl.SDL_ShowCursor(sdl.SDL_ENABLE if shown else sdl.SDL_DISABLE)

    def _fit_window(self) -> None:
        if not self._is(sdl.SDL_WINDOW_FULLSCREEN) and not self._is(sdl.SDL_WINDOW_MAXIMIZED):
            size = window_size(self._picture, self._scale, self._desktop())
            sdl.SDL_SetWindowSize(self._window, *size)
        self._is_stale = True

    def _is(self, flag: int) -> bool:
        return bool(sdl.SDL_GetWindowFlags(self._window) & flag)

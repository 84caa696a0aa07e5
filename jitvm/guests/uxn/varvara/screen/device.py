"""The Screen device, ports 20 to 2f.

    20* vector   run sixty times a second
    22* width    24* height   in pixels, 1 to 4095; writing the low byte sets it; when that changes
                              the size, both layers become empty
    26  auto     what moves after drawing: 01 x, 02 y, 04 address; high nibble: sprites - 1
    28* x        2a* y        signed; moved by drawing
    2c* address  of the sprite; moved by drawing
    2e  pixel    fill flip-y flip-x layer colour: draw a point, or fill up to two edges
    2f  sprite   depth layer flip-y flip-x blend: draw sprites of 8x8 pixels

Position, address and auto byte live in the port page, where drawing moves them, so a program reads
the current values there. (One of the reference emulators stores the bytes last written separately;
it differs for programs that draw and then set one half of a word.)

Nothing is imported or compiled until a program draws: the first write to a drawing port goes
through Python, which then replaces itself by the native kernel.
"""

from __future__ import annotations

from jitvm.guest.light import cached_property
from jitvm.guests.uxn.varvara.words import DeviceWords
from jitvm.platform.device import Device

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import DTypeLike, NDArray

    from jitvm.engine.machine.machine import Machine
    from jitvm.guests.uxn.varvara.native.library import Kernel
    from jitvm.guests.uxn.varvara.screen.canvas import Canvas, Picture
    from jitvm.platform.screen import Pixels, Rectangle

VECTOR = 0x20
WIDTH = 0x22
HEIGHT = 0x24
PIXEL = 0x2E
SPRITE = 0x2F

DEFAULT_SIZE = (512, 320)


class Screen(Device):
    """Connects the Screen ports of a machine.

    Args:
        machine: whose ports they are; it must be a Uxn machine.
        words: the row of words that native devices have; None: one of its own.
    """

    ports = range(0x20, 0x30)

    def __init__(self, machine: Machine, words: DeviceWords | None = None) -> None:
        self._machine = machine
        self._words = words or DeviceWords(machine)
        self._drawn = False
        machine.on_write(WIDTH + 1, self._resize)
        machine.on_write(HEIGHT + 1, self._resize)
        machine.on_write(PIXEL, self._first_pixel, quiet=True)
        machine.on_write(SPRITE, self._first_sprite, quiet=True)
        self._show_size(*DEFAULT_SIZE)

    # -- what it is --------------------------------------------------------------------------

    @property
    def width(self) -> int:
        """In pixels."""
        return self._canvas.width if self._is_made else DEFAULT_SIZE[0]

    @property
    def height(self) -> int:
        """In pixels."""
        return self._canvas.height if self._is_made else DEFAULT_SIZE[1]

    @property
    def vector(self) -> int:
        """Where the program wants to be called for each frame; 0 for nowhere."""
        return self._word(VECTOR)

    @property
    def is_live(self) -> bool:
        """Whether it does; see `jitvm.platform.screen`."""
        return self.vector != 0

    @property
    def touched(self) -> bool:
        """Whether the program has drawn, set a size or a vector: whether it wants a screen."""
        return self._drawn or self.vector != 0

    @property
    def _is_made(self) -> bool:
        return "_canvas" in self.__dict__

    @cached_property
    def _canvas(self) -> Canvas:
        from jitvm.guests.uxn.varvara.screen.canvas import Canvas

        return Canvas(self._words, *DEFAULT_SIZE)

    def reset(self) -> None:
        """Default size, empty layers; the port page is the caller's, but for the size."""
        if self._is_made:
            self._canvas.resize(*DEFAULT_SIZE)
        self._show_size(*DEFAULT_SIZE)

    def snapshot(self) -> Picture | None:
        """Copy size and layers; ports and palette are in the machine's snapshot. None if the
        program has not used it."""
        return self._canvas.snapshot() if self.touched else None

    def restore(self, state: Picture | None) -> None:
        """Put copied layers back."""
        if state is None:
            self.reset()
            return
        self._drawn = True
        self._canvas.restore(state)
        self._show_size(self.width, self.height)

    # -- what it shows -----------------------------------------------------------------------

    def compose(self) -> bool:
        """Bring `pixels` up to date; whether any of them were drawn since the last time.

        A palette or size that changed changes all of them.
        """
        from jitvm.guests.uxn.varvara.screen import native
        from jitvm.guests.uxn.varvara.screen.palette import RED, SIZE

        ports = bytes(self._machine.page[RED : RED + SIZE])
        return self._canvas.compose(native.COMPOSE.function(2), ports)

    @property
    def pixels(self) -> Pixels:
        """The frame that `compose` made last, RGBA bytes, shape (height, width, 4).

        The array is the screen's own: the next `compose` changes it in place, or makes another
        one when the size has changed.
        """
        if self._canvas.frame is None:
            self.compose()
        frame = self._canvas.frame
        assert frame is not None
        return frame

    @property
    def shown(self) -> tuple[int, int, memoryview]:
        """The same as its width, its height and its bytes, for whoever can do without NumPy."""
        if self._canvas.shown[0] == 0:
            self.compose()
        return self._canvas.shown

    def __array__(
        self, dtype: DTypeLike | None = None, copy: bool | None = None
    ) -> NDArray[np.generic]:
        """`pixels`, for `numpy.asarray` and the like."""
        import numpy as np

        return np.array(self.pixels, dtype=dtype, copy=copy)

    @property
    def changed(self) -> Rectangle | None:
        """What the last `compose` coloured: left, top, right, bottom, the last two exclusive."""
        return self._canvas.changed

    @property
    def dirty(self) -> Rectangle | None:
        """What drawing has changed since: as `changed`. The palette is looked at by `compose`."""
        return self._canvas.dirty

    def layer(self, index: int) -> Pixels:
        """The pixels of the background (0) or foreground (1), 0 to 3, shape (height, width).

        A read-only view, good until the size changes.

        Raises:
            ValueError: there is no such layer.
        """
        if index not in (0, 1):
            raise ValueError(f"there is no layer {index}: take 0 (background) or 1 (foreground)")
        return self._canvas.layer(index)

    def hash(self) -> str:
        """16 hexadecimal digits that tell frames apart, the same on every machine."""
        from jitvm.platform.picture import frame_hash

        return frame_hash(self.pixels)

    def png(self) -> bytes:
        """The frame as a PNG file.

        Raises:
            PictureError: Pillow is not installed.
        """
        from jitvm.platform.picture import png_of

        return png_of(*self.shown)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the frame as a PNG file.

        Raises:
            PictureError: Pillow is not installed.
            OSError: the file cannot be written; what was there before still is.
        """
        from os import fspath

        from jitvm.engine.host.part import write_result

        write_result(fspath(path), self.png())

    def _repr_png_(self) -> bytes | None:
        """The frame, for notebooks; None if there is none, or no Pillow to write it."""
        from jitvm.platform.picture import PictureError

        if not self.touched:
            return None
        try:
            return self.png()
        except PictureError:
            return None

    # -- ports -------------------------------------------------------------------------------

    def _word(self, port: int) -> int:
        page = self._machine.page
        return page[port] << 8 | page[port + 1]

    def _show_size(self, width: int, height: int) -> None:
        """Have the ports answer with the size."""
        page = self._machine.page
        for port, value in ((WIDTH, width), (HEIGHT, height)):
            page[port], page[port + 1] = value.to_bytes(2, "big")

    def _resize(self, _low: int) -> None:
        from jitvm.guests.uxn.varvara.screen.canvas import LIMIT

        self._drawn = True
        size = tuple(min(max(self._word(port), 1), LIMIT) for port in (WIDTH, HEIGHT))
        if size != (self.width, self.height):
            self._canvas.resize(*size)
        self._show_size(*size)

    def _first_pixel(self, byte: int) -> None:
        self._draw_natively(PIXEL, "PIXEL")
        self._machine.state.ports.writers[PIXEL](byte)

    def _first_sprite(self, byte: int) -> None:
        self._draw_natively(SPRITE, "SPRITE")
        self._machine.state.ports.writers[SPRITE](byte)

    def _draw_natively(self, port: int, name: str) -> None:
        """Put a kernel on its drawing port: native, or its source where that cannot be."""
        self._canvas  # noqa: B018  there has to be something to draw on
        from jitvm.guests.uxn.varvara.native.library import UNAVAILABLE
        from jitvm.guests.uxn.varvara.screen import native

        kernel: Kernel = getattr(native, name)
        try:
            self._machine.on_write_native(port, kernel.address, quiet=True)
        except UNAVAILABLE as error:
            self._draw_in_python(port, kernel.in_python(error))
        self._drawn = True

    def _draw_in_python(self, port: int, draw: Callable[..., int]) -> None:
        machine, words = self._machine, self._words.address
        base, layout = machine.block.base, machine.layout
        memory, page = base + layout.spaces[0], base + layout.ports

        def writer(byte: int) -> None:
            draw(memory, page, words, byte)

        machine.on_write(port, writer, quiet=True)

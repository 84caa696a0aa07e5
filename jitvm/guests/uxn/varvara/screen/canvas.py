"""The screen's memory: the layers that kernels work on, and the composed frame.

    words      what kernels know about them: see `state`
    mapping    | background | foreground |                        reserved once, touched as used
    frame      HEIGHT rows of WIDTH pixels, RGBA bytes            reallocated when the size changes

Layers are mapped, not allocated, so that the largest size can be reserved (34 MB of addresses)
while only what is drawn on takes memory. Views of earlier frames stay valid when the size changes.
"""

from __future__ import annotations

from jitvm.engine.host.foreign import address_of_bytes, memory
from jitvm.engine.memory.block import Mapping
from jitvm.guest.numbers import whole
from jitvm.guests.uxn.varvara.screen import state as at
from jitvm.guests.uxn.varvara.screen.blending import TABLE, blend_words, spread
from jitvm.guests.uxn.varvara.screen.palette import pairs
from jitvm.guests.uxn.varvara.words import SCREEN

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable

    from jitvm.guests.uxn.varvara.words import DeviceWords
    from jitvm.platform.screen import Pixels, Rectangle

    Picture = tuple[int, int, bytes, bytes]
    """Width and height in pixels, and a copy of both layers, margins included."""

LIMIT = at.LIMIT


class Canvas:
    """Two layers of pixels and how they look.

    Args:
        words: the machine's; the screen's own are set up.
        width, height: in pixels, 1 to `state.LIMIT`.

    Raises:
        BlockError: the operating system refused the memory.
    """

    def __init__(self, words: DeviceWords, width: int, height: int) -> None:
        self._address = words.address
        self._words = words.view(SCREEN, at.WORDS)
        self._mapping = Mapping(2 * at.LAYER_BYTES)
        first = self._mapping.address
        self._layers = (first, first + at.LAYER_BYTES)
        self._words[at.BACKGROUND], self._words[at.FOREGROUND] = self._layers
        self._set_words(at.BLENDS, [word for row in TABLE for word in blend_words(row)])
        for start, flipped in ((at.SPREAD, False), (at.FLIPPED, True)):
            self._words[start : start + 256] = memoryview(spread(flipped=flipped)).cast("q")
        self._ports = b""
        self._size = (0, 0)
        self._pixels: bytearray | None = None
        self._address_of_pixels: tuple[int, object] = (0, None)
        self._frame: Pixels | None = None
        self.changed: Rectangle | None = None
        self.resize(width, height)

    def _set_words(self, start: int, words: list[int]) -> None:
        content = b"".join(word.to_bytes(at.WORD, "little") for word in words)
        self._words[start : start + len(words)] = memoryview(content).cast("q")

    @property
    def width(self) -> int:
        """In pixels."""
        return self._words[at.WIDTH]

    @property
    def height(self) -> int:
        """In pixels."""
        return self._words[at.HEIGHT]

    # -- layers ------------------------------------------------------------------------------

    def resize(self, width: int, height: int) -> None:
        """Set the size, 1 to `state.LIMIT` each; both layers become empty."""
        self._words[at.WIDTH], self._words[at.HEIGHT] = width, height
        for index in range(len(self._layers)):
            self._layer(index)[:] = bytes(self._layer_bytes)
        self._touch_all()

    @property
    def _layer_bytes(self) -> int:
        return (self.width + 2 * at.MARGIN) * (self.height + 2 * at.MARGIN)

    def _touch_all(self) -> None:
        words = self._words
        words[at.LEFT], words[at.TOP], words[at.RIGHT], words[at.BOTTOM] = (
            0, 0, self.width, self.height,
        )  # fmt: skip

    def _layer(self, index: int) -> memoryview:
        """A layer's bytes, writable; they keep it alive."""
        return memory(self._layers[index], self._mapping)[: self._layer_bytes]

    def layer(self, index: int) -> Pixels:
        """A layer's pixels, 0 to 3, as a read-only view of shape (height, width).

        Good until the size changes.
        """
        import numpy as np

        rows, stride = self.height + 2 * at.MARGIN, self.width + 2 * at.MARGIN
        view = np.frombuffer(self._layer(index), dtype=np.uint8).reshape(rows, stride)
        view.flags.writeable = False
        shown: Pixels = view[at.MARGIN : -at.MARGIN, at.MARGIN : -at.MARGIN]
        return shown

    def snapshot(self) -> Picture:
        """Copy both layers."""
        background, foreground = (bytes(self._layer(index)) for index in range(len(self._layers)))
        return self.width, self.height, background, foreground

    def restore(self, picture: Picture) -> None:
        """Put copied layers back.

        Raises:
            ValueError, TypeError: they are not what `snapshot` gives.
        """
        width, height, *layers = picture
        width, height = whole("width", width, 1, LIMIT), whole("height", height, 1, LIMIT)
        size = (width + 2 * at.MARGIN) * (height + 2 * at.MARGIN)
        if [len(layer) for layer in layers] != [size] * len(self._layers):
            raise ValueError(f"a picture of {width} by {height} has two layers of {size} bytes")
        self._words[at.WIDTH], self._words[at.HEIGHT] = width, height
        for index, content in enumerate(layers):
            self._layer(index)[:] = content
        self._touch_all()

    # -- composition -------------------------------------------------------------------------

    @property
    def dirty(self) -> Rectangle | None:
        """What is to be composed again: left, top, right, bottom, the last two exclusive."""
        words = self._words
        left, top = max(words[at.LEFT], 0), max(words[at.TOP], 0)
        right, bottom = min(words[at.RIGHT], self.width), min(words[at.BOTTOM], self.height)
        return (left, top, right, bottom) if left < right and top < bottom else None

    @property
    def shown(self) -> tuple[int, int, memoryview]:
        """The frame as last composed: width, height, RGBA bytes."""
        width, height = self._size
        return width, height, memoryview(self._pixels or b"")[: 4 * width * height]

    @property
    def frame(self) -> Pixels | None:
        """The frame as last composed, RGBA of shape (height, width, 4).

        Only who looks at it pays for NumPy.
        """
        if self._frame is None and self._pixels is not None:
            import numpy as np

            width, height = self._size
            pixels = np.frombuffer(self._pixels, dtype=np.uint8, count=4 * width * height)
            self._frame = pixels.reshape(height, width, 4)
        return self._frame

    def compose(self, kernel: Callable[..., int], ports: bytes) -> bool:
        """Bring the frame up to date; whether there was anything to do.

        Args:
            kernel: the composing kernel.
            ports: the palette's bytes.
        """
        if ports != self._ports:
            self._ports = ports
            self._set_words(at.PAIRS, pairs(ports))
            self._touch_all()
        size = self.width, self.height
        if self._pixels is None or self._size != size:
            self._size = size
            self._pixels = bytearray(max(self.width * self.height, 2) * 4)
            self._address_of_pixels = address_of_bytes(self._pixels)
            self._frame = None
            self._touch_all()
        self.changed = self.dirty
        if self.changed is None:
            return False
        return bool(kernel(self._address, self._address_of_pixels[0]))

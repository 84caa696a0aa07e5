"""Frames as PNG files, and as hashes to compare them by."""

from __future__ import annotations

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from jitvm.platform.screen import Pixels


class PictureError(RuntimeError):
    """A picture cannot be written; the message says what to install."""


def frame_hash(pixels: Pixels) -> str:
    """16 hexadecimal digits of a frame's size and colours.

    Args:
        pixels: RGBA bytes, shape (height, width, 4).
    """
    import hashlib

    height, width, _ = pixels.shape
    digest = hashlib.blake2b(width.to_bytes(2, "big") + height.to_bytes(2, "big"), digest_size=8)
    digest.update(pixels.tobytes())
    return digest.hexdigest()


def png(pixels: Pixels) -> bytes:
    """A frame as a PNG file, without alpha.

    Args:
        pixels: RGBA bytes, shape (height, width, 4).

    Raises:
        PictureError: Pillow is not installed.
    """
    height, width, _ = pixels.shape
    return png_of(width, height, pixels.tobytes())


def png_of(width: int, height: int, rgba: bytes | memoryview) -> bytes:
    """A picture as a PNG file, without alpha.

    Args:
        width, height: in pixels.
        rgba: four bytes for each of them, row by row.

    Raises:
        PictureError: Pillow is not installed.
    """
    import io

    try:
        from PIL import Image  # type: ignore[import-not-found,unused-ignore]
    except ImportError as error:
        raise PictureError(
            "pictures need Pillow, which is not installed; `pip install 'jitvm[screen]'`"
        ) from error
    file = io.BytesIO()
    picture = Image.frombytes("RGBA", (width, height), bytes(rgba))
    picture.convert("RGB").save(file, format="PNG", optimize=True)
    return file.getvalue()

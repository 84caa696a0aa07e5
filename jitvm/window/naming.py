"""Names of screenshots."""

from __future__ import annotations

import os


def screenshot_path(stem: str, folder: str = ".") -> str:
    """A path for a picture, with the first number that is not taken yet.

    Raises:
        OSError: the folder cannot be read.
    """
    taken = set(os.listdir(folder))
    number = 1
    while (name := f"{stem}-{number:03}.png") in taken:
        number += 1
    return os.path.join(folder, name)

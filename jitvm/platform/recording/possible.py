"""What a recording needs to be possible: a format, a scale, a library; or why there is none."""

from __future__ import annotations

import os

from jitvm.guest.numbers import whole

MAX_SCALE = 64
"""Sides of a pixel beyond which a picture would be larger than most memories."""
FORMATS = ("gif", "webp", "mp4", "wav")
"""File suffixes, each of which selects a format."""


class RecordingError(ValueError):
    """A recording cannot be made; the message says why and what to do."""


def format_of(path: str) -> str:
    """The format that a file's suffix selects.

    Raises:
        RecordingError: there is no such format.
    """
    ending = os.path.splitext(path)[1][1:].lower()
    if ending not in FORMATS:
        names = ", ".join(f".{name}" for name in FORMATS)
        raise RecordingError(f"{path}: the name of a recording ends in one of {names}")
    return ending


def require_pillow(what: str) -> None:
    """Look whether pictures can be written.

    Raises:
        RecordingError: Pillow is not installed.
    """
    require("PIL", f"{what}: pictures need Pillow", "screen")


def check_scale(scale: int) -> None:
    """Refuse a scale that leaves nothing of a picture, or more than memory holds.

    Raises:
        RecordingError: it is no whole number from 1 to `MAX_SCALE`.
    """
    try:
        whole("scale", scale, 1, MAX_SCALE)
    except (TypeError, ValueError) as error:
        raise RecordingError(str(error)) from None


def require(module: str, what_needs_it: str, extra: str) -> None:
    """Look whether a library is there, which an extra of jitvm installs.

    Raises:
        RecordingError: it is not.
    """
    from importlib.util import find_spec

    if find_spec(module) is None:
        raise RecordingError(
            f"{what_needs_it}, which is not installed; `pip install 'jitvm[{extra}]'`"
        )

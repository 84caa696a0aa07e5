"""Descriptors of this process that tests ask for; others come and go on other threads."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def open_below(*folders: Path) -> int:
    """How many there are of folders and what is in them."""
    links = []
    for descriptor in os.listdir("/proc/self/fd"):
        with suppress(OSError):  # it has been closed meanwhile
            links.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")))
    return sum(link.is_relative_to(folder) for link in links for folder in folders)

"""What happens to the parts in a folder, told by the kernel as it happens: Linux's inotify(7).

Python has no inotify, and looking at a folder again and again would miss a file that is there for
a fifth of a millisecond.
"""

from __future__ import annotations

import ctypes
import os
import select
import struct
from enum import IntFlag
from pathlib import Path

from jitvm.engine.host.part import is_part

_EVENT = struct.Struct("iIII")
_CHUNK = 1 << 16


class Happened(IntFlag):
    """What happened to a part; the kernel's numbers."""

    FILLED = 0x2
    PLACED = 0x40
    MADE = 0x100


class Watch:
    """Watches one folder.

    Raises:
        OSError: the kernel watches no more.
    """

    def __init__(self, folder: Path) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self.descriptor = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        everything = Happened.FILLED | Happened.PLACED | Happened.MADE
        if libc.inotify_add_watch(self.descriptor, os.fsencode(folder), everything) < 0:
            raise OSError(ctypes.get_errno(), "inotify", str(folder))

    def news(self) -> Happened:
        """What has happened to parts since the last call; never waits."""
        found = Happened(0)
        while select.select([self.descriptor], [], [], 0)[0]:
            data = os.read(self.descriptor, _CHUNK)
            at = 0
            while at < len(data):
                _, mask, _, size = _EVENT.unpack_from(data, at)
                at += _EVENT.size + size
                if is_part(os.fsdecode(data[at - size : at].rstrip(b"\0"))):
                    found |= Happened(mask)
        return found

    def close(self) -> None:
        """Watch no longer."""
        os.close(self.descriptor)

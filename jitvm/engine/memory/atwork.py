"""Who is making what belongs in the code cache: locks on bytes of its tag.

A process that finishes the work of a command that has ended (`jitvm.engine.host.apart`) locks the
byte whose number is the checksum of what it makes. So no two processes make the same, and whoever
starts meanwhile knows that it is about to be there. The lock belongs to an open file, so it goes
with the last process that has the descriptor, however it ends. Where there are no such locks,
nobody is at work.
"""

from __future__ import annotations

import os

from jitvm.engine.memory.cachefolder import TAG

_FORM = "hhqqi4x"
"""`struct flock`: kind of lock, what its start counts from, start, length, process."""


def begin(folder: str, number: int) -> int | None:
    """Say that something is being made.

    Returns:
        the descriptor to be closed behind the work; None if another process is at it.
    """
    import fcntl
    from struct import pack

    try:
        descriptor = os.open(os.path.join(folder, TAG), os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        lock = pack(_FORM, fcntl.F_WRLCK, os.SEEK_SET, number, 1, 0)
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, lock)
    except (OSError, AttributeError):
        os.close(descriptor)
        return None
    return descriptor


def is_at_work(folder: str, number: int) -> bool:
    """Whether another process is making something."""
    import fcntl
    from struct import pack, unpack

    try:
        descriptor = os.open(os.path.join(folder, TAG), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        asked = pack(_FORM, fcntl.F_WRLCK, os.SEEK_SET, number, 1, 0)
        found = fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, asked)
        return bool(unpack(_FORM, found)[0] != fcntl.F_UNLCK)
    except (OSError, AttributeError):
        return False
    finally:
        os.close(descriptor)

"""How much address space a process may use, if that is limited (``ulimit -v``).

Code that reserves a lot of it asks first: LLVM aborts the process when it runs out of memory.
"""

from __future__ import annotations

import os
import sys

from jitvm.engine.host.foreign import Word, address_of_bytes, function

_RLIMIT_AS = 9
_UNLIMITED = (1 << 64) - 1


def address_limit() -> int | None:
    """How many bytes of addresses this process may use; None if they are not limited."""
    if sys.platform != "linux":
        return None
    limits = bytearray(2 * 8)
    address, _kept = address_of_bytes(limits)
    failed = function("getrlimit", Word, Word)(_RLIMIT_AS, address) & 0xFFFF_FFFF
    limit = int.from_bytes(limits[:8], sys.byteorder)
    return None if failed or limit == _UNLIMITED else limit


def addresses_left() -> int | None:
    """How many of them are not in use; None if they are not limited, or nobody can tell."""
    limit = address_limit()
    if limit is None:
        return None
    try:
        with open("/proc/self/statm", "rb") as file:
            pages = int(file.read().split()[0])
    except OSError:
        return None
    return limit - pages * os.sysconf("SC_PAGE_SIZE")

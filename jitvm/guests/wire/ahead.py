"""NumPy's libraries, opened before they are needed.

The first table needs NumPy, whose import takes most of the time of a first call. A part of that is
opening libraries, which needs no interpreter lock: so it is done on another thread as soon as there
is a reader, while the program for its messages is made.

    thread:        with LLVM (a fork waits for it): dlopen ... dlopen
    first table:   import numpy                     finds them open

pyarrow's libraries are left to its import, though they take longer: their allocator belongs to the
thread that opens them, and if that ends, others may crash at their first allocation (pyarrow 25).
"""

from __future__ import annotations

import os
import sys
from _thread import get_ident
from functools import partial

from jitvm.engine.host.background import BACKGROUND
from jitvm.engine.host.process import LLVM
from jitvm.engine.host.threads import started
from jitvm.prepared import PREPARED

_FOLDERS = (
    ("numpy.libs", "libscipy_openblas"),
    (os.path.join("numpy", "_core"), "_multiarray_umath"),
)
"""Where large libraries are, and how their names begin."""


def open_ahead() -> None:
    """Have NumPy's libraries opened, unless it is imported already. What cannot be done is left to
    the import."""
    if "numpy" not in sys.modules:
        started(partial(BACKGROUND.do, _open))


def _open() -> None:
    PREPARED.apart.add(get_ident())
    try:
        with LLVM:
            import ctypes

            call = ctypes.CDLL(None).dlopen  # without the interpreter lock, unlike `CDLL(path)`
            for path in _paths(sys.path):
                call(os.fsencode(path), os.RTLD_NOW)
    finally:
        PREPARED.apart.discard(get_ident())


def _paths(places: list[str]) -> list[str]:
    """Libraries of the NumPy that would be imported."""
    for place in places:
        if os.path.exists(os.path.join(place, "numpy", "__init__.py")):
            return [
                os.path.join(place, folder, name)
                for folder, begin in _FOLDERS
                if os.path.isdir(os.path.join(place, folder))
                for name in os.listdir(os.path.join(place, folder))
                if name.startswith(begin) and ".so" in name
            ]
    return []

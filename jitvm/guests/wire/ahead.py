"""NumPy's libraries, opened before they are needed, and without their threads until those are.

The first table needs NumPy, whose import takes most of the time of a first call. A part of that is
opening libraries, which needs no interpreter lock: so it is done on another thread as soon as there
is a reader, while the program for its messages is made.

    thread:        with LLVM (a fork waits for it): dlopen, stop what it has started, dlopen ...
    first table:   waits for that; import numpy                     finds them open

OpenBLAS starts its threads when it is opened, and each of them looks for work for 2^26 cycles
before it sleeps: that was a quarter of the processor time of a first call. So they are stopped at
once, by the function that OpenBLAS itself has called before a fork, and as after a fork the first
product that is worth it starts them again. Nobody uses them meanwhile, as NumPy is not there yet.
"""

from __future__ import annotations

import os
import sys
from _thread import allocate_lock, get_ident
from functools import partial

from jitvm.engine.host.background import BACKGROUND
from jitvm.engine.host.process import LLVM
from jitvm.engine.host.threads import YIELDING, started
from jitvm.prepared import PREPARED

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from _thread import LockType

_OPENBLAS = "libscipy_openblas"
_FOLDERS = (
    ("numpy.libs", _OPENBLAS),
    (os.path.join("numpy", "_core"), "_multiarray_umath"),
)
"""Where large libraries are, and how their names begin."""
_STOP = "blas_thread_shutdown_"
"""OpenBLAS's function that ends its threads, until they are needed."""
PATIENCE = 5.0
"""Seconds for which an import waits for a thread that opens libraries."""
_under_way: set[LockType] = set()
"""A lock for each thread that opens libraries, which it holds."""
os.register_at_fork(after_in_child=_under_way.clear)
os.register_at_fork(after_in_child=PREPARED.apart.clear)


def open_ahead() -> None:
    """Have NumPy's libraries opened, unless it is imported already. What cannot be done is left to
    the import."""
    if "numpy" in sys.modules:
        return
    lock = allocate_lock()
    lock.acquire()
    _under_way.add(lock)
    if not started(partial(_open_and_tell, lock)):
        _under_way.discard(lock)


def wait_for_libraries() -> None:
    """Wait until what was begun is done; for who is about to import NumPy."""
    for lock in tuple(_under_way):
        lock.acquire(timeout=PATIENCE)
        _under_way.discard(lock)


def _open_and_tell(lock: LockType) -> None:
    PREPARED.apart.add(get_ident())
    try:
        BACKGROUND.do(_open)
    finally:
        PREPARED.apart.discard(get_ident())
        _under_way.discard(lock)
        lock.release()


def _open() -> None:
    with LLVM, YIELDING:  # threads of OpenBLAS run as long as this one waits to stop them
        import ctypes

        call = ctypes.CDLL(None).dlopen  # without the interpreter lock, unlike `CDLL(path)`
        for path in _paths(sys.path):
            call(os.fsencode(path), os.RTLD_NOW)
            if os.path.basename(path).startswith(_OPENBLAS):  # NumPy's own, and nobody else's
                _stop_threads(path)


def _stop_threads(path: str) -> None:
    """Stop the threads that OpenBLAS has started, if NumPy is not there to use them: the lock of
    the interpreter keeps it away meanwhile."""
    import ctypes

    stop = getattr(ctypes.PyDLL(path), _STOP, None)
    has_lock = getattr(sys, "_is_gil_enabled", lambda: True)()
    if stop is not None and has_lock and "numpy" not in sys.modules:
        stop()


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

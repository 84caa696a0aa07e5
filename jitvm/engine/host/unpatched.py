"""Threads, locks and clocks as Python has them, whatever was put in their place.

`gevent.monkey` and `eventlet` replace what Python has by what switches between tasks on one thread.
A thread of ours that waits for work or compiles would never let go of it: the whole process would
stand still. So what runs beside guests runs on threads of the operating system, with their locks;
all else, such as files and sockets, goes through whatever is there.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from _thread import RLock, allocate_lock, get_ident, stack_size, start_new_thread
    from time import sleep
    from typing import Any

__all__ = [
    "RLock",
    "allocate_lock",
    "get_ident",
    "sleep",
    "stack_size",
    "start_new_thread",
    "unpatched",
]


def unpatched(module: str, name: str) -> Any:
    """What a module of Python's has by a name, or had before it was replaced."""
    if (gevent := sys.modules.get("gevent.monkey")) is not None:
        return gevent.get_original(module, name)
    if (eventlet := sys.modules.get("eventlet.patcher")) is not None:
        return getattr(eventlet.original(module), name)
    return getattr(__import__(module), name)


if not TYPE_CHECKING:
    RLock = unpatched("_thread", "RLock")
    allocate_lock = unpatched("_thread", "allocate_lock")
    get_ident = unpatched("_thread", "get_ident")
    start_new_thread = unpatched("_thread", "start_new_thread")
    stack_size = unpatched("_thread", "stack_size")
    sleep = unpatched("time", "sleep")

"""Whether jitvm imports something on another thread: what a fork has to wait for.

A child has Python's locks of modules as they were: what another thread was just importing stays
locked in it, and half made, so whoever imports it there waits for ever. Most of what jitvm imports
it imports late, inside calls of functions that say nothing of it, so a fork that meets one waits
until it is over; that is soon.

It does not wait for other imports: a program may run in one from its beginning to its end.
"""

from __future__ import annotations

import _frozen_importlib
import os
import sys
from _thread import get_ident
from time import monotonic, sleep

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Any

_LOCKS: dict[str, Any] = getattr(_frozen_importlib, "_module_locks", {})
"""Weak references to the locks of modules that are being imported, by their names."""
_MACHINERY = frozenset(("importlib._bootstrap", "_frozen_importlib"))
"""Names of what executes an import."""
_INTERVAL = 0.001
"""Seconds between two looks."""
PATIENCE = 5.0
"""Seconds for which a fork waits for threads that do not get on: they may wait for something that
the forking thread holds, as it does logging's lock if that was imported after this."""


def is_importing() -> bool:
    """Whether another thread imports one of our modules, or something that one of ours needs.

    False on a thread that is importing something itself: the other one may wait for that.
    """
    return bool(_importing())


def _importing() -> list[tuple[int, int, int]]:
    """Where other threads that do so are: what changes as long as they get on."""
    owners: dict[int, str] = {}
    for name, reference in list(_LOCKS.items()):
        owner = getattr(reference(), "owner", None)
        if owner is not None:
            owners[owner] = name if _is_ours(name) else owners.get(owner, "")
    if not owners or get_ident() in owners:
        return []
    frames = sys._current_frames()
    return [
        (owner, id(frame), frame.f_lasti)
        for owner, name in owners.items()
        if (frame := frames.get(owner)) is not None and (name or _imports_for_us(frame))
    ]


def wait_for_imports(end: float) -> bool:
    """Before a fork: wait while something is imported, until a time at most; whether nothing is.

    Nor does it wait longer than `PATIENCE` for threads that do not get on.

    What is imported meanwhile may register functions that are called around forks. This one would
    call those that belong after it, but not those before, which are known already.
    """
    seen, since = _importing(), monotonic()
    if not seen:
        return True
    late: list[Callable[[], object]] = []
    register = os.register_at_fork

    def registering(**hooks: Any) -> None:
        if "before" in hooks:
            late.append(hooks["before"])
        register(**hooks)

    os.register_at_fork = registering
    try:
        while seen and monotonic() < min(end, since + PATIENCE):
            sleep(_INTERVAL)
            before, seen = seen, _importing()
            if seen != before:
                since = monotonic()
    finally:
        os.register_at_fork = register
    for hook in reversed(late):
        hook()
    return not seen


def _is_ours(module: str) -> bool:
    return module == "jitvm" or module.startswith("jitvm.")


def _imports_for_us(frame: FrameType | None) -> bool:
    """Whether a thread, which is in this frame, is in an import that a module of ours asks for."""
    is_inside = False
    while frame is not None:
        name = str(frame.f_globals.get("__name__"))
        if name in _MACHINERY:
            is_inside = True
        elif is_inside and _is_ours(name):
            return True
        frame = frame.f_back
    return False

"""Where machine code is kept between runs, and where it must not be.

    JITVM_CACHE          that folder; ``~`` is the home, and a relative one is in the current folder
    XDG_CACHE_HOME       `jitvm` in it, where it is absolute: others are ignored, as its rules say
    the home folder      `jitvm` in the platform's cache folder
    none of them         nothing is kept

Whoever can write there decides what code later runs execute. So a folder that lies in one of a
guest's is not used, and the guest does not get there either: see `give_to_guest`.

The rules are few enough for the standard library: `platformdirs` takes tens of milliseconds to
import.
"""

from __future__ import annotations

import os
import sys

from jitvm.engine.host.notes import note

_guests: set[str] = set()
"""Folders of guests of this process, with all links resolved."""


def default_folder() -> str | None:
    """Where the cache is by the rules above, absolute; None for nowhere."""
    if given := os.environ.get("JITVM_CACHE"):
        return _absolute(given)
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(base):
        usual = "~/Library/Caches" if sys.platform == "darwin" else "~/.cache"
        found = _absolute(usual)
        if found is None:
            return None
        base = found
    return os.path.join(base, "jitvm")


def _absolute(path: str) -> str | None:
    """A path with its home and from the root on; None where it needs a home that there is not."""
    if not path.startswith("~"):
        return os.path.abspath(path)
    path = os.path.expanduser(path)
    is_home_known = os.environ.get("HOME") != "" and os.path.isabs(path)
    return path if is_home_known else None


def give_to_guest(folder: str) -> tuple[str, ...]:
    """From now on a guest may write in a folder.

    Returns:
        what it must be kept from all the same: the cache that later runs use, under each of its
        names that lie in the folder, or nothing.
    """
    _guests.add(os.path.realpath(folder))
    cache = default_folder()
    if cache is None or not lies_with_guest(cache):
        return ()
    return tuple({cache, os.path.realpath(cache)})


def lies_with_guest(folder: str) -> bool:
    """Whether a folder is one of a guest's, or in one; by its own name, or where links lead to."""
    paths = folder, os.path.realpath(folder)
    for root in tuple(_guests):  # other threads add to it
        inside = root.rstrip(os.sep) + os.sep
        if any(f"{path}{os.sep}".startswith(inside) for path in paths):
            note(f"no code cache in {folder}, where the program may write", "nothing is kept")
            return True
    return False

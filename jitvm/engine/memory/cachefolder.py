"""Where machine code is kept between runs, and why no guest can put any there.

    JITVM_CACHE          that folder; ``~`` is the home folder, a relative path starts here
    XDG_CACHE_HOME       `jitvm` in it, if absolute: others are ignored, as its specification says
    the home folder      `jitvm` in the platform's cache folder
    none of them         nothing is kept

Whoever can write there decides what code later runs execute, and guests write files: perhaps in the
home folder, with other settings, or through a second path to the same folder. So a folder is
recognised by its contents, not by its name: by its *tag*, a file that only jitvm creates.

 1. A guest cannot get into a folder with a tag, whichever path it takes (see `Sandbox`), and cannot
    create a file of that name.
 2. Code is loaded from a folder only if its tag is complete.
 3. A folder gets an incomplete tag first, which stops guests. Then all code in it is discarded, and
    then the tag is completed. The folder must hold nothing else: a tag in the home folder would
    keep guests out of all of it.

By 1 and 3, whatever lies next to a complete tag was put there by jitvm.

The naming rules are few enough for the standard library: importing `platformdirs` takes tens of
milliseconds.
"""

from __future__ import annotations

import os
import stat
import sys
from errno import EPERM

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable

SUFFIX = ".code"
"""What names of files with code end in."""
TAG = ".jitvm-code-cache"
"""The name of the file that keeps guests out."""
_COMPLETE = b"jitvm keeps machine code here. No guest gets into a folder with this file.\n"
_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
"""How files there are opened: what is a pipe instead keeps nobody waiting."""


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
    """A path with its home and from the root on; None if it needs a home and there is none."""
    if not path.startswith("~"):
        return os.path.abspath(path)
    path = os.path.expanduser(path)
    is_home_known = os.environ.get("HOME") != "" and os.path.isabs(path)
    return path if is_home_known else None


# -- the tag -------------------------------------------------------------------------------------


def is_tagged(descriptor: int) -> bool:
    """Whether an open folder has a tag, complete or not: then it is none of a guest's."""
    try:
        os.stat(TAG, dir_fd=descriptor, follow_symlinks=False)
    except FileNotFoundError:
        return False
    except OSError:
        return True  # nobody can tell, so it may be
    return True


def is_trusted(folder: str) -> bool:
    """Whether a folder's tag is complete: all code in it is jitvm's."""
    try:
        descriptor = os.open(_tag_of(folder), _READ | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        return os.read(descriptor, len(_COMPLETE)) == _COMPLETE
    except OSError:
        return False
    finally:
        os.close(descriptor)


def claim(folder: str, is_part: Callable[[str], bool]) -> bool:
    """Have a folder trusted, which is made if it is missing; code that is in it is removed.

    Args:
        folder: which.
        is_part: whether a file of this name is one that is being written, or was.

    Returns:
        whether it is; not if there is anything in it that is none of the cache's.

    Raises:
        OSError: it cannot be written.
    """
    if is_trusted(folder):
        return True
    os.makedirs(folder, mode=0o700, exist_ok=True)
    if not is_own(folder, is_part):
        return False
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(_tag_of(folder), flags, 0o600)
    try:
        for name in os.listdir(folder):
            if name.endswith(SUFFIX):
                _remove(os.path.join(folder, name))
        os.write(descriptor, _COMPLETE)
    finally:
        os.close(descriptor)
    return is_trusted(folder)


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:  # somebody else is claiming the folder, too
        return


def is_own(folder: str, is_part: Callable[[str], bool]) -> bool:
    """Whether nothing but the cache's files is in a folder.

    Raises:
        OSError: it cannot be read.
    """
    with os.scandir(folder) as items:
        return not any(
            item.is_dir()
            or not (item.name == TAG or item.name.endswith(SUFFIX) or is_part(item.name))
            for item in items
        )


def content_of(path: str) -> tuple[bytes, float]:
    """A file with code, and when it was last changed, in seconds.

    Raises:
        OSError: there is none, or it is not to be trusted: no file, or not this user's alone.
    """
    descriptor = os.open(path, _READ)
    try:
        status = os.fstat(descriptor)
        is_ours = status.st_uid == os.getuid() and not status.st_mode & stat.S_IWOTH
        if not (is_ours and stat.S_ISREG(status.st_mode)):
            raise PermissionError(EPERM, "not ours alone")
        data = os.read(descriptor, status.st_size)
        while len(data) < status.st_size and (more := os.read(descriptor, status.st_size)):
            data += more  # file systems of other machines may give less than they have
        return data, status.st_mtime
    finally:
        os.close(descriptor)


def _tag_of(folder: str) -> str:
    return os.path.join(folder, TAG)

"""Files while they are being written: nobody ever reads half of one.

    folder/.jitvm-<random>.part    locked by its writer --commit--> folder/name

A writer that is killed leaves its part, but not its lock: the next writer in that folder removes
any part that nobody has locked. Process numbers would not do, because in a container each run has
the same one; and no other program creates files with such names.

`Part` is such a file; `write_whole` writes one at once; `Pending` is for results that a user names,
which may also be a device or a pipe.

Rules
 1. An unlocked part may be removed by anyone. It may already be gone between being created and
    being locked, so its writer checks and creates another.
 2. On a file system without locks, nothing is removed.
 3. `ENDING` knows of a part before its file exists, so no signal leaves one, whenever it arrives.
 4. A result that replaces a file takes over its permissions and, as far as permitted, its owner.
"""

from __future__ import annotations

import os
import stat

from jitvm.engine.host.signals import ENDING
from jitvm.guest.light import suppress

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable

_PREFIX, _SUFFIX = ".jitvm-", ".part"


class Part:
    """A file while it is written.

    Args:
        target: where it is to be.
        mode: its permissions; what is in its place now is replaced whatever it is. None: links are
            followed, and the file there is replaced by one like it.

    Attributes:
        path: where to write meanwhile.
        descriptor: it, open for writing.

    Raises:
        OSError: it cannot be made.
    """

    def __init__(self, target: str, mode: int | None = None) -> None:
        self._target = os.path.realpath(target) if mode is None else target
        folder = os.path.dirname(self._target) or "."
        self._replaced = _status(self._target) if mode is None else None
        self.path, self.descriptor = "", -1
        ENDING.undo.append(self.discard)
        try:
            self._make(folder, 0o666 if mode is None else mode)
            if self._replaced is not None:  # until it is complete, it can be written in any case
                os.fchmod(self.descriptor, stat.S_IMODE(self._replaced.st_mode) | stat.S_IRWXU)
            sweep(folder)
        except BaseException:
            self.discard()
            raise

    def _make(self, folder: str, mode: int) -> None:
        """Make the file, open and locked."""
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        while True:
            self.path = os.path.join(folder, f"{_PREFIX}{os.urandom(8).hex()}{_SUFFIX}")
            self.descriptor = os.open(self.path, flags, mode)
            _lock(self.descriptor, waiting=True)
            if os.fstat(self.descriptor).st_nlink:
                return
            os.close(self.descriptor)

    def write(self, data: bytes) -> None:
        """Write all of it.

        Raises:
            OSError: it cannot be written.
        """
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self.descriptor, rest) :]

    def commit(self) -> None:
        """Put it in its place.

        Raises:
            OSError: that cannot be done; what was written is thrown away.
        """
        try:
            if self._replaced is not None:
                with suppress(OSError):
                    os.fchown(self.descriptor, self._replaced.st_uid, self._replaced.st_gid)
                os.fchmod(self.descriptor, stat.S_IMODE(self._replaced.st_mode) & 0o777)
            os.replace(self.path, self._target)
        finally:
            self.discard()

    def discard(self) -> None:
        """Throw it away, unless it is in its place already."""
        if self.path:
            with suppress(OSError):
                os.unlink(self.path)
        self.path, descriptor, self.descriptor = "", self.descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)
        with suppress(ValueError):
            ENDING.undo.remove(self.discard)


class Pending:
    """A result while it is written: a part, or what is no regular file, which is written as it is.

    Args:
        path: as the user named it.

    Attributes:
        path: likewise.
        beside: where to write meanwhile; empty at first.

    Raises:
        OSError: it cannot be written.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._part: Part | None = None
        try:
            if is_special(path):
                self.beside = os.path.realpath(path)
                os.close(os.open(self.beside, os.O_WRONLY | os.O_CLOEXEC))
            else:
                self._part = Part(path)
                self.beside = self._part.path
        except OSError as error:
            raise about(path, error) from error

    def commit(self) -> None:
        """Put the file in its place.

        Raises:
            OSError: that cannot be done; what was written is thrown away.
        """
        try:
            if self._part is not None:
                self._part.commit()
        except OSError as error:
            raise about(self.path, error) from error

    def discard(self) -> None:
        """Throw away what was written, unless it is in its place already."""
        if self._part is not None:
            self._part.discard()


def about(path: str, error: OSError) -> OSError:
    """An error about a part as one about what the user has named."""
    return OSError(error.errno, error.strerror, path) if error.strerror else error


def is_special(path: str) -> bool:
    """Whether a path leads to what is there and is no regular file."""
    found = _status(path)
    return found is not None and not stat.S_ISREG(found.st_mode)


def write_whole(target: str, data: bytes, mode: int | None = None) -> None:
    """Write a file at once; the arguments are those of `Part`.

    Raises:
        OSError: it cannot be written; what was there before still is.
    """
    part = Part(target, mode)
    try:
        part.write(data)
        part.commit()
    finally:
        part.discard()


def write_unnoticed(target: str, data: bytes, mode: int, may_still: Callable[[], bool]) -> None:
    """Write a file at once, of which nothing is seen in its folder before it is there.

    Args:
        target: where it is to be.
        data: what is in it.
        mode: its permissions.
        may_still: asked when it is complete, whether it may be put there.

    Raises:
        OSError: it cannot be written, as where a file system has no files without a name.
    """
    folder = os.path.dirname(target)
    descriptor = os.open(folder, os.O_RDWR | os.O_TMPFILE | os.O_CLOEXEC, mode)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        path = os.path.join(folder, f"{_PREFIX}{os.urandom(8).hex()}{_SUFFIX}")
        if may_still():
            # Python follows the link that this is only where it is given a folder as well.
            os.link(f"/proc/self/fd/{descriptor}", path, src_dir_fd=descriptor)
            os.replace(path, target)
    finally:
        os.close(descriptor)


def write_result(path: str, data: bytes) -> None:
    """Write a result that a user names, at once; see `Pending`.

    Raises:
        OSError: it cannot be written; what was there before still is.
    """
    pending = Pending(path)
    try:
        with open(pending.beside, "wb") as file:
            file.write(data)
        pending.commit()
    except OSError as error:
        raise about(path, error) from error
    finally:
        pending.discard()


def is_part(name: str) -> bool:
    """Whether a file in a folder is called like one."""
    return name.startswith(_PREFIX) and name.endswith(_SUFFIX)


def sweep(folder: str, is_one: Callable[[str], bool] = is_part) -> int:
    """Remove parts whose writers are gone; returns how many bytes that gave back."""
    freed = 0
    with suppress(OSError), os.scandir(folder) as items:
        for name in [item.name for item in items if is_one(item.name)]:
            with suppress(OSError):
                freed += _remove_abandoned(os.path.join(folder, name))
    return freed


def _remove_abandoned(path: str) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or not _lock(descriptor, waiting=False):
            return 0
        os.unlink(path)
        return status.st_size
    finally:
        os.close(descriptor)


def _status(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except OSError:
        return None


def _lock(descriptor: int, *, waiting: bool) -> bool:
    """Lock a file; False if somebody else has, or if there are no locks."""
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if waiting else fcntl.LOCK_NB))
    except OSError:
        return False
    return True

"""Confines a guest to one folder, even if files are renamed meanwhile.

A path is walked one name at a time with file descriptors, never passed to the system as a whole:

    root fd -> openat(name, no links) -> openat(name, no links) -> ... -> parent fd, last name

Rules
 1. `..` goes back along the descriptors that were opened on the way, so it cannot be redirected;
    above the root it is refused.
 2. A symbolic link is never followed by the system. Its text is read and walked by the same
    rules; more than `MAX_LINKS` of them are refused.
 3. An absolute path, from the guest or in a link, is accepted if it begins with the root's own
    path, compared name by name; the rest is walked from the root.
 4. Only regular files and folders are opened. The type is checked before opening (opening a device
    can have side effects) and again on what was opened.
 5. A code cache inside the folder is off limits, since later runs execute what is in it. It is
    recognized by its tag, which is looked for in every folder that is opened, by any path. Nor can
    a guest create a tag: after creating anything, the tag is looked for once more.
 6. A hard link cannot be distinguished from a file: keep none to outside files in the folder.
"""

from __future__ import annotations

import errno
import os
import stat

from jitvm.engine.host.descriptor import Descriptor
from jitvm.engine.memory.cachefolder import TAG, is_tagged

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

MAX_LINKS = 40
"""Symbolic links followed in one path; Linux follows as many."""

MAX_PATH = 4096
"""Longest path, in bytes."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# A file could be exchanged for a pipe before it is opened: without O_NONBLOCK that would block.
_FILE = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | getattr(os, "O_NOCTTY", 0)


_TAG = os.fsencode(TAG)


class OutsideError(PermissionError):
    """A path leads out of the sandbox."""

    def __init__(self, path: bytes) -> None:
        super().__init__(errno.EACCES, "outside of the sandbox", path)


class Place:
    """Where a path ends: an open parent folder and the last name; `name` is '.' for the root.

    A context manager: the folders walked through are open until its block ends.
    """

    __slots__ = ("_folders", "name")

    def __init__(self, folders: list[int], name: bytes) -> None:
        self._folders = folders
        self.name = name

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        _close_all(self._folders)

    @property
    def parent(self) -> int:
        """Descriptor of the folder that holds `name`."""
        return self._folders[-1]

    def status(self) -> os.stat_result:
        """What is there, links not followed; OSError where nothing is."""
        return os.stat(self.name, dir_fd=self.parent, follow_symlinks=False)

    def exists(self) -> bool:
        """Whether anything is there."""
        try:
            self.status()
        except FileNotFoundError:
            return False
        return True


class Sandbox:
    """Opens files below a root folder.

    Args:
        root: the folder; it need not exist before it is used.
    """

    def __init__(self, root: str | os.PathLike[str] = ".") -> None:
        self.root = os.path.abspath(os.fsdecode(root))
        self._folder: Descriptor | None = None

    def close(self) -> None:
        """Give back the descriptor; the next use opens it again."""
        if self._folder is not None:
            self._folder.close()
            self._folder = None

    def __del__(self) -> None:
        if getattr(self, "_folder", None) is not None:
            self.close()

    # -- what a guest can do; all raise OSError ------------------------------------------------

    def open_file(self, path: bytes) -> int:
        """Open a regular file for reading and return its descriptor."""
        with self.walk(path) as place:
            _require(place.status(), stat.S_ISREG)
            return _checked(os.open(place.name, os.O_RDONLY | _FILE, dir_fd=place.parent))

    def create_file(self, path: bytes, *, append: bool) -> int:
        """Open a file for writing, at its end or emptied; make it and its folders if missing."""
        with self.walk(path, make_folders=True) as place:
            if place.exists():
                _require(place.status(), stat.S_ISREG)
            flags = os.O_WRONLY | os.O_CREAT | _FILE | (os.O_APPEND if append else 0)
            descriptor = _checked(os.open(place.name, flags, 0o666, dir_fd=place.parent))
            if is_tagged(place.parent):  # it was made meanwhile, or this is it in another spelling
                os.close(descriptor)
                os.unlink(place.name, dir_fd=place.parent)
                raise OutsideError(path)
        if not append:
            # Not O_TRUNC: what was opened had to be looked at first.
            os.ftruncate(descriptor, 0)
        return descriptor

    def reopen_file(self, path: bytes, *, append: bool) -> int:
        """Open a regular file for writing that is there, with what is in it."""
        with self.walk(path) as place:
            _require(place.status(), stat.S_ISREG)
            flags = os.O_WRONLY | _FILE | (os.O_APPEND if append else 0)
            return _checked(os.open(place.name, flags, dir_fd=place.parent))

    def make_folder(self, path: bytes) -> None:
        """Make a folder and those above it, where missing."""
        with self.walk(path + b"/.", make_folders=True):
            return

    def remove(self, path: bytes) -> None:
        """Remove a file's name; a symbolic link is removed, not what it points to."""
        with self.walk(path, follow_last=False) as place:
            _require(place.status(), lambda mode: stat.S_ISREG(mode) or stat.S_ISLNK(mode))
            os.unlink(place.name, dir_fd=place.parent)

    def status(self, path: bytes) -> os.stat_result:
        """Size and type of a regular file or folder."""
        with self.walk(path) as place:
            found = place.status()
            _require(found, lambda mode: stat.S_ISREG(mode) or stat.S_ISDIR(mode))
            return found

    def entries(self, path: bytes) -> list[bytes]:
        """The names in a folder, sorted, without '.' and '..'."""
        with self.walk(path + b"/.") as place:
            return sorted(os.fsencode(name) for name in os.listdir(place.parent))

    # -- walking -----------------------------------------------------------------------------

    def walk(self, path: bytes, *, make_folders: bool = False, follow_last: bool = True) -> Place:
        """Find where a path ends.

        Args:
            path: as the guest wrote it, relative to the root or absolute.
            make_folders: make missing folders on the way.
            follow_last: whether a link at the very end is followed.

        Raises:
            OutsideError: it leads out of the sandbox.
            OSError: it does not exist, is too long, or may not be read.
        """
        if not path:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        if len(path) > MAX_PATH:
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), path)
        folders = [os.dup(self._root())]
        try:
            _keep_out(folders[0], path)
            return self._walk(path, folders, make_folders, follow_last)
        except BaseException:
            _close_all(folders)
            raise

    def _walk(
        self, path: bytes, folders: list[int], make_folders: bool, follow_last: bool
    ) -> Place:
        pending = self._names(path, path)
        links = 0
        while pending:
            name = pending.pop()
            last = not pending
            if name == b"..":
                if len(folders) == 1:
                    raise OutsideError(path)
                os.close(folders.pop())
                continue
            if name == _TAG:
                raise OutsideError(path)
            target = self._link(folders[-1], name) if follow_last or not last else None
            if target is not None:
                links += 1
                if links > MAX_LINKS:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
                if target.startswith(b"/"):
                    self._go_to_root(folders)
                pending += self._names(target, path)
            elif last:
                return Place(folders, name)
            elif name != b".":
                if make_folders:
                    _make_folder(name, folders[-1])
                folders.append(os.open(name, _FOLDER, dir_fd=folders[-1]))
                _keep_out(folders[-1], path)
        return Place(folders, b".")

    def _names(self, text: bytes, path: bytes) -> list[bytes]:
        """The names of a path, the first one last; '.' is kept only at the end of the path."""
        if text.startswith(b"/"):
            text = self._inside(text, path)
        names = [name for name in text.split(b"/") if name not in (b"", b".")]
        if text.endswith((b"/", b"/.")) or not names:
            names.append(b".")
        return names[::-1]

    def _inside(self, text: bytes, path: bytes) -> bytes:
        """What follows the root in an absolute path."""
        names = [name for name in text.split(b"/") if name not in (b"", b".")]
        for root in (self.root, os.path.realpath(self.root)):
            head = [name for name in os.fsencode(root).split(b"/") if name]
            if names[: len(head)] == head:
                slash = b"/" if text.endswith((b"/", b"/.")) else b""
                return b"/".join(names[len(head) :]) + slash
        raise OutsideError(path)

    def _link(self, folder: int, name: bytes) -> bytes | None:
        """The text of a symbolic link, or None for anything else."""
        try:
            return os.readlink(name, dir_fd=folder)
        except OSError as error:
            if error.errno in (errno.EINVAL, errno.ENOENT):
                return None
            raise

    def _go_to_root(self, folders: list[int]) -> None:
        while len(folders) > 1:
            os.close(folders.pop())

    def _root(self) -> int:
        if self._folder is None or not self._folder.is_open:
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
            self._folder = Descriptor(os.open(self.root, flags))
        return self._folder.number


def _keep_out(folder: int, path: bytes) -> None:
    """Refuse an open folder that holds a code cache.

    Raises:
        OutsideError: it does.
    """
    if is_tagged(folder):
        raise OutsideError(path)


def _close_all(descriptors: list[int]) -> None:
    while descriptors:
        os.close(descriptors.pop())


def _make_folder(name: bytes, folder: int) -> None:
    try:
        os.mkdir(name, 0o777, dir_fd=folder)
    except FileExistsError:
        return
    if is_tagged(folder):
        os.rmdir(name, dir_fd=folder)
        raise OutsideError(name)


def _require(found: os.stat_result, is_allowed: Callable[[int], bool]) -> None:
    """Refuse devices, pipes, sockets and whatever else `is_allowed(mode)` does not want."""
    if not is_allowed(found.st_mode):
        raise PermissionError(errno.EACCES, "not a regular file")


def _checked(descriptor: int) -> int:
    """Give back an opened descriptor if it is a regular file's; close it otherwise."""
    try:
        _require(os.fstat(descriptor), stat.S_ISREG)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor

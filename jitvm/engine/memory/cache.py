"""Machine code kept between runs in the user's cache folder.

    <folder>/<kind>-<checksum of the key>.code
        MAGIC | checksum of the rest | length, key | length, symbols | code

The key is a text that names everything the code depends on: jitvm's own sources, the guest's
description, the installed LLVM, the processor and the parameters. It is stored and compared in
full, so nothing ever needs to be invalidated and checksums need not be cryptographic. A damaged,
foreign or unreadable file is ignored, reported once through `warn`, and replaced.

Machine code is trusted by whoever runs it, so the folder is private (0700), no guest can get into
it (see `jitvm.engine.memory.cachefolder`), and files are read only if they belong to this user.
Files are written next to their destination and renamed (see `jitvm.engine.host.part`), so any
number of processes may share the folder; the next writer removes what killed ones left. Above LIMIT
bytes the least recently used files are evicted.
"""

from __future__ import annotations

import os
import time
import zlib

from jitvm.engine.host.notes import note, reason
from jitvm.engine.memory.cachefolder import (
    SUFFIX,
    claim,
    content_of,
    default_folder,
    is_own,
    is_trusted,
)

TYPE_CHECKING = False  # known to type checkers; `pathlib` and `dataclasses` cost 15 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable

MAGIC = b"jitvm-code-1\n"
LIMIT = 128 << 20
"""Bytes that a cache folder holds before the oldest files go; of the folder, which machines and
processes share, so no row of `params`."""
LONGEST_NAME = 64
"""Letters of a guest's name, and what its code is, in the name of a file."""


class CachedCode:
    """Code of one module and the offsets of its functions; see `jitvm.engine.codegen.native`."""

    __slots__ = ("machine_code", "symbols")

    def __init__(self, machine_code: bytes, symbols: dict[str, int]) -> None:
        self.machine_code = machine_code
        self.symbols = symbols

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, CachedCode)
            and self.machine_code == other.machine_code
            and self.symbols == other.symbols
        )

    __hash__ = None  # type: ignore[assignment]


class Entry:
    """A file of the cache: its name, size in bytes and time of last use in seconds."""

    __slots__ = ("path", "size", "used")

    def __init__(self, path: str, size: int, used: float) -> None:
        self.path = path
        self.size = size
        self.used = used


class CodeCache:
    """A folder of machine code.

    Args:
        folder: where; made at the first write. None: `cachefolder.default_folder()`.
        warn: called with one line when a file is ignored or cannot be written.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str] | None = None,
        warn: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._folder = None if folder is None else os.fspath(folder)
        self._warn = warn
        self._pinned: int | None = None
        self._names: set[str] = set()

    @property
    def folder(self) -> str | None:
        """Where the files are; without a folder of its own, what the environment says now.

        None if there is no home for it.
        """
        return default_folder() if self._folder is None else self._folder

    @property
    def is_own(self) -> bool:
        """Whether the folder can be used: it has its tag, or nothing but files of the cache in it.

        Raises:
            OSError: it cannot be read.
        """
        folder = self.folder
        if folder is None or is_trusted(folder):
            return folder is not None
        try:
            return is_own(folder, _is_abandoned)
        except (FileNotFoundError, NotADirectoryError):
            return True

    # -- files -------------------------------------------------------------------------------

    def load(self, kind: str, key: str) -> CachedCode | None:
        """What is stored under a key, or None."""
        folder = self.folder
        if folder is None:
            return None
        path = _path(folder, kind, key)
        try:
            if not is_trusted(folder):
                return None
            data, used = content_of(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            self._warn(f"{path}: {error.strerror}; code is compiled again")
            return None
        code = _decode(key, data)
        if code is None:
            self.report_damaged(kind, key)
        elif time.time() - used > 3600:
            _touch(path)
        return code

    def report_damaged(self, kind: str, key: str) -> None:
        """Say that what is stored under a key is of no use."""
        if (folder := self.folder) is not None:
            self._warn(f"{_path(folder, kind, key)}: damaged; code is compiled again")

    def store(self, kind: str, key: str, code: CachedCode) -> None:
        """Keep code; failing to is no error."""
        folder = self.folder
        if folder is None:
            return
        if self._pinned is not None:
            self._store_unnoticed(_path(folder, kind, key), _encode(key, code))
            return
        try:
            from jitvm.engine.host.part import write_whole

            if not claim(folder, _is_abandoned):
                note(f"no code cache in {folder}, which holds other files", "nothing is kept")
                return
            write_whole(_path(folder, kind, key), _encode(key, code), 0o600)
            _sweep(folder)  # not at each load, which would have to look at every name in it
            self._evict()
        except (OSError, ImportError) as error:  # there may be no more descriptors to import with
            self._warn(f"{folder}: {reason(error)}; compiled code is not kept")

    def pin(self) -> bool:
        """Keep nothing from now on but in the folder as it is: once it was removed or replaced, or
        a file of it, it is none of ours. In a process that nobody knows of.

        Returns whether there is one.
        """
        try:
            self._pinned = os.open(self.folder or "", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            self._names = {name for name in os.listdir(self._pinned) if name.endswith(SUFFIX)}
        except OSError:
            return False
        return True

    def begin_work(self, kind: str, key: str) -> int | None:
        """Say that what belongs under a key is being made; see `jitvm.engine.memory.atwork`."""
        from jitvm.engine.memory.atwork import begin

        return begin(self.folder or "", _check(kind, key))

    def is_at_work(self, kind: str, key: str) -> bool:
        """Whether another process is making what belongs under a key."""
        from jitvm.engine.memory.atwork import is_at_work

        return is_at_work(self.folder or "", _check(kind, key))

    def is_only_one(self) -> bool:
        """Whether no other process has asked this of the pinned folder, and is still there."""
        import fcntl

        assert self._pinned is not None
        try:
            fcntl.flock(self._pinned, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def _store_unnoticed(self, path: str, data: bytes) -> None:
        """Keep code in the pinned folder, while whoever removes it does not wait for us."""
        from contextlib import suppress

        from jitvm.engine.host.part import write_unnoticed

        with suppress(OSError):
            if self._is_as_pinned(path):
                write_unnoticed(path, data, 0o600, lambda: self._is_as_pinned(path))

    def _is_as_pinned(self, path: str) -> bool:
        """Whether the folder of a file is the one that was pinned, and nothing is missing in it."""
        folder = os.path.dirname(path)
        assert self._pinned is not None
        try:
            is_same = os.path.samestat(os.stat(folder), os.fstat(self._pinned))
            return is_same and self._names.issubset(os.listdir(folder)) and is_trusted(folder)
        except OSError:
            return False

    def entries(self) -> list[Entry]:
        """All files, the least recently used first."""
        return self._files(lambda name: name.endswith(SUFFIX))

    def abandoned(self) -> list[Entry]:
        """Files that were never completed; those that are being written now are among them."""
        return self._files(_is_abandoned)

    def clear(self) -> int:
        """Delete all files; returns how many bytes that gave back."""
        folder = self.folder
        freed = 0 if folder is None else _sweep(folder)
        entries = self.entries()
        for entry in entries:
            _remove(entry.path)
        return freed + sum(entry.size for entry in entries)

    def _files(self, is_one: Callable[[str], bool]) -> list[Entry]:
        found: list[Entry] = []
        folder = self.folder
        if folder is None:
            return found
        try:
            items = os.scandir(folder)
        except (FileNotFoundError, NotADirectoryError):
            return found
        with items:
            for item in filter(lambda item: is_one(item.name), items):
                try:
                    status = item.stat(follow_symlinks=False)
                except FileNotFoundError:  # another process has removed it meanwhile
                    continue
                found.append(Entry(item.path, status.st_size, status.st_mtime))
        return sorted(found, key=lambda entry: entry.used)

    def _evict(self) -> None:
        entries = self.entries()
        excess = sum(entry.size for entry in entries) - LIMIT
        for entry in entries:
            if excess <= 0:
                break
            _remove(entry.path)
            excess -= entry.size


def _sweep(folder: str) -> int:
    """Remove what was never completed and nobody completes; the bytes that gives back."""
    from jitvm.engine.host.part import sweep

    return sweep(folder, _is_abandoned)


def _path(folder: str, kind: str, key: str) -> str:
    # Whatever a guest is called: its name is part of a file's name here, and of the key.
    name = "".join(each if each.isascii() and each.isalnum() else "-" for each in kind)
    return os.path.join(folder, f"{name[:LONGEST_NAME]}-{_check(kind, key):08x}{SUFFIX}")


def _check(kind: str, key: str) -> int:
    """What tells keys apart in short: 32 bits."""
    return zlib.crc32(_bytes(f"{kind}\n{key}"))


def _bytes(key: str) -> bytes:
    """A key as bytes; a path in it may hold what is no text."""
    return key.encode("utf-8", "surrogatepass")


def _field(content: bytes) -> bytes:
    return len(content).to_bytes(4, "little") + content


def _encode(key: str, code: CachedCode) -> bytes:
    symbols = "\n".join(f"{name} {offset:x}" for name, offset in code.symbols.items())
    body = _field(_bytes(key)) + _field(symbols.encode()) + code.machine_code
    return MAGIC + zlib.crc32(body).to_bytes(4, "little") + body


def _decode(key: str, data: bytes) -> CachedCode | None:
    """The code in a file's content, or None if it is not what was stored under this key."""
    start = len(MAGIC) + 4
    body = data[start:]
    if data[:start] != MAGIC + zlib.crc32(body).to_bytes(4, "little"):
        return None
    length = int.from_bytes(body[:4], "little")
    if body[4 : 4 + length] != _bytes(key):
        return None
    body = body[4 + length :]
    length = int.from_bytes(body[:4], "little")
    machine_code = body[4 + length :]
    try:
        lines = (line.split() for line in body[4 : 4 + length].decode().splitlines())
        symbols = {name: int(offset, 16) for name, offset in lines}
    except ValueError:
        return None
    # A right checksum says nothing about offsets: nothing is called outside the code.
    if not all(0 <= offset <= len(machine_code) for offset in symbols.values()):
        return None
    return CachedCode(machine_code, symbols)


def _is_abandoned(name: str) -> bool:
    """Whether it is a part, under the name of today or of earlier versions."""
    if not name.endswith(".part"):
        return False
    from jitvm.engine.host.part import is_part

    return is_part(name) or ".code." in name


def _touch(path: str) -> None:
    try:
        os.utime(path)
    except OSError:
        return


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        return

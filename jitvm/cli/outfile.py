"""Writing result files: beside their place first, then renamed.

`write_files` writes all of them or none; `Pending` is a file that is written little by little.
Whatever fails (a full disk, a folder that cannot be written), no half-written file is left and
what was there before is untouched. A target that is no regular file (a device, a pipe) is written
to as it is.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress

from jitvm.cli.exits import unwritable


def write_files(contents: dict[str, bytes]) -> None:
    """Write files, by path.

    Raises:
        Failure: one of them cannot be written.
    """
    moves: list[tuple[str, str]] = []
    try:
        for path, data in contents.items():
            try:
                _write_beside(path, data, moves)
            except OSError as error:
                raise unwritable(path, error) from error
        for beside, target in moves:
            try:
                os.replace(beside, target)
            except OSError as error:
                raise unwritable(target, error) from error
    finally:
        for beside, _ in moves:
            with suppress(FileNotFoundError):
                os.unlink(beside)


class Pending:
    """A result file while it is written.

    Attributes:
        path: as the user named it.
        beside: where to write meanwhile; empty at first.

    Raises:
        Failure: the file cannot be written.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._target = os.path.realpath(path)
        self._is_special = _is_special(self._target)
        try:
            if self._is_special:
                self.beside = self._target
                os.close(os.open(self.beside, os.O_WRONLY | os.O_CLOEXEC))
            else:
                self.beside = _beside(self._target)
                os.close(_create(self.beside))
        except OSError as error:
            raise unwritable(path, error) from error

    def commit(self) -> None:
        """Put the file in its place.

        Raises:
            Failure: that cannot be done; what was written is thrown away.
        """
        if self._is_special:
            return
        try:
            os.replace(self.beside, self._target)
        except OSError as error:
            self.discard()
            raise unwritable(self.path, error) from error

    def discard(self) -> None:
        """Throw away what was written, unless it is in its place already."""
        if not self._is_special:
            with suppress(OSError):
                os.unlink(self.beside)


def _write_beside(path: str, data: bytes, moves: list[tuple[str, str]]) -> None:
    target = os.path.realpath(path)
    if _is_special(target):
        with open(target, "wb", buffering=0) as file:
            _write_all(file.fileno(), data)
        return
    beside = _beside(target)
    descriptor = _create(beside)
    moves.append((beside, target))
    try:
        _write_all(descriptor, data)
    finally:
        os.close(descriptor)


def _beside(target: str) -> str:
    folder, name = os.path.split(target)
    return os.path.join(folder, f".{name}.{os.getpid()}.part")


def _create(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _is_special(path: str) -> bool:
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode)

"""Writing result files: beside their place first, then renamed, all of them or none.

Whatever fails (a full disk, a folder that cannot be written), no half-written file is left and
what was there before is untouched. A target that is no regular file (a device, a pipe) is written
to as it is.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress

from jitvm.cli.exits import Exit, Failure


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
                raise _failure(path, error) from error
        for beside, target in moves:
            try:
                os.replace(beside, target)
            except OSError as error:
                raise _failure(target, error) from error
    finally:
        for beside, _ in moves:
            with suppress(FileNotFoundError):
                os.unlink(beside)


def _write_beside(path: str, data: bytes, moves: list[tuple[str, str]]) -> None:
    target = os.path.realpath(path)
    if _is_special(target):
        with open(target, "wb", buffering=0) as file:
            _write_all(file.fileno(), data)
        return
    folder, name = os.path.split(target)
    beside = os.path.join(folder, f".{name}.{os.getpid()}.part")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    moves.append((beside, target))
    try:
        _write_all(descriptor, data)
    finally:
        os.close(descriptor)


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


def _failure(path: str, error: OSError) -> Failure:
    return Failure(
        f"{path}: cannot be written: {error.strerror}; name another place with -o", Exit.FAILURE
    )

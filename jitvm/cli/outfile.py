"""Writes result files: first next to their destination, then renamed; see `jitvm.engine.host.part`.

`write_files` writes all of them or none; `Pending` is a file that is written incrementally. On any
failure (a full disk, a read-only folder) no partial file is left and an existing file is unchanged.
A target that is not a regular file (a device, a pipe) is written to directly.
"""

from __future__ import annotations

import sys

from jitvm.cli.exits import Exit, Failure, unwritable
from jitvm.engine.host.part import Part, is_special
from jitvm.engine.host.part import Pending as PendingFile
from jitvm.engine.host.signals import ENDING


def write_files(contents: dict[str, bytes]) -> None:
    """Write files, by path; a signal waits until all are there.

    Raises:
        Failure: one of them cannot be written.
    """
    parts: list[tuple[str, Part]] = []
    with ENDING.held():
        try:
            for path, data in contents.items():
                try:
                    _write_beside(path, data, parts)
                except OSError as error:
                    raise unwritable(path, error) from error
            for path, part in parts:
                try:
                    part.commit()
                except OSError as error:
                    raise unwritable(path, error) from error
        finally:
            for _, part in parts:
                part.discard()


class Pending(PendingFile):
    """A result file while it is written little by little; see `jitvm.engine.host.part.Pending`.

    Raises:
        Failure: the file cannot be written.
    """

    def __init__(self, path: str) -> None:
        try:
            super().__init__(path)
        except OSError as error:
            raise unwritable(path, error) from error

    def commit(self) -> None:
        """Put the file in its place.

        Raises:
            Failure: that cannot be done; what was written is thrown away.
        """
        try:
            super().commit()
        except OSError as error:
            raise unwritable(self.path, error) from error


def print_bytes(data: bytes) -> None:
    """Write a result to standard output.

    Raises:
        Failure: it is closed.
    """
    if sys.stdout is None:
        raise Failure("standard output is closed; name a file with -o", Exit.FAILURE)
    sys.stdout.buffer.write(data)


def _write_beside(path: str, data: bytes, parts: list[tuple[str, Part]]) -> None:
    if is_special(path):
        with open(path, "wb", buffering=0) as file:
            rest = memoryview(data)
            while rest:
                rest = rest[file.write(rest) :]
        return
    part = Part(path)
    parts.append((path, part))
    part.write(data)

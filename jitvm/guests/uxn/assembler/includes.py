"""Finding and reading the files a source includes.

``~path`` is looked for next to the file that includes it, then next to the main source, then in the
folders above it, as projects write their includes relative to their root: ``~src/x.tal`` in
``project/src/main.tal``. Then in the current folder, and in the include root if one was given.

A file is opened only if, with symbolic links resolved, it is a regular file below an allowed
folder: the include root if there is one, otherwise the folder of the main source or the current
folder. A source from a stranger therefore cannot pull other files of the user into a ROM.
"""

from __future__ import annotations

import os
import stat

from jitvm.guests.uxn.assembler.errors import Problem
from jitvm.guests.uxn.assembler.limits import MAX_SOURCE_BYTES
from jitvm.guests.uxn.assembler.source import SourceFile
from jitvm.platform.widetext import wide_encoding

LEVELS = 3
"""How many folders above the top source's one are looked in."""


class IncludeError(Exception):
    """A file cannot be included; holds the problem, the details and a hint."""

    def __init__(self, problem: Problem, details: str, hint: str = "") -> None:
        super().__init__(details)
        self.problem = problem
        self.details = details
        self.hint = hint


class Includes:
    """Opens included files for one run and counts the bytes read; `here` is the current folder."""

    def __init__(self, top_folder: str, root: str | None, here: str = os.curdir) -> None:
        self._folders = [top_folder, *_above(top_folder), here]
        if root is not None:
            self._folders.append(root)
        allowed = (root,) if root is not None else (top_folder, here)
        self._allowed = tuple(os.path.realpath(folder) for folder in allowed)
        self._bytes_left = MAX_SOURCE_BYTES

    def open(self, name: str, includer: SourceFile) -> SourceFile:
        """Return the source an include names; raise IncludeError when it cannot be had."""
        path, resolved = self._find(name, includer)
        content = self.read(resolved, self._bytes_left)
        self._bytes_left -= len(content)
        return SourceFile.of(path, content, os.path.dirname(path) or os.curdir, resolved)

    def read(self, resolved: str, most: int) -> bytes | str:
        """The contents of a file; an editor's may be newer than those on disk."""
        return read_source(resolved, most)

    def _find(self, name: str, includer: SourceFile) -> tuple[str, str]:
        """The path of an included file, for messages, and the same without links."""
        if not name:
            raise IncludeError(Problem.INCLUDE_INVALID, "a path is missing", "write ~folder/file")
        folders = [includer.folder, *self._folders]
        is_there, outside = False, None
        for folder in folders:
            path = plain(os.path.join(folder, name))
            if os.path.lexists(path):
                resolved = os.path.realpath(path)
                if any(_is_below(resolved, allowed) for allowed in self._allowed):
                    return path, resolved
                if _is_below(resolved, os.path.realpath(folder)):
                    outside = outside or os.path.realpath(folder)
                is_there = True
        if is_there:
            allowed = ", ".join(sorted(set(self._allowed)))
            more = "" if outside is None else f"; take another with `--include-root {outside}`"
            raise IncludeError(
                Problem.INCLUDE_INVALID,
                "the file is outside the folders that may be included from",
                f"allowed: {allowed}{more}",
            )
        tried = dict.fromkeys(os.path.abspath(folder) for folder in folders)
        raise IncludeError(Problem.INCLUDE_MISSING, "no such file", "looked in " + ", ".join(tried))


def plain(path: str) -> str:
    """A path without what says nothing: ``./`` and doubled slashes."""
    names = [name for name in path.split("/") if name not in ("", os.curdir)]
    return "/" * path.startswith("/") + "/".join(names) or os.curdir


def _is_below(path: str, folder: str) -> bool:
    """Whether a path is that of a folder or of something in it; both are without links."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _above(folder: str) -> list[str]:
    """The folders above one, the closest first; relative, as messages have them, where they can be.

    Of files in them only those are read that lie in an allowed folder.
    """
    here = os.getcwd()
    above: list[str] = []
    path = os.path.abspath(folder)
    while len(above) < LEVELS and path != os.path.dirname(path):
        path = os.path.dirname(path)
        below = path != here and _is_below(path, here)
        above.append(os.path.relpath(path, here) if below else path)
    return above


def read_source(path: str, most: int = MAX_SOURCE_BYTES) -> bytes:
    """Read a regular file of at most `most` bytes; raise IncludeError otherwise."""
    try:
        with open(path, "rb", opener=_open_without_waiting) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise IncludeError(Problem.INCLUDE_INVALID, "not a regular file")
            content = file.read(most + 1)
    except FileNotFoundError as error:
        raise IncludeError(Problem.INCLUDE_MISSING, "no such file") from error
    except IsADirectoryError as error:
        raise IncludeError(Problem.INCLUDE_INVALID, "it is a folder") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise IncludeError(Problem.INCLUDE_INVALID, reason) from error
    if len(content) > most:
        raise IncludeError(Problem.LIMIT, f"over {MAX_SOURCE_BYTES >> 20} MiB of source")
    encoding = wide_encoding(content)
    if encoding is not None:
        raise IncludeError(Problem.ENCODING, f"it is {encoding} text; save it as UTF-8")
    return content


def _open_without_waiting(path: str, flags: int) -> int:
    """Open a file so that a FIFO without a writer does not hang before it can be refused."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))

"""Which files a program is made of, and whether they have changed.

A source is watched with all that it includes, also with what could not be found or assembled, so
that putting a mistake right is seen, too. A change counts when the files look the same twice, since
editors and assemblers take their time to write.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    Signature = tuple[tuple[str, int, int, int] | None, ...]

INTERVAL = 0.15
"""Seconds between looks at the files."""

SOURCE_SUFFIX = ".tal"
MOST_FILES = 1000
LARGEST = 4 << 20
"""Bytes of a source that includes are looked for in."""


class ProgramFiles:
    """The files of a program.

    Args:
        path: a ROM or a source.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._files = self._find()
        self._seen = self._candidate = self._look()
        self._next = 0.0

    def changed(self) -> bool:
        """Whether they have, since the last call that said so. Cheap: call it often."""
        now = monotonic()
        if now < self._next:
            return False
        self._next = now + INTERVAL
        signature = self._look()
        settled = signature == self._candidate
        self._candidate = signature
        if signature == self._seen or not settled or signature[0] is None:
            return False
        self._files = self._find()
        self._seen = self._candidate = self._look()
        return True

    def _find(self) -> tuple[Path, ...]:
        return tuple(source_files(Path(self.path)))

    def _look(self) -> Signature:
        return tuple(_signature(path) for path in self._files)


def source_files(top: Path) -> Iterator[Path]:
    """A program's own file and all that it includes, each once; missing ones as well.

    Includes are looked for as the assembler does: next to the file that names them, then in the
    current folder. Words in comments that look like includes are taken for such.
    """
    waiting, known = [top], {top}
    while waiting and len(known) < MOST_FILES:
        path = waiting.pop()
        yield path
        if path.suffix != SOURCE_SUFFIX:
            continue
        for name in _included(path):
            for folder in (path.parent, Path()):
                found = folder / name
                if found not in known:
                    known.add(found)
                    waiting.append(found)
                if os.path.lexists(found):
                    break


def _included(path: Path) -> list[str]:
    try:
        with open(path, "rb") as file:
            text = file.read(LARGEST).decode("utf-8", "replace")
    except (OSError, ValueError):
        return []
    words = (word for word in text.split() if word.startswith("~"))
    return [word[1:] for word in words if len(word) > 1 and "\0" not in word]


def _signature(path: Path) -> tuple[str, int, int, int] | None:
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return str(path), status.st_mtime_ns, status.st_size, status.st_ino

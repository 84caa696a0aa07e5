"""Detects changes of the files that make up a program.

Its platform lists the files: for a source all that it includes, even if missing or not assembled,
so that fixing a mistake is noticed too. A change counts once the files look the same twice in a
row, since editors and assemblers take some time to write.
"""

from __future__ import annotations

from pathlib import Path
from time import monotonic

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Signature = tuple[tuple[str, int, int, int] | None, ...]

INTERVAL = 0.15
"""Seconds between looks at the files."""


class ProgramFiles:
    """The files of a program.

    Args:
        path: the program.
        files_of: gives its files by it, the program itself first.
    """

    def __init__(self, path: str, files_of: Callable[[str], Iterable[Path]]) -> None:
        self.path = path
        self._files_of = files_of
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
        return tuple(self._files_of(self.path))

    def _look(self) -> Signature:
        return tuple(_signature(path) for path in self._files)


def _signature(path: Path) -> tuple[str, int, int, int] | None:
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return str(path), status.st_mtime_ns, status.st_size, status.st_ino

"""From the marks of a machine to lines of its program's source."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from jitvm.coverage.results import BRANCH, Coverage, FileCoverage
from jitvm.guest.marks import JUMPED, WENT_ON

if TYPE_CHECKING:
    from jitvm.platform.computer import Computer


class Collector:
    """Collects the coverage of a computer's program, which has not run yet.

    Raises:
        RuntimeError, NativeError, ImportError, OSError: as for `Machine.mark`.
    """

    def __init__(self, computer: Computer) -> None:
        self._machine = computer.machine
        self._program = computer.program
        self._marks = self._machine.mark()
        self._memory = bytes(self._machine.memory)
        self._digests = {path: _digest(path) for path in self._files()}

    def _files(self) -> set[str]:
        program = self._program
        if program is None:
            return set()
        places = (program.place(at) for at in program.instructions())
        return {place.file for place in places if place.file}

    def coverage(self) -> Coverage:
        """What was executed so far."""
        found = Coverage(opcodes={self._machine.guest.name: set(self._marks.opcodes)})
        program = self._program
        if program is None:
            return found
        marks, branches = self._marks.places, self._marks.branches
        known = set(program.instructions())
        firsts: dict[tuple[str, int], int] = {}
        for at in sorted(known.union(at for at, mark in enumerate(marks) if mark)):
            place = program.place(at)
            if not place.file:
                continue
            cell = marks[at]
            is_known_branch = at in known and self._memory[at] in branches
            if is_known_branch or cell & (WENT_ON | JUMPED):
                cell |= BRANCH
            path = _path(place.file)
            file = found.files.setdefault(path, FileCoverage(self._digests.get(place.file, "")))
            first = firsts.setdefault((path, place.line), at)
            file.lines.setdefault(place.line, {})[at - first] = cell
        return found


def _path(file: str) -> str:
    return os.path.realpath(file) if os.path.exists(file) else file


def _digest(path: str) -> str:
    """Of a source's contents."""
    try:
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    except (OSError, ValueError):
        return ""

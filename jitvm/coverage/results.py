"""What is known of some runs of programs: a *cell* for each instruction, by lines of sources.

    Coverage   files[path] -> FileCoverage, opcodes[guest] -> numbers
    FileCoverage   lines[number] -> {bytes after the line's first one: cell}

A cell is a number of four bits: those of `jitvm.guest.marks`, and `BRANCH` for an instruction that
may go two ways. Merging runs is an *or* of cells. Files of results are JSON; cells there are one
digit in base 16.

Paths are absolute, so that results of several folders can be merged, and shown from the current
folder on.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from jitvm.guest.marks import EXECUTED, JUMPED, WENT_ON

BRANCH = 8
FORMAT = "jitvm coverage 1"
LARGEST_FILE = 256 << 20


class CoverageError(ValueError):
    """A file of results cannot be read, or does not fit to others; the message says what to do."""


@dataclass(slots=True)
class FileCoverage:
    """One source.

    Attributes:
        digest: of its contents when the program was run; empty if it could not be read.
        lines: cells of each line that has instructions.
    """

    digest: str = ""
    lines: dict[int, dict[int, int]] = field(default_factory=dict)

    def is_hit(self, line: int) -> bool:
        """Whether an instruction of a line was executed."""
        return any(cell & EXECUTED for cell in self.lines[line].values())

    def is_partial(self, line: int) -> bool:
        """Whether it was, but not all of them, or a branch not both ways."""
        is_whole = all(cell & EXECUTED for cell in self.lines[line].values())
        return self.is_hit(line) and not (is_whole and all(map(all, self.ways(line))))

    def ways(self, line: int) -> list[tuple[bool, bool, bool]]:
        """Of each branch of a line: whether it was executed, went on, jumped."""
        return [
            (bool(cell & EXECUTED), bool(cell & WENT_ON), bool(cell & JUMPED))
            for _, cell in sorted(self.lines[line].items())
            if cell & BRANCH
        ]

    @property
    def totals(self) -> Totals:
        """Its lines and ways of branches."""
        found = Totals()
        for line in self.lines:
            found.lines += 1
            found.hit_lines += self.is_hit(line)
            for _, on, jumped in self.ways(line):
                found.ways += 2
                found.hit_ways += on + jumped
        return found

    def missing(self) -> Iterator[tuple[int, int]]:
        """First and last numbers of runs of lines that were not executed, without any that were
        between."""
        first = last = 0
        for line in sorted(self.lines):
            if self.is_hit(line):
                if first:
                    yield first, last
                first = 0
            else:
                first, last = first or line, line
        if first:
            yield first, last


@dataclass(slots=True)
class Totals:
    """How many there are, and how many of them were executed or taken."""

    lines: int = 0
    hit_lines: int = 0
    ways: int = 0
    hit_ways: int = 0

    def __add__(self, other: Totals) -> Totals:
        return Totals(
            self.lines + other.lines,
            self.hit_lines + other.hit_lines,
            self.ways + other.ways,
            self.hit_ways + other.hit_ways,
        )

    @property
    def share(self) -> float:
        """Lines and ways together, 0 to 1, as coverage.py counts them; 1 of nothing."""
        all_ = self.lines + self.ways
        return (self.hit_lines + self.hit_ways) / all_ if all_ else 1.0


@dataclass(slots=True)
class Coverage:
    """All that is known of some runs.

    Attributes:
        files: by absolute path, or what a source without one is called.
        opcodes: numbers of those that were executed, by the name of the guest.
    """

    files: dict[str, FileCoverage] = field(default_factory=dict)
    opcodes: dict[str, set[int]] = field(default_factory=dict)

    @property
    def totals(self) -> Totals:
        """Those of all files together."""
        return sum((each.totals for each in self.files.values()), Totals())

    def by_name(self) -> list[tuple[str, FileCoverage]]:
        """Files by the names they are shown with."""
        return sorted((shown_path(path), each) for path, each in self.files.items())

    def add(self, other: Coverage) -> None:
        """Take in what is known of other runs.

        Raises:
            CoverageError: a source is another than it was.
        """
        for path, file in other.files.items():
            own = self.files.setdefault(path, FileCoverage(file.digest))
            if own.digest != file.digest:
                raise CoverageError(
                    f"{shown_path(path)}: the source changed between the runs; run them again"
                )
            for line, cells in file.lines.items():
                into = own.lines.setdefault(line, {})
                for at, cell in cells.items():
                    into[at] = into.get(at, 0) | cell
        for guest, opcodes in other.opcodes.items():
            self.opcodes.setdefault(guest, set()).update(opcodes)


def shown_path(path: str) -> str:
    """A path as people call it: from the current folder on, where it is in it."""
    here = os.path.realpath(os.curdir)
    return os.path.relpath(path, here) if path.startswith(f"{here.rstrip('/')}/") else path


# -- files ---------------------------------------------------------------------------------------


def to_bytes(coverage: Coverage) -> bytes:
    """The contents of a file of results."""
    files = {
        path: {
            "digest": file.digest,
            "lines": {
                str(line): {str(at): f"{cell:x}" for at, cell in sorted(cells.items())}
                for line, cells in sorted(file.lines.items())
            },
        }
        for path, file in sorted(coverage.files.items())
    }
    opcodes = {guest: sorted(codes) for guest, codes in sorted(coverage.opcodes.items())}
    return (json.dumps({"format": FORMAT, "files": files, "opcodes": opcodes}) + "\n").encode()


def from_bytes(data: bytes, name: str) -> Coverage:
    """Results as `to_bytes` wrote them.

    Raises:
        CoverageError: they are not.
    """
    try:
        found = json.loads(data)
        if found["format"] != FORMAT:
            raise ValueError(found["format"])
        return Coverage(
            {str(path): _file(each) for path, each in found["files"].items()},
            {str(guest): _opcodes(codes) for guest, codes in found["opcodes"].items()},
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise CoverageError(
            f"{name}: is no file of coverage; write one with `jitvm coverage run PROGRAM`"
        ) from None


def _file(raw: Mapping[str, Any]) -> FileCoverage:
    lines = {
        _number(line, 1): {_number(at, 0): _cell(cell) for at, cell in cells.items()}
        for line, cells in raw["lines"].items()
    }
    return FileCoverage(str(raw["digest"]), lines)


def _number(text: str, least: int) -> int:
    number = int(text)
    if number < least:
        raise ValueError(text)
    return number


def _cell(text: str) -> int:
    cell = int(text, 16)
    if not 0 <= cell < 16:
        raise ValueError(text)
    return cell


def _opcodes(codes: Iterable[int]) -> set[int]:
    found = set(codes)
    if not all(isinstance(code, int) and 0 <= code < 256 for code in found):
        raise ValueError(codes)
    return found


def load(path: str | os.PathLike[str]) -> Coverage:
    """Read a file of results.

    Raises:
        CoverageError: it cannot be read, or is none.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise CoverageError(
            f"{path}: cannot be read: {error.strerror}; `jitvm coverage run PROGRAM` writes one"
        ) from error
    if len(data) > LARGEST_FILE:
        raise CoverageError(f"{path}: over {LARGEST_FILE >> 20} MiB is no file of coverage")
    return from_bytes(data, os.fspath(path))


def merged(paths: Iterable[str]) -> Coverage:
    """What several files of results tell together.

    Raises:
        CoverageError: as for `load` and `Coverage.add`.
    """
    found = Coverage()
    for path in paths:
        found.add(load(path))
    return found

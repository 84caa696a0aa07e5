"""Finds the sources in some folders, and which of them begin a program.

A library is read with the program that includes it, or its names and addresses would mean nothing.
So an editor that opens ``lib.tal`` wants to know that ``game.tal`` includes it:

    game.tal --~lib.tal--> lib.tal --~math.tal--> math.tal        main of all three: game.tal

Files are looked at again when they have changed, and only for their includes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence

from jitvm.guests.uxn.assembler.includes import LEVELS
from jitvm.guests.uxn.sourcefiles import LARGEST, SOURCE_SUFFIX

MOST_SOURCES = 2000
"""Sources that are looked at in all folders together."""
MOST_ENTRIES = 50_000
"""Files and folders that are looked through for them."""
_SKIPPED = ("node_modules", "__pycache__")
_INCLUDE = re.compile(r"(?<![^\x00-\x20])~([^\x00-\x20]+)")


class Workspace:
    """Folders to look for sources in; see `jitvm.platform.language.Workspace`."""

    def __init__(self, folders: Sequence[str]) -> None:
        self.folders = tuple(os.path.realpath(folder) for folder in folders)
        self._known: dict[str, tuple[object, tuple[str, ...]]] = {}

    def sources(self, texts: Mapping[str, str]) -> Sequence[str]:
        """All sources, sorted."""
        found = {path for path in texts if path.endswith(SOURCE_SUFFIX)}
        for folder in self.folders:
            for path in self._walk(folder):
                if len(found) >= MOST_SOURCES:
                    break
                found.add(path)
        return sorted(found)

    def _walk(self, folder: str) -> Iterator[str]:
        left = MOST_ENTRIES
        for path, folders, files in os.walk(folder):
            folders[:] = sorted(
                name for name in folders if not name.startswith(".") and name not in _SKIPPED
            )
            for name in files:
                if name.endswith(SOURCE_SUFFIX):
                    yield os.path.realpath(os.path.join(path, name))
            left -= len(folders) + len(files)
            if left < 0:
                return

    def mains(self, file: str, texts: Mapping[str, str]) -> Sequence[str]:
        """The sources that begin the programs which a file is part of, the closest first."""
        folder = os.path.dirname(file)
        inside = any(file.startswith(f"{each}/") for each in self.folders)
        if inside:
            sources = self.sources(texts)
        else:
            sources = [path for path in _beside(folder) if path != file] + [file]
        includers: dict[str, set[str]] = {}
        for source in sources:
            for name in self._included(source, texts):
                found = self._find(name, source, texts)
                if found is not None and found != source:
                    includers.setdefault(found, set()).add(source)
        seen, todo, mains = {file}, [file], []
        while todo:
            at = todo.pop()
            above = includers.get(at, set())
            if not above:
                mains.append(at)
            todo += above - seen
            seen |= above
        mains.sort(key=lambda main: (os.path.dirname(main) != folder, len(main), main))
        return mains or [file]

    def is_moved(self, before: str, after: str) -> bool:
        """Whether another text includes other files."""
        return _INCLUDE.findall(before) != _INCLUDE.findall(after)

    def _included(self, path: str, texts: Mapping[str, str]) -> tuple[str, ...]:
        """What a source includes, as it names it."""
        text = texts.get(path)
        if text is not None:
            return tuple(_INCLUDE.findall(text))
        try:
            status = os.stat(path)
            stamp: object = (status.st_mtime_ns, status.st_size)
            known = self._known.get(path)
            if known is None or known[0] != stamp:
                with open(path, "rb") as file:
                    content = file.read(LARGEST).decode("utf-8", "surrogateescape")
                known = self._known[path] = stamp, tuple(_INCLUDE.findall(content))
        except (OSError, ValueError):
            return ()
        return known[1]

    def _find(self, name: str, source: str, texts: Mapping[str, str]) -> str | None:
        """The file that an include names, looked for as the assembler does."""
        if "\0" in name:
            return None
        folder = os.path.dirname(source)
        for _ in range(1 + LEVELS):
            path = os.path.realpath(os.path.join(folder, name))
            if path in texts or os.path.isfile(path):
                return path
            folder = os.path.dirname(folder)
        for folder in self.folders:
            path = os.path.realpath(os.path.join(folder, name))
            if os.path.isfile(path):
                return path
        return None


def _beside(folder: str) -> list[str]:
    """Sources in a folder."""
    try:
        names = sorted(os.listdir(folder))[:MOST_SOURCES]
    except OSError:
        return []
    return [os.path.join(folder, name) for name in names if name.endswith(SOURCE_SUFFIX)]

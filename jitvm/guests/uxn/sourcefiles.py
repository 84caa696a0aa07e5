"""Finds the files that make up a Uxntal source without assembling it, for a window to watch.

Files that are missing or cannot be assembled count as well, so that fixing a mistake is noticed
too.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

SOURCE_SUFFIX = ".tal"
MOST_FILES = 1000
LARGEST = 4 << 20
"""Bytes of a source that includes are looked for in."""


def source_files(path: str | Path) -> Iterator[Path]:
    """A program's own file and all that it includes, each once; missing ones as well.

    Includes are looked for as the assembler does: next to the file that names them, then in the
    current folder. Words in comments that look like includes are taken for such.
    """
    top = Path(path)
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

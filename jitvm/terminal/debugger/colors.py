"""What words of a source are, for their colours: from the guest's language, if it has one.

    colored("  LIT 2a ( one )", 0, [Word(2, 5, OPCODE), ...])
        [("  ", ""), ("LIT", "opcode"), ...]

A source that the language reads in another way than the debugger, as one that has been changed
meanwhile, stays plain.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

from jitvm.engine.tables.names import shown

if TYPE_CHECKING:
    from jitvm.platform.language import Analysis, Word

TAB = 4
"""Columns between two stops of tabs."""

Part = tuple[str, str]
"""A text, and what it is: the name of a `Kind` of words, or nothing."""


def of_source(analysis: Analysis | None, file: str, lines: Sequence[str]) -> list[list[Part]]:
    """The lines of a file in parts, as they are shown."""
    words: Sequence[Word] = ()
    starts = [0] * len(lines)
    path = os.path.realpath(file)
    if analysis is not None and path in analysis.files:
        text = analysis.text(path)
        if text.splitlines() == list(lines):
            words = analysis.words(path, 0, len(text))
            lengths = map(len, text.splitlines(keepends=True))
            starts = [0, *accumulate(lengths)][: len(lines)]
    return list(_lines(lines, starts, words))


def _lines(
    lines: Sequence[str], starts: Iterable[int], words: Sequence[Word]
) -> Iterator[list[Part]]:
    first = 0
    for line, start in zip(lines, starts, strict=True):
        while first < len(words) and words[first].end <= start:
            first += 1
        last = first
        while last < len(words) and words[last].start < start + len(line):
            last += 1
        yield colored(line, start, words[first:last])


def colored(line: str, start: int, words: Iterable[Word]) -> list[Part]:
    """A line that begins at an offset, in parts; words are in order, and may reach further."""
    parts: list[Part] = []
    at = column = 0

    def add(end: int, kind: str) -> None:
        nonlocal at, column
        if at < end:
            text = (" " * (column % TAB) + line[at:end]).expandtabs(TAB)[column % TAB :]
            parts.append((shown(text), kind))
            at, column = end, column + len(text)

    for word in words:
        add(min(word.start - start, len(line)), "")
        add(min(word.end - start, len(line)), "definition" if word.defines else word.kind.value)
    add(len(line), "")
    return parts

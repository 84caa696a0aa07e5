"""Splits source text into words.

Uxntal has one lexical rule: bytes up to 0x20 separate words. Comments are ``( ... )`` where both
parentheses are words of their own; they nest. Everything else depends on a word's first character,
and is decided elsewhere.

A source is kept as text with undecodable bytes escaped (``surrogateescape``): a string in it may
contain any bytes, which are emitted unchanged. A token stores only its offset; line and column are
computed on demand.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator

from jitvm.guests.uxn.assembler.errors import Problem

_NEXT = re.compile(r"\((?=[\x00-\x20])[^()]*+(?<=[\x00-\x20])\)(?![^\x00-\x20])|[^\x00-\x20]+")
"""A word; or at once a comment without parentheses in it, which most are."""


class SourceFile:
    """One source text.

    Attributes:
        name: for people.
        text: all of it.
        folder: that its includes start from.
        path: without links, when it is a file; what include loops are recognised by.
    """

    __slots__ = ("_starts", "folder", "name", "path", "text")

    def __init__(self, name: str, text: str, folder: str, path: str | None = None) -> None:
        self.name = name
        self.text = text
        self.folder = folder
        self.path = path
        self._starts: list[int] = []

    @classmethod
    def of(
        cls, name: str, content: str | bytes, folder: str, path: str | None = None
    ) -> SourceFile:
        """Make a source from text or bytes; a byte order mark is dropped."""
        text = content if isinstance(content, str) else content.decode("utf-8", "surrogateescape")
        return cls(name, text.removeprefix("\ufeff"), folder, path)

    @property
    def key(self) -> str:
        """What stands for the file: its path, or the name of what has none."""
        return self.path or self.name

    def position(self, offset: int) -> tuple[int, int]:
        """Return the 1-based ``(line, column)`` of an offset into the text."""
        if not self._starts:
            self._starts.append(0)
            self._starts.extend(match.end() for match in re.finditer("\n", self.text))
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def line_at(self, offset: int) -> str:
        """Return the line of text an offset lies in, without its end."""
        start = self.text.rfind("\n", 0, offset) + 1
        end = self.text.find("\n", offset)
        return self.text[start : end if end >= 0 else len(self.text)].rstrip("\r")


class Token:
    """One word and where it stands."""

    __slots__ = ("offset", "source", "text")

    def __init__(self, text: str, source: SourceFile, offset: int) -> None:
        self.text = text
        self.source = source
        self.offset = offset

    def position(self) -> tuple[int, int]:
        """Return the 1-based ``(line, column)`` of the word."""
        return self.source.position(self.offset)

    @property
    def spot(self) -> tuple[str, int]:
        """What tells the word from all others of a project: its file, without links if it is one,
        and its offset there."""
        return self.source.key, self.offset

    def place(self) -> str:
        """Return ``file:line`` for messages."""
        return f"{self.source.name}:{self.position()[0]}"


Report = Callable[[Problem, Token, str, str], None]
"""Tells an error: problem, word, details (may be empty), hint (may be empty)."""

Remark = Callable[[int, int], None]
"""Tells of a comment: where it begins, and one past its end."""


def words(
    source: SourceFile, legacy: bool, report: Report, remark: Remark | None = None
) -> Iterator[Token]:
    """Yield the words of a source outside comments; `remark` is told of the comments.

    A word that begins with ``(`` but goes on is an error, read as a comment for the sake of what
    follows; old sources write such comments, so in `legacy` mode it is no error. A comment opened
    that way may be closed that way too: ``(like this)``.
    """
    opened: list[tuple[Token, bool]] = []
    for match in _NEXT.finditer(source.text):
        text = match[0]
        if text[0] == "(" and text[-1] == ")" and text[1] <= " ":
            if not opened and remark is not None:
                remark(match.start(), match.end())
            continue
        if opened:
            if text == ")" or (opened[-1][1] and text[-1] == ")" and "(" not in text):
                first, _ = opened.pop()
                if not opened and remark is not None:
                    remark(first.offset, match.end())
            elif text == "(":
                opened.append((Token(text, source, match.start()), False))
            continue
        if text[0] not in "()":
            yield Token(text, source, match.start())
            continue
        token = Token(text, source, match.start())
        if text == "(":
            opened.append((token, False))
        elif text[0] == ")":
            report(Problem.COMMENT_INVALID, token, "`)` closes no comment", "")
        else:
            if not legacy:
                report(Problem.WORD_INVALID, token, "", "put a space after `(` to open a comment")
            if text.count("(") > text.count(")"):
                opened.append((token, True))
            elif remark is not None:
                remark(match.start(), match.end())
    if opened:
        report(
            Problem.COMMENT_OPEN,
            opened[0][0],
            "no matching `)`",
            "`(` and `)` must stand alone, with blanks around them, and they nest",
        )

"""What can be wrong with a Uxntal source, and how it is reported.

Every problem is a row of `Problem`; the first words of a message are the row's text, so a test or
a tool can tell problems apart without reading prose. One run collects as many diagnostics as it
can: `AssemblyError` carries them all, first those of the words in the order they were read, then
those of the references.

A rendered diagnostic:

    game.tal:3:9: error: Label unknown: `print-hx`
        3 | @start  ;print-hx JSR2
          |         ^~~~~~~~~
      hint: did you mean `print-hex`?
"""

from __future__ import annotations

from enum import StrEnum

from jitvm.engine.tables.names import shown
from jitvm.engine.tables.struct import Struct
from jitvm.platform import SourceError

_WINDOW = 96
"""Widest piece of a source line shown, in characters."""


class Problem(StrEnum):
    """Every kind of error and warning of the assembler."""

    COMMENT_OPEN = "Comment incomplete"
    COMMENT_INVALID = "Comment invalid"
    MACRO_INVALID = "Macro invalid"
    MACRO_DUPLICATE = "Macro duplicate"
    MACRO_NESTED = "Macro nested"
    MACRO_OPEN = "Macro incomplete"
    MACRO_RECURSIVE = "Macro recursive"
    LABEL_INVALID = "Label invalid"
    LABEL_DUPLICATE = "Label duplicate"
    LABEL_UNKNOWN = "Label unknown"
    LAMBDA_OPEN = "Lambda incomplete"
    LAMBDA_CLOSED = "Lambda not open"
    LIMIT = "Limit exceeded"
    PADDING_INVALID = "Padding invalid"
    ZERO_PAGE = "Writing zero-page"
    OUTSIDE = "Writing outside memory"
    REWIND = "Writing rewind"
    HEX_INVALID = "Hexadecimal invalid"
    STRING_INVALID = "String invalid"
    WORD_INVALID = "Invalid word"
    TOO_FAR = "Reference too far"
    INCLUDE_MISSING = "Include missing"
    INCLUDE_INVALID = "Include invalid"
    INCLUDE_LOOP = "Include recursive"
    FILE_MISSING = "File missing"
    ENCODING = "Encoding wrong"
    OUTPUT_EMPTY = "Output empty"

    UNUSED = "Unused label"
    TRUNCATED = "Address truncated"
    BRACKET = "Word ignored"
    EMPTY_STRING = "String empty"
    REWRITTEN = "Jump widened"


class Diagnostic(Struct, frozen=True):
    """One error or warning.

    `line` and `column` count from 1; line 0 means the file itself. `source_line` is empty when
    there is no line or it is too long to show. `spot` is the same place as a file and an offset
    into its text (see `Token.spot`); `origin` that of the word it is about, which differs in the
    body of a macro.
    """

    file: str
    line: int
    column: int
    token: str
    message: str
    hint: str
    source_line: str
    problem: Problem
    is_warning: bool = False
    spot: tuple[str, int] | None = None
    origin: tuple[str, int] | None = None

    def render(self) -> str:
        """Return the diagnostic as lines of text: place, source line with a caret, hint."""
        level = "warning" if self.is_warning else "error"
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        lines = [f"{shown(place)}: {level}: {shown(self.message)}"]
        if self.source_line:
            lines += self._excerpt()
        if self.hint:
            lines.append(f"  hint: {shown(self.hint)}")
        return "\n".join(lines)

    def _excerpt(self) -> list[str]:
        start = max(0, self.column - 1 - _WINDOW // 2) if len(self.source_line) > _WINDOW else 0
        excerpt = self.source_line[start : start + _WINDOW].rstrip()
        caret = self.column - 1 - start
        width = max(1, min(len(self.token), len(excerpt) - caret))
        number = f"{self.line:5}"
        return [
            f"{number} | {_printable(excerpt)}",
            f"{' ' * len(number)} | {' ' * caret}^{'~' * (width - 1)}",
        ]


class AssemblyError(SourceError):
    """A source could not be assembled; see `SourceError`."""

    diagnostics: tuple[Diagnostic, ...]


def _printable(text: str) -> str:
    """Replace what a terminal cannot show, one character for one, so carets stay in place."""
    return "".join(
        char if char.isprintable() else " " if char == "\t" else "\N{REPLACEMENT CHARACTER}"
        for char in text
    )

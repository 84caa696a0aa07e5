"""Formats Uxntal: blanks only, so the program stays what it is.

    @on-reset ( -> )                 labels, macros, includes and ``|`` at the margin
        ;text <print>                what follows, one tab in
        #00 ?{                       one more for each brace or bracket that is open
                #18 DEO              two blanks or more before a last comment: it is aligned
        }                            with those of the lines around it
        BRK

1. Words, comments and the author's lines stay; blank lines, too, but those at the ends of the file.
2. Blanks between words become one, but where they make columns: behind labels, and in rows of
   numbers, strings and declarations. Those at the ends of lines go.
3. A line is indented by tabs: at least as far as the braces that are open and the label above ask
   for, and as far as the author has it, but no more than one further than the line before. The
   last word of a routine may stand at the margin: BRK, JMP2r or a jump.
4. What is inside a comment stays as it is.

Formatting twice is formatting once: by 3, what was made of a line's indentation is neither less
than what is asked for nor more than is allowed. `formatted` makes sure that the words and comments
are the same as before.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from jitvm.engine.tables.struct import Struct
from jitvm.guests.uxn.assembler.errors import Problem
from jitvm.guests.uxn.assembler.labels import is_hex
from jitvm.guests.uxn.assembler.log import Log
from jitvm.guests.uxn.assembler.source import SourceFile, Token, words
from jitvm.platform.language import LanguageError

_MARGIN = "@%~|"
"""Runes of words at the margin."""
_OPEN, _CLOSE = ("{", "["), ("}", "]")
_FEWEST = 2
"""Blanks before a comment that is aligned."""
_COLUMN = 4
"""Blanks for a tab between numbers."""


class _Piece(Struct, frozen=True):
    """A word or a comment."""

    text: str
    start: int
    is_comment: bool

    @property
    def end(self) -> int:
        """One past its last character."""
        return self.start + len(self.text)


class _Line(Struct):
    """Pieces on a line.

    Attributes:
        pieces: of the line; a comment may have several lines of its own.
        wanted: tabs that the author has before it.
        blanks: empty lines before it.
        gap: blanks of the author before its last piece.
        depth: tabs that it gets.
    """

    pieces: list[_Piece]
    wanted: int
    blanks: int
    gap: int = 0
    depth: int = 0


def formatted(source: SourceFile) -> str:
    """The text of a source, formatted.

    Raises:
        AssemblyError: its comments cannot be told from the rest: one is not closed, or not open.
        LanguageError: the words would not be the same, which is a fault of this file.
    """
    pieces = _pieces(source)
    text = "".join(_written(source, pieces))
    after = SourceFile(source.name, text, source.folder, source.path)
    if [piece.text for piece in _pieces(after)] != [piece.text for piece in pieces]:
        raise LanguageError(f"{source.name}: formatting would change its words; it stays as it is")
    return text


def _pieces(source: SourceFile) -> list[_Piece]:
    """Words and comments, in order.

    Raises:
        AssemblyError: as for `formatted`.
    """
    log = Log()

    def report(problem: Problem, token: Token, details: str, hint: str) -> None:
        log.error(problem, token, details, hint)

    comments: list[tuple[int, int]] = []
    found = [
        _Piece(token.text, token.offset, False)
        for token in words(source, True, report, lambda *place: comments.append(place))
    ]
    if log.errors:
        raise log.failure()
    found += [_Piece(source.text[start:end], start, True) for start, end in comments]
    return sorted(found, key=lambda piece: piece.start)


# -- lines ---------------------------------------------------------------------------------------


def _written(source: SourceFile, pieces: list[_Piece]) -> Iterator[str]:
    text = source.text
    ending = "\r\n" if "\r\n" in text[: text.find("\n") + 1] else "\n"
    lines = _lines(text, pieces)
    _indent(lines)
    starts = dict(_aligned(text, lines))
    for number, line in enumerate(lines):
        if number:
            yield ending * (1 + line.blanks)
        yield "\t" * line.depth
        for at, piece in enumerate(line.pieces):
            if at == len(line.pieces) - 1 and number in starts:
                yield " " * starts[number]
            elif at:
                yield _between(text, line.pieces[at - 1], piece)
            yield piece.text
    if lines:
        yield ending


def _between(text: str, before: _Piece, piece: _Piece) -> str:
    """The blanks between two pieces of a line."""
    is_label = not before.is_comment and before.text[0] in "@&"
    if is_label or (_is_data(before) and _is_data(piece)):
        return text[before.end : piece.start].expandtabs(_COLUMN)
    return " "


def _is_data(piece: _Piece) -> bool:
    """Whether it is no code: a number, a string, a declaration."""
    return not piece.is_comment and (piece.text[0] in '"$|@&[]' or is_hex(piece.text))


def _lines(text: str, pieces: list[_Piece]) -> list[_Line]:
    """Put pieces into lines as the author has them."""
    unit = _unit(text, pieces)
    lines: list[_Line] = []
    end = 0
    for piece in pieces:
        between = text[end : piece.start]
        breaks = between.count("\n")
        if breaks or not lines:
            before = between[between.rfind("\n") + 1 :].expandtabs(unit)
            lines.append(_Line([piece], round(len(before) / unit), max(0, breaks - 1)))
        else:
            lines[-1].pieces.append(piece)
            lines[-1].gap = len(between) if "\t" not in between else _FEWEST
        end = piece.end
    if lines:
        lines[0].blanks = 0
    return lines


def _unit(text: str, pieces: list[_Piece]) -> int:
    """Blanks that the author indents by, where it is no tab: the fewest before a line."""
    found = []
    for piece in pieces:
        before = text[text.rfind("\n", 0, piece.start) + 1 : piece.start]
        if len(before) > 1 and not before.strip(" "):
            found.append(len(before))
    return min(8, min(found, default=4))


def _indent(lines: list[_Line]) -> None:
    """Decide on the tabs of each line."""
    depth, before, is_inside = 0, 0, False
    for line in lines:
        first = line.pieces[0]
        if first.is_comment:
            # Between routines it may stand at the margin.
            least = int(is_inside) + depth - _closed(line) if line.wanted or depth else 0
        elif depth:
            least = int(is_inside) + depth - _closed(line)
        elif first.text[0] in _MARGIN:
            is_inside, least = first.text[0] == "@", 0
        else:
            least = int(is_inside and (line.wanted > 0 or not _is_end(line)))
        line.depth = max(0, least, min(line.wanted, before + 1))
        if not first.is_comment:
            before = line.depth
        depth = max(0, depth + _opened(line))
        is_inside = is_inside or any(
            not piece.is_comment and piece.text[0] == "@" for piece in line.pieces
        )


def _is_end(line: _Line) -> bool:
    """Whether a line is one word that leaves a routine, perhaps with a comment."""
    texts = [piece.text for piece in line.pieces if not piece.is_comment]
    return len(texts) == 1 and (texts[0] in ("BRK", "JMP2r") or texts[0][0] == "!")


def _closed(line: _Line) -> int:
    """Braces and brackets that a line closes before anything else."""
    count = 0
    for piece in line.pieces:
        if piece.is_comment or not piece.text.startswith(_CLOSE):
            break
        count += 1
    return count


def _opened(line: _Line) -> int:
    """Braces and brackets that a line opens, less those it closes."""
    count = 0
    for piece in line.pieces:
        text = piece.text
        if piece.is_comment or text[0] in "\"'%":
            continue
        bare = text.lstrip("?!;=,.-_")
        count += bare.startswith(_OPEN)
        count -= bare.startswith(_CLOSE) or (len(bare) > 1 and bare[-1] == "}" and bare[0] == "{")
    return count


def _aligned(text: str, lines: list[_Line]) -> Iterator[tuple[int, int]]:
    """Blanks before the last comments of lines, where they are aligned, by the line's number."""
    block: list[int] = []
    for number, line in enumerate([*lines, _Line([], 0, 1)]):
        last = line.pieces[-1] if len(line.pieces) > 1 else None
        is_aligned = last is not None and last.is_comment and line.gap >= _FEWEST
        follows = block and not line.blanks and line.depth == lines[block[-1]].depth
        if block and not (is_aligned and follows):
            widths = [_width(text, lines[each]) for each in block]
            yield from zip(block, [max(widths) - width + _FEWEST for width in widths], strict=True)
            block = []
        if is_aligned:
            block.append(number)


def _width(text: str, line: _Line) -> int:
    """Characters of a line before its last piece."""
    pieces = line.pieces[:-1]
    blanks = [_between(text, one, other) for one, other in pairwise(pieces)]
    whole = "".join(one.text + blank for one, blank in zip(pieces, [*blanks, ""], strict=True))
    return len(whole.rpartition("\n")[2])

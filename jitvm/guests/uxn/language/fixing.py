"""What can be done about errors and warnings by changing a few characters.

    prind    Write `print`                      the closest names, opcodes in another case
             Define `print`                     a routine that does nothing yet
    #FF      Write `#ff`                        safe: there is nothing else that it can mean
    (note)   Put blanks around the parentheses  safe
    ?{       Close the brace                    at the end of the routine
    @old     Remove the label `old`             if the program stays the same without it
    ,x STA   Write `;x`                         what the rule's hint says

A safe fix of a source with errors takes an error away and does nothing else; those can be done all
at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from jitvm.guests.uxn.assembler.errors import Diagnostic, Problem
from jitvm.guests.uxn.assembler.labels import is_hex, name_fault
from jitvm.guests.uxn.assembler.resolve import ADDRESSING
from jitvm.guests.uxn.encoding import BASE_NAMES, opcode
from jitvm.guests.uxn.language.effects import effect_of
from jitvm.guests.uxn.language.names import Names
from jitvm.guests.uxn.language.reading import Reading
from jitvm.guests.uxn.language.renaming import applied
from jitvm.guests.uxn.language.rules import Found
from jitvm.platform.language import Edit, Fix, Span

SAFE = frozenset((Problem.HEX_INVALID, Problem.WORD_INVALID))
"""Errors of which some have a safe fix."""
_MOST_NAMES = 3
"""Names that are offered for one that is unknown."""
_CLOSE = 0.7
_BLANKS = " \t"

Again = Callable[[Mapping[str, str]], Reading]


def of_error(names: Names, diagnostic: Diagnostic) -> Iterator[Fix]:
    """Fixes of an error of the assembler."""
    spot = diagnostic.origin or diagnostic.spot
    if spot is None or spot[0] not in names.reading.sources:
        return
    file, start = spot
    source = names.reading.sources[file].text
    end = start
    while end < len(source) and source[end] > " ":
        end += 1
    span, word = Span(file, start, end), source[start:end]
    if not word:
        return
    match diagnostic.problem:
        case Problem.LABEL_UNKNOWN:
            yield from _unknown(names, span, word)
        case Problem.HEX_INVALID | Problem.PADDING_INVALID:
            yield from _number(span, word)
        case Problem.WORD_INVALID:
            yield from _invalid(names, span, word)
        case Problem.COMMENT_OPEN:
            line = source[start:].partition("\n")[0].rstrip()
            end = start + len(line)
            yield _insertion("Close the comment at the end of its line", Span(file, end, end), " )")
        case Problem.LAMBDA_OPEN:
            at = _end_of_routine(names, span)
            yield _insertion("Close the brace at the end of the routine", at, " }")
        case Problem.COMMENT_INVALID | Problem.LAMBDA_CLOSED:
            yield Fix(f"Remove `{word}`", (Edit(_with_blanks(source, span), ""),))


def of_warning(names: Names, diagnostic: Diagnostic, again: Again) -> Iterator[Fix]:
    """Fixes of a warning of the assembler."""
    if diagnostic.problem is not Problem.UNUSED or diagnostic.spot is None:
        return
    reading = names.reading
    token = reading.word_at(*diagnostic.spot)
    if token is None:
        return
    source, end = token.source.text, token.offset + len(token.text)
    comment = reading.comment_behind(token)
    if comment is not None and effect_of(comment) is not None:
        end = source.index(comment, end) + len(comment)
    edit = Edit(_with_blanks(source, Span(token.source.key, token.offset, end)), "")
    after = again(applied(reading, [edit]))
    if not after.errors and after.rom == reading.rom:
        yield Fix(f"Remove the label `{token.text[1:]}`", (edit,))


def of_rule(found: Found) -> Iterator[Fix]:
    """The fix of what a rule has found."""
    if found.fix is not None:
        token, text = found.fix
        start = token.offset
        span = Span(token.source.key, start, start + len(token.text))
        yield Fix(f"Write `{text}`", (Edit(span, text),))


# -- words ---------------------------------------------------------------------------------------


def _unknown(names: Names, span: Span, word: str) -> Iterator[Fix]:
    """A name that is not there."""
    from difflib import get_close_matches

    reading = names.reading
    rune = word[0] if word[0] in ADDRESSING else ""
    name = word[len(rune) :]
    known = [*reading.labels]
    if not rune:
        as_opcode = name[:3].upper() + name[3:].lower()
        if as_opcode != name and opcode(as_opcode) is not None:
            yield _written(span, as_opcode)
        if is_hex(name.lower()) and len(name) in (2, 4):
            yield _written(span, name.lower())
        known += [*reading.macros, *BASE_NAMES]
    scope = reading.scope_at(span.file, span.start)
    is_short = name[:1] in ("&", "/")
    full = f"{scope}/{name[1:]}" if is_short else name
    for close in get_close_matches(full, known, n=_MOST_NAMES, cutoff=_CLOSE):
        in_scope = is_short and close.startswith(f"{scope}/")
        spelled = name[0] + close[len(scope) + 1 :] if in_scope else close
        yield _written(span, rune + spelled)
    can_define = rune in ("", ";", "=", "!", "?") and "/" not in name and not is_short
    if can_define and name_fault(name, reading.legacy) is None:
        text = reading.sources[span.file].text
        stub = "\n" * (not text.endswith("\n")) + f"\n@{name} ( -- )\n\tJMP2r\n"
        yield _insertion(f"Define `{name}`", Span(span.file, len(text), len(text)), stub)


def _number(span: Span, word: str) -> Iterator[Fix]:
    """A number that is none."""
    rune = word[0] if word[0] in "#|$" else ""
    digits = word[len(rune) :].lower()
    if not is_hex(digits) or len(digits) > 4:
        return
    if rune in ("|", "$") or len(digits) in (2, 4):
        # Behind `|` and `$` it may be the name of a label.
        yield _written(span, rune + digits, is_safe=rune == "#")
    else:
        yield _written(span, f"{rune}{digits.zfill(2 if len(digits) < 2 else 4)}")


def _invalid(names: Names, span: Span, word: str) -> Iterator[Fix]:
    """A word that has to be two, or has a rune of old."""
    if word[0] == "(":
        yield from _glued(names, span)
    elif word[0] == ":":
        yield _written(span, f"={word[1:]}", is_safe=True)
    elif word[0] == "}" or "{" in word:
        behind = max(0, word.find("{")) + 1
        at = span.start + behind
        yield _insertion(f"Put a blank behind `{word[behind - 1]}`", Span(span.file, at, at), " ")


def _glued(names: Names, span: Span) -> Iterator[Fix]:
    """A comment without blanks around its parentheses."""
    comment = names.reading.comment_at(span.file, span.start)
    if comment is None:
        return
    start, end = comment
    edits = [Edit(Span(span.file, start + 1, start + 1), " ")]
    if names.reading.sources[span.file].text[end - 2] > " ":
        edits.append(Edit(Span(span.file, end - 1, end - 1), " "))
    yield Fix("Put blanks around the parentheses", tuple(edits), is_safe=True)


# -- edits ---------------------------------------------------------------------------------------


def _written(span: Span, text: str, *, is_safe: bool = False) -> Fix:
    return Fix(f"Write `{text}`", (Edit(span, text),), is_safe)


def _insertion(title: str, span: Span, text: str) -> Fix:
    return Fix(title, (Edit(span, text),))


def _end_of_routine(names: Names, span: Span) -> Span:
    """The end of the last word before the next label with `@`, and no comment."""
    words = names.reading.words.get(span.file, [])
    end = span.end
    for token in words:
        if token.offset >= span.end:
            if token.text[0] == "@":
                break
            end = token.offset + len(token.text)
    return Span(span.file, end, end)


def _with_blanks(source: str, span: Span) -> Span:
    """A span with the blanks that are of no use without it: those behind it, or its whole line."""
    start, end = span.start, span.end
    while end < len(source) and source[end] in _BLANKS:
        end += 1
    if end == len(source) or source[end] in "\r\n":
        while start and source[start - 1] in _BLANKS:
            start -= 1
        if not start or source[start - 1] == "\n":
            end = min(source.find("\n", end) + 1 or len(source), len(source))
    return Span(span.file, start, end)

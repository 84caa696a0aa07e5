"""The shape of a file: its names, what can be folded, what colour words have."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from jitvm.guests.uxn.assembler.labels import is_hex
from jitvm.guests.uxn.assembler.source import Token
from jitvm.guests.uxn.encoding import opcode
from jitvm.guests.uxn.language.helping import detail
from jitvm.guests.uxn.language.names import Names
from jitvm.guests.uxn.language.reading import Definition
from jitvm.platform.language import Kind, Span, Symbol, Word

_MARGIN = "@%~|"
_OPEN, _CLOSE = "{[", "}]"


def symbols(names: Names, file: str) -> list[Symbol]:
    """See `jitvm.platform.language.Analysis`."""
    reading = names.reading
    here = {
        each.token.offset: each for each in reading.definitions if each.token.source.key == file
    }
    ends = _ends(names, file)
    tops: list[tuple[Definition, list[Symbol]]] = []
    for offset in sorted(here):
        definition = here[offset]
        if definition.token.text[0] == "&" and tops and tops[-1][0].address is not None:
            tops[-1][1].append(_symbol(names, definition, offset + len(definition.token.text), ()))
        else:
            tops.append((definition, []))
    return [
        _symbol(names, definition, ends.get(definition.token.offset, 0), tuple(inner))
        for definition, inner in tops
    ]


def _symbol(names: Names, definition: Definition, end: int, inner: tuple[Symbol, ...]) -> Symbol:
    token = definition.token
    key, start = token.source.key, token.offset
    word = Span(key, start, start + len(token.text))
    last = max(word.end, end, *(each.span.end for each in inner)) if inner else max(word.end, end)
    return Symbol(
        name=token.text[1:],
        full=definition.full,
        kind=names.kind(definition.full),
        detail=detail(names, definition.full) if definition.full in names.definitions else "",
        span=Span(key, start, last),
        word=word,
        inner=inner,
    )


def _ends(names: Names, file: str) -> dict[int, int]:
    """Where what begins with a word at the margin ends, by the offset of the word."""
    ends: dict[int, int] = {}
    top: Token | None = None
    last = 0
    for token in names.reading.words.get(file, []):
        if token.text[0] in _MARGIN:
            if top is not None:
                ends[top.offset] = last
            top = token
        last = token.offset + len(token.text)
    if top is not None:
        ends[top.offset] = last
    return ends


def folds(names: Names, file: str) -> list[tuple[int, int, Kind]]:
    """See `jitvm.platform.language.Analysis`."""
    text = names.reading.sources[file].text
    found = [(start, end, Kind.COMMENT) for start, end in names.reading.comments.get(file, [])]
    found += [
        (start, end, Kind.ROUTINE)
        for start, end in _ends(names, file).items()
        if text[start] in "@%"
    ]
    found += [(start, end, Kind.OPERATOR) for start, end in _braces(names, file)]
    return sorted(each for each in found if "\n" in text[each[0] : each[1]])


def _braces(names: Names, file: str) -> Iterator[tuple[int, int]]:
    """Braces and brackets that belong together."""
    opened: list[tuple[str, int]] = []
    for token in names.reading.words.get(file, []):
        text = token.text
        if text[0] in "\"'%":
            continue
        if text[-1] in _OPEN or text[0] in _OPEN:
            mark = text[0] if text[0] in _OPEN else text[-1]
            opened.append((_CLOSE[_OPEN.index(mark)], token.offset))
        is_closed = text[0] in _CLOSE or (text[-1] == "}" and len(text) > 1)
        if is_closed and opened:
            yield opened.pop()[1], token.offset + len(text)


def words(names: Names, file: str, start: int, end: int) -> list[Word]:
    """See `jitvm.platform.language.Analysis`."""
    reading = names.reading
    tokens = reading.words.get(file, [])
    at = max(0, bisect_left(tokens, start, key=lambda token: token.offset) - 1)
    found: list[Word] = []
    for token in tokens[at:]:
        if token.offset >= end:
            break
        if token.offset + len(token.text) > start:
            found += _coloured(names, token)
    found += [
        Word(first, last, Kind.COMMENT)
        for first, last in reading.comments.get(file, [])
        if last > start and first < end
    ]
    return sorted(found, key=lambda word: word.start)


def _coloured(names: Names, token: Token) -> list[Word]:
    text, start = token.text, token.offset
    end = start + len(text)
    named = names.of_token(token)
    if named:
        occurrence = named[0]
        kind = names.kind(occurrence.full)
        name = Word(start + occurrence.start, end, kind, occurrence.defines)
        if occurrence.start:
            return [Word(start, start + occurrence.start, Kind.OPERATOR), name]
        return [name]
    if text[0] == "#" and len(text) > 1:
        return [Word(start, start + 1, Kind.OPERATOR), Word(start + 1, end, Kind.NUMBER)]
    if text[0] in "|$" and is_hex(text[1:]):
        return [Word(start, start + 1, Kind.OPERATOR), Word(start + 1, end, Kind.NUMBER)]
    if text[0] in "\"'":
        return [Word(start, end, Kind.STRING)]
    if text[0] == "~":
        return [Word(start, end, Kind.FILE)]
    if is_hex(text):
        return [Word(start, end, Kind.NUMBER)]
    if opcode(text) is not None:
        return [Word(start, end, Kind.OPCODE)]
    if text[0] in "[]{}" or text[-1] == "{":
        return [Word(start, end, Kind.OPERATOR)]
    return [Word(start, end, Kind.LABEL)]

"""What an editor shows between the words, without its being there.

print ( a -- )      `effects`: what the routine that is called declares
;text 01a4          `addresses`: what a reference to a label stands for
"hello 5 bytes      `sizes`: of strings
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterator

from jitvm.guests.uxn.assembler.source import Token
from jitvm.guests.uxn.language.effects import effect_of
from jitvm.guests.uxn.language.names import Names
from jitvm.platform.language import Hint

HINTS = {
    "effects": "what a routine that is called declares to do to the stacks",
    "addresses": "what a reference to a label stands for",
    "sizes": "bytes of strings",
}
"""Every kind, with a line of help."""
SHOWN = ("effects",)
"""Kinds that are shown unless others are asked for: the rest is much."""
_LONGEST = 48
"""Characters of a declaration that is shown."""
_CALLS = ("JSR2", "JMP2", "JCN2")


def hints(names: Names, file: str, start: int, end: int, kinds: Collection[str]) -> Iterator[Hint]:
    """See `jitvm.platform.language.Analysis`."""
    words = names.reading.words.get(file, [])
    first = bisect_left(words, start, key=lambda token: token.offset)
    for at in range(first, len(words)):
        token = words[at]
        if token.offset >= end:
            return
        following = words[at + 1] if at + 1 < len(words) else None
        text = ""
        if "effects" in kinds:
            text = _effect(names, token, following)
        if not text and "addresses" in kinds:
            text = _address(names, token)
        if not text and "sizes" in kinds:
            text = _size(token)
        if text:
            yield Hint(token.offset + len(token.text), text)


def _named(names: Names, token: Token) -> str | None:
    """The one label that a word refers to."""
    found = names.of_token(token)
    if len(found) != 1 or found[0].defines or found[0].full not in names.reading.labels:
        return None
    return found[0].full


def _effect(names: Names, token: Token, following: Token | None) -> str:
    if token.text[0] in "|$.-_=," or (
        token.text[0] == ";" and (following is None or following.text not in _CALLS)
    ):
        return ""
    full = _named(names, token)
    definition = None if full is None else names.definitions.get(full)
    if definition is None:
        return ""
    comment = names.reading.comment_behind(definition.token)
    if comment is None or len(comment) > _LONGEST or effect_of(comment) is None:
        return ""
    return " ".join(comment.split())


def _address(names: Names, token: Token) -> str:
    if token.text[0] not in ";.=-|$" or names.reading.errors:
        return ""
    full = _named(names, token)
    if full is None:
        return ""
    address = names.reading.labels[full].address
    return f"{address & 0xFF:02x}" if token.text[0] in ".-" else f"{address:04x}"


def _size(token: Token) -> str:
    if token.text[0] != '"':
        return ""
    size = len(token.text[1:].encode("utf-8", "replace"))
    return f"{size} bytes" if size > 1 else ""

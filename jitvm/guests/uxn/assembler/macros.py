"""Macros: ``%name { body }``.

A body is the list of words between the braces, without comments; it is read once and expanded at
every use. Braces of lambdas inside the body are matched; in strings they are plain characters. The
outer braces may touch the body: ``{POP}`` is ``{ POP }``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from jitvm.engine.tables.struct import Struct
from jitvm.guests.uxn.assembler.errors import Problem
from jitvm.guests.uxn.assembler.source import Report, Token


class Macro(Struct, frozen=True):
    """A name and the words it stands for."""

    name: str
    token: Token
    body: tuple[Token, ...]


def read_body(
    head: Token, words: Iterator[Token], is_macro: Callable[[str], bool], report: Report
) -> tuple[Token, ...]:
    """Take a macro's body, braces and all, from the words that follow its head.

    `is_macro` tells old macros with names like ``%`` from nested definitions.
    """
    first = next(words, None)
    if first is None or first.text[0] != "{":
        report(Problem.MACRO_INVALID, head, "no `{` after the name", "write %name { body }")
        return ()
    body: list[Token] = []
    depth = 1
    word: Token | None = _tail(first, 1) if len(first.text) > 1 else next(words, None)
    while word is not None:
        text = word.text
        if text[0] == "%" and not is_macro(text):
            report(Problem.MACRO_NESTED, word, "", "define it before the macro that uses it")
        elif text[0] in "\"'" or ("{" not in text and "}" not in text):
            body.append(word)
        else:
            depth, end = _balance(text, depth)
            if depth == 0:
                if end:
                    body.append(Token(text[:end], word.source, word.offset))
                if text[end + 1 :]:
                    rest = _tail(word, end + 1)
                    report(Problem.WORD_INVALID, rest, "", "put a blank after `}`")
                return tuple(body)
            body.append(word)
        word = next(words, None)
    report(Problem.MACRO_OPEN, head, "no matching `}`", "write %name { body }")
    return tuple(body)


def _tail(word: Token, start: int) -> Token:
    return Token(word.text[start:], word.source, word.offset + start)


def _balance(text: str, depth: int) -> tuple[int, int]:
    """Follow the braces of a word; return the depth and where it became zero, if it did."""
    for index, char in enumerate(text):
        if char == "{":
            depth += 1
        elif char == "}":
            depth -= 1
            if depth == 0:
                return 0, index
    return depth, -1

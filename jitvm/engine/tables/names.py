"""Names as people see them: labels, files, programs. One rule for all output.

    bytes --decoded--> text that gives the same bytes again --shown--> text for people and tools

Names come from files and command lines, so they may hold any bytes. Internally, a name is text in
which undecodable bytes are lone surrogates (`decoded`, as Python does with file names). What is
printed (to a terminal, a report, JSON, a symbol map) is `shown`: each unprintable character becomes
a visible escape,

    bytes that are not UTF-8      \\xff
    control characters            \\n \\t \\x1b \\x9b
    other invisible ones          \\u202e \\u200b \\ufeff          directions, joiners, marks

so a name never moves a cursor, breaks a line, hides itself, or fails to encode as UTF-8. For
streams in other encodings, the command sets the error handler that escapes what they lack in the
same way.
"""

from __future__ import annotations


def decoded(name: bytes) -> str:
    """A name as text that `str.encode("utf-8", "surrogateescape")` makes the same bytes of."""
    return name.decode("utf-8", "surrogateescape")


def shown(name: str) -> str:
    """A name, or a message that holds some, on one line; see the head of this file."""
    if name.isprintable():
        return name
    return "".join(char if char.isprintable() else _escaped(char) for char in name)


def shown_lines(text: str) -> str:
    """Text of many lines, each `shown`."""
    return "\n".join(map(shown, text.split("\n")))


def _escaped(char: str) -> str:
    if "\udc80" <= char <= "\udcff":
        return f"\\x{ord(char) - 0xDC00:02x}"
    return char.encode("unicode_escape").decode("ascii")

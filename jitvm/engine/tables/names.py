"""Names as people see them: labels, files, programs. The one rule for every output.

    bytes --decoded--> text that gives the same bytes again --shown--> text for people and tools

Names come from files and command lines, so they may hold any bytes. Inside, a name is text in
which undecodable bytes are lone surrogates (`decoded`, as Python does with file names). What goes
out (to a terminal, a report, JSON, a map of symbols) is `shown`: each character that does not
print is an escape that can be seen,

    bytes that are not UTF-8      \\xff
    control characters            \\n \\t \\x1b \\x9b
    other invisible ones          \\u202e \\u200b \\ufeff          directions, joiners, marks

so a name never moves a cursor, breaks a line, hides itself, or fails to be written as UTF-8.
Streams with other encodings are set to escape what they lack, by the command, in the same way.
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

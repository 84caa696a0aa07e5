"""The formatter: what it makes of sources, that twice is once, that programs stay what they are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitvm.guests.uxn.assembler import AssemblyError, assemble, assemble_file
from jitvm.guests.uxn.assembler.source import SourceFile
from jitvm.guests.uxn.language.formatting import formatted

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*.tal"))


def fmt(text: str) -> str:
    return formatted(SourceFile("a.tal", text, "."))


FORMATTED = {
    "blanks": ("@a-b   ( -- )\n  INC   INC  \n", "@a-b  ( -- )\n\tINC INC\n"),
    "braces": (
        "@main\n#00 ?{\nINC ?{\nINC } }\nBRK",
        "@main\n\t#00 ?{\n\t\tINC ?{\n\t\t\tINC } }\nBRK\n",
    ),
    "closing lines": ("@main\n?{\nINC\n}\nINC\n", "@main\n\t?{\n\t\tINC\n\t}\n\tINC\n"),
    "macros": (
        "%m {\nINC\n}\n%n { ADD }\nINC\n",
        "%m {\n\tINC\n}\n%n { ADD }\nINC\n",
    ),
    "the author's depth": (
        "@main\n\t&loop\n\t\tINC\n\t\t\t?&loop\n\tBRK\n",
        "@main\n\t&loop\n\t\tINC\n\t\t\t?&loop\n\tBRK\n",
    ),
    "spaces": (
        "@main\n  &loop\n    INC\n  BRK\n",
        "@main\n\t&loop\n\t\tINC\n\tBRK\n",
    ),
    "no deeper than it can be": ("@main\n\t\t\t\t\tINC\n", "@main\n\tINC\n"),
    "ends at the margin": (
        "@main\nINC\n\nBRK\n\n@b-c\nINC\n",
        "@main\n\tINC\n\nBRK\n\n@b-c\n\tINC\n",
    ),
    "data": (
        '@icn\n00  11 22   33\n"a  20  "b INC   ADD\n',
        '@icn\n\t00  11 22   33\n\t"a  20  "b INC ADD\n',
    ),
    "columns of labels": ("@m\n\t&ab  INC\n\t&abc   ADD\n", "@m\n\t&ab  INC\n\t&abc   ADD\n"),
    "declarations": ("|00 @a-b  $1\n    @long $2\n", "|00 @a-b  $1\n\t@long $2\n"),
    "comments at the ends": (
        "@main\n\tINC  ( one )\n\tADD ADD   ( two )\n\tADD ( three )\n",
        "@main\n\tINC      ( one )\n\tADD ADD  ( two )\n\tADD ( three )\n",
    ),
    "comments in between": (
        "(  kept   as  it is )\n@main\n( x )\n\t\t( y )\n",
        "(  kept   as  it is )\n@main\n( x )\n\t( y )\n",
    ),
    "comments of many lines": (
        "@main\n\tINC (\n a\n   b )  ADD\n",
        "@main\n\tINC (\n a\n   b ) ADD\n",
    ),
    "empty lines": ("\n\n@main\n\n\n\nINC\n\n\n", "@main\n\n\n\n\tINC\n"),
    "line ends": ("@main\r\nINC  INC\r\n", "@main\r\n\tINC INC\r\n"),
    "nothing": ("", ""),
    "only blanks": (" \n\t\n", ""),
    "brackets": (
        "@main\n[ LIT2\n20 -Console/write ] DEO\n",
        "@main\n\t[ LIT2\n\t\t20 -Console/write ] DEO\n",
    ),
    "strings hold no braces": ('@main\n"{ INC\nINC\n', '@main\n\t"{ INC\n\tINC\n'),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), FORMATTED.values(), ids=FORMATTED)
def test_formatted(text: str, expected: str) -> None:
    assert fmt(text) == expected
    assert fmt(expected) == expected


@pytest.mark.parametrize("text", ["( a", ")", "a ( b"])
def test_comments_that_do_not_end(text: str) -> None:
    with pytest.raises(AssemblyError):
        fmt(text)


PIECES = [
    "@main", "&sub", "INC", "#12", "12", '"a', "( c )", "(\n\tc\n )", "?{", "}", "[", "]", "~a",
    "%m", "{", "|0100", "$2", "BRK", "JMP2r", "!x", "(glued)", "\x01", "é", "'{",
]  # fmt: skip
_BLANK = re.compile(r"[\x00-\x20]+")
BLANKS = [" ", "  ", "\t", "\n", "\n\n", "\n  ", "\n\t", "\n\t\t\t", "\r\n", "\n      ", "   \n"]


@given(st.lists(st.tuples(st.sampled_from(PIECES), st.sampled_from(BLANKS)), max_size=24))
def test_twice_is_once_and_words_stay(pieces: list[tuple[str, str]]) -> None:
    text = "".join(piece + blank for piece, blank in pieces)
    once = fmt(text)
    assert fmt(once) == once
    assert _BLANK.split(f" {once} ") == _BLANK.split(f" {text} ")
    assert not any(line != line.rstrip(" \t") for line in once.split("\n") if "(" not in text)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_examples_stay_the_same_programs(path: Path) -> None:
    after = fmt(path.read_text())
    assert assemble(after, include_root=path.parent).rom == assemble_file(path).rom


def test_bytes_that_are_no_text() -> None:
    text = b'@main\n"\xff  INC'.decode("utf-8", "surrogateescape")
    assert fmt(text).encode("utf-8", "surrogateescape") == b'@main\n\t"\xff INC\n'

"""Positions, edits, types of the protocol."""

from __future__ import annotations

import re
import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from jitvm.lsp.positions import Lines
from jitvm.lsp.shapes import line_edits

CHARACTERS = "ab\n\réß𝄞\u2028\x0b\t"


@given(st.text(CHARACTERS, max_size=20), st.sampled_from(["utf-8", "utf-16", "utf-32"]))
def test_places_and_offsets(text: str, encoding: str) -> None:
    lines = Lines(text, encoding)
    size = {"utf-8": 1, "utf-16": 2, "utf-32": 4}[encoding]
    codec = encoding if size == 1 else f"{encoding}-le"
    pieces = re.split(r"\r\n|\n|\r", text)
    assert lines.count == len(pieces)
    for offset in range(len(text) + 1):
        line, column = lines.place(offset)
        if text[offset - 1 : offset + 1] != "\r\n":
            assert column <= len(pieces[line].encode(codec)) // size
            assert lines.offset(line, column) == offset
    for line, piece in enumerate(pieces):
        assert text[lines.start(line) : lines.end(line)] == piece
        assert lines.offset(line, 10**9) == lines.end(line)
        assert lines.offset(line, -1) == lines.start(line)
    assert lines.offset(len(pieces), 0) == len(text)
    assert lines.offset(-1, 5) == 0


def test_half_a_character() -> None:
    assert Lines("𝄞x").offset(0, 1) == 0
    assert Lines("𝄞x").offset(0, 2) == 1


@given(st.lists(st.sampled_from(["", "a", "b", "\tc"]), min_size=1, max_size=6),
       st.lists(st.sampled_from(["", "a", "b", "\tc"]), min_size=1, max_size=6))  # fmt: skip
def test_edits_lead_from_one_text_to_the_other(before: list[str], after: list[str]) -> None:
    old, new = "\n".join(before), "\n".join(after)
    lines = Lines(old)
    text = old
    for edit in reversed(line_edits(lines, new, 0, lines.count)):
        start = lines.offset(edit.range.start.line, edit.range.start.character)
        end = lines.offset(edit.range.end.line, edit.range.end.character)
        text = text[:start] + edit.new_text + text[end:]
    assert text == new


# -- types that are completed when they are used --------------------------------------------------

USED = """\
import attrs
from jitvm.lsp import deferred

complete = attrs.define
deferred.load()
assert attrs.define is complete
from lsprotocol import converters, types

classes = [each for each in types.ALL_TYPES_MAP.values() if isinstance(each, type)]
incomplete = [each for each in classes if "_cls" in dir(vars(each).get("__attrs_attrs__"))]
assert len(incomplete) > 500, len(incomplete)
before = types.Hover
assert types.Position(1, 2) < types.Position(1, 3)
assert repr(types.Position(1, 2)) == "1:2"
converter = converters.get_converter()
message = {"contents": {"kind": "markdown", "value": "x"}, "range": {
    "start": {"line": 1, "character": 2}, "end": {"line": 3, "character": 4}}}
hover = converter.structure(message, types.Hover)
assert type(hover) is before
assert hover == types.Hover(types.MarkupContent(types.MarkupKind.Markdown, "x"), types.Range(
    types.Position(1, 2), types.Position(3, 4)))
assert converter.unstructure(hover) == message
for each in filter(attrs.has, classes):
    assert all(not isinstance(field.type, str) for field in attrs.fields(each)), each
    assert "_cls" not in dir(vars(each)["__attrs_attrs__"]), each
try:
    types.Position()
except TypeError as error:
    print(error)
"""


def test_types_are_completed_when_they_are_used() -> None:
    """In a process of its own: here, they may be complete already."""
    done = subprocess.run([sys.executable, "-c", USED], capture_output=True, text=True, check=False)
    assert not done.stderr
    assert "missing 2 required positional arguments" in done.stdout

"""Names as they are shown, whatever bytes they are of."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitvm.engine.tables.names import decoded, shown, shown_lines
from jitvm.engine.tables.place import Place


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (b"on-reset/loop", "on-reset/loop"),
        ("é✓".encode(), "é✓"),
        (b"caf\xe9", r"caf\xe9"),
        (b"\x1b[2J\x1b]0;title\x07", r"\x1b[2J\x1b]0;title\x07"),
        ("\x9b31m".encode(), r"\x9b31m"),
        (b"two\nlines\tand\rmore", r"two\nlines\tand\rmore"),
        (
            "a\u202eb\u200bc\ufeff\u2028\U000e0001".encode(),
            r"a\u202eb\u200bc\ufeff\u2028\U000e0001",
        ),
        (b"\xed\xa0\x80", r"\xed\xa0\x80"),
    ],
)
def test_what_does_not_print_is_an_escape(name: bytes, expected: str) -> None:
    assert shown(decoded(name)) == expected


@given(st.binary())
def test_any_bytes_come_out_on_one_line_that_can_be_written(name: bytes) -> None:
    text = decoded(name)
    assert text.encode("utf-8", "surrogateescape") == name
    assert shown(text).isprintable()
    assert json.loads(json.dumps(shown(text)).encode()) == shown(text)


def test_lines_stay_lines() -> None:
    assert shown_lines("a\x1b\n\tb\n") == "a\\x1b\n\\tb\n"


def test_places_are_shown_whatever_they_are_made_of() -> None:
    place = Place(0x100, "a\x1bb", 0, "\udcff.tal", 3)
    assert (place.label, place.file, str(place)) == (r"a\x1bb", r"\xff.tal", r"a\x1bb")

"""Text that is pasted, as keys."""

from __future__ import annotations

import pytest

from jitvm.platform.events import Key, Text
from jitvm.playing.pasting import MOST, typed


@pytest.mark.parametrize(
    ("text", "events"),
    [
        ("", ()),
        ("a\r\nb\rc\n", (Text("a"), Key(13), Text("b"), Key(13), Text("c"), Key(13))),
        ("a\tb é→😀", (Text("a"), Key(9), Text("b é→😀"))),
        ("\x00\x1b[A\x7f\x9b\udc80x", (Text("[A"), Text("x"))),
        ("a" * (MOST + 1), (Text("a" * MOST),)),
    ],
)  # fmt: skip
def test_what_it_types(text: str, events: tuple[Key | Text, ...]) -> None:
    assert typed(text) == events

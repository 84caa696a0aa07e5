"""Bytes of ordinary terminals and of kitty's protocol as events of the guest."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitvm.guests.uxn.varvara.events import (
    Button,
    Key,
    MouseDown,
    MouseUp,
    Move,
    Press,
    Release,
    Reset,
    Text,
    Wheel,
)
from jitvm.terminal.keyboard import HOLD, Decoder, Quit, Told

A, B, SELECT = Button.A, Button.B, Button.SELECT


def decoder(*, releases: bool = False) -> Decoder:
    return Decoder(lambda x, y: (int(x * 10), int(y * 10)), tells_releases=releases)


def told(data: bytes, *, releases: bool = False) -> list[Told]:
    return list(decoder(releases=releases).decode(data, 0.0))


@pytest.mark.parametrize(
    ("data", "events"),
    [
        (b"a", [Text("a")]),
        ("aé→".encode(), [Text("aé→")]),
        (b"\r\t\x7f\x08", [Key(13), Key(9), Key(8), Key(8)]),
        (b"\x1b[3~", [Key(0x7F)]),
        (b"\x03", [Quit.QUIT]),
        (b"\x13", [Press(A), Key(ord("s")), Release(A)]),
        (b"\x1bx", [Press(B), Key(ord("x")), Release(B)]),
        (b"\x1b[A\x1bOB", [Press(Button.UP), Press(Button.DOWN)]),
        (b"\x1b[1;5C", [Press(A), Press(Button.RIGHT)]),
        (b"\x1b[1;4D", [Press(B), Press(SELECT), Press(Button.LEFT)]),
        (b"\x1b[H\x1b[1~", [Press(Button.START), Press(Button.START)]),
        (b"\x1b[17~\x1b[18~\x1b[19~", [Press(A), Press(B), Press(SELECT)]),
        (b"\x1bOR\x1b[13~", [Quit.QUIT, Quit.QUIT]),
        (b"\x1bOS\x1b[15~", [Reset(), Reset(soft=True)]),
        (b"\x1b[<0;3;4M\x1b[<0;3;4m", [Move(25, 35), MouseDown(1), Move(25, 35), MouseUp(1)]),
        (b"\x1b[<2;1;1M", [Move(5, 5), MouseDown(3)]),
        (b"\x1b[<35;9;9M", [Move(85, 85)]),
        (b"\x1b[<64;1;1M\x1b[<65;1;1M", [Move(5, 5), Wheel(0, -1), Move(5, 5), Wheel(0, 1)]),
        (b"\x1b[?62;4c\x1b[?1u\x1b_Gi=31;OK\x1b\\q", [Text("q")]),
    ],
)
def test_an_ordinary_terminal(data: bytes, events: list[Told]) -> None:
    assert told(data) == events


@pytest.mark.parametrize(
    ("data", "events"),
    [
        (b"\x1b[97;1;97u", [Text("a")]),
        (b"\x1b[97;1:3u", []),
        (b"\x1b[97;1:2;97u", [Text("a")]),
        (b"\x1b[97:65;2;65u", [Text("A")]),
        (b"\x1b[97;129;97u", [Text("a")]),  # with num lock
        (b"\x1b[57442;5u\x1b[57442;5:3u", [Press(A), Release(A)]),
        (b"\x1b[57441;2u\x1b[57443;3u", [Press(SELECT), Press(B)]),
        (b"\x1b[115;5u", [Key(ord("s"))]),
        (b"\x1b[115;6u", [Key(ord("S"))]),
        (b"\x1b[99;5u", [Quit.QUIT]),
        (b"\x1b[13u\x1b[9u\x1b[127u\x1b[27u", [Key(13), Key(9), Key(8), Key(27)]),
        (b"\x1b[1;1:1A\x1b[1;1:2A\x1b[1;1:3A",
         [Press(Button.UP), Press(Button.UP), Release(Button.UP)]),
        (b"\x1b[1;5A", [Press(Button.UP)]),
        (b"\x1b[13;1:1~\x1b[13;1:3~", [Quit.QUIT]),
        (b"\x1b[57376u", []),
    ],
)  # fmt: skip
def test_a_terminal_that_tells_when_keys_go_up(data: bytes, events: list[Told]) -> None:
    assert told(data, releases=True) == events


def test_buttons_go_up_by_themselves_after_their_last_repeat() -> None:
    keyboard = decoder()
    assert list(keyboard.decode(b"\x1b[A", 1.0)) == [Press(Button.UP)]
    assert list(keyboard.expired(1.0 + HOLD / 2)) == []
    assert list(keyboard.decode(b"\x1b[A", 1.0 + HOLD / 2)) == [Press(Button.UP)]
    assert list(keyboard.expired(1.0 + HOLD)) == []
    assert list(keyboard.expired(1.0 + 2 * HOLD)) == [Release(Button.UP)]
    assert list(keyboard.expired(9.0)) == []


def test_a_lone_escape_is_a_key_after_a_moment() -> None:
    keyboard = decoder()
    assert list(keyboard.decode(b"\x1b", 1.0)) == []
    assert list(keyboard.decode(b"", 1.001)) == []
    assert list(keyboard.decode(b"", 1.1)) == [Key(27)]
    assert list(keyboard.decode(b"\x1b", 2.0)) == []
    assert list(keyboard.decode(b"[A", 2.001)) == [Press(Button.UP)]


STREAM = "aé→\x1b[A\x1b[1;5C\x1b[<0;3;4M\x1bOS\r😀\x1b[97;1;97u".encode()


@given(st.lists(st.integers(0, len(STREAM)), max_size=6))
def test_pieces_make_no_difference(cuts: list[int]) -> None:
    keyboard, found = decoder(), list[Told]()
    edges = [0, *sorted(cuts), len(STREAM)]
    for start, end in pairwise(edges):
        if start != end:
            found += keyboard.decode(STREAM[start:end], 0.0)
    assert _joined(found) == _joined(told(STREAM))


def _joined(events: list[Told]) -> list[Told]:
    """Events with text that was typed in a row as one."""
    made: list[Told] = []
    for event in events:
        if isinstance(event, Text) and made and isinstance(made[-1], Text):
            made[-1] = Text(made[-1].text + event.text)
        else:
            made.append(event)
    return made


@given(st.binary(max_size=80))
def test_nothing_typed_raises(data: bytes) -> None:
    told(data)
    told(data, releases=True)


@given(st.text("0123456789;:<?[ABu~MmOP\x1b", max_size=40))
def test_no_sequence_raises(text: str) -> None:
    told(b"\x1b[" + text.encode())
    told(b"\x1b[" + text.encode(), releases=True)

"""Bytes of ordinary terminals and of kitty's protocol as events of the guest."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitvm.platform import events
from jitvm.platform.events import Button
from jitvm.terminal.keyboard import HOLD, Command, Decoder, Pasted, Told

A, B, SELECT = Button.A, Button.B, Button.SELECT


def decoder(*, releases: bool = False) -> Decoder:
    return Decoder(lambda x, y: (int(x * 10), int(y * 10)), tells_releases=releases)


def told(data: bytes, *, releases: bool = False) -> list[Told]:
    return list(decoder(releases=releases).decode(data, 0.0))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"a", [events.Text("a")]),
        ("aé→".encode(), [events.Text("aé→")]),
        (b"\r\t\x7f\x08", [events.Key(13), events.Key(9), events.Key(8), events.Key(8)]),
        (b"\x1b[3~", [events.Key(0x7F)]),
        (b"\x03", [Command.QUIT]),
        (b"\x13", [events.Press(A), events.Key(ord("s")), events.Release(A)]),
        (b"\x1bx", [events.Press(B), events.Key(ord("x")), events.Release(B)]),
        (b"\x1b[A\x1bOB", [events.Press(Button.UP), events.Press(Button.DOWN)]),
        (b"\x1b[1;5C", [events.Press(A), events.Press(Button.RIGHT)]),
        (b"\x1b[1;4D", [events.Press(B), events.Press(SELECT), events.Press(Button.LEFT)]),
        (b"\x1b[H\x1b[1~", [events.Press(Button.START), events.Press(Button.START)]),
        (b"\x1b[17~\x1b[18~\x1b[19~", [events.Press(A), events.Press(B), events.Press(SELECT)]),
        (b"\x1bOR\x1b[13~", [Command.QUIT, Command.QUIT]),
        (
            b"\x1b[20~\x1b[21~\x1b[23~\x1b[24~",
            [Command.PAUSE, Command.STEP, Command.SLOWER, Command.FASTER],
        ),
        (b"\x1b[2~\x1b[F\x1b[4~", [Command.SAVE, Command.LOAD, Command.LOAD]),
        (b"\x1bOS\x1b[15~", [Command.RESET, Command.SOFT_RESET]),
        (
            b"\x1b[<0;3;4M\x1b[<0;3;4m",
            [events.Move(25, 35), events.MouseDown(1), events.Move(25, 35), events.MouseUp(1)],
        ),
        (b"\x1b[<2;1;1M", [events.Move(5, 5), events.MouseDown(3)]),
        (b"\x1b[<35;9;9M", [events.Move(85, 85)]),
        (
            b"\x1b[<64;1;1M\x1b[<65;1;1M",
            [events.Move(5, 5), events.Wheel(0, -1), events.Move(5, 5), events.Wheel(0, 1)],
        ),
        (b"\x1b[?62;4c\x1b[?1u\x1b_Gi=31;OK\x1b\\q", [events.Text("q")]),
    ],
)
def test_an_ordinary_terminal(data: bytes, expected: list[Told]) -> None:
    assert told(data) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\x1b[97;1;97u", [events.Text("a")]),
        (b"\x1b[97;1:3u", []),
        (b"\x1b[97;1:2;97u", [events.Text("a")]),
        (b"\x1b[97:65;2;65u", [events.Text("A")]),
        (b"\x1b[97;129;97u", [events.Text("a")]),  # with num lock
        (b"\x1b[57442;5u\x1b[57442;5:3u", [events.Press(A), events.Release(A)]),
        (b"\x1b[57441;2u\x1b[57443;3u", [events.Press(SELECT), events.Press(B)]),
        (b"\x1b[115;5u", [events.Key(ord("s"))]),
        (b"\x1b[115;6u", [events.Key(ord("S"))]),
        (b"\x1b[99;5u", [Command.QUIT]),
        (
            b"\x1b[13u\x1b[9u\x1b[127u\x1b[27u",
            [events.Key(13), events.Key(9), events.Key(8), events.Key(27)],
        ),
        (b"\x1b[1;1:1A\x1b[1;1:2A\x1b[1;1:3A",
         [events.Press(Button.UP), events.Press(Button.UP), events.Release(Button.UP)]),
        (b"\x1b[1;5A", [events.Press(Button.UP)]),
        (b"\x1b[13;1:1~\x1b[13;1:3~", [Command.QUIT]),
        (b"\x1b[57376u", []),
    ],
)  # fmt: skip
def test_a_terminal_that_tells_when_keys_go_up(data: bytes, expected: list[Told]) -> None:
    assert told(data, releases=True) == expected


def test_buttons_go_up_by_themselves_after_their_last_repeat() -> None:
    keyboard = decoder()
    assert list(keyboard.decode(b"\x1b[A", 1.0)) == [events.Press(Button.UP)]
    assert list(keyboard.expired(1.0 + HOLD / 2)) == []
    assert list(keyboard.decode(b"\x1b[A", 1.0 + HOLD / 2)) == [events.Press(Button.UP)]
    assert list(keyboard.expired(1.0 + HOLD)) == []
    assert list(keyboard.expired(1.0 + 2 * HOLD)) == [events.Release(Button.UP)]
    assert list(keyboard.expired(9.0)) == []


def test_a_key_that_goes_back_does_so_while_it_is_held() -> None:
    keyboard = decoder()
    assert list(keyboard.decode(b"\x1b[5~", 1.0)) == [Command.REWIND]
    assert list(keyboard.decode(b"\x1b[5~", 1.0 + HOLD / 2)) == [Command.REWIND]
    assert list(keyboard.expired(1.0 + HOLD)) == []
    assert list(keyboard.expired(1.0 + 2 * HOLD)) == [Command.GO_ON]
    assert list(keyboard.expired(9.0)) == []
    steps = b"\x1b[21;1:1~\x1b[21;1:2~\x1b[21;1:3~"
    assert told(steps, releases=True) == [Command.STEP] * 2
    data = b"\x1b[5;1:1~\x1b[5;1:2~\x1b[5;1:3~"
    assert told(data, releases=True) == [Command.REWIND, Command.GO_ON]


def test_what_is_pasted_is_text_whatever_is_in_it() -> None:
    data = b"a\x1b[200~x\n\x1bOR\x03\x1b[201~b"
    expected = [events.Text("a"), Pasted("x\n\x1bOR\x03"), events.Text("b")]
    assert told(data) == expected
    for cut in range(len(data)):
        keyboard = decoder()
        found = [*keyboard.decode(data[:cut], 0.0), *keyboard.decode(data[cut:], 0.0)]
        assert _joined(found) == expected
    endless = b"\x1b[200~" + b"a" * (1 << 20)
    assert told(endless + b"\x1bOR") == [Pasted("a" * (1 << 20) + "\x1bOR")]


def test_a_lone_escape_is_a_key_after_a_moment() -> None:
    keyboard = decoder()
    assert list(keyboard.decode(b"\x1b", 1.0)) == []
    assert list(keyboard.decode(b"", 1.001)) == []
    assert list(keyboard.decode(b"", 1.1)) == [events.Key(27)]
    assert list(keyboard.decode(b"\x1b", 2.0)) == []
    assert list(keyboard.decode(b"[A", 2.001)) == [events.Press(Button.UP)]


STREAM = "aé→\x1b[A\x1b[1;5C\x1b[<0;3;4M\x1bOS\r😀\x1b[97;1;97u".encode()


@given(st.lists(st.integers(0, len(STREAM)), max_size=6))
def test_pieces_make_no_difference(cuts: list[int]) -> None:
    keyboard, found = decoder(), list[Told]()
    edges = [0, *sorted(cuts), len(STREAM)]
    for start, end in pairwise(edges):
        if start != end:
            found += keyboard.decode(STREAM[start:end], 0.0)
    assert _joined(found) == _joined(told(STREAM))


def _joined(found: list[Told]) -> list[Told]:
    """Events with text that was typed in a row as one."""
    made: list[Told] = []
    for event in found:
        if isinstance(event, events.Text) and made and isinstance(made[-1], events.Text):
            made[-1] = events.Text(made[-1].text + event.text)
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


# -- guests whose keys are held ------------------------------------------------------------------


def held(*, releases: bool = False) -> Decoder:
    return Decoder(lambda x, y: (int(x), int(y)), tells_releases=releases, holds_keys=True)


def test_a_typed_key_goes_down_and_up_by_itself() -> None:
    keys = held()
    assert list(keys.decode(b"qW\r", 1.0)) == [
        events.KeyDown("q"), events.KeyDown("w"), events.KeyDown("enter"),
    ]  # fmt: skip
    assert list(keys.decode(b"q", 1.0 + HOLD)) == []
    assert list(keys.expired(1.0 + 1.5 * HOLD)) == [events.KeyUp("w"), events.KeyUp("enter")]
    assert list(keys.expired(1.0 + 3 * HOLD)) == [events.KeyUp("q")]


def test_the_terminal_tells_when_a_key_goes_up() -> None:
    keys = held(releases=True)
    sent = b"\x1b[113;1:1;113u\x1b[113;1:2;113u\x1b[113;1:3u\x1b[27;1:1u\x1b[99;5:1u"
    assert list(keys.decode(sent, 1.0)) == [
        events.KeyDown("q"), events.KeyUp("q"), events.KeyDown("escape"), Command.QUIT,
    ]  # fmt: skip
    assert list(keys.decode(b"\x1b[A", 1.0)) == [events.Press(Button.UP)]
    assert list(keys.decode(b"\x1b[57376u", 1.0)) == []
    assert list(keys.expired(9.0)) == []

"""The controller: what its ports hold during each event, and afterwards."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from jitvm.guests.uxn.varvara import Computer
from jitvm.platform.events import Button, Event, Key, Press, Release, Text
from tests.varvara.graphical import CONTROLLER_LOG, DEVICES

Make = Callable[..., Computer]

A, LEFT = Button.A, Button.LEFT


@pytest.mark.parametrize(
    ("events", "seen"),
    [
        ([Press(A)], "01"),
        ([Press(A), Press(LEFT)], "01 41"),
        ([Press(A | LEFT)], "41"),
        ([Press(A | LEFT), Release(A), Release(LEFT)], "41 40 00"),
        ([Press(A), Press(A)], "01 01"),
        ([Release(A)], "00"),
        ([Press(0xFF), Release(0x0F)], "ff f0"),
    ],
)
def test_buttons(make: Make, events: list[Event], seen: str) -> None:
    computer = make(CONTROLLER_LOG)
    computer.frame(events)
    assert computer.stdout[::5].hex(" ") == seen


@pytest.mark.parametrize(("pad", "at"), [(1, 0), (2, 2), (3, 3), (4, 4)])
def test_each_pad_has_a_port(make: Make, pad: int, at: int) -> None:
    computer = make(CONTROLLER_LOG)
    computer.frame([Press(LEFT, pad), Press(A, pad), Release(LEFT, pad)])
    expected = bytearray(15)
    expected[at::5] = b"\x40\x41\x01"
    assert computer.stdout == expected


def test_keys_last_for_their_event_and_see_the_buttons(make: Make) -> None:
    computer = make(CONTROLLER_LOG)
    computer.frame([Press(A), Key(ord("s")), Release(A), Key(0x1B)])
    pairs = [computer.stdout[at : at + 2] for at in range(0, 20, 5)]
    assert pairs == [b"\x01\0", b"\x01s", b"\0\0", b"\0\x1b"]
    assert computer.machine.page[0x83] == 0


@pytest.mark.parametrize("text", ["hello", "é€😀", "tab\tand\n"])
def test_text_comes_as_its_utf8_bytes(make: Make, text: str) -> None:
    computer = make(CONTROLLER_LOG)
    computer.frame([Text(text)])
    assert computer.stdout[1::5] == text.encode()


def test_a_zero_byte_is_no_key(make: Make) -> None:
    computer = make(CONTROLLER_LOG)
    computer.frame([Text("a\0b")])
    assert computer.stdout[1::5] == b"ab"


def test_the_vector_is_latched_by_its_low_byte(make: Make) -> None:
    computer = make(DEVICES + "#12 .Controller/vector DEO BRK")
    computer.boot()
    assert computer.controller.vector == 0
    computer = make(DEVICES + "#1234 .Controller/vector DEO2 #56 .Controller/vector DEO BRK")
    computer.boot()
    assert computer.controller.vector == 0x1234


def test_without_a_vector_buttons_are_still_seen(make: Make) -> None:
    computer = make("BRK")
    computer.frame([Press(A), Key(65)])
    assert (computer.machine.page[0x82], computer.machine.page[0x83]) == (1, 0)


def test_a_vector_may_replace_itself(make: Make) -> None:
    computer = make(
        DEVICES
        + """;first .Controller/vector DEO2 BRK
        @first ;second .Controller/vector DEO2 LIT "1 .Console/write DEO BRK
        @second #0000 .Controller/vector DEO2 LIT "2 .Console/write DEO BRK"""
    )
    computer.frame([Text("abc")])
    assert computer.stdout == b"12"


@pytest.mark.parametrize(
    "bad",
    [
        lambda: Key(0),
        lambda: Key(256),
        lambda: Press(0),
        lambda: Press(0x100),
        lambda: Press(1, 0),
        lambda: Release(1, 5),
        lambda: Text("\ud800"),
    ],
)
def test_events_that_cannot_be_are_refused(bad: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"is a whole number from 1 to|no UTF-8"):
        bad()

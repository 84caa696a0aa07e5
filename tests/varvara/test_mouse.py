"""The mouse: what its ports hold during each event, and afterwards."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from jitvm.guests.uxn.varvara import Computer
from jitvm.platform.events import Event, MouseDown, MouseUp, Move, Wheel
from tests.varvara.graphical import DEVICES, MOUSE_LOG

Make = Callable[..., Computer]


@pytest.mark.parametrize(
    ("events", "seen"),
    [
        ([Move(0x0102, 0xFFFE)], ["0102 fffe 00 0000 0000"]),
        (
            [Move(1, 2), MouseDown(1), MouseDown(3), MouseUp(1), MouseUp(3)],
            [
                "0001 0002 00 0000 0000",
                "0001 0002 01 0000 0000",
                "0001 0002 05 0000 0000",
                "0001 0002 04 0000 0000",
                "0001 0002 00 0000 0000",
            ],
        ),
        ([MouseDown(2), MouseUp(2)], ["0000 0000 02 0000 0000", "0000 0000 00 0000 0000"]),
        (
            [Wheel(0, 1), Wheel(-1, -2), Move(7, 7)],
            [
                "0000 0000 00 0000 0001",
                "0000 0000 00 ffff fffe",
                "0007 0007 00 0000 0000",
            ],
        ),
    ],
)
def test_events(make: Make, events: list[Event], seen: list[str]) -> None:
    computer = make(MOUSE_LOG)
    computer.frame(events)
    assert computer.stdout.hex() == "".join(seen).replace(" ", "")


def test_scrolling_is_over_when_its_vector_is(make: Make) -> None:
    computer = make("BRK")
    computer.frame([Move(3, 4), MouseDown(1), Wheel(5, 6)])
    assert computer.machine.page[0x90:0xA0].hex(" ") == (
        "00 00 00 03 00 04 01 00 00 00 00 00 00 00 00 00"
    )


def test_the_vector_is_latched_by_its_low_byte(make: Make) -> None:
    computer = make(DEVICES + "#12 .Mouse/vector DEO BRK")
    computer.boot()
    assert computer.mouse.vector == 0
    computer = make(DEVICES + "#1234 .Mouse/vector DEO2 BRK")
    computer.boot()
    assert computer.mouse.vector == 0x1234


@pytest.mark.parametrize(
    "bad",
    [
        lambda: Move(-1, 0),
        lambda: Move(0, 0x10000),
        lambda: MouseDown(0),
        lambda: MouseUp(4),
        lambda: Wheel(0x8000, 0),
        lambda: Wheel(0, -0x8001),
    ],
)
def test_events_that_cannot_be_are_refused(bad: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match="is a whole number from"):
        bad()

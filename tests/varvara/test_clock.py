"""The DateTime device."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo

import pytest

from jitvm.guests.uxn.varvara import Computer

Make = Callable[..., Computer]

READ_ALL = "#c0 &l DUP DEI .Console/write DEO INC DUP #cb LTH ?&l BRK"


class Summer(tzinfo):
    """A zone with daylight saving time in force."""

    def utcoffset(self, _moment: datetime | None) -> timedelta:
        return timedelta(hours=2)

    def tzname(self, _moment: datetime | None) -> str:
        return "summer"

    def dst(self, _moment: datetime | None) -> timedelta:
        return timedelta(hours=1)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (datetime(2024, 2, 29, 23, 59, 58), "07e8 01 1d 17 3b 3a 04 003b 00"),  # a Thursday
        (datetime(2023, 12, 31, 0, 0, 0), "07e7 0b 1f 00 00 00 00 016c 00"),  # a Sunday
        (datetime(1999, 1, 2, 3, 4, 5, tzinfo=UTC), "07cf 00 02 03 04 05 06 0001 00"),
        (datetime(2020, 7, 1, tzinfo=Summer()), "07e4 06 01 00 00 00 03 00b6 01"),
    ],
)
def test_fields(make: Make, moment: datetime, expected: str) -> None:
    computer = make(READ_ALL, clock=lambda: moment)
    computer.run_console()
    assert computer.stdout.hex() == expected.replace(" ", "")


def test_each_read_asks_the_clock(make: Make) -> None:
    seconds = iter(range(60))
    computer = make("#c6 DEI #c6 DEI BRK", clock=lambda: datetime(2000, 1, 1, 0, 0, next(seconds)))
    computer.start()
    assert bytes(computer.machine.state.stacks[0][:2]) == b"\0\1"


def test_without_a_clock_it_is_now(make: Make) -> None:
    before = datetime.now().year
    computer = make("#c0 DEI2 BRK")
    computer.start()
    year = int.from_bytes(computer.machine.state.stacks[0][:2], "big")
    assert before <= year <= datetime.now().year


def test_the_clock_is_read_only(make: Make) -> None:
    computer = make("#1234 #c0 DEO2 #c0 DEI2 BRK", clock=lambda: datetime(2001, 1, 1))
    computer.start()
    assert bytes(computer.machine.state.stacks[0][:2]) == (2001).to_bytes(2, "big")

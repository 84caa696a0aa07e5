"""Numbers from outside have two ends, in the command line and in the API."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

import jitvm
from jitvm.cli.exits import Exit
from jitvm.cli.main import main
from jitvm.engine.tables.params import ParameterError, Parameters
from jitvm.guest.numbers import LONGEST, seconds, whole

HALT = bytes([0x00])


def test_whole_numbers_are_taken_with_both_ends() -> None:
    assert [whole("n", number, 1, 9) for number in (1, 9, np.uint8(4), True)] == [1, 9, 4, 1]
    assert whole("n", 1 << 70) == 1 << 70


@pytest.mark.parametrize("number", [1.0, 1.5, float("nan"), "3", None, b"3", 2j])
def test_what_is_no_whole_number_is_refused_by_name(number: object) -> None:
    with pytest.raises(TypeError, match="frames is a whole number, not "):
        whole("frames", number)


@pytest.mark.parametrize("number", [0, 10, -1, 1 << 64, pytest.param(-(10**5000), id="huge")])
def test_whole_numbers_outside_are_refused(number: int) -> None:
    with pytest.raises(ValueError, match="n is a whole number from 1 to 9, not "):
        whole("n", number, 1, 9)


def test_times() -> None:
    assert [seconds("t", time) for time in (None, float("inf"), 1, LONGEST)] == [
        None, None, 1.0, LONGEST,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "time", [0, -1, float("nan"), -float("inf"), 1e300, pytest.param(10**5000, id="huge")]
)
def test_times_outside_are_refused(time: float) -> None:
    with pytest.raises(ValueError, match="t is a number of seconds above 0"):
        seconds("t", time)


def test_a_time_that_is_no_number_is_refused() -> None:
    with pytest.raises(TypeError, match="t is a number of seconds, not 'soon'"):
        seconds("t", "soon")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "limits",
    [
        {"time_limit": float("nan")}, {"time_limit": -1.0}, {"time_limit": 0.0},
        {"time_limit": "1"}, {"max_instructions": 1.5}, {"max_instructions": -1},
        {"max_instructions": "7"},
    ],
)  # fmt: skip
def test_limits_of_a_run_are_checked(limits: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError), match=next(iter(limits))):
        jitvm.run(HALT, **limits)


def test_a_long_time_is_waited_for_in_parts() -> None:
    """The system counts milliseconds in 31 bits: a month is more."""
    reader, writer = os.pipe()
    with open(reader, "rb", buffering=0) as stdin:
        os.write(writer, b"x")
        os.close(writer)
        echo = "|0100 ;typed #10 DEO2 BRK @typed #12 DEI #18 DEO BRK"
        computer = jitvm.load(jitvm.assemble(echo).rom)
        computer.run_console(stdin, time_limit=LONGEST)
    assert computer.stdout[:1] == b"x"


@pytest.mark.parametrize(
    "changes", [{"hot": 1.5}, {"hot": 0}, {"hot": 1 << 40}, {"hot": None}, {"warm": 1}]
)
def test_parameters_are_checked_by_keyword_too(changes: dict[str, Any]) -> None:
    with pytest.raises(ParameterError):
        Parameters(**changes)
    with pytest.raises(ParameterError):
        Parameters().changed(changes)


@pytest.mark.parametrize(
    "option",
    [
        ["--time-limit", "nan"], ["--time-limit", "inf"], ["--time-limit", "1e10"],
        ["--time-limit", "-1"], ["--time-limit", ""], ["--max-instructions", "1.5"],
        ["--max-instructions", "18446744073709551616"], ["--max-instructions", "9" * 5000],
        ["--frames", "1e3"], ["--frames", "-0"], ["--scale", "17"], ["--scale", "1.0"],
    ],
)  # fmt: skip
def test_options_out_of_range_are_one_line(
    option: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", *option, "any.rom"]) == Exit.USAGE
    error = capfd.readouterr().err
    assert option[0] in error
    assert len(error) < 300
    assert error.count("\n") == 1


@pytest.mark.parametrize("scale", [0, -1, 1.5, 1 << 20])
def test_a_recording_has_a_scale_that_makes_sense(scale: Any) -> None:
    with pytest.raises(jitvm.RecordingError, match="scale is a whole number"):
        jitvm.record(HALT, 1, scale=scale)


def test_frames_are_whole() -> None:
    with pytest.raises(TypeError, match="count is a whole number, not"):
        jitvm.load(HALT).run_frames(1.5)  # type: ignore[arg-type]

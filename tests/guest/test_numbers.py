"""Numbers from outside have two ends, in the command line and in the API."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jitvm
from jitvm import events
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


ANSWERS = bytes([0x80, 0x40, 0x16, 0x00])
WRONG = [1.5, float("nan"), -1, 256, 1 << 32, 1 << 64, pytest.param(10**5000, id="huge"), "3", b"3"]


CALLS: dict[str, Callable[[jitvm.Machine, Any], object]] = {
    "on_read": lambda machine, number: machine.on_read(number, int),
    "on_write": lambda machine, number: machine.on_write(number, print),
    "on_read_native": lambda machine, number: machine.on_read_native(number, 1),
    "on_write_native": lambda machine, number: machine.on_write_native(number, 1),
    "collect": lambda machine, number: machine.collect(0, number),
    "deliver": lambda machine, number: machine.deliver(b"a", port=number, stop_port=1),
    "deliver until": lambda machine, number: machine.deliver(b"a", port=1, stop_port=number),
    "deliver with": lambda machine, number: machine.deliver(
        b"a", port=1, stop_port=1, mark=(number, 0)
    ),
    "deliver marked": lambda machine, number: machine.deliver(
        b"a", port=1, stop_port=1, mark=(0, number)
    ),
}
"""What takes a number from 0 to 255."""
WIDE_CALLS: dict[str, Callable[[jitvm.Machine, Any], object]] = {
    "run at": lambda machine, number: machine.run(number),
    "run for": lambda machine, number: machine.run(0x100, max_instructions=number),
    "deliver for": lambda machine, number: machine.deliver(
        b"a", port=1, stop_port=1, max_instructions=number
    ),
    "vector": lambda machine, number: setattr(machine, "vector", number),
    "data": lambda machine, number: setattr(machine, "data", number),
    "code_written": lambda machine, number: machine.code_written(0, number),
    "native function": lambda machine, number: machine.on_read_native(0, number),
}
"""What takes larger ones."""


@pytest.mark.parametrize("tier", list(jitvm.Tier))
@pytest.mark.parametrize("number", WRONG)
def test_numbers_of_a_machine_are_checked_before_native_code(tier: jitvm.Tier, number: Any) -> None:
    """They reach memory, so none that is too large gets there, at any tier."""
    machine = jitvm.Machine(jitvm.UXN, tier=tier)
    machine.memory[0x100 : 0x100 + len(ANSWERS)] = ANSWERS
    is_large = isinstance(number, int) and number > 0
    for name, call in {**CALLS, **({} if is_large else WIDE_CALLS)}.items():
        with pytest.raises((TypeError, ValueError), match="is a whole number"):
            pytest.fail(f"{name} gives {call(machine, number)}")
    assert machine.run(0x100) is jitvm.Stop.HALT
    assert machine.state.pointers[0] == 1


def test_a_machine_takes_what_its_arguments_are_said_to_be() -> None:
    assert jitvm.Machine(jitvm.UXN, tier="reference").tier is jitvm.Tier.REFERENCE  # type: ignore[arg-type]
    wrong: list[tuple[type[Exception], dict[str, Any]]] = [
        (ValueError, {"tier": "fast"}),
        (ValueError, {"tier": 3}),
        (TypeError, {"params": {"hot": 5}}),
        (TypeError, {"cache": "/nowhere"}),
    ]
    for kind, arguments in wrong:
        with pytest.raises(kind):
            jitvm.Machine(jitvm.UXN, **arguments)


def test_a_computer_takes_what_its_arguments_are_said_to_be(tmp_path: Path) -> None:
    for arguments in ({"clock": 5}, {"stdout": 5}, {"stderr": "x"}, {"sandbox": 5}, {"args": [5]}):
        with pytest.raises(TypeError):
            jitvm.load(HALT, **arguments)
    with pytest.raises(TypeError, match="standard input is bytes or a binary stream, not 'x'"):
        jitvm.run(HALT, stdin="x")  # type: ignore[arg-type]
    computer = jitvm.load(HALT, sandbox=os.fsencode(tmp_path))
    with pytest.raises(TypeError):
        computer.feed("text")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="9 is not a valid Type"):
        computer.send(9, b"a")  # type: ignore[arg-type]
    computer.boot()
    assert computer.machine.state.pc == 0x101
    # Nothing of this stays: the next computer is as the first.
    assert jitvm.load(HALT).run_console(bytearray(b"x")) is jitvm.Ending.EXIT  # type: ignore[arg-type]


@pytest.mark.parametrize("number", WRONG)
def test_events_hold_whole_numbers(number: Any) -> None:
    makers: list[Callable[[Any], object]] = [
        events.Key, events.Press, events.MouseDown, events.MouseUp,
        lambda number: events.Press(1, number), lambda number: events.Release(1, number),
    ]  # fmt: skip
    if number not in (-1, 256):
        makers += [lambda number: events.Move(number, 0), lambda number: events.Wheel(0, number)]
    for make in makers:
        with pytest.raises((TypeError, ValueError), match="is a whole number"):
            make(number)


def test_events_hold_text_and_bytes() -> None:
    with pytest.raises(TypeError, match="text is a string, not 5"):
        events.Text(5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="key is a string, not 5"):
        events.KeyDown(5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="standard input is bytes, not 'x'"):
        events.Stdin("x")  # type: ignore[arg-type]


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


def test_long_numbers_are_not_repeated() -> None:
    for number in (10**5000, "9" * 5000):
        with pytest.raises(ParameterError) as caught:
            Parameters(hot=number)  # type: ignore[arg-type]
        assert len(str(caught.value)) < 200


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
    with pytest.raises(TypeError, match="frames is a whole number, not None"):
        jitvm.record(HALT, None)  # type: ignore[arg-type]  # which would never end
    with pytest.raises(TypeError, match="script is what `parse_script` gives, not '1 key a'"):
        jitvm.load(HALT).run_frames(1, "1 key a")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="count is a whole number, not"):
        jitvm.load(HALT).run_frames(1.5)  # type: ignore[arg-type]

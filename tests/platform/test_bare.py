"""A guest that says nothing of its own: loaded, run, limited, started over."""

from __future__ import annotations

from typing import Any

import pytest

from jitvm.engine.machine.machine import Tier
from jitvm.guest import Core, DescriptionError, Guest, Opcode, Space
from jitvm.platform import ProgramError
from jitvm.platform.bare import BareComputer, BarePlatform
from jitvm.platform.evaluator import Ending, Evaluator, LimitReached, Share
from tests.toy.guest import FACTORIAL, TOY, assemble

TOY_PLATFORM = BarePlatform(TOY, suffixes=(".toy",), output=1)


def computer(
    source: str = FACTORIAL, tier: Tier = Tier.INTERPRETER, **options: int
) -> BareComputer:
    program = TOY_PLATFORM.program(assemble(source, options.get("origin", 0)), "a.toy")
    made = TOY_PLATFORM.computer(program, tier=tier, **options)
    assert isinstance(made, BareComputer)
    return made


@pytest.mark.parametrize("tier", Tier)
def test_it_runs_until_it_halts(tier: Tier) -> None:
    toy = computer(tier=tier)
    assert not toy.is_ended
    assert toy.run_console() is Ending.EXIT
    assert (toy.stdout, toy.is_ended, toy.exit_code) == (b"3628800", True, 0)


def test_limits_stop_it_and_it_goes_on() -> None:
    toy = computer()
    assert toy.run_console(max_instructions=100) is Ending.INSTRUCTIONS
    assert (toy.machine.executed, toy.is_ended) == (100, False)
    assert toy.run_console() is Ending.EXIT
    assert toy.stdout == b"3628800"


def test_it_starts_over() -> None:
    toy = computer()
    toy.run_console(max_instructions=100)
    toy.reset()
    assert not toy.is_ended
    assert toy.run_console() is Ending.EXIT
    assert toy.stdout == b"3628800"


def test_another_program_takes_its_place() -> None:
    toy = computer()
    toy.put_in(TOY_PLATFORM.program(assemble("li r1 65\nout r1 1\nhalt")))
    toy.run_console()
    assert toy.stdout == b"A"
    with pytest.raises(ProgramError, match="do not fit"):
        toy.put_in(TOY_PLATFORM.program(bytes(0x10001)))
    toy.run_console()
    assert toy.stdout == b"AA"


def test_it_can_begin_elsewhere() -> None:
    toy = computer(origin=0x200)
    toy.run_console()
    assert (toy.stdout, toy.machine.memory[0]) == (b"3628800", 0)


def test_a_program_that_does_not_fit() -> None:
    with pytest.raises(ProgramError, match="16 bytes from 0xfff8 on do not fit"):
        computer("halt\nhalt\nhalt\nhalt", origin=0xFFF8)


@pytest.mark.parametrize(
    ("settings", "wrong"),
    [
        ({"output": 256}, "output is a whole number from 0 to 255, not 256"),
        ({"output": -1}, "output is a whole number from 0 to 255, not -1"),
        ({"output": "x"}, "output is a whole number, not 'x'"),
        ({"error": 1.5}, "error is a whole number, not 1.5"),
        ({"origin": -5}, "origin is a whole number from 0, not -5"),
        ({"origin": "start"}, "origin is a whole number, not 'start'"),
    ],
)
def test_what_is_no_port_or_origin_is_told(settings: dict[str, Any], wrong: str) -> None:
    platform = BarePlatform(TOY, **settings)
    with pytest.raises(DescriptionError, match=f"guest toy: {wrong}"):
        platform.computer(platform.program(b"\0"), tier=Tier.REFERENCE)
    with pytest.raises((TypeError, ValueError), match="is a whole number"):
        TOY_PLATFORM.computer(TOY_PLATFORM.program(b"\0"), tier=Tier.REFERENCE, **settings)


def test_a_guest_without_ports_has_none_to_choose() -> None:
    guest = Guest(
        "mute", tuple(Opcode(n, f"halt-{n}", Core.halt) for n in range(256)),
        (Space("memory", 0x10000, code=True),),
    )  # fmt: skip
    assert [option.name for option in BarePlatform(guest).running] == ["origin"]
    platform = BarePlatform(guest, output=1)
    with pytest.raises(DescriptionError, match="guest mute: output is a port, and it has none"):
        platform.computer(platform.program(b"\0"), tier=Tier.REFERENCE)


def test_a_share_of_instructions_goes_on_where_a_limit_stopped_it() -> None:
    toy = computer("loop: addi r1 1\njmp loop")
    evaluator = toy.evaluator

    def count() -> int:
        return int.from_bytes(toy.machine.state.spaces[1][4:8], "little")

    evaluator.follow(iter([Share(10), Share(6)]))
    assert (toy.machine.executed, count()) == (16, 8)
    shares = iter([Share(10), Share(6)])
    with toy.limited(max_instructions=4), pytest.raises(LimitReached):
        evaluator.follow(shares)
    assert (toy.machine.executed, evaluator.is_unfinished) == (20, True)
    evaluator.follow(shares)
    assert (toy.machine.executed, evaluator.is_unfinished) == (32, False)


def test_a_share_ends_where_the_guest_halts() -> None:
    toy = computer("halt")
    evaluator = Evaluator(toy.machine)
    evaluator.follow(iter([Share(10)]))
    assert evaluator.has_halted

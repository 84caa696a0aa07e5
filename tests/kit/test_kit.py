"""The test kit: what it says of guests that agree, of such that do not, and of wrong arguments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jitvm.engine.machine.machine import Machine, Tier
from jitvm.guest import DescriptionError, Guest, Opcode, Space
from jitvm.guests.chip8 import CHIP8, SUPERCHIP, XOCHIP, Quirks, guest
from jitvm.guests.chip8.platform import PLATFORM
from jitvm.guests.uxn import UXN
from jitvm.guests.uxn.platform import PLATFORM as VARVARA
from jitvm.platform import Program, ProgramError
from jitvm.testing import Difference, RandomProgram, check, compare, random_programs
from tests.toy.guest import FACTORIAL, TOY, assemble

LOOP = assemble("li r1 100\nagain: addi r1 -1\nbne r1 r0 again\nin r2 0x42\nadd r3 r2\nhalt")


def unlike(machine: Machine) -> None:
    """A device that gives native tiers something else."""
    machine.on_read(0x42, lambda: 1 if machine.tier is Tier.REFERENCE else 2)


# -- what agrees ---------------------------------------------------------------------------------


def test_a_program_of_a_guest() -> None:
    compare(TOY, assemble(FACTORIAL))
    compare(TOY, LOOP, tiers=["jit"], connect=lambda machine: machine.on_read(0x42, lambda: 7))


@pytest.mark.parametrize(("quirks", "seed"), [(CHIP8, 3), (SUPERCHIP, 3), (XOCHIP, 4)])
def test_random_programs_of_chip8(quirks: Quirks, seed: int) -> None:
    check(guest(quirks), seed=seed, count=2, max_instructions=500)


def test_random_programs_of_toy() -> None:
    check(TOY, seed=5, count=4)


def test_random_programs_of_uxn() -> None:
    check(UXN, seed=1, count=2, max_instructions=500)


def test_programs_of_platforms(tmp_path: Path) -> None:
    compare(VARVARA, b"\xa0\x41\x18\x17\xa0\x80\x0f\x17", stdin=b"x")
    file = tmp_path / "a.xo8"
    file.write_bytes(bytes.fromhex("7001 D011 1200"))
    compare(PLATFORM, file, frames=3, speed=50)
    compare(PLATFORM, PLATFORM.load(str(file)), frames=2, machine="superchip")


# -- what does not -------------------------------------------------------------------------------


@pytest.mark.parametrize("tier", ["interpreter", "jit", "ir"])
def test_a_difference_is_told_where_it_begins(tier: str) -> None:
    with pytest.raises(Difference) as caught:
        compare(TOY, LOOP, tiers=[tier], connect=unlike)
    assert str(caught.value) == (
        f"toy at tier {tier}: after 202 instructions, the last in (0c 02 42 00) at 0x000c: "
        "registers[0x0008] is 0x02, reference 0x01"
    )


def test_a_difference_of_a_random_program_names_it() -> None:
    def unlike_everywhere(machine: Machine) -> None:
        for port in range(256):
            machine.on_read(port, lambda: 0 if machine.tier is Tier.REFERENCE else 0xFF)

    with pytest.raises(
        Difference, match=r"^toy at tier interpreter, random program \d of seed 5: a"
    ):
        check(TOY, seed=5, count=9, connect=unlike_everywhere)


def test_a_difference_of_computers_names_the_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    made = PLATFORM.computer

    def computer(program: Program, **options: Any) -> Any:
        found = made(program, **options)
        found.speed = 15 if options["tier"] is Tier.REFERENCE else 16
        return found

    monkeypatch.setattr(PLATFORM, "computer", computer)
    program = PLATFORM.program(bytes.fromhex("7001 1200"), "a.ch8")
    with pytest.raises(
        Difference, match=r"^a\.ch8 of chip8 at tier jit: pc differs in frame 1: 512,"
    ):
        compare(PLATFORM, program, tiers=["jit"])


def test_many_differences_are_few_lines() -> None:
    def unlike_memory(machine: Machine) -> None:
        def overwrite(_: int) -> None:
            if machine.tier is not Tier.REFERENCE:
                machine.memory[0x5000:0x6000] = b"\x01" * 0x1000

        machine.on_write(1, overwrite)

    with pytest.raises(Difference) as caught:
        compare(TOY, assemble("out r1 1\nhalt"), tiers=["interpreter"], connect=unlike_memory)
    text = str(caught.value)
    assert "memory[0x5000] is 0x01, reference 0x00" in text
    assert text.endswith("; 4092 more bytes of memory")


# -- programs ------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_programs() -> None:
    first, again, other = (list(random_programs(TOY, seed, 3)) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert len({program.spaces[0] for program in first}) == 3


@pytest.mark.parametrize("made", [TOY, guest(), UXN], ids=lambda made: str(made.name))
def test_programs_go_on_for_a_while_and_come_back(made: Guest) -> None:
    executed = []
    for program in random_programs(made, 2, 8):
        machine = Machine(made, tier=Tier.REFERENCE)
        program.put_in(machine)
        machine.run(max_instructions=1000)
        executed.append(machine.executed)
    assert sorted(executed)[4] >= 20
    assert max(executed) == 1000


def test_what_is_popped_is_not_compared() -> None:
    """A push behind a pop and a pop of two: a byte that was popped is looked at."""
    code = bytes([0x80, 5, 0x80, 6, 0x02, 0x02, 0x00])  # LIT 5 LIT 6 POP POP BRK
    compare(UXN, bytes(UXN.origin) + code if UXN.origin == 0 else code)


# -- wrong arguments -----------------------------------------------------------------------------


def test_wrong_arguments() -> None:
    with pytest.raises(ValueError, match=r"^max_instructions is a whole number from 1, not 0"):
        compare(TOY, b"\0", max_instructions=0)
    with pytest.raises(ValueError, match="'nonsense' is not a valid Tier"):
        compare(TOY, b"\0", tiers=["nonsense"])
    with pytest.raises(TypeError, match="a guest's program is bytes, not str"):
        compare(TOY, "a.toy")
    with pytest.raises(TypeError, match="frames is an option of platforms; toy is a guest"):
        compare(TOY, b"\0", frames=3)
    with pytest.raises(ValueError, match="a program of 65537 bytes at 0x0 does not fit into toy"):
        compare(TOY, bytes(0x10001))
    with pytest.raises(ProgramError, match="there is no such file"):
        compare(PLATFORM, "missing.ch8")


def test_guests_that_are_refused_or_do_nothing() -> None:
    def made(semantics: Any) -> Guest:
        rows = tuple(Opcode(n, f"op{n}", semantics) for n in range(256))
        return Guest("none", rows, (Space("memory", 0x10000, code=True),))

    with pytest.raises(ValueError, match="guest none: all that it does is to halt"):
        check(made(lambda core: core.halt()))
    with pytest.raises(DescriptionError, match="asked Python whether a word is true"):
        check(made(lambda core: core.jump(0) if core.load(0, 0, 1) else None))


def test_programs_are_public() -> None:
    assert {"seed", "number", "spaces", "stacks", "pointers", "pc"} == set(RandomProgram.fields)

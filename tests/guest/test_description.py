"""What a guest description may say: every contradiction has an error that names it."""

from __future__ import annotations

from typing import Any

import pytest

from jitvm.guest import Core, DescriptionError, Guest, Opcode, Space, Stack


def nothing(core: Core) -> None:
    """An opcode without effect."""


ROWS = tuple(Opcode(code, f"op{code:02x}", nothing) for code in range(256))
RAM = Space("ram", 0x10000, code=True)


def guest(**changed: Any) -> Guest:
    return Guest(**{"name": "sample", "opcodes": ROWS, "spaces": (RAM,), **changed})


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"word_bits": 16}, "sample: word_bits is 32 or 64, not 16"),
        ({"spaces": ()}, "sample: exactly one space holds code, not 0"),
        ({"spaces": (RAM, RAM)}, "sample: exactly one space holds code, not 2"),
        ({"spaces": (RAM, Space("regs", 48))}, "sample: regs has 48 bytes; take a power of two"),
        ({"stacks": (Stack("data", 0),)}, "sample: data has 0 bytes; take a power of two"),
        ({"stacks": (Stack("data", 1),)}, "sample: data needs at least 2 bytes"),
        (
            {"pc_bits": 12},
            "sample: a program counter of 12 bits and a code space of 65536 bytes do not cover",
        ),
        (
            {"spaces": (Space("ram", 4096, code=True),), "pc_bits": 12},
            "sample: the code space needs at least 65536 bytes",
        ),
        ({"opcodes": ROWS[:-1]}, "sample: the opcode table needs rows 0 to 255 in order"),
        ({"opcodes": ROWS[::-1]}, "sample: the opcode table needs rows 0 to 255 in order"),
        (
            {"opcodes": (*ROWS[:-1], Opcode(255, "op00", nothing))},
            "sample: two opcodes are named op00",
        ),
        ({"ports": 16}, "sample: a guest has 0 or 256 ports, not 16"),
    ],
)
def test_contradictions(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(DescriptionError, match=message):
        guest(**changed)


def test_derived_facts() -> None:
    made = guest(
        opcodes=(Opcode(0, "wide", nothing, operand_size=2), *ROWS[1:]),
        spaces=(Space("regs", 64), RAM),
    )
    assert (made.code_index, made.code_space) == (1, RAM)
    assert made.lengths[:2] == (3, 1)
    assert made.by_name["wide"].code == 0


def test_guests_are_equal_only_to_themselves() -> None:
    assert guest() != guest()
    assert len({guest(), guest()}) == 2

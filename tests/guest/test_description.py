"""What a guest description may say: every contradiction has an error that names it."""

from __future__ import annotations

from typing import Any

import pytest

from jitvm.engine.machine.machine import Machine, Tier
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
        ({"ports": True}, "sample: a guest has 0 or 256 ports, not True"),
        ({"ports": 256.0}, "sample: a guest has 0 or 256 ports, not 256.0"),
        ({"word_bits": 32.0}, "sample: word_bits is 32 or 64, not 32.0"),
        ({"byte_order": "middle"}, "sample: byte_order is big or little, not 'middle'"),
        ({"byte_order": None}, "sample: byte_order is big or little, not None"),
        ({"version": 9}, "sample: the version is a str, not 9"),
        ({"stored": 5}, "sample: `stored` is a function of the code space's bytes, not 5"),
        ({"name": ""}, "guest '': a name is a str of one line, and not empty"),
        ({"name": "a\nb"}, r"a name is a str of one line"),
        ({"name": 5}, "guest 5: a name is a str of one line, and not empty"),
        ({"pc_bits": "16"}, "sample: a program counter of '16' bits and a code space"),
        ({"pc_bits": 16.0}, "sample: a program counter of 16.0 bits and a code space"),
        ({"pc_bits": -1}, "sample: a program counter of -1 bits and a code space"),
        (
            {"spaces": (Space("ram", 1 << 25, code=True),), "pc_bits": 25},
            "sample: the code space needs at least 65536 bytes and at most 16777216, not 33554432",
        ),
        ({"spaces": RAM}, "sample: spaces is a tuple, not <jitvm"),
        ({"spaces": ("ram",)}, "sample: space 'ram' is no Space"),
        ({"spaces": (RAM, Stack("s", 16))}, "is no Space"),
        ({"spaces": (RAM, Space("regs", -16))}, "sample: regs has -16 bytes; take a power of two"),
        ({"spaces": (RAM, Space("regs", 16.0))}, "sample: regs has 16.0 bytes; take a power"),  # type: ignore[arg-type]
        ({"spaces": (RAM, Space("regs", True))}, "sample: regs has True bytes; take a power"),
        ({"spaces": (RAM, Space("regs", 1 << 40))}, "regs has 1099511627776 bytes; take at"),
        ({"spaces": (RAM, Space("regs", 1 << 90_000))}, "sample: regs has something of class int"),
        ({"spaces": (RAM, Space("", 16))}, "sample: a space is named ''; take a str"),
        ({"spaces": (RAM, Space("ram", 16))}, "sample: two spaces are named ram"),
        ({"stacks": (Stack("a", 16), Stack("a", 16))}, "sample: two stacks are named a"),
        ({"stacks": (Stack(None, 16),)}, "sample: a stack is named None; take a str"),  # type: ignore[arg-type]
        ({"stacks": (Space("a", 16),)}, "is no Stack"),
        ({"stacks": None}, "sample: stacks is a tuple, not None"),
        (
            {"stacks": tuple(Stack(str(i), 16) for i in range(9))},
            "sample: 9 stacks; native code has registers for 8: keep the others in spaces",
        ),
        ({"opcodes": dict.fromkeys(ROWS)}, "sample: opcodes is a tuple, not "),
        ({"opcodes": tuple(range(256))}, "sample: the opcode table needs rows 0 to 255 in order"),
        ({"opcodes": (*ROWS, ROWS[0])}, "sample: the opcode table needs rows 0 to 255 in order"),
        ({"opcodes": (Opcode(0, "", nothing), *ROWS[1:])}, "sample: opcode 0x00 is named ''"),
        (
            {"opcodes": (Opcode(0, "a\nb", nothing), *ROWS[1:])},
            "is named 'a.nb'; take a str of one",
        ),
        ({"opcodes": (Opcode(0, "\x1b[m", nothing), *ROWS[1:])}, "0x00 is named '.x1b"),
        ({"opcodes": (Opcode(0, "\udc80", nothing), *ROWS[1:])}, "0x00 is named '.udc80'"),
        (
            {"opcodes": (*ROWS[:1], Opcode(True, "one", nothing), *ROWS[2:])},
            "in order; at 1 is True",
        ),
        ({"opcodes": (*ROWS[:1], Opcode(1.0, "one", nothing), *ROWS[2:])}, "in order; at 1 is 1.0"),  # type: ignore[arg-type]
        (
            {"spaces": (RAM, Space("a\tb", 16))},
            "sample: a space is named 'a.tb'; take a str of one",
        ),
        ({"stacks": (Stack(" ", 16),)}, "sample: a stack is named ' '; take a str of one line"),
        ({"spaces": (Space("ram", 0x10000, code="no"),)}, "ram: code is True or False, not 'no'"),  # type: ignore[arg-type]
        ({"spaces": (RAM, Space("w", 0x10000, window=2))}, "w: window is True or False, not 2"),  # type: ignore[arg-type]
        ({"spaces": (RAM, Space("w", 0x10000, large="x"))}, "w: large is True or False, not 'x'"),  # type: ignore[arg-type]
        ({"stacks": (Stack("a", 16, 7),)}, "a: return_addresses is True or False, not 7"),  # type: ignore[arg-type]
        ({"stacks": (Stack("a", 16, cached=2),)}, "a: cached is a tuple of sizes, not 2"),  # type: ignore[arg-type]
        ({"stacks": (Stack("a", 16, cached=(3,)),)}, "a: a cached word has 3 bytes; take some of"),
        ({"stacks": (Stack("a", 16, cached=(8,)),)}, "has 8 bytes; take some of 1, 2, 4"),
        ({"stacks": (Stack("a", 16, cached=(True,)),)}, "a: a cached word has True bytes"),
        ({"stacks": (Stack("a", 16, cached=(2, 2)),)}, "sample: a: a size is cached twice"),
        (
            {"stacks": (Stack("a", 16, cached=(1,)), Stack("b", 16, cached=(1,)))},
            "sample: a and b are cached; take one of them",
        ),
        (
            {"stacks": tuple(Stack(str(i), 16, cached=(1,) * (not i)) for i in range(8))},
            "8 stacks; native code has registers for 7 where one is cached",
        ),
        ({"opcodes": (Opcode(0, "a", None), *ROWS[1:])}, "opcode 0x00 a: its meaning is None"),  # type: ignore[arg-type]
        ({"opcodes": (Opcode(0, "a", nothing, -1), *ROWS[1:])}, "0x00 a: has -1 operand bytes"),
        ({"opcodes": (Opcode(0, "a", nothing, 256), *ROWS[1:])}, "0x00 a: has 256 operand bytes"),
        ({"opcodes": (Opcode(0, "a", nothing, True), *ROWS[1:])}, "a: has True operand bytes"),
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


def fails() -> tuple[Opcode, ...]:
    raise LookupError("no\nrows")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (fails, "guest sample: the function that makes its opcodes raised LookupError: no rows"),
        (lambda _: ROWS, "guest sample: the function that makes its opcodes raised TypeError: "),
        (lambda: None, "guest sample: opcodes is a tuple, not None"),
        (lambda: ROWS[1:], "guest sample: the opcode table needs rows 0 to 255"),
    ],
)
@pytest.mark.parametrize("tier", Tier)
def test_opcodes_made_late_are_checked_when_a_machine_is_made(
    tier: Tier, make: Any, message: str
) -> None:
    made = guest(opcodes=make)
    for _ in range(2):
        with pytest.raises(DescriptionError) as caught:
            Machine(made, tier=tier, cache=None)
        assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        (
            lambda code: code[len(code)],
            "guest sample: `stored` raised IndexError: index out of range",
        ),
        (lambda: frozenset(), "guest sample: `stored` raised TypeError: "),
        (lambda _: None, "guest sample: `stored` gives a frozenset of addresses, not None"),
        (lambda _: [1], "guest sample: `stored` gives a frozenset of addresses, not [1]"),
    ],
)
def test_the_hint_is_tried_when_a_machine_is_made(stored: Any, message: str) -> None:
    for tier in Tier:
        with pytest.raises(DescriptionError) as caught:
            Machine(guest(stored=stored), tier=tier, cache=None)
        assert str(caught.value).startswith(message)

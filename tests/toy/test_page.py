"""docs/describe-your-own-bytecode.md is a program that runs, and its errors are the real ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from jitvm.engine.interpreter.making import make_unit
from jitvm.guest import Core, DescriptionError, Guest, Opcode
from tests.tiers import TIERS, make_machine
from tests.toy import guest as toy

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "describe-your-own-bytecode.md").read_text(encoding="utf-8")
WRONG = re.findall(r"^```py\n(.*?)^```\n```text\n(.*?)\n```", PAGE, re.DOTALL | re.MULTILINE)


def test_the_page_is_the_toy_guest() -> None:
    blocks = re.findall(r"^```python\n(.*?)^```\n", PAGE, re.DOTALL | re.MULTILINE)
    program = (ROOT / "tests" / "toy" / "guest.py").read_text(encoding="utf-8")
    # The page is formatted, too: a block does not end with empty lines.
    assert [*filter(None, "".join(blocks).split("\n"))] == [*filter(None, program.split("\n"))]


@pytest.mark.parametrize("tier", TIERS)
def test_the_page_prints_what_it_says(tier: str) -> None:
    assert "It prints `3628800 3628800`" in PAGE
    machine = make_machine(tier, toy.TOY)
    code = toy.assemble(toy.FACTORIAL)
    machine.memory[: len(code)] = code
    machine.collect(1)
    machine.run(0)
    assert machine.take_output()[1::2] == b"3628800"


@pytest.mark.parametrize("tier", ["reference", "interpreter"])
def test_the_page_as_a_program(tier: str) -> None:
    assert toy.run(tier) == "3628800"


@pytest.mark.parametrize(("source", "message"), WRONG, ids=[text[:32] for _, text in WRONG])
def test_errors_shown_are_raised(source: str, message: str) -> None:
    names = {**vars(toy), "Core": Core}
    exec(source, names)
    rows = list(toy.rows())
    rows[7] = Opcode(7, "example", names["wrong"], 3)
    guest = Guest("toy", tuple(rows), toy.SPACES, ports=256, word_bits=64, byte_order="little")
    with pytest.raises(DescriptionError) as caught:
        make_unit(guest)
    assert str(caught.value) == f"guest toy, opcode 0x07 example: {message}"


def test_every_rule_has_an_example() -> None:
    rules = re.findall(r"^### \d\. ", PAGE, re.MULTILINE)
    assert len(rules) == 6
    assert len(WRONG) >= len(rules)


def test_what_the_page_recommends_instead_is_accepted() -> None:
    def better(core: Core) -> None:
        a, b = core.load(toy.REGISTERS, 0, 4), core.load(toy.REGISTERS, 4, 4)
        inside = ((a - b) & 0xFFFF_FFFF) < 10
        core.store(toy.REGISTERS, 8, (0 - a) ^ 0xFFFF_FFFF, 4)
        core.jump(core.select(inside, 0, 4))

    rows = list(toy.rows())
    rows[7] = Opcode(7, "example", better, 3)
    make_unit(Guest("toy", tuple(rows), toy.SPACES, ports=256, word_bits=64, byte_order="little"))

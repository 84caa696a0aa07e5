"""Expressions: what they are worth, and what makes no sense."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitvm.debugger.debugger import Debugger
from jitvm.debugger.expressions import DEEPEST, LONGEST, ExpressionError
from jitvm.engine.machine.machine import Tier
from tests.debugger.walking import Case, debugger_of

SOURCE = b"|0100 @main #1234 #56 #9a STH BRK @table/of-2 0102 0304"


@pytest.fixture(scope="module")
def debugger() -> Debugger:
    """After some pushes."""
    made = debugger_of(Case("some.tal", SOURCE), Tier.REFERENCE)
    made.step(4)
    return made


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12), ("0x1f", 31), ("#1F", 31), ("1 + 2 * 3", 7), ("(1 + 2) * 3", 9),
        ("7 - 2 - 1", 4), ("7 / 2", 3), ("-7 / 2", -4), ("7 % 4", 3), ("1 << 4 | 1", 17),
        ("6 & 3 ^ 1", 3), ("~0", -1), ("!5", 0), ("!!5", 1), ("1 < 2 && 2 <= 2", 1),
        ("1 > 2 || 3 >= 3", 1), ("2 == 2 != 0", 1), ("0 && 1 / 0", 0), ("1 || 1 / 0", 1),
        ("pc", 0x108), ("op", 0x00), ("time", 4), ("wst", 3), ("rst", 1), ("wst[0]", 0x56),
        ("wst[1]:2", 0x1234), ("rst[0]", 0x9A), ("WST[2]", 0x12), ("@main", 0x100),
        ("[@main]", 0xA0), ("[@table/of-2]:2", 0x0102), ("[@table/of-2 + 1]:2", 0x0203),
        ("ram[0x101]:2", 0x1234), ("[0xffff]:2", 0), ("[-1]", 0), ("port[5]", 0),
        ("  1  ", 1), ("[[0x10a] + 0x100]", 0x34),
    ],
)  # fmt: skip
def test_values(debugger: Debugger, text: str, value: int) -> None:
    assert debugger.expression(text).value() == value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "a value is missing"), ("1 +", "a value is missing"), ("(1", r"\) is missing"),
        ("1 2", "not expected"), ("[1", "] is missing"), ("[1]:3", "1, 2, 4 or 8"),
        ("nobody", "nothing called nobody"), ("@nowhere", "no label nowhere"), ("1 ? 2", r"'\?"),
        ("12ab", "12ab"), ("0x", "0x"), ("__import__('os')", "nothing called __import__"),
        ("(" * (DEEPEST + 5), "too deep"), ("1" * (LONGEST + 1), "longer than"), ("pc.x", ".x"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_told(debugger: Debugger, text: str, said: str) -> None:
    with pytest.raises(ExpressionError, match=said):
        debugger.expression(text)


@pytest.mark.parametrize("text", ["1 / 0", "1 % (2 - 2)", "1 << 65", "1 >> -1"])
def test_what_has_no_value_is_told(debugger: Debugger, text: str) -> None:
    expression = debugger.expression(text)
    with pytest.raises(ExpressionError, match=r"zero|distance"):
        expression.value()


@given(st.text(alphabet="0123456789abx@[]()+-*/%&|^~!<>=: wstpc#", max_size=30))
def test_any_text_is_an_expression_or_an_error(text: str) -> None:
    with suppress(ExpressionError):
        _made().expression(text).value()


_kept: list[Debugger] = []


def _made() -> Debugger:
    if not _kept:
        _kept.append(debugger_of(Case("some.tal", SOURCE), Tier.REFERENCE))
    return _kept[0]

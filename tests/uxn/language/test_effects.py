"""What comments declare, and what they do not."""

from __future__ import annotations

import pytest

from jitvm.guests.uxn.language.effects import Effect, effect_of


@pytest.mark.parametrize(
    ("comment", "takes", "gives"),
    [
        ("( -- )", (0, 0), (0, 0)),
        ("( a b* -- c )", (3, 0), (1, 0)),
        ("( fn* -- <res>* )", (2, 0), (2, 0)),
        ("( a* | b -- c | d* )", (2, 1), (1, 2)),
        ("( a . b -- )", (1, 1), (0, 0)),
        ("(\n\ta\n\t-- b )", (1, 0), (1, 0)),
        ("( a -: b )", (1, 0), (1, 0)),
        ("( x** -- a+1 b^ )", (4, 0), (2, 0)),
    ],
)
def test_declared(comment: str, takes: tuple[int, int], gives: tuple[int, int]) -> None:
    assert effect_of(comment) == Effect(takes, gives, False, "*" in comment)


def test_vectors() -> None:
    assert effect_of("( -> )") == Effect((0, 0), (0, 0), True)


@pytest.mark.parametrize(
    "comment",
    [
        "( a )", "( prints a byte )", "( a -- b -- c )", "( a -- b | c )", "( a.. -- )",
        "( a, b -- )", "( the a -- b )", "( a `b -- )", "(a -- b)", "( a -- b or c )",
        "( --", "", "( a | b | c -- )", "( addr -- )", "( a -- Short )",
        "( a -- 00 if b OR 01 )", "( {fn}* -- )", "( x* -- x+1 )", "( a* b* -- a>b )",
    ],
)  # fmt: skip
def test_not_declared(comment: str) -> None:
    assert effect_of(comment) is None

"""Conditions in native code: they hold where the same holds of Python's numbers, or are none."""

from __future__ import annotations

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from jitvm.debugger.debugger import Debugger
from jitvm.debugger.expressions import ExpressionError
from jitvm.engine.interpreter.filters import is_filter
from jitvm.engine.machine.machine import Tier
from jitvm.guest import Stop
from jitvm.guests.uxn import UXN
from tests.debugger.walking import Case, debugger_of

_made: list[Debugger] = []
START, PLACE = 0x100, 0x103


def debugger() -> Debugger:
    """At an instruction behind some pushes, with memory and ports that are not all zero."""
    if not _made:
        made = debugger_of(Case("some.tal", b"|0100 #12 POP #ff BRK"), Tier.INTERPRETER)
        made.machine.memory[0:0x100] = bytes(range(0x100))
        made.machine.page[0x30:0x40] = bytes(range(0xF0, 0x100))
        for cells in made.state.stacks:
            cells[:] = bytes((7 * at + 3) & 0xFF for at in range(0x100))
        _made.append(made)
    return _made[0]


_numbers = st.one_of(
    st.sampled_from(("0", "1", "2", "255", "0x100", "0xffff", "70000", "pc", "op", "wst", "rst")),
    st.integers(0, 1 << 40).map(str),
)
_texts = st.recursive(
    _numbers,
    lambda part: st.one_of(
        st.builds("({}{})".format, st.sampled_from("!~-"), part),
        st.builds(
            "({} {} {})".format, part,
            st.sampled_from(("+", "-", "*", "&", "|", "^", "&&", "||", "==", "!=", "<", "<=", ">",
                             ">=", "<<", ">>", "/", "%")),
            part,
        ),
        st.builds("{}[{}]:{}".format, st.sampled_from(("", "wst", "rst", "port", "ram")), part,
                  st.sampled_from((1, 2, 4, 8))),
    ),
    max_leaves=6,
)  # fmt: skip


@settings(max_examples=30)
@given(_texts, st.integers(0, 255), st.integers(0, 255))
def test_native_code_decides_as_python_does(text: str, wst: int, rst: int) -> None:
    made = debugger()
    machine = made.machine
    expression = made.expression(text)
    assume(expression.filter is not None)
    asked: list[int] = []

    def judge(pc: int) -> bool:
        asked.append(pc)
        return True

    machine.state.pointers[:] = [wst, rst]
    machine.break_at([PLACE], judge=judge, filters={PLACE: expression.filter or ()})
    machine.state.pc = PLACE
    now = expression.value()
    stop = machine.run(PLACE)
    assert stop is (Stop.BREAK if now else Stop.HALT)
    assert asked == ([PLACE] if now else [])


@given(_texts)
def test_what_needs_more_bits_or_may_fail_is_no_filter(text: str) -> None:
    made = debugger()
    expression = made.expression(text)
    if "/" in text or "%" in text:
        assert expression.filter is None
    if expression.filter is not None:
        try:
            assert abs(expression.value()) < 1 << 62
        except ExpressionError as error:  # nothing in a filter can fail
            raise AssertionError(text) from error


def test_trees_of_nothing_that_is_known_are_none() -> None:
    assert not is_filter(None, UXN)
    assert not is_filter(("load", "space", 0, ("number", 0), 8), UXN)
    assert not is_filter(("*", ("number", 1 << 40), ("number", 1 << 40)), UXN)
    assert is_filter(("*", ("pc",), ("pointer", 0)), UXN)

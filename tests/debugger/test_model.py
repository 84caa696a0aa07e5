"""Commands at random, compared with a list of all states, where it is looked up where each ends.

A stop is a time. Breakpoints stop at times whose program counter is theirs and whose condition
holds; watches at times before which the instruction has changed a byte.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jitvm.debugger.commands import Commands
from jitvm.engine.machine.machine import Tier
from tests.debugger.walking import CASES, TIERS, Walk, debugger_of, walk


class Model:
    """What a debugger of a walk would do."""

    def __init__(self, known: Walk) -> None:
        self.known = known
        self.time = 0
        self.addresses: set[int] = set()
        self.limit = -1
        self.watched: set[tuple[int, int]] = set()

    def stops(self, time: int) -> bool:
        """Whether a run that gets to a time stops there."""
        _, pc, stacks, _ = self.known.states[time]
        top = stacks[0][-1] if stacks and stacks[0] else None
        holds = self.limit < 0 or (top is not None and top > self.limit)
        return (pc in self.addresses and holds) or self.has_changed(time)

    def has_changed(self, time: int) -> bool:
        """Whether the instruction before a time has changed a byte, to what is watched for."""
        if time == 0:
            return False
        before, after = self.known.memory[time - 1], self.known.memory[time]
        return any(before[at] != after[at] and after[at] % by == 0 for at, by in self.watched)

    def go_on(self, most: int) -> None:
        while self.time < min(most, self.known.last):
            self.time += 1
            if self.stops(self.time) and (self.time < most or self.has_changed(self.time)):
                return

    def reverse(self) -> None:
        while self.time > 0:
            self.time -= 1
            if self.stops(self.time):
                return


moves = st.one_of(
    st.tuples(st.just("c")),
    st.tuples(st.just("rc")),
    st.tuples(st.just("si"), st.integers(1, 40)),
    st.tuples(st.just("rsi"), st.integers(1, 40)),
    st.tuples(st.just("goto"), st.integers(0, 700)),
)
setups = st.one_of(
    st.tuples(st.just("break"), st.integers(0, 700), st.integers(-1, 30)),
    st.tuples(st.just("watch"), st.sampled_from((0x00, 0x01, 0x02)), st.integers(1, 4)),
    st.tuples(st.just("delete")),
)


@pytest.mark.parametrize("tier", TIERS)
@settings(max_examples=12)
@given(st.lists(st.one_of(moves, moves, setups), min_size=4, max_size=14))
def test_commands_at_random(tier: Tier, wanted: list[tuple[object, ...]]) -> None:
    known = walk("console")
    debugger = debugger_of(CASES["console"], tier)
    debugger.go_to(known.last)
    debugger.go_to(0)
    commands, model = Commands(debugger), Model(known)
    for word, *numbers in wanted:
        (number, *more) = [n for n in numbers if isinstance(n, int)] or [0]
        if word == "break":
            commands.execute("delete")
            model.watched.clear()
            pc, model.limit = known.states[min(number, known.last)][1], more[0]
            model.addresses = {pc}
            condition = f" if wst > 0 && wst[0] > {more[0]}" if more[0] >= 0 else ""
            commands.execute(f"break *{pc}{condition}")
        elif word == "watch":
            condition = f" if value % {more[0]} == 0" if more[0] > 1 else ""
            commands.execute(f"watch [{number}]{condition}")
            model.watched.add((number, more[0]))
        elif word == "delete":
            commands.execute("delete")
            model.addresses, model.watched = set(), set()
        else:
            number = min(number, known.last) if word == "goto" else number
            commands.execute(f"{word} {number}" if numbers else str(word))
            if word == "c":
                model.go_on(known.last + 1)
            elif word == "si":
                model.go_on(model.time + number)
            elif word == "rc":
                model.reverse()
            else:
                model.time = number if word == "goto" else max(model.time - number, 0)
        assert debugger.history.time == model.time, (word, numbers)
        if model.time < known.last:
            assert debugger.state.pc == known.states[model.time][1]

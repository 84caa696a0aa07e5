"""Loops of one block that a counter controls, and what has to hold to run several rounds of them.

    b1(%x:16, %s:16):
      guard map[1] %x == 0               %x is a *counter*: each round adds the same to it
      store[0,1,65536] %x, #0            %x < %end goes on, and %end stays as it is: *counted*
      %y = (%x + 1) & 65535
      branch %y < %end, b1(%y, ...), b2

For a number of rounds, what must hold of each counter now is

    floor <= x       x + what the rounds add at most <= ceiling       watermark + above < x

so that in none of them an address computed from it wraps, a guard on its range fails, or a store
meets the code map. If the loop ends at a constant, floor and ceiling also say that it goes on.
"""

from __future__ import annotations

from jitvm.engine.ir.graph import Block, Branch, Goto, Graph, Value
from jitvm.engine.ir.ops import ACCESSES, COMPARISONS, Op, denied
from jitvm.engine.ir.rules import bounds

SPARE = 6
"""Bits that sums have more than their words, of a few rounds' steps. No limit that may be chosen:
what `rounds` may be at most needs so many."""


class Counter:
    """A parameter to which each round adds the same.

    Args:
        param: the parameter.
        step: what is added: a number, or a value from outside of the loop.
        rounds: how many are looked ahead.

    Attributes:
        fall, rise: the least and the most that is added up to the last of the rounds (`rise` is
            None if `step` is a value).
        floor, ceiling: see the head of this file.
        above: likewise; None if no store asks.
        base: the least that is added to make an address.
    """

    __slots__ = ("above", "base", "ceiling", "fall", "floor", "param", "rise", "step")

    def __init__(self, param: Value, step: int | Value, rounds: int) -> None:
        self.param = param
        self.step = step
        self.fall, self.rise = 0, None
        if isinstance(step, int):
            last = (rounds - 1) * step
            self.fall, self.rise = min(0, last), max(0, last)
        self.floor = 0
        self.ceiling = bounds(param)[1]
        self.above: int | None = None
        self.base = 0

    @property
    def rises(self) -> bool:
        """Whether it counts up."""
        return self.fall == 0

    def keep(self, offset: int, limit: int) -> None:
        """Ask that it never gets, with an offset, below 0, above a limit, or wraps."""
        self.floor = max(self.floor, -offset - self.fall)
        self.ceiling = min(self.ceiling, min(limit, bounds(self.param)[1]) - offset)

    def keep_unwatched(self, offset: int) -> None:
        """Ask that it stays, with an offset, above the watermark."""
        above = -offset - self.fall
        self.above = above if self.above is None else max(self.above, above)


class CountedLoop:
    """What is known of a loop of one block.

    Args:
        graph, block: the loop.
        again: its edge back.
        rounds: how many are looked ahead.

    Attributes:
        counters: those parameters that are.
        places: addresses that are a counter and an offset.
        held: guards that hold in all rounds if the counters are as they say.
        end: a counter and what it, with an offset, must not reach, if that is no constant.
    """

    def __init__(self, graph: Graph, block: Block, again: Goto, rounds: int) -> None:
        self.graph = graph
        self.block = block
        self.again = again
        self.rounds = rounds
        self.inside = {*block.params, *block.values}
        self.counters: dict[Value, Counter] = {}
        self.places: dict[Value, tuple[Counter, int]] = {}
        self.held: set[Value] = set()
        self.end: tuple[Counter, int, Value] | None = None

    def is_counted(self) -> bool:
        """Find out everything; whether a counter decides that the loop goes on."""
        for param, arg in zip(self.block.params, self.again.args, strict=True):
            step = self._step(param, arg)
            if step is not None:
                self.counters[param] = Counter(param, step, self.rounds)
        if not self._decides():
            return False
        for value in self.block.values:
            if value.op in ACCESSES:
                self._access(value)
            elif value.op is Op.GUARD:
                self._guard(value)
        return all(counter.floor <= counter.ceiling for counter in self.counters.values())

    def _step(self, param: Value, arg: Value) -> int | Value | None:
        """What a round adds to a parameter, if that is always the same and not 0."""
        if not self._has_room(param):
            return None
        known = offset_of(arg)
        if known is not None:
            base, offset = known
            return offset or None if base is param else None
        if arg.op is not Op.AND or arg.args[0].op is not Op.ADD:
            return None
        a, b = arg.args[0].args
        step = b if a is param else a
        if not (a is param or b is param) or arg.args[1].constant != _most(param):
            return None
        return step if step not in self.inside and 0 < step.bits <= param.bits else None

    def _has_room(self, word: Value) -> bool:
        """Whether sums of a word and what few rounds add to it need no more than a word's bits."""
        return 0 < word.bits <= self.graph.word_bits - SPARE

    def _place(self, value: Value) -> tuple[Counter, int] | None:
        """A value as a counter and an offset."""
        base, offset = offset_of(value) or (value, 0)
        counter = self.counters.get(base)
        if counter is None or (counter.rise is None and offset < 0):
            return None
        return counter, offset

    # -- going on ----------------------------------------------------------------------------

    def _decides(self) -> bool:
        """Whether a counter decides; asks it to go on in all rounds."""
        end = self.block.end
        assert isinstance(end, Branch)
        op, a, b = Op.NE, end.condition, self.graph.const(0)
        if end.condition.op in COMPARISONS:
            op, (a, b) = end.condition.op, end.condition.args
        if end.yes is not self.again:
            op, a, b = denied(op, a, b)
        if op is Op.EQ:
            return False
        if op is Op.NE:
            return self._ends_at(a, b, None) or self._ends_at(b, a, None)
        return self._ends_at(a, b, True) or self._ends_at(b, a, False)

    def _ends_at(self, value: Value, end: Value, rises: bool | None) -> bool:
        """Ask that a counter does not get to an end, if it is one and the end stays.

        With `rises` only a counter that counts up, or down, gets there.
        """
        place = self._place(value)
        if place is None or end in self.inside or rises not in (None, place[0].rises):
            return False
        if not self._has_room(end):
            return False
        counter, offset = place
        least, most = bounds(end)
        if counter.rises:
            counter.keep(offset, most - 1)
        else:
            counter.keep(offset, _most(counter.param))
            counter.floor = max(counter.floor, least + 1 - offset - counter.fall)
        if end.constant is None:
            self.end = counter, offset, end
        return True

    # -- what the rounds do ------------------------------------------------------------------

    def _access(self, access: Value) -> None:
        """Have an address that is a counter stay inside of its space."""
        address = access.args[0]
        place = self._place(address)
        if place is None:
            return
        counter, offset = place
        row, imm = access.op.row, access.imm
        size = row.attribute("size", imm)
        limit = row.attribute("within", imm) if "within" in row.attributes else _most(address) + 1
        counter.keep(offset, limit - size)
        counter.base = min(counter.base, offset + counter.fall)
        self.places[address] = place

    def _guard(self, guard: Value) -> None:
        """Find out whether a guard can be answered for all rounds at once."""
        condition = guard.args[0]
        if condition.op not in COMPARISONS or (limit := condition.args[1].constant) is None:
            return
        word = condition.args[0]
        if condition.op is Op.LE and (place := self._place(word)) is not None:
            place[0].keep(place[1], limit)
            self.held.add(guard)
        elif condition.op is Op.EQ and word.op is Op.MAP and limit == 0:
            place = self.places.get(word.args[0])
            if place is not None:
                place[0].keep_unwatched(place[1])
                self.held.add(guard)


def offset_of(value: Value) -> tuple[Value, int] | None:
    """A value as a parameter and a number that is added to it, modulo what fits the parameter.

    (x + 3) & m = x, 3        (x - 3) & m = x, -3        if x has the bits of m

    A sum with one of the highest numbers takes a few away; with others it is a place in an array.
    """
    if value.op is Op.PARAM:
        return value, 0
    if value.op is not Op.AND or (mask := value.args[1].constant) is None:
        return None
    total = value.args[0]
    if total.op not in (Op.ADD, Op.SUB) or (step := total.args[1].constant) is None:
        return None
    param = total.args[0]
    if param.op is not Op.PARAM or _most(param) != mask:
        return None
    step &= mask
    if total.op is Op.SUB:
        return param, -step
    near = min(value.graph.params.stride, mask >> 1)
    return param, step - (mask + 1 if mask - step < near else 0)


def _most(value: Value) -> int:
    return bounds(value)[1]

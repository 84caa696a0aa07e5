"""Counted loops run several rounds between two checks of what could end or interrupt them.

    b1(%x):                                  b1(%x):
      poll -> x0                               branch  %x + 7 <= 99  and more, b3, b2(%x)
      guard map[1] %x == 0 -> x1             b2(%x):
      store[0,1,65536] %x, #0        =         the loop as it was
      %y = (%x + 1) & 65535                  b3:
      branch %y < 100, b1(%y), b4              poll -> x0
                                               store[0,1,65536] %x, #0
                                               ...
                                               store[0,1,65536] %x + 7, #0
                                               goto b1((%x + 8) & 65535)

`jitvm.engine.ir.passes.counted` says what must hold for several rounds to run unchecked. If it does
not hold, and for the last rounds, control takes the original loop. Guards that depend on anything
else stay in each round, with exits of their own.

Source of the idea: unrolling with a remainder loop, and range checks hoisted by loop splitting
(Gupta, Optimizing Array Bound Checks Using Flow Analysis, 1993).
"""

from __future__ import annotations

from jitvm.engine.ir.graph import Block, Branch, Exit, Goto, Graph, Value
from jitvm.engine.ir.ops import ACCESSES, REPEATED, WORDS, Op
from jitvm.engine.ir.passes.counted import SPARE, CountedLoop, Counter
from jitvm.engine.ir.passes.dominators import reverse_postorder
from jitvm.engine.ir.rules import bounds, combine, rebuild
from jitvm.engine.tables.params import Parameters


def unroll_counted(graph: Graph) -> None:
    """Unroll the counted loops that are one block."""
    for block in list(graph.blocks):
        again = _again(block)
        if again is None or any(value.op not in REPEATED for value in block.values):
            continue
        rounds = _rounds(graph.params, block.weight)
        if rounds > 1:
            loop = CountedLoop(graph, block, again, rounds)
            if loop.is_counted():
                _Unrolling(loop).place()
    graph.blocks = reverse_postorder(graph)


def _rounds(params: Parameters, weight: int) -> int:
    """How often a block of so many operations is repeated: the limit, or half of it."""
    most = params.rounds
    return next((n for n in (most, most // 2) if n * weight <= params.unroll), 0)


def _again(block: Block) -> Goto | None:
    """The edge of a block to itself, if it has one and takes it more than once or twice."""
    end = block.end
    if not isinstance(end, Branch) or end.is_even:
        return None
    back = [goto for goto in block.targets() if goto.block is block]
    return back[0] if len(back) == 1 else None


class _Unrolling:
    """Puts the rounds of a loop in front of it."""

    def __init__(self, loop: CountedLoop) -> None:
        self.loop = loop
        self.graph = loop.graph
        number = 1 + max(block.number for block in loop.graph.blocks)
        self.head, self.body = Block(number, "unrolled"), Block(number + 1, "")
        self._sure: set[Value] = set()
        self.params = {
            param: self.graph.param(self.head, param.bits) for param in loop.block.params
        }

    def place(self) -> None:
        """Make the head and the rounds, and lead everybody who came to the loop to the head."""
        graph, block = self.graph, self.loop.block
        into = [
            goto
            for other in graph.blocks
            for goto in other.targets()
            if goto.block is block and other is not block
        ]
        graph.block = self.head
        fits = self._fits()
        if fits.constant == 0:
            return
        graph.blocks += [self.head, self.body]
        for goto in into:
            goto.block = self.head
        graph.block = self.body
        now = dict(self.params)
        for number in range(self.loop.rounds):
            now = self._round(now, number)
        self.body.end = Goto(self.head, [now[param] for param in block.params])
        self.head.end = Branch(fits, Goto(self.body), Goto(block, self.head.params))
        for made in (self.head, self.body):
            made.pure = {}

    # -- the head ----------------------------------------------------------------------------

    def _fits(self) -> Value:
        """Whether all rounds can be gone through."""
        graph, loop = self.graph, self.loop
        terms = []
        for counter in loop.counters.values():
            param = self.params[counter.param]
            terms.append(combine(graph, Op.LE, graph.const(counter.floor), param))
            ceiling = graph.const(counter.ceiling)
            terms.append(combine(graph, Op.LE, self._last(counter), ceiling))
            if counter.above is not None:
                mark = graph.pure(Op.WATERMARK, bits=graph.word_bits - SPARE)
                terms.append(self._less(mark, counter.above, param))
        if loop.end is not None:
            counter, offset, end = loop.end
            if counter.rises:
                terms.append(self._less(self._last(counter), offset, end))
            else:
                param = self.params[counter.param]
                terms.append(self._less(end, -offset - counter.fall, param))
        fits = graph.const(1)
        for term in terms:
            fits = term if fits.constant else combine(graph, Op.AND, fits, term)
        return fits

    def _last(self, counter: Counter) -> Value:
        """The most that a counter gets to be in the rounds."""
        graph, param = self.graph, self.params[counter.param]
        if isinstance(counter.step, int):
            rise: Value = graph.const(counter.rise or 0)
        else:
            rise = combine(graph, Op.MUL, counter.step, graph.const(self.loop.rounds - 1))
        return combine(graph, Op.ADD, param, rise)

    def _less(self, low: Value, distance: int, high: Value) -> Value:
        """``low + distance < high``, by numbers that are not below 0."""
        graph, apart = self.graph, self.graph.const(abs(distance))
        if distance < 0:
            high = combine(graph, Op.ADD, high, apart)
        else:
            low = combine(graph, Op.ADD, low, apart)
        return combine(graph, Op.LT, low, high)

    # -- the rounds --------------------------------------------------------------------------

    def _round(self, now: dict[Value, Value], number: int) -> dict[Value, Value]:
        """Do what the loop does in one round; its parameters in the next."""
        loop = self.loop
        became = dict(now)
        for value in loop.block.values:
            if value not in loop.held and not (number and value.op is Op.POLL):
                became[value] = self._repeated(value, became, number)
        return {
            param: self._passed(param, became.get(arg, arg), number + 1)
            for param, arg in zip(loop.block.params, loop.again.args, strict=True)
        }

    def _repeated(self, value: Value, became: dict[Value, Value], number: int) -> Value:
        graph, op = self.graph, value.op
        args = [became.get(arg, arg) for arg in value.args]
        if op in ACCESSES and (place := self.loop.places.get(value.args[0])) is not None:
            args[0] = self._address(*place, number)
        if op in WORDS:
            return rebuild(graph, op, tuple(args), value.imm)
        if op is Op.GUARD and args[0] in self._sure:
            return value
        made = graph.add(op, *args, imm=value.imm, bits=value.bits)
        if op is Op.GUARD:
            self._sure.add(args[0])
        if value.exit is not None:
            made.exit = _exit(value.exit, became)
        return made

    def _passed(self, param: Value, word: Value, number: int) -> Value:
        """What a parameter is in a round."""
        counter = self.loop.counters.get(param)
        if counter is None:
            return word
        most = self.graph.const(bounds(param)[1])
        return combine(self.graph, Op.AND, self._total(counter, number), most)

    def _total(self, counter: Counter, number: int) -> Value:
        """A counter in a round, if it may be less than 0."""
        graph, param, step = self.graph, self.params[counter.param], counter.step
        if isinstance(step, int):
            return combine(graph, Op.ADD, param, graph.const(number * step))
        steps = combine(graph, Op.MUL, step, graph.const(number))
        return combine(graph, Op.ADD, param, steps)

    def _address(self, counter: Counter, offset: int, number: int) -> Value:
        """A counter with an offset in a round, as a word that does not wrap."""
        graph = self.graph
        if not isinstance(counter.step, int):
            return combine(graph, Op.ADD, self._total(counter, number), graph.const(offset))
        low = self.params[counter.param]
        if counter.base:
            most = graph.const(bounds(low)[1])
            low = combine(graph, Op.ADD, low, graph.const(counter.base))
            low = combine(graph, Op.AND, low, most)
        further = number * counter.step + offset - counter.base
        # Not by `combine`, which would add this to what `low` adds.
        return graph.binary(Op.ADD, low, graph.const(further))


def _exit(exit_: Exit, became: dict[Value, Value]) -> Exit:
    """An exit with the values of a round."""

    def of(value: Value) -> Value:
        return became.get(value, value)

    made = Exit(
        of(exit_.pc),
        tuple(p if isinstance(p, int) else of(p) for p in exit_.pointers),
        tuple((stack, at, size, of(word)) for stack, at, size, word in exit_.slots),
        exit_.kind,
        exit_.reason,
    )
    made.instructions = exit_.instructions
    return made

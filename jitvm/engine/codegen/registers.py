"""Which register each value of a graph lives in: linear scan, with one place for a whole life.

Blocks are put in a line, every operation gets a position in it, and a value lives from where it is
made to its last use:

    position     2  4  6  8 10 12                  block parameters live from the block's start;
    %8           |-----------|                     arguments are used where the edge leaves
    %10             |--|
    %11                |-----|     <- may have the register of %10, which ends where it begins

Dominators come first in the line, so a way from a value to its use never leads before it. It may
lead behind it, round a loop: what is made before a loop and used in it lives to the end of its last
block (`_extend`). So no sets of live values are computed, block by block, till they settle.

Where registers run out, the value that is used least for its length lives in memory instead, all
its life. Nothing moves in between: places of values are the same in all code, also that of exits.

Source: Poletto and Sarkar, *Linear Scan Register Allocation* (1999).
"""

from __future__ import annotations

from jitvm.engine.ir.graph import Block, Value

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_LOOP_WEIGHT = 8
"""How many times as often code in a loop is taken to be executed as that around it."""
_DEEPEST = 4


class Life:
    """From where to where a value is needed, and how much it is worth a register."""

    __slots__ = ("begin", "end", "hint", "place", "value", "weight")

    def __init__(self, value: Value, end: int) -> None:
        self.value = value
        self.begin = 0
        self.end = end
        self.weight = 0
        self.hint: list[Value] = []
        self.place = -1


class Allocation:
    """Places of the values of a graph.

    Args:
        blocks: in the order in which they will stand, in reverse postorder.
        operands: the values that an operation needs where it stands.
        ends: the same of the end of a block, without arguments of edges.
        leaving: what an operation or the end of a block needs only to leave by an exit: no reason
            to be in a register.
        is_needed: whether an operation has to be done though nobody uses its value.
        registers: to be given away, the best first.

    Attributes:
        lives: of each value that is used, by its identity. A place is a register, or behind
            `MEMORY` the number of a word of memory.
        spilled: how many words of memory are taken.
        used: registers that were given away.
        positions: of each operation that has to be done, by its identity.
    """

    MEMORY = 16

    def __init__(
        self,
        blocks: Sequence[Block],
        operands: Callable[[Value], Iterable[Value]],
        ends: Callable[[Block], Iterable[Value]],
        leaving: Callable[[Value | Block], Iterable[Value]],
        is_needed: Callable[[Value], bool],
        registers: Sequence[int],
    ) -> None:
        self.lives: dict[int, Life] = {}
        self.spilled = 0
        self.used: set[int] = set()
        self.positions: dict[int, int] = {}
        self._registers = registers
        spans, loops = self._spans(blocks)
        self._find_lives(blocks, spans, loops, operands, ends, leaving, is_needed)
        self._extend(loops)
        self._give_registers(sorted(self.lives.values(), key=lambda life: life.begin))

    def _spans(self, blocks: Sequence[Block]) -> tuple[dict[int, int], list[tuple[int, int]]]:
        """Where each block begins, and from where to where each loop reaches."""
        at = 0
        begins: dict[int, int] = {}
        for block in blocks:
            begins[block.number] = at
            at += 2 * len(block.values) + 4
        loops: list[tuple[int, int]] = []
        for block in blocks:
            end = begins[block.number] + 2 * len(block.values) + 3
            heads = [begins[goto.block.number] for goto in block.targets()]
            loops += [(head, end) for head in heads if head <= begins[block.number]]
        return begins, loops

    def _find_lives(
        self,
        blocks: Sequence[Block],
        begins: dict[int, int],
        loops: Sequence[tuple[int, int]],
        operands: Callable[[Value], Iterable[Value]],
        ends: Callable[[Block], Iterable[Value]],
        leaving: Callable[[Value | Block], Iterable[Value]],
        is_needed: Callable[[Value], bool],
    ) -> None:
        """Backwards, so that a value's uses are seen before it, its last one first."""
        lives, positions = self.lives, self.positions
        for block in reversed(blocks):
            begin = begins[block.number]
            depth = sum([head <= begin < end for head, end in loops]) if loops else 0
            weight = _LOOP_WEIGHT ** min(depth, _DEEPEST)
            at = begin + 2 * len(block.values) + 2
            self._use(ends(block), at, weight)
            self._use(leaving(block), at, 0)
            for goto in block.targets():
                self._use(goto.args, at + 1, weight)
                for param, arg in zip(goto.block.params, goto.args, strict=True):
                    if arg.constant is None:
                        lives[id(arg)].hint.append(param)
                        if id(param) in lives:
                            lives[id(param)].hint.append(arg)
            for value in reversed(block.values):
                at -= 2
                life = lives.get(id(value))
                if life is None:
                    if not is_needed(value):
                        continue
                else:
                    life.begin = at + 1
                    life.weight += weight
                positions[id(value)] = at
                self._use(operands(value), at, weight)
                if value.exit is not None:
                    self._use(leaving(value), at, 0)
            for param in block.params:
                life = lives.get(id(param))
                if life is None:
                    life = lives[id(param)] = Life(param, begin + 1)
                life.begin = begin
                life.weight += weight

    def _use(self, values: Iterable[Value], at: int, weight: int) -> None:
        lives = self.lives
        for value in values:
            if value.constant is None:
                life = lives.get(id(value))
                if life is None:
                    life = lives[id(value)] = Life(value, at)
                life.weight += weight

    def _extend(self, loops: list[tuple[int, int]]) -> None:
        """Have what is used in a loop and made before it live to the loop's end.

        By then it may be in another loop, which ends later, so that comes later here.
        """
        loops.sort(key=lambda loop: loop[1])
        for life in self.lives.values():
            begin, end = life.begin, life.end
            for head, last in loops:
                if begin < head <= end < last:
                    end = last
            life.end = end

    def _give_registers(self, lives: Sequence[Life]) -> None:
        active: list[Life] = []
        free = set(self._registers)
        for life in lives:
            begin = life.begin
            if active:
                still = []
                for other in active:
                    if other.end < begin:
                        free.add(other.place)
                    else:
                        still.append(other)
                active = still
            if not free:
                worst = min(active, key=_worth)
                if _worth(worst) >= _worth(life):
                    self._spill(life)
                    continue
                life.place = worst.place
                self._spill(worst)
                active.remove(worst)
            else:
                life.place = self._choose(life, free)
                free.discard(life.place)
            self.used.add(life.place)
            active.append(life)

    def _choose(self, life: Life, free: set[int]) -> int:
        """A free register, if possible one that saves a move."""
        for value in (*life.hint, *life.value.args[:2]):
            other = self.lives.get(id(value))
            if other is not None and other.place in free:
                return other.place
        return next(register for register in self._registers if register in free)

    def _spill(self, life: Life) -> None:
        life.place = self.MEMORY + self.spilled
        self.spilled += 1

    def across(self, at: int, *, with_operands: bool) -> list[int]:
        """Registers with values that are needed after an operation and were there before, or
        also those that it is the last to need."""
        end = at - 1 if with_operands else at
        return [
            life.place
            for life in self.lives.values()
            if life.begin < at and end < life.end and life.place < self.MEMORY
        ]


def _worth(life: Life) -> float:
    return life.weight / (life.end - life.begin + 1)

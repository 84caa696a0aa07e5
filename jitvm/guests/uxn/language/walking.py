"""Checks routines against the stack effects that they declare.

A routine is walked along each of its paths, from its label to where it returns, with the number of
bytes on both stacks, and with those bytes that are known: literals, and the return address that
its caller has left. So it is known where calls and jumps lead, and when the routine returns.

    @half ( a -- b )         working stack       return stack
        #01                  a                   return*
        EQUk ?{              a 01
                SFT JMP2r        b                   -             gives 1: as declared
        } JMP2r              a 01                -             gives 2: wrong

Calls of routines that declare an effect do what they declare; others are walked into. A jump to, or
a fall into another label (with `@`) that declares one ends the path: the rest is its affair.

What is not known is not told. A path ends silently where it cannot be followed: at a computed jump,
at bytes that are no instruction, in a stack pointer that is written. So does the whole walk of a
routine in which a loop leaves one more byte on each of its rounds, or that takes too many steps:
there, paths are not all there is to know.

The idea is that of Uxn's own checker Uxnbal (wiki.xxiivv.com/site/uxntal_types.html).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum

from jitvm.engine.tables.struct import Struct
from jitvm.guests.uxn.encoding import MODE_SHORT, operand_size
from jitvm.guests.uxn.language.effects import Effect
from jitvm.guests.uxn.language.shapes import (
    FLAG,
    OPERAND,
    OTHER,
    PC_HIGH,
    PC_LOW,
    TAKEN,
    UNKNOWN,
    Goes,
    Shape,
    shape_of,
)

MOST_STEPS = 4000
"""Instructions that are looked at for one routine, on all its paths together."""
DEEPEST = 40
"""Routines that are walked because others call them, one inside the other."""
MOST_CELLS = 255
"""Bytes of a stack."""
MEMORY = 0x10000

_BACK = (-10, -11)
"""The return address of the routine's caller, high byte first."""
_BELOW = -1000
"""The first byte below what the routine declares to take; those below it are less."""
_POINTERS = range(3, 6)
"""Ports that write to the stack pointers; to 03 if it is a short."""
_STATE = (0x0E, 0x0F)
"""Ports that end the program; to 0e if it is a short."""


Stacks = tuple[tuple[int, ...], tuple[int, ...]]
"""Cells of the working and of the return stack, from below."""


class Wrong(Enum):
    """What can be wrong with a routine."""

    GIVES = "gives"
    """Another number of bytes on the working stack than it declares."""
    RETURN_STACK = "return stack"
    """Another number on the return stack."""
    TAKES = "takes"
    """It changes bytes below those that it declares to take."""


class Turn(Struct, frozen=True):
    """Where a path could have gone another way, or goes into another routine."""

    address: int
    what: str


class Mismatch(Struct, frozen=True):
    """A path on which a routine does something else than it declares.

    Attributes:
        wrong: what.
        at: the address of the instruction where it shows.
        found, declared: bytes.
        is_wide: whether it looks at bytes below those that it declares to take, all of them shorts.
        turns: the path.
    """

    wrong: Wrong
    at: int
    found: int
    declared: int
    is_wide: bool
    turns: tuple[Turn, ...]


class Outcome(Struct, frozen=True):
    """What the walk of a routine has found.

    Attributes:
        mismatches: what is wrong, the first path for each place.
        may_return: whether there is a path that returns, or nothing is known of it.
        touched: addresses of the instructions that were looked at.
        asked: addresses of the routines whose effects were.
        is_fixed: whether it depends on where in memory something is.
    """

    mismatches: tuple[Mismatch, ...]
    may_return: bool
    touched: frozenset[int]
    asked: frozenset[int]
    is_fixed: bool


class Trust(Struct, frozen=True):
    """What callers know of a routine.

    Attributes:
        is_kept: whether it does what it declares, as far as is known. Where it does not, nothing
            is told of its callers: its fault is told once.
        comes_back: whether it returns on some path. One does not that ends the vector or the
            program, or leaves in a way that cannot be followed, as errors do.
    """

    is_kept: bool
    comes_back: bool


class Code:
    """What walks need of a program, and the outcomes of those that there were.

    Args:
        memory: 64 KiB.
        starts: addresses at which an instruction begins.
        variable: addresses that have a label: what is there may be written.
        declared: effects by the addresses of labels, for calls.
        entries: those of labels with `@`, at which another routine begins.
        loops: those of labels with `&`: a jump to a routine's own address may be a loop.

    Attributes:
        remembered: finds the outcome of an earlier walk of the same routine; may be None.
    """

    __slots__ = (
        "_depth", "_outcomes", "declared", "entries", "loops", "memory", "remembered", "starts",
        "variable",
    )  # fmt: skip

    def __init__(
        self,
        memory: bytes,
        starts: frozenset[int],
        variable: frozenset[int],
        declared: Mapping[int, Effect],
        entries: frozenset[int],
        loops: frozenset[int],
    ) -> None:
        self.memory = memory
        self.starts = starts
        self.variable = variable
        self.declared = declared
        self.entries = entries
        self.loops = loops
        self.remembered: Callable[[int], Outcome | None] | None = None
        self._outcomes: dict[int, Outcome | None] = {}
        self._depth = 0

    def outcome(self, entry: int) -> Outcome:
        """Walk a routine that declares an effect, once."""
        known = self._outcomes.get(entry)
        if known is None:
            self._outcomes[entry] = None
            self._depth += 1
            known = None if self.remembered is None else self.remembered(entry)
            if known is None:
                known = Walk(self, entry, self.declared[entry]).outcome()
            self._depth -= 1
            self._outcomes[entry] = known
        return known

    def known(self, entry: int) -> Outcome | None:
        """The outcome of a walk, if there was one."""
        return self._outcomes.get(entry)

    def trust(self, entry: int) -> Trust:
        """What callers may rely on."""
        is_vector = self.declared[entry].is_vector
        is_open = entry in self._outcomes and self._outcomes[entry] is None
        if is_open or (self._depth > DEEPEST and entry not in self._outcomes):
            return Trust(True, not is_vector)  # it calls itself; or that would take too long
        outcome = self.outcome(entry)
        return Trust(not outcome.mismatches, outcome.may_return and not is_vector)


class _GiveUp(Exception):
    """The routine cannot be known."""


class _Path:
    """How a moment was reached: the turns, and for each jump backwards the stacks at its target.

    A path is a list whose beginning is shared with others.
    """

    __slots__ = ("before", "depth", "target", "turn")

    def __init__(
        self, before: _Path | None, turn: Turn | None, target: tuple[object, ...], depth: int
    ) -> None:
        self.before = before
        self.turn = turn
        self.target = target
        self.depth = depth


class _Moment:
    """The stacks before an instruction.

    Attributes:
        pc: its address.
        stacks: their cells: bytes, FLAG, UNKNOWN, `_BACK`, or `_BELOW` and less.
        below: how many cells of each belong to the caller.
        is_moot: whether it does not matter any more what is on the stacks: the program is told to
            end, or a routine was called that does not do what it declares.
        path: how it was reached.
    """

    __slots__ = ("below", "is_moot", "path", "pc", "stacks")

    def __init__(
        self,
        pc: int,
        stacks: Stacks,
        below: tuple[int, int],
        is_moot: bool,
        path: _Path | None,
    ) -> None:
        self.pc = pc
        self.stacks = stacks
        self.below = below
        self.is_moot = is_moot
        self.path = path

    def on(self, stacks: Stacks) -> _Moment:
        """The same with other stacks."""
        return _Moment(self.pc, stacks, self.below, self.is_moot, self.path)

    def depth(self, stack: int) -> int:
        """Bytes on a stack, without those of the caller."""
        return len(self.stacks[stack]) - self.below[stack]


class Walk:
    """The walk of one routine.

    Args:
        code: the program.
        entry: the routine's address.
        effect: what it declares.

    """

    def __init__(self, code: Code, entry: int, effect: Effect) -> None:
        self._code = code
        self._entry = entry
        self._effect = effect
        self._may_return = False
        self._is_fixed = False
        self._is_wide = True
        self._asked: set[int] = set()
        self._seen: set[tuple[int, Stacks, tuple[int, int], bool]] = set()
        self._found: dict[tuple[Wrong, int], Mismatch] = {}

    def outcome(self) -> Outcome:
        """Walk; nothing is found where not all is known."""
        mismatches: list[Mismatch] = []
        try:
            mismatches = self._walked()
        except _GiveUp:
            self._may_return = True
        return Outcome(
            tuple(each.but(is_wide=each.is_wide and self._is_wide) for each in mismatches),
            self._may_return,
            frozenset(key[0] for key in self._seen),
            frozenset(self._asked),
            self._is_fixed,
        )

    def _walked(self) -> list[Mismatch]:
        """Follow all paths.

        Raises:
            _GiveUp: that does not end, or one cannot be known.
        """
        takes = self._effect.takes
        stacks = ((UNKNOWN,) * takes[0], (UNKNOWN,) * takes[1] + _BACK)
        pending = [_Moment(self._entry, stacks, (0, 0), False, None)]
        for _ in range(MOST_STEPS):
            if not pending:
                return sorted(self._found.values(), key=lambda each: each.at)
            moment = pending.pop()
            key = (moment.pc, moment.stacks, moment.below, moment.is_moot)
            if key not in self._seen:
                self._seen.add(key)
                pending += self._step(moment)
        raise _GiveUp

    # -- one instruction ---------------------------------------------------------------------

    def _step(self, moment: _Moment) -> list[_Moment]:
        """Do one instruction; return where paths go on, the nearest last."""
        code, pc = self._code, moment.pc
        if pc not in code.starts:
            return []
        byte = code.memory[pc]
        shape = shape_of(byte)
        next_pc = (pc + 1 + operand_size(byte)) % MEMORY
        stacks, below = moment.stacks, moment.below
        for stack in (0, 1):
            if len(stacks[stack]) < shape.needs[stack]:
                stacks, below = _lent(stacks, below, stack, shape.needs[stack])
                self._is_wide &= bool(byte & MODE_SHORT)
        found = stacks
        if shape.gives[0] or shape.drops[0]:
            stacks = (self._changed(found, shape, 0, pc, next_pc), stacks[1])
        if shape.gives[1] or shape.drops[1]:
            stacks = (stacks[0], self._changed(found, shape, 1, pc, next_pc))
        is_moot = moment.is_moot
        if shape.port is not None:
            port = self._value(shape.port, found, shape, pc, next_pc)
            if port in _POINTERS and shape.width + port > _POINTERS[1]:
                return []
            is_moot = is_moot or (port in _STATE and shape.width + port > _STATE[1])
        after = _Moment(next_pc, stacks, below, is_moot, moment.path)
        if shape.goes is Goes.ON:
            return [after] if next_pc not in code.entries else self._go(after, next_pc)
        if shape.goes is Goes.ENDS:
            if self._effect.is_vector and not is_moot:
                self._check(after, pc, given=2)
            return []
        target = tuple(self._value(cell, found, shape, pc, next_pc) for cell in shape.target)
        return self._jump(after, pc, shape, target)

    def _value(
        self,
        cell: int,
        found: Stacks,
        shape: Shape,
        pc: int,
        next_pc: int,
    ) -> int:
        """What a cell of a shape stands for."""
        if cell >= TAKEN:
            stack, at = divmod(cell - TAKEN, OTHER)
            return found[stack][at - shape.needs[stack]]
        if cell >= OPERAND:
            address = (pc + 1 + cell - OPERAND) % MEMORY
            return UNKNOWN if address in self._code.variable else self._code.memory[address]
        if cell == PC_HIGH:
            return next_pc >> 8
        return next_pc & 0xFF if cell == PC_LOW else cell

    def _changed(
        self,
        found: Stacks,
        shape: Shape,
        stack: int,
        pc: int,
        next_pc: int,
    ) -> tuple[int, ...]:
        """A stack after an instruction."""
        cells = found[stack]
        drops, gives = shape.drops[stack], shape.gives[stack]
        if drops:
            cells = cells[:-drops]
        if not gives:
            return cells
        if len(cells) + len(gives) > MOST_CELLS:
            raise _GiveUp
        if max(gives) < 0 and PC_HIGH not in gives:
            return cells + gives
        return cells + tuple([self._value(cell, found, shape, pc, next_pc) for cell in gives])

    # -- where it goes -----------------------------------------------------------------------

    def _jump(
        self, after: _Moment, pc: int, shape: Shape, target: tuple[int, ...]
    ) -> list[_Moment]:
        if PC_HIGH in shape.gives[0]:  # a call that leaves the address on the working stack
            return []
        is_call = PC_HIGH in shape.gives[1]
        following: list[_Moment] = []
        if shape.goes is Goes.MAY_JUMP:
            stays = self._with(after, Turn(pc, "not taken"))
            following += self._go(stays, stays.pc)
            after = self._with(after, Turn(pc, "taken"))
        if target == _BACK:
            self._check(after, pc, given=0)
        elif target == (FLAG,):
            # `EQU JMP A B`: the flag skips one instruction of one byte.
            for skipped, what in ((1, "skips"), (0, "does not skip")):
                to = after.pc + skipped
                following += self._go(self._with(after, Turn(pc, what)), to)
        elif _BACK[0] in target or _BACK[1] in target:  # half of it: something lies on top
            self._tell(Wrong.RETURN_STACK, after, pc, after.depth(1) + 2, self._effect.gives[1] + 2)
        elif min(target) >= 0:
            to = int.from_bytes(target, "big", signed=len(target) == 1)
            to = (after.pc + to if shape.is_relative else to) % MEMORY
            if to not in self._code.variable and not shape.needs[1]:
                self._is_fixed = True  # by a number, not by a name
            following += self._call(after, pc, to) if is_call else self._go(after, to, pc)
        return following

    def _call(self, after: _Moment, pc: int, to: int) -> list[_Moment]:
        """Call a routine: do what it declares, or walk into it."""
        effect = self._code.declared.get(to)
        if effect is not None:
            self._asked.add(to)
            trust = self._code.trust(to)
            if not trust.comes_back:
                return []
            self._is_wide &= effect.is_marked or after.depth(0) >= effect.takes[0]
            back = _applied(after.on((after.stacks[0], after.stacks[1][:-2])), effect)
            back.is_moot |= not trust.is_kept
            return self._go(back, after.pc)
        return [self._with(after, Turn(pc, "into"), to)]

    def _go(self, moment: _Moment, to: int, pc: int | None = None) -> list[_Moment]:
        """Go on at an address, by a jump at `pc` or without one: in this routine or, if another one
        begins there, by its effect."""
        is_round = to == self._entry and (pc is None or to in self._code.loops)
        if to in self._code.entries and not is_round:
            self._asked.add(to)
            return self._leave(moment, to, pc)
        if pc is not None and to <= pc:
            return [self._round(moment, to)]
        return [_Moment(to, moment.stacks, moment.below, moment.is_moot, moment.path)]

    def _leave(self, moment: _Moment, to: int, pc: int | None) -> list[_Moment]:
        """Have another routine return in place of this one."""
        cells = moment.stacks[1]
        target = cells[-2:]
        trust = self._code.trust(to)
        if len(target) < 2 or not trust.comes_back:
            return []
        back = _applied(moment.on((moment.stacks[0], cells[:-2])), self._code.declared[to])
        back.is_moot |= not trust.is_kept
        if target == _BACK:
            self._check(back, to if pc is None else pc, given=0)
        elif min(target) >= 0:
            return self._go(back, int.from_bytes(target, "big"), to)
        return []

    def _round(self, moment: _Moment, to: int) -> _Moment:
        """Jump backwards.

        Raises:
            _GiveUp: the path was there before, with another number of bytes.
        """
        target = (to, moment.stacks[1])
        depth = moment.depth(0)
        path = moment.path
        while path is not None:
            if path.target == target and path.depth != depth:
                raise _GiveUp
            path = path.before
        path = _Path(moment.path, None, target, depth)
        return _Moment(to, moment.stacks, moment.below, moment.is_moot, path)

    def _with(self, moment: _Moment, turn: Turn, to: int | None = None) -> _Moment:
        path = _Path(moment.path, turn, (), 0)
        pc = moment.pc if to is None else to
        return _Moment(pc, moment.stacks, moment.below, moment.is_moot, path)

    # -- ends --------------------------------------------------------------------------------

    def _check(self, moment: _Moment, at: int, given: int) -> None:
        """Compare the stacks at the end of a path; `given` more bytes are on the return stack."""
        effect = self._effect
        self._may_return = True
        if moment.is_moot:
            return
        for wrong, stack, declared in (
            (Wrong.GIVES, 0, effect.gives[0]),
            (Wrong.RETURN_STACK, 1, effect.gives[1] + given),
        ):
            if moment.depth(stack) != declared:
                self._tell(wrong, moment, at, moment.depth(stack), declared)
                return
        below = moment.below[0]
        cells = moment.stacks[0][:below]
        for index, cell in enumerate(cells):
            if cell != _BELOW - (below - 1 - index):
                takes = effect.takes[0]
                self._tell(Wrong.TAKES, moment, at, takes + below - index, takes)
                return

    def _tell(self, wrong: Wrong, moment: _Moment, at: int, found: int, declared: int) -> None:
        if (wrong, at) in self._found:
            return
        turns: list[Turn] = []
        path = moment.path
        while path is not None:
            if path.turn is not None:
                turns.append(path.turn)
            path = path.before
        turns.reverse()
        is_wide = moment.below[0] > 0
        self._found[wrong, at] = Mismatch(wrong, at, found, declared, is_wide, tuple(turns))


def _lent(
    stacks: Stacks, below: tuple[int, int], stack: int, needs: int
) -> tuple[Stacks, tuple[int, int]]:
    """Stacks of which one has at least so many cells: the caller's come in from below."""
    missing = needs - len(stacks[stack])
    if missing <= 0:
        return stacks, below
    known = below[stack]
    lent = tuple(range(_BELOW - known - missing + 1, _BELOW - known + 1))
    filled = (*lent, *stacks[stack])
    if stack:
        return (stacks[0], filled), (below[0], known + missing)
    return (filled, stacks[1]), (known + missing, below[1])


def _applied(moment: _Moment, effect: Effect) -> _Moment:
    """The moment after what a routine declares; its return address is not on the stacks."""
    stacks, below = moment.stacks, moment.below
    for stack in (0, 1):
        takes, gives = effect.takes[stack], effect.gives[stack]
        if takes or gives:
            stacks, below = _lent(stacks, below, stack, takes)
            cells = stacks[stack][: len(stacks[stack]) - takes] + (UNKNOWN,) * gives
            stacks = (stacks[0], cells) if stack else (cells, stacks[1])
    return _Moment(moment.pc, stacks, below, moment.is_moot, moment.path)

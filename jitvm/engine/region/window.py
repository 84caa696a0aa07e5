"""What a recording shows: edges between instructions, bytes that change, where loops start.

The recording table writes every instruction into a buffer, a *window* of several thousand: its
program counter, its opcode, and the stack pointers. Hotness says when to look; where a region
starts is chosen from the window: the loop that covers most of what was executed, and the outermost
of several that cover the same.

A *loop* is an address that a jump returns to with the same stack pointers, without having returned
from its function in between (no stack of return addresses went below its level): what lies between
two visits can be one region, with all its calls inlined. If the host delivers events, only the
address where they begin counts: a region ends where the guest halts.
"""

from __future__ import annotations

from _operator import itemgetter, ne
from itertools import compress, count

from jitvm.engine.memory.layout import (
    RECORD_OPCODE,
    RECORD_POINTER_MASK,
    RECORD_POINTERS,
    RECORD_STEP,
)
from jitvm.engine.tables.params import DEFAULTS, Parameters
from jitvm.guest import Guest
from jitvm.guest.light import Counter, cached_property

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from jitvm.engine.region.world import Written

PC = 0xFFFFFFFF
"""The program counter in a recorded instruction."""


class Window:
    """One recording of consecutive instructions.

    Args:
        hot: the address whose counter started it.
        raw: what the recording table wrote, eight bytes an instruction.
        memory: the code space when it ended.
        changed: bytes that differ between its beginning and its end.
        sizes: bytes of each stack.
        events: addresses where the host begins to run the guest.

    Attributes:
        steps, pcs, opcodes: of each instruction, in order; a step is eight bytes of `raw`.
    """

    def __init__(
        self,
        hot: int,
        raw: bytes,
        memory: bytes,
        changed: Written,
        sizes: tuple[int, ...] = (),
        events: frozenset[int] = frozenset(),
    ) -> None:
        self.hot = hot
        self.memory = memory
        self.changed = changed
        self.sizes = sizes
        self.events = events
        # What is counted are numbers, at C's speed; each kind of step is taken apart only once.
        whole = memoryview(raw)
        self.steps = whole.cast("Q").tolist()
        self.pcs = whole.cast("I")[::2].tolist()
        self.opcodes = raw[RECORD_OPCODE // 8 :: RECORD_STEP]
        self._arrivals: list[int] | None = None

    def __len__(self) -> int:
        return len(self.opcodes)

    @cached_property
    def kinds(self) -> Counter[int]:
        """How often each step occurs: an opcode at an address with some stack pointers."""
        return Counter(self.steps)

    @cached_property
    def decoded(self) -> Counter[tuple[int, int]]:
        """How often an address was executed as which opcode."""
        found: Counter[tuple[int, int]] = Counter()
        for step, times in self.kinds.items():
            found[step & PC, step >> RECORD_OPCODE & 0xFF] += times
        return found

    def edges(self, lengths: tuple[int, ...], mask: int) -> Counter[tuple[int, int]]:
        """How often control went from one address to another.

        Only jumps are counted: wherever an instruction did not jump, control fell through.

        Args:
            lengths: of instructions, by opcode.
            mask: of addresses.
        """
        positions = self.arrivals(lengths, mask)
        before = [at - 1 for at in positions]
        sources, targets = _taken(self.pcs, before), _taken(self.pcs, positions)
        found = Counter(zip(sources, targets, strict=True))
        jumped = Counter(zip(sources, _taken(self.opcodes, before), strict=True))
        jumped[self.pcs[-1], self.opcodes[-1]] += 1  # nothing follows the last one
        for (pc, opcode), times in self.decoded.items():
            if fell := times - jumped[pc, opcode]:
                found[pc, (pc + lengths[opcode]) & mask] += fell
        return found

    def pointers(self, pc: int) -> list[tuple[int, int]]:
        """The least and greatest pointer of each recorded stack at an address; empty: not seen.

        Stacks are aligned to their size, so the low bits of an address are the pointer.
        """
        seen = [step for step in self.kinds if step & PC == pc]
        if not seen:
            return []
        found = []
        for size, shift in zip(self.sizes, RECORD_POINTERS, strict=False):
            values = [step >> shift & RECORD_POINTER_MASK & (size - 1) for step in seen]
            found.append((min(values), max(values)))
        return found

    def is_passing(self, lengths: tuple[int, ...], mask: int, params: Parameters) -> bool:
        """Whether nearly all of it was passed a few times at most, with many jumps that were taken
        from there: where else these lead nobody has seen. Other arguments as for `edges`."""
        few, parts = params.few, params.again
        if len(self.decoded) * few < len(self):  # no need to count again
            return False
        passed = {pc: times for pc, times in Counter(self.pcs).items() if times < few}
        if sum(passed.values()) * parts < len(self) * (parts - 1):
            return False
        before = [at - 1 for at in self.arrivals(lengths, mask)]
        return len(passed.keys() & set(_taken(self.pcs, before))) >= params.passed

    def arrivals(self, lengths: tuple[int, ...], mask: int) -> list[int]:
        """Positions that were reached by a jump."""
        if self._arrivals is None:
            self._arrivals = self._find_arrivals(lengths, mask)
        return self._arrivals

    def _find_arrivals(self, lengths: tuple[int, ...], mask: int) -> list[int]:
        decoded = self.decoded
        following = {pc: (pc + lengths[op]) & mask for pc, op in decoded}
        expected: Iterable[int]
        if len(following) < len(decoded):  # some opcode was rewritten in between
            expected = [
                (pc + lengths[op]) & mask for pc, op in zip(self.pcs, self.opcodes, strict=True)
            ]
        else:
            expected = map(following.__getitem__, self.pcs)
        return list(compress(count(1), map(ne, expected, self.pcs[1:])))


def _taken(items: Sequence[int], positions: Sequence[int]) -> Sequence[int]:
    """What is at some positions; in one step of Python, as there are thousands."""
    if len(positions) < 2:
        return [items[at] for at in positions]
    found: tuple[int, ...] = itemgetter(*positions)(items)
    return found


class Loop:
    """A loop found in a window: visits of an address, and instructions between them."""

    __slots__ = ("covered", "pc", "visits")

    def __init__(self, pc: int) -> None:
        self.pc = pc
        self.visits = 0
        self.covered = 0


def starts(window: Window, guest: Guest, params: Parameters = DEFAULTS) -> list[int]:
    """Addresses where a region could start, the best first; the hot one is always among them.

    Loops are ranked by how much of the window they cover, in some parts of it (`ranks`); the one
    with the fewest visits, that is the outermost, comes first among equals.
    """
    loops: dict[int, Loop] = {}
    for loop in _loops(window, guest):
        merged = loops.setdefault(loop.pc, Loop(loop.pc))
        merged.visits += loop.visits
        merged.covered += loop.covered
    part = max(len(window) // params.ranks, 1)
    ranked = sorted(
        (loop for loop in loops.values() if loop.covered * params.cover >= len(window)),
        key=lambda loop: (-(loop.covered // part), loop.visits),
    )
    found = [loop.pc for loop in ranked[: params.starts]]
    return found if window.hot in found else [*found, window.hot]


class _Open:
    """A place that may turn out to be a loop, while nothing returned from below it."""

    __slots__ = ("last", "loop")

    def __init__(self, loop: Loop, last: int) -> None:
        self.loop = loop
        self.last = last


def _loops(window: Window, guest: Guest) -> Iterator[Loop]:
    """Every (address, stack pointers) that is come back to; see the head of this file."""
    steps = window.steps
    shift = next(
        (
            shift
            for stack, shift in zip(guest.stacks, RECORD_POINTERS, strict=False)
            if stack.return_addresses
        ),
        None,
    )
    open_: dict[int, _Open] = {}
    by_depth: list[tuple[int, int]] = []
    for at in window.arrivals(guest.lengths, guest.code_space.size - 1):
        step = steps[at]
        if step & PC in window.events:
            begun = open_.pop(step, None)
            yield from (each.loop for each in open_.values() if each.loop.visits)
            open_.clear()
            by_depth.clear()
            if begun is not None:
                open_[step] = begun
                by_depth.append((0, step))
        depth = 0 if shift is None else (step >> shift) & RECORD_POINTER_MASK
        while by_depth and by_depth[-1][0] > depth:
            closed = open_.pop(by_depth.pop()[1])
            if closed.loop.visits:
                yield closed.loop
        place = open_.get(step)
        if place is None:
            open_[step] = _Open(Loop(step & PC), at)
            by_depth.append((depth, step))
        else:
            place.loop.visits += 1
            place.loop.covered += at - place.last
            place.last = at
    yield from (place.loop for place in open_.values() if place.loop.visits)

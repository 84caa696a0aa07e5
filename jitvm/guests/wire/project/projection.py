"""Projecting natively: a machine, the program of a selection, and what it cannot read.

    offsets ──> a run of the program over messages first .. last ──> messages, side by side
                  │ stops at a message that it cannot read
                  └> `PlainProjection` tells what is wrong with it; or what is kept of it, which is
                     put in its place

So whatever is odd but right costs a Python function, as in reading.
"""

from __future__ import annotations

import ctypes
from collections import Counter, deque

from jitvm.engine.machine.machine import Machine, Tier
from jitvm.guests.wire.faults import Fault
from jitvm.guests.wire.machines import LARGE, SMALL, Programmed
from jitvm.guests.wire.project.instructions import guest
from jitvm.guests.wire.project.passing import Bad
from jitvm.guests.wire.project.plain import PlainProjection
from jitvm.guests.wire.project.program import Choice, make
from jitvm.guests.wire.vm.frames import DONE
from jitvm.guests.wire.vm.operands import BIAS, INPUT, M32, OFFSETS, OUTPUT, STATE
from jitvm.guests.wire.writer import ProgramError

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from typing import Any

    from jitvm.engine.tables.params import Parameters
    from jitvm.guests.wire.pool import OutputSpace
    from jitvm.guests.wire.project.selection import Selection
    from jitvm.guests.wire.writer import Site

    Mistake = tuple[int, int, str, Fault]
    """A message, counted as its offsets are; the byte in it; the field; what is wrong."""

BOTTOM = 4
"""Words below the first frame: fast handlers look whether a stack may wrap, by 16 bytes."""
SAMPLE = 64
"""Messages that are looked at to choose instructions by."""
NEARLY_ALL, TOO_FEW = 0.98, 0.96
"""What part of them has to fit a variant that is taken; below which it is given up."""
LARGEST = (1 << 31) - 1
"""Bytes of the largest message there may be."""


class Projection(Programmed):
    """Makes messages of messages, natively.

    Args:
        selection: what is kept.
        is_delimited: whether the length of each message stands in front of it.
        tier: what executes the program.
        params: limits of the JIT.

    Raises:
        ProgramError: the VM cannot do what is asked for; `PlainProjection` can.
    """

    def __init__(
        self,
        selection: Selection,
        *,
        is_delimited: bool = False,
        tier: Tier = Tier.JIT,
        params: Parameters | None = None,
    ) -> None:
        program = make(selection, is_delimited=is_delimited)
        bits = next((b for b, _ in (SMALL, LARGE) if len(program.code) <= 1 << b), None)
        if bits is None:
            raise ProgramError("a program that is too large for the VM")
        super().__init__(program, guest(bits), tier, params)
        self.selection = selection
        self.is_delimited = is_delimited
        self._idle: deque[Run] = deque()
        self._batches = 0
        self._is_sure = tier is Tier.JIT and self.choices.take()

    def machines(self) -> list[Machine]:
        """The machines that are at rest."""
        return [run.machine for run in list(self._idle)]

    def run(self) -> Run:
        """What projects messages, for one thread, until it is given `back`."""
        try:
            return self._idle.pop()
        except IndexError:
            return Run(self, self.machine(self._tier))

    def back(self, run: Run) -> None:
        """Take back what `run` gave."""
        run.let_go()
        self._idle.append(run)

    def look(self, data: memoryview, offsets: memoryview, first: int, last: int) -> None:
        """Choose instructions that fit some messages: of the first batch, the second, the fourth
        ..., but not of the first where an earlier process has chosen."""
        self._batches += 1
        is_time = self._batches & (self._batches - 1) == 0
        if self._tier is not Tier.JIT or not is_time or (self._batches == 1 and self._is_sure):
            return
        plain = PlainProjection(self.selection)
        for at in range(first, last, -(-(last - first) // SAMPLE) or 1):
            try:
                plain.projected(data[offsets[at] : offsets[at + 1]])
            except Bad:
                continue
        for site in self.program.sites:
            assert isinstance(site, Choice)
            variant = _variant(site, plain.seen.get(site.key, Counter()))
            if variant != site.chosen:
                self.choose(site, variant)
        self.choices.keep()


def _variant(site: Site, sizes: Counter[int]) -> str:
    """The variant to take: the one there is, unless it fits too few."""
    total = sizes.total()
    is_special = site.chosen != site.variants[-1]
    if not total or (is_special and _fitting(site.chosen, sizes) >= TOO_FEW * total):
        return site.chosen
    for variant in site.variants[:-1]:
        if _fitting(variant, sizes) >= NEARLY_ALL * total:
            return variant
    return site.variants[-1]


def _fitting(variant: str, sizes: Counter[int]) -> int:
    if variant in ("10", "any"):
        return sizes.total()
    if variant in ("1", "2"):
        return sizes[int(variant)]
    most = int(variant.rpartition("-")[2])
    return sum(often for size, often in sizes.items() if size <= most)


class Run:
    """One machine, and the memory it works on."""

    def __init__(self, projection: Projection, machine: Machine) -> None:
        self.machine = machine
        self._projection = projection
        state = machine.state
        self._own = state.spaces[OUTPUT]
        self._frames = state.stacks[0].cast("I")
        self._bias = state.spaces[STATE][BIAS : BIAS + 8].cast("Q")
        self._version = -1
        self._out: OutputSpace | None = None

    def let_go(self) -> None:
        """Hold on to no memory of others."""
        self.machine.attach(OUTPUT, self._own)
        self.machine.attach(INPUT, None)
        self.machine.attach(OFFSETS, None)
        self._out = None

    def show(self, out: OutputSpace) -> None:
        """Have it write to memory of the pool."""
        if out is self._out:
            return
        size = self.machine.guest.spaces[OUTPUT].mapped
        shown: Any = (ctypes.c_ubyte * size).from_address(out.address)
        shown.space = out  # it lives as long as it is shown
        self.machine.attach(OUTPUT, shown)
        self._out = out

    def project(
        self, data: memoryview, offsets: memoryview, first: int, last: int, row: int, cursor: int
    ) -> tuple[int, int, int]:
        """Project messages to where rows and bytes go on.

        Args:
            data, offsets: messages side by side.
            first, last: which of them.
            row: number of the next row.
            cursor: address in OUTPUT of its first byte.

        Returns:
            The message that could not be read, or `last`; the next row then, and its first byte.
        """
        projection, machine = self._projection, self.machine
        if projection.version != self._version:  # another thread may have chosen, too
            self._version = projection.version
            projection.follow(machine)
        begin = offsets[first]
        machine.attach(INPUT, data[begin : begin + (1 << 32)])
        machine.attach(OFFSETS, offsets)
        self._bias[0] = begin
        words = (last, first - 1, row - 1, 0, cursor, cursor, cursor, 0, 0, 0)
        for i, word in enumerate(words, BOTTOM):
            self._frames[i] = word & M32
        machine.state.pointers[0] = 4 * (BOTTOM + len(words))
        machine.run(projection.program.start)
        at, row, cursor = (self._frames[BOTTOM + i] for i in (1, 2, 4))
        return (last if machine.state.reason == DONE else at), row, cursor

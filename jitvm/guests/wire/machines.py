"""A program of the wire VM with the machines that execute it, of which each thread has its own."""

from __future__ import annotations

import atexit
from functools import cache

from jitvm.engine.interpreter.installed import handlers_are_ready
from jitvm.engine.machine.machine import Machine, Tier
from jitvm.engine.memory.cache import CodeCache
from jitvm.guests.wire.buffers import ADDRESS_BITS
from jitvm.guests.wire.choice import Choices
from jitvm.guests.wire.writer import ProgramError
from jitvm.prepared import PREPARED

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterable

    from jitvm.engine.tables.params import Parameters
    from jitvm.guest import Guest
    from jitvm.guests.wire.buffers import Layout
    from jitvm.guests.wire.choice import Sample
    from jitvm.guests.wire.writer import Program, Site

SMALL, LARGE = zip((16, 20), ADDRESS_BITS, strict=True)
"""Bits of addresses in programs and in columns: two machines for all, so that there is native code
for one at hand. Where the system has not so many addresses, there is one with few for columns."""


def address_bits(program: Program, layout: Layout) -> tuple[int, int]:
    """Bits of addresses in a program and in columns of a machine that can have them.

    Raises:
        ProgramError: there is none.
    """
    for bits in (SMALL, LARGE):
        if len(program.code) <= 1 << bits[0] and layout.size <= 1 << bits[1]:
            return bits
    raise ProgramError("a program or columns that are too large for the VM")


class Programmed:
    """A program, what is chosen of it, and how machines come to it.

    Args:
        program: which.
        guest: the VM that executes it.
        tier: what executes the program.
        params: limits of the JIT.

    Attributes:
        program, guest: the same.
        choices: what is kept of it between processes.
        version: how often anything was chosen.
    """

    def __init__(
        self, program: Program, guest: Guest, tier: Tier, params: Parameters | None
    ) -> None:
        self.program = program
        self.guest = guest
        self.choices = Choices(program)
        self._tier = tier
        self._params = params
        self._is_at_hand = False
        self.version = 0

    @property
    def is_native_at_hand(self) -> bool:
        """Whether nothing has to be compiled for the program as it is."""
        if not self._is_at_hand:
            self._is_at_hand = handlers_are_ready(self.guest, CodeCache(), self.program.opcodes)
        return self._is_at_hand

    def learn(self, sample: Sample) -> None:
        """Take the variants of instructions that fit some values."""
        for site in self.program.sites:
            variant = sample.variant(site)
            if variant != site.chosen:
                self.choose(site, variant)
        self.choices.keep()

    def choose(self, site: Site, variant: str) -> None:
        """Take another variant of an instruction, between batches."""
        at = self.program.choose(site, variant)
        self._is_at_hand = False
        self.version += 1
        for machine in self.machines():
            machine.memory[at] = self.program.code[at]
            machine.code_written(at, 1)

    def follow(self, machine: Machine) -> None:
        """Have a machine execute the variants that are chosen."""
        for site in self.program.sites:
            byte = self.program.code[site.at]
            if machine.memory[site.at] != byte:
                machine.memory[site.at] = byte
                machine.code_written(site.at, 1)

    def machines(self) -> Iterable[Machine]:
        """The machines that are at rest."""
        raise NotImplementedError

    def machine(self, tier: Tier) -> Machine:
        """A machine with the program."""
        if PREPARED.missing:
            _prepare_at_exit()
        opcodes = self.program.opcodes
        made = Machine(self.guest, tier=tier, params=self._params, opcodes=opcodes)
        code = self.program.code
        made.memory[: len(code)] = code
        if self._params is None:
            made.defer_jit(unfinished=False)
        made.prepare(self.choices.program)
        return made


@cache
def _prepare_at_exit() -> None:
    """Have the modules that were not prepared written when the process ends: it keeps its native
    code, too, so the next one that decodes begins with both."""
    atexit.register(_prepare)


def _prepare() -> None:
    if PREPARED.missing:  # a command has written them by now
        from jitvm.preparing import prepare

        prepare()

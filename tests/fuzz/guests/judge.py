"""Runs the programs of a random guest at all tiers and says where they differ.

The reference is the oracle; each program runs there to its limit, in one go, and then

    interpreter  to its limit in pieces, counted; without counting where it halts
    jit, ir      the same, with regions compiled at once
    aarch64      the interpreter and the JIT in the emulator, where the case says so

A guest that its description's checks refuse is discarded. What is above a stack pointer is
unspecified as for Uxn: see `tests.fuzz.judge`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache

from jitvm.engine.codegen.native import Compiler
from jitvm.engine.interpreter.making import make_unit
from jitvm.engine.interpreter.unit import Unit
from jitvm.engine.machine.machine import Machine, Tier
from jitvm.engine.machine.reference import ReferenceTier
from jitvm.engine.memory.layout import EXITS
from jitvm.engine.tables.params import Parameters
from jitvm.guest import DescriptionError
from jitvm.testing.oracle import Spoiler
from tests.engine.emulated import EmulatedMachine
from tests.fuzz.guests.assembler import Assembler
from tests.fuzz.guests.case import GuestCase, Program
from tests.fuzz.guests.lab import GuestLab, Outcome
from tests.fuzz.judge import DeadBytes, Verdict, but_for_dead_bytes
from tests.jit.emulated import emulated_jit


class Difference(Exception):
    """Two tiers differ; the message says which and in what."""


def judge_guest(case: GuestCase) -> Verdict:
    """Run a case; see the head of this file."""
    try:
        Machine(case.guest(), tier=Tier.REFERENCE)
    except (DescriptionError, NameError, SyntaxError) as error:
        return Verdict("discard", f"refused: {error}", programs=0)
    try:
        judging = Judging(case)
    except DescriptionError as error:  # what one tier takes all take
        return Verdict("fail", f"refused by native code alone: {error}", programs=0)
    for number, program in enumerate(case.programs):
        try:
            judging.judge(program)
        except Difference as found:
            return judging.verdict("fail", f"{found} (program {number})")
    return judging.verdict("ok")


class Judging:
    """One guest, compiled, and what its programs did so far.

    Raises:
        DescriptionError: the guest is refused.
    """

    def __init__(self, case: GuestCase) -> None:
        self.case = case
        self.guest = case.guest()
        self._assembler = Assembler(case.shape, case.rows)
        Machine(self.guest, tier=Tier.INTERPRETER, cache=None)
        self._emulated: Unit | None = None
        if case.emulated:
            self._emulated = make_unit(self.guest, architecture="aarch64")
        self._programs = self._executed = self._installed = self._taken = 0

    def verdict(self, kind: str, detail: str = "") -> Verdict:
        """What has been found so far."""
        counts = self._executed, self._installed, self._taken, self._programs
        return Verdict(kind, detail, *counts)

    def judge(self, program: Program) -> None:
        """Run one program at all tiers.

        Raises:
            Difference: they differ.
        """
        self._program = program
        self._code = self._assembler.assemble(program)
        expected = self._run(self._machine(Tier.REFERENCE), limited=True)
        self._programs += 1
        self._executed += expected.executed
        self._looks = False
        for name, machine in self._machines():
            with machine as entered:
                entered.counting = True
                self._compare(name, expected, self._run(entered, limited=True))
                self._count(entered)
        if expected.stop != "halt" or self._looks:  # without a limit it might never end
            return
        for name, machine in self._machines():
            with machine as entered:
                uncounted = expected._replace(executed=-1)
                self._compare(f"{name}, uncounted", uncounted, self._run(entered, limited=False))
                self._count(entered)

    # -- machines ----------------------------------------------------------------------------

    def _machine(self, tier: Tier) -> Machine:
        params = Parameters().changed(self._program.params)
        return Machine(self.guest, tier=tier, cache=None, params=params)

    def _machines(self) -> Iterator[tuple[str, AbstractContextManager[Machine]]]:
        """A new machine of each native tier."""
        for tier in (Tier.INTERPRETER, Tier.JIT, Tier.IR):
            yield tier.value, _as_it_is(self._machine(tier))
        if self._emulated is not None:
            yield "aarch64", _as_it_is(EmulatedMachine(self.guest, self._emulated))
            machine = EmulatedMachine(self.guest, self._emulated)
            params = Parameters().changed(self._program.params)
            yield "aarch64 jit", emulated_jit(machine, params, _compiler())

    def _count(self, machine: Machine) -> None:
        """Add up what a machine's JIT did."""
        if machine.jit is None or machine.tier is Tier.IR:
            return
        layout, done = machine.layout, machine.jit.statistics
        self._installed += done.installed
        self._taken += sum(machine.block.view(layout.exits, 4 * EXITS).cast("I").tolist())
        if done.refused["COMPILER"]:
            raise Difference("refused: LLVM did not take a region")

    # -- comparing ---------------------------------------------------------------------------

    def _run(self, machine: Machine, *, limited: bool) -> Outcome:
        lab = GuestLab(machine, self.case.shape)
        lab.load(self._program, self._code)
        return lab.run(self._program, limited=limited)

    def _compare(self, name: str, expected: Outcome, got: Outcome) -> None:
        def spoil(noise: int) -> tuple[Outcome, bool]:
            machine = self._machine(Tier.REFERENCE)
            spoiler = Spoiler(self.guest, machine.state, noise)
            reference = machine._executor
            assert isinstance(reference, ReferenceTier)
            reference.interpreter = spoiler
            return self._run(machine, limited=True), spoiler.has_looked

        try:
            found = but_for_dead_bytes(expected, got, spoil)
        except DeadBytes:
            self._looks = True
            return
        if found:
            raise Difference(f"{name}: {found}")


@contextmanager
def _as_it_is(machine: Machine) -> Iterator[Machine]:
    yield machine


@cache
def _compiler() -> Compiler:
    return Compiler("aarch64")

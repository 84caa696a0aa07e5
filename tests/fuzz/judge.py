"""Runs a case at several tiers and says where they differ.

The native interpreter with a budget comes first: a program that does not halt within its limit
is discarded. Then the JIT; the reference where the program is short enough or the two differ.

What native code leaves above a stack pointer is unspecified. A program that looks at such *dead*
bytes (it moved a pointer up without pushing, or walked all around a stack) may rightly differ.
Whether one did is found by running it on reference interpreters that spoil every byte they pop,
each in its own way. Bytes of the stacks that come out different then are not compared; if anything
else differs, and popped bytes were read again, the case is discarded.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

from jitvm.engine.machine.machine import Machine, Tier
from jitvm.engine.machine.reference import ReferenceTier
from jitvm.engine.memory.layout import EXITS
from jitvm.engine.tables.params import Parameters
from jitvm.guests.uxn.assembler import AssemblyError
from jitvm.testing.oracle import Spoiler
from tests.fuzz.case import Case
from tests.fuzz.guests.lab import Outcome as GuestOutcome
from tests.fuzz.lab import Lab, Outcome

REFERENCE_LIMIT = 30_000
"""Instructions up to which every case also runs on the reference."""

REPEAT_SECONDS = 1.0

Seen = TypeVar("Seen", Outcome, GuestOutcome)
"""What was seen of a run, of Uxn or of a random guest."""
Spoil = Callable[[int], tuple[Seen, bool]]
"""Of noise: what is seen of a run in which popped bytes become it, and whether it read them."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a case.

    Attributes:
        kind: `ok`, `fail` or `discard`.
        detail: the first difference, or why the case is no use.
        executed: instructions.
        installed: regions that were installed.
        taken: times that one of them was left.
        programs: how many the case had.
    """

    kind: str
    detail: str = ""
    executed: int = 0
    installed: int = 0
    taken: int = 0
    programs: int = 1


class DeadBytes(Exception):
    """The outcome of a case depends on what is above a stack pointer."""


def judge(case: Case, patience: float = 0.0) -> Verdict:
    """Run a case; see the head of this file.

    Args:
        patience: seconds in which a case is repeated until something is installed.
    """
    try:
        rom = case.rom()
    except AssemblyError as error:
        return Verdict("discard", str(error).splitlines()[0])
    plain = Lab(Tier.INTERPRETER)
    plain.machine.counting = True
    expected = plain.run(case, rom)
    executed = plain.machine.executed
    if expected.stop not in ("halt", "fault in event"):
        return Verdict("discard", expected.stop, executed)
    lab, spoil = Lab(Tier.JIT, Parameters().changed(case.params)), _spoil(case, rom)
    try:
        if executed <= REFERENCE_LIMIT:
            reference = Lab(Tier.REFERENCE).run(case, rom)
            if found := but_for_dead_bytes(reference, expected, spoil):
                return Verdict("fail", f"interpreter: {found}", executed)
        lab.load(case, rom)
        found = _found_in_some(lab, case, expected, spoil, patience)
    except DeadBytes:
        return Verdict("discard", "looks at dead bytes", executed, *_use(lab.machine))
    installed, taken = _use(lab.machine)
    if refused := _refused(lab.machine):
        return Verdict("fail", f"refused: LLVM took {refused} regions not", executed, installed)
    return Verdict("fail" if found else "ok", found, executed, installed, taken)


def _found_in_some(
    lab: Lab, case: Case, expected: Outcome, spoil: Spoil[Outcome], patience: float
) -> str:
    """Run a case as often as it asks for, or until an outcome differs or time is up; how it
    differs."""
    start, begin = lab.machine.snapshot(), time.monotonic()
    for run in itertools.count(1):
        found = but_for_dead_bytes(expected, lab.go(case), spoil)
        spent = time.monotonic() - begin
        is_enough = run >= case.repeat or spent > REPEAT_SECONDS
        is_used = _use(lab.machine)[0] > 0 or spent > patience
        if found or (is_enough and is_used):
            break
        lab.start_again()
        lab.machine.restore(start)
    return found


def _use(machine: Machine) -> tuple[int, int]:
    """Regions installed, and exits from them."""
    if machine.jit is None:
        return 0, 0
    layout = machine.layout
    exits = machine.block.view(layout.exits, 4 * EXITS).cast("I")
    return machine.jit.statistics.installed, sum(exits.tolist())


def _refused(machine: Machine) -> int:
    """Regions that LLVM refused: each is a bug, although nothing goes wrong."""
    return 0 if machine.jit is None else machine.jit.statistics.refused["COMPILER"]


def difference(expected: Seen, got: Seen) -> str:
    """The first thing in which two outcomes differ; empty where there is none."""
    for name, a, b in zip(expected._fields, expected, got, strict=True):
        if a != b:
            return f"{name}: {_describe(a, b)}"
    return ""


def _describe(expected: object, got: object) -> str:
    if isinstance(expected, tuple) and isinstance(got, tuple):
        for i, (a, b) in enumerate(zip(expected, got, strict=False)):
            if a != b:
                return f"[{i}] {_describe(a, b)}"
        return f"{len(expected)} entries expected, got {len(got)}"
    if isinstance(expected, bytes) and isinstance(got, bytes):
        places = [i for i, (a, b) in enumerate(zip(expected, got, strict=False)) if a != b]
        shown = ", ".join(f"{i:04x}: {expected[i]:02x} got {got[i]:02x}" for i in places[:6])
        return f"{len(places)} bytes differ, of {len(expected)} and {len(got)}; {shown}"
    return f"expected {expected}, got {got}"


def disagreement(case: Case, rom: bytes, expected: Outcome, got: Outcome) -> str:
    """As `difference`, of a case that was run on native code, but for dead bytes.

    Raises:
        DeadBytes: there is a difference, but the case looks at such bytes.
    """
    return but_for_dead_bytes(expected, got, _spoil(case, rom))


def _spoil(case: Case, rom: bytes) -> Spoil[Outcome]:
    """What gives outcomes of spoilers for a case; each is run once."""

    @cache
    def spoil(noise: int) -> tuple[Outcome, bool]:
        lab = Lab(Tier.REFERENCE)
        spoiler = Spoiler(lab.machine.guest, lab.machine.state, noise)
        reference = lab.machine._executor
        assert isinstance(reference, ReferenceTier)
        reference.interpreter = spoiler
        return lab.run(case, rom), spoiler.has_looked

    return spoil


def but_for_dead_bytes(expected: Seen, got: Seen, spoil: Spoil[Seen]) -> str:
    """As `difference`, where `spoil` gives outcomes of spoilers, and whether they looked.

    Raises:
        DeadBytes: there is a difference, but dead bytes were looked at.
    """
    if not difference(expected, got):
        return ""
    spoiled = []
    for noise in (0, 1, 0xBEEF):
        outcome, has_looked = spoil(noise)
        if has_looked and outcome.stop != expected.stop:
            raise DeadBytes  # often without end, which takes long enough to see once
        spoiled.append((outcome, has_looked))
    plain, others = expected.stacks, [outcome.stacks for outcome, _ in spoiled]
    found = difference(_masked(expected, plain, others), _masked(got, plain, others))
    if found and any(looked for _, looked in spoiled):
        raise DeadBytes
    return found


def _masked(outcome: Seen, plain: tuple[bytes, ...], spoiled: list[tuple[bytes, ...]]) -> Seen:
    """An outcome with zeros where spoiling popped bytes changed a stack."""
    stacks = []
    for index, stack in enumerate(outcome.stacks):
        rows = zip(stack, plain[index], *(each[index] for each in spoiled), strict=False)
        stacks.append(bytes(byte if len({*row}) == 1 else 0 for byte, *row in rows))
    return outcome._replace(stacks=tuple(stacks))

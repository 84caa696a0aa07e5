"""Running programs with the JIT and proving that regions were used.

`compare(source)` runs a program on the interpreter and on the JIT, in the lab of the fuzzer, and
compares everything one can see. `EAGER` compiles at the first jumps and makes the run wait. With
default parameters, `settled` lets a program run again and again until regions are in.

When a machine that compiles in the background has its JIT, and when a region is in, depends on the
machine these tests run on. What has to be there before the program runs is waited for by `warm`;
all else by `until`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from jitvm.engine.jit.jit import Jit
from jitvm.engine.machine.machine import Machine, Tier
from jitvm.engine.memory.cache import CodeCache
from jitvm.engine.memory.layout import EXITS
from jitvm.engine.tables.params import Parameters
from jitvm.guest import Stop
from jitvm.guests.uxn import UXN
from jitvm.guests.uxn.assembler import assemble
from tests.clock import until
from tests.fuzz.case import Case
from tests.fuzz.judge import difference, disagreement
from tests.fuzz.lab import START, Lab

EAGER: Mapping[str, int] = {"hot": 1, "window": 256, "background": 0}
SUM = slice(2, 4)
"""Where programs of `loop` add up."""


@dataclass(frozen=True, slots=True)
class Used:
    """What the JIT did in a run.

    Attributes:
        installed, invalidated: regions that were installed, and thrown away.
        exits: times a region was left.
        starts: where regions start now.
    """

    installed: int
    invalidated: int
    exits: int
    starts: frozenset[int]


def jit_of(machine: Machine) -> Jit:
    """A machine's JIT; there is one once it has run for a while."""
    assert machine.jit is not None
    return machine.jit


def has_jit(machine: Machine) -> bool:
    """Whether a machine has run for so long that it has a JIT."""
    return machine.jit is not None


def used(machine: Machine) -> Used:
    """What a machine's JIT has done since it was made; LLVM took every region."""
    jit = jit_of(machine)
    assert not jit.statistics.refused["COMPILER"]
    exits = machine.block.view(machine.layout.exits, 4 * EXITS).cast("I")
    done = jit.statistics
    return Used(done.installed, done.invalidated, sum(exits.tolist()), frozenset(jit.regions))


def eager(source: str, **params: int) -> Machine:
    """A machine that compiles at once, with a program in it."""
    return loaded(source, Tier.JIT, Parameters().changed({**EAGER, **params}))


def patient(source: str, **params: int) -> Machine:
    """A machine with default parameters, with a program in it; it keeps and finds no regions."""
    return loaded(source, Tier.JIT, Parameters().changed({"keep": 0, **params}))


def warm(machine: Machine, budget: int | None = None) -> Machine:
    """Have a machine make its JIT, with what was kept for it, before its program has begun: it
    halts at address 0, where there is nothing, until it has run for long enough."""

    def is_warm() -> bool:
        for _ in range(1000):
            assert machine.run(0, max_instructions=budget) is Stop.HALT
        return has_jit(machine)

    until(is_warm)
    return machine


def interpreted(source: str) -> Machine:
    """A machine without a JIT, with a program in it."""
    return loaded(source, Tier.INTERPRETER, None)


def loaded(
    source: str, tier: Tier, params: Parameters | None, cache: CodeCache | None = None
) -> Machine:
    """A machine with a program in it; the interpreter's code is that of all tests."""
    machine = Machine(UXN, tier=tier, cache=cache or CodeCache(), params=params)
    rom = assemble(source).rom
    machine.memory[START : START + len(rom)] = rom
    return machine


def again(machine: Machine, clear: int = 0x20) -> int:
    """Run a program of `loop` from its start; its sum."""
    machine.memory[0:clear] = bytes(clear)
    machine.state.pointers[:] = (0, 0)
    assert machine.run(START) is Stop.HALT
    return int.from_bytes(machine.memory[SUM], "big")


def compare(source: str, **settings: object) -> Used:
    """Run a program on the interpreter and eagerly compiled; all one can see must agree.

    Args:
        source: a program that halts.
        settings: of `Case`; `params` are added to `EAGER`.
    """
    given = settings.pop("params", {})
    assert isinstance(given, Mapping)
    case = replace(Case(source), params={**EAGER, **given}, **settings)  # type: ignore[arg-type]
    rom = case.rom()
    expected = Lab(Tier.INTERPRETER).run(case, rom)
    assert expected.stop == "halt"
    lab = Lab(Tier.JIT, Parameters().changed(case.params))
    assert not disagreement(case, rom, expected, lab.run(case, rom))
    return used(lab.machine)


def settled(source: str) -> Used:
    """As `compare`, with default parameters: runs of one machine until regions were entered."""
    case = Case(source, limit=1 << 40)
    rom = case.rom()
    expected = Lab(Tier.INTERPRETER).run(case, rom)
    lab = Lab(Tier.JIT, Parameters(keep=0))
    lab.load(case, rom)
    fresh = lab.machine.snapshot()

    def is_entered() -> bool:
        lab.machine.restore(fresh)
        lab.start_again()
        assert not difference(expected, lab.go(case))
        return has_jit(lab.machine) and used(lab.machine).exits > 0

    until(is_entered)
    return used(lab.machine)

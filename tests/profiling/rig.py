"""Machines and profiles that tests share."""

from __future__ import annotations

from jitvm.engine.machine.machine import Machine, Tier
from jitvm.engine.tables.params import Parameters
from jitvm.guests.uxn import UXN
from jitvm.guests.uxn.assembler import assemble
from jitvm.guests.uxn.places import naming
from jitvm.profiling import Mode, Profile

EAGER = {"background": 0, "hot": 4, "window": 256, "keep": 0}
"""Compile at the first jumps, and let the guest wait for it."""
COUNTING = "|0100 @begin #0000 @count INC2 DUP2 #1000 LTH2 ?count BRK"
"""One instruction, then five for each of 4096 turns, then BRK."""
CALLS = """
|0000 @sum $2
|0100 @on-reset ( -> )
    #0000
    &loop DUP2 work INC2 DUP2 #2000 LTH2 ?&loop POP2
    #0000 STH2
    &again STH2kr tail STH2r INC2 DUP2 STH2 #2000 LTH2 ?&again BRK
@work ( n* -- )
    .sum LDZ2 ADD2 .sum STZ2 JMP2r
@tail ( n* -- )
    #0003 MUL2 POP2 JMP2r
"""
FOREVER = "|0100 @spin #0000 &turn INC2 DUP2 #ff00 LTH2 ?&turn POP2 !spin"


def machine_with(source: str, tier: Tier = Tier.JIT, **params: int) -> Machine:
    """A machine with a program in memory."""
    machine = Machine(UXN, tier=tier, params=Parameters().changed({**EAGER, **params}))
    rom = assemble(source).rom
    machine.memory[0x100 : 0x100 + len(rom)] = rom
    return machine


def profiled(
    source: str, mode: Mode = Mode.EXACT, *, budget: int | None = None, **params: int
) -> Profile:
    """A profile of a program's whole run, with its labels."""
    assembly = assemble(source, name="test.tal")
    machine = machine_with(source, Tier.JIT, **params)
    names = naming(assembly.symbols, assembly.source_map)
    with Profile(machine, mode=mode, naming=names, title="test.tal") as profile:
        machine.run(0x100, max_instructions=budget)
    return profile


def count_of(source: str, budget: int | None = None) -> int:
    """Instructions of a program, by the interpreter."""
    machine = machine_with(source, Tier.INTERPRETER)
    machine.counting = True
    machine.run(0x100, max_instructions=budget)
    return machine.executed
